"""A smaller model: n-grams that are hardly missed left out, values on 8 bits.

Entropy pruning (Stolcke 1998, section 3): an n-gram whose loss would change the
distribution after its context by less than a threshold, weighted by how often the
context occurs, is left to the shorter n-gram. How often it occurs is taken from the
text, not from the model as Stolcke does: the short n-grams of a Kneser-Ney model tell
after how many words a word occurs, not how often (Chelba et al. 2010).
Back-off weights are computed anew from what is left, so that everything sums to one.
"""

import numpy as np

from data_prep import kneser_ney, ngram_counts
from zhasr import ngram_trie

LEAST_MASS = 1e-6  # of the words that were not seen after a context
LLOYD_STEPS = 30
PART = 2**20  # n-grams
NARROW_WORDS = 2**16
BINS = 2**13  # of the histogram whose values are quantised


def importance(model, context_counts):
    """How much each n-gram would be missed.

    Args:
        model: kneser_ney.Model.
        context_counts: list over n = 1 ... order - 1 of int arrays (n-grams,), how
            often a word follows the n-gram in the text.

    Returns:
        list over n = 1 ... order of float32 arrays (n-grams,): the growth of the
        relative entropy, in nats per word; infinite for single words, which stay.
    """
    found = [np.full(model.words, np.inf, np.float32)]
    total = context_counts[0].sum() if context_counts else 1
    for level in range(1, len(model.keys)):
        missed = np.zeros(len(model.keys[level]), np.float32)
        unseen = _unseen(model, level)
        weight = context_counts[level - 1] / max(total, 1)
        for part, contexts, here, lower in _parts(model, level):
            free, free_lower = (mass[contexts] for mass in unseen)
            # The back-off weight as it is, and as it would be.
            change = np.log((free + here) / (free_lower + lower) * free_lower / free)
            after = np.log(lower) + np.log((free + here) / (free_lower + lower))
            grown = here * (np.log(here) - after) - free * change
            missed[part] = weight[contexts] * grown
        found.append(missed)
    return found


def _parts(model, level):
    """The n-grams of a level, some at a time, since there may be many millions.

    Yields (slice, contexts one level up, probabilities, those one level up).
    """
    size = len(model.keys[level])
    for start in range(0, size, PART):
        part = slice(start, min(start + PART, size))
        here = np.exp(model.log_probs[level][part].astype(float))
        lower = model.log_probs[level - 1][model.suffixes(level, part)]
        yield part, model.contexts(level, part), here, np.exp(lower.astype(float))


def _unseen(model, level):
    """What the words not seen after each context have, there and one level up."""
    size = len(model.keys[level - 1])
    free, free_lower = np.ones(size), np.ones(size)
    for _, contexts, here, lower in _parts(model, level):
        first = contexts[0]  # rising: this part concerns a range of contexts only
        for mass, probabilities in ((free, here), (free_lower, lower)):
            sums = np.bincount(contexts - first, probabilities)
            mass[first : first + len(sums)] -= sums
    return np.maximum(free, LEAST_MASS), np.maximum(free_lower, LEAST_MASS)


def keep(model, wanted):
    """The n-grams to keep: those wanted, and their beginnings and ends.

    Args:
        model: kneser_ney.Model.
        wanted: list over the levels of bool arrays (n-grams,).

    Returns:
        list of bool arrays (n-grams,).
    """
    kept = [one.copy() for one in wanted]
    kept[0][:] = True
    for level in range(len(kept) - 1, 1, -1):
        shorter = model.keys[level - 1]
        keys = model.keys[level][kept[level]]
        ends = keys & np.uint64(2 ** (model.bits * level) - 1)
        for needed in (keys >> np.uint64(model.bits), ends):
            kept[level - 1][np.searchsorted(shorter, needed)] = True
    return kept


def count_bytes(model, kept):
    """How large the tables of the n-grams to keep become.

    Args:
        model: kneser_ney.Model.
        kept: list of bool arrays (n-grams,).

    Returns:
        int, bytes.
    """
    inner, last_word = [], 0
    for level in range(1, len(kept)):
        keys = model.keys[level][kept[level]]
        contexts = keys >> np.uint64(model.bits)
        inner.append(int(ngram_counts.first_of_runs(contexts).sum()))
        if level == 1 and len(keys):  # it has all words of the longer n-grams
            words = keys & np.uint64(2**model.bits - 1)
            last_word = int(max(words.max(), contexts.max()))
    return ngram_trie.count_bytes([int(one.sum()) for one in kept], inner, last_word)


def in_narrow_ngrams(model):
    """N-grams whose words have numbers of 16 bits: their places take 2 bytes, not 4.

    Args:
        model: kneser_ney.Model.

    Returns:
        list of bool arrays (n-grams,), all true for single words.
    """
    narrow = [np.ones(len(model.keys[0]), bool)]
    for level in range(1, len(model.keys)):
        inside = np.ones(len(model.keys[level]), bool)
        for place in range(level + 1):
            words = model.keys[level] >> np.uint64(model.bits * place)
            inside &= words & np.uint64(2**model.bits - 1) < NARROW_WORDS
        narrow.append(inside)
    return narrow


def prune(model, kept):
    """Leaves n-grams out and computes the back-off weights anew.

    Args:
        model: kneser_ney.Model.
        kept: list of bool arrays (n-grams,), of `keep`.

    Returns:
        kneser_ney.Model.
    """
    keys, log_probs = (
        [
            one if chosen.all() else one[chosen]
            for one, chosen in zip(values, kept, strict=True)
        ]
        for values in (model.keys, model.log_probs)
    )
    return normalise(kneser_ney.Model(model.words, model.bits, keys, log_probs, []))


def normalise(model):
    """The same probabilities with back-off weights with which they sum to one.

    Args:
        model: kneser_ney.Model; its back_offs are not used.

    Returns:
        kneser_ney.Model.
    """
    back_offs = []
    for level in range(1, len(model.keys)):
        free, free_lower = _unseen(model, level)
        back_off = np.log(free) - np.log(free_lower)
        followed = np.zeros(len(back_off), bool)
        followed[model.contexts(level)] = True
        back_offs.append(np.where(followed, back_off, 0).astype(np.float32))
    return kneser_ney.Model(
        model.words, model.bits, model.keys, model.log_probs, back_offs
    )


def quantise(model):
    """At most 256 different logarithms a level, back-off weights computed in between.

    Args:
        model: kneser_ney.Model.

    Returns:
        kneser_ney.Model for `ngram_trie.pack`.
    """
    log_probs = [_quantise(one) for one in model.log_probs]
    said = log_probs[0] > kneser_ney.NEVER
    log_probs[0][said] -= np.log(np.exp(log_probs[0][said].astype(float)).sum())
    model = normalise(
        kneser_ney.Model(model.words, model.bits, model.keys, log_probs, [])
    )
    back_offs = [_quantise(one) for one in model.back_offs]
    return kneser_ney.Model(model.words, model.bits, model.keys, log_probs, back_offs)


def _quantise(values):
    """Each value replaced by the nearest of 256 or less (Lloyd 1982, one dimension).

    0, the back-off of what has no children, and NEVER stay what they are.
    """
    different = np.unique(values)
    if len(different) <= ngram_trie.CODES:
        return values.copy()
    exact = np.isin(values, (0.0, kneser_ney.NEVER))
    book = _codebook(values[~exact], ngram_trie.CODES - 2)
    borders = (book[1:] + book[:-1]) / 2
    rounded = book[np.searchsorted(borders, values)].astype(np.float32)
    return np.where(exact, values, rounded)


def _codebook(values, size):
    """Values that stand for all, each the mean of those that are nearest to it."""
    counts, edges = np.histogram(values, BINS)
    sums, _ = np.histogram(values, edges, weights=values.astype(float))
    filled = counts > 0
    counts, sums = counts[filled], sums[filled]
    means = sums / counts
    book = np.linspace(means[0], means[-1], size)
    for _ in range(LLOYD_STEPS):
        nearest = np.searchsorted((book[1:] + book[:-1]) / 2, means)
        weights = np.bincount(nearest, counts, minlength=size)
        total = np.bincount(nearest, sums, minlength=size)
        book = np.where(weights, total / np.maximum(weights, 1), book)
        book.sort()
    return book
