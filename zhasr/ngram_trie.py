"""A back-off n-gram model as a trie in flat arrays, small and quick to walk.

Every n-gram is a node below the node of its context, its words but the last:

    level 1     是          一       个
               /  \\         |
    level 2  一    个       个            (是 一), (是 个), (一 个)
             |
    level 3  个                          (是 一 个)

A *state* is the longest end of what was said so far that has children: all that the
model remembers. State 0 is the empty context, state w the word w, and the numbers
from the size of the vocabulary on are longer contexts, level by level.

The child of 是 一 need not store which word 个 is: whenever a model knows (是 一 个),
it also knows (一 个), without the oldest word, so the *place* of 个 among the
children of 一 is enough, a small number. This is the "context-based identifier
remapping" of Pibiri & Venturini (2019), section 3.2. It also gives the next state for
free. Places grow with the words, so that a child is found by bisection.

Logarithms are natural; those of level n are among 256 values, `log_probs[n - 1]`.
"""

from typing import NamedTuple

import numpy as np

from zhasr import compiled

UNKNOWN = 0  # word number; its state is the empty one: nothing is known after it
EMPTY = 0  # state
CODES = 256  # values of a quantised logarithm
BLOCK = 32  # nodes in a number of marks


class Tables(NamedTuple):
    """The arrays of a model; all read-only, so that numba compiles once.

    V words, S states, N nodes of level 2 and more, L levels (the order).

    Attributes:
        first_states: uint32 (L + 1,), the first state of 0, 1, 2 ... words, then S:
            0, 1, V, ..., S.
        children: uint32 (S + 1,), state s has the nodes children[s]:children[s + 1].
        shorter: uint16 or uint32 (S,), the state without the oldest word.
        back_off_codes: uint8 (S,), into back_offs[words of the state - 1].
        places: uint16 or uint32 (N,), of a node among the children of the shorter
            context; of level 2, the word.
        codes: uint8 (V + N,), words first, into log_probs[level - 1].
        marks: uint32 (blocks of 32 nodes below the last level,), bit i: the node has
            children, so it is a state.
        ranks: uint32 (blocks,), the state of the first marked node of a block.
        log_probs: float32 (L, 256).
        back_offs: float32 (L, 256).
    """

    first_states: np.ndarray
    children: np.ndarray
    shorter: np.ndarray
    back_off_codes: np.ndarray
    places: np.ndarray
    codes: np.ndarray
    marks: np.ndarray
    ranks: np.ndarray
    log_probs: np.ndarray
    back_offs: np.ndarray


class TablesError(ValueError):
    """Arrays that are no trie."""


@compiled.njit
def advance(tables, state, word):
    """Says a word: its log-probability and the state after it.

    The longest known n-gram counts; for every word of context that is left out to
    find it, a back-off weight is paid (Katz 1987).

    Args:
        tables: Tables.
        state: int, the state before the word.
        word: int, its number; it is not checked.

    Returns:
        float32, the natural logarithm of P(word | context), and int, the new state.
    """
    longest = _words_of(tables, state)
    words = tables.codes.size - tables.places.size
    log_prob = tables.log_probs[0, tables.codes[word]]
    new_state = np.int64(word)
    if tables.children[word] == tables.children[word + 1]:
        new_state = np.int64(EMPTY)
    place = np.int64(word)
    found = 0  # words of context in the longest known n-gram
    for length in range(1, longest + 1):
        context = _shorten(tables, state, longest - length)
        node = find(tables, context, place)
        if node < 0:
            break
        found = length
        log_prob = tables.log_probs[length, tables.codes[words + node]]
        place = node - np.int64(tables.children[context])
        if length + 1 < tables.log_probs.shape[0] and is_marked(tables, node):
            new_state = state_of(tables, node)
    return log_prob + _back_off(tables, state, longest, found), new_state


@compiled.njit
def _words_of(tables, state):
    """The number of words that a state remembers."""
    words = 0
    while state >= tables.first_states[words + 1]:
        words += 1
    return words


@compiled.njit
def _shorten(tables, state, words):
    """The state without its oldest words."""
    state = np.int64(state)
    for _ in range(words):
        state = np.int64(tables.shorter[state])
    return state


@compiled.njit
def find(tables, context, place):
    """The child of a state that has this place, or -1: bisection."""
    low = np.int64(tables.children[context])
    end = np.int64(tables.children[context + 1])
    high = end
    while low < high:
        middle = (low + high) >> 1
        if tables.places[middle] < place:
            low = middle + 1
        else:
            high = middle
    if low < end and tables.places[low] == place:
        return low
    return np.int64(-1)


@compiled.njit
def is_marked(tables, node):
    """Whether a node is a state: 0 or 1."""
    return (np.int64(tables.marks[node >> 5]) >> (node & 31)) & 1


@compiled.njit
def state_of(tables, node):
    """The state of a node with children: the marked nodes before it, counted."""
    before = np.int64(tables.marks[node >> 5]) & ((np.int64(1) << (node & 31)) - 1)
    return np.int64(tables.ranks[node >> 5]) + _count_bits(before)


@compiled.njit
def _count_bits(bits):
    """Ones among 32 bits: sums of 2, 4, 8 bits, then all by one multiplication."""
    bits = bits - ((bits >> 1) & 0x55555555)
    bits = (bits & 0x33333333) + ((bits >> 2) & 0x33333333)
    bits = (bits + (bits >> 4)) & 0x0F0F0F0F
    return ((bits * 0x01010101) & 0xFFFFFFFF) >> 24


@compiled.njit
def _back_off(tables, state, longest, found):
    """The price of leaving out all but `found` words of context."""
    price = np.float32(0.0)
    for length in range(longest, found, -1):
        price += tables.back_offs[length - 1, tables.back_off_codes[state]]
        state = np.int64(tables.shorter[state])
    return price


@compiled.njit
def walk(tables, state, words):
    """Says several words.

    Args:
        tables: Tables.
        state: int, the state before the first word.
        words: int64 array (words,).

    Returns:
        float32 array (words,) of log-probabilities, and int, the last state.
    """
    log_probs = np.empty(words.size, np.float32)
    for index in range(words.size):
        log_probs[index], state = advance(tables, state, words[index])
    return log_probs, state


def pack(bits, keys, log_probs, back_offs):
    """Lays out an n-gram model as a trie.

    An n-gram is one number, its key: the first word in the highest bits,
    `(w1 << bits | w2) << bits | w3`. N-grams with <unk> before the last word are left
    out, since nothing is remembered of an unknown word.

    Args:
        bits: int, of a word in a key.
        keys: list over the levels of uint64 arrays (n-grams,), rising; level 1 has
            every word.
        log_probs: list of float arrays (n-grams,), at most 256 different values each.
        back_offs: the same of the levels but the last, as logarithms.

    Returns:
        Tables.

    Raises:
        TablesError: an n-gram whose beginning or end is not known, or too many
            values.
    """
    for level, one in enumerate(keys):
        known = _has_known_context(bits, one, level)
        if not known.all():
            keys, log_probs = _kept(keys, level, known), _kept(log_probs, level, known)
            if level < len(back_offs):
                back_offs = _kept(back_offs, level, known)
    links = [_link(bits, keys, level) for level in range(1, len(keys))]
    return _lay_out(len(keys[0]), links, log_probs, back_offs)


def _kept(levels, level, kept):
    return [*levels[:level], levels[level][kept], *levels[level + 1 :]]


def _has_known_context(bits, keys, level):
    known = np.ones(len(keys), bool)
    for place in range(1, level + 1):
        known &= (keys >> np.uint64(bits * place)) & np.uint64(2**bits - 1) != UNKNOWN
    return known


def _link(bits, keys, level):
    """The nodes of this level: indices of their beginnings and ends one level up."""
    beginnings = keys[level] >> np.uint64(bits)
    ends = keys[level] & np.uint64(2 ** (bits * level) - 1)
    return _index(keys[level - 1], beginnings), _index(keys[level - 1], ends)


def _index(keys, wanted):
    indices = np.searchsorted(keys, wanted)
    if len(wanted) and not np.array_equal(keys[indices % len(keys)], wanted):
        raise TablesError("an n-gram is known whose beginning or end is not")
    return indices.astype(np.uint32)


def _lay_out(words, links, log_probs, back_offs):
    """Tables from (parents, suffixes) of every level from the second on."""
    # Nodes that are states: every word, and whatever has children.
    inner = [np.arange(words)] + [np.unique(parents) for parents, _ in links[1:]]
    ends = np.cumsum([len(one) for one in inner])
    counts, shorter, places = [], [np.zeros(words, int)], []
    siblings = np.arange(words)  # place of every node of a level among its siblings
    for level, (parents, suffixes) in enumerate(links):
        found = np.bincount(parents, minlength=len(log_probs[level]))
        counts.append(found[inner[level]])
        places.append(siblings[suffixes])
        siblings = _places_among_siblings(parents)
        if level + 1 < len(links):
            suffixes = suffixes[inner[level + 1]]
            before = ends[level] - len(inner[level])
            shorter.append(before + np.searchsorted(inner[level], suffixes))
    counts = np.concatenate(counts or [np.zeros(words, int)])
    marked = _marked([len(one) for one in log_probs[1:-1]], inner[1:])
    codes, log_probs = _encode(log_probs)
    back_off_codes, back_offs = _encode(
        [one[kept] for one, kept in zip(back_offs, inner, strict=False)]
        or [np.zeros(words)],
        levels=len(log_probs),
    )
    marks, ranks = _pack_marks(marked, words)
    tables = Tables(
        first_states=np.array([0, 1, *ends][: len(links) + 1] + [ends[-1]]),
        children=np.concatenate([[0], np.cumsum(counts)]),
        shorter=_narrow(np.concatenate(shorter)),
        back_off_codes=back_off_codes,
        places=_narrow(np.concatenate(places or [np.zeros(0, int)])),
        codes=codes,
        marks=marks,
        ranks=ranks,
        log_probs=log_probs,
        back_offs=back_offs,
    )
    return _frozen(tables)


def _places_among_siblings(parents):
    index = np.arange(len(parents))
    first = np.ones(len(parents), bool)
    first[1:] = parents[1:] != parents[:-1]
    return index - np.maximum.accumulate(np.where(first, index, 0))


def _marked(sizes, inner):
    """Whether each node below the last level has children: bool (nodes,)."""
    marked = [np.zeros(size, bool) for size in sizes]
    for one, indices in zip(marked, inner, strict=True):
        one[indices] = True
    return np.concatenate(marked or [np.zeros(0, bool)])


def _pack_marks(marked, words):
    padded = np.zeros(-(-len(marked) // BLOCK) * BLOCK, np.uint8)
    padded[: len(marked)] = marked
    blocks = padded.reshape(-1, BLOCK)
    before = np.cumsum(blocks.sum(1)) - blocks.sum(1)
    return np.packbits(blocks, bitorder="little").view("<u4"), words + before


def _encode(levels_of_values, levels=None):
    """Codes (values,) of all levels, and the values they stand for (levels, 256)."""
    codes = []
    books = np.zeros((levels or len(levels_of_values), CODES), np.float32)
    for level, values in enumerate(levels_of_values):
        values = np.asarray(values, np.float32)
        book = np.unique(values)
        if len(book) > CODES:
            raise TablesError(
                f"level {level + 1} has {len(book)} different logarithms, expected at "
                f"most {CODES}; quantise them"
            )
        books[level, : len(book)] = book
        codes.append(np.searchsorted(book, values).astype(np.uint8))
    return np.concatenate(codes), books


def _narrow(numbers):
    small = not len(numbers) or numbers.max() <= np.iinfo(np.uint16).max
    return numbers.astype(np.uint16 if small else np.uint32)


def _frozen(tables):
    """The dtypes of a file, read-only as a mapped one: numba compiles only once."""
    wide = ("first_states", "children", "marks", "ranks")
    arrays = {
        name: np.ascontiguousarray(array, np.uint32 if name in wide else None)
        for name, array in tables._asdict().items()
    }
    for array in arrays.values():
        array.flags.writeable = False
    return Tables(**arrays)


def shrink(tables):
    """What of the tables has to be stored.

    Single words remember nothing shorter, and words that nothing follows have no
    children and no back-off: if the last words of a vocabulary are such, they are
    left out of three arrays.

    Args:
        tables: Tables.

    Returns:
        dict of str to np.ndarray, for `expand`.
    """
    words = len(tables.codes) - len(tables.places)
    followed = np.flatnonzero(np.diff(tables.children[: words + 1]))
    inner = int(followed[-1]) + 1 if len(followed) else 0
    left_out = slice(inner, words)
    return {
        **tables._asdict(),
        "children": np.delete(tables.children, left_out),
        "shorter": tables.shorter[words:],
        "back_off_codes": np.delete(tables.back_off_codes, left_out),
    }


def expand(arrays):
    """The tables again; three arrays, of the states, are copied, the others not.

    Args:
        arrays: dict of `shrink`.

    Returns:
        Tables.

    Raises:
        TablesError: the arrays do not fit together.
    """
    longer = len(arrays["shorter"])
    words = len(arrays["codes"]) - len(arrays["places"])
    inner = len(arrays["back_off_codes"]) - longer
    if not 0 <= inner <= words or len(arrays["children"]) != inner + longer + 1:
        raise TablesError("damaged tables: the arrays of the states do not fit")
    children, codes = arrays["children"], arrays["back_off_codes"]
    left_out = words - inner
    empty = np.full(left_out, children[inner], np.uint32)
    shorter = arrays["shorter"]
    tables = Tables(
        **{
            **arrays,
            "children": np.concatenate([children[:inner], empty, children[inner:]]),
            "shorter": np.concatenate([np.zeros(words, shorter.dtype), shorter]),
            "back_off_codes": np.concatenate(
                [codes[:inner], np.zeros(left_out, np.uint8), codes[inner:]]
            ),
        }
    )
    return _frozen(tables)


def count_bytes(sizes, inner, last_word):
    """How much room tables take in a file.

    Args:
        sizes: list over the levels of int, the n-grams.
        inner: list over the levels but the last of int, the n-grams with children.
        last_word: int, the highest number of a word in an n-gram of several words.

    Returns:
        int, bytes, without the words themselves.
    """
    words, nodes, longer = sizes[0], sum(sizes[1:]), sum(inner[1:])
    place_bytes = 2 if last_word < 2**16 else 4
    shorter_bytes = place_bytes if len(sizes) <= 3 else 4
    states = 5 * (last_word + 1 + longer) + shorter_bytes * longer
    marks = 8 * -(-sum(sizes[1:-1]) // BLOCK)
    books = 2 * len(sizes) * CODES * 4
    ends = 4 * (len(sizes) + 2)  # of the first states, and of the children
    return words + nodes * (place_bytes + 1) + states + marks + books + ends


def check(tables):
    """Refuses arrays that `advance` would leave, since numba does not look.

    Args:
        tables: Tables.

    Raises:
        TablesError: they do not fit together; it says how.
    """
    for name, fits in _CHECKS.items():
        if not fits(tables):
            raise TablesError(f"damaged tables: {name}")


def _rises(numbers):
    return bool((numbers[1:] >= numbers[:-1]).all())


def _shapes_fit(tables):
    states = len(tables.shorter)
    words = len(tables.codes) - len(tables.places)
    order = len(tables.log_probs)
    books = tables.log_probs.shape == tables.back_offs.shape == (order, CODES)
    return (
        books
        and len(tables.back_off_codes) == states == len(tables.children) - 1
        and len(tables.first_states) == order + 1
        and len(tables.ranks) == len(tables.marks)
        and states >= words > UNKNOWN
    )


def _first_states_fit(tables):
    first = tables.first_states
    words = len(tables.codes) - len(tables.places)
    expected = [0, 1, words][: len(first) - 1]
    end = first[-1] == len(tables.shorter)
    return list(first[:-1][:3]) == expected and end and _rises(first)


def _children_fit(tables):
    ends = tables.children[[0, -1]].tolist()
    return ends == [0, len(tables.places)] and _rises(tables.children)


def _shorter_states_fit(tables):
    """Each lies before the longer one, so that the way to the empty state ends."""
    states = np.arange(1, len(tables.shorter))
    return not tables.shorter[0] and bool((tables.shorter[1:] < states).all())


def _marks_fit(tables):
    """Ranks count the marks, up to the number of states."""
    words = len(tables.codes) - len(tables.places)
    ones = _ONES[tables.marks.view(np.uint8)].reshape(-1, 4).sum(1)
    ends = np.append(words, tables.ranks + ones)
    inner = tables.children[tables.first_states[-2]]  # nodes below the last level
    return len(ones) * BLOCK >= inner and np.array_equal(
        ends, np.append(tables.ranks, len(tables.shorter))
    )


def _logarithms_fit(tables):
    return bool(np.isfinite([tables.log_probs, tables.back_offs]).all())


_CHECKS = {  # in this order: the later ones rely on the earlier
    "shapes": _shapes_fit,
    "first states": _first_states_fit,
    "children": _children_fit,
    "shorter states": _shorter_states_fit,
    "marks": _marks_fit,
    "logarithms": _logarithms_fit,
}
_ONES = np.array([number.bit_count() for number in range(CODES)], np.uint32)
