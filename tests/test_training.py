"""Training: it learns, it is reproducible, it survives kill -9, it explains NaN."""

import csv
import os
import signal
import subprocess
import sys
import textwrap
import time

import conftest
import numpy as np
import pytest

from zhasr import (
    augment,
    batches,
    checkpoint,
    dataset,
    model_folder,
    training,
    training_run,
    wavenet,
)
from zhasr.backend import keras

TINY = wavenet.Config(channels=24, stacks=1, dilations=(1, 2))


@pytest.fixture(autouse=True)
def tiny_preset(monkeypatch):
    monkeypatch.setitem(wavenet.PRESETS, "tiny", TINY)


def options(**changes):
    usual = {"preset": "tiny", "epochs": 2, "batch_seconds": 4.0, "buckets": 1}
    return training.Options(**{**usual, **changes})


def weights_of(folder):
    network, _ = model_folder.load(folder)
    return dict(model_folder.named_weights(network))


def assert_same_weights(first, second):
    first, second = weights_of(first), weights_of(second)
    for name, value in first.items():
        np.testing.assert_array_equal(second[name], value, err_msg=name)


def losses(history):
    return [(row["loss"], row["dev_error"]) for row in history]


@pytest.mark.slow
@pytest.mark.parametrize("optimizer", training.OPTIMIZERS)
def test_it_learns_what_can_be_learned(optimizer, prepared, tmp_path):
    lines = []
    history = training_run.train(
        [prepared],
        tmp_path / "model",
        options(
            epochs=30, learning_rate=1e-2, augmentation="none", optimizer=optimizer
        ),
        say=lines.append,
    )
    assert history[-1]["loss"] < 0.3 * history[0]["loss"]
    assert min(row["dev_error"] for row in history) < 0.1
    spoken = [line for line in lines if line.strip().startswith("spoken")]
    assert len(spoken) == 3 * len(history)


@pytest.mark.slow
def test_one_seed_gives_the_same_weights_and_another_does_not(prepared, tmp_path):
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        training_run.train([prepared], tmp_path / name, options(seed=seed), say=id)
    assert_same_weights(tmp_path / "a", tmp_path / "b")
    one, other = weights_of(tmp_path / "a"), weights_of(tmp_path / "c")
    assert any(not np.array_equal(one[name], other[name]) for name in one)
    # On the way: both logs are there.
    with (tmp_path / "a" / checkpoint.LOG).open() as file:
        assert [row["epoch"] for row in csv.DictReader(file)] == ["1", "2"]
    events = (tmp_path / "a" / "training" / "tensorboard").glob("events*")
    assert any(path.stat().st_size > 100 for path in events)


@pytest.mark.slow
def test_resumed_equals_uninterrupted(prepared, tmp_path, monkeypatch):
    # Muon's state holds AdamW's, for the variables that are no matrices.
    plan = options(epochs=4, dropout=0.1, augmentation="full", optimizer="muon")
    whole = training_run.train([prepared], tmp_path / "whole", plan, say=id)
    original = training_run.Run.epoch

    def killed_in_the_third(run):
        if len(run.history) == 2:
            run._train_epoch()  # work that is lost
            raise KeyboardInterrupt
        original(run)

    monkeypatch.setattr(training_run.Run, "epoch", killed_in_the_third)
    with pytest.raises(KeyboardInterrupt):
        training_run.train([prepared], tmp_path / "broken", plan, say=id)
    monkeypatch.setattr(training_run.Run, "epoch", original)
    rest = training_run.train(
        [prepared], tmp_path / "broken", plan, resume=True, say=id
    )
    assert losses(rest) == losses(whole)
    assert_same_weights(tmp_path / "whole", tmp_path / "broken")


@pytest.mark.slow
def test_killed_with_minus_nine_and_resumed(prepared, tmp_path):
    script = textwrap.dedent(
        f"""
        import sys
        from zhasr import training, training_run, wavenet
        wavenet.PRESETS["tiny"] = wavenet.{TINY!r}
        plan = training.Options(preset="tiny", epochs=12, batch_seconds=4.0, buckets=1)
        training_run.train([{str(prepared)!r}], sys.argv[1], plan,
                           resume="--resume" in sys.argv)
        """
    )
    command = [sys.executable, "-c", script]
    subprocess.run([*command, str(tmp_path / "whole")], check=True)
    process = subprocess.Popen([*command, str(tmp_path / "killed")])
    log = tmp_path / "killed" / checkpoint.LOG
    deadline = time.monotonic() + 120
    while not (log.exists() and len(log.read_text().splitlines()) > 3):
        assert time.monotonic() < deadline and process.poll() is None
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert len(log.read_text().splitlines()) < 13, "killed too late to show anything"
    subprocess.run([*command, str(tmp_path / "killed"), "--resume"], check=True)
    curves = [
        [
            (row["epoch"], row["loss"], row["dev_error"])
            for row in csv.DictReader((tmp_path / name / checkpoint.LOG).open())
        ]
        for name in ("whole", "killed")
    ]
    assert curves[0] == curves[1]
    assert_same_weights(tmp_path / "whole", tmp_path / "killed")


@pytest.mark.slow
def test_another_run_is_not_resumed(prepared, tmp_path):
    training_run.train([prepared], tmp_path / "model", options(), say=id)
    with pytest.raises(training.TrainingError, match="seed 0 then, 5 now"):
        training_run.train(
            [prepared], tmp_path / "model", options(seed=5), resume=True, say=id
        )
    with pytest.raises(training.TrainingError, match="--resume"):
        training_run.train([prepared], tmp_path / "model", options(), say=id)
    with pytest.raises(training.TrainingError, match="no state"):
        training_run.train(
            [prepared], tmp_path / "empty", options(), resume=True, say=id
        )


@pytest.mark.slow
def test_a_level_that_has_changed_is_not_resumed(prepared, tmp_path, monkeypatch):
    planned = options(epochs=1, augmentation="light")
    training_run.train([prepared], tmp_path / "model", planned, say=id)
    faster = augment.Augmentation(tempo=0.2)
    monkeypatch.setitem(augment.LEVELS, "light", faster)
    with pytest.raises(training.TrainingError, match="level light has changed"):
        training_run.train([prepared], tmp_path / "model", planned, resume=True, say=id)


@pytest.mark.slow
def test_a_loss_that_is_not_finite_stops_with_an_explanation(
    prepared, tmp_path, monkeypatch
):
    step = training_run.training.make_step

    def breaks_later(trainable, optimizer):
        real = step(trainable, optimizer)
        return lambda *batch: (
            float("nan") if int(optimizer.iterations.numpy()) > 25 else real(*batch)
        )

    monkeypatch.setattr(training_run.training, "make_step", breaks_later)
    with pytest.raises(training.TrainingError, match="nan.*learning-rate"):
        training_run.train(
            [prepared], tmp_path / "model", options(epochs=9), say=lambda line: None
        )
    assert weights_of(tmp_path / "model")


@pytest.mark.slow
def test_patience_ends_a_run_that_no_longer_improves(prepared, tmp_path):
    history = training_run.train(
        [prepared],
        tmp_path / "model",
        options(epochs=40, patience=2, learning_rate=1e-9),
        say=id,
    )
    assert len(history) < 10


@pytest.mark.slow
def test_voices_differ_more_from_epoch_to_epoch(prepared, tmp_path, monkeypatch):
    heard, original = [], batches.batches_of_epoch

    def listen(buckets, seed, epoch, augmentation, *rest):
        heard.append(augmentation)
        return original(buckets, seed, epoch, augmentation, *rest)

    monkeypatch.setattr(batches, "batches_of_epoch", listen)
    level = augment.Augmentation(tempo=0.1, warp=0.2)
    monkeypatch.setitem(augment.LEVELS, "warped", level)
    planned = options(epochs=4, augmentation="warped")
    training_run.train([prepared], tmp_path / "model", planned, say=id)
    assert [each.warp for each in heard] == pytest.approx([0.1, 0.2, 0.2, 0.2])
    assert {each.tempo for each in heard} == {0.1}


@pytest.mark.slow
def test_minutes_end_a_run(prepared, tmp_path):
    began = time.monotonic()
    history = training_run.train(
        [prepared], tmp_path / "model", options(epochs=None, minutes=0.1), say=id
    )
    assert history[-1]["minutes"] >= 0.1
    assert history[-1]["dev_error"] is not None, "the end of a run is measured"
    assert time.monotonic() - began < 60
    with pytest.raises(training.TrainingError, match="either"):
        options(minutes=1.0)


def test_a_folder_named_twice_counts_twice_in_training_only(prepared):
    once = dataset.load([prepared], "syllable")
    twice = dataset.load([prepared, prepared], "syllable")
    assert len(twice.train) == 2 * len(once.train)
    assert len(twice.dev) == len(once.dev)
    np.testing.assert_array_equal(twice.mean, once.mean)
    assert twice.hours == once.hours


def test_folders_are_pooled(prepared, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    conftest.write_prepared(other, train=40, seed=7)
    both = dataset.load([prepared, other], "syllable")
    parts = [dataset.load([path], "syllable") for path in (prepared, other)]
    assert len(both.train) == sum(len(part.train) for part in parts)
    frames = [sum(item.frames for item in part.train) for part in parts]
    expected = sum(n * part.mean for n, part in zip(frames, parts, strict=True))
    np.testing.assert_allclose(both.mean, expected / sum(frames), rtol=1e-5, atol=1e-6)


def test_data_that_do_not_fit_are_refused(prepared, tmp_path):
    with pytest.raises(dataset.DatasetError, match="not a prepared folder"):
        dataset.load([tmp_path / "nothing"], "syllable")
    with pytest.raises(dataset.DatasetError, match="train0_0.*text"):
        dataset.load([prepared], "character")
    other = tmp_path / "other"
    other.mkdir()
    config = conftest.features.FeatureConfig(kind="log-mel", bands=20)
    conftest.write_prepared(other, config=config)
    with pytest.raises(dataset.DatasetError, match="prepare all alike"):
        dataset.load([prepared, other], "syllable")


def test_a_batch_of_fillers_changes_the_loss_by_nothing():
    network = wavenet.build(TINY, 3, 5)
    rng = np.random.default_rng(0)
    inputs = {
        "features": rng.normal(size=(3, 40, 3)).astype(np.float32),
        "frames": np.array([40, 30, 0], np.int32),
    }
    targets = {
        "labels": np.array([[1, 2], [3, 0], [0, 0]], np.int32),
        "label_lengths": np.array([2, 1, 0], np.int32),
    }
    with_filler = training.batch_loss(network, inputs, targets, 4)
    without = training.batch_loss(
        network,
        {name: value[:2] for name, value in inputs.items()},
        {name: value[:2] for name, value in targets.items()},
        4,
    )
    np.testing.assert_allclose(
        keras.ops.convert_to_numpy(with_filler),
        keras.ops.convert_to_numpy(without),
        rtol=1e-6,
    )


def run_of(prepared, tmp_path, **changes):
    plan = options(buckets=2, **changes)
    data = dataset.load([prepared], plan.kind)
    return training_run.Run(data, tmp_path / "model", plan, lambda line: None)


@pytest.mark.slow
def test_each_shape_is_compiled_once_however_many_epochs(prepared, tmp_path):
    if keras.backend.backend() == "torch":
        pytest.skip("torch compiles nothing")
    run = run_of(prepared, tmp_path, epochs=3)
    while not run.finished():
        run.epoch()
    assert len(run.history) == 3
    assert run.trainable.traces == len(run.train) == 2


@pytest.mark.slow
def test_mixed_precision_learns_with_weights_in_full_precision(prepared, tmp_path):
    exact = run_of(prepared, tmp_path / "exact", epochs=1, precision="float32")
    mixed = run_of(prepared, tmp_path / "mixed", epochs=1, precision="mixed_bfloat16")
    layer = mixed.trainable.network.get_layer("stem")
    assert layer.compute_dtype == "bfloat16"
    assert {weight.dtype for weight in mixed.trainable.weights} <= {"float32", "int64"}
    for run in (exact, mixed):
        run.epoch()
    losses = exact.history[0]["loss"], mixed.history[0]["loss"]
    np.testing.assert_allclose(*losses, rtol=0.02)
    assert losses[0] != losses[1], "the policy was not applied"
    # What it saved is an ordinary model; and the next network is float32 again.
    weights_of(tmp_path / "mixed" / "model")
    assert keras.config.dtype_policy().name == "float32"


def test_auto_is_full_precision_without_a_gpu(monkeypatch):
    monkeypatch.setattr(training.backend, "has_gpu", lambda: False)
    assert training.precision(options()) == "float32"
    monkeypatch.setattr(training.backend, "has_gpu", lambda: True)
    assert training.precision(options()) == "mixed_bfloat16"
    assert training.precision(options(precision="float32")) == "float32"
