"""Model folders: what is saved comes back; what does not belong together is refused."""

import json
import shutil

import numpy as np
import pytest

from zhasr import features, model_folder, recognizer, vocabulary, wavenet
from zhasr.backend import keras

CONFIG = features.FeatureConfig(kind="log-mel", bands=20, pitch=True)
LOADS = model_folder.load, model_folder.load_numpy


def description(labels=("a1", "a2", "ba4"), **changes):
    sizes = {"channels": 8, "stacks": 1, "dilations": (1, 2)} | changes
    architecture = wavenet.Config(**sizes)
    mean = np.linspace(-1, 1, CONFIG.dims, dtype=np.float32)
    return model_folder.Description(
        architecture,
        CONFIG,
        mean,
        1 + mean**2,
        vocabulary.build("syllable", [labels]),
        {"corpora": ["tiny"], "epoch": 3},
    )


def saved(folder, seed=0, **options):
    keras.utils.set_random_seed(seed)
    made = description(**options)
    network = made.build()
    model_folder.save(folder, network, made, model_folder.write_card(made))
    return network, made


def logits(network):
    rng = np.random.default_rng(0)
    inputs = {
        "features": rng.normal(size=(2, 30, CONFIG.dims)).astype(np.float32),
        "frames": np.array([30, 11], np.int32),
    }
    return keras.ops.convert_to_numpy(network(inputs))


@pytest.mark.parametrize(
    "options", [{}, {"reduction": 1, "normalization": "batch"}, {"dropout": 0.2}]
)
def test_what_is_saved_comes_back(tmp_path, options):
    network, made = saved(tmp_path / "m", **options)
    keras.utils.set_random_seed(5)
    again, read = model_folder.load(tmp_path / "m")
    np.testing.assert_array_equal(logits(again), logits(network))
    assert (read.architecture, read.features) == (made.architecture, made.features)
    assert (read.vocabulary, read.training) == (made.vocabulary, made.training)
    np.testing.assert_array_equal(read.mean, made.mean)
    np.testing.assert_array_equal(read.std, made.std)
    assert "tiny" in (tmp_path / "m" / "card.md").read_text()
    assert sorted(path.name for path in (tmp_path / "m").iterdir()) == [
        "card.md",
        "config.json",
        "vocabulary.txt",
        "weights.safetensors",
    ]


def test_a_vocabulary_of_the_same_size_from_another_model_is_refused(tmp_path):
    saved(tmp_path / "a")
    saved(tmp_path / "b", labels=("a1", "a2", "ba3"))
    shutil.copy(tmp_path / "b" / "vocabulary.txt", tmp_path / "a")
    with pytest.raises(model_folder.ModelError, match="whole model folder"):
        model_folder.load(tmp_path / "a")


@pytest.mark.parametrize("load", LOADS)
def test_weights_of_another_model_are_refused(tmp_path, load):
    saved(tmp_path / "a")
    saved(tmp_path / "b", labels=("a1", "a2", "ba3"))
    saved(tmp_path / "c", reduction=2)
    saved(tmp_path / "d", dilations=(1,))
    weights = tmp_path / "a" / "weights.safetensors"
    shutil.copy(tmp_path / "b" / "weights.safetensors", weights)
    with pytest.raises(model_folder.ModelError, match="weights for the vocabulary"):
        load(tmp_path / "a")
    shutil.copy(tmp_path / "c" / "weights.safetensors", weights)
    with pytest.raises(model_folder.ModelError, match="stem/kernel.*shape"):
        load(tmp_path / "a")
    shutil.copy(tmp_path / "d" / "weights.safetensors", weights)
    with pytest.raises(model_folder.ModelError, match="another architecture: block_0"):
        load(tmp_path / "a")


FILES = ("config.json", "vocabulary.txt", "weights.safetensors")


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("damage", ["missing", "empty", "cut"])
@pytest.mark.parametrize("load", LOADS)
def test_damaged_files_are_named(tmp_path, name, damage, load):
    saved(tmp_path / "m")
    path = tmp_path / "m" / name
    content = path.read_bytes()
    path.unlink()
    if damage != "missing":
        path.write_bytes(b"" if damage == "empty" else content[: len(content) // 2])
    with pytest.raises(model_folder.ModelError, match=name.partition(".")[0]):
        load(tmp_path / "m")


def test_a_config_that_does_not_fit_is_refused(tmp_path):
    saved(tmp_path / "m")
    path = tmp_path / "m" / "config.json"
    config = json.loads(path.read_text())
    for changes, words in (
        ({"mean": [0.0]}, "mean and std"),
        ({"architecture": {"channels": 8, "speed": 3}}, "speed"),
        ({"features": {"kind": "mel"}}, "mel"),
        ({"format": "other"}, "format"),
    ):
        path.write_text(json.dumps({**config, **changes}))
        with pytest.raises(model_folder.ModelError, match=words):
            model_folder.load(tmp_path / "m")


def test_long_audio_in_pieces_equals_the_whole(tmp_path, monkeypatch):
    network, made = saved(tmp_path / "m")
    model = recognizer.Recognizer(network, made)
    frames = np.random.default_rng(0).normal(size=(407, CONFIG.dims))
    frames = frames.astype(np.float32)
    whole = recognizer.log_probs_of_features(model, frames)
    monkeypatch.setattr(recognizer, "CHUNK_FRAMES", 50)
    pieces = recognizer.log_probs_of_features(model, frames)
    assert pieces.shape == whole.shape == (102, 4)
    np.testing.assert_allclose(pieces, whole, atol=1e-5)
    np.testing.assert_allclose(np.exp(pieces).sum(axis=1), 1, rtol=1e-5)


def test_decoded_labels_have_their_times(tmp_path):
    network, made = saved(tmp_path / "m")
    model = recognizer.Recognizer(network, made)
    frames = np.full((6, 4), 0.01)
    for frame, label in enumerate([0, 3, 3, 0, 1, 1]):
        frames[frame, label] = 0.97
    transcript = recognizer.decode(model, np.log(frames))
    assert transcript.syllables == ("ba4", "a1")
    assert transcript.text is None
    first, second = transcript.labels
    assert (first.start, first.end) == pytest.approx((0.04, 0.12))
    assert (second.start, second.end) == pytest.approx((0.16, 0.24))
    assert first.probability == pytest.approx(0.97)
