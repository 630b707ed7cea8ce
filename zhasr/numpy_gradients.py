"""How the output of a network changes with its input, in numpy.

The layers of `zhasr.numpy_layers` that remember what they did. Going back over it from
the last layer to the first, each turns the slope of its output into that of its input
(reverse accumulation; Griewank & Walther, "Evaluating Derivatives", 2008, chapter 3).
The weights are constants here: this adapts an input, it trains nothing.

    layers = numpy_gradients.Layers(network.weights)
    logits = wavenet.network(features, frames, config, labels, layers)
    slopes = layers.go_back(logits, slope_of_logits, features)
"""

import numpy as np

from zhasr import numpy_layers


class Layers(numpy_layers.Layers):
    """The functions of `zhasr.numpy_layers`, and the way back through them."""

    def __init__(self, weights):
        """Args: weights: dict of name to float array."""
        super().__init__(weights)
        self._steps = []  # (output, inputs, slope of the output -> those of the inputs)

    def go_back(self, output, slope, source):
        """Return the slope of what the network was given.

        Args:
            output: array that the network returned.
            slope: array of its shape, how much something grows with each value.
            source: array that the network was given.

        Returns:
            array of the shape of the source, how much it grows with that.
        """
        slopes = {id(output): slope}
        for result, inputs, back in reversed(self._steps):
            for one, its in zip(inputs, back(slopes.pop(id(result))), strict=True):
                known = slopes.get(id(one))
                slopes[id(one)] = its if known is None else known + its
        return slopes[id(source)]

    def _remember(self, output, inputs, back):
        """Note a step. Values are told apart by identity: all are kept alive here."""
        if not any(output is one for one in inputs):  # nothing was done
            self._steps.append((output, inputs, back))
        return output

    def stack_frames(self, features, frames, reduction, name):  # noqa: D102
        time = features.shape[1]
        inside = (np.arange(time) < frames[:, None])[:, :, None]

        def back(slope):
            slope = slope.reshape(len(slope), -1, features.shape[2])[:, :time]
            return [np.where(inside, slope, 0)]

        stacked = super().stack_frames(features, frames, reduction, name)
        return self._remember(stacked, [features], back)

    def apply_mask(self, hidden, mask, name):  # noqa: D102
        masked = super().apply_mask(hidden, mask, name)
        return self._remember(
            masked, [hidden], lambda slope: [np.where(mask[:, :, None], slope, 0)]
        )

    def convolution(self, hidden, filters, taps, rate, causal, name):  # noqa: D102
        kernel = self._weights[f"{name}/kernel"]

        def back(slope):
            total = np.zeros_like(hidden)
            windows = numpy_layers.windows(hidden.shape[1], taps, rate, causal)
            for tap, heard, hearing in windows:
                total[:, heard] += slope[:, hearing] @ kernel[tap].T
            return [total]

        convolved = super().convolution(hidden, filters, taps, rate, causal, name)
        return self._remember(convolved, [hidden], back)

    def dense(self, hidden, units, name):  # noqa: D102
        kernel = self._weights[f"{name}/kernel"]
        projected = super().dense(hidden, units, name)
        return self._remember(projected, [hidden], lambda slope: [slope @ kernel.T])

    def layer_norm(self, hidden, name):  # noqa: D102
        gamma = self._weights[f"{name}/gamma"]

        def back(slope):
            centred = hidden - hidden.mean(axis=-1, keepdims=True)
            power = (centred**2).mean(axis=-1, keepdims=True)
            spread = np.sqrt(power + numpy_layers.EPSILON)
            centred /= spread
            slope = slope * gamma
            along = (slope * centred).mean(axis=-1, keepdims=True)
            slope -= slope.mean(axis=-1, keepdims=True) + along * centred
            return [slope / spread]

        return self._remember(super().layer_norm(hidden, name), [hidden], back)

    def batch_norm(self, hidden, mask, name):  # noqa: D102
        gamma, variance = (
            self._weights[f"{name}/{part}"] for part in ("gamma", "moving_variance")
        )
        scale = gamma / np.sqrt(variance + numpy_layers.EPSILON)
        scaled = super().batch_norm(hidden, mask, name)
        return self._remember(scaled, [hidden], lambda slope: [slope * scale])

    def activation(self, hidden, function, name):  # noqa: D102
        result = super().activation(hidden, function, name)

        def back(slope):
            return [slope * (1 - result**2 if function == "tanh" else result > 0)]

        return self._remember(result, [hidden], back)

    def gate(self, gates, name):  # noqa: D102
        def back(slope):
            filtered, gate = np.split(gates, 2, axis=-1)
            filtered, opened = np.tanh(filtered), np.tanh(gate * 0.5)
            by_filter = slope * (1 - filtered**2) * (0.5 + 0.5 * opened)
            by_gate = slope * filtered * (0.25 - 0.25 * opened**2)
            return [np.concatenate([by_filter, by_gate], axis=-1)]

        return self._remember(super().gate(gates, name), [gates], back)

    def add(self, summands, name):  # noqa: D102
        total = super().add(summands, name)
        return self._remember(total, summands, lambda slope: [slope] * len(summands))
