"""The layers of `wavenet.network` in Keras: a network to train.

Every function takes what it computes from and the name of the layer, under which its
weights are saved. `zhasr.numpy_layers` has the same functions in numpy.
"""

import sys

from zhasr import wavenet
from zhasr.backend import keras

layers, ops = keras.layers, keras.ops


def build(config, dims, labels):
    """Build the network: see `wavenet.build`."""
    features = keras.Input((None, dims), name="features")
    frames = keras.Input((), dtype="int32", name="frames")
    here = sys.modules[__name__]
    logits = wavenet.network(features, frames, config, labels, here)
    return keras.Model({"features": features, "frames": frames}, logits)


def frame_mask(features, frames, reduction, name):
    """Which output frames are real: bool (batch, output frames)."""
    return FrameMask(reduction, name=name)(features, frames)


def stack_frames(features, frames, reduction, name):
    """Neighbouring frames side by side: (batch, output frames, reduction dims)."""
    return StackFrames(reduction, name=name)(features, frames)


def apply_mask(hidden, mask, name):
    """Zeros behind the last real frame."""
    return ApplyMask(name=name)(hidden, mask)


def convolution(hidden, filters, taps, rate, causal, name):
    """A dilated convolution over the frames, as many of them as before."""
    return layers.Conv1D(
        filters,
        taps,
        dilation_rate=rate,
        padding="causal" if causal else "same",
        name=name,
    )(hidden)


def dense(hidden, units, name):
    """The same affine map for every frame, a 1×1 convolution."""
    return layers.Dense(units, name=name)(hidden)


def layer_norm(hidden, name):
    """Each frame with mean 0 and variance 1, scaled and shifted."""
    return layers.LayerNormalization(name=name)(hidden)


def batch_norm(hidden, mask, name):
    """Each channel with mean 0 and variance 1 over the real frames of a batch."""
    return FrameBatchNorm(name=name)(hidden, mask)


def activation(hidden, function, name):
    """A function of every value: "tanh" or "relu"."""
    return layers.Activation(function, name=name)(hidden)


def gate(gates, name):
    """The gated unit: twice as many channels in as out."""
    return GatedUnit(name=name)(gates)


def dropout(hidden, share, name):
    """Some values set to 0, in training only."""
    return layers.Dropout(share, name=name)(hidden)


def add(summands, name):
    """The sum of a list."""
    return layers.Add(name=name)(summands)


def float32(hidden, name):
    """In single precision, whatever was computed in."""
    return layers.Activation("linear", dtype="float32", name=name)(hidden)


class FrameMask(layers.Layer):
    """True for the real frames of every utterance, False behind them."""

    def __init__(self, reduction, **options):
        """Args: reduction: int, input frames per output frame."""
        super().__init__(**options)
        self.reduction = reduction

    def call(self, features, frames):
        """(batch, frames, dims), (batch,) -> bool (batch, output frames)."""
        time = ops.arange(wavenet.output_frames(ops.shape(features)[1], self.reduction))
        lengths = wavenet.output_frames(ops.cast(frames, time.dtype), self.reduction)
        return time[None, :] < lengths[:, None]


class StackFrames(layers.Layer):
    """Put `reduction` neighbouring frames side by side in one vector."""

    def __init__(self, reduction, **options):
        """Args: reduction: int, frames per vector."""
        super().__init__(**options)
        self.reduction = reduction

    def call(self, features, frames):
        """(batch, frames, dims), (batch,) -> (batch, ⌈frames / n⌉, n dims)."""
        dims, time = features.shape[2], ops.shape(features)[1]
        inside = ops.arange(time)[None, :] < ops.cast(frames, "int32")[:, None]
        # The last vector of an utterance may be half padding: zeros, whatever came.
        features = ops.where(inside[:, :, None], features, 0.0)
        whole = wavenet.output_frames(time, self.reduction)
        padded = ops.pad(features, ((0, 0), (0, self.reduction - 1), (0, 0)))
        padded = padded[:, : whole * self.reduction]
        return ops.reshape(padded, (-1, whole, self.reduction * dims))


class ApplyMask(layers.Layer):
    """Zeros behind the last real frame, as a convolution pads a lone utterance."""

    def call(self, hidden, inside):
        """(batch, frames, channels), bool (batch, frames) -> like the first."""
        return ops.where(inside[:, :, None], hidden, ops.zeros((), hidden.dtype))


class FrameBatchNorm(layers.BatchNormalization):
    """Batch normalisation whose statistics are those of the real frames alone.

    The mask is an input like any other; Keras' own masks would wander on to layers
    that warn about them.
    """

    def __init__(self, **options):
        """Options of keras.layers.BatchNormalization."""
        super().__init__(**options)
        self.supports_masking = False

    def call(self, hidden, inside, training=None):
        """(batch, frames, channels), bool (batch, frames) -> like the first."""
        return super().call(hidden, training=training, mask=inside)


class GatedUnit(layers.Layer):
    """tanh of the first half of the channels times sigmoid of the second (eq. 2)."""

    def call(self, gates):
        """(batch, frames, 2 channels) -> (batch, frames, channels)."""
        filtered, gate = ops.split(gates, 2, axis=-1)
        return ops.tanh(filtered) * ops.sigmoid(gate)
