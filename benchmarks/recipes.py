"""The two recipes that against_classic.py compares; each runs in its own process.

    python benchmarks/recipes.py classic|ours DATA OUT --moments MINUTES [MINUTES …]

Trains until the last of the moments and measures the error rate of toned syllables at
each of them. The clock starts before the manifests are read, so that building and
compiling count, and stands still while anything is measured. OUT/curve.json is written
at the end and holds the points.
"""

import argparse
import contextlib
import dataclasses
import functools
import json
import math
import pathlib
import sys
import time

import numpy as np

from zhasr import (
    batches,
    ctc,
    dataset,
    features,
    files,
    pinyin,
    recognizer,
    scoring,
    training,
    training_run,
    wavenet,
)
from zhasr.backend import keras

CURVE = "curve.json"
MEASURED_AT_ONCE = 16  # utterances

# The earlier recognisers' recipe
CEPSTRA = 13  # the first columns of MFCC, Δ and ΔΔ
BATCH = 8  # utterances
LEARNING_RATE, MOMENTUM = 0.02, 0.9
CLIP_NORM = 5.0  # of the gradient of each variable
SHAPES = 4  # of batches; XLA compiles each for about half a minute


def main():
    """Train one recipe and write its curve."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("recipe", choices=("classic", "ours"))
    parser.add_argument("data", type=pathlib.Path)
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--moments", type=float, nargs="+", required=True)
    parser.add_argument("--split", default="test")
    parser.add_argument("--target", default="initial-final")
    parser.add_argument("--preset", default="base", help="of ours")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    train = {"classic": classic, "ours": ours}[options.recipe]
    result = {"command": sys.argv[1:], **train(options, Clock())}
    files.replace(options.out / CURVE, json.dumps(result, indent=1) + "\n")


# --- measuring ----------------------------------------------------------------------


class Clock:
    """Seconds since it was made, without those in which it was stopped."""

    def __init__(self):
        """Start it."""
        self._began, self._stopped = time.monotonic(), 0.0

    def seconds(self):
        """Return the seconds it has run."""
        return time.monotonic() - self._began - self._stopped

    @contextlib.contextmanager
    def stopped(self):
        """Let it stand still during the block."""
        began = time.monotonic()
        try:
            yield
        finally:
            self._stopped += time.monotonic() - began


class Curve:
    """Error rates at the moments that were asked for.

    Args:
        moments: list of float, minutes, rising. Moments that pass within one update
            are measured once.
        clock: Clock.
        measure: function without arguments, to the error rate of the network as it is.
    """

    def __init__(self, moments, clock, measure):
        """Nothing measured yet; see the class."""
        self.points = []
        self._due, self._clock, self._measure = list(moments), clock, measure
        self._updates, self._seconds_heard, self._losses = 0, 0.0, []

    def over(self):
        """Whether the last moment has passed."""
        return not self._due

    def after_update(self, frames, loss):
        """Count an update; measure when it is time.

        Args:
            frames: int array (batch,), true lengths of the utterances heard.
            loss: float, nats per label.
        """
        self._updates += 1
        self._seconds_heard += features.frames_to_seconds(int(np.sum(frames)))
        self._losses.append(float(loss))
        if not math.isfinite(self._losses[-1]):
            raise SystemExit(f"the loss became {loss} at update {self._updates}")
        if self._due and self._clock.seconds() >= 60 * self._due[0]:
            self._add_point()

    def close(self):
        """Measure a last moment that the end of the run has just missed."""
        if self._due:
            self._due = []
            self._add_point()

    def _add_point(self):
        minutes = self._clock.seconds() / 60
        with self._clock.stopped():
            error = self._measure()
        self._due = [moment for moment in self._due if moment > minutes]
        point = {
            "minutes": minutes,
            "error": error,
            "hours_heard": self._seconds_heard / 3600,
            "updates": self._updates,
            "nats_per_label": float(np.mean(self._losses)),
        }
        self._losses = []
        self.points.append(point)
        print(
            f"{minutes:.2f} min  heard {point['hours_heard']:.2f} h  "
            f"{point['nats_per_label']:.3f} nats per label  "
            f"toned syllable error {100 * error:.1f} %",
            flush=True,
        )


def make_measure(options, folder, labels, normalise, network, reduction):
    """Return the function that measures a network on a split of the prepared folder.

    Args:
        options: argparse.Namespace with the name of the split.
        folder: dataset.Folder.
        labels: vocabulary.Vocabulary, of a kind that has tones.
        normalise: function of raw features (frames, dims).
        network: keras.Model of `wavenet.build`.
        reduction: int, its input frames per output frame.

    Returns:
        function without arguments: errors over reference syllables, toned, decoded by
        the best path.

    Raises:
        ValueError: the folder has no such split.
    """
    utterances = folder.utterances(options.split)
    if not utterances:
        raise ValueError(f"{folder.path}: no {options.split} utterances to measure on")
    utterances.sort(key=lambda utterance: utterance.duration)

    def measure():
        counts = scoring.ErrorCounts()
        for begin in range(0, len(utterances), MEASURED_AT_ONCE):
            batch = utterances[begin : begin + MEASURED_AT_ONCE]
            arrays = [normalise(folder.store[utterance.id]) for utterance in batch]
            logits = recognizer.run_network(network, arrays)
            for utterance, array, rows in zip(batch, arrays, logits, strict=True):
                rows = rows[: wavenet.output_frames(len(array), reduction)]
                pairs = scoring.align_syllables(
                    utterance.syllables, decode(rows, labels)
                )
                counts += scoring.count(pairs)
        return counts.rate

    return measure


def decode(logits, labels):
    """Read syllables from logits (frames, labels) by the best path: list of str."""
    names = labels.decode(ctc.collapse(logits.argmax(axis=1).tolist()))
    return pinyin.syllables_from_labels(labels.kind, names)


# --- the earlier recognisers' recipe -------------------------------------------------


def classic(options, clock):
    """Train `classic` as its authors did, and as fast as Keras runs that today.

    Their step: 13 MFCC, batches of eight utterances, stock CTC, stochastic gradient
    descent, batch norm. Kinder than they had it: XLA (which Keras chooses by itself),
    a few shapes of batch so that XLA compiles seldom and little is padded, true
    lengths, statistics of the training data alone, batches made ahead in a thread.

    Args:
        options: argparse.Namespace of the command line.
        clock: Clock.

    Returns:
        dict: "parameters" of the network and "points" of its curve.
    """
    keras.utils.set_random_seed(options.seed)
    folder, data = load(options)
    normalise = classic_normalisation(folder)
    buckets = classic_buckets(folder, data.train, normalise)
    network = wavenet.build(
        wavenet.PRESETS["classic"], CEPSTRA, len(data.vocabulary)
    )
    model = StockCTC(network, reduction=1)
    model.compile(
        keras.optimizers.SGD(
            LEARNING_RATE, momentum=MOMENTUM, nesterov=True, clipnorm=CLIP_NORM
        ),
        jit_compile=True,
    )
    measure = make_measure(options, folder, data.vocabulary, normalise, network, 1)
    curve = Curve(options.moments, clock, measure)
    batches_heard = batches.prefetch(endless_batches(buckets, options.seed))
    while not curve.over():
        batch = next(batches_heard)
        loss = model.train_on_batch(batch.inputs, batch.targets)
        # Theirs is a mean over utterances; the curve shows nats per label for both.
        curve.after_update(batch.frames, BATCH * loss / batch.label_lengths.sum())
    batches_heard.close()
    return {"parameters": network.count_params(), "points": curve.points}


class StockCTC(training.Trainable):
    """A network with the stock loss, for Keras' own training step."""

    def compute_loss(
        self, x=None, y=None, y_pred=None, sample_weight=None, training=True
    ):
        """Mean loss per utterance (Keras calls it with these names)."""
        losses = keras.ops.ctc_loss(
            y["labels"], y_pred, y["label_lengths"], x["frames"]
        )
        return keras.ops.mean(losses)


def load(options):
    """Return the dataset.Folder and the dataset.Dataset of the command line."""
    return (
        dataset.open_folder(options.data),
        dataset.load([options.data], options.target),
    )


def classic_normalisation(folder):
    """Return the function from raw features to 13 columns, globally normalised.

    Args:
        folder: dataset.Folder of MFCC; its first 13 columns are what they used.

    Returns:
        function of float array (frames, dims) to float32 array (frames, 13).

    Raises:
        ValueError: the folder holds other features.
    """
    if folder.features.kind != "mfcc":
        raise ValueError(
            f"{folder.path}: expected mfcc, whose first {CEPSTRA} columns the earlier "
            f"recipe takes, received {folder.features.kind}; prepare with "
            "--features mfcc"
        )
    statistics = folder.statistics()
    mean, std = statistics.mean[:CEPSTRA], statistics.std[:CEPSTRA]
    return lambda raw: (raw[:, :CEPSTRA] - mean) / std


def classic_buckets(folder, examples, normalise):
    """Batches of eight in a few shapes, of examples normalised their way.

    Args:
        folder: dataset.Folder.
        examples: list of batches.Example, of its training split, in its order.
        normalise: function from `classic_normalisation`.

    Returns:
        list of batches.Bucket.
    """
    renormalised = [
        dataclasses.replace(
            example,
            load=functools.partial(_load, folder.store, utterance.id, normalise),
        )
        for example, utterance in zip(
            examples, folder.utterances("train"), strict=True
        )
    ]
    possible, _ = batches.set_aside_impossible(renormalised, reduction=1)
    buckets = batches.make_buckets(possible, SHAPES, batch_frames=0)
    return [dataclasses.replace(bucket, size=BATCH) for bucket in buckets]


def _load(store, id, normalise):
    return normalise(store[id])


def endless_batches(buckets, seed):
    """Shuffled full batches, epoch after epoch.

    What is left of a bucket after its last full batch waits for another epoch: the
    stock loss knows no filler rows. A bucket of fewer than eight is drawn from with
    repetition.

    Args:
        buckets: list of batches.Bucket.
        seed: int.

    Yields:
        batches.Batch.
    """
    rng = np.random.default_rng(seed)
    while True:
        plans = []
        for bucket in buckets:
            order = rng.permutation(len(bucket.examples))
            order = np.resize(order, max(BATCH, len(order) // BATCH * BATCH))
            plans += [(bucket, rows) for rows in order.reshape(-1, BATCH)]
        for index in rng.permutation(len(plans)):
            bucket, rows = plans[index]
            yield batches.make_batch(bucket, [bucket.examples[row] for row in rows])


# --- ours ---------------------------------------------------------------------------


def ours(options, clock):
    """Train as `zhasr train DATA --minutes` does, with its defaults.

    Args:
        options: argparse.Namespace of the command line.
        clock: Clock.

    Returns:
        dict: "parameters" of the network and "points" of its curve.
    """
    folder, data = load(options)
    plan = training.Options(
        preset=options.preset,
        kind=options.target,
        seed=options.seed,
        minutes=options.moments[-1],
    )
    run = TimedRun(data, options.out / "model", plan, print, clock)
    network, description = run.trainable.network, run.description
    reduction = description.architecture.reduction
    measure = make_measure(
        options, folder, data.vocabulary, description.normalise, network, reduction
    )
    curve = Curve(options.moments, clock, measure)
    update = run.step

    def step(inputs, targets):
        loss = float(update(inputs, targets))
        curve.after_update(inputs["frames"], loss)
        return loss

    run.step = step
    while not run.finished():
        run.epoch()
    curve.close()
    return {"parameters": network.count_params(), "points": curve.points}


class TimedRun(training_run.Run):
    """A training run by another clock, which stands still during its evaluations.

    Everything else counts: the run's own clock starts only with the first batch.
    """

    def __init__(self, data, out, options, say, clock):
        """Like training_run.Run; clock: Clock."""
        self._clock = clock
        super().__init__(data, out, options, say)

    @property
    def elapsed(self):
        """Seconds since the start; what the run itself counts is not used."""
        return self._clock.seconds()

    @elapsed.setter
    def elapsed(self, seconds):
        pass

    def _evaluate(self):
        with self._clock.stopped():
            return super()._evaluate()


if __name__ == "__main__":
    main()
