"""Test sentences in training text: found and left out.

A model that has read the answers is not measured by them. Corpora overlap more than
one thinks: read-aloud sentences come from the same news as the text of a model.
"""

from dataclasses import dataclass

SHORTEST = 6  # characters; shorter sentences and pieces are common phrases


@dataclass(frozen=True)
class Sentences:
    """Sentences that must not be learned.

    Attributes:
        whole: frozenset of str.
        parts: frozenset of str, all their parts of `SHORTEST` characters and more.
        by_start: dict of str to tuple of str, the sentences of `SHORTEST` characters
            and more by their first characters.
    """

    whole: frozenset[str]
    parts: frozenset[str]
    by_start: dict[str, tuple[str, ...]]


def index(sentences):
    """Prepares sentences to be found.

    Args:
        sentences: iterable of str, hanzi only.

    Returns:
        Sentences.
    """
    whole = frozenset(sentence for sentence in sentences if sentence)
    by_start = {}
    for sentence in sorted(whole):
        if len(sentence) >= SHORTEST:
            start = sentence[:SHORTEST]
            by_start[start] = (*by_start.get(start, ()), sentence)
    parts = frozenset(part for sentence in whole for part in _parts(sentence))
    return Sentences(whole, parts, by_start)


def _parts(sentence):
    for start in range(len(sentence) - SHORTEST + 1):
        for end in range(start + SHORTEST, len(sentence) + 1):
            yield sentence[start:end]


def is_contaminated(line, sentences):
    """Whether a line gives away a sentence.

    It does when it contains one of them, or when it is one or a part of one. Of
    sentences and parts under `SHORTEST` characters only the whole sentence counts.

    Args:
        line: str, hanzi only.
        sentences: Sentences.

    Returns:
        bool.

    Example:
        >>> tests = index(["他仅凭腰部的力量"])
        >>> lines = ["见他仅凭腰部的力量前行", "仅凭腰部的力", "凭腰部的力", "力量"]
        >>> [is_contaminated(line, tests) for line in lines]
        [True, True, False, False]
    """
    if line in sentences.whole or line in sentences.parts:
        return True
    by_start = sentences.by_start
    for start in range(len(line) - SHORTEST + 1):
        for sentence in by_start.get(line[start : start + SHORTEST], ()):
            if line.startswith(sentence, start):
                return True
    return False
