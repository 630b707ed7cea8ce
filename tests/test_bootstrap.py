"""Bootstrap: known spreads, coverage, and planted differences."""

import numpy as np
import pytest

from zhasr import bootstrap


def test_interval_of_equal_utterances_has_no_width():
    assert bootstrap.interval([1] * 20, [4] * 20) == (0.25, 0.25)


def test_interval_agrees_with_the_binomial():
    """With one label per utterance the errors of a sample are binomial."""
    errors = np.arange(1000) % 10 < 3
    low, high = bootstrap.interval(errors, np.ones(1000), seed=1)
    half_width = 1.96 * np.sqrt(0.3 * 0.7 / 1000)
    assert low == pytest.approx(0.3 - half_width, abs=0.004)
    assert high == pytest.approx(0.3 + half_width, abs=0.004)


def test_interval_covers_the_true_rate_as_often_as_it_says(monkeypatch):
    monkeypatch.setattr(bootstrap, "RESAMPLES", 200)
    generator = np.random.default_rng(0)
    covered = 0
    for seed in range(200):
        lengths = generator.integers(5, 30, 100)
        errors = generator.binomial(lengths, 0.2)
        low, high = bootstrap.interval(errors, lengths, seed)
        covered += low <= 0.2 <= high
    assert 0.89 <= covered / 200 <= 0.99


def test_long_utterances_weigh_more():
    low, high = bootstrap.interval([0, 90] * 50, [1, 100] * 50)
    assert 0.88 < low <= 90 / 101 <= high < 0.9


def test_same_seed_same_interval_other_seed_another():
    errors = np.arange(50) % 3
    first = bootstrap.interval(errors, np.full(50, 7), seed=1)
    assert first == bootstrap.interval(errors, np.full(50, 7), seed=1)
    assert first != bootstrap.interval(errors, np.full(50, 7), seed=2)


def test_rates_above_one_are_not_clamped():
    low, high = bootstrap.interval([3, 5] * 20, [2, 2] * 20)
    assert 1.5 < low < 2 < high < 2.5


@pytest.mark.parametrize("errors, lengths", [([], []), ([1], [3]), ([1, 2], [0, 0])])
def test_no_interval_where_there_is_nothing_to_resample(errors, lengths):
    assert bootstrap.interval(errors, lengths) is None


def test_samples_without_reference_are_left_out():
    low, high = bootstrap.interval([0, 1, 1], [0, 2, 2])
    assert np.isfinite([low, high]).all()


def test_better_everywhere_is_certain():
    lengths = np.full(50, 10)
    worse, better = np.full(50, 3), np.full(50, 2)
    comparison = bootstrap.compare((worse, lengths), (better, lengths))
    assert comparison.difference == pytest.approx(-0.1)
    assert comparison.interval == pytest.approx((-0.1, -0.1))
    assert comparison.probability_of_improvement == 1
    back = bootstrap.compare((better, lengths), (worse, lengths))
    assert back.probability_of_improvement == 0


def test_equal_systems_differ_by_nothing():
    side = ([1, 0, 4], [5, 5, 5])
    assert bootstrap.compare(side, side) == bootstrap.Comparison(0, (0, 0), 0)


def test_a_coin_flip_is_undecided():
    lengths = np.ones(1000)
    first = np.arange(1000) % 2
    comparison = bootstrap.compare((first, lengths), (1 - first, lengths))
    assert 0.35 < comparison.probability_of_improvement < 0.65


def test_pairing_makes_the_difference_surer_than_the_rates():
    generator = np.random.default_rng(3)
    lengths = np.full(200, 20)
    hard = generator.integers(0, 20, 200)
    easier = np.maximum(hard - (np.arange(200) % 2), 0)
    comparison = bootstrap.compare((hard, lengths), (easier, lengths))
    low, high = bootstrap.interval(hard, lengths)
    assert np.ptp(comparison.interval) < (high - low) / 5
    assert comparison.probability_of_improvement == 1


def test_nothing_to_compare():
    with pytest.raises(ValueError, match="expected references"):
        bootstrap.compare(([], []), ([], []))
