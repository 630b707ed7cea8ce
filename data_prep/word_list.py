"""The words of a language model, and how every other word is written with them.

Words of jieba's dictionary, and every character of GB 2312. A word that is not listed
is cut into shorter words that are, at last into characters, so that nearly nothing is
unknown.
"""

import functools
import math
from collections import Counter
from dataclasses import dataclass, field

import numpy as np

from data_prep import segment
from zhasr import language_model, lexicon

LEAST_COUNT = 2  # a word that occurred once is cut
UNKNOWN = (language_model.UNKNOWN,)


@dataclass(frozen=True, eq=False)
class WordList:
    """Words by their numbers.

    Attributes:
        words: tuple of str: <unk>, <s>, </s>, then by falling count in the text, and
            last what only the dictionary knows, by falling frequency: n-grams have
            small numbers, which take less room in a file.
        shares: float array (words,), of the text and of the dictionary, weighted;
            before words that are not listed were cut; 0 for the first three.
    """

    words: tuple[str, ...]
    shares: np.ndarray
    _pieces: dict[int, tuple[int, ...]] = field(default_factory=dict)

    @functools.cached_property
    def index(self):
        """Numbers of the words: dict of str to int."""
        return {word: number for number, word in enumerate(self.words)}

    def encode(self, tokens):
        """Word numbers of a stream of tokens.

        Args:
            tokens: int32 array (tokens,) of `segment.tokens`.

        Returns:
            int32 array (words,), -1 after every line.
        """
        different, places = np.unique(tokens, return_inverse=True)
        pieces = [self._pieces_of(token) for token in different.tolist()]
        lengths = np.array([len(one) for one in pieces], int)
        flat = np.array([number for one in pieces for number in one], np.int32)
        starts = np.cumsum(lengths) - lengths
        counts = lengths[places]
        within = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
        return flat[np.repeat(starts[places], counts) + within]

    def _pieces_of(self, token):
        if token not in self._pieces:
            self._pieces[token] = self._find_pieces(token)
        return self._pieces[token]

    def _find_pieces(self, token):
        if token == segment.LINE_END:
            return (segment.LINE_END,)
        word = spell(token)
        if word in self.index:
            return (self.index[word],)
        return self.cut(word) if len(word) > 1 else UNKNOWN

    def cut(self, word):
        """A word as a row of listed words: the likeliest, with few pieces.

        Args:
            word: str.

        Returns:
            tuple of int, word numbers; <unk> for characters that are not listed.
        """
        best = [(0.0, ())]  # score and pieces of every beginning of the word
        for end in range(1, len(word) + 1):
            candidates = []
            for start in range(end):
                number = self.index.get(word[start:end])
                if number is None and end - start > 1:
                    continue
                share = self.shares[number] if number is not None else 0.0
                piece = UNKNOWN if number is None else (number,)
                score, before = best[start]
                score += math.log(max(share, 1e-12))
                candidates.append((score, (*before, *piece)))
            best.append(max(candidates))
        return best[-1][1]


def spell(token):
    """The word or character of a token number: str."""
    if token >= segment.FIRST_CHARACTER:
        return chr(token - segment.FIRST_CHARACTER)
    return _dictionary_words()[token]


@functools.cache
def _dictionary_words():
    return tuple(segment.frequencies())


def choose(counts, size, dictionary_weight=0.0, unit="word"):
    """Chooses the words of a model.

    Args:
        counts: dict of token number to int, in the text.
        size: int, words at most, all included.
        dictionary_weight: float, 0 to 1: the share of the dictionary's frequencies in
            what counts as frequent; with 0 only words of the text are chosen.
        unit: str, "word" or "character".

    Returns:
        WordList.

    Raises:
        ValueError: not even the characters fit.
    """
    counts = Counter({spell(token): count for token, count in counts.items()})
    known = segment.frequencies() if dictionary_weight and unit == "word" else {}
    weights = (1 - dictionary_weight, dictionary_weight) if known else (1, 0)
    totals = (counts.total() or 1, sum(known.values()) or 1)
    enough = {word for word, count in counts.items() if count >= LEAST_COUNT} | {*known}
    characters = {word for word in enough if len(word) == 1} | {*lexicon.gb2312()}
    shares = {
        word: weights[0] * counts[word] / totals[0]
        + weights[1] * known.get(word, 0) / totals[1]
        for word in enough | characters
    }
    words = sorted(enough - characters, key=lambda word: (-shares[word], word))
    room = size - len(characters) - len(language_model.SPECIAL_WORDS)
    if room < 0:
        raise ValueError(
            f"expected a vocabulary of at least {size - room} words, for every single "
            f"character, received {size}"
        )
    chosen = [*characters, *words[:room]]
    chosen.sort(key=lambda word: (-counts[word], -shares[word], word))
    found = [0.0] * len(language_model.SPECIAL_WORDS) + [shares[w] for w in chosen]
    return WordList((*language_model.SPECIAL_WORDS, *chosen), np.array(found))


def dictionary_shares(listed):
    """How frequent the listed words are for jieba's dictionary.

    Args:
        listed: WordList.

    Returns:
        float array (words,) that sums to one, 0 for <unk>, <s> and </s>.
    """
    known = segment.frequencies()
    shares = np.array([known.get(word, 0) for word in listed.words], float)
    return shares / shares.sum()
