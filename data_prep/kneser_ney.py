"""Interpolated modified Kneser-Ney smoothing: counts to probabilities.

    P(w | h) = (a(h w) - D(a(h w))) / a(h) + gamma(h) P(w | h without its oldest word)

Chen & Goodman (1999), section 3. The a are *adjusted counts*: of the longest n-grams
how often they occur, of the shorter ones after how many different words ("Francisco"
is frequent, but only after "San"). Nothing stands before <s>, so n-grams that begin
with it keep their own counts (Heafield et al. 2013, section 3). D is one discount each
for counts of one, two, and three or more, told from the counts of counts; what is
taken is what gamma gives to the shorter context. Below the unigrams lies the uniform
distribution over all words, so that <unk> has a chance.
"""

from dataclasses import dataclass

import numpy as np

from data_prep import ngram_counts

BEGIN = 1  # <s>, the one word that nobody says
NEVER = -99.0  # its log-probability
FALLBACK_DISCOUNTS = (0.5, 1.0, 1.5)  # where a text is too small to tell


@dataclass(frozen=True, eq=False)
class Model:
    """A back-off model: values of n-grams, sorted by their keys.

    Attributes:
        words: int, size of the vocabulary.
        bits: int, of a word in a key (see data_prep.ngram_counts).
        keys: list over n = 1 ... order of uint64 arrays (n-grams,), rising. Level 1
            has every word.
        log_probs: list of float32 arrays (n-grams,), natural logarithms of
            P(last word | words before it).
        back_offs: list of float32 arrays (n-grams,) of the orders but the last,
            logarithms of gamma(n-gram).
    """

    words: int
    bits: int
    keys: list[np.ndarray]
    log_probs: list[np.ndarray]
    back_offs: list[np.ndarray]

    def suffixes(self, level, part=slice(None)):
        """Where n-grams without their oldest word stand, one level up.

        Args:
            level: int, from 1 for bigrams; an index of `keys`.
            part: slice of the n-grams.

        Returns:
            int array (n-grams,), indices of keys[level - 1].
        """
        ends = self.keys[level][part] & np.uint64(2 ** (self.bits * level) - 1)
        return np.searchsorted(self.keys[level - 1], ends)

    def contexts(self, level, part=slice(None)):
        """Where n-grams without their last word stand, as `suffixes`; rising."""
        beginnings = self.keys[level][part] >> np.uint64(self.bits)
        return np.searchsorted(self.keys[level - 1], beginnings)


def adjust(counts):
    """Adjusted counts of all orders.

    Args:
        counts: ngram_counts.Counts.

    Returns:
        ngram_counts.Counts with every n-gram of every order; of order 1 every word,
        0 where it does not occur.
    """
    keys, adjusted = [counts.keys[-1]], [counts.counts[-1]]
    for level in range(len(counts.keys) - 1, 0, -1):
        ends = keys[0] & np.uint64(2 ** (counts.bits * level) - 1)
        key, number = np.unique(ends, return_counts=True)
        number = number.astype(np.int32)
        if level > 1:
            parts = [(key, number), (counts.keys[level - 1], counts.counts[level - 1])]
            key, number = ngram_counts.merge(parts)
        keys.insert(0, key)
        adjusted.insert(0, number)
    every = np.zeros(counts.words, np.int64)
    every[keys[0].astype(int)] = adjusted[0]
    keys[0], adjusted[0] = np.arange(counts.words, dtype=np.uint64), every
    return ngram_counts.Counts(counts.words, counts.bits, tuple(keys), tuple(adjusted))


def estimate(counts, base=None, base_weight=0.0, trust=1.0):
    """Estimates a model.

    Args:
        counts: ngram_counts.Counts, adjusted.
        base: float array (words,), other evidence of how frequent words are, such as
            the frequencies of a dictionary; 0 for <s>, sums to one.
        base_weight: float, its share of the unigrams, 0 to 1.
        trust: float, 0 to 1: what the n-grams of several words keep of their share.
            1 is Kneser-Ney, best for more text of the same kind; a model of little
            text that has to serve for any kind does better with less.

    Returns:
        Model.

    Example:
        >>> stream = np.array([3, 4, -1, 3, 5, -1])  # words are numbered from 3
        >>> model = estimate(adjust(ngram_counts.count([stream], words=6, order=2)))
        >>> float(np.exp(model.log_probs[0]).sum().round(6))
        1.0
    """
    lower = np.full(counts.words, 1 / (counts.words - 1))  # uniform without <s>
    log_probs, back_offs = [], []
    for level, (keys, adjusted) in enumerate(
        zip(counts.keys, counts.counts, strict=True)
    ):
        taken = _taken(adjusted)
        contexts = keys >> np.uint64(counts.bits)
        first = ngram_counts.first_of_runs(contexts)
        runs = np.cumsum(first) - 1
        total = np.maximum(np.bincount(runs, adjusted), 1)
        gamma = np.bincount(runs, taken) / total if adjusted.any() else np.ones(1)
        kept = trust if level else 1.0
        gamma = 1 - kept * (1 - gamma)
        if level:
            back_off = np.zeros(len(counts.keys[level - 1]), np.float32)
            places = np.searchsorted(counts.keys[level - 1], contexts[first])
            back_off[places] = np.log(gamma)
            back_offs.append(back_off)
            ends = keys & np.uint64(2 ** (counts.bits * level) - 1)
            lower = lower[np.searchsorted(counts.keys[level - 1], ends)]
        lower = kept * (adjusted - taken) / total[runs] + gamma[runs] * lower
        if level == 0:
            lower[BEGIN] = 0
            lower /= lower.sum()
            if base is not None:
                lower = (1 - base_weight) * lower + base_weight * base
        with np.errstate(divide="ignore"):
            log_probs.append(np.maximum(np.log(lower), NEVER).astype(np.float32))
    return Model(counts.words, counts.bits, list(counts.keys), log_probs, back_offs)


def discounts(counts):
    """What is taken from a count of 1, 2, and 3 or more.

    Chen & Goodman (1999), equation 26, from the numbers of n-grams that have a count
    of 1, 2, 3 and 4.

    Args:
        counts: int array (n-grams,), adjusted counts of one order.

    Returns:
        tuple of three floats; (0.5, 1, 1.5) where the formula gives nothing sensible.

    Example:
        >>> discounts(np.repeat([1, 2, 3, 4], [8, 4, 2, 1]))
        (0.5, 1.25, 2.0)
    """
    n1, n2, n3, n4 = (int((counts == number).sum()) for number in (1, 2, 3, 4))
    if not (n1 and n2 and n3):
        return FALLBACK_DISCOUNTS
    share = n1 / (n1 + 2 * n2)
    found = (
        1 - 2 * share * n2 / n1,
        2 - 3 * share * n3 / n2,
        3 - 4 * share * n4 / n3,
    )
    sensible = all(0 < one <= count for count, one in enumerate(found, start=1))
    return found if sensible else FALLBACK_DISCOUNTS


def _taken(counts):
    """The discount of every n-gram; nothing of nothing: float array (n-grams,)."""
    return np.array((0.0, *discounts(counts)))[np.minimum(counts, 3)]
