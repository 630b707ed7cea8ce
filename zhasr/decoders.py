"""The ways from posteriors to a sentence that the commands offer.

    greedy   the best path that spells syllables, then characters for these
    beam     many label sequences, then characters for each of them (two stages)
    words    one pass: sound, lexicon and language model together

All give a `word_search.Hypothesis`: words with syllables, times and confidence.
"""

import dataclasses
import re

import numpy as np

from zhasr import (
    compiled,
    decoding,
    hanzi,
    label_tree,
    lattice,
    pinyin,
    prefix_search,
    spelling,
    spoken,
    token_passing,
    tree_cache,
    two_stage,
    vocabulary,
    word_search,
)

NAMES = ("greedy", "beam", "words")
# Where nothing was tuned.
OPTIONS = {
    "greedy": word_search.Options(),
    "beam": two_stage.OPTIONS,
    "words": word_search.Options(),
}


class DecoderError(ValueError):
    """A decoder that lacks what it needs."""


@dataclasses.dataclass(frozen=True, eq=False)
class Decoder:
    """A way to decode the posteriors of one network.

    Args:
        name: str, one of NAMES.
        names: vocabulary.Vocabulary of the network.
        language: hanzi.Language, or None where only syllables are wanted.
        options: word_search.Options.
        tree: label_tree.LabelTree of the one-pass search, else None.
    """

    name: str
    names: vocabulary.Vocabulary
    language: hanzi.Language | None
    options: word_search.Options
    tree: label_tree.LabelTree | None

    @property
    def writes_characters(self):
        """Whether its hypotheses have a text."""
        return self.language is not None or self.names.kind == "character"


def build(name, names, language=None, options=None):
    """Make a decoder.

    Args:
        name: str, one of NAMES.
        names: vocabulary.Vocabulary of the network.
        language: hanzi.Language; without it only syllables are found, unless the
            network writes characters.
        options: word_search.Options, as of `tuning.load`; default: OPTIONS.

    Returns:
        Decoder.

    Raises:
        DecoderError: another name, or no language for words.
        label_tree.LabelTreeError: a vocabulary without words.
    """
    if name not in NAMES:
        raise DecoderError(f"expected a decoder of {NAMES}, received {name!r}")
    if name == "words" and language is None:
        raise DecoderError(
            "expected a language for the decoder of words, received none: give a "
            "language folder, or use the decoder 'beam'"
        )
    tree = tree_cache.build(names, language) if name == "words" else None
    return Decoder(name, names, language, options or OPTIONS[name], tree)


def is_cold(decoder):
    """Tell whether the first use of a decoder will compile its search: bool."""
    searches = {
        "greedy": [],
        "beam": [prefix_search.read],
        "words": [token_passing.read],
    }[decoder.name]
    if decoder.name != "words" and decoder.language is not None:
        searches.append(lattice.search)
    return any(map(compiled.is_cold, searches))


def decode(decoder, log_probs, count=1):
    """Find what was said.

    Args:
        decoder: Decoder.
        log_probs: float array (frames, labels), natural logarithms.
        count: int, hypotheses that are wanted; greedy has only one.

    Returns:
        list of word_search.Hypothesis, the best first, never empty.

    Raises:
        ValueError: see `decoding.greedy`; or labels of another vocabulary.
    """
    log_probs = decoding.true_frames(log_probs, labels=len(decoder.names))
    if decoder.name == "words":
        found = word_search.search(log_probs, decoder.tree, count, decoder.options)
    elif decoder.name == "greedy":
        labels = spelling.best_path(log_probs, decoder.names)
        found = [written(decoder, labels, 0.0)]
    elif decoder.language is None or decoder.names.kind == "character":
        sequences = decoding.beam(
            log_probs, None, count, decoder.options, _label_language(decoder)
        )
        found = [written(decoder, one.labels, one.score) for one in sequences]
    else:
        found = two_stage.search(
            log_probs, decoder.names, decoder.language, count, decoder.options
        )
    return found or [word_search.Hypothesis((), -np.inf)]


def _label_language(decoder):
    """The language model of characters for a network that writes them, or None."""
    if decoder.language is None or decoder.language.characters is None:
        return None
    return decoding.LabelLanguage(
        decoder.language.characters,
        decoder.names.labels,
        decoder.options.language_weight,
        decoder.options.syllable_bonus,
    )


def written(decoder, labels, score):
    """Write the characters that are likeliest for some labels.

    Args:
        decoder: Decoder; without a language there are only syllables.
        labels: sequence of decoding.Decoded.
        score: float, of the labels.

    Returns:
        word_search.Hypothesis.
    """
    syllables = spoken.syllables(decoder.names, labels)
    if decoder.names.kind == "character":
        texts = decoder.names.decode([each.label for each in labels])
        words = zip(texts, [[one] for one in syllables], strict=True)
    elif decoder.language is None:
        words = [("", [one]) for one in syllables]
    else:
        return _consensus(decoder.language, syllables, score)
    return word_search.Hypothesis(tuple(_word(*word) for word in words), score)


def _consensus(language, syllables, score):
    """Words of the characters that most paths agree on."""
    found = hanzi.consensus([one.text for one in syllables], language)
    words, place = [], 0
    for word in found.words:
        sure = min(found.confidences[place : place + len(word.text)])
        written = re.fullmatch(f"[{pinyin.HANZI}]+", word.text)  # else no word is near
        text = word.text if written else ""
        words.append(_word(text, syllables[word.start : word.end], sure))
        place += len(word.text)
    return word_search.Hypothesis(tuple(words), score)


def _word(text, syllables, sure=1.0):
    """A word whose confidence is that of its sounds, times that of its characters."""
    confidence = sure * float(np.mean([one.probability for one in syllables]))
    start, end = syllables[0].start, syllables[-1].end
    return word_search.Word(text, tuple(syllables), start, end, confidence)
