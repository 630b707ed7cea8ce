"""The label set of a network: labels to numbers and back. The blank is 0.

syllables --pinyin.targets--> labels --encode--> ids --CTC--> ids --decode--> labels
"""

import functools
import hashlib
import pathlib
from dataclasses import dataclass

import numpy as np

from zhasr import files, pinyin

BLANK = "<blank>"  # always label 0: the CTC loss and the decoders count on it
_HEADER = "# kind: "


class VocabularyError(ValueError):
    """A vocabulary that cannot be used, or a label that is not in it."""


@dataclass(frozen=True)
class Vocabulary:
    """The labels of one kind in a fixed order.

    Attributes:
        kind: str, one of `pinyin.KINDS`.
        labels: tuple of str; `labels[0]` is "<blank>".

    Raises:
        VocabularyError: unknown kind, no blank at 0, an empty or doubled label.

    Example:
        >>> vocabulary = build("syllable", [["ni3", "hao3"], ["hao3"]])
        >>> vocabulary.labels
        ('<blank>', 'hao3', 'ni3')
        >>> vocabulary.encode(["ni3", "hao3"])
        array([2, 1], dtype=int32)
    """

    kind: str
    labels: tuple[str, ...]

    def __post_init__(self):
        """Refuses label sets that a network could not be built on."""
        if self.kind not in pinyin.KINDS:
            raise VocabularyError(
                f"expected a kind of label in {pinyin.KINDS}, received {self.kind!r}"
            )
        if self.labels[:1] != (BLANK,):
            raise VocabularyError(
                f"expected {BLANK!r} as the first label, received {self.labels[:1]}"
            )
        seen = set()
        for label in self.labels:
            if not label or label.split() != [label]:
                raise VocabularyError(f"label {label!r} is empty or holds a space")
            if label in seen:
                raise VocabularyError(f"label {label!r} stands twice")
            seen.add(label)

    def __len__(self):
        """The number of labels, the blank included."""
        return len(self.labels)

    @functools.cached_property
    def fingerprint(self):
        """16 hexadecimal digits that change with the kind, a label or the order."""
        content = "\n".join((self.kind, *self.labels))
        return hashlib.sha256(content.encode()).hexdigest()[:16]

    @functools.cached_property
    def _ids(self):
        return {label: number for number, label in enumerate(self.labels)}

    def encode(self, labels):
        """Numbers the labels of an utterance.

        Args:
            labels: sequence of str.

        Returns:
            int32 array (labels,).

        Raises:
            VocabularyError: a label is not in the vocabulary; it names the label.
        """
        try:
            return np.array([self._ids[label] for label in labels], dtype=np.int32)
        except KeyError as error:
            raise VocabularyError(
                f"label {error.args[0]!r} is not among the {len(self)} labels of kind "
                f"{self.kind!r}: it does not occur in the training data"
            ) from None

    def decode(self, ids):
        """The labels of some numbers; the inverse of `encode`.

        Args:
            ids: sequence or array of int.

        Returns:
            list of str.

        Raises:
            VocabularyError: a number is outside the vocabulary.
        """
        ids = [int(number) for number in ids]
        outside = [number for number in ids if not 0 <= number < len(self)]
        if outside:
            raise VocabularyError(
                f"label numbers 0 to {len(self) - 1} exist, received {outside[0]}"
            )
        return [self.labels[number] for number in ids]


def build(kind, sequences):
    """The vocabulary of some training targets, sorted, so that it is reproducible.

    Args:
        kind: str, one of `pinyin.KINDS`.
        sequences: iterable of sequences of str, the labels of each utterance.

    Returns:
        Vocabulary.
    """
    labels = {label for sequence in sequences for label in sequence}
    return Vocabulary(kind, (BLANK, *sorted(labels)))


def save(path, labels):
    """Writes a text file: the kind in the first line, then one label per line.

    Args:
        path: path of the file, such as "vocabulary.txt".
        labels: Vocabulary.
    """
    files.replace(path, "\n".join((_HEADER + labels.kind, *labels.labels)) + "\n")


def load(path):
    """Reads the file that `save` wrote.

    Args:
        path: path of the text file.

    Returns:
        Vocabulary.

    Raises:
        VocabularyError: no such file, or it does not hold a vocabulary; it names
            the file.
    """
    try:
        text = pathlib.Path(path).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise VocabularyError(f"{path}: cannot read a vocabulary ({error})") from None
    header, *labels = text.rstrip("\n").split("\n")
    if not header.startswith(_HEADER):
        raise VocabularyError(
            f"{path}: expected {_HEADER + 'syllable'!r} or another kind as the first "
            f"line, received {header!r}"
        )
    try:
        return Vocabulary(header.removeprefix(_HEADER).strip(), tuple(labels))
    except VocabularyError as error:
        raise VocabularyError(f"{path}: {error}") from None
