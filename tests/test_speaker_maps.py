"""Planted differences between voices are found, and one voice becomes another."""

import numpy as np
import pytest

from zhasr import mel, speaker_maps

SIZE = speaker_maps.SIZE


def planted(seed=0, speakers=6, sounds=200, spread=0.2):
    """Matrices whose average is the identity, and what these speakers say.

    The sounds of the average speaker have the mean 0, so those of the others have
    their own one.
    """
    rng = np.random.default_rng(seed)
    matrices = spread * rng.normal(size=(speakers, SIZE, SIZE)) / np.sqrt(SIZE)
    matrices += np.eye(SIZE) - matrices.mean(axis=0)
    said = rng.normal(size=(sounds, SIZE)) * np.geomspace(10, 0.5, SIZE)
    said -= said.mean(axis=0)
    return matrices, said @ matrices.transpose(0, 2, 1) + 5 * rng.normal(
        size=(speakers, 1, SIZE)
    )


def fit(means, frames=100):
    """The means and the matrices that are found, as arrays."""
    frames = np.broadcast_to(frames, means.shape[:2])
    found = speaker_maps.fit(means, frames)
    return [np.stack(arrays) for arrays in zip(*found, strict=True)]


def some_maps():
    matrices, means = planted()
    return speaker_maps.SpeakerMaps(tuple("abcdef"), means.mean(axis=1), matrices)


def test_planted_matrices_are_found(monkeypatch):
    monkeypatch.setattr(speaker_maps, "RIDGE", 1e-6)
    matrices, means = planted()
    own_means, found = fit(means)
    np.testing.assert_allclose(found, matrices, atol=1e-3)
    np.testing.assert_allclose(own_means, means.mean(axis=1), atol=1e-6)


def test_the_ridge_draws_to_no_difference(monkeypatch):
    _, means = planted()
    distances = []
    for ridge in (0.01, 1, 100):
        monkeypatch.setattr(speaker_maps, "RIDGE", ridge)
        distances.append(np.linalg.norm(fit(means)[1] - np.eye(SIZE)))
    assert distances[0] > 1.8 * distances[1] > 1.8 * 40 * distances[2]


def test_sounds_that_somebody_does_not_say_do_not_count():
    _, means = planted()
    frames = np.full(means.shape[:2], 100)
    frames[0, :50] = speaker_maps.FEWEST_FRAMES - 1
    spoiled = means.copy()
    spoiled[0, :50] = 1e6
    for one, other in zip(fit(means, frames), fit(spoiled, frames), strict=True):
        np.testing.assert_array_equal(one, other)


def test_who_says_too_little_gets_no_matrix():
    _, means = planted()
    frames = np.full(means.shape[:2], 100)
    frames[2, speaker_maps.FEWEST_SOUNDS - 1 :] = 0
    fitted = speaker_maps.fit(means, frames)
    assert [each is None for each in fitted] == [False, False, True] + 3 * [False]
    frames[1:] = 0
    with pytest.raises(speaker_maps.SpeakerMapError, match="received 1 of 6"):
        speaker_maps.fit(means, frames)


def test_one_voice_becomes_another():
    maps = some_maps()
    sound = np.random.default_rng(1).normal(size=SIZE)

    def said_by(index):
        return maps.means[index] + maps.matrices[index] @ sound

    change, shift = maps.between("b", maps.means[4], maps.matrices[4])
    np.testing.assert_allclose(change @ said_by(1) + shift, said_by(4))
    average = maps.means.mean(axis=0) + sound
    change, shift = maps.between("nobody", maps.means[4], maps.matrices[4])
    np.testing.assert_allclose(change @ average + shift, said_by(4))


def test_drawn_voices_vary_and_are_repeated_by_the_seed():
    maps = some_maps()
    drawn = [maps.draw("a", np.random.default_rng(seed)) for seed in (0, 0, 1)]
    for first, same, other in zip(*drawn, strict=True):
        np.testing.assert_array_equal(first, same)
        assert np.abs(first - other).max() > 0.01
        assert first.dtype == np.float32
    matrix, shift = drawn[0]
    energy = np.eye(mel.CEPSTRA)[0]
    np.testing.assert_array_equal(matrix[0], energy)
    np.testing.assert_array_equal(matrix[:, 0], energy)
    assert shift[0] == 0


def test_a_drawn_voice_is_between_those_of_people():
    maps = some_maps()
    twins = speaker_maps.SpeakerMaps(("a", "b"), maps.means[:2], maps.matrices[:2])
    same = speaker_maps.SpeakerMaps(
        ("a", "b"), *(np.stack([of[0]] * 2) for of in (maps.means, maps.matrices))
    )
    matrix, shift = same.draw("a", np.random.default_rng(0))
    np.testing.assert_allclose(matrix, np.eye(mel.CEPSTRA), atol=1e-6)
    np.testing.assert_allclose(shift, 0, atol=1e-5)
    own = np.concatenate([[0], twins.means[0]])
    heard = []
    for seed in range(200):
        matrix, shift = twins.draw("a", np.random.default_rng(seed))
        heard.append((matrix @ own + shift)[1:])
    way = twins.means[1] - twins.means[0]
    along = (np.array(heard) - twins.means[0]) @ way / (way @ way)
    assert -1e-5 < along.min() < 0.02
    assert 0.8 < along.max() < speaker_maps.STRENGTH + 1e-5


def test_files_of_other_kinds_are_refused(tmp_path):
    maps = some_maps()
    path = tmp_path / "maps.safetensors"
    speaker_maps.save(path, maps)
    again = speaker_maps.load(path)
    assert again.speakers == maps.speakers
    np.testing.assert_array_equal(again.means, maps.means)
    np.testing.assert_array_equal(again.matrices, maps.matrices)
    one = speaker_maps.SpeakerMaps(("a",), maps.means[:1], maps.matrices[:1])
    speaker_maps.save(path, one)
    with pytest.raises(speaker_maps.SpeakerMapError, match="two speakers"):
        speaker_maps.load(path)
    path.write_bytes(b"none")
    with pytest.raises(speaker_maps.SpeakerMapError, match="cannot be read"):
        speaker_maps.load(path)
