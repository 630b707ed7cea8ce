"""A changed model computes what it did before; what cannot be changed is refused."""

import dataclasses

import numpy as np
import pytest
import soundfile
import test_model_folder
from test_training import options, tiny_preset  # noqa: F401

from data_prep import grow
from zhasr import features, manifest, model_folder, numpy_layers, training_run

CONFIG = features.FeatureConfig(pitch=True)


def model(folder, stem_hears_deltas=True):
    """An untrained model folder that hears MFCC with Δ and pitch."""
    small = test_model_folder.description(stacks=2)
    mean = np.linspace(-1, 1, CONFIG.dims, dtype=np.float32)
    small = dataclasses.replace(
        small, features=CONFIG, mean=mean, std=3 + np.abs(mean), training={}
    )
    network = small.build()
    if not stem_hears_deltas:
        kernel = network.get_layer("stem").kernel
        value = np.array(kernel).reshape(3, 4, CONFIG.dims, -1)
        value[:, :, 13:39] = 0
        kernel.assign(value.reshape(kernel.shape))
    model_folder.save(folder, network, small, "")
    return folder


def sounds(count=5, seed=0):
    """Noise that swells: features that move as those of speech do, or faster."""
    rng = np.random.default_rng(seed)
    for _ in range(count):
        swell = np.abs(np.sin(np.linspace(0, 150, 16 * 16_000))) ** 4
        yield (0.2 * swell * rng.normal(size=len(swell))).astype(np.float32)


@pytest.fixture
def recordings(tmp_path):
    utterances = []
    for index, sound in enumerate(sounds()):
        soundfile.write(tmp_path / f"{index}.wav", sound, 16_000)
        utterances.append(
            manifest.Utterance(f"u{index}", f"{index}.wav", 16.0, "啊", "A", ("a1",))
        )
    manifest.write(tmp_path / "dev.jsonl", utterances)
    return tmp_path / "dev.jsonl"


def logits(folder, config):
    """Of sounds that no stem was fitted to."""
    network, read = model_folder.load_numpy(folder)
    raw = features.extract(next(sounds(seed=9)), dataclasses.replace(CONFIG, **config))
    normalised = read.normalise(raw)
    return network({"features": normalised[None], "frames": np.array([len(raw)])})


def test_more_blocks_change_nothing_at_first(tmp_path):
    model(tmp_path / "m")
    grown = grow.grow(tmp_path / "m", tmp_path / "g", {"stacks": 3})
    assert grown.architecture.stacks == 3
    weights = model_folder.load_weights(tmp_path / "g")[1]
    assert weights["block_5_gates/kernel"].any(), "a new block that cannot learn"
    assert not weights["block_5_skip/kernel"].any()
    np.testing.assert_array_equal(
        logits(tmp_path / "g", {}), logits(tmp_path / "m", {})
    )
    (tmp_path / "again").mkdir()  # as a stopped run may leave it
    grow.grow(tmp_path / "m", tmp_path / "again", {"stacks": 3})
    again = model_folder.load_weights(tmp_path / "again")[1]
    for name, value in weights.items():
        np.testing.assert_array_equal(again[name], value, err_msg=name)


@pytest.mark.parametrize("normalization", ["layer", "batch"])
@pytest.mark.parametrize("sizes", [{}, {"stacks": 3}])
def test_nor_do_more_gated_units(tmp_path, normalization, sizes):
    small = test_model_folder.description(stacks=2, normalization=normalization)
    rng = np.random.default_rng(0)
    weights = {
        name: rng.uniform(0.5, 1.5, value.shape).astype(np.float32)
        for name, value in model_folder.named_weights(small.build())
    }
    grown, larger = grow.larger(small, weights, gate_channels=11, **sizes)
    assert larger["block_0_gates/kernel"].shape == (3, 8, 22)
    inputs = {
        "features": rng.normal(size=(2, 50, small.features.dims)).astype(np.float32),
        "frames": np.array([50, 31]),
    }
    before, after = (
        numpy_layers.Network(each.architecture, len(each.vocabulary), values)(inputs)
        for each, values in ((small, weights), (grown, larger))
    )
    np.testing.assert_allclose(after, before, rtol=1e-5, atol=1e-4)
    new = larger["block_0_gates/kernel"].reshape(3, 8, 2, 11)[..., 8:]
    assert (new.std(axis=(0, 1, 3)) > 0.01).all(), "new units that cannot learn"
    assert not larger["block_0_skip/kernel"][8:].any()


def test_the_record_says_what_has_changed(tmp_path, recordings):
    description, weights = model_folder.load_weights(model(tmp_path / "m"))
    facts = {"preset": "short", "hours_heard": 9, "dev_label_error": 0.1}
    told = dataclasses.replace(description, training=facts)
    model_folder.save_weights(tmp_path / "told", told, weights)
    deeper = grow.grow(tmp_path / "told", tmp_path / "deeper", {"stacks": 3}).training
    assert deeper["preset"] is None and deeper["dev_label_error"] == 0.1
    assert deeper["hours_heard"] == 9 and "3 stacks" in deeper["grown"][0]
    grow.grow(tmp_path / "told", tmp_path / "both", {"stacks": 3}, recordings)
    both = model_folder.load_description(tmp_path / "both").training
    assert "dev_label_error" not in both and len(both["grown"]) == 2


@pytest.mark.slow
def test_and_learn_when_trained_on(prepared, tmp_path):
    training_run.train([prepared], tmp_path / "m", options(epochs=1), say=str)
    grown = grow.grow(tmp_path / "m", tmp_path / "g", {"stacks": 2})
    blocks = len(grown.architecture.dilations) * grown.architecture.stacks
    begun = options(start=str(tmp_path / "g"), epochs=2)
    training_run.train([prepared], tmp_path / "next", begun, say=str)
    before, after = (
        model_folder.load_weights(tmp_path / name)[1] for name in ("g", "next")
    )
    for part in ("gates", "skip"):
        name = f"block_{blocks - 1}_{part}/kernel"
        assert np.abs(after[name] - before[name]).max() > 1e-4
    heard = model_folder.load_description(tmp_path / "m").training["hours_heard"]
    found = model_folder.load_description(tmp_path / "next").training
    assert found["start_hours"] == heard > 0


def test_a_stem_without_deltas_gives_what_it_gave(tmp_path, recordings):
    model(tmp_path / "m", stem_hears_deltas=False)
    said = []
    grown = grow.grow(tmp_path / "m", tmp_path / "g", None, recordings, said.append)
    assert grown.features == dataclasses.replace(CONFIG, deltas=False)
    old = model_folder.load_description(tmp_path / "m")
    np.testing.assert_array_equal(grown.mean, np.r_[old.mean[:13], old.mean[39:]])
    np.testing.assert_array_equal(grown.std, np.r_[old.std[:13], old.std[39:]])
    assert said == ["without Δ the stem gives 100.0 % of the variance that it gave"]
    np.testing.assert_allclose(
        logits(tmp_path / "g", {"deltas": False}),
        logits(tmp_path / "m", {}),
        atol=1e-4,
    )


def test_and_makes_slopes_by_itself(tmp_path, recordings):
    """Beyond the 12 frames of the stem they are guessed: not all can be kept."""
    model(tmp_path / "m")
    description, weights = model_folder.load_weights(tmp_path / "m")
    raw = [features.extract(sound, CONFIG) for sound in sounds()]
    *_, kept = grow.without_deltas(description, weights, raw)
    assert 0.8 < kept < 1
    grow.grow(tmp_path / "m", tmp_path / "g", {"stacks": 4}, recordings)
    old, new = logits(tmp_path / "m", {}), logits(tmp_path / "g", {"deltas": False})
    assert np.corrcoef(old.ravel(), new.ravel())[0, 1] > 0.9


def test_what_cannot_be_changed(tmp_path, recordings, capsys):
    model(tmp_path / "m")
    grow.grow(tmp_path / "m", tmp_path / "static", recordings=recordings)
    test = manifest.Utterance("t", "0.wav", 1.0, "啊", "S0252", ("a1",))
    manifest.write(tmp_path / "tested.jsonl", [test])
    (tmp_path / "one.jsonl").write_text(recordings.read_text().splitlines()[0])
    wants = ["--no-deltas", str(recordings)]
    for name, out, wish, reason in (
        ("m", "static", ["--stacks", "3"], "there already"),
        ("m", "new", [], "received none"),
        ("m", "new", ["--stacks", "2"], "more than 2 stacks, received 2"),
        ("m", "new", ["--gate-channels", "8"], "more than 8 gate_channels"),
        ("static", "new", wants, "hears no Δ"),
        ("none", "new", wants, "not there"),
        ("m", "new", ["--no-deltas", str(tmp_path / "tested.jsonl")], "S0252"),
        ("m", "new", ["--no-deltas", str(tmp_path / "one.jsonl")], "77 s of record"),
        ("m", "new", ["--no-deltas", str(tmp_path / "none.jsonl")], "none.jsonl"),
    ):
        command = [str(tmp_path / name), "--out", str(tmp_path / out), *wish]
        assert grow.main(command) == 2
        told = capsys.readouterr().err
        assert reason in told and told.count("\n") == 1
    assert not (tmp_path / "new").exists()
    command = [str(tmp_path / "static"), "--out", str(tmp_path / "new")]
    assert grow.main([*command, "--stacks", "4", "--gate-channels", "16"]) == 0
    told = capsys.readouterr().out
    assert "4 stacks of blocks, 16 gated units in each: sees" in told
