"""Muon: which variables it turns, by how much, and that it learns."""

import numpy as np
import pytest

from zhasr import muon, training, wavenet
from zhasr.backend import keras


@pytest.mark.parametrize("shape", [(6, 20), (20, 6), (3, 8, 16)])
def test_singular_values_become_alike(shape):
    matrices = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    found = keras.ops.convert_to_numpy(muon.orthogonalise(matrices))
    values = np.linalg.svd(found, compute_uv=False)
    assert values.min() > 0.6 and values.max() < 1.3


def test_directions_stay():
    left, _ = np.linalg.qr(np.random.default_rng(0).normal(size=(5, 5)))
    right, _ = np.linalg.qr(np.random.default_rng(1).normal(size=(9, 5)))
    matrix = (left * [5, 4, 3, 2, 1]) @ right.T
    found = keras.ops.convert_to_numpy(muon.orthogonalise(matrix.astype(np.float32)))
    turned = left.T @ found @ right  # diagonal if the directions are the same
    assert np.abs(turned - np.diag(np.diag(turned))).max() < 1e-5
    assert np.diag(turned).min() > 0.6


def test_no_gradient_moves_nothing():
    found = keras.ops.convert_to_numpy(muon.orthogonalise(np.zeros((4, 7), np.float32)))
    assert not found.any()


def test_the_ends_and_vectors_are_left_to_adamw():
    network = wavenet.build(wavenet.Config(channels=8, stacks=1, dilations=(1,)), 5, 7)
    found = {
        variable.path
        for variable in network.trainable_variables
        if muon.is_hidden(variable)
    }
    assert found == {"block_0_gates/kernel", "block_0_skip/kernel", "head/kernel"}


def test_a_step_is_as_large_as_adamws():
    """Root mean square 0.2 times the learning rate, whatever the gradient's size."""
    variable = keras.Variable(np.zeros((32, 64), np.float32), name="kernel")
    optimizer = muon.Muon(learning_rate=0.5, weight_decay=0.0)
    optimizer.build([variable])
    gradient = 1e-3 * np.random.default_rng(0).normal(size=(32, 64))
    optimizer.apply([keras.ops.convert_to_tensor(gradient.astype(np.float32))])
    moved = keras.ops.convert_to_numpy(variable)
    assert np.sqrt(np.mean(moved**2)) == pytest.approx(0.5 * 0.2, rel=0.2)


def test_it_is_an_option_of_training():
    chosen = training.make_optimizer(training.Options(epochs=1, optimizer="muon"))
    assert isinstance(chosen, muon.Muon)
    with pytest.raises(training.TrainingError, match="adamw, muon"):
        training.Options(epochs=1, optimizer="sgd")
