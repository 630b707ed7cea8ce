"""Warped frequencies: the vowel of another vocal tract; men and women come together."""

import dataclasses

import numpy as np
import pytest
import scipy.signal
import soxr

from zhasr import audio, features, vocal_tract, voice


def vowel(factor=1.0, hertz=None):
    """Five resonances, all frequencies times the factor, of noise or of a voice."""
    source = np.random.default_rng(0).normal(size=audio.SAMPLE_RATE // 2)
    if hertz:
        source *= 0.02
        source[:: round(audio.SAMPLE_RATE / hertz)] += 1
    for formant in (700, 1300, 2500, 3400, 4200):
        angle = 2 * np.pi * formant * factor / audio.SAMPLE_RATE
        radius = np.exp(-np.pi * 90 * factor / audio.SAMPLE_RATE)
        poles = [1, -2 * radius * np.cos(angle), radius**2]
        source = scipy.signal.lfilter([1 - radius], poles, source)
    return (0.3 * source / np.abs(source).max()).astype(np.float32)


@pytest.mark.parametrize("kind", ["mfcc", "log-mel"])
@pytest.mark.parametrize("factor", [0.85, 1.15])
def test_a_warped_vowel_is_the_vowel_of_another_tract(kind, factor):
    config = features.FeatureConfig(kind=kind)
    plain, other = (features.extract(vowel(each), config) for each in (1, factor))
    warped = vocal_tract.warp(plain, config, factor)
    spectrum = slice(1, 13) if kind == "mfcc" else slice(8, 64)  # to 5 kHz, no level
    means = [each[:, spectrum].mean(axis=0) for each in (plain, other, warped)]
    if kind == "log-mel":
        means = [mean - mean.mean() for mean in means]
    before, after = (np.abs(mean - means[1]).mean() for mean in (means[0], means[2]))
    assert after < 0.4 * before


def test_a_resampled_recording_has_the_peaks_of_a_warped_one():
    config = features.FeatureConfig(kind="log-mel")
    factor, rate = 1.2, audio.SAMPLE_RATE
    tone = np.sin(2 * np.pi * 1000 * np.arange(rate) / rate)
    higher = soxr.resample(tone, rate * factor, rate)
    warped = vocal_tract.warp(features.extract(tone, config), config, factor)
    expected = features.extract(higher, config)[20].argmax()
    assert abs(int(warped[20].argmax()) - int(expected)) <= 1


@pytest.mark.parametrize("kind", ["mfcc", "log-mel"])
def test_warping_by_one_and_what_is_no_spectrum(kind):
    config = features.FeatureConfig(kind=kind, pitch=True)
    raw = np.random.default_rng(1).normal(size=(20, config.dims)).astype(np.float32)
    np.testing.assert_allclose(vocal_tract.warp(raw, config, 1.0), raw, atol=1e-4)
    changed = vocal_tract.warp(raw, config, 1.2)
    np.testing.assert_array_equal(changed[:, -3:], raw[:, -3:])
    assert np.abs(changed - raw)[:, 1:12].mean() > 0.05
    assert vocal_tract.warp(raw[:0], config, 1.2).shape == (0, config.dims)


def test_slopes_of_warped_cepstra_are_warped_slopes():
    config = features.FeatureConfig(kind="mfcc")
    raw = features.extract(vowel(), config)
    warped = vocal_tract.warp(raw, config, 0.9)
    np.testing.assert_allclose(
        features.delta(warped[:, :13])[4:-4], warped[4:-4, 13:26], atol=1e-3
    )


# --- men and women ------------------------------------------------------------------


def test_the_tract_is_the_longer_the_lower_the_voice():
    config = features.FeatureConfig("log-mel")
    raw = features.extract(vowel(), config)
    for hertz, factor in ((120, 1.07), (210, 0.93)):
        found = vocal_tract.normalise(raw, config, np.log(hertz))
        np.testing.assert_array_equal(found, vocal_tract.warp(raw, config, factor))
    between = vocal_tract.normalise(raw, config, voice.BETWEEN)
    np.testing.assert_allclose(between, raw, atol=1e-5)


def test_the_same_vowel_of_a_man_and_a_woman_comes_together():
    plain = features.FeatureConfig("mfcc", pitch=True)
    config = dataclasses.replace(plain, length_normalisation=True)
    man, woman = vowel(1.0, 120), vowel(1.15, 210)
    before, after = (
        np.abs(np.diff([features.extract(each, one)[5:-5, 1:13].mean(0)
                        for each in (man, woman)], axis=0)).mean()
        for one in (plain, config)
    )  # fmt: skip
    assert after < 0.8 * before
    # The pitch itself is as it was.
    for each in (man, woman):
        changed = features.extract(each, config)
        np.testing.assert_array_equal(
            changed[:, -3:], features.extract(each, plain)[:, -3:]
        )


def test_silence_is_not_warped():
    plain = features.FeatureConfig("mfcc", pitch=True)
    config = dataclasses.replace(plain, length_normalisation=True)
    silence = np.zeros(8000, np.float32)
    np.testing.assert_allclose(
        features.extract(silence, config), features.extract(silence, plain), atol=1e-4
    )
