"""Prefix beam search against all paths of small cases; chunks, pruning, bad input."""

import itertools
import math

import numpy as np
import pytest
from toy_language import random_language_model

from zhasr import ctc, decoding, prefix_search

ALL = decoding.EXHAUSTIVE


def random_log_probs(rng, frames, labels, sharpness=2.0):
    """Posteriors of one utterance; float32, as the searches compute with them."""
    logits = rng.normal(size=(frames, labels)) * sharpness
    total = np.logaddexp.reduce(logits, axis=1, keepdims=True)
    return (logits - total).astype(np.float32)


def sequences(frames, labels):
    """Every label sequence that some path of so many frames collapses to."""
    paths = itertools.product(range(labels), repeat=frames)
    return {tuple(ctc.collapse(path)) for path in paths}


def ids(hypothesis):
    return tuple(each.label for each in hypothesis.labels)


@pytest.mark.parametrize("seed", range(40))
def test_every_sequence_has_the_sum_over_its_paths(seed):
    rng = np.random.default_rng(seed)
    frames, labels = rng.integers(1, 7), rng.integers(2, 5)
    log_probs = random_log_probs(rng, frames, labels)
    found = decoding.beam(log_probs, count=10_000, options=ALL)
    assert {ids(each) for each in found} == sequences(frames, labels)
    for each in found:
        expected = ctc.log_likelihood(log_probs, ids(each))
        assert each.log_prob == pytest.approx(expected, abs=1e-9)
        assert each.score == each.log_prob
    total = sum(math.exp(each.log_prob) for each in found)
    assert total == pytest.approx(1, abs=1e-5)
    assert found == sorted(found, key=lambda each: -each.score)


@pytest.mark.parametrize("seed", range(20))
def test_times_are_those_of_the_best_path(seed):
    rng = np.random.default_rng(seed)
    log_probs = random_log_probs(rng, rng.integers(1, 7), 3)
    for found in decoding.beam(log_probs, count=10_000, options=ALL):
        paths = itertools.product(range(3), repeat=len(log_probs))
        path = max(
            (path for path in paths if tuple(ctc.collapse(path)) == ids(found)),
            key=lambda path: log_probs[np.arange(len(path)), path].sum(dtype=float),
        )
        rebuilt = np.zeros(len(log_probs), int)
        for each in found.labels:
            rebuilt[each.start : each.end] = each.label
            mean = np.exp(log_probs[each.start : each.end, each.label]).mean()
            assert each.probability == pytest.approx(mean, abs=1e-6)
        assert tuple(rebuilt) == path


@pytest.mark.parametrize("seed", range(10))
def test_impossible_labels_are_never_written(seed):
    rng = np.random.default_rng(seed)
    log_probs = random_log_probs(rng, 5, 4)
    log_probs[rng.random(log_probs.shape) < 0.4] = -np.inf
    found = {
        ids(each): each.log_prob
        for each in decoding.beam(log_probs, count=10_000, options=ALL)
    }
    for labels in sequences(5, 4):
        expected = ctc.log_likelihood(log_probs, labels)
        assert found.get(labels, -np.inf) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("seed", range(20))
def test_chunks_of_any_size_change_nothing(seed, monkeypatch):
    rng = np.random.default_rng(seed)
    log_probs = random_log_probs(rng, 120, 20, sharpness=3.0)
    options = decoding.Options(width=8, most=int(rng.integers(1, 20)))
    model = random_language_model(rng, words=20)
    names = [model.words[3 + label] for label in range(20)]
    language = decoding.LabelLanguage(model, names) if seed % 2 else None
    whole = decoding.beam(log_probs, count=8, options=options, language=language)
    monkeypatch.setattr(prefix_search, "CAPACITY", 16)  # forgets every few frames
    search = decoding.Beam(20, options, language)
    for chunk in np.split(log_probs, np.sort(rng.integers(0, 121, size=12))):
        search.push(chunk)
        search.result()
    assert search.result(8) == whole


def test_what_fell_out_of_the_beam_is_forgotten():
    # Doubt grows with time, so the prefixes that are left differ in their last labels.
    search = decoding.Beam(3, decoding.Options(width=8))
    for doubts in np.linspace(0.01, 0.3, 2000).reshape(-1, 50):
        probs = np.stack([np.full(50, 1e-9), 1 - doubts, doubts], axis=1)
        probs[1::2] = np.eye(3)[0]
        search.push(np.log(np.maximum(probs, 1e-9)))
    found = search.result(8)
    assert len({ids(each) for each in found}) == 8
    assert all(len(each.labels) == 1000 for each in found)
    assert len(search._search.nodes) <= 4096  # 8,000 were made


@pytest.mark.parametrize("seed", range(10))
def test_pruning_loses_probability_but_never_adds_any(seed):
    rng = np.random.default_rng(seed)
    log_probs = random_log_probs(rng, 30, 12, sharpness=3.0)
    options = decoding.Options(width=16, margin=8.0, most=4, least=1e-3)
    for found in decoding.beam(log_probs, count=16, options=options):
        assert found.log_prob <= ctc.log_likelihood(log_probs, ids(found)) + 1e-6
    widest = decoding.beam(log_probs, options=decoding.Options(width=512))[0]
    assert widest.log_prob >= decoding.beam(log_probs, options=options)[0].log_prob


def test_a_beam_of_one_on_certain_frames_is_the_best_path():
    path = [0, 3, 3, 0, 3, 2, 2, 1, 0]
    log_probs = np.full((len(path), 4), np.log(0.02 / 3))
    log_probs[np.arange(len(path)), path] = np.log(0.98)
    found = decoding.beam(log_probs, options=decoding.Options(width=1))
    assert list(found[0].labels) == pytest.approx(decoding.greedy(log_probs))


def test_many_weak_paths_outweigh_one_strong():
    log_probs = np.log([[0.6, 0.4], [0.6, 0.4]])
    assert decoding.greedy(log_probs) == []
    best, other = decoding.beam(log_probs, count=5)
    assert (ids(best), ids(other)) == ((1,), ())
    assert math.exp(best.log_prob) == pytest.approx(0.64)


def test_the_likely_labels_of_a_frame_are_chosen_as_told():
    log_probs = np.log([[0.1, 0.4, 0.2, 0.25, 0.05]])

    def followed(**options):
        options = decoding.Options(**options)
        found = decoding.beam(log_probs, count=9, options=options)
        return {ids(each) for each in found} - {()}

    assert followed(least=0.0) == {(1,), (2,), (3,), (4,)}
    assert followed(most=2) == {(1,), (3,)}
    assert followed(least=0.1) == {(1,), (2,), (3,)}
    assert followed(margin=1.0) == {(1,), (2,), (3,)}
    assert followed(width=1) == {(1,)}
    equal = np.full((1, 5), -np.log(5))
    found = decoding.beam(equal, count=9, options=decoding.Options(most=2))
    assert {ids(each) for each in found} == {(), (1,), (2,)}


@pytest.mark.parametrize("seed", range(10))
def test_language_model_is_added_to_every_sequence(seed):
    rng = np.random.default_rng(seed)
    model = random_language_model(rng, words=4)
    names = ("<blank>", *model.words[4:6], "not known")
    language = decoding.LabelLanguage(model, names, weight=0.7, bonus=0.3)
    log_probs = random_log_probs(rng, 5, 4)
    for each in decoding.beam(log_probs, count=10_000, options=ALL, language=language):
        said = [names[label] for label in ids(each)]
        expected = each.log_prob + 0.7 * model.score(said) + 0.3 * len(said)
        assert each.score == pytest.approx(expected, abs=1e-4)


def test_a_function_may_be_the_language_model():
    rng = np.random.default_rng(0)
    model = random_language_model(rng, words=8)
    names = model.words[2:]

    def log_prob(prefix, label):
        said = [names[one] for one in (*prefix, label)]
        return model.log_probs(said, end=False)[-1]

    log_probs = random_log_probs(rng, 60, 9, sharpness=3.0)
    function = decoding.LabelLanguage(log_prob, weight=0.8, bonus=0.1)
    tables = decoding.LabelLanguage(model, names, weight=0.8, bonus=0.1)
    found = decoding.beam(log_probs, count=5, language=function)
    expected = decoding.beam(log_probs, count=5, language=tables)
    assert list(map(ids, found)) == list(map(ids, expected))
    scores = [each.score for each in expected]
    assert [each.score for each in found] == pytest.approx(scores, abs=1e-3)


def test_the_sound_says_bunny_the_language_says_bugs():
    # Two labels that sound alike; only the language tells which one goes on.
    log_probs = np.log(
        [[0.1, 0.5, 0.4, 1e-9], [0.9, 0.03, 0.03, 0.04], [0.1, 1e-9, 1e-9, 0.9]]
    )
    assert ids(decoding.beam(log_probs)[0]) == (1, 3)

    def bugs_bunny(prefix, label):
        return math.log(0.9 if prefix[-1:] != (1,) or label == ctc.BLANK else 0.05)

    language = decoding.LabelLanguage(bugs_bunny, weight=1.0)
    assert ids(decoding.beam(log_probs, language=language)[0]) == (2, 3)


@pytest.mark.parametrize(
    "log_probs, expected",
    [
        (np.zeros((0, 5)), ()),
        (np.log(np.full((1, 1), 1.0)), ()),
        (np.zeros((7, 1)), ()),
        (np.log([[0.2, 0.8]]), (1,)),
        (np.log(np.tile([0.998, 0.001, 0.001], (50, 1))), ()),
        (np.array([[-np.inf, 0.0], [0.0, -np.inf], [-np.inf, 0.0]]), (1, 1)),
        (np.log([[0.1, 0.7, 0.2]]).astype(np.float16), (1,)),
    ],
)
def test_edges(log_probs, expected):
    best = decoding.beam(log_probs)[0]
    assert ids(best) == expected
    assert best.log_prob <= 1e-6


def test_frames_that_allow_nothing_leave_nothing():
    impossible = np.full((1, 3), -np.inf)
    assert decoding.beam(impossible, count=3) == []
    search = decoding.Beam(3)
    search.push(impossible)
    search.push(np.log(np.full((4, 3), 1 / 3)))
    assert search.result(3) == []


def test_flat_posteriors_are_searched_too():
    flat = np.full((40, 200), -np.log(200))
    assert len(decoding.beam(flat, count=3)) == 3


def test_padding_is_not_decoded():
    log_probs = np.log(np.tile([0.1, 0.9], (4, 1)))
    log_probs[2:] = np.nan
    assert decoding.beam(log_probs, length=2)[0].labels[0].end == 2
    with pytest.raises(ValueError, match="NaN in frame 2"):
        decoding.beam(log_probs)


@pytest.mark.parametrize(
    "call, reason",
    [
        (lambda: decoding.Options(width=0), "at least 1"),
        (lambda: decoding.Options(most=0), "at least 1"),
        (lambda: decoding.Options(margin=math.nan), "margin"),
        (lambda: decoding.LabelLanguage(None, weight=-1), "received -1"),
        (lambda: decoding.Beam(3).push(np.zeros((2, 4))), "3 labels"),
        (lambda: decoding.beam(np.ones((2, 4))), "log_softmax"),
    ],
)
def test_bad_input_is_named(call, reason):
    with pytest.raises(ValueError, match=reason):
        call()


def test_a_language_model_of_other_labels_is_refused():
    model = random_language_model(np.random.default_rng(0), words=4)
    wrong = decoding.LabelLanguage(model, ("<blank>", "ma1", "ma2"))
    with pytest.raises(ValueError, match="knows none of the labels, such as 'ma1'"):
        decoding.Beam(3, language=wrong)
    with pytest.raises(ValueError, match="names of 4 labels"):
        decoding.Beam(4, language=wrong)


def test_a_blank_penalty_moves_probability_to_what_is_spoken():
    log_probs = np.log(np.array([[0.8, 0.15, 0.05]] * 3, np.float32))
    assert ids(decoding.beam(log_probs)[0]) == ()
    options = decoding.Options(blank_penalty=2.0)
    assert ids(decoding.beam(log_probs, options=options)[0]) == (1,)
    changed = decoding.without_some_blank(log_probs, 2.0)
    assert changed.dtype == np.float32
    assert np.allclose(np.exp(changed).sum(axis=1), 1)
    spoken = changed[:, 1:] - log_probs[:, 1:]
    assert np.allclose(spoken, spoken[0, 0])  # among themselves they stay as they were
    assert np.isclose(changed[0, 0] - changed[0, 1], np.log(0.8 / 0.15) - 2)


@pytest.mark.parametrize("penalty", [-50.0, -8.0, 2.0, 20.0, 50.0])
def test_a_blank_penalty_of_any_size_leaves_log_probabilities(penalty):
    frames = [[0, -30, -31], [0.005, -9, -9], [-np.inf, 0, -3], [0, -np.inf, -np.inf]]
    changed = decoding.without_some_blank(np.array(frames, np.float32), penalty)
    assert changed.dtype == np.float32
    assert np.allclose(np.exp(changed).sum(axis=1), 1, atol=1e-5)
    nothing = np.full((1, 3), -np.inf, np.float32)
    assert (decoding.without_some_blank(nothing, penalty) == -np.inf).all()
    with_labels = np.array([[0, -30, -31], [-30, 0, -31]] * 2, np.float32)
    options = decoding.Options(blank_penalty=penalty)
    found = decoding.beam(with_labels, options=options)[0]
    assert np.isfinite(found.log_prob)
    if penalty > 0:
        assert 1 in ids(found)


def test_a_blank_penalty_without_measure_is_refused():
    with pytest.raises(ValueError, match="blank penalty of at most 50"):
        decoding.Options(blank_penalty=float("nan"))
