"""The word lattice of a sentence, and the best way through it. Kernels for numba.

    units       ni2    hao3   ma5       what was heard, with its alternatives
    edges       |--你--|--好--|--吗--|    words that fit, each from one place to another
                |-----你好----|--嘛--|
    nodes       (place, state)          what the language model remembers there

A *unit* is one hanzi; a *place* is before, between or after units. The search goes from
place to place (Viterbi 1967) and visits every pair of a node and a word, yet it looks
for few n-grams: all contexts of the nodes of a place, and all shorter contexts they
back off to, are *rows*, the shorter ones first. For a word it goes down the rows once,
looks for an n-gram only where the one without the oldest word exists, and fills in what
`language_model.advance` would give for every row.
"""

from typing import NamedTuple

import numpy as np

from zhasr import compiled, language_model, lexicon, ngram_trie

NONE = -1
CAPACITY = 64  # of arrays that grow

# A way to a place; of all ways to the same state and mark the best stays, a node.
WAY = np.dtype(
    [
        ("state", "i8"),  # of the language model
        ("mark", "i4"),  # the last word, if it is in the user's text, else 0
        ("before", "i4"),  # node
        ("edge", "i4"),
        ("next", "i4"),  # another way to the same place, or another that is free
        ("score", "f8"),  # natural logarithm, weighted
    ],
    align=True,
)
ARC = np.dtype(
    [("before", "i4"), ("after", "i4"), ("edge", "i4"), ("score", "f8")], align=True
)


class Units(NamedTuple):
    """What was heard: for each unit the symbols of the lexicon it may stand for.

    Attributes:
        first: int32 (units + 1,), unit u has the alternatives first[u]:first[u + 1].
        symbols: int32 (alternatives,).
        scores: float32 (alternatives,), 0 or less.
    """

    first: np.ndarray
    symbols: np.ndarray
    scores: np.ndarray


class Edges(NamedTuple):
    """Words that fit, sorted by where they begin.

    Attributes:
        first: int32 (units + 1,), those from place p are first[p]:first[p + 1].
        ends: int32 (edges,), places.
        words: int32 (edges,), numbers of the lexicon, and the user's after them.
        scores: float32 (edges,), of the reading and how it was heard.
    """

    first: np.ndarray
    ends: np.ndarray
    words: np.ndarray
    scores: np.ndarray


class User(NamedTuple):
    """The user's text as a bigram model, see `zhasr.adaptation`.

    Attributes:
        share: float, of this model in the mixture; 0 for none.
        numbers: int32 (words of the lexicon and the user,), the number of each in the
            user's text, 0 if it is not there.
        unigrams: float32 (user's words,), P(word); of 0, 0.
        first: int32 (user's words + 1,), into followers and bigrams.
        followers: int32 (pairs,), rising for each word.
        bigrams: float32 (pairs,), P(follower | word).
        left: float32 (user's words,), what each word leaves to the unigrams.
    """

    share: float
    numbers: np.ndarray
    unigrams: np.ndarray
    first: np.ndarray
    followers: np.ndarray
    bigrams: np.ndarray
    left: np.ndarray


class Weights(NamedTuple):
    """What the search needs of `hanzi.Weights`, and its limits.

    Attributes:
        language: float, factor of the logarithms of the language model.
        word: float, added for every word.
        beam: float, ways that are so much worse than the best to a place are dropped.
        nodes: int, most nodes of a place.
    """

    language: float
    word: float
    beam: float
    nodes: int


class Found(NamedTuple):
    """What the search kept.

    Attributes:
        first: int32 (places + 1,), place p has the nodes first[p]:first[p + 1].
        nodes: WAY array (nodes,).
        finals: float64 (nodes of the last place,), their scores with the end.
        arcs: ARC array (arcs,) from node to node, sorted by the place they lead to.
    """

    first: np.ndarray
    nodes: np.ndarray
    finals: np.ndarray
    arcs: np.ndarray


@compiled.njit
def grown(array):
    """The same array with room for twice as much."""
    larger = np.empty(2 * array.size, array.dtype)
    larger[: array.size] = array
    return larger


# Edges


@compiled.njit
def find_edges(tree, units, reading_weight, words):
    """Looks up all words that fit.

    Args:
        tree: lexicon.Tables.
        units: Units.
        reading_weight: float, factor of the log weights of the entries.
        words: int, more than any number in the tree.

    Returns:
        Edges; of several readings of a word in the same place, the best.
    """
    count = units.first.size - 1
    first = np.zeros(count + 1, np.int32)
    ends, found = np.empty(CAPACITY, np.int32), np.empty(CAPACITY, np.int32)
    scores = np.empty(CAPACITY, np.float32)
    nodes, places = np.empty(CAPACITY, np.int32), np.empty(CAPACITY, np.int32)
    sums = np.empty(CAPACITY, np.float32)
    edge_of = np.full(words, NONE, np.int32)  # of a word that begins here
    size = 0
    for start in range(count):
        nodes[0], places[0], sums[0] = lexicon.ROOT, start, 0.0
        left = 1
        while left:
            left -= 1
            node, place, score = nodes[left], places[left], sums[left]
            for entry in range(tree.first_entries[node], tree.first_entries[node + 1]):
                word = tree.words[entry]
                total = score + reading_weight * tree.log_weights[entry]
                edge = edge_of[word]
                if edge >= first[start]:
                    scores[edge] = max(scores[edge], total)
                    continue
                if size == ends.size:
                    ends, found, scores = grown(ends), grown(found), grown(scores)
                ends[size], found[size], scores[size] = place, word, total
                edge_of[word] = size
                size += 1
            if place == count:
                continue
            for number in range(units.first[place], units.first[place + 1]):
                child = lexicon.find_child(tree, node, units.symbols[number])
                if child >= 0:
                    if left == nodes.size:
                        nodes, places, sums = grown(nodes), grown(places), grown(sums)
                    nodes[left], places[left] = child, place + 1
                    sums[left] = score + units.scores[number]
                    left += 1
        first[start + 1] = size
    return Edges(first, ends[:size], found[:size], scores[:size])


def without(edges, words):
    """Edges but those of some words.

    Args:
        edges: Edges.
        words: int array of numbers.
    """
    return _chosen(edges, _starts(edges), ~np.isin(edges.words, words))


def join(edges, others):
    """All edges of two lattices of the same places: Edges."""
    both = Edges(None, *map(np.concatenate, zip(edges[1:], others[1:], strict=True)))
    starts = np.concatenate([_starts(edges), _starts(others)])
    order = np.argsort(starts, kind="stable")
    return _chosen(both, starts, order, places=len(edges.first))


def singles(where, word):
    """Edges of one unit each, all of one word.

    Args:
        where: bool array (units,), where they begin.
        word: int, its number.
    """
    starts = np.flatnonzero(where)
    words = np.full(len(starts), word, np.int32)
    scores = np.zeros(len(starts), np.float32)
    edges = Edges(None, (starts + 1).astype(np.int32), words, scores)
    return _chosen(edges, starts, slice(None), places=len(where) + 1)


def _starts(edges):
    return np.repeat(np.arange(len(edges.first) - 1), np.diff(edges.first))


def _chosen(edges, starts, which, places=None):
    """Some edges, or all in another order, that begin at these places."""
    counts = np.bincount(starts[which], minlength=(places or len(edges.first)) - 1)
    first = np.append(0, np.cumsum(counts)).astype(np.int32)
    return Edges(first, *(array[which] for array in edges[1:]))


# The filter: most pairs of words are in no bigram, which one look tells


@compiled.njit
def make_filter(tables):
    """A Bloom filter (1970) of the bigrams of a language model.

    Args:
        tables: ngram_trie.Tables.

    Returns:
        uint64 array, a power of two; 8 to 16 bits a bigram, of which each sets two in
        one element.
    """
    words = tables.codes.size - tables.places.size
    size = 1
    while 8 * size < tables.children[words]:
        size *= 2
    bits = np.zeros(size, np.uint64)
    for before in range(words):
        for node in range(tables.children[before], tables.children[before + 1]):
            mixed = _mixed(_hash_before(before) + _hash_word(tables.places[node]))
            bits[mixed & np.uint64(size - 1)] |= _two_bits(mixed)
    return bits


@compiled.njit
def _hash_before(word):
    return np.uint64(word) * np.uint64(0x9E3779B97F4A7C15)


@compiled.njit
def _hash_word(word):
    return np.uint64(word) * np.uint64(0xC2B2AE3D27D4EB4F)


@compiled.njit
def _mixed(number):
    number = (number ^ (number >> np.uint64(32))) * np.uint64(0xD6E8FEB86659FD93)
    return number ^ (number >> np.uint64(32))


@compiled.njit
def _two_bits(mixed):
    """Two of 64 bits, by the highest bits of a hash."""
    first = np.uint64(1) << (mixed >> np.uint64(58))
    return first | np.uint64(1) << ((mixed >> np.uint64(52)) & np.uint64(63))


# The search


@compiled.njit
def search(tables, bigrams, user, edges, weights, start, end, width):
    """Finds the best ways from the beginning to all places.

    Args:
        tables: ngram_trie.Tables.
        bigrams: uint64 array of `make_filter`.
        user: User.
        edges: Edges.
        weights: Weights.
        start: two int, at the beginning the state and the last word of `User`.
        end: bool, whether the sentence ends: </s> is said.
        width: float, list the arcs that are at most so much worse than the best to
            the same node; below 0 for no arcs.

    Returns:
        Found.
    """
    places = edges.first.size
    first = np.zeros(places + 1, np.int32)
    nodes, arcs = np.empty(CAPACITY, WAY), np.empty(CAPACITY, ARC)
    heads, best = np.full(places, NONE, np.int32), np.full(places, -np.inf)
    pool = np.empty(CAPACITY, WAY)
    free = _chain(pool, 0)
    set_way(nodes[0], start[0], start[1], NONE, NONE, 0.0)
    first[1], arc_count, every = 1, 0, width >= 0
    for place in range(places - 1):
        low, high = first[place], first[place + 1]
        pool, free = _leave(
            tables, bigrams, user, edges, weights, place, nodes[low:high], low,
            every, heads, best, pool, free,
        )  # fmt: skip
        ways, free = _collect(pool, heads[place + 1], free)
        node_of = _merge(ways, best[place + 1] - weights.beam, weights.nodes, high)
        nodes, count = _keep_nodes(ways, node_of, nodes, high)
        if every:
            arcs, arc_count = _keep_arcs(ways, node_of, nodes, width, arcs, arc_count)
        first[place + 2] = count
    last = nodes[first[places - 1] : first[places]]
    finals = np.empty(last.size, np.float64)
    for index in range(last.size):
        finals[index] = last[index].score
        if end:
            finals[index] += weights.language * _end(tables, user, last[index])
    return Found(first, nodes[: first[places]], finals, arcs[:arc_count])


@compiled.njit
def set_way(way, state, mark, before, edge, score):
    """Write the fields of a way."""
    way.state, way.mark, way.before, way.edge = state, mark, before, edge
    way.score = score


class Rows(NamedTuple):
    """The contexts of one place, shorter ones first, the empty one in row 0.

    Attributes:
        states: int64 (rows,), of the language model.
        shorter: int32 (rows,), the row of the shorter state.
        lengths: int32 (rows,), words remembered.
        back_offs: float64 (rows,), price of leaving out the oldest word.
        hashes: uint64 (rows,), for the filter.
        row_of: int32 (nodes,), the row of the state of each node.
    """

    states: np.ndarray
    shorter: np.ndarray
    lengths: np.ndarray
    back_offs: np.ndarray
    hashes: np.ndarray
    row_of: np.ndarray


class Answers(NamedTuple):
    """What the rows know of one word.

    Attributes:
        log_probs: float64 (rows,).
        owners: int32 (rows,), the row that knows the state after the word.
        targets: int64 (rows,), that state, where the row is its own owner.
        numbers: int64 (rows,), of the word among the children of the state, or NONE.
    """

    log_probs: np.ndarray
    owners: np.ndarray
    targets: np.ndarray
    numbers: np.ndarray


@compiled.njit
def _leave(
    tables, bigrams, user, edges, weights, place, nodes, number, every, heads, best,
    pool, free,
):  # fmt: skip
    """Goes from the nodes of one place (from `number` on) along all its edges."""
    rows = _rows(tables, nodes)
    count = rows.states.size
    answers = Answers(
        np.empty(count, np.float64),
        np.empty(count, np.int32),
        np.empty(count, np.int64),
        np.empty(count, np.int64),
    )
    best_node = np.full(count, NONE, np.int32)  # by owner
    best_score = np.full(count, -np.inf)
    words = tables.codes.size - tables.places.size
    for edge in range(edges.first[place], edges.first[place + 1]):
        word, goal = edges.words[edge], edges.ends[edge]
        spoken = word if word < words else language_model.UNKNOWN
        _say(tables, bigrams, spoken, rows, answers)
        own = 0
        if word < user.numbers.size:
            own = user.numbers[word]
        added = edges.scores[edge] + weights.word
        for index in range(nodes.size):
            row = rows.row_of[index]
            log_prob = answers.log_probs[row]
            if user.share > 0:
                log_prob = _mix(user, log_prob, nodes[index].mark, own)
            score = nodes[index].score + weights.language * log_prob + added
            if score < best[goal] - weights.beam:
                continue
            owner = answers.owners[row]
            if every:
                pool, free = _push(pool, free, heads, goal)
                way = pool[heads[goal]]
                set_way(way, answers.targets[owner], own, number + index, edge, score)
                best[goal] = max(best[goal], score)
            elif score > best_score[owner]:
                best_score[owner], best_node[owner] = score, index
        if every:
            continue
        for row in range(count):
            if best_node[row] != NONE:
                node, score = number + best_node[row], best_score[row]
                pool, free = _push(pool, free, heads, goal)
                set_way(pool[heads[goal]], answers.targets[row], own, node, edge, score)
                best[goal] = max(best[goal], score)
                best_score[row], best_node[row] = -np.inf, NONE
    return pool, free


@compiled.njit
def _rows(tables, nodes):
    """The states of nodes and all that they back off to: Rows."""
    longest = tables.first_states.size - 2  # words remembered
    most = nodes.size * longest + 1
    slots = _slots(most)
    states, shorter = np.empty(most, np.int64), np.empty(most, np.int32)
    lengths, row_of = np.empty(most, np.int32), np.empty(nodes.size, np.int32)
    chain = np.empty(longest + 1, np.int64)
    states[0], shorter[0], lengths[0], count = language_model.EMPTY, 0, 0, 1
    slots[_slot(slots, states, states[0])] = 0
    for index in range(nodes.size):
        state, size = nodes[index].state, 0
        slot = _slot(slots, states, state)
        while slots[slot] == NONE:
            chain[size] = state
            size += 1
            state = np.int64(tables.shorter[state])
            slot = _slot(slots, states, state)
        row = slots[slot]
        while size:
            size -= 1
            states[count], shorter[count] = chain[size], row
            lengths[count] = lengths[row] + 1
            slots[_slot(slots, states, chain[size])] = count
            row, count = count, count + 1
        row_of[index] = row
    back_offs, hashes = np.zeros(count, np.float64), np.zeros(count, np.uint64)
    for row in range(1, count):
        code = tables.back_off_codes[states[row]]
        back_offs[row] = tables.back_offs[lengths[row] - 1, code]
        hashes[row] = _hash_before(states[row])
    return Rows(
        states[:count], shorter[:count], lengths[:count], back_offs, hashes, row_of
    )


@compiled.njit
def _slots(most):
    """An empty hash table for so many things: at most half full, a power of two."""
    size = 4
    while size < 2 * most:
        size *= 2
    return np.full(size, NONE, np.int32)


@compiled.njit
def _slot(slots, states, state):
    """Where a state is in the hash table of rows, or where it belongs."""
    slot = (state * 0x9E3779B1 >> 7) & (slots.size - 1)
    while slots[slot] != NONE and states[slots[slot]] != state:
        slot = (slot + 1) & (slots.size - 1)
    return slot


@compiled.njit
def _say(tables, bigrams, word, rows, answers):
    """Fills in what `ngram_trie.advance` gives for one word and all rows."""
    words = tables.codes.size - tables.places.size
    order = tables.log_probs.shape[0]
    own_hash, mask = _hash_word(word), np.uint64(bigrams.size - 1)
    log_probs, owners, targets, numbers = answers
    log_probs[0] = tables.log_probs[0, tables.codes[word]]
    owners[0], numbers[0], targets[0] = 0, word, word
    if tables.children[word] == tables.children[word + 1]:
        targets[0] = language_model.EMPTY
    for row in range(1, rows.states.size):
        before, node = rows.shorter[row], np.int64(NONE)
        known = numbers[before] != NONE
        if known and before == 0:
            mixed = _mixed(rows.hashes[row] + own_hash)
            wanted = _two_bits(mixed)
            known = bigrams[mixed & mask] & wanted == wanted
        if known:
            node = ngram_trie.find(tables, rows.states[row], numbers[before])
        owners[row] = owners[before]
        if node == NONE:
            log_probs[row] = log_probs[before] + rows.back_offs[row]
            numbers[row] = NONE
            continue
        length = rows.lengths[row]
        log_probs[row] = tables.log_probs[length, tables.codes[words + node]]
        numbers[row] = node - np.int64(tables.children[rows.states[row]])
        if length + 1 < order and ngram_trie.is_marked(tables, node):
            owners[row], targets[row] = row, ngram_trie.state_of(tables, node)


@compiled.njit
def _mix(user, log_prob, before, word):
    """The user's text and the language model, interpolated."""
    probability = 0.0
    if word:
        probability = user.left[before] * user.unigrams[word]
        low, end = user.first[before], user.first[before + 1]
        low += np.searchsorted(user.followers[low:end], word)
        if low < end and user.followers[low] == word:
            probability += user.bigrams[low]
    return np.log((1 - user.share) * np.exp(log_prob) + user.share * probability)


@compiled.njit
def _end(tables, user, node):
    """The log-probability that a sentence ends after a node."""
    log_prob = ngram_trie.advance(tables, node.state, language_model.END)[0]
    if user.share > 0:
        return _mix(user, log_prob, node.mark, user.numbers[language_model.END])
    return np.float64(log_prob)


# Ways that are in memory: lists in one pool


@compiled.njit
def _chain(pool, first):
    """Chains the ways from `first` on; returns the first."""
    for index in range(first, pool.size):
        pool[index].next = index + 1
    pool[pool.size - 1].next = NONE
    return first


@compiled.njit
def _push(pool, free, heads, place):
    """Takes a free way and puts it before the others to a place."""
    if free == NONE:
        size = pool.size
        pool = grown(pool)
        free = _chain(pool, size)
    way = free
    free = pool[way].next
    pool[way].next = heads[place]
    heads[place] = way
    return pool, free


@compiled.njit
def _collect(pool, head, free):
    """Copies the ways of a list and sets them free."""
    count, way = 0, head
    while way != NONE:
        count, way = count + 1, pool[way].next
    ways = np.empty(count, WAY)
    way = head
    for index in range(count - 1, -1, -1):  # in the order they were pushed
        ways[index] = pool[way]
        following = pool[way].next
        pool[way].next = free
        free, way = way, following
    return ways, free


@compiled.njit
def _merge(ways, least, most, number):
    """Finds the nodes of the ways to one place.

    Args:
        ways: WAY array.
        least: float, score of a node.
        most: int, nodes.
        number: int, of the first node.

    Returns:
        int32 array (ways,), the node of each, NONE if it is not kept.
    """
    slots = _slots(ways.size)
    groups = np.empty(ways.size, np.int32)
    scores, count = np.empty(ways.size, np.float64), 0
    members = np.empty(ways.size, np.int32)  # one way of each group
    for index in range(ways.size):
        way = ways[index]
        slot = ((way.state * 0x9E3779B1 >> 7) + way.mark) & (slots.size - 1)
        while slots[slot] != NONE:
            other = ways[members[slots[slot]]]
            if other.state == way.state and other.mark == way.mark:
                break
            slot = (slot + 1) & (slots.size - 1)
        if slots[slot] == NONE:
            slots[slot], members[count], scores[count] = count, index, way.score
            count += 1
        groups[index] = slots[slot]
        scores[slots[slot]] = max(scores[slots[slot]], way.score)
    if count > most:
        least = max(least, np.partition(scores[:count], count - most)[count - most])
    numbers = np.full(count, NONE, np.int32)
    for group in range(count):
        if scores[group] >= least:
            numbers[group] = number
            number += 1
    return numbers[groups]


@compiled.njit
def _keep_nodes(ways, node_of, nodes, count):
    """Writes the nodes from `count` on: of the ways to each, the best."""
    for index in range(ways.size):
        node = node_of[index]
        if node == NONE:
            continue
        while node >= nodes.size:
            nodes = grown(nodes)
        if node >= count or ways[index].score > nodes[node].score:
            nodes[node] = ways[index]
        count = max(count, node + 1)
    return nodes, count


@compiled.njit
def _keep_arcs(ways, node_of, nodes, width, arcs, count):
    """Writes the ways to nodes that were kept as arcs from `count` on."""
    for index in range(ways.size):
        way = ways[index]
        if node_of[index] == NONE or way.score < nodes[node_of[index]].score - width:
            continue
        if count == arcs.size:
            arcs = grown(arcs)
        arc = arcs[count]
        arc.before, arc.after, arc.edge = way.before, node_of[index], way.edge
        arc.score = way.score - nodes[way.before].score
        count += 1
    return arcs, count
