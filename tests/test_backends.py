"""Every backend: the same tests pass, and a model says and learns the same."""

import importlib.util
import json
import os
import pathlib
import subprocess
import sys

import numpy as np
import pytest
import test_model_folder

from zhasr import model_folder, recognizer, training
from zhasr.backend import keras

HERE = pathlib.Path(__file__).parent
TIME_LIMIT = 900  # seconds
OTHERS = [
    name for name in ("tensorflow", "jax", "torch") if name != keras.backend.backend()
]
TESTED = ("ctc", "wavenet", "muon", "training", "model_folder", "backends")
ARCHITECTURES = {
    "layer": {},
    "batch": {"normalization": "batch", "reduction": 1, "causal": True},
}


def on(backend, *arguments):
    """Run Python on another backend; returns its output. Skips where there is none."""
    if importlib.util.find_spec(backend) is None:
        pytest.skip(f"needs {backend}: pip install --editable '.[{backend}]'")
    result = subprocess.run(
        [sys.executable, *map(str, arguments)],
        cwd=HERE,
        env={**os.environ, "KERAS_BACKEND": backend},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=TIME_LIMIT,
    )
    assert result.returncode == 0, result.stdout
    return result.stdout


@pytest.mark.slow
@pytest.mark.parametrize("backend", OTHERS)
def test_the_tests_of_network_loss_and_training_pass(backend):
    files = [f"test_{name}.py" for name in TESTED]
    chosen = "not slow or every_backend"
    output = on(backend, "-m", "pytest", "-q", "-m", chosen, *files)
    assert " passed" in output


def batch(frames=40, dims=test_model_folder.CONFIG.dims):
    generator = np.random.default_rng(0)
    inputs = {
        "features": generator.normal(size=(4, frames, dims)).astype(np.float32),
        "frames": np.array([frames, frames - 7, 12, 0], np.int32),
    }
    targets = {
        "labels": np.array([[1, 2, 2], [3, 1, 0], [2, 0, 0], [0, 0, 0]], np.int32),
        "label_lengths": np.array([3, 2, 1, 0], np.int32),
    }
    return inputs, targets


def learn(network, reduction, steps):
    """Losses of so many updates with the same batch."""
    trainable = training.Trainable(network, reduction)
    optimizer = training.make_optimizer(training.Options(epochs=1))
    optimizer.build(trainable.trainable_variables)
    step = training.make_step(trainable, optimizer)
    return [float(step(*batch())) for _ in range(steps)]


def log_probs(network, description):
    frames = np.random.default_rng(1).normal(size=(50, description.features.dims))
    model = recognizer.Recognizer(network, description)
    return recognizer.log_probs_of_features(model, frames.astype(np.float32))


@pytest.mark.slow
@pytest.mark.every_backend
@pytest.mark.parametrize("name", ARCHITECTURES)
def test_steps_lower_the_loss(name):
    keras.utils.set_random_seed(0)
    description = test_model_folder.description(**ARCHITECTURES[name])
    losses = learn(description.build(), description.architecture.reduction, 40)
    assert np.isfinite(losses).all()
    assert losses[-1] < 0.5 * losses[0]


def go_on(source, out):
    """Load a model, train it a little, save it; write down all that it said."""
    network, description = model_folder.load(source)
    said = {"backend": keras.backend.backend()}
    said["loaded"] = log_probs(network, description).tolist()
    said["losses"] = learn(network, description.architecture.reduction, 5)
    said["trained"] = log_probs(network, description).tolist()
    model_folder.save(out, network, description, "card")
    (out / "said.json").write_text(json.dumps(said))


@pytest.fixture(scope="module")
def trained_here(tmp_path_factory):
    """Model folders of this backend, and folders of the same trained further."""
    folder = tmp_path_factory.mktemp("here")
    for name, changes in ARCHITECTURES.items():
        keras.utils.set_random_seed(0)
        description = test_model_folder.description(**changes)
        network = description.build()
        learn(network, description.architecture.reduction, 5)  # statistics, too
        model_folder.save(folder / name, network, description, "card")
        go_on(folder / name, folder / f"{name}_further")
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("backend", OTHERS)
def test_a_model_says_and_learns_the_same(backend, trained_here, tmp_path):
    script = "import sys, pathlib, test_backends\n" + "".join(
        f"test_backends.go_on({str(trained_here / name)!r}, "
        f"pathlib.Path({str(tmp_path / name)!r}))\n"
        for name in ARCHITECTURES
    )
    on(backend, "-c", script)
    for name in ARCHITECTURES:
        here = json.loads((trained_here / f"{name}_further" / "said.json").read_text())
        there = json.loads((tmp_path / name / "said.json").read_text())
        assert there["backend"] == backend != here["backend"]
        np.testing.assert_allclose(there["loaded"], here["loaded"], atol=1e-4)
        np.testing.assert_allclose(there["losses"], here["losses"], rtol=1e-3)
        assert np.abs(np.subtract(there["trained"], there["loaded"])).max() > 0.01
        brought_back = log_probs(*model_folder.load(tmp_path / name))
        np.testing.assert_allclose(brought_back, there["trained"], atol=1e-4)
