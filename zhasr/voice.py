"""How high somebody speaks: the pitch between whose highs and lows the tones lie.

A sentence tells it by itself, a syllable hardly: a high tone of a man and a low one of
a woman have the same pitch. But men speak about 120 Hz high and women about 210 Hz
(Traunmüller and Eriksson 1995, "The frequency range of the voice fundamental in the
speech of male and female adults", Stockholm University), and fewer speak between. So a
mean is drawn towards the one or the other, whichever is more likely.

Example:
    >>> import numpy as np
    >>> man, woman = 20 * np.log(110), 20 * np.log(250)  # of 20 frames each
    >>> [round(float(np.exp(level(total, 20, 50)))) for total in (man, woman)]
    [119, 219]
"""

import numpy as np

USUAL = np.log([120.0, 210.0])  # log F0 of men and of women
BETWEEN = float(USUAL.mean())  # log F0, where nothing is voiced
SPREAD = 0.25  # of the log F0 of short utterances about what is usual


def level(total, weight, smoothing):
    """Estimate the mean log F0 of a speaker from one utterance.

    Each of the two usual ones counts as `smoothing` voiced frames more, and the two
    results are mixed by how likely it is that such a voice is heard.

    Args:
        total: float, sum of the log F0 (natural logarithm of Hz) of voiced frames.
        weight: float, their number; 0 where nothing is voiced.
        smoothing: float, frames.

    Returns:
        float, natural logarithm of Hz.
    """
    if not weight:
        return BETWEEN
    distance = (total / weight - USUAL) / SPREAD
    likely = np.exp((np.square(distance).min() - np.square(distance)) / 2)
    estimates = (total + smoothing * USUAL) / (weight + smoothing)
    return float(likely @ estimates / likely.sum())
