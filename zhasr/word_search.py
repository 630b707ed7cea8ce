"""One-pass search: from posteriors to words, with lexicon and language model together.

What the network doubts (a tone, n or ng, zh or z) is settled by what makes sense,
because sound and language are weighed before either has decided. The two-stage way,
syllables first, is there to compare with.

    log_probs --token_passing--> records --word_lattice--> hypotheses

Example (needs a trained model and a language folder):

    tree = label_tree.build(vocabulary, hanzi.load())
    for hypothesis in word_search.search(log_probs, tree, count=3):
        print(hypothesis.text, hypothesis.score)
"""

import dataclasses

import numpy as np

from zhasr import decoding, spoken, token_passing, word_lattice
from zhasr.tokens import NONE

LARGEST_WEIGHT = 1e6  # of sound or language; scores in single precision stay finite


@dataclasses.dataclass(frozen=True)
class Options(decoding.Options):
    """How much is followed, and how sound and language are weighed.

    Args:
        width, margin, most, least, blank_penalty: see `decoding.Options`; the width
            counts tokens.
        language_weight: float, at least 0, factor of the language model.
        word_bonus: float, added for every word; below 0 it prefers long words.
        syllable_bonus: float, added for every syllable, against too few of them.
    """

    width: int = 64
    margin: float = 20.0
    language_weight: float = 0.8
    word_bonus: float = 0.0
    syllable_bonus: float = 1.0

    def __post_init__(self):
        """Refuse what could find nothing, or would look for the unlikely."""
        super().__post_init__()
        if not self.language_weight >= 0:
            raise ValueError(
                "expected a language weight of at least 0, received "
                f"{self.language_weight}"
            )
        weights = self.language_weight, self.word_bonus, self.syllable_bonus
        if not all(abs(weight) <= LARGEST_WEIGHT for weight in weights):
            raise ValueError(
                f"expected a weight and bonuses of at most {LARGEST_WEIGHT:g}, "
                f"received {self}"
            )


@dataclasses.dataclass(frozen=True)
class Word:
    """A recognised word.

    Args:
        text: str, hanzi; "" for labels that are no syllable of any word.
        syllables: tuple of spoken.Syllable.
        start: int, first frame.
        end: int, frame after the last (exclusive).
        confidence: float, 0 to 1: how much of all that may have been said has this
            word here.
    """

    text: str
    syllables: tuple[spoken.Syllable, ...]
    start: int
    end: int
    confidence: float


@dataclasses.dataclass(frozen=True)
class Hypothesis:
    """A sentence that may have been said.

    Args:
        words: tuple of Word.
        score: float, log probability with language model and bonus.
    """

    words: tuple[Word, ...]
    score: float

    @property
    def text(self):
        """The hanzi of all words: str."""
        return "".join(word.text for word in self.words)

    @property
    def syllables(self):
        """All syllables: tuple of str."""
        return tuple(one.text for word in self.words for one in word.syllables)


def search(log_probs, tree, count=1, options=None, length=None):
    """Recognise words.

    Args:
        log_probs: float array (frames, labels), natural logarithm of the posteriors;
            blank is label 0.
        tree: label_tree.LabelTree of the network's vocabulary.
        count: int, hypotheses that are wanted; there may be fewer.
        options: Options.
        length: int, true number of frames; the rest is padding. Default: all.

    Returns:
        list of Hypothesis, the best first.

    Raises:
        ValueError: see `decoding.greedy`.
    """
    words = WordSearch(tree, options)
    words.push(decoding.true_frames(log_probs, length))
    return words.result(count)


class WordSearch:
    """A one-pass search that frames are given to as they come.

    Chunks of any size give exactly the result of all frames at once. Memory grows by
    what is written down for each word, not by the frames.

    Args:
        tree: label_tree.LabelTree of the network's vocabulary.
        options: Options.
    """

    def __init__(self, tree, options=None):
        """Start before the first frame."""
        options = options or Options()
        labels = len(tree.vocabulary)
        self._tree, self._blank_penalty = tree, options.blank_penalty
        self._pruning = token_passing.Pruning(*decoding.pruning(options, labels))
        self._graph = token_passing.graph(
            tree,
            options.language_weight,
            options.word_bonus,
            options.syllable_bonus,
        )
        self._search = token_passing.begin(
            self._graph, self._pruning, labels, tree.model.start
        )

    def push(self, log_probs):
        """Read more frames.

        Args:
            log_probs: float array (frames, labels), natural logarithms.

        Raises:
            ValueError: see `decoding.greedy`; or labels of another vocabulary.
        """
        log_probs = decoding.true_frames(log_probs, labels=len(self._tree.vocabulary))
        log_probs = decoding.without_some_blank(log_probs, self._blank_penalty)
        frame = 0
        while frame < len(log_probs):
            frame = token_passing.read(
                self._search, self._graph, self._pruning, log_probs, frame
            )
            if frame < len(log_probs):
                self._search = token_passing.make_room(self._search)

    def result(self, count=1):
        """Say what was heard so far, as if the sentence ended; reading may go on.

        Args:
            count: int, hypotheses that are wanted.

        Returns:
            list of Hypothesis, the best first; empty only where no path is possible.
        """
        finals, scores, silence = token_passing.final(self._search, self._graph)
        found = [Hypothesis((), silence)] if silence > -np.inf else []
        if len(finals):
            sentences = word_lattice.best_sentences(self._search, finals, scores, count)
            confidences = word_lattice.Confidences(
                self._search, finals, scores, silence
            )
            found += [
                Hypothesis(tuple(_words(self._tree, labels, confidences)), score)
                for score, labels in sentences
            ]
        return sorted(found, key=lambda each: -each.score)[:count]


def _words(tree, labels, confidences):
    """The words of a sentence, of its labels (records of `word_lattice`)."""
    decoded = [decoding.Decoded(*label[1:5]) for label in labels]
    whole = tree.vocabulary.kind == "character"  # read with what is around it
    syllables = spoken.syllables(tree.vocabulary, decoded) if whole else ()
    words = []
    for text, number, first, behind in _groups(tree, labels):
        own = decoded[first:behind]
        said = syllables[first:behind] or spoken.syllables(tree.vocabulary, own)
        if said or text:
            start, end = own[0].start, own[-1].end
            confidence = confidences.of(number, own[-1].start, end) if text else 0.0
            words.append(Word(text, said, start, end, confidence))
    return tuple(words)


def _groups(tree, labels):
    """Cut labels into words: list of (text, word, first label, label behind the last).

    Labels of no word that stand beside each other make one group with the text "".
    """
    groups, first = [], 0
    for place, label in enumerate(labels):
        word = label[word_lattice.WORD]
        if word == NONE and place < len(labels) - 1:
            continue
        text = tree.texts[word] if word != NONE else ""  # cut off within a word
        if not text and groups and not groups[-1][0]:
            first = groups.pop()[2]
        groups.append((text, word, first, place + 1))
        first = place + 1
    return groups
