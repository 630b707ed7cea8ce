"""Greedy decoding: planted paths, the collapse rule, frames, and bad input."""

import itertools

import numpy as np
import pytest

from zhasr import ctc, decoding


def posteriors(path, labels=4, peak=0.7):
    """Log probabilities whose likeliest labels are the given path."""
    rest = (1 - peak) / (labels - 1)
    probs = np.full((len(path), labels), rest)
    probs[np.arange(len(path)), path] = peak
    return np.log(probs)


def ids(decoded):
    return [each.label for each in decoded]


@pytest.mark.parametrize(
    "path, expected",
    [
        ([], []),
        ([0], []),
        ([0, 0, 0], []),
        ([1], [1]),
        ([1, 1], [1]),
        ([1, 0, 1], [1, 1]),
        ([1, 2, 1], [1, 2, 1]),
        ([0, 1, 1, 0, 0, 1, 2, 2, 0], [1, 1, 2]),
    ],
)
def test_planted_path_comes_back(path, expected):
    log_probs = posteriors(path).reshape(-1, 4)
    assert ids(decoding.greedy(log_probs)) == expected


def test_frames_of_each_label():
    decoded = decoding.greedy(posteriors([0, 1, 1, 0, 1, 2, 2, 2]))
    assert [(each.start, each.end) for each in decoded] == [(1, 3), (4, 5), (5, 8)]


def test_probability_is_the_mean_posterior():
    probs = np.array([[0.1, 0.9], [0.4, 0.6], [0.8, 0.2]])
    (decoded,) = decoding.greedy(np.log(probs))
    assert decoded.probability == pytest.approx(0.75)


def test_every_short_path_collapses_as_ctc_says():
    for frames in range(1, 6):
        for path in itertools.product(range(3), repeat=frames):
            decoded = decoding.greedy(posteriors(list(path), labels=3))
            assert ids(decoded) == ctc.collapse(path)


def test_frames_cover_the_path_exactly():
    path = np.random.default_rng(0).integers(0, 3, 200)
    rebuilt = np.zeros(200, int)
    for each in decoding.greedy(posteriors(path)):
        rebuilt[each.start : each.end] = each.label
    assert (rebuilt == path).all()


def test_padding_is_not_decoded_whatever_it_holds():
    log_probs = posteriors([1, 0, 2, 3])
    log_probs[2:] = np.nan
    assert ids(decoding.greedy(log_probs, length=2)) == [1]
    assert decoding.greedy(log_probs, length=0) == []


def test_half_precision_gives_the_same_labels():
    log_probs = posteriors([0, 3, 3, 2, 0, 2])
    halves = decoding.greedy(log_probs.astype(np.float16))
    assert ids(halves) == ids(decoding.greedy(log_probs)) == [3, 2, 2]
    assert halves[0].probability == pytest.approx(0.7, abs=1e-3)


def test_single_precision_is_not_rounded():
    log_probs = np.array([[-3.0, -0.70001, -0.7]], np.float32)
    assert ids(decoding.greedy(log_probs)) == [2]


def test_certain_and_impossible_labels():
    with np.errstate(divide="ignore"):
        log_probs = np.log(np.eye(3)[[1, 0, 2]])
    decoded = decoding.greedy(log_probs)
    assert [(each.label, each.probability) for each in decoded] == [(1, 1), (2, 1)]


@pytest.mark.parametrize(
    "log_probs, length, reason",
    [
        (np.zeros(3), None, r"\(frames, labels\), received \(3,\)"),
        (np.zeros((2, 3, 4)), None, "one utterance at a time"),
        (np.zeros((2, 0)), None, r"\(2, 0\)"),
        (posteriors([1, 2]), 3, "0 to 2 frames, received 3"),
        (posteriors([1, 2]), -1, "received -1"),
        (np.array([[-1, -1], [np.nan, -1]]), None, "NaN in frame 1"),
        (np.array([[4.0, -2.0]]), None, "log_softmax"),
    ],
)
def test_bad_input_is_named(log_probs, length, reason):
    with pytest.raises(ValueError, match=reason):
        decoding.greedy(log_probs, length)
