"""The layers of `wavenet.network` without values: which weights there are.

What flows through the network is only its width, the size of the last axis.
"""

import math

from zhasr import wavenet


def weights(config, dims, labels):
    """Say which weights a network has.

    Args:
        config: wavenet.Config.
        dims: int, width of a feature vector.
        labels: int, size of the label set with the blank.

    Returns:
        dict of name to shape, in the order of the network.

    Example:
        >>> tiny = wavenet.Config(channels=8, stacks=1, dilations=(1,))
        >>> weights(tiny, 39, 5)["stem/kernel"]  # taps, 4 frames, channels
        (3, 156, 8)
    """
    layers = Layers()
    wavenet.network(dims, None, config, labels, layers)
    return layers.weights


def count(config, dims, labels):
    """How many numbers the weights are: int."""
    return sum(map(math.prod, weights(config, dims, labels).values()))


class Layers:
    """The functions of `zhasr.keras_layers` on widths (int); notes the weights."""

    def __init__(self):
        """Start without weights."""
        self.weights = {}

    def _note(self, name, **shapes):
        self.weights |= {f"{name}/{part}": shape for part, shape in shapes.items()}

    def frame_mask(self, width, frames, reduction, name):  # noqa: D102
        return None

    def stack_frames(self, width, frames, reduction, name):  # noqa: D102
        return reduction * width

    def apply_mask(self, width, mask, name):  # noqa: D102
        return width

    def convolution(self, width, filters, taps, rate, causal, name):  # noqa: D102
        self._note(name, kernel=(taps, width, filters), bias=(filters,))
        return filters

    def dense(self, width, units, name):  # noqa: D102
        self._note(name, kernel=(width, units), bias=(units,))
        return units

    def layer_norm(self, width, name):  # noqa: D102
        self._note(name, gamma=(width,), beta=(width,))
        return width

    def batch_norm(self, width, mask, name):  # noqa: D102
        self.layer_norm(width, name)
        self._note(name, moving_mean=(width,), moving_variance=(width,))
        return width

    def activation(self, width, function, name):  # noqa: D102
        return width

    def gate(self, width, name):  # noqa: D102
        return width // 2

    def dropout(self, width, share, name):  # noqa: D102
        return width

    def add(self, summands, name):  # noqa: D102
        return summands[0]

    def float32(self, width, name):  # noqa: D102
        return width
