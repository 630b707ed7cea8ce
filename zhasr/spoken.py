"""Syllables with their times, from labels with theirs."""

import dataclasses

import numpy as np

from zhasr import pinyin


@dataclasses.dataclass(frozen=True)
class Syllable:
    """A syllable and when it was heard.

    Args:
        text: str, toned pinyin; toneless where the network knows no tones.
        start: int, first frame.
        end: int, frame after the last (exclusive).
        probability: float, 0 to 1, mean posterior of its labels.
    """

    text: str
    start: int
    end: int
    probability: float


def syllables(names, decoded):
    """Put labels together to syllables.

    Args:
        names: vocabulary.Vocabulary of the network.
        decoded: sequence of decoding.Decoded, in the order of time.

    Returns:
        tuple of Syllable, those that `pinyin.syllables_from_labels` gives; labels that
        it drops, such as an initial without a final, have no times.
    """
    labels = names.decode([each.label for each in decoded])
    if names.kind == "character":  # how one is read depends on the others
        texts = pinyin.syllables_from_labels(names.kind, labels)
        parts = [[each] for each in decoded]
    else:
        parts = _cut(names.kind, labels, decoded)
        texts = [_read(names, part) for part in parts]
    return tuple(
        Syllable(
            text,
            part[0].start,
            part[-1].end,
            float(np.mean([each.probability for each in part])),
        )
        for text, part in zip(texts, parts, strict=True)
    )


def _cut(kind, labels, decoded):
    """The labels of each syllable: every final ends one."""
    parts, part = [], []
    for label, each in zip(labels, decoded, strict=True):
        part.append(each)
        if kind != "initial-final" or label not in pinyin.INITIALS:
            parts.append(part)
            part = []
    return parts


def _read(names, part):
    labels = names.decode([each.label for each in part])
    return pinyin.syllables_from_labels(names.kind, labels)[-1]
