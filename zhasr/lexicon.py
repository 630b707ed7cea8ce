"""The lexicon: from toned syllables to the words of the language model.

A tree over *symbols*, in flat arrays for numba. A symbol is a toned syllable with the
tone of the dictionary; 一, 不 and 儿 are symbols of their own, since how they are said
depends on their neighbours (`zhasr.variants` says what may be heard for a symbol).

    0 root --cheng2--> 1 --ji4--> 5: 成绩 (-0.02), 成纪
                       |---ji1--> 4: 成绩 (-3.93)
                       |------------> at node 1 itself: 成 (-0.04), 城, 程 ...

A node's children are numbered one after the other and sorted by symbol, level by
level; so are its entries. An entry is a word of the language model with a log weight,
the natural logarithm of P(reading | word). Every hanzi of GB 2312 is there, so that
every syllable leads somewhere; those that the language model does not know are numbered
after its words.

How to walk from a node (in numba, `tables` is a plain tuple of arrays):

    for child in range(tables.first_children[node], tables.first_children[node + 1]):
        symbol = tables.symbols[child]
    for entry in range(tables.first_entries[node], tables.first_entries[node + 1]):
        word, log_weight = tables.words[entry], tables.log_weights[entry]
"""

import functools
import hashlib
import math
import pathlib
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import safetensors.numpy

from zhasr import compiled, files, mapped_arrays, pinyin, readings, variants

NAME = "lexicon.safetensors"  # in a language folder
FORMAT = "zhasr-lexicon-1"
ROOT = 0  # node
GRAIN = 16  # steps of a stored log weight in 1, so that a byte reaches to -15.9
# In the file, the high bits of a node tell what the numbers of children and entries do
# in memory; an entry is its word, the steps of its weight, and a bit.
SYMBOL_BITS = 13
HAS_ENTRIES, HAS_CHILDREN, LAST_SIBLING = (1 << bit for bit in (13, 14, 15))
WORD_BITS = 23
LAST_ENTRY = 1 << 31  # of its node
_ADVICE = "make a language folder with python -m data_prep.build_language_model"


class LexiconError(ValueError):
    """A file that is no lexicon, or not that of the language model."""


class Tables(NamedTuple):
    """The tree; read-only arrays.

    Attributes:
        first_children: int32 (nodes + 1,).
        symbols: uint16 (nodes,), by which each node is reached; 0 for the root.
        first_entries: int32 (nodes + 1,).
        words: int32 (entries,), numbers of the language model, rising in a node.
        log_weights: float32 (entries,).
    """

    first_children: np.ndarray
    symbols: np.ndarray
    first_entries: np.ndarray
    words: np.ndarray
    log_weights: np.ndarray


@dataclass(frozen=True, eq=False)
class Lexicon:
    """Words by their readings.

    Attributes:
        tables: Tables.
        symbols: tuple of str, "" for the root, then rising.
        words: int, the words of the language model that it belongs to.
        extra: str, the hanzi numbered from `words` on.
        fingerprint: str, of the words of the language model.
    """

    tables: Tables
    symbols: tuple[str, ...]
    words: int
    extra: str
    fingerprint: str

    @property
    def size(self):
        """All words and extra hanzi; their numbers are below."""
        return self.words + len(self.extra)

    @functools.cached_property
    def numbers(self):
        """The number of every symbol: dict of str to int."""
        return {symbol: number for number, symbol in enumerate(self.symbols) if symbol}

    @functools.cached_property
    def bases(self):
        """The base syllables that are words by themselves: frozenset of str."""
        found = (self.symbols[number] for number in self.singles)
        own = readings.OWN_SYMBOLS
        return frozenset(own.get(symbol) or pinyin.base(symbol) for symbol in found)

    def check_words(self, words):
        """Refuses a language model of other words.

        Args:
            words: sequence of str, all words of the language model.

        Raises:
            LexiconError: they are not those that the lexicon was built from.
        """
        if len(words) != self.words or fingerprint(words) != self.fingerprint:
            raise LexiconError(
                f"expected the language model of {self.words} words that this lexicon "
                f"was built from, received another of {len(words)}; {_ADVICE}"
            )

    @functools.cached_property
    def singles(self):
        """The symbols that are a word by themselves: set of int."""
        first = self.tables.first_children
        ends = self.tables.first_entries
        children = range(first[ROOT], first[ROOT + 1])
        return {
            int(self.tables.symbols[child])
            for child in children
            if ends[child] < ends[child + 1]
        }

    def alternatives(self, syllable, following="", any_tone=False):
        """The symbols that a syllable may stand for.

        Args:
            syllable: str, one syllable of `variants.split_erhua`, or anything else.
            following: str, the one after it, "" at the end.
            any_tone: bool, other tones too; they are allowed for anyway where no word
                has this one.

        Returns:
            list of (symbol number, kind of `zhasr.variants`), empty only if no
            syllable is near. One of the symbols at least is a word by itself.
        """
        found = [
            (self.numbers[symbol], kind)
            for symbol, kind in variants.alternatives(syllable, following).items()
            if symbol in self.numbers
        ]
        usual = [(one, kind) for one, kind in found if kind != variants.TONE]
        for some in (found,) if any_tone else (usual, found):
            if not self.singles.isdisjoint(one for one, _ in some):
                return some
        near = variants.nearest(syllable, self.bases)
        return [
            (number, variants.NEAREST)
            for one in near
            for number, _ in self.alternatives(one, following)
        ]

    def lookup(self, syllables):
        """The words of one reading, as the dictionary has it.

        Args:
            syllables: sequence of str, symbols.

        Returns:
            dict of word number to log weight.
        """
        node = ROOT
        for symbol in syllables:
            node = find_child(self.tables, node, self.numbers.get(symbol, ROOT))
            if node < 0:
                return {}
        start, end = self.tables.first_entries[node : node + 2]
        found = zip(
            self.tables.words[start:end],
            self.tables.log_weights[start:end],
            strict=True,
        )
        return {int(word): float(log_weight) for word, log_weight in found}


@compiled.njit
def find_child(tables, node, symbol):
    """The child of a node that a symbol leads to, or -1: bisection.

    Args:
        tables: Tables.
        node: int.
        symbol: int, its number.
    """
    low, end = tables.first_children[node], tables.first_children[node + 1]
    high = end
    while low < high:
        middle = (low + high) >> 1
        if tables.symbols[middle] < symbol:
            low = middle + 1
        else:
            high = middle
    return low if low < end and tables.symbols[low] == symbol else -1


def fingerprint(words):
    """What tells one vocabulary from another: 16 hexadecimal digits."""
    return hashlib.sha256("\n".join(words).encode()).hexdigest()[:16]


def gb2312():
    """The 6,763 hanzi of GB 2312, most common level first: str."""
    rows = (range(0xB0, 0xF8), range(0xA1, 0xFF))
    codes = (bytes([row, cell]) for row in rows[0] for cell in rows[1])
    return b"".join(codes).decode("gb2312", errors="ignore")


# Building


def build(words, counts):
    """Reads all words of a language model.

    Args:
        words: sequence of str; the number of a word is its place. Those that are not
            hanzi, such as <s>, have no reading.
        counts: sequence of numbers, how often each word occurs in the text.

    Returns:
        Lexicon.

    Example:
        >>> lexicon = build(["<unk>", "<s>", "</s>", "成绩"], [0, 0, 0, 9])
        >>> lexicon.lookup(["cheng2", "ji4"])
        {3: 0.0}
    """
    known = set(words)
    extra = "".join(character for character in gb2312() if character not in known)
    every, counts = [*words, *extra], [*counts, *[0] * len(extra)]
    entries = [
        (reading, word, _rounded(math.log(share)))
        for word, found in enumerate(readings.of_words(every, counts))
        for reading, share in found.items()
    ]
    tables, symbols = tree(entries)
    return Lexicon(tables, symbols, len(words), extra, fingerprint(words))


def tree(entries, symbols=None):
    """Lays out a tree.

    Args:
        entries: sequence of (reading, word, log weight): tuple of symbols (str), int,
            float.
        symbols: sequence of str, "" first and rising, or None for those that occur.

    Returns:
        Tables, and the tuple of the symbols.
    """
    if symbols is None:
        symbols = ("", *sorted({symbol for entry in entries for symbol in entry[0]}))
    numbers = {symbol: number for number, symbol in enumerate(symbols)}
    longest = max((len(reading) for reading, _, _ in entries), default=0)
    rows = np.zeros((len(entries), longest), np.uint16)
    for row, (reading, _, _) in zip(rows, entries, strict=True):
        row[: len(reading)] = [numbers[symbol] for symbol in reading]
    words = np.array([word for _, word, _ in entries], np.int32)
    log_weights = np.array([log_weight for _, _, log_weight in entries], np.float32)
    order = np.lexsort((words, *rows.T[::-1]))
    return lay_out(rows[order], words[order], log_weights[order]), tuple(symbols)


def _rounded(log_weight):
    """To what the file can hold."""
    return max(round(log_weight * GRAIN), -255) / GRAIN


def lay_out(rows, words, log_weights):
    """Tables of sorted readings (entries, longest), padded with 0."""
    lengths = np.count_nonzero(rows, axis=1)
    nodes = np.zeros(len(rows), np.int64)  # of every entry, the node reached so far
    symbols, parents, count = [np.zeros(1, np.uint16)], [], 1
    for level in range(rows.shape[1]):
        alive = np.flatnonzero(lengths > level)
        arcs = np.stack([nodes[alive], rows[alive, level]], axis=1)
        first = np.ones(len(alive), bool)
        first[1:] = (arcs[1:] != arcs[:-1]).any(axis=1)
        nodes[alive] = count + np.cumsum(first) - 1
        symbols.append(arcs[first, 1].astype(np.uint16))
        parents.append(arcs[first, 0])
        count += int(first.sum())
    order = np.argsort(nodes, kind="stable")
    children = np.bincount(np.concatenate([*parents, []]).astype(int), minlength=count)
    entries = np.bincount(nodes, minlength=count)
    return Tables(
        first_children=_frozen(np.append(0, np.cumsum(children)) + 1, np.int32),
        symbols=_frozen(np.concatenate(symbols), np.uint16),
        first_entries=_frozen(np.append(0, np.cumsum(entries)), np.int32),
        words=_frozen(words[order], np.int32),
        log_weights=_frozen(log_weights[order], np.float32),
    )


def _frozen(array, dtype):
    """Read-only arrays of one dtype, so that numba compiles once."""
    array = np.ascontiguousarray(array, dtype)
    array.flags.writeable = False
    return array


# The file


def save(path, lexicon):
    """Writes a lexicon, whole or not at all: 2 bytes a node, 4 an entry.

    Args:
        path: path of the file, such as "language/lexicon.safetensors".
        lexicon: Lexicon.
    """
    tables = lexicon.tables
    children, entries = np.diff(tables.first_children), np.diff(tables.first_entries)
    nodes = tables.symbols.copy()
    nodes[children > 0] |= HAS_CHILDREN
    nodes[entries > 0] |= HAS_ENTRIES
    nodes[ROOT] |= LAST_SIBLING
    nodes[tables.first_children[1:][children > 0] - 1] |= LAST_SIBLING
    steps = np.round(tables.log_weights * -GRAIN).astype(np.uint32)
    packed = steps << WORD_BITS | tables.words.astype(np.uint32)
    packed[tables.first_entries[1:][entries > 0] - 1] |= LAST_ENTRY
    metadata = {
        "format": FORMAT,
        "symbols": " ".join(lexicon.symbols[1:]),
        "words": str(lexicon.words),
        "extra": lexicon.extra,
        "fingerprint": lexicon.fingerprint,
    }
    arrays = {"nodes": nodes, "entries": packed}
    files.replace(path, safetensors.numpy.save(arrays, metadata))


def load(path):
    """Opens a lexicon.

    Args:
        path: path of the file, or of a folder with a lexicon.safetensors.

    Returns:
        Lexicon.

    Raises:
        LexiconError: no such file, truncated, or something else; it names the file.
    """
    path = pathlib.Path(path)
    path = path / NAME if path.is_dir() else path
    try:
        arrays, metadata = mapped_arrays.load(path)
    except mapped_arrays.MappedArraysError as error:
        raise LexiconError(f"{error}; {_ADVICE}") from None
    if metadata.get("format") != FORMAT:
        raise LexiconError(
            f"{path}: expected the format {FORMAT!r}, received "
            f"{metadata.get('format')!r}; {_ADVICE}"
        )
    try:
        return _lexicon(arrays, metadata)
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise LexiconError(f"{path}: damaged ({error}); {_ADVICE}") from None


def _lexicon(arrays, metadata):
    symbols = ("", *metadata["symbols"].split())
    nodes, entries = arrays["nodes"], arrays["entries"]
    siblings_end = np.flatnonzero(nodes & LAST_SIBLING) + 1
    entries_end = np.append(0, np.flatnonzero(entries & LAST_ENTRY) + 1)
    has_children, has_entries = nodes & HAS_CHILDREN > 0, nodes & HAS_ENTRIES > 0
    families = np.append(0, np.cumsum(has_children))
    groups = np.append(0, np.cumsum(has_entries))
    steps = (entries & (LAST_ENTRY - 1)) >> WORD_BITS
    tables = Tables(
        first_children=_frozen(siblings_end[families], np.int32),
        symbols=_frozen(nodes & (2**SYMBOL_BITS - 1), np.uint16),
        first_entries=_frozen(entries_end[groups], np.int32),
        words=_frozen(entries & (2**WORD_BITS - 1), np.int32),
        log_weights=_frozen(steps / np.float32(-GRAIN), np.float32),
    )
    known = int(metadata["words"])
    extra = metadata["extra"]
    _check(tables, len(symbols), known + len(extra))
    return Lexicon(tables, symbols, known, extra, metadata["fingerprint"])


def _check(tables, symbols, words):
    """Refuses arrays that a walk would leave, since numba does not look."""
    nodes, entries = len(tables.symbols), len(tables.words)
    first = tables.first_children
    truths = {
        "root": first[0] == 1 and tables.symbols[ROOT] == 0,
        "children": first[-1] == nodes and bool((first[:-1] > np.arange(nodes)).all()),
        "entries": tables.first_entries[-1] == entries == len(tables.log_weights),
        "symbols": bool((tables.symbols < symbols).all()),
        "words": bool((tables.words < words).all()),
    }
    wrong = [name for name, true in truths.items() if not true]
    if wrong:
        raise ValueError(", ".join(wrong))
