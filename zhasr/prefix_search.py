"""Prefix beam search: the compiled part. `zhasr.decoding.beam` is the door to it.

The prefixes (label sequences) of the beam are nodes of a tree, so that the extension
of one prefix meets another that is in the beam already: a prefix must not stand there
twice, or its probability would be split. A frame takes three steps:

    extend   beam -> slots: every prefix stays and is extended by the likely labels
    weigh    the language model scores the extensions that are new
    prune    slots -> beam: the best stay; what they need is written down

Sources: Graves & Jaitly (2014), Towards End-To-End Speech Recognition with Recurrent
    Neural Networks, section 4 and algorithm 1; Hannun, Maas, Jurafsky & Ng (2014),
    First-Pass Large Vocabulary Continuous Speech Recognition using Bi-Directional
    Recurrent DNNs, algorithm 1.
"""

from typing import NamedTuple

import numpy as np

from zhasr import compiled, ngram_trie, tokens
from zhasr.tokens import NONE

ROOT = 0  # node of the empty prefix
END = 2  # word number of </s> in every language model
CAPACITY = 1 << 10  # nodes and records to begin with
BEAM, NODES, RECORDS, FRAMES = range(4)  # places in Search.counts

TOKEN = np.dtype(
    [
        *tokens.PATHS,
        ("node", "i4"),  # the prefix; in a slot NONE while it has none
        ("parent", "i4"),  # the prefix without its last label
        ("state", "i4"),  # of the language model
        ("language", "f8"),  # what language model and bonus gave so far
        ("new", "?"),  # a slot that `weigh` has not scored
    ],
    align=True,
)
NODE = np.dtype(
    [
        ("parent", "i4"),
        ("label", "i4"),
        ("state", "i4"),
        ("language", "f8"),
        ("slot", "i4"),  # where the prefix is in this frame, or NONE
    ],
    align=True,
)
RECORD = np.dtype(tokens.RECORD, align=True)


class Search(NamedTuple):
    """The memory of a search.

    Attributes:
        beam: TOKEN array (width,).
        slots: TOKEN array, what the next beam is chosen from.
        nodes: NODE array, the prefixes of the beam and all that they begin with.
        table: int32 array, hash table of the nodes; NONE where free.
        records: RECORD array, the labels behind those of the beam.
        counts: int64 array (4,): tokens in the beam, nodes, records, frames read.
    """

    beam: np.ndarray
    slots: np.ndarray
    nodes: np.ndarray
    table: np.ndarray
    records: np.ndarray
    counts: np.ndarray


class Pruning(NamedTuple):
    """How much is followed; see `zhasr.decoding.Options`."""

    width: int
    margin: float
    most: int
    least: float


class Language(NamedTuple):
    """A language model of labels as the kernels take it.

    Attributes:
        tables: ngram_trie.Tables.
        words: int64 array (labels,), the number of each label in the language model.
        weight: float.
        bonus: float, added for every label.
    """

    tables: ngram_trie.Tables
    words: np.ndarray
    weight: float
    bonus: float


def begin(pruning, labels, state=0):
    """Make the memory of a search before its first frame.

    Args:
        pruning: Pruning.
        labels: int, size of the vocabulary.
        state: int, of the language model at the beginning.

    Returns:
        Search.
    """
    slots = pruning.width * (1 + min(pruning.most, labels - 1))
    search = Search(
        np.zeros(pruning.width, TOKEN),
        np.zeros(slots, TOKEN),
        np.zeros(CAPACITY, NODE),
        np.full(4 * CAPACITY, NONE, np.int32),
        np.zeros(CAPACITY, RECORD),
        np.zeros(4, np.int64),
    )
    _begin(search, state)
    return search


@compiled.njit
def _begin(search, state):
    """Put the empty prefix into the beam; it is certain."""
    token, root = search.beam[0], search.nodes[ROOT]
    tokens.begin(token)
    token.node, token.parent, token.state = ROOT, NONE, state
    root.parent, root.state, root.slot = NONE, state, NONE
    search.counts[BEAM] = search.counts[NODES] = 1


def make_room(search, needed):
    """Forget what no prefix of the beam begins with; double what is too small then.

    Args:
        search: Search; not to be used any more.
        needed: int, nodes and records that must be free.

    Returns:
        Search.
    """
    _forget(search)
    used = max(search.counts[NODES], search.counts[RECORDS])
    capacity = len(search.nodes)
    while capacity < 2 * used + needed:
        capacity *= 2
    search = search._replace(
        nodes=_resized(search.nodes, capacity),
        records=_resized(search.records, capacity),
        table=np.full(4 * capacity, NONE, np.int32),
    )
    _fill_table(search)
    return search


def _resized(array, length):
    larger = np.zeros(length, array.dtype)
    larger[: len(array)] = array
    return larger


@compiled.njit
def read(search, pruning, language, log_probs, first):
    """Read frames until the memory is full.

    Args:
        search: Search.
        pruning: Pruning.
        language: Language or None.
        log_probs: float32 array (frames, labels).
        first: int, the frame to begin with.

    Returns:
        int, the frame that has to be read next.
    """
    for frame in range(first, len(log_probs)):
        if not has_room(search):
            return frame
        if language is None:
            count = extend(search, pruning, 0.0, log_probs[frame])
        else:
            count = extend(search, pruning, language.bonus, log_probs[frame])
            weigh(search, language, count)
        prune(search, pruning, count)
    return len(log_probs)


@compiled.njit
def has_room(search):
    """Whether nodes and records suffice for one more frame."""
    free_nodes = len(search.nodes) - search.counts[NODES]
    free_records = len(search.records) - search.counts[RECORDS]
    return min(free_nodes, free_records) >= 2 * len(search.beam)


@compiled.njit
def extend(search, pruning, bonus, row):
    """Fill the slots with the prefixes of the beam and their extensions.

    Args:
        search: Search.
        pruning: Pruning.
        bonus: float, the most that the language model may add for a label.
        row: float32 array (labels,), log probabilities of the frame.

    Returns:
        int, how many slots are filled.
    """
    floor = _stay(search, row) - pruning.margin
    count = search.counts[BEAM]
    likely = np.empty(len(row), np.int32)
    likely = likely[: tokens.likely_labels(row, pruning.least, pruning.most, likely)]
    for index in range(search.counts[BEAM]):
        old = search.beam[index]
        other = tokens.leave(old, NONE)
        for label in likely:
            paths = tokens.leave(old, label) if label == old.label else other
            if paths[0] + row[label] + old.language + max(bonus, 0.0) < floor:
                continue
            if paths[0] == -np.inf:
                continue
            place = _place(search, old, label, count)
            count = max(count, place + 1)
            origin = tokens.source(old, index, paths[2])
            frame = search.counts[FRAMES]
            tokens.arrive(search.slots[place], frame, paths, row[label], origin)
    return count


@compiled.njit
def _stay(search, row):
    """Let every prefix go on without a new label; return the best score."""
    best = -np.inf
    for index in range(search.counts[BEAM]):
        old, new = search.beam[index], search.slots[index]
        spoken = row[old.label] if old.label else -np.inf
        tokens.stay(old, new, search.counts[FRAMES], row[0], spoken)
        new.node, new.parent, new.new = old.node, old.parent, False
        new.state, new.language = old.state, old.language
        search.nodes[old.node].slot = index
        best = max(best, tokens.total(new) + new.language)
    return best


@compiled.njit
def _place(search, old, label, count):
    """The slot of a prefix with one more label: a filled one, or the next free."""
    child = _find(search, old.node, label)
    if child != NONE and search.nodes[child].slot != NONE:
        return search.nodes[child].slot
    slot = search.slots[count]
    tokens.clear(slot)
    slot.label, slot.node, slot.parent = label, child, old.node
    if child == NONE:
        slot.state, slot.language, slot.new = old.state, old.language, True
    else:  # it fell out of the beam, but prefixes that begin with it did not
        node = search.nodes[child]
        slot.state, slot.language, slot.new = node.state, node.language, False
        node.slot = count
    return count


@compiled.njit
def weigh(search, language, count):
    """Add the language model to the slots that are new."""
    for index in range(count):
        slot = search.slots[index]
        if slot.new:
            word = language.words[slot.label]
            log_prob, slot.state = ngram_trie.advance(language.tables, slot.state, word)
            slot.language += language.weight * log_prob + language.bonus


@compiled.njit
def prune(search, pruning, count):
    """Make the next beam from the best slots.

    Args:
        search: Search.
        pruning: Pruning.
        count: int, filled slots.
    """
    scores = np.empty(count)
    for index in range(count):
        slot = search.slots[index]
        scores[index] = tokens.total(slot) + slot.language
        if slot.node != NONE:
            search.nodes[slot.node].slot = NONE
    kept = np.empty(count, np.int32)
    kept = kept[: tokens.keep(scores, pruning.width, pruning.margin, kept)]
    made = np.full(2 * search.counts[BEAM], NONE, np.int32)
    for index in kept:  # the old beam is needed for all, before it is overwritten
        slot = search.slots[index]
        slot.spoken_before = _record(search, made, slot.spoken_before)
        if slot.node == NONE:
            slot.node = _add_node(search, slot)
    for index in range(len(kept)):
        search.beam[index] = search.slots[kept[index]]
    search.counts[BEAM] = len(kept)
    search.counts[FRAMES] += 1


@compiled.njit
def _record(search, made, origin):
    """The record of a label that has ended, made when it is first asked for."""
    if origin >= NONE:
        return origin
    key = NONE - 1 - origin
    if made[key] == NONE:
        made[key] = search.counts[RECORDS]
        search.counts[RECORDS] += 1
        old, frame = search.beam[key // 2], search.counts[FRAMES]
        tokens.finish(search.records[made[key]], old, frame, key % 2 == 1)
    return made[key]


@compiled.njit
def _add_node(search, slot):
    index = search.counts[NODES]
    search.counts[NODES] += 1
    node = search.nodes[index]
    node.parent, node.label, node.slot = slot.parent, slot.label, NONE
    node.state, node.language = slot.state, slot.language
    search.table[_seek(search, slot.parent, slot.label)] = index
    return index


@compiled.njit
def _find(search, parent, label):
    """The node of a prefix with one more label, or NONE."""
    return search.table[_seek(search, parent, label)]


@compiled.njit
def _seek(search, parent, label):
    """The place in the hash table of a child, or the free one where it belongs."""
    mask = len(search.table) - 1
    mixed = np.int64(parent) * 0x9E3779B1 + np.int64(label) * 0x85EBCA77
    place = (mixed ^ (mixed >> 15)) & mask
    while True:
        index = search.table[place]
        if index == NONE:
            return place
        if search.nodes[index].parent == parent and search.nodes[index].label == label:
            return place
        place = (place + 1) & mask


@compiled.njit
def _fill_table(search):
    for index in range(1, search.counts[NODES]):
        node = search.nodes[index]
        search.table[_seek(search, node.parent, node.label)] = index


@compiled.njit
def _forget(search):
    """Close the gaps that dead prefixes and records leave; the order stays."""
    node_of = np.zeros(search.counts[NODES], np.int32)
    record_of = np.zeros(search.counts[RECORDS] + 1, np.int32)
    node_of[ROOT] = 1
    for token in search.beam[: search.counts[BEAM]]:
        node_of[token.node] = 1
        tokens.mark(record_of, token)
    for index in range(len(node_of) - 1, ROOT, -1):  # what is before has less
        if node_of[index]:
            node_of[search.nodes[index].parent] = 1
    search.counts[NODES] = tokens.number(node_of)
    for index in range(len(node_of)):
        if node_of[index] != NONE:
            node = search.nodes[index]
            if index != ROOT:
                node.parent = node_of[node.parent]
            search.nodes[node_of[index]] = node
    search.counts[RECORDS] = tokens.close_gaps(search.records, record_of)
    for token in search.beam[: search.counts[BEAM]]:
        token.node = node_of[token.node]
        if token.parent != NONE:
            token.parent = node_of[token.parent]
        tokens.renumber(record_of, token)


def final(search):
    """The tokens of the beam, and the log probabilities of all their paths."""
    beam = search.beam[: search.counts[BEAM]]
    return beam, np.logaddexp(beam["blank"], beam["spoken"])


def ends(language, beam):
    """What the language model gives each token of a beam for ending: float64."""
    return language.weight * _ends(language.tables, beam)


@compiled.njit
def _ends(tables, beam):
    log_probs = np.empty(len(beam))
    for index in range(len(beam)):
        log_probs[index], _ = ngram_trie.advance(tables, beam[index].state, END)
    return log_probs


@compiled.njit
def trace(search, index):
    """The labels of a token of the beam, in the order of time: RECORD array."""
    token = search.beam[index]
    heard = np.zeros(1, RECORD)
    if not token.label:
        return heard[:0]
    spoken = token.best_spoken > token.best_blank
    tokens.finish(heard[0], token, search.counts[FRAMES], spoken)
    length, before = 1, heard[0].before
    while before != NONE:
        length, before = length + 1, search.records[before].before
    labels = np.zeros(length, RECORD)
    labels[length - 1] = heard[0]
    for place in range(length - 2, -1, -1):
        labels[place] = search.records[labels[place + 1].before]
    return labels
