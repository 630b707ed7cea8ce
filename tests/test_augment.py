"""Augmentation: what it may change and what it may not."""

import numpy as np

from zhasr import augment

FEATURES = 1 + np.arange(600, dtype=np.float32).reshape(100, 6)


def test_no_augmentation_changes_nothing():
    rng = np.random.default_rng(0)
    same = augment.augment(FEATURES, augment.LEVELS["none"], rng, 6)
    np.testing.assert_array_equal(same, FEATURES)


def test_masks_are_whole_frames_or_whole_spectral_dimensions():
    policy = augment.Augmentation(
        frequency_masks=1, frequency_share=0.9, time_masks=3, time_width=10
    )
    masked_frames = masked_dims = 0
    for seed in range(30):
        rng = np.random.default_rng(seed)
        changed = augment.augment(FEATURES, policy, rng, spectral_dims=4)
        zeros = changed == 0
        frames, dims = zeros.all(axis=1), zeros.all(axis=0)
        np.testing.assert_array_equal(zeros, frames[:, None] | dims[None, :])
        assert not dims[4:].any(), "pitch is masked in time only"
        np.testing.assert_array_equal(changed[~zeros], FEATURES[~zeros])
        masked_frames += frames.sum()
        masked_dims += dims.sum()
    assert masked_frames > 0
    assert masked_dims > 0
    assert FEATURES.all(), "the input is not changed"


def test_tempo_keeps_the_sound_and_changes_its_length():
    slope = np.linspace(0, 1, 101, dtype=np.float32)[:, None]
    for factor in (0.8, 1.0, 1.25):
        changed = augment.change_tempo(slope, factor)
        assert len(changed) == round(101 / factor)
        expected = np.linspace(0, 1, len(changed))[:, None]
        np.testing.assert_allclose(changed, expected, atol=1e-6)


def test_tempo_of_next_to_nothing():
    assert augment.change_tempo(FEATURES[:0], 1.1).shape == (0, 6)
    np.testing.assert_array_equal(augment.change_tempo(FEATURES[:1], 1.9), FEATURES[:1])


def test_augmented_length_stays_within_the_tempo():
    level = augment.LEVELS["full"]
    for seed in range(50):
        changed = augment.augment(FEATURES, level, np.random.default_rng(seed), 6)
        assert 100 / (1 + level.tempo) - 1 <= len(changed)
        assert len(changed) <= 100 / (1 - level.tempo) + 1
