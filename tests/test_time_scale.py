"""Time scale: length changes, pitch and sound stay, nothing clicks."""

import numpy as np
import pytest

from data_prep import time_scale
from zhasr import audio

RATE = audio.SAMPLE_RATE


def tone(hertz, seconds):
    """A sound with harmonics, as voices have."""
    time = np.arange(round(seconds * RATE)) / RATE
    parts = [np.sin(2 * np.pi * hertz * n * time + n) / n for n in range(1, 9)]
    return (0.2 * np.sum(parts, axis=0)).astype(np.float32)


def frequency(samples):
    """The lag of the highest autocorrelation, as Hz."""
    middle = samples[len(samples) // 4 : -len(samples) // 4]
    alike = np.correlate(middle, middle, "full")[len(middle) - 1 :]
    lags = slice(RATE // 450, RATE // 60)
    return RATE / (lags.start + np.argmax(alike[lags]))


@pytest.mark.parametrize("hertz", [90, 200, 320])
@pytest.mark.parametrize("factor", [0.45, 0.7, 1.0, 1.6])
def test_duration_changes_and_pitch_does_not(hertz, factor):
    sound = tone(hertz, 0.6)
    changed = time_scale.resize(sound, factor)
    assert len(changed) == round(len(sound) * factor)
    assert frequency(changed) == pytest.approx(hertz, rel=0.02)
    # No holes and no clicks: level and steepest step as before.
    inner = slice(600, -600)
    assert np.std(changed[inner]) == pytest.approx(np.std(sound), rel=0.1)
    assert np.abs(np.diff(changed[inner])).max() < 1.3 * np.abs(np.diff(sound)).max()


def test_factor_one_changes_next_to_nothing():
    noise = np.random.default_rng(0).normal(size=8000).astype(np.float32)
    np.testing.assert_allclose(time_scale.resize(noise, 1.0), noise, atol=1e-5)


def test_order_of_sounds_and_their_share_stay():
    sound = np.concatenate([tone(120, 0.3), tone(300, 0.3)])
    changed = time_scale.resize(sound, 0.5)
    assert frequency(changed[:2000]) == pytest.approx(120, rel=0.03)
    assert frequency(changed[-2000:]) == pytest.approx(300, rel=0.03)


@pytest.mark.parametrize("samples", [0, 1, 30, 399, 401])
def test_next_to_nothing_is_no_error(samples):
    sound = np.ones(samples, np.float32)
    assert len(time_scale.resize(sound, 0.7)) == round(0.7 * samples)
    assert len(time_scale.trim(sound)) <= samples
    with pytest.raises(ValueError, match="over 0"):
        time_scale.resize(sound, 0)


@pytest.mark.parametrize("noise", [0.0, 0.003])
def test_silence_is_cut_and_speech_is_not(noise):
    rng = np.random.default_rng(0)
    silence = np.zeros(round(0.4 * RATE))
    recording = np.concatenate([silence, tone(200, 0.5), silence])
    recording = recording + noise * rng.normal(size=len(recording))
    left = len(time_scale.trim(recording)) / RATE
    assert 0.5 <= left < 0.56


def test_joined_sounds_keep_level_and_length():
    parts = [np.ones(1000), np.ones(500), np.zeros(0), np.ones(400)]
    joined = time_scale.join(parts, 100)
    assert len(joined) == 1700
    np.testing.assert_allclose(joined, 1, atol=1e-6)
    assert len(time_scale.join([], 100)) == 0
