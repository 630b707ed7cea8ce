"""Augmentation: what it may change and what it may not."""

import numpy as np
import pytest

from zhasr import audio, augment, features, mel, speaker_maps

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


def noise():
    rng = np.random.default_rng(0)
    return 0.1 * rng.normal(size=audio.SAMPLE_RATE // 2).astype(np.float32)


def test_warps_are_drawn_evenly_on_both_sides_and_only_where_wanted():
    rng = np.random.default_rng(0)
    assert augment.draw_voice(augment.LEVELS["full"], "anna", rng) is None
    same = np.random.default_rng(0).random()
    assert rng.random() == same, "nothing was drawn"
    level = augment.Augmentation(warp=0.22)
    voices = [augment.draw_voice(level, "anna", rng) for _ in range(2000)]
    drawn = np.array([voice.factor for voice in voices])
    assert {voice.matrix for voice in voices} == {None}
    assert 0.8196 < drawn.min() < 0.83
    assert 1.21 < drawn.max() < 1.2201
    assert abs((drawn > 1).mean() - 0.5) < 0.04


def test_a_voice_with_a_matrix_changes_spectrum_and_slopes_but_not_energy_and_pitch():
    config = features.FeatureConfig(pitch=True)
    raw = features.extract(noise(), config)
    matrix = np.eye(mel.CEPSTRA, dtype=np.float32)
    matrix[1, 2], matrix[5, 5] = 0.5, 2
    shift = np.zeros(mel.CEPSTRA, np.float32)
    changed = augment.speak(raw, config, augment.Voice(1.0, matrix, shift))
    shift[3] = 4
    shifted = augment.speak(raw, config, augment.Voice(1.0, matrix, shift))
    moved = np.zeros(config.dims)
    moved[3] = 4  # a constant has no slope
    np.testing.assert_allclose(
        shifted - changed, np.broadcast_to(moved, raw.shape), atol=1e-4
    )
    for begin in (0, 13, 26):
        before, after = raw[:, begin : begin + 13], changed[:, begin : begin + 13]
        np.testing.assert_allclose(after[:, 1], before[:, 1] + before[:, 2] / 2, 1e-3)
        np.testing.assert_allclose(after[:, 5], 2 * before[:, 5], 1e-3)
        np.testing.assert_allclose(after[:, 0], before[:, 0], 1e-3, atol=1e-3)
    np.testing.assert_array_equal(changed[:, 39:], raw[:, 39:])


def test_log_mel_bands_are_changed_in_their_cepstra_and_nowhere_else():
    config = features.FeatureConfig(kind="log-mel", bands=40, pitch=True)
    raw = features.extract(noise(), config)
    matrix = np.eye(mel.CEPSTRA, dtype=np.float32)
    matrix[1, 2] = 0.5
    shift = np.zeros(mel.CEPSTRA, np.float32)
    shift[3] = 2
    changed = augment.speak(raw, config, augment.Voice(1.0, matrix, shift))
    before, after = (speaker_maps.cepstra(each, config) for each in (raw, changed))
    expected = before @ matrix[1:, 1:].T + shift[1:]
    np.testing.assert_allclose(after, expected, atol=1e-3)
    rows = mel.cosines(40)
    rest = np.eye(40) - rows.T @ rows
    np.testing.assert_allclose(changed[:, :40] @ rest, raw[:, :40] @ rest, atol=1e-3)
    np.testing.assert_allclose(changed[:, :40].mean(1), raw[:, :40].mean(1), atol=1e-3)
    np.testing.assert_array_equal(changed[:, 40:], raw[:, 40:])


def test_a_higher_pitch_moves_log_f0_and_nothing_else():
    config = features.FeatureConfig(pitch=True)
    raw = np.random.default_rng(0).normal(size=(20, config.dims)).astype(np.float32)
    level = augment.Augmentation(pitch=0.4)
    rng = np.random.default_rng(1)
    drawn = [augment.draw_voice(level, "anna", rng) for _ in range(500)]
    assert 0.37 < max(voice.pitch for voice in drawn) < 0.4
    assert -0.4 < min(voice.pitch for voice in drawn) < -0.37
    changed = augment.speak(raw, config, augment.Voice(pitch=0.3))
    np.testing.assert_allclose(changed[:, 39], raw[:, 39] + 0.3, atol=1e-6)
    rest = np.delete(np.arange(config.dims), 39)
    np.testing.assert_allclose(changed[:, rest], raw[:, rest], atol=1e-4)
    without = features.FeatureConfig()
    changed = augment.speak(raw[:, :39], without, augment.Voice(pitch=0.3))
    np.testing.assert_allclose(changed, raw[:, :39], atol=1e-4)


def test_voices_differ_more_and_more_and_nothing_else_changes():
    maps = speaker_maps.SpeakerMaps(
        ("a", "b"), np.ones((2, 12)), np.tile(np.eye(12), (2, 1, 1))
    )
    level = augment.Augmentation(0.1, 1, 0.2, warp=0.1, pitch=0.4, speakers=maps)
    first, half, late, last = (augment.grow(level, at) for at in (0, 0.25, 0.5, 1))
    assert last == late == level
    assert (first.warp, first.pitch, first.speakers.strength) == (0, 0, 0)
    assert half.warp == pytest.approx(0.05)
    assert half.pitch == pytest.approx(0.2)
    assert half.speakers.strength == pytest.approx(maps.strength / 2)
    assert (first.tempo, first.frequency_share) == (0.1, 0.2)
    rng = np.random.default_rng(0)
    matrix, shift = first.speakers.draw("a", rng)
    np.testing.assert_array_equal(matrix, np.eye(13))
    assert not shift.any()
    plain = augment.LEVELS["light"]
    assert augment.grow(plain, 0) == plain
