"""Going on from a trained model: its weights, labels and statistics; means of such."""

import dataclasses
import json

import conftest
import numpy as np
import pytest
import test_model_folder
from test_training import options, tiny_preset, weights_of  # noqa: F401

from data_prep import average
from zhasr import augment, dataset, model_folder, training, training_run

STANDS_STILL = {"learning_rate": 1e-12, "epochs": 1, "augmentation": "voices"}


@pytest.fixture
def first(prepared, tmp_path):
    """A model that has learned for an epoch."""
    training_run.train([prepared], tmp_path / "first", options(epochs=1), say=str)
    return tmp_path / "first"


@pytest.fixture
def other(tmp_path):
    """Data with other statistics than `prepared` has."""
    (tmp_path / "other").mkdir()
    return conftest.write_prepared(tmp_path / "other", train=4, seed=5)


@pytest.mark.slow
def test_a_run_begins_with_the_weights_of_another(first, other, tmp_path):
    config = json.loads((first / model_folder.CONFIG).read_text("utf-8"))
    gone = {"voices": ["gone"], "sources": ["of gone"], "corpora": ["old"]}
    config["training"] |= gone  # whom the other data do not have
    (first / model_folder.CONFIG).write_text(json.dumps(config), "utf-8")
    begun = options(start=str(first), preset="base", **STANDS_STILL)
    training_run.train([other], tmp_path / "next", begun, say=str)
    wanted, found = weights_of(first), weights_of(tmp_path / "next")
    for name, value in wanted.items():
        np.testing.assert_allclose(found[name], value, atol=1e-6, err_msg=name)
    old, new = map(model_folder.load_description, (first, tmp_path / "next"))
    assert new.vocabulary == old.vocabulary and new.architecture == old.architecture
    np.testing.assert_array_equal(new.mean, old.mean)
    assert not np.allclose(dataset.load([other], "initial-final").mean, old.mean)
    heard = old.training["hours_heard"]
    assert new.training["preset"] is None  # which did not count
    for name, (value,) in gone.items():
        assert value in new.training[name]
    assert len(new.training["voices"]) > 1 and len(new.training["corpora"]) > 1
    assert new.training["start_hours"] == heard > 0
    assert new.training["hours_heard"] > heard


@pytest.mark.slow
def test_a_run_that_began_so_is_resumed(first, prepared, tmp_path):
    begun = options(start=str(first), epochs=2)
    history = training_run.train([prepared], tmp_path / "whole", begun, say=str)
    run = training_run.Run(
        dataset.load([prepared], begun.kind, like=described(first)),
        tmp_path / "parts",
        begun,
        str,
        start=model_folder.load_weights(first),
    )
    run.epoch()
    again = training_run.train(
        [prepared], tmp_path / "parts", begun, resume=True, say=str
    )
    assert [row["loss"] for row in again] == [row["loss"] for row in history]
    with pytest.raises(training.TrainingError, match="start"):
        changed = dataclasses.replace(begun, start=str(tmp_path / "whole"))
        training_run.train([prepared], tmp_path / "parts", changed, resume=True)
    renamed = dataclasses.replace(begun, preset="base")  # which does not count
    done = training_run.train(
        [prepared], tmp_path / "parts", renamed, resume=True, say=str
    )
    assert done == again


def described(folder):
    return model_folder.load_description(folder)


@pytest.mark.slow
def test_its_voices_differ_in_full_at_once(first, prepared, tmp_path):
    plain = options(augmentation="voices", epochs=8)
    data = dataset.load([prepared], plain.kind, like=described(first))
    fresh = training_run.Run(data, tmp_path / "a", plain, str)
    begun = dataclasses.replace(plain, start=str(first))
    begun = training_run.Run(
        data, tmp_path / "b", begun, str, start=model_folder.load_weights(first)
    )
    assert begun._voices() == augment.LEVELS["voices"]
    assert fresh._voices().warp < begun._voices().warp


@pytest.mark.slow
def test_data_that_it_cannot_learn_from_are_refused(first, prepared, tmp_path):
    like = described(first)
    with pytest.raises(dataset.DatasetError, match="received syllable"):
        dataset.load([prepared], "syllable", like=like)
    fewer = model_folder.vocabulary.Vocabulary(
        like.vocabulary.kind, like.vocabulary.labels[:-1]
    )
    with pytest.raises(dataset.DatasetError, match=like.vocabulary.labels[-1]):
        changed = dataclasses.replace(like, vocabulary=fewer)
        dataset.load([prepared], "initial-final", like=changed)
    bands = conftest.features.FeatureConfig(kind="log-mel", bands=20)
    (tmp_path / "bands").mkdir()
    folder = conftest.write_prepared(tmp_path / "bands", config=bands)
    with pytest.raises(dataset.DatasetError, match="log-mel instead of mfcc.*--like"):
        dataset.load([folder], "initial-final", like=like)


def trained(folder, seed, **facts):
    """A model as if trained from another one."""
    _, made = test_model_folder.saved(folder, seed)
    usual = {"start": "m", "start_hours": 100, "hours_heard": 130, "seed": seed}
    made = dataclasses.replace(made, training={**usual, "preset": "x", **facts})
    network, _ = model_folder.load(folder)
    model_folder.save(folder, network, made, "")
    return folder


def test_the_mean_of_models(tmp_path):
    paths = [trained(tmp_path / f"{seed}", seed) for seed in (1, 2, 3)]
    made = average.average(paths, tmp_path / "mean")
    found, parts = weights_of(tmp_path / "mean"), [weights_of(path) for path in paths]
    for name, value in found.items():
        np.testing.assert_allclose(
            value, np.mean([part[name] for part in parts], axis=0), atol=1e-6
        )
    assert made.training["hours_heard"] == 100 + 3 * 30
    assert made.training["seed"] == [1, 2, 3] and made.training["preset"] == "x"
    read = described(tmp_path / "mean")
    assert read.training == made.training and read.vocabulary == made.vocabulary
    assert "mean_of: 3" in (tmp_path / "mean" / "card.md").read_text()


def test_the_mean_has_heard_what_all_have_heard():
    usual = {"start": "m", "start_hours": 1, "hours_heard": 2}
    one = {**usual, "voices": ["A", "B"], "corpora": ["x", "x"], "sources": ["s"]}
    other = {**usual, "voices": ["A", "C"], "corpora": ["x", "y"]}
    found = average.facts([one, other])
    assert sorted(found["voices"]) == ["A", "B", "C"]
    assert sorted(found["corpora"]) == ["x", "x", "y"]
    assert "sources" not in found  # one of them does not say whose


def test_models_without_a_mean(tmp_path, capsys):
    one = trained(tmp_path / "one", 1)
    other = trained(tmp_path / "other", 2, start="n")
    alone = trained(tmp_path / "alone", 2, start=None)
    out = tmp_path / "out"
    for models, place, reason in (
        ([one], out, "two models or more"),
        ([one, other], out, "another start"),
        ([alone, alone], out, "another start"),
        ([one, tmp_path / "none"], out, "not there"),
        ([one, one], one, "there already"),
    ):
        assert average.main([*map(str, models), "--out", str(place)]) == 2
        assert reason in capsys.readouterr().err
    assert not out.exists()
    assert average.main([str(one), str(one), "--out", str(out)]) == 0
    assert "160.0 h" in capsys.readouterr().out


def test_what_they_began_with_may_count(tmp_path, capsys):
    one = trained(tmp_path / "one", 1, dev_label_error=0.1)
    first = trained(tmp_path / "first", 2, start=None, hours_heard=100)
    out = tmp_path / "out"
    wish = [str(one), "--out", str(out), "--with-start"]
    other = trained(tmp_path / "other", 3, hours_heard=99)
    assert average.main([*wish, str(other)]) == 2
    assert "another number of hours" in capsys.readouterr().err
    assert average.main([*wish, str(first)]) == 0
    assert "mean of 2, 130.0 h" in capsys.readouterr().out
    found, parts = weights_of(out), [weights_of(path) for path in (one, first)]
    for name, value in found.items():
        middle = (parts[0][name] + parts[1][name]) / 2
        np.testing.assert_allclose(value, middle, atol=1e-6)
    facts = described(out).training
    assert facts["with_start"] is True and facts["seed"] == 1
    assert "dev_label_error" not in facts  # that of one is not that of the mean
