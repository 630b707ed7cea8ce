"""The encoder: a WaveNet of gated, dilated, residual convolutions over frames.

Source: van den Oord et al., "WaveNet: A Generative Model for Raw Audio", 2016,
sections 2.3 (gated units), 2.4 (residual and skip connections) and 3.4 (speech
recognition). Here the input is one feature vector per frame, not raw audio, and the
network looks both ways unless `causal` is set.

Every network takes true lengths and is masked: what lies behind the last real frame
of an utterance never changes an output in front of it, in training mode too.

`network` describes it once, in terms of a few layers, which are given to it:

    zhasr.keras_layers   a network to train, on any backend of Keras
    zhasr.numpy_layers   the same values at once, without TensorFlow, which takes longer
                         to import than a sentence to recognise
    zhasr.shape_layers   no values, only the names and shapes of the weights
"""

import dataclasses

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
        gate_channels: int, width of the gated units; None for `channels`.
    """

    channels: int = 128
    kernel_size: int = 3
    stacks: int = 3
    dilations: tuple[int, ...] = DILATIONS
    reduction: int = 4
    normalization: str = "layer"
    causal: bool = False
    dropout: float = 0.0
    gate_channels: int | None = None

    def __post_init__(self):
        """Check what can be mistyped in a config file."""
        object.__setattr__(self, "dilations", tuple(self.dilations))
        if self.normalization not in NORMALIZATIONS:
            raise ValueError(
                f"normalization: expected one of {NORMALIZATIONS}, "
                f"received {self.normalization!r}"
            )
        sizes = (self.channels, self.kernel_size, self.stacks, self.reduction)
        sizes += (self.gates, *self.dilations)
        if min(sizes) < 1 or not 0 <= self.dropout < 1:
            raise ValueError(f"sizes must be 1 or more, dropout in [0, 1): {self}")

    @property
    def gates(self):
        """Width of the gated units: int."""
        return self.channels if self.gate_channels is None else self.gate_channels


PRESETS = {
    # speech-to-text-wavenet and its Chinese descendants, layer for layer.
    "classic": Config(kernel_size=7, reduction=1, normalization="batch", causal=True),
    "small": Config(channels=72, stacks=2),
    "base": Config(channels=136),
    # See 2 and 2.9 s instead of 7.6: few sentences are not learned by heart.
    "short": Config(dilations=(1, 2, 4)),
    "deep": Config(stacks=5, dilations=(1, 2, 4)),
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
    """Build the network in Keras, to train it.

    Args:
        config: Config.
        dims: int, width of a feature vector.
        labels: int, size of the label set with the blank.

    Returns:
        keras.Model from {"features": (batch, frames, dims) float, "frames": (batch,)
        int, the true lengths} to logits (batch, ⌈frames / reduction⌉, labels), float32,
        **not** softmaxed.
    """
    from zhasr import keras_layers  # TensorFlow is slow to import

    return keras_layers.build(config, dims, labels)


def network(features, frames, config, labels, layers):
    """Describe the network: the one definition of the architecture.

    Args:
        features: (batch, frames, dims), of the kind that the layers take.
        frames: (batch,), true lengths, likewise.
        config: Config.
        labels: int, size of the label set with the blank.
        layers: module or object with the functions of `zhasr.keras_layers`.

    Returns:
        What the layers make of it: the logits (batch, ⌈frames / reduction⌉, labels).

    Notebook: 03.
    """
    mask = layers.frame_mask(features, frames, config.reduction, name="mask")
    hidden = layers.stack_frames(
        features, frames, config.reduction, name="stack_frames"
    )
    hidden = layers.apply_mask(hidden, mask, name="stem_mask")
    hidden = layers.convolution(
        hidden, config.channels, _stem_taps(config), 1, config.causal, name="stem"
    )
    hidden = _classic_activation(hidden, mask, "tanh", config, layers, "stem")
    skips, rates = [], config.dilations * config.stacks
    for index, rate in enumerate(rates):
        name = f"block_{index}"
        gated = _gated(hidden, mask, rate, config, layers, name)
        if index < len(rates) - 1:  # nothing comes after the last residual sum
            residual = _projection(gated, mask, config, layers, f"{name}_residual")
            hidden = layers.add([hidden, residual], name=f"{name}_sum")
        skips.append(_projection(gated, mask, config, layers, f"{name}_skip"))
    total = layers.add(skips, name="skips") if len(skips) > 1 else skips[0]
    return _head(total, mask, labels, config, layers)


def _stem_taps(config):
    """Classic has a 1×1 convolution; a reducing stem sees one more vector each way."""
    return 1 if config.reduction == 1 else 3


def _gated(hidden, mask, rate, config, layers, name):
    """The gated, dilated convolution of a block (figure 4 of the paper)."""
    if config.normalization == "layer":
        hidden = layers.layer_norm(hidden, name=f"{name}_norm")
    hidden = layers.apply_mask(hidden, mask, name=f"{name}_mask")
    # One convolution makes both halves of the gate.
    taps, both = config.kernel_size, 2 * config.gates
    gates = layers.convolution(
        hidden, both, taps, rate, config.causal, name=f"{name}_gates"
    )
    if config.normalization == "batch":
        gates = layers.batch_norm(gates, mask, name=f"{name}_gates_norm")
    gated = layers.gate(gates, name=f"{name}_unit")
    if config.dropout:
        gated = layers.dropout(gated, config.dropout, name=f"{name}_dropout")
    return gated


def _projection(gated, mask, config, layers, name):
    """The 1×1 convolution to the residual or the skip path of a block."""
    projected = layers.dense(gated, config.channels, name=name)
    return _classic_activation(projected, mask, "tanh", config, layers, name)


def _classic_activation(hidden, mask, activation, config, layers, name):
    """Batch norm and activation behind a 1×1 convolution, in `classic` only."""
    if config.normalization != "batch":
        return hidden
    hidden = layers.batch_norm(hidden, mask, name=f"{name}_norm")
    return layers.activation(hidden, activation, name=f"{name}_{activation}")


def _head(total, mask, labels, config, layers):
    hidden = total
    if config.normalization == "layer":
        hidden = layers.layer_norm(hidden, name="head_norm")
        hidden = layers.activation(hidden, "relu", name="head_relu_1")
    hidden = layers.dense(hidden, config.channels, name="head")
    if config.normalization == "layer":
        hidden = layers.activation(hidden, "relu", name="head_relu_2")
    hidden = _classic_activation(hidden, mask, "relu", config, layers, "head")
    logits = layers.dense(hidden, labels, name="logits")
    if config.normalization == "batch":
        # The earlier recognisers normalised in front of the softmax as well.
        logits = layers.batch_norm(logits, mask, name="logits_norm")
    return layers.float32(logits, name="float32")
