"""After the search: a lattice is pruned, weighed once more, and asked.

    search (words) --prune--> few arcs --weigh_characters--> nodes that also know the
    last characters --best_path, entering, posteriors--> answers

A model of characters knows what one of words does not: how names and rare words go on.
Both together (their logarithms are added, weighted) err less than either. The model of
words has left so few arcs that the second search costs little. Kernels for numba.
"""

from typing import NamedTuple

import numpy as np

from zhasr import compiled, language_model, lattice
from zhasr.lattice import NONE

END, UNKNOWN = language_model.END, language_model.UNKNOWN
ROUNDING = 1e-6  # sums of the same scores in another order


class Spelling(NamedTuple):
    """The characters of all words.

    Attributes:
        first: int32 (words + 1,), word w has characters[first[w]:first[w + 1]].
        characters: int32, numbers in the model of characters.
    """

    first: np.ndarray
    characters: np.ndarray


def spell(texts, characters):
    """Spells words.

    Args:
        texts: list of str.
        characters: language_model.LanguageModel of characters.

    Returns:
        Spelling.
    """
    points = np.frombuffer("".join(texts).encode("utf-32-le"), "<u4")
    numbers = np.zeros(int(points.max(initial=0)) + 1, np.int32)
    for number, character in enumerate(characters.words):
        if len(character) == 1 and ord(character) < len(numbers):
            numbers[ord(character)] = number
    first = np.append(0, np.cumsum([len(text) for text in texts]))
    return Spelling(first.astype(np.int32), numbers[points])


@compiled.njit
def prune(found, width):
    """Drops arcs that no path near the best one takes.

    Args:
        found: lattice.Found.
        width: float, how much worse than the best path one through an arc may be.

    Returns:
        lattice.Found with the same nodes.
    """
    rests = np.full(found.nodes.size, -np.inf)  # of the best way to the end
    last = found.first[found.first.size - 2]
    for index in range(found.finals.size):
        rests[last + index] = found.finals[index] - found.nodes[last + index].score
    least = found.finals.max() - width - ROUNDING
    kept = np.zeros(found.arcs.size, np.bool_)
    for index in range(found.arcs.size - 1, -1, -1):
        arc = found.arcs[index]
        rest = rests[arc.after] + arc.score
        rests[arc.before] = max(rests[arc.before], rest)
        kept[index] = found.nodes[arc.before].score + rest >= least
    return lattice.Found(found.first, found.nodes, found.finals, found.arcs[kept])


@compiled.njit
def weigh_characters(found, words, spelling, tables, weight, start, end):
    """Adds a model of characters.

    Args:
        found: lattice.Found, pruned.
        words: int32 array (edges,), numbers in the spelling.
        spelling: Spelling.
        tables: ngram_trie.Tables of the model of characters.
        weight: float, of its logarithms.
        start: int, its state at the beginning.
        end: bool, whether </s> is said.

    Returns:
        lattice.Found; the state of a node is that of the model of characters, its
        mark the node that it was.
    """
    nodes = np.empty(found.arcs.size + 1, lattice.WAY)
    arcs = np.empty(found.arcs.size + 1, lattice.ARC)
    lattice.set_way(nodes[0], start, 0, NONE, NONE, 0.0)
    nodes[0].next = NONE
    heads = np.full(found.nodes.size, NONE, np.int32)  # of an old node, the new ones
    heads[0] = 0
    first = np.ones(found.first.size, np.int32)
    first[0], count, arc_count, place = 0, 1, 0, 1
    for old in found.arcs:
        while old.after >= found.first[place + 1]:
            place += 1
            first[place] = count
        node = heads[old.before]
        while node != NONE:
            log_prob, state = _spell(
                tables, nodes[node].state, spelling, words[old.edge]
            )
            if count == nodes.size:
                nodes = lattice.grown(nodes)
            if arc_count == arcs.size:
                arcs = lattice.grown(arcs)
            score = old.score + weight * log_prob
            after = _node_of(nodes, heads, old.after, state, count)
            count = max(count, after + 1)
            total = nodes[node].score + score
            if total > nodes[after].score:
                lattice.set_way(nodes[after], state, old.after, node, old.edge, total)
            arc = arcs[arc_count]
            arc.before, arc.after, arc.edge, arc.score = node, after, old.edge, score
            arc_count += 1
            node = nodes[node].next
    first[place + 1 :] = count
    finals = np.empty(count - first[-2], np.float64)
    for index in range(finals.size):
        node = nodes[first[-2] + index]
        left = found.finals[node.mark - found.first[-2]] - found.nodes[node.mark].score
        if end:
            left += weight * language_model.advance(tables, node.state, END)[0]
        finals[index] = node.score + left
    return lattice.Found(first, nodes[:count], finals, arcs[:arc_count])


@compiled.njit
def _spell(tables, state, spelling, word):
    """Says the characters of a word: their log-probability, and the state."""
    log_prob = np.float64(0.0)
    if word + 1 >= spelling.first.size:  # what is no word
        unknown, state = language_model.advance(tables, state, UNKNOWN)
        return np.float64(unknown), state
    for index in range(spelling.first[word], spelling.first[word + 1]):
        character = spelling.characters[index]
        one, state = language_model.advance(tables, state, character)
        log_prob += one
    return log_prob, state


@compiled.njit
def _node_of(nodes, heads, old, state, count):
    """The new node of an old one and a state; number `count` if it is the first."""
    node = heads[old]
    while node != NONE:
        if nodes[node].state == state:
            return node
        node = nodes[node].next
    nodes[count].score, nodes[count].next = -np.inf, heads[old]
    heads[old] = count
    return count


# Answers


@compiled.njit
def best_path(found, node):
    """The edges of the best way to a node: int32 array."""
    path = np.empty(found.first.size, np.int32)
    size = 0
    while found.nodes[node].before != NONE:
        path[size] = found.nodes[node].edge
        node = found.nodes[node].before
        size += 1
    return path[:size][::-1].copy()


def entering(found):
    """The arcs that lead to each node: list over the nodes of ARC arrays."""
    order = np.argsort(found.arcs["after"], kind="stable")
    counts = np.bincount(found.arcs["after"], minlength=len(found.nodes))
    return np.split(found.arcs[order], np.cumsum(counts)[:-1])


@compiled.njit
def posteriors(found, scale, edges):
    """How likely each edge is: the share of all paths through it.

    Forwards and backwards over the arcs, as in Rabiner (1989), section III.

    Args:
        found: lattice.Found.
        scale: float, factor of all scores; below 1 paths differ less.
        edges: int, their number.

    Returns:
        float64 array (edges,), 0 to 1.
    """
    count, last = found.nodes.size, found.first[-2]
    before, after = np.full(count, -np.inf), np.full(count, -np.inf)
    before[0], total = 0.0, -np.inf
    for arc in found.arcs:
        way = before[arc.before] + scale * arc.score
        before[arc.after] = np.logaddexp(before[arc.after], way)
    for index in range(found.finals.size):
        node = last + index
        after[node] = scale * (found.finals[index] - found.nodes[node].score)
        total = np.logaddexp(total, before[node] + after[node])
    shares = np.zeros(edges, np.float64)
    for index in range(found.arcs.size - 1, -1, -1):
        arc = found.arcs[index]
        way = scale * arc.score + after[arc.after]
        after[arc.before] = np.logaddexp(after[arc.before], way)
        shares[arc.edge] += np.exp(before[arc.before] + way - total)
    return shares
