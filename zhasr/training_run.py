"""A training run: epochs, development error, logs, checkpoints, resuming.

The model folder always holds the weights of the best epoch so far; `training/` in it
holds the log, the TensorBoard events and the state that a killed run goes on from.
"""

import contextlib
import dataclasses
import math
import pathlib
import resource
import sys
import time

import numpy as np
import tqdm

from zhasr import (
    augment,
    batches,
    checkpoint,
    ctc,
    dataset,
    features,
    model_folder,
    scoring,
    speaker_maps,
    training,
    wavenet,
    workers,
)
from zhasr.backend import keras

SHOWN = 3  # development utterances whose transcripts are printed
EVALUATION_SHARE = 0.1  # development takes at most this share of a run by the clock


def train(
    paths,
    out,
    options,
    resume=False,
    say=print,
    development=None,
    keep=None,
):
    """Train a model folder from prepared folders.

    Args:
        paths: list of path, prepared folders; see `dataset.load`.
        out: path of the model folder.
        options: training.Options.
        resume: bool, go on from the state in `out`.
        say: function of str that shows progress.
        development: list of path, the folders whose development utterances choose
            the epoch; all by default.
        keep: function of manifest.Utterance to bool, which training utterances are
            heard; all by default.

    Returns:
        list of dict, one per epoch: the rows of training/log.csv.

    Raises:
        training.TrainingError: data, options or state do not fit, or the loss is not
            finite.
    """
    out = pathlib.Path(out)
    begun = (out / model_folder.CONFIG).exists() or checkpoint.exists(out)
    if begun and not resume:
        raise training.TrainingError(
            f"{out}: holds a model already; go on with --resume or name another folder"
        )
    worker = workers.join()
    if worker.share.count > 1 and options.minutes is not None:
        raise training.TrainingError(
            "several workers train by --epochs: the clocks of machines differ"
        )
    start = model_folder.load_weights(options.start) if options.start else None
    like = start and start[0]
    data = dataset.load(paths, options.kind, development, keep, like)
    run = Run(data, out, options, say if worker.first else _silent, worker, start)
    if resume:
        run.restore()
    while not run.finished():
        run.epoch()
    run.say(run.summary())
    return run.history


def _silent(line):
    """What the other processes of a run say."""


def _augmentation(options):
    level = augment.LEVELS[options.augmentation]
    if options.speaker_maps is None:
        return level
    speakers = speaker_maps.load(options.speaker_maps)
    return dataclasses.replace(level, speakers=speakers)


def _count(number, noun, ending="s"):
    return f"{number} {noun}" + ("" if number == 1 else ending)


@contextlib.contextmanager
def _dtype_policy(name):
    """Layers keep the policy that they were made under; the rest of Keras does not."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(name)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


class Run:
    """The state of a training run between epochs.

    Args:
        data: dataset.Dataset.
        out: pathlib.Path, the model folder.
        options: training.Options.
        say: function of str.
        worker: workers.Worker, this process among those that train together.
        start: (model_folder.Description, weights) to begin with, or None.
    """

    def __init__(self, data, out, options, say, worker=workers.ALONE, start=None):
        """Build network and batches; see the class."""
        keras.utils.set_random_seed(options.seed)
        self.out, self.options, self.say, self.worker = out, options, say, worker
        self.before = start[0].training if start else {}
        preset = start[0].architecture if start else wavenet.PRESETS[options.preset]
        architecture = dataclasses.replace(preset, dropout=options.dropout)
        self.description = model_folder.Description(
            architecture, data.features, data.mean, data.std, data.vocabulary, {}
        )
        self.augmentation = _augmentation(options)
        self.data = data
        self._make_batches(architecture.reduction)
        with _dtype_policy(training.precision(options)):
            self.trainable = training.Trainable(
                self.description.build(), architecture.reduction
            )
        if start:
            model_folder.set_weights(self.trainable.network, start[1], options.start)
        self.optimizer = training.make_optimizer(options)
        self.optimizer.build(self.trainable.trainable_variables)
        self.step = training.make_step(self.trainable, self.optimizer)
        self.read = workers.Reader(worker, self.trainable)
        self.history, self.elapsed, self.evaluating, self.waited = [], 0.0, 0.0, 0.0
        self.best, self.stale = math.inf, 0
        self._describe()

    def _make_batches(self, reduction):
        tempo = self.augmentation.tempo
        train, aside = batches.set_aside_impossible(self.data.train, reduction, tempo)
        if not train:
            raise training.TrainingError(
                f"no utterance has enough frames for its labels, e.g. {aside[0]}"
            )
        for reason in aside[:SHOWN]:
            self.say(f"set aside: {reason}")
        if aside[SHOWN:]:
            self.say(f"set aside: {len(aside)} training utterances in all")
        frames = round(self.options.batch_seconds * 100)
        self.train = batches.make_buckets(
            train, self.options.buckets, frames, tempo, self.worker.devices
        )
        self.dev = batches.make_buckets(self.data.dev, self.options.buckets, frames)
        steps = sum(-(-len(item.examples) // item.size) for item in self.train)
        self.parts = self._count_parts(train, steps)
        self.steps = steps / self.parts  # an epoch, on average

    def _count_parts(self, train, steps):
        """Epochs in a pass through the data; each has a batch at least."""
        if self.options.epoch_hours is None:
            return 1
        frames = sum(example.frames for example in train)
        hours = frames * features.FRAME_STEP / 3600
        return min(steps, max(1, round(hours / self.options.epoch_hours)))

    def _describe(self):
        options, data = self.options, self.data
        size = self.trainable.network.count_params() / 1e6
        network = options.start or options.preset
        self.say(
            f"{network} ({size:.2f} M parameters), {len(data.vocabulary)} "
            f"{options.kind} labels; {keras.backend.backend()}, "
            f"{training.precision(options)}, {_count(self.worker.devices, 'device')} "
            f"of {_count(self.worker.share.count, 'process', 'es')}"
        )
        self.say(
            f"{data.hours:.2f} h of {len(data.voices)} speakers, "
            f"{self.steps:.0f} batches an epoch in shapes "
            + ", ".join(f"{item.size}×{item.frames}" for item in self.train)
        )

    def progress(self):
        """Share of the run that is over, 0 to 1."""
        if self.options.minutes is not None:
            return min(1.0, self.elapsed / (60 * self.options.minutes))
        return min(1.0, self._updates() / (self.steps * self.options.epochs))

    def _progress_after_epoch(self):
        """Share of the run that will be over after the next epoch.

        By the clock it is as long as those before, and 0 where there is none.
        """
        done = len(self.history)
        if self.options.minutes is None:
            return (done + 1) / self.options.epochs
        return self.progress() * (done + 1) / done if done else 0.0

    def _updates(self):
        return int(self.optimizer.iterations.numpy())

    def finished(self):
        """Whether the planned end is reached or patience has run out."""
        if self.options.minutes is not None:
            return self.progress() >= 1
        planned = len(self.history) >= self.options.epochs
        return planned or self.stale > self.options.patience

    def epoch(self):
        """Train for an epoch, measure the development error, save everything."""
        loss, heard = self._train_epoch()
        row = {
            "epoch": len(self.history) + 1,
            "updates": self._updates(),
            "minutes": round(self.elapsed / 60, 3),
            "hours_heard": round(self._heard_before() + heard / 3600, 4),
            "loss": loss,
            "dev_error": None,
            "blank_share": None,
            "peak_gib": round(peak_memory(), 3),
        }
        if self._time_to_evaluate():
            began = time.monotonic()
            row["dev_error"], row["blank_share"], shown = self._evaluate()
            self.evaluating += time.monotonic() - began
            self.elapsed += time.monotonic() - began
            self._show(row, shown)
            self._keep_if_best(row)
        self.history.append(row)
        self._save_state()

    def _heard_before(self):
        return self.history[-1]["hours_heard"] if self.history else 0.0

    def _time_to_evaluate(self):
        """By the clock, epochs may be so short that measuring would take over."""
        if self.options.minutes is None or self.progress() >= 1:
            return True
        return self.evaluating <= EVALUATION_SHARE * self.elapsed

    def _train_epoch(self):
        """Return the mean loss per batch and the seconds of audio heard."""
        source = batches.prefetch(
            batches.batches_of_epoch(
                self.train,
                self.options.seed,
                len(self.history),
                self._voices(),
                self.description.features.spectral_dims,
                self.worker.share,
                self.parts,
            )
        )
        bar = tqdm.tqdm(
            total=round(self.steps),
            desc=f"epoch {len(self.history) + 1}",
            disable=None,
            leave=False,
            file=sys.stderr,
        )
        losses, frames, mark = [], 0, time.monotonic()
        with bar:
            for batch in source:
                self.waited += time.monotonic() - mark
                self.optimizer.learning_rate.assign(
                    training.learning_rate(self.progress(), self.options.learning_rate)
                )
                losses.append(float(self.step(batch.inputs, batch.targets)))
                self._check_loss(losses[-1])
                frames += int(batch.frames.sum())
                bar.update()
                bar.set_postfix(loss=f"{np.mean(losses[-50:]):.3f}", refresh=False)
                self.elapsed += time.monotonic() - mark
                mark = time.monotonic()
                if self.options.minutes is not None and self.progress() >= 1:
                    break
        source.close()
        heard = int(workers.total(self.worker, frames)) * features.FRAME_STEP
        return float(np.mean(losses)), heard

    def _voices(self):
        """The augmentation of the next epoch."""
        if self.options.start:  # who has learned is not confused by other voices
            return self.augmentation
        return augment.grow(self.augmentation, self._progress_after_epoch())

    def _check_loss(self, loss):
        if not math.isfinite(loss):
            raise training.TrainingError(
                f"the loss became {loss} at update {self._updates()}: the updates are "
                "too large or the features are broken. Try a smaller "
                f"--learning-rate (it was {self.options.learning_rate}); "
                f"{self.out} keeps the best epoch so far"
            )

    def _evaluate(self):
        """Return label error, share of blank frames, and the transcripts to show."""
        self.read.refresh()
        counts, blanks, frames, shown = scoring.ErrorCounts(), 0, 0, {}
        wanted = {example.id for example in self.data.dev[:SHOWN]}
        reduction = self.trainable.reduction
        for batch, examples in batches.batches_in_order(self.dev, self.worker.share):
            best = self.read(batch.inputs).argmax(axis=2)
            for example, path in zip(examples, best, strict=False):
                path = path[: wavenet.output_frames(example.frames, reduction)]
                hypothesis = ctc.collapse(path.tolist())
                pairs = scoring.align(example.labels.tolist(), hypothesis)
                counts += scoring.count(pairs)
                blanks += int((path == ctc.BLANK).sum())
                frames += len(path)
                if example.id in wanted:
                    shown[example.id] = (example.labels, hypothesis)
        *edits, blanks, frames = workers.total(
            self.worker, [*dataclasses.astuple(counts), blanks, frames]
        ).tolist()
        shown = [shown[id] for id in sorted(shown)]
        return scoring.ErrorCounts(*edits).rate, blanks / frames, shown

    def _show(self, row, shown):
        self.say(
            f"epoch {row['epoch']}  {row['minutes']:.1f} min  "
            f"heard {row['hours_heard']:.2f} h  loss {row['loss']:.3f}  "
            f"dev label error {100 * row['dev_error']:.1f} %  "
            f"blank {100 * row['blank_share']:.0f} %"
        )
        for labels, hypothesis in shown:
            self.say(f"    spoken  {self._spell(labels)}")
            self.say(f"    heard   {self._spell(hypothesis)}")

    def _spell(self, ids):
        names = self.description.vocabulary.labels
        return " ".join("?" if id < 0 else names[id] for id in ids)

    def _keep_if_best(self, row):
        if row["dev_error"] >= self.best:
            self.stale += 1
            return
        self.best, self.stale = row["dev_error"], 0
        if not self.worker.first:
            return
        facts = {
            **dataclasses.asdict(self.options),
            "preset": None if self.options.start else self.options.preset,
            "speaker_maps": self._known_speakers(),
            "hours": round(self.data.hours, 3),
            "speakers": len(self.data.voices),
            **self._heard(),
            "backend": keras.backend.backend(),
            **{name: row[name] for name in ("epoch", "updates")},
            **self._hours_heard(row),
            "dev_label_error": row["dev_error"],
        }
        description = dataclasses.replace(self.description, training=facts)
        card = model_folder.write_card(description)
        model_folder.save(self.out, self.trainable.network, description, card)

    def _heard(self):
        """Whom the weights have heard, in this run and before."""
        data = self.data
        facts = {
            "corpora": data.corpora,
            "voices": data.voices,
            model_folder.SOURCES: data.sources,
        }
        before = [self.before] if self.options.start else []
        return model_folder.heard_together([facts, *before])

    def _hours_heard(self, row):
        """All hours that the weights have heard, and those before this run."""
        if not self.options.start:
            return {"hours_heard": row["hours_heard"]}
        before = self.before.get("hours_heard", 0)
        return {"hours_heard": before + row["hours_heard"], "start_hours": before}

    def _known_speakers(self):
        """How many speakers are changed into each other; the path is of no interest."""
        speakers = self.augmentation.speakers
        return None if speakers is None else len(speakers.speakers)

    # --- logs and state -------------------------------------------------------------

    def _save_state(self):
        if not self.worker.first:
            return
        progress = {
            "options": dataclasses.asdict(self.options),
            "level": self._level(),
            "vocabulary": self.description.vocabulary.fingerprint,
            "history": self.history,
            "clocks": [self.elapsed, self.evaluating, self.waited],
            "best": [self.best, self.stale],
        }
        checkpoint.save(self.out, self._variables(), progress)
        checkpoint.write_log(self.out, self.history)

    def _variables(self):
        """Weights, dropout generators and optimizer by number.

        Their paths will not do: Keras numbers generators through the whole process.
        """
        for index, variable in enumerate(self.trainable.variables):
            yield f"network/{index}", variable
        for index, variable in enumerate(self.optimizer.variables):
            yield f"optimizer/{index}", variable

    def restore(self):
        """Go on from the last finished epoch.

        Raises:
            training.TrainingError: no state, or one of other options or data.
        """
        progress, arrays = checkpoint.load(self.out)
        self._check_same(progress)
        for name, variable in self._variables():
            variable.assign(arrays[name])
        self.history = progress["history"]
        self.elapsed, self.evaluating, self.waited = progress["clocks"]
        self.best, self.stale = progress["best"]
        self.say(f"resumed after epoch {len(self.history)}")

    def _level(self):
        """What the name of the level of augmentation stands for."""
        return dataclasses.asdict(augment.LEVELS[self.options.augmentation])

    def _check_same(self, progress):
        options = dataclasses.asdict(self.options)
        different = [
            f"{name} {progress['options'].get(name)} then, {value} now"
            for name, value in options.items()
            if progress["options"].get(name) != value
            and not (name == "preset" and options["start"])  # which does not count
        ]
        if progress.get("level") != self._level():
            different.append(f"the level {self.options.augmentation} has changed")
        if progress["vocabulary"] != self.description.vocabulary.fingerprint:
            different.append("other labels: the data have changed")
        if different:
            raise training.TrainingError(
                f"{self.out}: cannot resume a different run: {'; '.join(different)}"
            )

    def summary(self):
        """One line for the end of the run."""
        heard = self.history[-1]["hours_heard"]
        training_time = max(self.elapsed - self.evaluating, 1e-9)
        return (
            f"{self.out}: dev label error {100 * self.best:.1f} %; heard {heard:.2f} h "
            f"in {self.elapsed / 60:.1f} min ({heard * 3600 / training_time:.0f} times "
            f"real time), the step compiled {self.trainable.traces} times, waited for "
            f"data {100 * self.waited / training_time:.1f} % of it, "
            f"peak {peak_memory():.1f} GiB"
        )


def peak_memory():
    """GiB that this process has held at most so far."""
    unit = 1 if sys.platform == "darwin" else 1024  # bytes in what the system reports
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**30
