"""How high somebody speaks, told from little."""

import numpy as np
import pytest

from zhasr import voice


def hertz(mean, frames, smoothing=50):
    return np.exp(voice.level(frames * np.log(mean), frames, smoothing))


@pytest.mark.parametrize("mean", [100, 120, 150, 185, 210, 300])
def test_a_long_utterance_tells_the_level_by_itself(mean):
    assert hertz(mean, 1e6) == pytest.approx(mean, rel=1e-3)


def test_a_short_one_is_drawn_to_men_or_women():
    assert 115 < hertz(100, 10) < 122
    assert 200 < hertz(260, 10) < 220
    assert hertz(110, 1e-9) == pytest.approx(120, abs=5)


def test_between_men_and_women_both_count():
    between = np.exp(voice.BETWEEN)
    assert hertz(between, 20) == pytest.approx(between)
    levels = [hertz(mean, 20) for mean in range(60, 500, 5)]
    assert np.all(np.diff(levels) > 0)


def test_nothing_voiced():
    assert voice.level(0.0, 0.0, 50) == voice.BETWEEN
