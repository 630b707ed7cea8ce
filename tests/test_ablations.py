"""Trainings that only an experiment wants: what they leave out, what they add."""

import pathlib
import sys

import conftest
import numpy as np
import pytest
from test_training import options, tiny_preset  # noqa: F401

from zhasr import dataset, features, model_folder, recognizer, training_run

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "benchmarks"))

import ablations  # noqa: E402

USUAL = training_run.Run
MFCC = features.FeatureConfig(pitch=True)


@pytest.fixture
def data(tmp_path, monkeypatch):
    monkeypatch.setattr(conftest, "SYLLABLES", (*conftest.SYLLABLES, "ai4", "an4"))
    (tmp_path / "data").mkdir()
    return conftest.write_prepared(tmp_path / "data", config=MFCC)


def train(run, data, out):
    with ablations.used(run):
        training_run.train([data], out, options(epochs=1), say=str)
    assert training_run.Run is USUAL
    return out


def logits(model, raw):
    return recognizer.log_probs_of_features(model, model.description.normalise(raw))


@pytest.mark.slow
def test_slopes_that_are_left_out_change_nothing(data, tmp_path):
    raw = dataset.open_folder(data).store["dev0_0"]
    changed = raw.copy()
    changed[:, ablations.SLOPES] += 1
    assert changed.shape[1] == 42 and np.ptp((changed != raw).sum(axis=1)) == 0
    assert (changed != raw).sum(axis=1)[0] == 26  # Δ and ΔΔ of 13 cepstra
    models = {
        run: recognizer.load(train(run, data, tmp_path / run.__name__))
        for run in (USUAL, ablations.WithoutSlopes)
    }
    unmoved = {
        run: np.allclose(logits(model, raw), logits(model, changed), atol=1e-3)
        for run, model in models.items()
    }
    assert unmoved == {USUAL: False, ablations.WithoutSlopes: True}


@pytest.mark.slow
def test_what_is_trained_on_has_no_slopes(data, tmp_path):
    loaded = dataset.load([data], "initial-final")
    run = ablations.WithoutSlopes(loaded, tmp_path / "out", options(epochs=1), str)
    for examples, before in (
        (run.data.train, loaded.train),
        (run.data.dev, loaded.dev),
    ):
        array, whole = examples[0].load(), before[0].load()
        assert not array[:, ablations.SLOPES].any()
        np.testing.assert_array_equal(array[:, :13], whole[:, :13])
        np.testing.assert_array_equal(array[:, 39:], whole[:, 39:])


def test_initials_and_finals_are_spelled_as_syllables(data):
    loaded = dataset.load([data], "initial-final")
    spelling = ablations.Spelling(loaded)
    said = [item.syllables for item in dataset.open_folder(data).utterances("train")]
    assert len(spelling) == 1 + len({one for each in said for one in each})
    longest = max(len(example.labels) for example in loaded.train)
    labels = np.zeros((len(said), longest), np.int32)
    for row, example in zip(labels, loaded.train, strict=True):
        row[: len(example.labels)] = example.labels
    lengths = np.array([len(example.labels) for example in loaded.train], np.int32)
    added = spelling.add(labels, lengths)
    number_of = {}
    for syllables, numbers, length in zip(
        said, added["syllables"], added["syllable_lengths"], strict=True
    ):
        assert length == len(syllables) and not numbers[length:].any()
        for syllable, number in zip(syllables, numbers[:length], strict=True):
            assert number > 0 and number_of.setdefault(syllable, number) == number
    assert len(set(number_of.values())) == len(number_of)


@pytest.mark.slow
def test_a_second_head_teaches_and_is_not_kept(data, tmp_path):
    loaded = dataset.load([data], "initial-final")
    run = ablations.TwoHeads(loaded, tmp_path / "two", options(epochs=2), str)
    second = run.trainable.both.get_layer("syllables")
    before = second.kernel.numpy()
    run.epoch()
    assert not np.allclose(before, second.kernel.numpy())
    resumed = ablations.TwoHeads(loaded, tmp_path / "two", options(epochs=2), str)
    resumed.restore()
    np.testing.assert_array_equal(
        resumed.trainable.both.get_layer("syllables").kernel.numpy(),
        second.kernel.numpy(),
    )
    one = train(USUAL, data, tmp_path / "one")
    (_, usual), (_, found) = map(model_folder.load_weights, (one, tmp_path / "two"))
    assert {name: array.shape for name, array in usual.items()} == {
        name: array.shape for name, array in found.items()
    }
