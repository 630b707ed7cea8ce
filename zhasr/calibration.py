"""How much of a transcript is likely wrong, from how sure the network was of it.

    development recordings --score, errors--> groups --that fall--> curve

A network is sure of its errors, too: how much its probabilities are worth has to be
found out on recordings whose words are known, easy ones and hard ones. The curve says
which share of the syllables was wrong where the mean probability of the labels was so
high; it never rises (pool adjacent violators: Ayer et al. 1955; for probabilities of
classifiers: Zadrozny & Elkan 2002). A network that is as sure of what is wrong has a
flat one.

Never fit on a test set. `python -m data_prep.calibrate` makes hard recordings of easy
ones.
"""

import dataclasses
import json
import math
import pathlib

import numpy as np

from zhasr import files

NAME = "confidence.json"  # in a model folder
FORMAT = "zhasr-confidence-1"
GROUP = 100  # syllables whose share of errors is one point of the curve
SELDOM = 0.15  # share of errors of which nothing is said
MOSTLY = 0.6
ORDINALS = {2: "second", 3: "third", 4: "fourth", 5: "fifth", 6: "sixth"}


class CalibrationError(ValueError):
    """Too little to fit a curve to, or a file that cannot be used."""


@dataclasses.dataclass(frozen=True)
class Curve:
    """The share of wrong syllables by score.

    Args:
        scores: tuple of float, rising; see `score`.
        rates: tuple of float, never rising; errors for each syllable that was said.
    """

    scores: tuple[float, ...]
    rates: tuple[float, ...]


def score(labels):
    """How sure the network is of what it heard.

    Args:
        labels: sequence of recognizer.Spoken.

    Returns:
        float, 0 to 1, the mean of their probabilities; nan without any.
    """
    if not labels:
        return math.nan
    return float(np.mean([label.probability for label in labels]))


def fit(cases):
    """Fit a curve.

    Args:
        cases: sequence of (score, errors, syllables that were said), one for each
            development recording; those without a score are left out.

    Returns:
        Curve.

    Raises:
        CalibrationError: fewer syllables than two groups need.
    """
    cases = sorted(case for case in cases if not math.isnan(case[0]) and case[2])
    groups = _groups(cases)
    if len(groups) < 2:
        said = sum(case[2] for case in cases)
        raise CalibrationError(
            f"expected recordings of {2 * GROUP} syllables or more, received {said}: "
            "give more development recordings"
        )
    falling = []
    for group in groups:
        falling.append(group)
        while len(falling) > 1 and _rate(falling[-1]) >= _rate(falling[-2]):
            falling[-2:] = [falling[-2] + falling[-1]]
    scores, rates = zip(
        *((each[0] / each[2], _rate(each)) for each in falling), strict=True
    )
    return Curve(
        tuple(round(float(one), 4) for one in scores),
        tuple(round(float(one), 4) for one in rates),
    )


def _groups(cases):
    """Sums (score × said, errors, said) of neighbours that have GROUP syllables."""
    sums = [np.zeros(3)]
    for value, errors, said in cases:
        if sums[-1][2] >= GROUP:
            sums.append(np.zeros(3))
        sums[-1] += value * said, errors, said
    if len(sums) > 1 and sums[-1][2] < GROUP:
        rest = sums.pop()
        sums[-1] += rest
    return sums


def _rate(group):
    return group[1] / group[2]


def expected(curve, value):
    """Which share of the syllables is likely wrong.

    Args:
        curve: Curve.
        value: float, of `score`.

    Returns:
        float, 0 or more: between the points of the curve in a line; beyond them nothing
        is known but that of the nearest.

    Example:
        >>> expected(Curve((0.6, 0.8), (0.9, 0.3)), 0.7)
        0.6
    """
    return round(float(np.interp(value, curve.scores, curve.rates)), 4)


def in_words(rate):
    """Say how much is likely wrong, or "" where it is little.

    Example:
        >>> in_words(0.35)
        'about every third syllable is likely wrong'
    """
    if not rate >= SELDOM:
        return ""
    if rate >= MOSTLY:
        return "most of it is likely wrong"
    nearest = min(ORDINALS, key=lambda number: abs(1 / number - rate))
    return f"about every {ORDINALS[nearest]} syllable is likely wrong"


def save(folder, curves, about):
    """Write curves into a model folder, in the place of those that are there.

    Args:
        folder: path of a model folder.
        curves: dict of str, the name of a decoder, to Curve.
        about: str, what they were fitted to; for people.
    """
    content = {"format": FORMAT, "fitted_to": about}
    for name, curve in curves.items():
        content[name] = dataclasses.asdict(curve)
    text = json.dumps(content, indent=1, ensure_ascii=False)
    files.replace(pathlib.Path(folder) / NAME, text + "\n")


def load(folder, decoder):
    """The curve of a decoder, or None where none was fitted.

    Args:
        folder: path of a model folder.
        decoder: str, its name.

    Returns:
        Curve or None.

    Raises:
        CalibrationError: the file is damaged; the message names it.
    """
    path = pathlib.Path(folder) / NAME
    if not path.exists():
        return None
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["format"] != FORMAT:
            raise ValueError(f"the format is {content['format']!r}")
        if decoder not in content:
            return None
        found = content[decoder]
        curve = Curve(*(tuple(map(float, found[name])) for name in ("scores", "rates")))
        steps = np.diff([curve.scores, [-rate for rate in curve.rates]])
        if not curve.scores or not (steps >= 0).all():
            raise ValueError("scores have to rise, and rates to fall")
        return curve
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CalibrationError(
            f"{path}: expected a curve of the format {FORMAT!r} ({error}); delete the "
            "file, or run `python -m data_prep.calibrate` again"
        ) from None
