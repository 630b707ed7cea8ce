"""The layers of `wavenet.network` in numpy: values at once, without TensorFlow.

A dilated convolution is one matrix product for each tap, of the frames that the tap
sees. What each function does is said in `zhasr.keras_layers`; the weights are found
under the names that Keras saves them under.

    network = numpy_layers.Network(config, labels, weights)
    logits = network({"features": features, "frames": frames})
"""

import dataclasses

import numpy as np

from zhasr import wavenet

EPSILON = 1e-3  # added to variances, as in Keras


@dataclasses.dataclass(frozen=True, eq=False)
class Network:
    """A trained network that can be called like its keras.Model.

    Args:
        config: wavenet.Config.
        labels: int, size of the label set with the blank.
        weights: dict of name to float32 array, as `model_folder` reads them; names and
            shapes are those of `shape_layers.weights`. With float64 ones all is
            computed in double precision: a measure for the others, twice as slow.
    """

    config: wavenet.Config
    labels: int
    weights: dict

    def __call__(self, inputs):
        """Compute logits.

        Args:
            inputs: dict of "features": float32 array (batch, frames, dims), and
                "frames": int array (batch,), the true lengths.

        Returns:
            array (batch, ⌈frames / reduction⌉, labels), not softmaxed, of the
            precision of the weights.
        """
        precision = np.result_type(*self.weights.values())
        return wavenet.network(
            np.asarray(inputs["features"], precision),
            np.asarray(inputs["frames"]),
            self.config,
            self.labels,
            Layers(self.weights),
        )


class Layers:
    """The functions of `zhasr.keras_layers` with trained weights, in their precision.

    A mask is None where every frame is real, so that a recording by itself costs none.
    """

    def __init__(self, weights):
        """Args: weights: dict of name to float array."""
        self._weights = weights

    def frame_mask(self, features, frames, reduction, name):  # noqa: D102
        whole = wavenet.output_frames(features.shape[1], reduction)
        lengths = wavenet.output_frames(frames, reduction)
        if (lengths >= whole).all():
            return None
        return np.arange(whole) < lengths[:, None]

    def stack_frames(self, features, frames, reduction, name):  # noqa: D102
        batch, time, dims = features.shape
        whole = wavenet.output_frames(time, reduction)
        if (frames < time).any():
            inside = np.arange(time) < frames[:, None]
            features = np.where(inside[:, :, None], features, 0)
        rest = whole * reduction - time
        if rest:
            features = np.pad(features, ((0, 0), (0, rest), (0, 0)))
        return features.reshape(batch, whole, reduction * dims)

    def apply_mask(self, hidden, mask, name):  # noqa: D102
        if mask is None:
            return hidden
        return np.where(mask[:, :, None], hidden, 0)

    def convolution(self, hidden, filters, taps, rate, causal, name):  # noqa: D102
        kernel = self._weights[f"{name}/kernel"]
        total = np.empty((*hidden.shape[:2], filters), hidden.dtype)
        total[:] = self._weights[f"{name}/bias"]
        for tap, heard, hearing in windows(hidden.shape[1], taps, rate, causal):
            total[:, hearing] += hidden[:, heard] @ kernel[tap]
        return total

    def dense(self, hidden, units, name):  # noqa: D102
        projected = hidden @ self._weights[f"{name}/kernel"]
        projected += self._weights[f"{name}/bias"]
        return projected

    def layer_norm(self, hidden, name):  # noqa: D102
        centred = hidden - hidden.mean(axis=-1, keepdims=True)
        power = np.einsum("btc,btc->bt", centred, centred)[:, :, None]
        centred /= np.sqrt(power / hidden.shape[-1] + EPSILON)
        centred *= self._weights[f"{name}/gamma"]
        centred += self._weights[f"{name}/beta"]
        return centred

    def batch_norm(self, hidden, mask, name):  # noqa: D102
        gamma, beta, mean, variance = (
            self._weights[f"{name}/{part}"]
            for part in ("gamma", "beta", "moving_mean", "moving_variance")
        )
        scale = gamma / np.sqrt(variance + EPSILON)
        return hidden * scale + (beta - mean * scale)

    def activation(self, hidden, function, name):  # noqa: D102
        return np.tanh(hidden) if function == "tanh" else np.maximum(hidden, 0)

    def gate(self, gates, name):  # noqa: D102
        filtered, gate = np.split(gates, 2, axis=-1)
        # sigmoid(x) = (1 + tanh(x / 2)) / 2: no exponential that overflows.
        opened = np.tanh(gate * 0.5)
        opened += 1
        opened *= np.tanh(filtered)
        opened *= 0.5
        return opened

    def dropout(self, hidden, share, name):  # noqa: D102
        return hidden

    def add(self, summands, name):  # noqa: D102
        total = summands[0] + summands[1]
        for summand in summands[2:]:
            total += summand
        return total

    def float32(self, hidden, name):  # noqa: D102
        return hidden


def windows(frames, taps, rate, causal):
    """Say which frames hear which through each tap of a convolution.

    Args:
        frames: int.
        taps: int.
        rate: int, frames between two taps.
        causal: bool.

    Yields:
        (int tap, slice of frames that are heard, slice of those that hear them).

    Example:
        >>> for tap, heard, hearing in windows(5, 2, 3, causal=True):
        ...     print(tap, heard, hearing)
        0 slice(0, 2, None) slice(3, 5, None)
        1 slice(0, 5, None) slice(0, 5, None)
    """
    before = (taps - 1) * rate
    if not causal:  # as much padding on both sides; of an odd one, more behind
        before //= 2
    for tap in range(taps):
        shift = tap * rate - before  # frame t hears frame t + shift through it
        first, last = max(0, -shift), min(frames, frames - shift)
        if first < last:
            yield tap, slice(first + shift, last + shift), slice(first, last)
