"""A training that only an experiment wants: two kinds of label at once.

`what_helps.py` puts it in the place of `training_run.Run`. What it writes is a model
folder like any other.
"""

import contextlib

import numpy as np

from zhasr import training, training_run, workers
from zhasr.backend import keras


@contextlib.contextmanager
def used(run):
    """Train with another class of run.

    Args:
        run: training_run.Run, or a class derived from it.
    """
    usual, training_run.Run = training_run.Run, run
    try:
        yield
    finally:
        training_run.Run = usual


class TwoHeads(training_run.Run):
    """Initials and finals, and whole syllables beside them from the same encoder.

    The head for the syllables is not kept: it is there to teach the encoder.
    """

    def __init__(self, data, *rest):
        """See `training_run.Run`; the labels must be initials and finals."""
        super().__init__(data, *rest)
        spelling = Spelling(data)
        self.trainable = TwoHeaded(self.trainable, len(spelling))
        self.optimizer = training.make_optimizer(self.options)
        self.optimizer.build(self.trainable.trainable_variables)
        step = training.make_step(self.trainable, self.optimizer)
        self.step = lambda inputs, targets: step(inputs, spelling.add(**targets))
        self.read = workers.Reader(self.worker, self.trainable)


class Spelling:
    """Which syllable an initial and a final make, in numbers; there are always two."""

    def __init__(self, data):
        """Args: data: dataset.Dataset, whose training labels name the syllables."""
        self._labels = len(data.vocabulary.labels)
        pairs = {pair for one in data.train for pair in self._pairs(one.labels)}
        self._table = np.zeros(self._labels**2, np.int32)  # 0 behind the true length
        self._table[sorted(pairs)] = 1 + np.arange(len(pairs))
        self._size = 1 + len(pairs)

    def __len__(self):
        """How many syllables there are, with the blank."""
        return self._size

    def _pairs(self, labels):
        return labels[..., 0::2] * self._labels + labels[..., 1::2]

    def add(self, labels, label_lengths):
        """Add the syllables to the targets of a batch.

        Args:
            labels: int32 array (batch, targets), initials and finals.
            label_lengths: int32 array (batch,).

        Returns:
            dict: both, "syllables" (batch, targets / 2), "syllable_lengths" (batch,).
        """
        whole = labels[:, : labels.shape[1] // 2 * 2]
        return {
            "labels": labels,
            "label_lengths": label_lengths,
            "syllables": self._table[self._pairs(whole)],
            "syllable_lengths": label_lengths // 2,
        }


class TwoHeaded(training.Trainable):
    """A network with a second head, which counts as much as the first."""

    def __init__(self, trainable, syllables):
        """Args: trainable: training.Trainable; syllables: int, with the blank."""
        super().__init__(trainable.network, trainable.reduction)
        hidden = self.network.get_layer("logits").input
        second = keras.layers.Dense(syllables, name="syllables")(hidden)
        self.both = keras.Model(self.network.input, [self.network.output, second])

    def batch_loss(self, inputs, targets):
        """Mean loss per label of both heads, in nats."""
        logits, syllables = self.both(inputs, training=True)
        others = {
            "labels": targets["syllables"],
            "label_lengths": targets["syllable_lengths"],
        }
        return 0.5 * (
            training.loss_per_label(logits, inputs, targets, self.reduction)
            + training.loss_per_label(syllables, inputs, others, self.reduction)
        )
