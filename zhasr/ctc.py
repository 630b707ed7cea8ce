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

from zhasr import backend
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


def log_likelihoods(log_probs, sequences):
    """Like `log_likelihood`, of many label sequences at once.

    With these, the most likely of some words or syllables can be chosen.

    Args:
        log_probs: float array (frames, labels), as of `log_likelihood`; at least one.
        sequences: sequence of sequences of int, without blanks.

    Returns:
        float array (sequences,).

    Example:

    >>> halves = np.log(np.full((2, 3), 1 / 3))
    >>> np.exp(log_likelihoods(halves, [[1], [1, 2]])).round(6).tolist()
    [0.333333, 0.111111]
    """
    lengths = np.array([len(sequence) for sequence in sequences], int)
    extended = np.full((len(sequences), 2 * lengths.max(initial=0) + 1), BLANK)
    for row, sequence in zip(extended, sequences, strict=True):
        row[1 : 2 * len(sequence) : 2] = sequence
    skips = np.zeros(extended.shape, bool)
    skips[:, 2:] = (extended[:, 2:] != BLANK) & (extended[:, 2:] != extended[:, :-2])
    log_probs = np.asarray(log_probs, np.float64)
    forward = np.full(extended.shape, -np.inf)
    forward[:, :2] = log_probs[0][extended[:, :2]]
    for frame in log_probs[1:]:
        skipped = np.where(skips, _shifted(forward, 2), -np.inf)
        forward = np.logaddexp(forward, _shifted(forward, 1))
        forward = frame[extended] + np.logaddexp(forward, skipped)
    rows = np.arange(len(lengths))
    # The last label, where there is one, and the blank after it.
    label = np.where(lengths > 0, forward[rows, 2 * lengths - 1], -np.inf)
    return np.logaddexp(label, forward[rows, 2 * lengths])


def align(log_probs, labels):
    """Find where each label is spoken: the most likely path that collapses to them.

    Viterbi instead of the sum over all paths of `log_likelihood`. A network trained
    with CTC marks a label by a short peak, rarely by its whole duration.

    Args:
        log_probs: float array (frames, label set), natural logarithms.
        labels: sequence of int, without blanks, at least one.

    Returns:
        list of (first frame, frame after the last) of each label, in order.

    Raises:
        ValueError: fewer frames than `frames_needed`.

    Example:

    >>> log_probs = np.log([[0.8, 0.1, 0.1], [0.1, 0.8, 0.1], [0.1, 0.2, 0.7]])
    >>> align(log_probs, [1, 2])
    [(1, 2), (2, 3)]
    """
    if len(log_probs) < frames_needed(labels):
        raise ValueError(
            f"expected {frames_needed(labels)} frames or more for {len(labels)} labels,"
            f" received {len(log_probs)}"
        )
    extended = np.zeros(2 * len(labels) + 1, int)
    extended[1::2] = labels
    emissions = np.asarray(log_probs)[:, extended]
    skips = np.zeros(len(extended), bool)
    skips[2:] = (extended[2:] != BLANK) & (extended[2:] != extended[:-2])
    best = np.full(len(extended), -np.inf)
    best[:2] = emissions[0, :2]
    steps = np.zeros(emissions.shape, int)  # how many places back the best path was
    for frame in range(1, len(emissions)):
        skipped = np.where(skips, _shifted(best, 2), -np.inf)
        choices = np.stack([best, _shifted(best, 1), skipped])
        steps[frame] = choices.argmax(axis=0)
        best = choices.max(axis=0) + emissions[frame]
    return _spans(steps, len(extended) - (1 if best[-1] >= best[-2] else 2))


def _spans(steps, place):
    """Follow the best path back from its last place; where it is in each label."""
    frames = [[] for _ in range(steps.shape[1] // 2)]
    for frame in reversed(range(len(steps))):
        if place % 2:
            frames[place // 2].insert(0, frame)
        place -= steps[frame, place]
    return [(heard[0], heard[-1] + 1) for heard in frames]


def _shifted(forward, places):
    shifted = np.full_like(forward, -np.inf)
    shifted[..., places:] = forward[..., : forward.shape[-1] - places]
    return shifted


def loss(labels, logits, label_lengths, frame_lengths):
    """Negative log-likelihood of every utterance of a batch, for training.

    Only the logits that the labels need are gathered before the recursion, so its cost
    does not depend on the size of the label set. Forward and backward variables are
    computed without automatic gradients; the gradient is put in from them exactly
    (section 4.2, eq. 15). The same code runs on TensorFlow and JAX; torch has a kernel
    in C++, see `_torch_loss`.

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
    if labels.shape[1] == 0:  # a batch of silence
        labels = ops.pad(labels, ((0, 0), (0, 1)))
    label_lengths = ops.cast(label_lengths, "int32")
    frame_lengths = ops.cast(frame_lengths, "int32")
    if backend.keras.backend.backend() == "torch":
        return _torch_loss(labels, logits, label_lengths, frame_lengths)
    emissions = _gather_emissions(logits, labels)
    fixed = ops.stop_gradient(emissions)
    log_p, shares = _forward_backward(fixed, labels, label_lengths, frame_lengths)
    possible = log_p > LOG_ZERO / 2
    inside = ops.arange(ops.shape(logits)[1])[None, :] < frame_lengths[:, None]
    inside = ops.expand_dims(inside & possible[:, None], 2)
    shares = ops.stop_gradient(ops.where(inside, shares, 0.0))
    log_p = ops.where(possible & (frame_lengths > 0), log_p, -float("inf"))
    log_p = ops.where((frame_lengths == 0) & (label_lengths == 0), 0.0, log_p)
    # Adds nothing to the value and -share to the gradient of each emission.
    gradient = ops.sum(shares * (emissions - fixed), axis=(1, 2))
    return ops.stop_gradient(-log_p) - gradient


def _gather_emissions(logits, labels):
    """Log-probabilities of the blank, then of the targets, in the last dimension."""
    columns = ops.pad(labels, ((0, 0), (1, 0)))  # BLANK is 0
    index = ops.broadcast_to(
        ops.expand_dims(columns, 1),
        (ops.shape(logits)[0], ops.shape(logits)[1], columns.shape[1]),
    )
    wanted = ops.take_along_axis(logits, index, axis=2)
    total = ops.logsumexp(logits, axis=2, keepdims=True)
    return ops.maximum(wanted - total, LOG_ZERO)


def _interleave(blank, others):
    """(…, 1) and (…, targets) -> (…, 2 targets + 1): blank, other, blank, … blank."""
    pairs = ops.stack([ops.broadcast_to(blank, ops.shape(others)), others], axis=-1)
    pairs = ops.reshape(pairs, (*ops.shape(others)[:-1], 2 * others.shape[-1]))
    return ops.concatenate([pairs, blank], axis=-1)


def _forward_backward(emissions, labels, label_lengths, frame_lengths):
    """Log p (batch,) and the share of the blank and every target in every frame.

    The backward recursion is the forward one on the lattice turned around in frames
    and in positions. Both are stacked along the batch and run in one scan; a row of
    the turned half starts only when the padding, which now comes first, is over. As
    in Rabiner's scaling, the largest variable of each frame is put at 0 and what was
    taken away is summed: after 2,000 frames float32 would keep two digits otherwise.
    """
    extended = _interleave(ops.zeros_like(labels[:, :1]), labels)
    emissions = _interleave(emissions[:, :, :1], emissions[:, :, 1:])
    batch, frames = ops.shape(emissions)[0], ops.shape(emissions)[1]
    unused = extended.shape[1] - (2 * label_lengths + 1)
    both = ops.concatenate([emissions, ops.flip(emissions, axis=(1, 2))], axis=0)
    start = ops.concatenate([ops.zeros_like(frame_lengths), frames - frame_lengths], 0)
    first = ops.concatenate([ops.zeros_like(unused), unused], axis=0)[:, None]
    index = ops.arange(extended.shape[1])[None, :]
    initial = ops.where((index == first) | (index == first + 1), 0.0, LOG_ZERO)
    may_skip = ops.concatenate([_skips(extended), _skips(ops.flip(extended, 1))], 0)
    may_skip = ops.where(may_skip, 0.0, LOG_ZERO)

    def step(previous, now):
        (variables, taken), (time, frame) = previous, now
        moved = _log_add(
            variables, _shift(variables, 1), _shift(variables, 2) + may_skip
        )
        starting = (time <= start)[:, None]
        here = ops.where(starting, initial, moved) + frame
        largest = ops.max(here, axis=1, keepdims=True)
        here = ops.maximum(here - largest, LOG_ZERO)
        state = (here, ops.where(starting, 0.0, taken) + largest)
        return state, state

    state = (initial, ops.zeros_like(initial[:, :1]))
    time_major = ops.transpose(both, (1, 0, 2))
    (last, taken), (variables, _) = ops.scan(
        step, state, (ops.arange(frames), time_major)
    )
    # The turned half ends in the first frame of every row.
    log_p = taken[batch:, 0] + ops.logsumexp(last[batch:, -2:], axis=1)
    variables = ops.transpose(variables, (1, 0, 2))
    forward, backward = variables[:batch], ops.flip(variables[batch:], axis=(1, 2))
    # Both hold the emission of their own frame; count it once.
    shares = ops.softmax(forward + backward - emissions, axis=2)
    blank = ops.sum(shares[:, :, 0::2], axis=2, keepdims=True)
    return log_p, ops.concatenate([blank, shares[:, :, 1::2]], axis=2)


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


def _torch_loss(labels, logits, label_lengths, frame_lengths):
    """The same on torch, where `ops.scan` is a slow loop in Python.

    torch's own kernel does the recursion; the gradient is made together with the loss.
    """
    import torch

    columns = torch.nn.functional.pad(labels, (1, 0)).long()  # BLANK is 0
    time = torch.arange(logits.shape[1], device=logits.device)

    class Loss(torch.autograd.Function):
        @staticmethod
        def forward(context, logits):
            log_probs = torch.log_softmax(logits, dim=2)
            index = columns[:, None].expand(-1, logits.shape[1], -1)
            emissions = log_probs.gather(2, index).clamp_(min=LOG_ZERO)
            losses, shares = _torch_shares(
                emissions, columns, label_lengths, frame_lengths
            )
            gradient = log_probs.exp_().scatter_add_(2, index, -shares)
            possible = losses < -LOG_ZERO / 2
            inside = (time < frame_lengths[:, None]) & possible[:, None]
            context.save_for_backward(gradient.masked_fill_(~inside[:, :, None], 0.0))
            return losses.masked_fill_(~possible, float("inf"))

        @staticmethod
        def backward(context, slopes):
            return context.saved_tensors[0] * slopes[:, None, None]

    return Loss.apply(logits)


def _torch_shares(emissions, columns, label_lengths, frame_lengths):
    """Losses (batch,) and the share of the blank and every target in every frame.

    To the kernel, the columns of the emissions are the labels; equal targets all go by
    the column of the first of them, which gets their common share.
    """
    import torch

    same = columns[:, :, None] == columns[:, None, :]
    with torch.enable_grad():
        losses = torch.nn.functional.ctc_loss(
            emissions.requires_grad_().transpose(0, 1),
            torch.argmax(same.int(), dim=2)[:, 1:],
            frame_lengths,
            label_lengths,
            reduction="none",
        )
        (slopes,) = torch.autograd.grad(losses.sum(), emissions)
    # The kernel gives p - share, as if its input came out of a softmax. In long
    # utterances float32 leaves it two digits; most of the error is common to a frame.
    shares = emissions.detach().exp().sub_(slopes)
    return losses.detach(), shares.div_(shares.sum(dim=2, keepdim=True))
