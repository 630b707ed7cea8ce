"""The way back through the network: slopes against small differences."""

import numpy as np
import pytest
from test_numpy_layers import CONFIGS, DIMS, LABELS, TINY, pair, random_features

from zhasr import numpy_gradients, wavenet

NUDGE = 1e-5


def in_double_precision(config):
    """Weights, and a function of features and lengths to (logits, layers)."""
    weights = {name: np.float64(one) for name, one in pair(config)[1].weights.items()}

    def run(features, frames):
        layers = numpy_gradients.Layers(weights)
        logits = wavenet.network(features, np.array(frames), config, LABELS, layers)
        return logits, layers

    return run


@pytest.mark.parametrize("name", TINY)
@pytest.mark.parametrize("frames", [[13], [13, 6]])
def test_slopes_are_those_of_small_differences(name, frames):
    run = in_double_precision(CONFIGS[name])
    features = np.float64(random_features(len(frames), 13, DIMS))
    logits, layers = run(features, frames)
    rng = np.random.default_rng(1)
    weights = rng.normal(size=logits.shape)  # what grows is their weighted sum
    slope = layers.go_back(logits, weights, features)
    assert slope.shape == features.shape
    for _ in range(5):
        direction = rng.normal(size=features.shape)
        above, below = (
            (weights * run(features + sign * NUDGE * direction, frames)[0]).sum()
            for sign in (1, -1)
        )
        expected = (above - below) / (2 * NUDGE)
        assert np.isclose((slope * direction).sum(), expected, rtol=1e-5)
        assert abs(expected) > 1e-3


def test_padding_has_no_slope():
    run = in_double_precision(CONFIGS["reduced"])
    features = np.float64(random_features(1, 12, DIMS))
    logits, layers = run(features, [7])
    slope = layers.go_back(logits, np.ones_like(logits), features)
    assert (slope[:, 7:] == 0).all() and (slope[:, :7] != 0).any()


def test_values_are_those_of_the_plain_layers():
    _, network = pair(CONFIGS["reduced"])
    features, frames = random_features(2, 20, DIMS), np.array([20, 9])
    layers = numpy_gradients.Layers(network.weights)
    logits = wavenet.network(features, frames, network.config, LABELS, layers)
    expected = network({"features": features, "frames": frames})
    np.testing.assert_array_equal(logits, expected)
