"""The network in numpy gives the log probabilities of Keras; names of its weights."""

import dataclasses

import numpy as np
import pytest

from zhasr import model_folder, numpy_layers, recognizer, shape_layers, wavenet
from zhasr.backend import keras

DIMS, LABELS = 5, 7
TINY = {
    "reduced": {"dilations": (1, 2)},
    "dropout": {"dilations": (1,), "dropout": 0.3},
    "causal": {"stacks": 2, "dilations": (1, 2), "causal": True},
    "batch norm": {"dilations": (1, 4), "reduction": 1, "normalization": "batch"},
    "even kernel": {"dilations": (1, 3), "kernel_size": 4, "reduction": 3},
    "one tap": {"dilations": (2,), "kernel_size": 1, "reduction": 2},
    "wide gates": {"dilations": (1, 2), "gate_channels": 11},
}
CONFIGS = wavenet.PRESETS | {
    name: wavenet.Config(**{"channels": 8, "stacks": 1} | options)
    for name, options in TINY.items()
}

# The deepest networks take seconds each; `make quick` has the others.
EACH = pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=[pytest.mark.slow] * (name in ("classic", "base")))
        for name in CONFIGS
    ],
)


def pair(config, seed=0):
    """The same network in Keras and in numpy, with weights as after training."""
    rng = np.random.default_rng(seed)
    keras.utils.set_random_seed(seed)
    network = wavenet.build(config, DIMS, LABELS)
    weights = {}
    for name, value in model_folder.named_weights(network):
        if "kernel" in name:
            value = value * 1.5
        elif "variance" in name:
            value = rng.uniform(0.5, 2, value.shape)
        else:
            value = value + rng.normal(0, 0.3, value.shape)
        weights[name] = value.astype(np.float32)
    model_folder.set_weights(network, weights, "test")
    return network, numpy_layers.Network(config, LABELS, weights)


def log_probs(network, features, frames):
    inputs = {"features": features, "frames": np.array(frames, np.int32)}
    return recognizer.log_softmax(keras.ops.convert_to_numpy(network(inputs)))


def random_features(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


@EACH
def test_log_probs_are_those_of_keras(name):
    expected_of, got_of = pair(CONFIGS[name])
    for frames in (1, 2, 63, 401):
        features = random_features(1, frames, DIMS, seed=frames)
        expected = log_probs(expected_of, features, [frames])
        got = log_probs(got_of, features, [frames])
        assert got.dtype == np.float32 and got.shape == expected.shape
        np.testing.assert_allclose(got, expected, rtol=0, atol=1e-4)
        if got.shape[1] > 2:
            assert np.ptp(expected, axis=1).max() > 0.5, "all frames are alike"


@EACH
def test_numpy_is_as_near_to_double_precision_as_keras(name):
    # Trained networks are coarser: of real speech Keras alone is further than 1e-4 from
    # double precision ("Start-up" in benchmarks/README.md).
    keras_network, network = pair(CONFIGS[name])
    double = {key: np.float64(one) for key, one in network.weights.items()}
    exact = numpy_layers.Network(CONFIGS[name], LABELS, double)
    features = random_features(1, 401, DIMS)
    inputs = {"features": features, "frames": np.array([401], np.int32)}
    expected = exact(inputs)
    assert expected.dtype == np.float64
    errors = {
        engine: np.abs(keras.ops.convert_to_numpy(found(inputs)) - expected).max()
        for engine, found in (("keras", keras_network), ("numpy", network))
    }
    assert 0 < errors["numpy"] < 2 * errors["keras"]


@pytest.mark.slow
def test_the_model_that_ships_is_the_same_network_in_keras():
    # In double precision, in which no rounding hides another network: in single
    # precision neither knows its own values to 1e-4 ("Start-up", benchmarks/README.md).
    network, description = model_folder.load_numpy(model_folder.SHIPPED)
    double = {key: np.float64(one) for key, one in network.weights.items()}
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy("float64")
    try:
        keras_network = description.build()
    finally:
        keras.config.set_dtype_policy(policy)
    model_folder.set_weights(keras_network, network.weights, "what ships")
    steps = random_features(1, 401, description.features.dims)
    slow = np.float64(steps).cumsum(axis=1) / 10  # as speech changes
    expected = log_probs(keras_network, slow, [401])
    got = log_probs(dataclasses.replace(network, weights=double), slow, [401])
    assert expected.min() < -50, "too easy: no label is ruled out"
    np.testing.assert_allclose(got, expected, rtol=0, atol=1e-4)


@EACH
def test_batches_with_padding_are_those_of_keras(name):
    config = CONFIGS[name]
    expected_of, got_of = pair(config)
    lengths = [23, 40, 7, 0]
    features = random_features(4, 61, DIMS)
    for row, length in enumerate(lengths):
        features[row, length:] = 1e3
    expected = log_probs(expected_of, features, lengths)
    got = log_probs(got_of, features, lengths)
    for row, length in enumerate(lengths):
        real = wavenet.output_frames(length, config.reduction)
        np.testing.assert_allclose(
            got[row, :real], expected[row, :real], rtol=0, atol=1e-4
        )


@EACH
def test_padding_never_changes_a_real_frame(name):
    config = CONFIGS[name]
    _, network = pair(config)
    for length in (1, 2, 9, 10):
        features = np.full((1, 30, DIMS), np.nan, np.float32)
        features[:, :length] = random_features(1, length, DIMS)
        alone = log_probs(network, features[:, :length], [length])
        padded = log_probs(network, features, [length])
        real = wavenet.output_frames(length, config.reduction)
        np.testing.assert_allclose(padded[:, :real], alone, rtol=0, atol=1e-5)


@EACH
def test_no_frames_give_no_outputs(name):
    _, network = pair(CONFIGS[name])
    assert log_probs(network, np.zeros((1, 0, DIMS)), [0]).shape == (1, 0, LABELS)
    assert recognizer.run_network(network, [random_features(0, DIMS)]).size == 0


def test_what_is_given_is_left_as_it_was():
    _, network = pair(CONFIGS["reduced"])
    features = random_features(2, 9, DIMS)
    before = features.copy()
    weights = {name: value.copy() for name, value in network.weights.items()}
    log_probs(network, features, [9, 4])
    np.testing.assert_array_equal(features, before)
    for name, value in weights.items():
        np.testing.assert_array_equal(network.weights[name], value)


def test_a_dilated_convolution_by_hand():
    kernel = np.array([1, 10, 100], np.float32)[:, None, None]
    weights = {"c/kernel": kernel, "c/bias": np.array([0.5], np.float32)}
    layers = numpy_layers.Layers(weights)
    hidden = np.array([1, 2, 3, 4], np.float32)[None, :, None]
    both = layers.convolution(hidden, 1, 3, 2, False, name="c")
    np.testing.assert_array_equal(both[0, :, 0], [310.5, 420.5, 31.5, 42.5])
    past = layers.convolution(hidden, 1, 3, 2, True, name="c")
    np.testing.assert_array_equal(past[0, :, 0], [100.5, 200.5, 310.5, 420.5])


def test_a_gate_neither_overflows_nor_ends_short_of_one():
    gates = np.array([[[100, -100, 0.3, 100, 1e4, -1e4, 0.0, 2.0]]], np.float32)
    got = numpy_layers.Layers({}).gate(gates, name="g")[0, 0]
    expected = [1, 0, np.tanh(0.3) / 2, 1 / (1 + np.exp(-2))]
    np.testing.assert_allclose(got, expected, rtol=1e-6, atol=1e-12)


@EACH
def test_weights_are_known_without_a_network(name):
    config = CONFIGS[name]
    network = wavenet.build(config, DIMS, LABELS)
    shapes = {name: one.shape for name, one in model_folder.named_weights(network)}
    assert shape_layers.weights(config, DIMS, LABELS) == shapes
    assert shape_layers.count(config, DIMS, LABELS) == network.count_params()
