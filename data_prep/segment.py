"""Text on disk -> clean lines -> streams of token numbers.

    *.txt, *.txt.xz --collect--> one file of lines --cut--> *.npy, -1 after a line

A line is a run of hanzi: whatever stands between (punctuation, digits, letters) ends
it. The tokens of a word model are words of jieba's dictionary, found by its most
likely path with the hidden Markov model off: that one would guess new words that no
dictionary has a reading for, where the lattice of `zhasr.hanzi` would never find them.
What is in no word is a single character.
"""

import functools
import lzma
import pathlib
import re
import warnings
from collections import Counter
from dataclasses import dataclass, field

import numpy as np
import tqdm

from data_prep import contamination, workers
from zhasr import pinyin

LINE_END = -1  # after every line of a stream
FIRST_CHARACTER = 2**20  # token numbers of characters: this and their code point
HELD_OUT_EVERY = 500  # lines, where no text is named for the perplexity
PIECE_BYTES = 2**20  # of text that a process cuts at once
SUFFIXES = (".txt", ".txt.xz")

_HANZI_RUN = re.compile(f"[{pinyin.HANZI}]+")


class TextError(ValueError):
    """Text that cannot be read; the message names the file."""


@dataclass
class Collected:
    """What was read, by the name of the file.

    Attributes:
        lines: Counter of str, kept.
        characters: Counter of str, kept.
        removed: Counter of str, lines that hold or are part of an excluded sentence.
        held_out: list of str, lines that are not learned but asked for.
    """

    lines: Counter = field(default_factory=Counter)
    characters: Counter = field(default_factory=Counter)
    removed: Counter = field(default_factory=Counter)
    held_out: list[str] = field(default_factory=list)


def find_files(path):
    """The text files of a folder, or the file itself.

    Args:
        path: path of a folder or of a file.

    Returns:
        list of pathlib.Path.

    Raises:
        TextError: there is none.
    """
    path = pathlib.Path(path)
    if not path.is_dir():
        return [path]
    found = [one for one in sorted(path.iterdir()) if one.name.endswith(SUFFIXES)]
    if not found:
        raise TextError(f"{path}: expected files {' or '.join(SUFFIXES)}, found none")
    return found


def read_lines(path):
    """The hanzi of a text file.

    Args:
        path: path of a UTF-8 file, .txt or .txt.xz. Of a transcript, whose lines
            have columns separated by tabs, the last column counts, and a sentence
            that several people read counts once.

    Yields:
        str, runs of hanzi.

    Raises:
        TextError: it cannot be read; it names the file.
    """
    path = pathlib.Path(path)
    said = set()
    opener = lzma.open if path.suffix == ".xz" else open
    try:
        with opener(path, "rt", encoding="utf-8-sig") as file:
            for line in file:
                _, tab, text = line.rpartition("\t")
                if tab and text in said:
                    continue
                if tab:
                    said.add(text)
                yield from _HANZI_RUN.findall(text)
    except (OSError, EOFError, UnicodeDecodeError, lzma.LZMAError) as error:
        raise TextError(f"{path}: expected UTF-8 text ({error})") from None


def collect(paths, out, excluded=(), hold_out=True):
    """Writes the lines of some files into one.

    Args:
        paths: list of paths of text files.
        out: path of the file to write, one line each.
        excluded: iterable of str, sentences that must not be learned.
        hold_out: bool, whether to set every `HELD_OUT_EVERY`-th line aside.

    Returns:
        Collected.
    """
    sentences = contamination.index(excluded)
    result = Collected()
    number = 0
    with open(out, "w", encoding="utf-8") as file:
        for path in tqdm.tqdm(paths, desc="read", unit=" files", disable=None):
            for line in read_lines(path):
                if contamination.is_contaminated(line, sentences):
                    result.removed[str(path)] += 1
                    continue
                number += 1
                if hold_out and number % HELD_OUT_EVERY == 0:
                    result.held_out.append(line)
                    continue
                file.write(line + "\n")
                result.lines[str(path)] += 1
                result.characters[str(path)] += len(line)
    return result


def cut(path, folder, unit, worker_count):
    """Cuts a file of lines into tokens, in several processes.

    Args:
        path: path of a file of lines.
        folder: path of a folder for the streams.
        unit: str, "word" or "character".
        worker_count: int, processes.

    Returns:
        list of pathlib.Path of .npy files in the order of the text: int32 arrays
        (tokens,), a number of `dictionary()` or FIRST_CHARACTER and a code point,
        -1 after every line.
    """
    jobs = [
        (start, end, pathlib.Path(folder) / f"tokens-{number:05d}.npy")
        for number, (start, end) in enumerate(_ranges(path))
    ]
    cut_range = functools.partial(_cut_range, path, unit)
    bar = tqdm.tqdm(total=len(jobs), desc=f"{unit}s", unit=" MiB", disable=None)
    with bar:
        if unit == "character" or len(jobs) < 2:  # not worth a process
            for job in jobs:
                cut_range(job)
                bar.update()
        else:
            count = min(worker_count, len(jobs))
            workers.run(cut_range, jobs, count, lambda _: bar.update())
    return [out for _, _, out in jobs]


def _ranges(path):
    """Pieces of a file that end with a line: list of (first byte, last byte)."""
    size = pathlib.Path(path).stat().st_size
    ends = [0]
    with open(path, "rb") as file:
        while ends[-1] < size:
            file.seek(min(ends[-1] + PIECE_BYTES, size) - 1)
            file.readline()
            ends.append(file.tell())
    return list(zip(ends[:-1], ends[1:], strict=True))


def _cut_range(path, unit, job):
    start, end, out = job
    with open(path, "rb") as file:
        file.seek(start)
        lines = file.read(end - start).decode().splitlines()
    np.save(out, tokens(lines, unit))


def tokens(lines, unit):
    """Cuts lines into token numbers.

    Args:
        lines: list of str, hanzi only.
        unit: str, "word" or "character".

    Returns:
        int32 array (tokens,), -1 after every line.

    Example:
        >>> tokens(["一个"], "character").tolist()  # U+4E00, U+4E2A
        [1068544, 1068586, -1]
    """
    if unit == "character":
        text = "\n".join([*lines, ""]).encode("utf-32-le")
        points = np.frombuffer(text, "<u4").astype(np.int32)
        return np.where(points == ord("\n"), LINE_END, points + FIRST_CHARACTER)
    numbers = dictionary()
    found = []
    for line in lines:
        for word in pinyin.words(line):
            number = numbers.get(word)
            found.append(FIRST_CHARACTER + ord(word) if number is None else number)
        found.append(LINE_END)
    return np.array(found, np.int32)


@functools.cache
def dictionary():
    """The words of jieba's dictionary by their numbers: dict of str to int.

    Words of one character are missing: they are tokens by their code point.
    """
    return {word: number for number, word in enumerate(frequencies()) if len(word) > 1}


@functools.cache
def frequencies():
    """How often jieba's authors met the words of their dictionary: dict of str to int.

    Only words of hanzi, in the order of the dictionary.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pkg_resources, invalid escapes
        import jieba
    with jieba.get_dict_file() as file:
        rows = [line.decode("utf-8").split() for line in file]
    return {word: int(count) for word, count, _ in rows if _HANZI_RUN.fullmatch(word)}
