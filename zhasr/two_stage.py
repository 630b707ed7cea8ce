"""The two-stage way to words: first label sequences, then characters for each of them.

    log_probs --decoding.beam--> label sequences --hanzi.convert--> words, scored again

The language model can only choose among what sound alone has left. It is here to be
compared with `zhasr.word_search`, where sound and language choose together.
"""

import numpy as np

from zhasr import decoding, hanzi, spoken, word_search

SEQUENCES = 50  # that the first stage leaves to the second
# The scores of `hanzi` have weights of their own already, so they count less here than
# the language model does in one pass. Found on synthetic development speech.
OPTIONS = word_search.Options(language_weight=0.4, syllable_bonus=2.0)


def search(log_probs, names, language, count=1, options=None, length=None):
    """Recognise words in two stages.

    Args:
        log_probs: float array (frames, labels), natural logarithm of the posteriors.
        names: vocabulary.Vocabulary of the network, of syllables or their parts.
        language: hanzi.Language; its own weights make characters of syllables.
        count: int, hypotheses that are wanted; there may be fewer.
        options: word_search.Options; the bonuses are added here too. Default: OPTIONS.
        length: int, true number of frames. Default: all.

    Returns:
        list of word_search.Hypothesis, the best first. The confidence of a word is the
        share of the sequences that have it, weighed by their scores.

    Raises:
        ValueError: see `decoding.greedy`; or a network that writes characters.
    """
    if names.kind == "character":
        raise ValueError(
            "expected a network of syllables, received one of characters: give the "
            "prefix search a language model of characters (decoding.beam)"
        )
    options = options or OPTIONS
    found = {}
    for sequence in decoding.beam(log_probs, length, SEQUENCES, options):
        syllables = spoken.syllables(names, sequence.labels)
        written = hanzi.convert([one.text for one in syllables], language)
        score = sequence.log_prob + options.language_weight * written.score
        score += options.word_bonus * len(written.words)
        score += options.syllable_bonus * len(syllables)
        if written.text not in found or score > found[written.text][0]:
            found[written.text] = (
                score,
                [
                    (word.text, syllables[word.start : word.end])
                    for word in written.words
                ],
            )
    ranked = sorted(found.values(), key=lambda each: -each[0])
    return _hypotheses(ranked, count)


def _hypotheses(ranked, count):
    """Hypotheses of the best (score, list of (text, syllables))."""
    scores = np.array([score for score, _ in ranked])
    shares = np.exp(scores - np.logaddexp.reduce(scores))
    spans = [_spans_by_text(words) for _, words in ranked]
    hypotheses = []
    for score, words in ranked[:count]:
        said = []
        for text, syllables in words:
            start, end = _span(syllables)
            having = [
                any(start < e and s < end for s, e in others.get(text, ()))
                for others in spans
            ]
            confidence = min(1.0, float(shares[having].sum()))
            said.append(word_search.Word(text, syllables, start, end, confidence))
        hypotheses.append(word_search.Hypothesis(tuple(said), float(score)))
    return hypotheses


def _spans_by_text(words):
    """When each word is said in a sequence: dict of str to list of (start, end)."""
    spans = {}
    for text, syllables in words:
        spans.setdefault(text, []).append(_span(syllables))
    return spans


def _span(syllables):
    return syllables[0].start, syllables[-1].end
