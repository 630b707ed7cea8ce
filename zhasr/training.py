"""Train an encoder with CTC: compile, fit, log, resume.

A run is decided by its options, its data and its seed alone: the order of the batches
and every augmentation are drawn from (seed, epoch), so a run that was killed goes on
from its last finished epoch as if nothing had happened. With `minutes` the clock
decides too.
"""

import dataclasses
import math

from zhasr import augment, backend, ctc, muon, pinyin, wavenet
from zhasr.backend import keras

WARM_UP = 0.05  # share of the run in which the learning rate rises
PRECISIONS = ("auto", "float32", "mixed_bfloat16")
OPTIMIZERS = {"adamw": keras.optimizers.AdamW, "muon": muon.Muon}


class TrainingError(ValueError):
    """Training that cannot start or go on; the message says what to do."""


@dataclasses.dataclass(frozen=True)
class Options:
    """What decides a training run, beside its data.

    Args:
        preset: str, of wavenet.PRESETS.
        kind: str, of pinyin.KINDS.
        seed: int.
        epochs: int, or None for a run by the clock.
        minutes: float, wall-clock time, or None for a run by epochs.
        learning_rate: float, the highest.
        optimizer: str, of OPTIMIZERS.
        batch_seconds: float, audio in a batch with its padding.
        buckets: int, most shapes of batch; each is compiled once.
        augmentation: str, of augment.LEVELS; its voices differ more from epoch to epoch
            in the first half of a run, see `augment.grow`.
        speaker_maps: str, path of `data_prep.speakers`: training voices are changed
            into each other; None for not.
        start: str, path of a model folder whose weights it begins with, instead of
            random ones; its architecture counts and not that of the preset, and voices
            differ in full from the beginning. None for random ones.
        dropout: float.
        weight_decay: float.
        clip_norm: float, largest norm of the whole gradient.
        patience: int, epochs without a better development error before a run by
            epochs stops.
        epoch_hours: float, about so much audio makes an epoch, and a pass through all
            the data several; None for one pass. Error, log and state are written after
            each epoch.
        precision: str, of PRECISIONS; "auto" computes in bfloat16 on a GPU and in
            float32 on a CPU. Weights, loss and update are float32 always.
    """

    preset: str = "base"
    kind: str = "initial-final"
    seed: int = 0
    epochs: int | None = None
    minutes: float | None = None
    learning_rate: float = 3e-3
    optimizer: str = "adamw"
    batch_seconds: float = 25.0
    buckets: int = 4
    augmentation: str = "light"
    speaker_maps: str | None = None
    start: str | None = None
    dropout: float = 0.0
    weight_decay: float = 1e-2
    clip_norm: float = 1.0
    patience: int = 10
    epoch_hours: float | None = None
    precision: str = "auto"

    def __post_init__(self):
        """Refuse a run without an end, and names that do not exist."""
        for name, choices in (
            (self.preset, wavenet.PRESETS),
            (self.kind, pinyin.KINDS),
            (self.augmentation, augment.LEVELS),
            (self.precision, PRECISIONS),
            (self.optimizer, OPTIMIZERS),
        ):
            if name not in choices:
                raise TrainingError(
                    f"expected one of {', '.join(choices)}, received {name!r}"
                )
        if (self.epochs is None) == (self.minutes is None):
            raise TrainingError("expected either epochs or minutes")


def precision(options):
    """The name of Keras' dtype policy for a run with `options` on this machine."""
    if options.precision != "auto":
        return options.precision
    return "mixed_bfloat16" if backend.has_gpu() else "float32"


def batch_loss(network, inputs, targets, reduction):
    """Mean loss per label of a batch, in nats.

    Args:
        network: keras.Model of `wavenet.build`.
        inputs: dict, see batches.Batch.inputs.
        targets: dict, see batches.Batch.targets.
        reduction: int, input frames per output frame.

    Returns:
        float32 scalar. Per label and not per utterance, so that a batch of words
        weighs no less than one of sentences.
    """
    return loss_per_label(network(inputs, training=True), inputs, targets, reduction)


def loss_per_label(logits, inputs, targets, reduction):
    """Like `batch_loss`, from logits (batch, frames, labels)."""
    frames = wavenet.output_frames(inputs["frames"], reduction)
    losses = ctc.loss(targets["labels"], logits, targets["label_lengths"], frames)
    count = keras.ops.cast(keras.ops.sum(targets["label_lengths"]), "float32")
    return keras.ops.sum(losses) / keras.ops.maximum(count, 1.0)


class Trainable(keras.Model):
    """A network with its CTC loss, for Keras' own training step and prediction.

    Attributes:
        traces: int, how often the step was traced, that is, compiled. (torch
            compiles nothing and counts every step.)
    """

    def __init__(self, network, reduction):
        """Args: network: keras.Model; reduction: int."""
        super().__init__()
        self.network, self.reduction = network, reduction
        self.traces = 0

    def batch_loss(self, inputs, targets):
        """Mean loss per label of a batch, see the function of that name."""
        return batch_loss(self.network, inputs, targets, self.reduction)

    def call(self, inputs, training=None):
        """Logits, as `wavenet.build` describes them."""
        return self.network(inputs, training=training)

    def compute_loss(
        self, x=None, y=None, y_pred=None, sample_weight=None, training=True
    ):
        """Mean loss per label (Keras calls it with these names)."""
        self.traces += 1  # Python runs while the step is traced and never again
        return loss_per_label(y_pred, x, y, self.reduction)


def make_step(trainable, optimizer):
    """Return the function (inputs, targets) -> loss that makes one update."""
    jit = keras.backend.backend() == "jax"
    trainable.compile(optimizer=optimizer, jit_compile=jit)
    if keras.backend.backend() == "tensorflow":
        return _tensorflow_step(trainable, optimizer)
    return lambda inputs, targets: trainable.train_on_batch(inputs, targets)


def _tensorflow_step(trainable, optimizer):
    """Gradients compiled once per shape of batch, the update once in all.

    In Keras' own step the update of every variable is traced and compiled again for
    every shape, which takes as long as the network itself.
    """
    tensorflow = backend.tensorflow
    variables = trainable.trainable_variables

    @tensorflow.function(jit_compile=True, reduce_retracing=False)
    def gradients(inputs, targets):
        trainable.traces += 1  # Python runs while it is traced and never again
        with tensorflow.GradientTape() as tape:
            loss = trainable.batch_loss(inputs, targets)
        return loss, tape.gradient(loss, [variable.value for variable in variables])

    @tensorflow.function(jit_compile=True)
    def update(*slopes):
        optimizer.apply(list(slopes), variables)

    def step(inputs, targets):
        inputs = {name: tensorflow.constant(value) for name, value in inputs.items()}
        targets = {name: tensorflow.constant(value) for name, value in targets.items()}
        loss, slopes = gradients(inputs, targets)
        update(*slopes)
        return loss

    return step


def learning_rate(progress, highest):
    """Rise in a straight line, then fall along half a cosine to zero.

    Args:
        progress: float, 0 at the start of the run, 1 at its end.
        highest: float.

    Returns:
        float.

    Example:

    >>> [round(learning_rate(p, 1.0), 3) for p in (0, 0.05, 0.525, 1)]
    [0.02, 1.0, 0.5, 0.0]
    """
    if progress < WARM_UP:
        return highest * max(0.02, progress / WARM_UP)
    rest = min(1.0, (progress - WARM_UP) / (1 - WARM_UP))
    return highest * 0.5 * (1 + math.cos(math.pi * rest))


def make_optimizer(options):
    """Adam or Muon with decoupled weight decay, on matrices only, and clipped gradient.

    Loshchilov and Hutter, "Decoupled Weight Decay Regularization", ICLR 2019; for Muon
    see `zhasr.muon`.
    """
    optimizer = OPTIMIZERS[options.optimizer](
        learning_rate=options.learning_rate,
        weight_decay=options.weight_decay,
        beta_2=0.98,
        global_clipnorm=options.clip_norm,
    )
    optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    return optimizer
