"""Connectionist temporal classification: paths, likelihood, loss.

The encoder gives one distribution over labels and a blank for every frame. A *path*
picks one of them per frame; `collapse` turns a path into a label sequence. The
likelihood of a label sequence is the sum over all paths that collapse to it, and the
loss is its negative natural logarithm.

Source: Graves, Fernández, Gomez, Schmidhuber, "Connectionist Temporal
Classification: Labelling Unsegmented Sequence Data with Recurrent Neural Networks",
ICML 2006, sections 3 and 4.
"""

import itertools

import numpy as np

from zhasr.backend import ops

BLANK = 0  # the blank is label 0 everywhere in this project
LOG_ZERO = -1e30  # stands for log 0 where -inf would make -inf - -inf = nan


def collapse(path):
    """Merge repeated labels of a path, then drop the blanks (section 3.1).

    Args:
        path: sequence of int, one label per frame.

    Returns:
        list of int, the label sequence.

    Example:

    >>> collapse([0, 7, 7, 0, 7, 0])
    [7, 7]
    """
    merged = [
        label
        for index, label in enumerate(path)
        if index == 0 or label != path[index - 1]
    ]
    return [int(label) for label in merged if label != BLANK]


def frames_needed(labels):
    """Count the frames of the shortest path: equal neighbours need a blank between.

    Args:
        labels: sequence of int or str.

    Returns:
        int, the smallest number of frames that can carry `labels`.

    Example:

    >>> frames_needed(["ma1", "ma1", "hao3"])
    4
    """
    pairs = itertools.pairwise(labels)
    return len(labels) + sum(first == second for first, second in pairs)


def log_likelihood(log_probs, labels):
    """Sum over all paths by the forward algorithm (section 4.1), to be read.

    Args:
        log_probs: float array (frames, labels), natural logarithms that are already
            softmaxed; column 0 is the blank.
        labels: sequence of int (targets,), without blanks.

    Returns:
        float, log p(labels | frames); -inf when no path fits.

    Example: two frames, two labels, every probability 1/2. Of the four paths, three
    collapse to [1].

    >>> round(float(np.exp(log_likelihood(np.log(np.full((2, 2), 0.5)), [1]))), 6)
    0.75
    """
    log_probs = np.asarray(log_probs, dtype=np.float64)
    if len(log_probs) == 0:
        return 0.0 if len(labels) == 0 else -np.inf
    extended = [BLANK]
    for label in labels:
        extended += [label, BLANK]
    forward = np.full(len(extended), -np.inf)
    forward[:2] = log_probs[0, extended[:2]]
    for frame in log_probs[1:]:
        stay, step, skip = forward, _shifted(forward, 1), _shifted(forward, 2)
        for position, label in enumerate(extended):
            # A blank, and a label equal to the one before it, may not be skipped to.
            if label == BLANK or position < 2 or label == extended[position - 2]:
                skip[position] = -np.inf
        forward = frame[extended] + np.logaddexp(np.logaddexp(stay, step), skip)
    return float(np.logaddexp.reduce(forward[-2:]))


def _shifted(forward, places):
    shifted = np.full_like(forward, -np.inf)
    shifted[places:] = forward[: len(forward) - places]
    return shifted


def loss(labels, logits, label_lengths, frame_lengths):
    """Negative log-likelihood of every utterance of a batch, for training.

    The same code runs on TensorFlow, JAX and torch. Only the logits that the labels
    need are gathered before the recursion, so its cost does not depend on the size of
    the label set. Forward and backward variables run in one scan without gradients;
    the gradient is put in from them exactly (section 4.2, eq. 15).

    Args:
        labels: int array (batch, targets); what lies behind `label_lengths` is
            ignored.
        logits: float array (batch, frames, labels), **not** softmaxed; label 0 is the
            blank. Half precision is computed in float32.
        label_lengths: int array (batch,).
        frame_lengths: int array (batch,); frames behind it are ignored and receive no
            gradient.

    Returns:
        float32 array (batch,), nats. 0 for a row without frames and labels (a filler);
        inf where no path fits, with zero gradient: see `frames_needed`.
    """
    logits = ops.cast(logits, "float32")
    labels = ops.cast(labels, "int32")
    label_lengths = ops.cast(label_lengths, "int32")
    frame_lengths = ops.cast(frame_lengths, "int32")
    extended = _interleave_blanks(labels)
    emissions = _gather_emissions(logits, extended)
    fixed = ops.stop_gradient(emissions)
    log_p, occupancy = _forward_backward(
        fixed, extended, 2 * label_lengths + 1, frame_lengths
    )
    # Adds nothing to the value and -occupancy to the gradient of each emission.
    gradient = ops.sum(ops.stop_gradient(occupancy) * (emissions - fixed), axis=(1, 2))
    return ops.stop_gradient(-log_p) - gradient


def _interleave_blanks(labels):
    """(batch, targets) -> (batch, 2 targets + 1): blank, label, blank, … blank."""
    pairs = ops.stack([ops.zeros_like(labels), labels], axis=-1)
    pairs = ops.reshape(pairs, (-1, 2 * labels.shape[1]))
    return ops.pad(pairs, ((0, 0), (0, 1)))  # BLANK is 0


def _gather_emissions(logits, extended):
    """Log-probabilities of the wanted labels: (batch, frames, positions)."""
    index = ops.expand_dims(extended, 1)
    index = ops.broadcast_to(
        index, (ops.shape(logits)[0], ops.shape(logits)[1], extended.shape[1])
    )
    wanted = ops.take_along_axis(logits, index, axis=2)
    total = ops.logsumexp(logits, axis=2, keepdims=True)
    return ops.maximum(wanted - total, LOG_ZERO)


def _forward_backward(emissions, extended, positions, frame_lengths):
    """Return log p (batch,) and the posterior of every position in every frame.

    The backward recursion is the forward one on the lattice turned around in frames
    and in positions. Both are stacked along the batch and run in one scan; a row of
    the turned half starts only when the padding, which now comes first, is over.
    """
    frames, width = ops.shape(emissions)[1], emissions.shape[2]
    inside = ops.arange(frames)[None, :] < frame_lengths[:, None]
    both = ops.concatenate([emissions, ops.flip(emissions, axis=(1, 2))], axis=0)
    start = ops.concatenate([ops.zeros_like(frame_lengths), frames - frame_lengths], 0)
    index = ops.arange(width)[None, :]
    first = ops.concatenate(
        [ops.zeros_like(positions), width - positions], axis=0
    )[:, None]
    initial = ops.where((index == first) | (index == first + 1), 0.0, LOG_ZERO)
    may_skip = ops.concatenate([_skips(extended), _skips(ops.flip(extended, 1))], 0)
    may_skip = ops.where(may_skip, 0.0, LOG_ZERO)

    def step(previous, now):
        time, frame = now
        moved = _log_add(
            previous, _shift(previous, 1), _shift(previous, 2) + may_skip
        )
        here = ops.where((time <= start)[:, None], initial, moved) + frame
        here = ops.maximum(here, LOG_ZERO)
        return here, here

    time_major = ops.transpose(both, (1, 0, 2))
    _, variables = ops.scan(step, initial, (ops.arange(frames), time_major))
    variables = ops.transpose(variables, (1, 0, 2))
    batch = ops.shape(emissions)[0]
    forward, backward = variables[:batch], ops.flip(variables[batch:], axis=(1, 2))
    # Both hold the emission of their own frame; count it once.
    log_joint = forward + backward - emissions
    log_p = ops.logsumexp(log_joint[:, 0], axis=1)
    possible = log_p > LOG_ZERO / 2
    log_posterior = ops.where(
        ops.expand_dims(inside & possible[:, None], 2),
        log_joint - log_p[:, None, None],
        LOG_ZERO,
    )
    empty = (frame_lengths == 0) & (positions == 1)
    log_p = ops.where(possible & (frame_lengths > 0), log_p, -float("inf"))
    return ops.where(empty, 0.0, log_p), ops.exp(log_posterior)


def _skips(extended):
    """Where a path may come from two positions before: to a new label only."""
    before = ops.pad(extended[:, :-2], ((0, 0), (2, 0)))
    return (extended != BLANK) & (extended != before)


def _shift(variables, places):
    return ops.pad(
        variables[:, :-places], ((0, 0), (places, 0)), constant_values=LOG_ZERO
    )


def _log_add(first, second, third):
    largest = ops.maximum(ops.maximum(first, second), third)
    total = ops.exp(first - largest) + ops.exp(second - largest)
    return largest + ops.log(total + ops.exp(third - largest))
