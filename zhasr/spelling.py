"""The best path among those that spell syllables.

A network of initials and finals may write an initial that no final follows, a final
without its initial, or two that do not go together: syllables that Mandarin does not
have. Here every path that is looked at is made of whole ones; no language model takes
part. An initial would wait for its final over any number of blanks, so what is said
before a pause and after it is looked at apart. Where the likeliest label of each frame
(`decoding.greedy`) spells syllables from pause to pause, it is the same path.

    blank ─┬─> initial ─> blank ─┐
      ^    │      └──────────────┴─> a final that goes with it ─┐
      └────┴────────────────────────────────────────────────────┘

Source: the Viterbi algorithm over the labels of CTC (Graves et al. 2006, section 3.2)
in a finite state network of all syllables, as Miao, Gowayyed and Metze, "EESEN", ASRU
2015, section 3, do it with words.
"""

import dataclasses
import functools

import numpy as np

from zhasr import ctc, decoding, pinyin

IMPOSSIBLE = -1e4  # for minus infinity, which no later frame could make up for
PAUSE = 10  # frames likeliest blank that end a syllable: 0.4 s in what ships


def best_path(log_probs, names):
    """Decode by the best path that spells syllables.

    Args:
        log_probs: float array (frames, labels), natural logarithms; blank is label 0.
        names: vocabulary.Vocabulary. Other kinds than "initial-final" need no spelling.

    Returns:
        list of decoding.Decoded in the order of time.

    Raises:
        ValueError: see `decoding.greedy`.
    """
    log_probs = decoding.true_frames(log_probs)
    path = log_probs.argmax(axis=1)
    network = _network(names.labels)
    if names.kind == "initial-final" and network.spelled.any():
        for stretch in np.split(np.arange(len(path)), _pauses(path)):
            if not network.spells(ctc.collapse(path[stretch])):
                path[stretch] = network.search(log_probs[stretch])
    return decoding.along(log_probs, path)


def _pauses(path):
    """A frame in the middle of each pause between labels: int array."""
    heard = np.flatnonzero(path != ctc.BLANK)
    before, after = heard[:-1], heard[1:]
    return (before + after)[after - before > PAUSE] // 2


@dataclasses.dataclass(frozen=True, eq=False)
class _Network:
    """The syllables of a vocabulary.

    Its states: 0 is the blank between syllables, then come all initials, the blank
    behind each of them, and all finals.

    Args:
        initials, finals: int array, their labels.
        spelled: bool array (initials, finals), which go together.
    """

    initials: np.ndarray
    finals: np.ndarray
    spelled: np.ndarray

    def spells(self, labels):
        """Whether labels are whole syllables: bool."""
        if len(labels) % 2:
            return False
        first, second = (np.array(labels[begin::2]) for begin in (0, 1))
        if not (np.isin(first, self.initials) & np.isin(second, self.finals)).all():
            return False
        rows = np.searchsorted(self.initials, first)
        return bool(self.spelled[rows, np.searchsorted(self.finals, second)].all())

    def search(self, log_probs):
        """The label of each frame on the best path: int array (frames,)."""
        count = len(self.initials)
        labels = np.zeros(1 + 2 * count + len(self.finals), int)
        labels[1 : 1 + count], labels[1 + 2 * count :] = self.initials, self.finals
        begun, waiting = slice(1, 1 + count), slice(1 + count, 1 + 2 * count)
        ended = slice(1 + 2 * count, None)
        emissions = np.maximum(log_probs[:, labels].astype(float), IMPOSSIBLE)
        scores = np.full(len(labels), -np.inf)
        scores[: 1 + count] = emissions[0, : 1 + count]
        stay, columns = np.arange(len(labels)), np.arange(len(self.finals))
        came = np.empty(emissions.shape, np.int32)  # from which state
        for frame in range(1, len(emissions)):
            best, source = scores.copy(), stay.copy()
            done = _better_of(scores, 0, ended.start + scores[ended].argmax())
            _enter(slice(0, 1 + count), scores[done], done, best, source)
            _enter(waiting, scores[begun], stay[begun], best, source)
            # `waiting` is now whatever has heard an initial and no final yet.
            through = np.where(self.spelled, best[waiting][:, None], -np.inf)
            rows = through.argmax(axis=0)
            opened = source[waiting][rows]
            _enter(ended, through[rows, columns], opened, best, source)
            scores, came[frame] = best + emissions[frame], source
        place = _better_of(scores, 0, ended.start + scores[ended].argmax())
        path = [place]
        for sources in came[:0:-1]:
            path.append(sources[path[-1]])
        return labels[path[::-1]]


def _better_of(scores, one, other):
    """The state with the higher score: int."""
    return int(other if scores[other] > scores[one] else one)


def _enter(states, scores, sources, best, came):
    """Come to states from others, where that is better than what was found."""
    better = scores > best[states]
    best[states] = np.where(better, scores, best[states])
    came[states] = np.where(better, sources, came[states])


@functools.lru_cache(maxsize=8)
def _network(labels):
    """The _Network of the labels of a vocabulary."""
    initials, finals = (
        [
            number
            for number, label in enumerate(labels)
            if number != ctc.BLANK and (label in pinyin.INITIALS) == is_initial
        ]
        for is_initial in (True, False)
    )
    rows = {labels[number]: row for row, number in enumerate(initials)}
    columns = {labels[number]: column for column, number in enumerate(finals)}
    spelled = np.zeros((len(rows), len(columns)), bool)
    for base in pinyin.SYLLABLES:
        for tone in range(1, 6):
            initial, final = pinyin.targets("initial-final", [f"{base}{tone}"])
            if initial in rows and final in columns:
                spelled[rows[initial], columns[final]] = True
    return _Network(np.array(initials, int), np.array(finals, int), spelled)
