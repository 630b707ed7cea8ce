"""What else may have been said: hypotheses and confidences after the one-pass search.

The search leaves records of labels, each with the one before it. A record that ends a
word may have *others*: records that could stand in its place, with their log
probability compared with its own. Each has its own past, so a sentence of some doubtful
words is a choice among many:

    今天 -- 天气 -- 很 -- 好      others of 很: 恨 (-3.1), after 天气 or 天启
            天启 -- 恨            others of 天气: 天启 (-6.0)
"""

import heapq
import itertools

import numpy as np

from zhasr import compiled
from zhasr.tokens import NONE

TRIES = 20  # ways that are looked at for each sentence: many say the same words
TOLERANCE = 2  # frames by which the same word may be shifted
BEFORE, LABEL, START, END, PROBABILITY, WORD, OTHERS = range(7)  # fields of a record


def best_sentences(search, finals, scores, count):
    """Find the best sequences of words.

    Args:
        search: token_passing.Search.
        finals: RECORD array (tokens,), the last labels of whole sentences.
        scores: float64 array (tokens,).
        count: int, how many are wanted.

    Returns:
        list of (score, list of records), the best first: the labels of a sentence as
        tuples, in the order of time. No two have the same words; the score is the sum
        over the ways to say them that were looked at.
    """
    found = {}
    ways = _ways(search, finals.tolist(), scores.tolist())
    for score, labels in itertools.islice(ways, TRIES * count):
        # A label that no word ends with counts where the sentence is cut off in a word.
        words = tuple(one[WORD] for one in labels if one[WORD] != NONE)
        rest = tuple(one[LABEL] for one in labels[::-1] if one[WORD] == NONE)
        key = words, rest if labels[-1][WORD] == NONE else ()
        if key in found:
            before, labels = found[key]
            score = np.logaddexp(before, score)
        elif len(found) == count:
            break
        found[key] = float(score), labels
    return sorted(found.values(), key=lambda each: -each[0])


def _ways(search, finals, scores):
    """Yield all ways through the records, the best first: score and labels.

    What a choice loses is known when it is made, so a heap of unfinished ways puts them
    in the right order (best-first search, with an exact estimate of the rest). Others
    lose something and have others themselves: those come when their turn has come.
    """
    records = search.records  # millions after ten minutes: few of them are looked at
    newest_first = itertools.count(0, -1)  # of equals: a way is followed to its end
    heap = []

    def push(score, record, after):
        heapq.heappush(heap, (-score, next(newest_first), record, after))

    for final, score in zip(finals, scores, strict=True):
        push(score, final, None)
    while heap:
        loss, _, record, after = heapq.heappop(heap)
        for ratio, other in _others(search, record):
            push(ratio - loss, other, after)
        way = record, after
        while _is_within_word(records, way[0][BEFORE]):
            way = records[way[0][BEFORE]].item(), way
        if way[0][BEFORE] == NONE:
            yield -loss, list(_labels(way))
        else:
            push(-loss, records[way[0][BEFORE]].item(), way)


def _is_within_word(records, index):
    return index != NONE and records[index]["word"] == NONE


def _labels(way):
    while way is not None:
        record, way = way
        yield record


def _others(search, record):
    """Yield what may stand in the place of a record, with its ratio to it."""
    ratio, item = 0.0, record[OTHERS]
    while item != NONE:
        other, change, item = search.others[item].item()
        if other == NONE:
            ratio += change
        else:
            yield ratio + change, search.records[other].item()


@compiled.njit
def posteriors(search, finals, scores, silence):
    """How probable each label is, given all that was looked at.

    A sentence is chosen backwards: one of the ends by its score, then at every record
    either itself or one of its others, by their ratios.

    Args:
        search: token_passing.Search.
        finals: RECORD array (tokens,).
        scores: float64 array (tokens,).
        silence: float, the score of having heard nothing.

    Returns:
        float64 array (finals,) and float64 array (records,), probabilities of being
        chosen.
    """
    count = search.counts[1]
    arriving, chosen = np.zeros(count), np.zeros(count)
    most = max(np.max(scores), silence)
    last = np.exp(scores - most)
    last /= np.sum(last) + np.exp(silence - most)
    for index in range(len(finals)):
        last[index] = _share(search, finals[index], last[index], arriving)
        if finals[index].before != NONE:
            arriving[finals[index].before] += last[index]
    for index in range(count - 1, -1, -1):  # what a record leads to comes before it
        if arriving[index] > 0:
            record = search.records[index]
            chosen[index] = _share(search, record, arriving[index], arriving)
            if record.before != NONE:
                arriving[record.before] += chosen[index]
    return last, chosen


@compiled.njit
def _share(search, record, probability, arriving):
    """Give the others of a record their part; return what is left for itself."""
    whole, ratio, item = 1.0, 0.0, record.others
    while item != NONE:
        other = search.others[item]
        ratio += other.ratio
        if other.record != NONE:
            whole += np.exp(ratio)
            ratio -= other.ratio
        item = other.next
    ratio, item = 0.0, record.others
    while item != NONE:
        other = search.others[item]
        ratio += other.ratio
        if other.record != NONE:
            arriving[other.record] += probability * np.exp(ratio) / whole
            ratio -= other.ratio
        item = other.next
    return probability / whole


class Confidences:
    """How sure the search is of its words.

    Args:
        search: token_passing.Search.
        finals: RECORD array (tokens,).
        scores: float64 array (tokens,).
        silence: float, the score of having heard nothing.
    """

    def __init__(self, search, finals, scores, silence):
        """Sort all ends of words by their words."""
        last, chosen = posteriors(search, finals, scores, silence)
        records = np.concatenate([search.records[: len(chosen)], finals])
        probabilities = np.concatenate([chosen, last])
        used = (records["word"] != NONE) & (probabilities > 0)
        order = np.argsort(records["word"][used], kind="stable")
        self._records = records[used][order]
        self._probabilities = probabilities[used][order]

    def of(self, word, start, end):
        """The probability that a word ends at about these frames: float, 0 to 1."""
        words = self._records["word"]
        first, behind = np.searchsorted(words, [word, word + 1])
        same = self._records[first:behind]
        near = (same["start"] < end + TOLERANCE) & (same["end"] > start - TOLERANCE)
        return min(1.0, float(self._probabilities[first:behind][near].sum()))
