"""The encoder: a WaveNet of gated, dilated, residual convolutions over frames.

Source: van den Oord et al., "WaveNet: A Generative Model for Raw Audio", 2016,
sections 2.3 (gated units), 2.4 (residual and skip connections) and 3.4 (speech
recognition). Here the input is one feature vector per frame, not raw audio, and the
network looks both ways unless `causal` is set.

Every network takes true lengths and is masked: what lies behind the last real frame
of an utterance never changes an output in front of it, in training mode too.
"""

import dataclasses

from zhasr.backend import keras

layers, ops = keras.layers, keras.ops

DILATIONS = (1, 2, 4, 8, 16)
NORMALIZATIONS = ("layer", "batch")


@dataclasses.dataclass(frozen=True)
class Config:
    """The architecture; with input and output widths it determines the network.

    Args:
        channels: int, width of the residual and skip paths.
        kernel_size: int, taps of each dilated convolution.
        stacks: int, how often the dilations are run through.
        dilations: tuple of int, dilation rates of one stack, in output frames.
        reduction: int, input frames per output frame.
        normalization: "layer" (before each block, frame by frame) or "batch" (after
            each convolution, over the real frames of the batch).
        causal: bool, whether a frame sees only itself and what came before.
        dropout: float, share of gate outputs set to zero in training.
    """

    channels: int = 128
    kernel_size: int = 3
    stacks: int = 3
    dilations: tuple[int, ...] = DILATIONS
    reduction: int = 4
    normalization: str = "layer"
    causal: bool = False
    dropout: float = 0.0

    def __post_init__(self):
        """Check what can be mistyped in a config file."""
        object.__setattr__(self, "dilations", tuple(self.dilations))
        if self.normalization not in NORMALIZATIONS:
            raise ValueError(
                f"normalization: expected one of {NORMALIZATIONS}, "
                f"received {self.normalization!r}"
            )
        sizes = (self.channels, self.kernel_size, self.stacks, self.reduction)
        if min(sizes + self.dilations) < 1 or not 0 <= self.dropout < 1:
            raise ValueError(f"sizes must be 1 or more, dropout in [0, 1): {self}")


PRESETS = {
    # speech-to-text-wavenet and its Chinese descendants, layer for layer.
    "classic": Config(
        kernel_size=7, reduction=1, normalization="batch", causal=True
    ),
    "small": Config(channels=72, stacks=2),
    "base": Config(channels=136),
}


def receptive_field(config):
    """Count the input frames that one output frame can see.

    Args:
        config: Config.

    Returns:
        int, input frames (of 10 ms each with the features of this project).

    Example:

    >>> receptive_field(PRESETS["classic"])
    559

    Notebook: 03.
    """
    taps = config.kernel_size - 1
    seen = 1 + _stem_taps(config) - 1 + config.stacks * sum(config.dilations) * taps
    return seen * config.reduction


def output_frames(frames, reduction):
    """Length after the stem: ⌈frames / reduction⌉, for ints and arrays alike."""
    return (frames + reduction - 1) // reduction


def build(config, dims, labels):
    """Build the network.

    Args:
        config: Config.
        dims: int, width of a feature vector.
        labels: int, size of the label set with the blank.

    Returns:
        keras.Model from {"features": (batch, frames, dims) float, "frames": (batch,)
        int, the true lengths} to logits (batch, ⌈frames / reduction⌉, labels), float32,
        **not** softmaxed.
    """
    features = keras.Input((None, dims), name="features")
    frames = keras.Input((), dtype="int32", name="frames")
    mask = FrameMask(config.reduction, name="mask")(features, frames)
    hidden = StackFrames(config.reduction, name="stack_frames")(features, frames)
    hidden = ApplyMask(name="stem_mask")(hidden, mask)
    hidden = _convolution(hidden, config, _stem_taps(config), name="stem")
    hidden = _classic_activation(hidden, mask, "tanh", config, "stem")
    skips = []
    for index, rate in enumerate(config.dilations * config.stacks):
        hidden, skip = _block(hidden, mask, rate, config, f"block_{index}")
        skips.append(skip)
    total = layers.Add(name="skips")(skips) if len(skips) > 1 else skips[0]
    logits = _head(total, mask, labels, config)
    return keras.Model({"features": features, "frames": frames}, logits)


def _stem_taps(config):
    """Classic has a 1×1 convolution; a reducing stem sees one more vector each way."""
    return 1 if config.reduction == 1 else 3


def _convolution(hidden, config, taps, name, width=1, rate=1):
    return layers.Conv1D(
        width * config.channels,
        taps,
        dilation_rate=rate,
        padding="causal" if config.causal else "same",
        name=name,
    )(hidden)


def _block(hidden, mask, rate, config, name):
    """Return the residual sum and the skip output (figure 4 of the paper)."""
    inner = hidden
    if config.normalization == "layer":
        inner = layers.LayerNormalization(name=f"{name}_norm")(inner)
    inner = ApplyMask(name=f"{name}_mask")(inner, mask)
    # One convolution makes both halves of the gate.
    gates = _convolution(
        inner, config, config.kernel_size, f"{name}_gates", width=2, rate=rate
    )
    if config.normalization == "batch":
        gates = FrameBatchNorm(name=f"{name}_gates_norm")(gates, mask)
    gated = GatedUnit(name=f"{name}_unit")(gates)
    if config.dropout:
        gated = layers.Dropout(config.dropout, name=f"{name}_dropout")(gated)
    residual = layers.Dense(config.channels, name=f"{name}_residual")(gated)
    residual = _classic_activation(residual, mask, "tanh", config, f"{name}_residual")
    skip = layers.Dense(config.channels, name=f"{name}_skip")(gated)
    skip = _classic_activation(skip, mask, "tanh", config, f"{name}_skip")
    return layers.Add(name=f"{name}_sum")([hidden, residual]), skip


def _classic_activation(hidden, mask, activation, config, name):
    """Batch norm and activation behind a 1×1 convolution, in `classic` only."""
    if config.normalization != "batch":
        return hidden
    hidden = FrameBatchNorm(name=f"{name}_norm")(hidden, mask)
    return layers.Activation(activation, name=f"{name}_{activation}")(hidden)


def _head(total, mask, labels, config):
    hidden = total
    if config.normalization == "layer":
        hidden = layers.LayerNormalization(name="head_norm")(hidden)
        hidden = layers.Activation("relu", name="head_relu_1")(hidden)
    hidden = layers.Dense(config.channels, name="head")(hidden)
    if config.normalization == "layer":
        hidden = layers.Activation("relu", name="head_relu_2")(hidden)
    hidden = _classic_activation(hidden, mask, "relu", config, "head")
    logits = layers.Dense(labels, name="logits")(hidden)
    if config.normalization == "batch":
        # The earlier recognisers normalised in front of the softmax as well.
        logits = FrameBatchNorm(name="logits_norm")(logits, mask)
    return layers.Activation("linear", dtype="float32", name="float32")(logits)


class FrameMask(layers.Layer):
    """True for the real frames of every utterance, False behind them."""

    def __init__(self, reduction, **options):
        """Args: reduction: int, input frames per output frame."""
        super().__init__(**options)
        self.reduction = reduction

    def call(self, features, frames):
        """(batch, frames, dims), (batch,) -> bool (batch, output frames)."""
        time = ops.arange(output_frames(ops.shape(features)[1], self.reduction))
        lengths = output_frames(ops.cast(frames, time.dtype), self.reduction)
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
        whole = output_frames(time, self.reduction)
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
