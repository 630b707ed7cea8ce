"""The user's own words and text, added to a language while it runs.

Words go into a second, small tree beside that of the lexicon. Those that the language
model does not know are numbered after all others; for the language model such a word
is unknown: it pays the back-off of its context, then the price of the rarest word.

Text becomes a bigram model that is interpolated with the language model, word by word:

    P(word | before) = (1 - share) P_model(word | before) + share P_user(word | before)

with absolute discounting (Ney, Essen & Kneser 1994) from bigrams to unigrams.
"""

import collections
import dataclasses
import itertools
import math
import numbers
import re

import numpy as np

from zhasr import language_model, lattice, lexicon, pinyin, readings

SHARE = 0.2  # of the user's text in the mixture
DISCOUNT = 0.5  # of the counts of pairs
LARGEST_WEIGHT = 1000.0  # of a word; no other word would be found beside it
NOTHING = 0  # number of a word that is not in the user's text
BEGIN, END = language_model.SPECIAL_WORDS[1:]


def _text_of_nobody():
    none, zero = np.zeros(0, np.int32), np.zeros(1, np.float32)
    return lattice.User(0.0, none, zero, np.zeros(2, np.int32), none, zero, zero)


@dataclasses.dataclass(frozen=True, eq=False)
class User:
    """What one user added.

    Attributes:
        weights: dict of word to weight.
        readings: dict of word to list of readings, where they are her own.
        lines: tuple of str, her text.
        new_words: tuple of str; their numbers follow those of the lexicon.
        tree: lexicon.Tables of her words, or None.
        text: lattice.User, the bigram model.
    """

    weights: dict[str, float] = dataclasses.field(default_factory=dict)
    readings: dict[str, list] = dataclasses.field(default_factory=dict)
    lines: tuple[str, ...] = ()
    new_words: tuple[str, ...] = ()
    tree: lexicon.Tables | None = None
    text: lattice.User = dataclasses.field(default_factory=_text_of_nobody)


NOBODY = User()


def add_words(language, weights, own_readings):
    """See `zhasr.hanzi.add_words`: a User."""
    for word in [*weights, *own_readings]:
        if not re.fullmatch(f"[{pinyin.HANZI}]+", word):
            raise ValueError(f"expected a word of hanzi to add, received {word!r}")
    for word, weight in weights.items():
        if not (isinstance(weight, numbers.Real) and abs(weight) <= LARGEST_WEIGHT):
            raise ValueError(
                f"expected a weight of at most {LARGEST_WEIGHT:g} for {word}, received "
                f"{weight!r}"
            )
    user = language.user
    changed = dataclasses.replace(
        user,
        weights={**user.weights, **weights},
        readings={**user.readings, **own_readings},
    )
    return _build(language, changed, user.text.share)


def add_text(language, lines, share):
    """See `zhasr.hanzi.add_text`: a User."""
    if not 0 <= share < 1:
        raise ValueError(f"expected a share of 0 to below 1, received {share}")
    changed = dataclasses.replace(language.user, lines=tuple(lines))
    return _build(language, changed, share)


def _build(language, user, share):
    """Numbers the words, lays out their tree, counts the text."""
    sentences = [segment(line, user.weights) for line in user.lines]
    sentences = [sentence for sentence in sentences if sentence]
    own = dict.fromkeys(user.readings, 0.0) | user.weights
    weights = dict.fromkeys(itertools.chain.from_iterable(sentences), 0.0) | own
    places, size = _numbers(language, weights), language.lexicon.size
    added = {
        word: weight
        for word, weight in weights.items()
        if word in own or places[word] >= size
    }
    entries = [
        (reading, places[word], log_weight)
        for word, weight in added.items()
        for reading, log_weight in _entries(language, user, word, weight)
    ]
    count = max(size - 1, *places.values()) + 1
    return dataclasses.replace(
        user,
        new_words=tuple(word for word in places if places[word] >= size),
        tree=lexicon.tree(entries, language.lexicon.symbols)[0] if added else None,
        text=_count(sentences, places, share, count) if sentences else NOBODY.text,
    )


def segment(line, own_words=()):
    """Cuts a line into words, her own first.

    Args:
        line: str; all that is not hanzi is left out.
        own_words: collection of str.

    Returns:
        list of str.

    Example:
        >>> segment("张三丰，你好！", {"张三丰"})
        ['张三丰', '你好']
    """
    longest_first = sorted(own_words, key=len, reverse=True)
    own = re.compile("(" + "|".join(map(re.escape, longest_first)) + ")")
    words = []
    for run in re.findall(f"[{pinyin.HANZI}]+", line):
        pieces = own.split(run) if longest_first else [run]
        for place, piece in enumerate(pieces):
            words += [piece] if place % 2 else pinyin.words(piece)
    return words


def _numbers(language, words):
    """The number of every word, <s> and </s>: those of the lexicon, then new ones."""
    places = {word: language.model.index[word] for word in (BEGIN, END)}
    new = itertools.count(language.lexicon.size)
    for word in words:
        number = language.model.index.get(word)
        if number is None and word in language.lexicon.extra and len(word) == 1:
            number = language.lexicon.words + language.lexicon.extra.index(word)
        places[word] = next(new) if number is None else number
    return places


def _entries(language, user, word, weight):
    """(reading, log weight) of one of her words."""
    if word in user.readings:
        found = [
            (_own_reading(language, word, one), 1.0) for one in user.readings[word]
        ]
    else:
        [found] = [one.items() for one in readings.of_words([word], [1])]
    factor = language.weights.reading
    price = 0.0 if word in language.model.index else _price(language.model.tables)
    known = language.lexicon.numbers
    return [
        (reading, weight + price + factor * math.log(share))
        for reading, share in found
        if all(symbol in known for symbol in reading)
    ]


def _own_reading(language, word, syllables):
    """The symbols of a reading that the user gives."""
    usual = [pinyin.normalise_syllable(syllable) for syllable in syllables]
    symbols = tuple(map(readings.symbol, word, usual))
    unknown = [one for one in symbols if one not in language.lexicon.numbers]
    if len(usual) != len(word) or unknown:
        raise ValueError(
            f"expected {len(word)} toned syllables for {word}, received "
            f"{' '.join(syllables)}"
        )
    return symbols


def _price(tables):
    """What an unknown word gets beside P(unknown) to be as rare as the rarest word."""
    words = tables.codes[: tables.codes.size - tables.places.size]
    log_probs = tables.log_probs[0][words]
    return float(log_probs[len(language_model.SPECIAL_WORDS) :].min() - log_probs[0])


def _count(sentences, places, share, size):
    """The bigram model of the user's text: lattice.User."""
    words = {word: own for own, word in enumerate({BEGIN: 0, END: 0, **places}, 1)}
    pairs = collections.Counter(
        (words[before], words[after])
        for sentence in sentences
        for before, after in itertools.pairwise([BEGIN, *sentence, END])
    )
    keys = np.array(sorted(pairs), np.int32)
    counts = np.array([pairs[pair] for pair in sorted(pairs)], float)
    followers, befores = keys[:, 1], keys[:, 0]
    total = np.bincount(befores, counts, len(words) + 1)
    kinds = np.bincount(befores, minlength=len(words) + 1)
    left = np.where(total > 0, DISCOUNT * kinds / np.maximum(total, 1), 1.0)
    unigrams = np.bincount(followers, counts, len(words) + 1) / counts.sum()
    own_numbers = np.zeros(size, np.int32)
    for word, own in words.items():
        own_numbers[places[word]] = own
    return lattice.User(
        float(share),
        own_numbers,
        unigrams.astype(np.float32),
        np.append(0, np.cumsum(kinds)).astype(np.int32),
        np.ascontiguousarray(followers),
        ((counts - DISCOUNT) / total[befores]).astype(np.float32),
        left.astype(np.float32),
    )
