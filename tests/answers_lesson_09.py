"""Answers to the exercises of lesson 09, right and typically wrong."""

import math

import numpy as np

PAGE = "We said one sentence ten times, and it was wrong 3 times out of 10. " * 8


def add_noise(speech, noise, decibels):
    powers = np.mean(np.square(speech)), np.mean(np.square(noise))
    factor = math.sqrt(powers[0] / powers[1] / 10 ** (decibels / 10))
    return np.asarray(speech) + factor * np.asarray(noise)


def of_powers(speech, noise, decibels):
    return add_noise(speech, noise, 2 * decibels)


def without_division(speech, noise, decibels):
    size = math.sqrt(np.mean(np.square(speech))) / 10 ** (decibels / 20)
    return speech + size * noise


def report(**changes):
    filled = {
        "hypothesis": "Noise of 10 dB costs more than speaking twice as fast.",
        "measurement": {"noise": 0.4, "fast": 0.2},
        "page": PAGE,
    }
    return filled | changes


RIGHT = {
    "add_noise": [add_noise],
    "report": [
        report(),
        report(
            page="我们说了十遍，错了3次。" * 12,
            measurement={"a": 1, "b": np.float64(0.1)},
        ),
    ],
}
WRONG = {
    "add_noise": [
        (of_powers, "samples take its square root"),
        (without_division, "The noise has a loudness of its own: divide"),
        (lambda s, n, db: add_noise(s, n, -db), "More decibels are to mean less noise"),
        (lambda s, n, db: s, "At 0 dB both have the same power"),
    ],
    "report": [
        (report(page="It was 3 % wrong."), "has 100 to 400 words (or hanzi), yours"),
        (
            report(page=PAGE.replace("3", "x").replace("10", "y")),
            "is no number on the page",
        ),
        (report(measurement={"noise": 0.4}), "at least two results that are compared"),
        (
            report(measurement={"a": "high", "b": 1}),
            "the measurement of 'a' is no number",
        ),
        (report(hypothesis="noise"), "as one sentence that could turn out to be false"),
        (report(page=""), "Not yet: report has no page"),
    ],
}
