"""Decoding: from the network's log probabilities to labels with their frames.

`greedy` takes the best path; `beam` sums over the paths of each label sequence, keeps
several sequences, and asks a language model of labels where there is one. From labels
to words: `zhasr.word_search`.
"""

import dataclasses
import itertools
import math

import numpy as np

from zhasr import ctc

ROUNDING = 0.01  # log probabilities of half precision may come out just above 0
LARGEST_PENALTY = 50.0  # of the blank: a factor of 5e21


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
    log_probs = true_frames(log_probs, length)
    return along(log_probs, log_probs.argmax(axis=1))


def along(log_probs, path):
    """The labels of a path, as those of `greedy`.

    Args:
        log_probs: float array (frames, labels).
        path: int array (frames,), one label of each frame.

    Returns:
        List of `Decoded` in the order of time.
    """
    posteriors = np.exp(log_probs[np.arange(len(path)), path])
    decoded = []
    end = 0
    for label, run in itertools.groupby(path.tolist()):
        start, end = end, end + len(list(run))
        if label != ctc.BLANK:
            probability = min(1.0, float(posteriors[start:end].mean()))
            decoded.append(Decoded(label, start, end, probability))
    return decoded


@dataclasses.dataclass(frozen=True)
class Options:
    """How much a beam search follows; more is slower and closer to the best.

    Args:
        width: int, label sequences that are kept from frame to frame.
        margin: float, how far behind the best one they may be, natural logarithm.
        most: int, labels that are followed in one frame, beside the blank and the
            last label of a sequence, which always are. None: all.
        least: float, posterior below which a label is not followed.
        blank_penalty: float, taken from the logarithm of the blank in every frame
            before a search (the best path takes the posteriors as they are). A network
            that doubts (a voice it does not know) rather says nothing. Miao, Gowayyed &
            Metze, "EESEN", 2015, divide by how often each label occurs, which is the
            blank above all.
    """

    width: int = 64
    margin: float = 16.0
    most: int | None = 32
    least: float = 1e-4
    blank_penalty: float = 0.0

    def __post_init__(self):
        """Refuse a search that could not find anything."""
        most = 1 if self.most is None else self.most
        if self.width < 1 or most < 1 or not self.margin >= 0:
            raise ValueError(
                "expected a width and labels of at least 1 and a margin of at least "
                f"0, received {self}"
            )
        if not abs(self.blank_penalty) <= LARGEST_PENALTY:
            raise ValueError(
                f"expected a blank penalty of at most {LARGEST_PENALTY:g}, received "
                f"{self.blank_penalty}"
            )


EXHAUSTIVE = Options(width=100_000, margin=math.inf, most=None, least=0.0)


@dataclasses.dataclass(frozen=True)
class LabelLanguage:
    """A language model whose words are the labels of the network.

    Args:
        model: language_model.LanguageModel, or a function of the labels so far (tuple
            of int) and the next label (int; 0 asks for the end) that returns the
            natural logarithm of its probability. The function is slow.
        labels: sequence of str, the labels of the network in order, by which they are
            looked up in a LanguageModel; not needed for a function.
        weight: float, at least 0, factor of the log probabilities.
        bonus: float, added for every label, against too short sequences.
    """

    model: object
    labels: tuple[str, ...] = ()
    weight: float = 0.5
    bonus: float = 0.0

    def __post_init__(self):
        """Refuse a weight that makes the unlikely likely."""
        if not self.weight >= 0:
            raise ValueError(f"expected a weight of at least 0, received {self.weight}")


@dataclasses.dataclass(frozen=True)
class Hypothesis:
    """A label sequence that may have been said.

    Args:
        labels: tuple of Decoded, with the times of the best path.
        log_prob: float, natural logarithm of its probability: the sum over all paths
            that were followed.
        score: float, the log_prob with language model and bonus.
    """

    labels: tuple[Decoded, ...]
    log_prob: float
    score: float


def beam(log_probs, length=None, count=1, options=None, language=None):
    """Decode by prefix beam search: the likeliest label sequences.

    Unlike the best path, it adds up all paths of a label sequence.

    Args:
        log_probs: float array (frames, labels), see `greedy`.
        length: int, true number of frames; the rest is padding. Default: all.
        count: int, hypotheses that are wanted; there may be fewer.
        options: Options.
        language: LabelLanguage or None.

    Returns:
        List of `Hypothesis`, the best first; empty only where every path is
        impossible.

    Raises:
        ValueError: see `greedy`; or a language model that fits no label.

    Source: Graves & Jaitly (2014), section 4; Hannun et al. (2014), algorithm 1.

    Example: the best path is blank, blank, 0.6 * 0.6; but three paths say label 1.

        >>> frames = np.log([[.6, .4], [.6, .4]])
        >>> len(greedy(frames))
        0
        >>> best = beam(frames)[0]
        >>> [each.label for each in best.labels], round(math.exp(best.log_prob), 2)
        ([1], 0.64)
    """
    log_probs = true_frames(log_probs, length)
    search = Beam(log_probs.shape[1], options, language)
    search.push(log_probs)
    return search.result(count)


class Beam:
    """A prefix beam search that frames are given to as they come.

    Chunks of any size give exactly the result of all frames at once. What is certain
    already takes little memory: some bytes for each label.

    Args:
        labels: int, size of the vocabulary with the blank.
        options: Options.
        language: LabelLanguage or None.

    Example:
        >>> search = Beam(2)
        >>> for _ in range(2):
        ...     search.push(np.log([[.6, .4]]))
        >>> [each.label for each in search.result()[0].labels]
        [1]
    """

    def __init__(self, labels, options=None, language=None):
        """Start before the first frame."""
        from zhasr import prefix_search  # numba is slow to import

        self._kernels = prefix_search
        self._labels = labels
        self._language = language
        options = options or Options()
        self._blank_penalty = options.blank_penalty
        self._pruning = prefix_search.Pruning(*pruning(options, labels))
        self._tables = self._function = None
        state = 0
        if language is not None and hasattr(language.model, "tables"):
            self._tables = _tables(language, labels)
            state = language.model.start
        elif language is not None:
            self._function = language.model
        self._search = prefix_search.begin(self._pruning, labels, state)

    def push(self, log_probs):
        """Read more frames.

        Args:
            log_probs: float array (frames, labels), natural logarithms.

        Raises:
            ValueError: see `greedy`; or another number of labels than before.
        """
        log_probs = true_frames(log_probs, labels=self._labels)
        log_probs = without_some_blank(log_probs, self._blank_penalty)
        read = self._read if self._function is None else self._read_with_function
        frame = 0
        while (frame := read(log_probs, frame)) < len(log_probs):
            needed = 2 * self._pruning.width
            self._search = self._kernels.make_room(self._search, needed)

    def result(self, count=1):
        """Say what was heard so far; reading may go on afterwards.

        Args:
            count: int, hypotheses that are wanted.

        Returns:
            List of `Hypothesis`, the best first. With a language model the score
            takes it that the sentence ends here.
        """
        tokens, log_probs = self._kernels.final(self._search)
        scores = log_probs + tokens["language"] + self._ends(tokens)
        best = np.argsort(-scores, kind="stable")[:count]
        return [
            Hypothesis(self._decoded(one), float(log_probs[one]), float(scores[one]))
            for one in best
        ]

    def _read(self, log_probs, frame):
        return self._kernels.read(
            self._search, self._pruning, self._tables, log_probs, frame
        )

    def _read_with_function(self, log_probs, first):
        """Do in steps what the kernel does at once, to ask a function of Python."""
        search, kernels = self._search, self._kernels
        for frame in range(first, len(log_probs)):
            if not kernels.has_room(search):
                return frame
            bonus = self._language.bonus
            count = kernels.extend(search, self._pruning, bonus, log_probs[frame])
            for slot in search.slots[:count]:
                if slot["new"]:
                    prefix = self._prefix(slot["parent"])
                    slot["language"] += bonus + self._ask(prefix, int(slot["label"]))
            kernels.prune(search, self._pruning, count)
        return len(log_probs)

    def _ask(self, prefix, label):
        return self._language.weight * self._function(prefix, label)

    def _prefix(self, node):
        """The labels of a node of the tree."""
        labels = []
        while node != self._kernels.ROOT:
            labels.append(int(self._search.nodes[node]["label"]))
            node = self._search.nodes[node]["parent"]
        return tuple(reversed(labels))

    def _ends(self, tokens):
        """What the language model gives each token for ending here."""
        if self._function is not None:
            prefixes = [self._prefix(token["node"]) for token in tokens]
            return np.array([self._ask(prefix, ctc.BLANK) for prefix in prefixes])
        if self._tables is not None:
            return self._kernels.ends(self._tables, tokens)
        return 0.0

    def _decoded(self, index):
        heard = self._kernels.trace(self._search, index)
        return tuple(
            Decoded(int(label), int(start), int(end), float(probability))
            for _, label, start, end, probability in heard
        )


def pruning(options, labels):
    """What the kernels take of some options.

    Args:
        options: Options.
        labels: int, size of the vocabulary.

    Returns:
        (width, margin, most labels in a frame, least log probability).
    """
    most = labels if options.most is None else min(options.most, labels)
    least = math.log(options.least) if options.least > 0 else -math.inf
    return int(options.width), float(options.margin), int(most), least


def _tables(language, labels):
    """Look the labels up in the language model."""
    from zhasr import prefix_search

    if len(language.labels) != labels:
        raise ValueError(
            f"expected the names of {labels} labels for the language model, received "
            f"{len(language.labels)}"
        )
    words = language.model.numbers(language.labels)
    if labels > 1 and not words[1:].any():
        raise ValueError(
            f"the language model knows none of the labels, such as "
            f"{language.labels[1]!r}: expected one whose words are labels"
        )
    return prefix_search.Language(
        language.model.tables, words, float(language.weight), float(language.bonus)
    )


def without_some_blank(log_probs, penalty):
    """Make the blank less likely, and all others more.

    Args:
        log_probs: float array (frames, labels), natural logarithms.
        penalty: float, see `Options.blank_penalty`.

    Returns:
        array of the same shape and precision, whose frames add up to one.

    Example: a blank of 0.8 becomes half as likely, beside 0.2.

        >>> frame = np.log([[0.8, 0.2]])
        >>> np.exp(without_some_blank(frame, math.log(2))).round(3).tolist()
        [[0.667, 0.333]]
    """
    if not penalty:
        return log_probs
    changed = log_probs.copy()
    changed[:, ctc.BLANK] -= penalty
    total = np.logaddexp.reduce(changed, axis=1, keepdims=True)
    return changed - np.where(np.isfinite(total), total, 0)


def true_frames(log_probs, length=None, labels=None):
    """Check log probabilities and cut off their padding.

    Args:
        log_probs: float array (frames, labels).
        length: int, true number of frames, or None for all.
        labels: int, how many labels are expected, or None for any number.

    Returns:
        float32 array (length, labels).

    Raises:
        ValueError: see `greedy`; or another number of labels.
    """
    log_probs = np.asarray(log_probs)
    if log_probs.ndim != 2 or not log_probs.shape[1]:
        raise ValueError(
            "expected log probabilities of shape (frames, labels), "
            f"received {log_probs.shape}: decode one utterance at a time"
        )
    if log_probs.shape[1] != (labels or log_probs.shape[1]):
        raise ValueError(
            f"expected {labels} labels in every frame, received {log_probs.shape[1]}"
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
