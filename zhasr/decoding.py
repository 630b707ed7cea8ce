"""Decoding: from the network's log probabilities to labels with their frames."""

import dataclasses
import itertools

import numpy as np

from zhasr import ctc

ROUNDING = 0.01  # log probabilities of half precision may come out just above 0


@dataclasses.dataclass(frozen=True)
class Decoded:
    """One label and the frames in which it was heard.

    Args:
        label: int, vocabulary id, never 0 (the blank).
        start: int, first frame of the label.
        end: int, frame after the last (exclusive).
        probability: float in 0..1, mean posterior of the label over its frames.
    """

    label: int
    start: int
    end: int
    probability: float


def greedy(log_probs, length=None):
    """Decode by the best path: the likeliest label of each frame, collapsed.

    Repeats are merged first and blanks dropped after, so that `a a` is one label
    and `a blank a` is two. CTC is peaky: the frames of a label say where the network
    decided for it, usually a few of those in which it is spoken.

    Args:
        log_probs: float array (frames, labels), natural logarithm of the posteriors
            (log-softmaxed, not logits); blank is label 0. Any float precision.
        length: int, true number of frames; the rest is padding. Default: all.

    Returns:
        List of `Decoded` in the order of time; empty for zero frames.

    Raises:
        ValueError: wrong shape or length, NaN, or values that are no log
            probabilities.

    Source: Graves et al. (2006), Connectionist Temporal Classification, section 3.2,
        best path decoding.

    Example:
        >>> frames = [[.1, .9], [.2, .8], [.7, .3], [.4, .6]]
        >>> [(d.label, d.start, d.end) for d in greedy(np.log(frames))]
        [(1, 0, 2), (1, 3, 4)]
    """
    log_probs = _true_frames(log_probs, length)
    best = log_probs.argmax(axis=1)
    posteriors = np.exp(log_probs.max(axis=1))
    decoded = []
    end = 0
    for label, run in itertools.groupby(best.tolist()):
        start, end = end, end + len(list(run))
        if label != ctc.BLANK:
            probability = min(1.0, float(posteriors[start:end].mean()))
            decoded.append(Decoded(label, start, end, probability))
    return decoded


def _true_frames(log_probs, length):
    """Check the log probabilities and cut off their padding."""
    log_probs = np.asarray(log_probs)
    if log_probs.ndim != 2 or not log_probs.shape[1]:
        raise ValueError(
            "expected log probabilities of shape (frames, labels), "
            f"received {log_probs.shape}: decode one utterance at a time"
        )
    frames = len(log_probs) if length is None else int(length)
    if not 0 <= frames <= len(log_probs):
        raise ValueError(
            f"expected a length of 0 to {len(log_probs)} frames, received {frames}"
        )
    log_probs = log_probs[:frames].astype(np.float32)
    if np.isnan(log_probs).any():
        frame = int(np.isnan(log_probs).any(axis=1).argmax())
        raise ValueError(
            f"expected log probabilities, received NaN in frame {frame}: "
            "the weights or the features are broken"
        )
    if log_probs.max(initial=-np.inf) > ROUNDING:
        raise ValueError(
            "expected log probabilities (at most 0), received "
            f"{log_probs.max():.3g}: apply log_softmax to logits first"
        )
    return log_probs
