"""Utterances -> padded arrays with their true lengths.

Batches come in few shapes (buckets by length), because every shape is compiled once,
and hold about the same amount of audio each. An utterance with too few frames for its
labels has no CTC path; it is set aside here, by name, before it can hurt.
"""

import dataclasses
import queue
import threading

import numpy as np

from zhasr import augment, ctc, features, wavenet

FRAME_MULTIPLE = 32  # bucket lengths are rounded up to it
LABEL_MULTIPLE = 8
PREFETCHED = 4  # batches made ahead of the training step


@dataclasses.dataclass(frozen=True)
class Example:
    """One utterance ready to be loaded.

    Args:
        id: str.
        frames: int, feature frames.
        labels: int32 array (targets,), without blanks.
        load: function to normalised float32 features (frames, dims); without an
            argument unchanged, with an `augment.Voice` in that voice.
        speaker: str.
    """

    id: str
    frames: int
    labels: np.ndarray
    load: object
    speaker: str = ""


@dataclasses.dataclass(frozen=True)
class Batch:
    """Padded arrays and their true lengths; rows without frames are fillers.

    Args:
        features: float32 array (batch, frames, dims), zeros behind the true length.
        frames: int32 array (batch,).
        labels: int32 array (batch, targets).
        label_lengths: int32 array (batch,).
    """

    features: np.ndarray
    frames: np.ndarray
    labels: np.ndarray
    label_lengths: np.ndarray

    @property
    def inputs(self):
        """What the network takes."""
        return {"features": self.features, "frames": self.frames}

    @property
    def targets(self):
        """What the loss takes."""
        return {"labels": self.labels, "label_lengths": self.label_lengths}


@dataclasses.dataclass(frozen=True)
class Bucket:
    """A shape of batch and the examples that fit in it.

    Args:
        frames: int, padded length.
        targets: int, padded number of labels.
        size: int, rows of a batch.
        examples: tuple of Example.
    """

    frames: int
    targets: int
    size: int
    examples: tuple[Example, ...]


def set_aside_impossible(examples, reduction, tempo=0.0):
    """Separate the utterances that have a CTC path from those that have none.

    Args:
        examples: list of Example.
        reduction: int, input frames per output frame of the encoder.
        tempo: float, largest change of speed in training; faster speech has fewer
            frames.

    Returns:
        (list of Example that can be trained on, list of str: id and reason of others).
    """
    possible, reasons = [], []
    for example in examples:
        needed = ctc.frames_needed(list(example.labels))
        shortest = round(example.frames / (1 + tempo))
        given = wavenet.output_frames(shortest, reduction)
        if needed <= given:
            possible.append(example)
        else:
            reasons.append(
                f"{example.id}: {len(example.labels)} labels need {needed} frames of "
                f"{reduction * features.FRAME_STEP * 1000:.0f} ms, there are {given}"
            )
    return possible, reasons


@dataclasses.dataclass(frozen=True)
class Share:
    """The rows of every batch that one of several processes loads.

    Args:
        index: int, number of the process, from 0.
        count: int, processes.
    """

    index: int = 0
    count: int = 1

    def rows(self, size):
        """The rows (slice) of a batch of `size`, which `count` divides."""
        each = size // self.count
        return slice(self.index * each, (self.index + 1) * each)


WHOLE = Share()


def make_buckets(examples, count, batch_frames, tempo=0.0, multiple=1):
    """Group examples by length into at most `count` shapes with little padding.

    Args:
        examples: list of Example.
        count: int, most shapes.
        batch_frames: int, frames of a batch with its padding.
        tempo: float, largest change of speed; slower speech has more frames.
        multiple: int, that the rows of every batch are a multiple of: the number of
            devices that share it.

    Returns:
        list of Bucket, shortest first; none is empty.
    """
    examples = sorted(examples, key=lambda example: (example.frames, example.id))
    lengths = [
        _round_up(int(np.ceil(example.frames / (1 - tempo))), FRAME_MULTIPLE)
        for example in examples
    ]
    buckets, begin = [], 0
    for limit in _limits(np.array(lengths), count):
        end = int(np.searchsorted(lengths, limit, side="right"))
        members = tuple(examples[begin:end])
        targets = max(len(example.labels) for example in members)
        size = min(batch_frames // limit, len(members))
        size = max(multiple, size // multiple * multiple)
        buckets.append(
            Bucket(limit, _round_up(max(1, targets), LABEL_MULTIPLE), size, members)
        )
        begin = end
    return buckets


def _round_up(value, multiple):
    return -(-value // multiple) * multiple


def _limits(lengths, count):
    """The bucket lengths with the least padding, by dynamic programming."""
    if len(lengths) == 0:
        return []
    values, sizes = np.unique(lengths, return_counts=True)
    total = np.concatenate([[0], np.cumsum(sizes)])
    # padded[j]: fewest padded frames for the first j distinct lengths.
    padded = np.where(np.arange(len(values) + 1) == 0, 0.0, np.inf)
    choices = []
    for _ in range(min(count, len(values))):
        inside = total[1:, None] - total[None, :-1]
        cost = padded[None, :-1] + inside * values[:, None]
        cost = np.where(np.tri(len(values), dtype=bool), cost, np.inf)
        choices.append(cost.argmin(axis=1))
        padded = np.concatenate([[np.inf], cost.min(axis=1)])
    limits, end = [], len(values)
    for choice in reversed(choices):
        limits.append(int(values[end - 1]))
        end = int(choice[end - 1])
    return limits[::-1]


def batches_of_epoch(
    buckets, seed, epoch, augmentation=None, spectral_dims=0, share=WHOLE, parts=1
):
    """Every example once, in an order that only the seed and the epoch decide.

    With `parts`, so many epochs together have every example once.

    Args:
        buckets: list of Bucket.
        seed: int.
        epoch: int, counted from 0.
        augmentation: augment.Augmentation, or None for unchanged features.
        spectral_dims: int, see `augment.augment`.
        share: Share, of each batch.
        parts: int, epochs that a pass through all examples is divided into.

    Yields:
        Batch.
    """
    number, part = divmod(epoch, parts)
    rng = np.random.default_rng((seed, number))
    plans = []
    for bucket in buckets:
        order = rng.permutation(len(bucket.examples))
        for begin in range(0, len(order), bucket.size):
            plans.append((bucket, order[begin : begin + bucket.size]))
    bounds = [len(plans) * bound // parts for bound in (part, part + 1)]
    for index in rng.permutation(len(plans))[slice(*bounds)]:
        bucket, rows = plans[index]
        changer = None
        if augmentation is not None:
            changer = _Changer(augmentation, (seed, number, int(index)), spectral_dims)
        examples = [bucket.examples[row] for row in rows]
        yield make_batch(bucket, examples, changer, share)


def batches_in_order(buckets, share=WHOLE):
    """Every example once, unchanged, shortest first.

    Args:
        buckets: list of Bucket.
        share: Share; of several processes, each takes every so-manieth batch whole.

    Yields:
        (Batch, tuple of its Example).
    """
    plans = [
        (bucket, bucket.examples[begin : begin + bucket.size])
        for bucket in buckets
        for begin in range(0, len(bucket.examples), bucket.size)
    ]
    for bucket, examples in plans[share.index :: share.count]:
        yield make_batch(bucket, examples), examples


class _Changer:
    """Augmentation with a generator of its own for each row of each batch.

    So a row is changed alike whichever process loads it.
    """

    def __init__(self, augmentation, seed, spectral_dims):
        self._augmentation, self._dims = augmentation, spectral_dims
        self._seed = seed

    def __call__(self, example, row):
        rng = np.random.default_rng((*self._seed, row))
        voice = augment.draw_voice(self._augmentation, example.speaker, rng)
        loaded = example.load() if voice is None else example.load(voice)
        return augment.augment(loaded, self._augmentation, rng, self._dims)


def make_batch(bucket, examples, change=None, share=WHOLE):
    """Load, change and pad; rows that are missing become fillers without frames.

    Args:
        bucket: Bucket, whose shape the batch gets.
        examples: list of Example, at most bucket.size.
        change: function from (Example, row of the whole batch) to its features, or
            None to load them unchanged.
        share: Share, the rows to load; the batch has these only.

    Returns:
        Batch.
    """
    rows = share.rows(bucket.size)
    mine = examples[rows]
    if change is None:
        loaded = [example.load() for example in mine]
    else:
        loaded = [change(item, rows.start + row) for row, item in enumerate(mine)]
    dims = (loaded[0] if loaded else examples[0].load()).shape[1]
    size = rows.stop - rows.start
    batch = Batch(
        np.zeros((size, bucket.frames, dims), np.float32),
        np.zeros(size, np.int32),
        np.zeros((size, bucket.targets), np.int32),
        np.zeros(size, np.int32),
    )
    for row, (example, item) in enumerate(zip(mine, loaded, strict=True)):
        batch.features[row, : len(item)] = item
        batch.frames[row] = len(item)
        batch.labels[row, : len(example.labels)] = example.labels
        batch.label_lengths[row] = len(example.labels)
    return batch


def prefetch(iterable, depth=PREFETCHED):
    """Run an iterable in a thread, so that the consumer finds its next item ready.

    Args:
        iterable: anything that can be iterated over.
        depth: int, items made ahead.

    Yields:
        The same items; an exception of the iterable is raised here.
    """
    items, stop = queue.Queue(depth), threading.Event()

    def put(item):
        while not stop.is_set():
            try:
                return items.put(item, timeout=0.1)
            except queue.Full:
                continue

    def produce():
        try:
            for item in iterable:
                put((item, None))
                if stop.is_set():
                    return
            put((None, StopIteration()))
        except BaseException as error:  # handed over, not swallowed
            put((None, error))

    threading.Thread(target=produce, daemon=True).start()
    try:
        while True:
            item, error = items.get()
            if isinstance(error, StopIteration):
                return
            if error is not None:
                raise error
            yield item
    finally:
        stop.set()
