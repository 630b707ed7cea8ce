"""Planted differences between voices are found, and one voice becomes another."""

import numpy as np
import pytest

from zhasr import features, speaker_maps

SIZE = speaker_maps.SIZE


def planted(seed=0, speakers=6, sounds=200, spread=0.2):
    """Matrices whose average is the identity, and what these speakers say."""
    rng = np.random.default_rng(seed)
    matrices = spread * rng.normal(size=(speakers, SIZE, SIZE)) / np.sqrt(SIZE)
    matrices += np.eye(SIZE) - matrices.mean(axis=0)
    said = rng.normal(size=(sounds, SIZE)) * np.geomspace(10, 0.5, SIZE)
    offsets = rng.normal(size=(speakers, 1, SIZE)) * 5
    return matrices, said @ matrices.transpose(0, 2, 1) + offsets


def test_planted_matrices_are_found(monkeypatch):
    monkeypatch.setattr(speaker_maps, "RIDGE", 1e-6)
    matrices, means = planted()
    found = speaker_maps.fit(means, np.full(means.shape[:2], 100))
    np.testing.assert_allclose(found, matrices, atol=1e-3)


def test_the_ridge_draws_to_no_difference(monkeypatch):
    _, means = planted()
    distances = []
    for ridge in (0.01, 1, 100):
        monkeypatch.setattr(speaker_maps, "RIDGE", ridge)
        found = speaker_maps.fit(means, np.full(means.shape[:2], 100))
        distances.append(np.linalg.norm(np.array(found) - np.eye(SIZE)))
    assert distances[0] > 1.8 * distances[1] > 1.8 * 40 * distances[2]


def test_sounds_that_somebody_does_not_say_do_not_count():
    _, means = planted()
    frames = np.full(means.shape[:2], 100)
    frames[0, :50] = speaker_maps.FEWEST_FRAMES - 1
    spoiled = means.copy()
    spoiled[0, :50] = 1e6
    for one, other in zip(
        speaker_maps.fit(means, frames), speaker_maps.fit(spoiled, frames), strict=True
    ):
        np.testing.assert_array_equal(one, other)


def test_who_says_too_little_gets_no_matrix():
    _, means = planted()
    frames = np.full(means.shape[:2], 100)
    frames[2, speaker_maps.FEWEST_SOUNDS - 1 :] = 0
    fitted = speaker_maps.fit(means, frames)
    assert [matrix is None for matrix in fitted] == [False, False, True] + 3 * [False]
    frames[1:] = 0
    with pytest.raises(speaker_maps.SpeakerMapError, match="received 1 of 6"):
        speaker_maps.fit(means, frames)


def test_one_voice_becomes_another():
    matrices, _ = planted()
    maps = speaker_maps.SpeakerMaps(tuple("abcdef"), matrices)
    sound = np.random.default_rng(1).normal(size=SIZE)
    own = np.concatenate([[7.0], matrices[1] @ sound])
    heard = maps.between("b", matrices[4]) @ own
    np.testing.assert_allclose(heard[1:], matrices[4] @ sound, rtol=1e-4, atol=1e-4)
    assert heard[0] == 7.0, "the energy stays"
    average = maps.between("nobody", matrices[4])[1:, 1:]
    np.testing.assert_allclose(average, matrices[4], atol=1e-6)


def test_drawn_voices_vary_and_are_repeated_by_the_seed():
    matrices, _ = planted()
    maps = speaker_maps.SpeakerMaps(tuple("abcdef"), matrices)
    drawn = [maps.draw("a", np.random.default_rng(seed)) for seed in (0, 0, 1)]
    np.testing.assert_array_equal(drawn[0], drawn[1])
    assert np.abs(drawn[0] - drawn[2]).max() > 0.01
    assert drawn[0].shape == (features.CEPSTRA, features.CEPSTRA)
    assert drawn[0].dtype == np.float32


def test_files_of_other_kinds_are_refused(tmp_path):
    matrices, _ = planted()
    maps = speaker_maps.SpeakerMaps(tuple("abcdef"), matrices)
    path = tmp_path / "maps.safetensors"
    speaker_maps.save(path, maps)
    again = speaker_maps.load(path)
    assert again.speakers == maps.speakers
    np.testing.assert_array_equal(again.matrices, matrices)
    speaker_maps.save(path, speaker_maps.SpeakerMaps(("a",), matrices[:1]))
    with pytest.raises(speaker_maps.SpeakerMapError, match="two speakers"):
        speaker_maps.load(path)
    path.write_bytes(b"none")
    with pytest.raises(speaker_maps.SpeakerMapError, match="cannot be read"):
        speaker_maps.load(path)
