"""What is likely to be said: a back-off n-gram model of words or characters.

words --index--> numbers --ngram_trie.advance--> log P(word | the words before)

A model is one safetensors file (`data_prep.build_language_model` writes it) that is
mapped into memory, so that it opens at once and several processes share it. The
searches of `zhasr.hanzi` and `zhasr.word_search` walk its tables in compiled code:

    state = model.start
    log_prob, state = language_model.advance(model.tables, state, word)

Logarithms are natural.
"""

import functools
import json
import math
import pathlib
import zlib
from collections import Counter
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from zhasr import mapped_arrays, ngram_trie

NAME = "language_model.safetensors"  # in a folder
FORMAT = "zhasr-language-model-1"
UNKNOWN, BEGIN, END = 0, 1, 2  # word numbers
SPECIAL_WORDS = ("<unk>", "<s>", "</s>")
EMPTY = ngram_trie.EMPTY  # the state that remembers nothing
UNITS = ("word", "character")
LONGEST_TEXT = 2**26  # bytes, of all words; damage must not fill the memory

advance = ngram_trie.advance  # (tables, state, word) -> (log_prob, new state), numba


class LanguageModelError(ValueError):
    """A file that is no language model; the message names it."""


@dataclass(frozen=True, eq=False)
class LanguageModel:
    """A back-off n-gram model.

    Attributes:
        words: tuple of str, "<unk>", "<s>" and "</s>", then by falling count.
        tables: ngram_trie.Tables, what `advance` takes.
        unit: str, "word" or "character": what a word of this model is.
        metadata: dict, how it was made; for people.
    """

    words: tuple[str, ...]
    tables: ngram_trie.Tables
    unit: str
    metadata: dict

    @property
    def order(self):
        """The words of the longest n-grams."""
        return len(self.tables.log_probs)

    @property
    def empty(self):
        """The state that remembers nothing: 0."""
        return EMPTY

    @functools.cached_property
    def start(self):
        """The state at the beginning of a sentence, after <s>."""
        # Saying <s> leads there; that nobody can say it does not matter here.
        return int(advance(self.tables, EMPTY, BEGIN)[1])

    @functools.cached_property
    def index(self):
        """The number of every word: dict of str to int."""
        return {word: number for number, word in enumerate(self.words)}

    def numbers(self, words):
        """Numbers of words, 0 for those that are not known: int64 array (words,)."""
        found = [self.index.get(word, UNKNOWN) for word in words]
        return np.array(found, dtype=np.int64)

    def log_probs(self, words, begin=True, end=True):
        """How likely each word is after those before it.

        Args:
            words: list of str.
            begin: bool, whether a sentence begins here; else nothing was said before.
            end: bool, whether </s> follows; then the array has one value more.

        Returns:
            float32 array (words,) or (words + 1,), natural logarithms.
        """
        numbers = self.numbers(words)
        if end:
            numbers = np.append(numbers, END)
        state = self.start if begin else EMPTY
        return ngram_trie.walk(self.tables, state, numbers)[0]

    def score(self, words, begin=True, end=True):
        """How likely a sentence is: float, the sum of `log_probs`."""
        return float(self.log_probs(words, begin, end).sum(dtype=np.float64))


def perplexity(model, sentences):
    """How many words the model hesitates between, on average; lower is better.

    exp of minus the mean log-probability, over all words and one </s> a sentence
    (Jurafsky & Martin, section 3.3).

    Args:
        model: LanguageModel.
        sentences: iterable of lists of str, the words.

    Returns:
        float; nan of no sentences.
    """
    total, count = 0.0, 0
    for sentence in sentences:
        total += model.score(sentence)
        count += len(sentence) + 1
    return math.exp(-total / count) if count else math.nan


def load(path):
    """Opens a model.

    Args:
        path: path of the file, or of a folder with a language_model.safetensors.

    Returns:
        LanguageModel whose large arrays are views of the mapped file.

    Raises:
        LanguageModelError: no such file, truncated, or something else; it names the
            file.
    """
    path = pathlib.Path(path)
    path = path / NAME if path.is_dir() else path
    try:
        arrays, metadata = mapped_arrays.load(path)
    except mapped_arrays.MappedArraysError as error:
        raise LanguageModelError(f"{error}; {_ADVICE}") from None
    if metadata.get("format") != FORMAT:
        raise LanguageModelError(
            f"{path}: expected the format {FORMAT!r}, received "
            f"{metadata.get('format')!r}; {_ADVICE}"
        )
    try:
        return _model(arrays, metadata)
    except (KeyError, TypeError, ValueError, zlib.error) as error:
        raise LanguageModelError(f"{path}: damaged ({error}); {_ADVICE}") from None


_ADVICE = "make a language model with python -m data_prep.build_language_model"


def _model(arrays, metadata):
    words = _unpack(arrays.pop("words"))
    tables = ngram_trie.expand(arrays)
    ngram_trie.check(tables)
    if len(words) != len(tables.codes) - len(tables.places):
        raise ValueError(f"{len(words)} words, expected as many as the tables have")
    if words[: len(SPECIAL_WORDS)] != SPECIAL_WORDS:
        raise ValueError(f"expected {SPECIAL_WORDS} first, received {words[:3]}")
    return LanguageModel(words, tables, metadata["unit"], json.loads(metadata["made"]))


def _unpack(packed):
    """The words from their compressed text, if it is not absurdly long."""
    unpacker = zlib.decompressobj()
    text = unpacker.decompress(packed.tobytes(), LONGEST_TEXT)
    if not unpacker.eof:
        raise ValueError("the words are truncated or too many")
    return tuple(text.decode().split("\n"))


def pack_words(words):
    """The words as they are stored, one a line, compressed by zlib: bytes."""
    return zlib.compress("\n".join(words).encode(), level=9)


def save(path, model):
    """Writes a model, whole or not at all.

    Args:
        path: path of the file to write, such as "language/language_model.safetensors".
        model: LanguageModel.
    """
    packed = np.frombuffer(pack_words(model.words), np.uint8)
    arrays = {"words": packed, **ngram_trie.shrink(model.tables)}
    made = json.dumps(model.metadata, ensure_ascii=False, sort_keys=True)
    metadata = {"format": FORMAT, "unit": model.unit, "made": made}
    mapped_arrays.save(path, arrays, metadata)


def bigram(lines):
    """The smallest language model: what follows what, counted.

    Absolute discounting (Ney, Essen & Kneser 1994): one half is taken from the count
    of every pair and shared out by how often a character occurs at all, so that no
    pair of known characters is impossible.

    Args:
        lines: list of str, sentences of characters.

    Returns:
        function of two str: probability(before, after). <s> and </s> stand around a
        sentence; it sums to one over the characters of the lines and </s>.

    Notebook: 08

    Example:
        >>> probability = bigram(["你好", "你们好"])
        >>> probability("你", "好")  # (1 - 0.5) / 2 + 2 * 0.5 / 2 * (2 / 7)
        0.39285714285714285
    """
    pairs = Counter(pair for line in lines for pair in pairwise(["<s>", *line, "</s>"]))
    before, after, followers = Counter(), Counter(), Counter(a for a, _ in pairs)
    for (a, b), count in pairs.items():
        before[a] += count
        after[b] += count
    total = after.total()
    return lambda a, b: (
        (max(pairs[a, b] - 0.5, 0) + 0.5 * followers[a] * after[b] / total) / before[a]
    )
