"""The exercises of lesson 09, Your own voice."""

import re

import numpy as np

from zhasr import exercises

SEED = 9
FEWEST_WORDS, MOST_WORDS = 100, 400  # of half a page
PARTS = ("hypothesis", "measurement", "page")


# --- add_noise ------------------------------------------------------------------------


def add_noise(speech, noise, decibels):
    """Mix speech and noise at a signal-to-noise ratio.

    Args:
        speech: float array (samples,).
        noise: float array (samples,), of any loudness.
        decibels: float, 10 log10 of the power of the speech over that of the noise.

    Returns:
        float array (samples,).

    Example:
        >>> add_noise(np.array([1.0, -1.0]), np.array([2.0, 2.0]), 0).tolist()
        [2.0, 0.0]
    """
    return _mixed(speech, noise, decibels)


def _mixed(speech, noise, decibels, own=True, divide=20, sign=-1):
    wanted = np.sqrt(np.mean(speech**2)) * 10 ** (sign * decibels / divide)
    present = np.sqrt(np.mean(noise**2)) if own else 1.0
    return speech + noise * wanted / present


def _noise_cases():
    generator = np.random.default_rng(SEED)
    planted = [
        ([1.0, -1.0], [2.0, 2.0], 0.0, "At 0 dB both have the same power."),
        ([1.0, -1.0], [1.0, 1.0], 20.0, "20 dB: a hundredth of the power, a tenth of "
         "the amplitude."),
        ([3.0, -3.0], [1.0, 1.0], 20.0, "Loud speech takes louder noise."),
        ([1.0, -1.0], [4.0, 4.0], 20.0, "The noise has a loudness of its own."),
        ([1.0, -1.0], [1.0, 1.0], -20.0, "Below 0 dB the noise is the louder one."),
    ]  # fmt: skip
    cases = [
        exercises.Case((np.array(speech), np.array(noise), decibels), hint=hint)
        for speech, noise, decibels, hint in planted
    ]
    for decibels in (-5.0, 3.0, 10.0, 30.0):
        speech, noise = generator.normal(size=(2, 50)) * [[0.1], [3.0]]
        shown = f"add_noise(random speech, random noise, {decibels})"
        cases.append(exercises.Case((speech, noise, decibels), "Random.", shown))
    return cases


check_add_noise = exercises.Exercise(
    name="add_noise",
    task="Return speech + factor × noise, so that 10 log10(mean(speech²) / "
    "mean((factor × noise)²)) is `decibels`; all are arrays but the last.",
    examine=exercises.by_cases(
        add_noise,
        _noise_cases,
        mistakes=[
            exercises.Mistake(
                lambda *arguments: _mixed(*arguments, own=False),
                "The noise has a loudness of its own: divide it by that first.",
            ),
            exercises.Mistake(
                lambda *arguments: _mixed(*arguments, divide=10),
                "That factor is for powers; samples take its square root, 10^(dB/20).",
            ),
            exercises.Mistake(
                lambda *arguments: _mixed(*arguments, sign=1),
                "More decibels are to mean less noise: mind the sign.",
            ),
            exercises.Mistake(
                lambda speech, noise, decibels: (
                    speech + noise / np.sqrt(np.mean(noise**2)) * 10 ** (-decibels / 20)
                ),
                "The ratio is to the speech: loud speech takes louder noise.",
            ),
        ],
    ),
    praise="Now you can make any room you like.",
    following="At how many decibels do you yourself stop understanding?",
)


# --- half a page ----------------------------------------------------------------------


def _examine_page(attempt, name):
    if not isinstance(attempt, dict):
        return (
            f"Not yet: {name} is to be a dict with {', '.join(PARTS)}, received "
            f"{exercises.text(attempt)}."
        )
    if any(value is ... for value in attempt.values()):
        raise exercises.Unwritten
    missing = [part for part in PARTS if not attempt.get(part)]
    if missing:
        return f"Not yet: {name} has no {' and no '.join(missing)}."
    wrong = _wrong_page(*(attempt[part] for part in PARTS))
    return f"Not yet: {name}: {wrong}" if wrong else ""


def _wrong_page(hypothesis, measurement, page):
    if not isinstance(hypothesis, str) or len(hypothesis.split()) < 5:
        return "write the hypothesis as one sentence that could turn out to be false."
    if not isinstance(measurement, dict) or len(measurement) < 2:
        return (
            "the measurement is to be a dict with at least two results that are "
            'compared, such as {"quiet": 0.2, "noise": 0.5}.'
        )
    for key, value in measurement.items():
        if not np.isscalar(value) or isinstance(value, str) or not np.isfinite(value):
            return f"the measurement of {key!r} is no number: {exercises.text(value)}."
    words = len(re.findall(r"[一-鿿]|[^\s一-鿿]+", str(page)))
    if not FEWEST_WORDS <= words <= MOST_WORDS:
        return (
            f"half a page has {FEWEST_WORDS} to {MOST_WORDS} words (or hanzi), yours "
            f"has {words}."
        )
    if not re.search(r"\d", str(page)):
        return "there is no number on the page; say what you measured."
    return ""


check_page = exercises.Exercise(
    name="report",
    task="Fill in the hypothesis (one sentence), the measurement (a dict of at least "
    "two numbers that you compare) and the page: what you did, what came out, what "
    f"it means, what could be wrong, in {FEWEST_WORDS} to {MOST_WORDS} words.",
    examine=_examine_page,
    praise="Hypothesis, measurement, half a page: that is how this field moves.",
    following="Who else could repeat your measurement from this page alone?",
)
