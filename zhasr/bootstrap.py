"""How sure an error rate is: resampling the utterances of a test set.

The utterances are drawn with replacement, as many as there are, many times over; the
spread of the rates of these samples is the spread to expect of other test sets of
this kind and size. It says nothing about other speakers: the utterances of one
speaker are not independent of each other.

Source: Bisani & Ney (2004), Bootstrap estimates for confidence intervals in ASR
performance evaluation, ICASSP.
"""

import dataclasses

import numpy as np

RESAMPLES = 1_000
CONFIDENCE = 0.95  # share of the resampled rates inside an interval


@dataclasses.dataclass(frozen=True)
class Comparison:
    """Two recognisers on the same utterances.

    Args:
        difference: float, rate of the second minus rate of the first.
        interval: (low, high) of the difference.
        probability_of_improvement: float, share of the resamples in which the second
            has the lower rate; 0 both ways round for equal hypotheses.
    """

    difference: float
    interval: tuple[float, float]
    probability_of_improvement: float


def interval(errors, lengths, seed=0):
    """Interval that holds the middle `CONFIDENCE` of the resampled rates.

    Args:
        errors: int array (utterances,), errors of each utterance.
        lengths: int array (utterances,), reference length of each.
        seed: int.

    Returns:
        (low, high), or None for fewer than two utterances or an empty reference.

    Source: section 2 of the paper.

    Example:
        >>> low, high = interval([1, 0] * 50, [10] * 100)
        >>> low < 0.05 < high
        True
    """
    if len(errors) < 2 or not np.any(lengths):
        return None
    errors, lengths = _resampled_totals((errors, lengths), seed)
    return _middle(errors[lengths > 0] / lengths[lengths > 0])


def compare(first, second, seed=0):
    """Compare two recognisers on the same resampled utterances.

    The difference is known far better than either rate, because an utterance that is
    hard for one is hard for the other.

    Args:
        first: pair (errors, lengths) of one recogniser, as of `interval`.
        second: the same of the other, for the same utterances in the same order.
        seed: int.

    Returns:
        `Comparison`.

    Raises:
        ValueError: no utterances, or an empty reference.

    Source: section 3 of the paper.
    """
    if not np.any(first[1]) or not np.any(second[1]):
        raise ValueError("expected references to compare on, received none")
    totals = _resampled_totals((*first, *second), seed)
    totals = totals[:, (totals[1] > 0) & (totals[3] > 0)]
    differences = totals[2] / totals[3] - totals[0] / totals[1]
    rates = [np.sum(errors) / np.sum(lengths) for errors, lengths in (first, second)]
    return Comparison(
        difference=float(rates[1] - rates[0]),
        interval=_middle(differences),
        probability_of_improvement=float(np.mean(differences < 0)),
    )


def _resampled_totals(columns, seed):
    """Sums of each column over drawn utterances: float array (columns, RESAMPLES)."""
    generator = np.random.default_rng(seed)
    table = np.array(columns, np.float64)
    utterances = table.shape[1]
    totals = np.empty((len(table), RESAMPLES))
    for resample in range(RESAMPLES):
        drawn = generator.integers(utterances, size=utterances)
        totals[:, resample] = table @ np.bincount(drawn, minlength=utterances)
    return totals


def _middle(values):
    """The interval that holds the middle `CONFIDENCE` of the values."""
    outside = (1 - CONFIDENCE) / 2
    low, high = np.quantile(values, (outside, 1 - outside))
    return float(low), float(high)
