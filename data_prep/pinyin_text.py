"""Sentences with their pinyin: what hanzi are tuned and measured with.

The files have lines of `wav path TAB pinyin TAB hanzi`, such as

    …/A11_1.wav TAB ta1 jin3 ping2 yao1 bu4 de li4 liang4 … TAB 他仅凭腰部的力量…

What their pinyin is, seen on THCHS-30's training and AISHELL's development sentences:
tones of a dictionary, not of speech. Third tones stand unchanged (wo3 ke3 yi3); 一 and
不 mostly too, but not in words that a dictionary of phrases has (yi2 ding4, bu2 shi4).
A syllable without a digit has the neutral tone (de, le, men); most words with a neutral
second syllable have its full tone instead (peng2 you3). 得 is de2 as a rule, 地 de or
di4, 成绩 cheng2 ji1, 谁 shei2. Some 0.2 % of the readings are wrong for their sentence
(chang2 for zhang3). ü is v; Latin letters stand for themselves.
"""

import pathlib
import unicodedata
from typing import NamedTuple

from zhasr import pinyin


class TranscriptError(ValueError):
    """A file that is no such transcript; the message names it."""


class Sentence(NamedTuple):
    """Syllables and hanzi of one sentence.

    Attributes:
        syllables: tuple of str, toned.
        text: str, one character for each syllable.
    """

    syllables: tuple[str, ...]
    text: str


def read(path):
    """Reads a file, each row of it.

    Args:
        path: path.

    Returns:
        list of Sentence.

    Raises:
        TranscriptError: the file is missing, or a line is something else.
    """
    path = pathlib.Path(path)
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise TranscriptError(
            f"{path}: expected lines of path, pinyin and hanzi ({error})"
        ) from None
    return [_sentence(path, number, line) for number, line in enumerate(lines, 1)]


def distinct(sentences):
    """One of each that have the same text, in the order of the first: list."""
    found = {}
    for sentence in sentences:
        found.setdefault(sentence.text, sentence)
    return list(found.values())


def toneless(sentence):
    """The syllables without their tones: tuple of str."""
    return tuple(map(pinyin.base, sentence.syllables))


def spoken(sentence):
    """The syllables as a careful speaker says them: tuple of str, with tone sandhi.

    Where the reading differs from that of the file by more than a tone, the file's is
    kept; letters too.
    """
    if not pinyin.has_only_hanzi(sentence.text):
        return sentence.syllables
    pairs = zip(sentence.syllables, pinyin.syllables(sentence.text), strict=True)
    return tuple(
        said if pinyin.base(said) == pinyin.base(written) else written
        for written, said in pairs
    )


def _sentence(path, number, line):
    columns = unicodedata.normalize("NFKC", line).split("\t")
    found = columns[1].split() if len(columns) == 3 else []
    text = columns[-1].strip().upper()
    if not found or len(found) != len(text):
        raise TranscriptError(
            f"{path}:{number}: expected path, pinyin and as many hanzi, separated by "
            f"tabs, received {line[:60]!r}"
        )
    return Sentence(tuple(map(_syllable, found, text)), text)


def _syllable(spelling, character):
    if not pinyin.has_only_hanzi(character):
        return pinyin.UNKNOWN + character
    return pinyin.normalise_syllable(spelling, neutral=True)
