"""A training that only an experiment wants: two kinds of label at once."""

import pathlib
import sys

import conftest
import numpy as np
import pytest
from test_training import options, tiny_preset  # noqa: F401

from zhasr import dataset, features, model_folder, training_run

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "benchmarks"))

import two_heads  # noqa: E402

USUAL = training_run.Run
MFCC = features.FeatureConfig(pitch=True)


@pytest.fixture
def data(tmp_path, monkeypatch):
    monkeypatch.setattr(conftest, "SYLLABLES", (*conftest.SYLLABLES, "ai4", "an4"))
    (tmp_path / "data").mkdir()
    return conftest.write_prepared(tmp_path / "data", config=MFCC)


def train(run, data, out):
    with two_heads.used(run):
        training_run.train([data], out, options(epochs=1), say=str)
    assert training_run.Run is USUAL
    return out


def test_initials_and_finals_are_spelled_as_syllables(data):
    loaded = dataset.load([data], "initial-final")
    spelling = two_heads.Spelling(loaded)
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
    run = two_heads.TwoHeads(loaded, tmp_path / "two", options(epochs=2), str)
    second = run.trainable.both.get_layer("syllables")
    before = second.kernel.numpy()
    run.epoch()
    assert not np.allclose(before, second.kernel.numpy())
    resumed = two_heads.TwoHeads(loaded, tmp_path / "two", options(epochs=2), str)
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
