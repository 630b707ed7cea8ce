"""How often every sequence of n words occurs: counting by sorting.

An n-gram is packed into one number, its key: `(w1 << bits | w2) << bits | w3`. Equal
n-grams are equal numbers, so that sorting brings them together, in the order of the
trie at once. A long text is counted in pieces that are put aside on the disk and
merged range by range: memory holds one piece, one range, and the result.
"""

import pathlib
from dataclasses import dataclass

import numpy as np

BEGIN, END = 1, 2  # word numbers of <s> and </s>
LINE_END = -1  # stands after every sentence of a stream of word numbers
KEY_BITS = 64
PIECE = 2**22  # words that are counted at once
RANGE = 2**22  # n-grams that are merged at once


class CountError(ValueError):
    """Words that cannot be counted."""


@dataclass(frozen=True, eq=False)
class Counts:
    """Occurrences of n-grams.

    <s> and </s> stand around every sentence; <s> is only ever context.

    Attributes:
        words: int, size of the vocabulary.
        bits: int, of a word in a key.
        keys: tuple over n = 1 ... order of uint64 arrays (n-grams,), rising. Of the
            highest order all n-grams; of the others those that begin with <s>, since
            the rest can be told from the n-grams that are one word longer.
        counts: tuple of int32 arrays (n-grams,).
    """

    words: int
    bits: int
    keys: tuple[np.ndarray, ...]
    counts: tuple[np.ndarray, ...]


def bits_of(words, order):
    """Bits that each of so many words needs in a key.

    Args:
        words: int, size of the vocabulary.
        order: int, words of the longest n-grams.

    Returns:
        int.

    Raises:
        CountError: n-grams of this order would not fit into 64 bits.
    """
    bits = max(1, int(words - 1).bit_length())
    if bits * order > KEY_BITS:
        raise CountError(
            f"{order} words of a vocabulary of {words} need {bits * order} bits, "
            f"expected at most {KEY_BITS}; lower --order or --vocabulary"
        )
    return bits


def count(streams, words, order, folder=None, piece=PIECE):
    """Counts the n-grams of a text.

    Args:
        streams: iterable of int arrays (words,): word numbers, -1 after every sentence.
        words: int, size of the vocabulary.
        order: int, words of the longest n-grams.
        folder: path of a folder where pieces are put aside; None keeps all in memory.
        piece: int, words that are counted at once.

    Returns:
        Counts.

    Raises:
        CountError: too many words for this order, or a stream that ends within a
            sentence.
    """
    bits = bits_of(words, order)
    parts = [[] for _ in range(order)]
    for number, stream in enumerate(_pieces(streams, piece)):
        framed = _with_ends(stream)
        for length in range(1, order + 1):
            found = _windows(framed, length, bits, only_begins=length < order)
            keys, counts = np.unique(found, return_counts=True)
            part = (keys, counts.astype(np.int32))
            name = f"counts-{length}-{number}"
            parts[length - 1].append(_put_aside(part, folder, name))
    merged = [merge(of_length) for of_length in parts]
    keys, counts = zip(*merged, strict=True)
    return Counts(words, bits, keys, counts)


def _pieces(streams, piece):
    """Streams put together until they have enough words."""
    waiting, size = [], 0
    for stream in streams:
        waiting.append(np.asarray(stream))
        size += len(stream)
        if size >= piece:
            yield np.concatenate(waiting)
            waiting, size = [], 0
    if waiting:
        yield np.concatenate(waiting)


def _put_aside(part, folder, name):
    if folder is None:
        return part
    paths = [pathlib.Path(folder) / f"{name}-{kind}.npy" for kind in ("keys", "counts")]
    for path, array in zip(paths, part, strict=True):
        np.save(path, array)
    return tuple(np.load(path, mmap_mode="r") for path in paths)


def merge(parts, limit=RANGE):
    """Adds up counts of several pieces.

    Args:
        parts: list of (uint64 array, int32 array): rising keys, their counts.
        limit: int, about how many n-grams are merged at once.

    Returns:
        uint64 array of rising keys, int32 array of their counts.
    """
    if not parts:
        return np.zeros(0, np.uint64), np.zeros(0, np.int32)
    step = max(1, limit // len(parts))
    # Between two neighbours of all these keys lie at most `step` keys of each piece.
    borders = np.unique(np.concatenate([keys[step::step] for keys, _ in parts]))
    places = [
        np.concatenate([[0], np.searchsorted(keys, borders), [len(keys)]])
        for keys, _ in parts
    ]
    ranges = []
    for number in range(len(borders) + 1):
        cuts = [slice(*place[number : number + 2]) for place in places]
        pairs = list(zip(parts, cuts, strict=True))
        keys = np.concatenate([keys[cut] for (keys, _), cut in pairs])
        counts = np.concatenate([counts[cut] for (_, counts), cut in pairs])
        ranges.append(_add_up(keys, counts))
    keys, counts = zip(*ranges, strict=True)
    return np.concatenate(keys), np.concatenate(counts)


def _add_up(keys, counts):
    order = np.argsort(keys, kind="stable")
    keys, counts = keys[order], counts[order]
    first = np.flatnonzero(first_of_runs(keys))
    if not len(first):
        return keys, counts
    return keys[first], np.add.reduceat(counts, first)


def first_of_runs(values):
    """Whether a value differs from the one before it: bool (values,)."""
    first = np.ones(len(values), bool)
    first[1:] = values[1:] != values[:-1]
    return first


def _with_ends(stream):
    """Sentences as <s> ... </s> without anything between them."""
    if not len(stream):
        return stream
    if stream[-1] != LINE_END:
        raise CountError(f"expected {LINE_END} after the last sentence")
    framed = np.repeat(stream, np.where(stream == LINE_END, 2, 1))
    places = np.flatnonzero(framed == LINE_END)
    framed[places[0::2]] = END
    framed[places[1::2]] = BEGIN
    return np.concatenate([framed[-1:], framed[:-1]])


def _windows(framed, length, bits, only_begins):
    """Keys of all n-grams, or of those at the beginning of a sentence."""
    if len(framed) < length:
        return np.zeros(0, np.uint64)
    keys = np.zeros(len(framed) - length + 1, np.uint64)
    inside = np.ones(len(keys), bool)  # of one sentence
    for place in range(length):
        word = framed[place : place + len(keys)]
        keys = keys << np.uint64(bits) | word.astype(np.uint64)
        if place or length == 1 and not only_begins:
            inside &= word != BEGIN
        elif only_begins:
            inside &= word == BEGIN
    return keys[inside]


def context_totals(counts, keys):
    """How often each n-gram was followed by a word.

    Args:
        counts: Counts.
        keys: list over n = 1 ... order - 1 of uint64 arrays (n-grams,), rising.

    Returns:
        list of int64 arrays (n-grams,).
    """
    longer, number = counts.keys[-1], counts.counts[-1]
    totals = []
    for level in range(len(counts.keys) - 1, 0, -1):
        before = longer >> np.uint64(counts.bits)
        total = np.zeros(len(keys[level - 1]), np.int64)
        places = np.searchsorted(keys[level - 1], before)
        np.add.at(total, places, number)
        totals.insert(0, total)
        ends = longer & np.uint64(2 ** (counts.bits * level) - 1)
        longer, number = _add_up(
            np.concatenate([ends, counts.keys[level - 1]]),
            np.concatenate([number, counts.counts[level - 1]]),
        )
    return totals
