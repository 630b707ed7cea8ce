"""What the synthetic corpus says: sentences, patterns and rows of words.

- Natural sentences stand in sentences.txt, written for this project.
- Patterns stand in patterns.txt: sentences with slots to fill in, such as numbers,
  prices, dates, telephone numbers, places and people. There are far more fillings
  than will ever be spoken. Training has patterns of its own.
- Rows of words come from jieba's dictionary, so that every common toned syllable
  occurs, also those that no sentence happens to use.

The natural sentences are split once and for all; that no filling and no row of
words is in two splits is seen to by `data_prep.casting`.
"""

import dataclasses
import functools
import heapq
import itertools
import pathlib
import re
import warnings

import numpy as np

from zhasr import numerals, pinyin

SENTENCES_FILE = pathlib.Path(__file__).with_name("sentences.txt")
PATTERNS_FILE = pathlib.Path(__file__).with_name("patterns.txt")
SPLIT_SHARES = {"train": 0.75, "dev": 0.08, "test": 0.17}
SPLIT_SEED = 0  # the split of the sentences does not change with the corpus's seed
LEXICON_SIZE = 15_000  # the most frequent suitable words of jieba's dictionary
LONGEST_WORD = 4  # hanzi
COMMON_HANZI = (0xB0A1, 0xD7F9)  # the 3,755 hanzi of level 1 of GB 2312, from and to
UNFIT_FOR_CLASS = frozenset("党杀尸赌毒奸妓嫖娼淫性裸乳屎尿屁肛枪炮匪贼奴妾虏逼")
LEFT_OUT = ("nr", "ns", "nt", "nz", "eng", "x", "m")  # tags: names, symbols, numbers
WORDS_IN_ROW = (3, 6)  # words, from and to
COMMA_SHARE = 0.3  # of the rows have a pause after each word
RARE_SHARE = 0.5  # of the words in a training row have a syllable of the RAREST
RAREST = 40

# Slots that take the fillings of another one without their first hanzi
WITHOUT_MEASURE = {"物": "件", "吃": "份", "动物": "兽"}

_SLOT = re.compile(r"\{(.+?)\}")


@dataclasses.dataclass(frozen=True)
class Lexicon:
    """Words to make rows of.

    Attributes:
        words: tuple of str, hanzi.
        weights: float array (words,), the probability of drawing each.
        words_of: dict from a toned syllable to the indexes of the words with it.
    """

    words: tuple[str, ...]
    weights: np.ndarray
    words_of: dict[str, list[int]]


def natural(split):
    """List the natural sentences of a split.

    Args:
        split: "train", "dev" or "test".

    Returns:
        list of str with punctuation.
    """
    sentences = _lines(SENTENCES_FILE)
    order = np.random.default_rng(SPLIT_SEED).permutation(len(sentences))
    bounds = np.round(np.cumsum((0, *SPLIT_SHARES.values())) * len(order)).astype(int)
    place = tuple(SPLIT_SHARES).index(split)
    return [sentences[index] for index in order[bounds[place] : bounds[place + 1]]]


def from_pattern(split, generator):
    """Fill in one pattern.

    Args:
        split: "train", "dev" or "test"; the last two share their patterns.
        generator: numpy.random.Generator.

    Returns:
        str with punctuation.
    """
    patterns = _patterns()["train" if split == "train" else "test"]
    pattern = _pick(patterns, generator)
    return _SLOT.sub(lambda match: _fill(match[1], generator), pattern)


def _lines(path):
    """The lines of a text file that are no comments."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


@functools.cache
def _patterns():
    """The patterns of each split: `train: {人}想当{职}。`."""
    patterns = {"train": [], "test": []}
    for line in _lines(PATTERNS_FILE):
        split, colon, pattern = line.partition(": ")
        if colon:
            patterns[split].append(pattern)
    return patterns


@functools.cache
def _slots():
    """What may stand in each slot: `职 = 医生 教师 律师`."""
    slots = {}
    for line in _lines(PATTERNS_FILE):
        slot, equals, fillings = line.partition(" = ")
        if equals:
            slots[slot] = fillings.split()
    return slots


def _pick(options, generator):
    """Draw one of a sequence."""
    return options[generator.integers(len(options))]


def _fill(slot, generator):
    """Draw what stands in one slot."""
    if slot in NUMBERS:
        return NUMBERS[slot](functools.partial(generator.integers, endpoint=True))
    filling = _pick(_slots()[WITHOUT_MEASURE.get(slot, slot)], generator)
    return filling[1:] if slot in WITHOUT_MEASURE else filling


def _digits(draw, count):
    """Some digits, each read by itself."""
    return numerals.digit_by_digit(draw(0, 9, count))


def _count(draw):
    """A number before a measure word: 2 is 两 there."""
    value = draw(1, 40)
    return "两" if value == 2 else numerals.number(int(value))


def _large_number(draw):
    """A number of two to five digits, all lengths equally often."""
    length = int(draw(1, 4))
    return numerals.number(int(draw(10**length, 10 ** (length + 1) - 1)))


def _price(draw):
    """A price in spoken style: 十二块五, 三百元."""
    if draw(0, 1):
        return f"{numerals.number(int(draw(3, 999)))}元"
    return f"{numerals.number(int(draw(3, 99)))}块{numerals.number(int(draw(1, 9)))}"


def _clock(draw):
    """A time of day: 三点一刻, 十一点四十二分."""
    hour = numerals.number(int(draw(3, 12)))
    minute = int(draw(10, 59))
    named = {15: "一刻", 30: "半", 45: "三刻"}
    return f"{hour}点{named.get(minute, numerals.number(minute) + '分')}"


def _year(draw):
    """A year, digit by digit."""
    return numerals.digit_by_digit(str(draw(1900, 2030))) + "年"


NUMBERS = {
    "几": _count,
    "小数": lambda draw: numerals.number(int(draw(3, 99))),
    "大数": _large_number,
    "价": _price,
    "钟": _clock,
    "年": _year,
    "月": lambda draw: numerals.number(int(draw(1, 12))) + "月",
    "日": lambda draw: numerals.number(int(draw(1, 30))) + "号",
    "房号": lambda draw: _digits(draw, int(draw(3, 4))),
    "电话": lambda draw: "一" + _digits(draw, 10),
}


@functools.cache
def lexicon():
    """Read the frequent words of jieba's dictionary, without names.

    A word's weight is the square root of its frequency: common words stay common,
    rare ones get a chance.

    Returns:
        Lexicon.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pkg_resources, invalid escapes
        import jieba
    with jieba.get_dict_file() as file:
        entries = [line.decode("utf-8").split() for line in file]
    frequencies = {
        word: int(count) for word, count, tag in entries if not tag.startswith(LEFT_OUT)
    }
    words = sorted(frequencies, key=lambda word: (-frequencies[word], word))
    words = tuple(itertools.islice(filter(_is_suitable, words), LEXICON_SIZE))
    weights = np.sqrt([frequencies[word] for word in words])
    words_of = {}
    for index, word in enumerate(words):
        for syllable in pinyin.syllables(word):
            words_of.setdefault(syllable, []).append(index)
    return Lexicon(words, weights / weights.sum(), dict(sorted(words_of.items())))


def _is_suitable(word):
    """Whether a word is short, of common hanzi, and fit for a class."""
    if len(word) > LONGEST_WORD or UNFIT_FOR_CLASS.intersection(word):
        return False
    codes = [hanzi.encode("gb2312", "replace") for hanzi in word]
    first, last = COMMON_HANZI
    return all(first <= int.from_bytes(code) <= last for code in codes)


def row_of_words(generator, counts=None):
    """Draw a row of words.

    Args:
        generator: numpy.random.Generator.
        counts: collections.Counter of toned syllables spoken so far; if given, half
            of the words have a syllable that is rare in it.

    Returns:
        str, words with commas between some of them.
    """
    known = lexicon()
    count = generator.integers(*WORDS_IN_ROW, endpoint=True)
    chosen = generator.choice(len(known.words), count, p=known.weights)
    if counts is not None:
        rarest = heapq.nsmallest(RAREST, known.words_of, key=counts.__getitem__)
        for place in np.flatnonzero(generator.random(count) < RARE_SHARE):
            chosen[place] = _pick(known.words_of[_pick(rarest, generator)], generator)
    words = [known.words[index] for index in chosen]
    return "，".join(words) if generator.random() < COMMA_SHARE else "".join(words)
