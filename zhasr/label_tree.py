"""The words of a language as they are spoken, in the labels of one network.

    dictionary   一 ge4        yu3 fa3         (zhasr.lexicon)
    spoken       yi2 ge4       yu2 fa3
    labels       ii i2 g e4    vv v2 f a3      (initials and finals)

They form a tree like that of `zhasr.lexicon`, whose symbols are the numbers of the
network's labels. Words that are spoken alike end at the same node, so the search
follows sounds and not words. How a word is said may depend on the next one: such words
are there in each form, with a weight for how often it is heard.

The tree of a network that writes characters has the words as they are written.
"""

import math
from dataclasses import dataclass

import numpy as np

from zhasr import language_model, lexicon, pinyin, tone_sandhi, vocabulary

DICTIONARY = {"一": "yi1", "不": "bu4", "儿": "er2"}  # symbols that are no syllables
# Tones of a last syllable by what follows, counted in transcripts of THCHS-30 (train)
# and AISHELL (dev) as `pinyin.syllables` reads them.
SHARES_OF_TONES = {
    "一": {1: 0.41, 4: 0.32, 2: 0.24, 5: 0.03},
    "不": {4: 0.68, 2: 0.32},
    "儿": {2: 0.8, 5: 0.2},
}
RAISED = 0.15  # of third tones of words of one syllable: before another third tone
RAISED_IN_LONG_WORDS = 0.02  # some speakers do
UNKNOWN_LABEL = -12.0  # log weight of a label by itself, so that the search never ends
NO_LABEL = -1


class LabelTreeError(ValueError):
    """A vocabulary that no word can be said with."""


@dataclass(frozen=True, eq=False)
class LabelTree:
    """The prefix tree of the one-pass search.

    Attributes:
        tables: lexicon.Tables over label numbers; entries are words.
        roots: int32 (labels,), the node below the root that a label leads to, or -1.
        numbers: int32 (words,), the number of each word in the language model; that
            of the unknown word where it does not know it.
        lengths: uint8 (words,), syllables of each word.
        texts: tuple of str (words,), hanzi; "" for a label that stands for itself.
        vocabulary: vocabulary.Vocabulary of the network.
        model: language_model.LanguageModel of the words.
    """

    tables: lexicon.Tables
    roots: np.ndarray
    numbers: np.ndarray
    lengths: np.ndarray
    texts: tuple[str, ...]
    vocabulary: vocabulary.Vocabulary
    model: language_model.LanguageModel


@dataclass(frozen=True, eq=False)
class _Ways:
    """Ways to say words; rows may be symbols, syllables or labels.

    Attributes:
        rows: int (ways, longest), padded with 0.
        words: int32 (ways,).
        log_weights: float64 (ways,).
    """

    rows: np.ndarray
    words: np.ndarray
    log_weights: np.ndarray

    def chosen(self, which):
        return _Ways(self.rows[which], self.words[which], self.log_weights[which])


def build(names, language):
    """Lays out the tree of a network.

    Args:
        names: vocabulary.Vocabulary of the network.
        language: hanzi.Language; the words that the user added are in the tree, her
            text plays no part.

    Returns:
        LabelTree.

    Raises:
        LabelTreeError: not one word can be said in these labels.
    """
    texts = _words(language)
    if names.kind == "character":
        ways = _written(names, texts, language)
    else:
        ways = _said(names, texts, language)
    if not len(ways.words):
        raise LabelTreeError(
            f"none of the {len(texts)} words of the language can be said with the "
            f"{len(names)} {names.kind} labels of the network"
        )
    ways = _joined([ways, _unknown(names, ways, len(texts))])
    order = np.lexsort((ways.words, *ways.rows.T[::-1]))
    ways = _united(ways.chosen(order))
    tables = lexicon.lay_out(ways.rows.astype(np.uint16), ways.words, ways.log_weights)
    lengths = [min(len(text), 255) for text in _texts(names, language)]
    return _tree(tables, np.array(lengths, np.uint8), names, language)


def to_arrays(tree):
    """What takes long to lay out: dict of str to array, for `from_arrays`."""
    return tree.tables._asdict() | {"lengths": tree.lengths}


def from_arrays(arrays, names, language):
    """Put a tree together that was laid out before.

    Args:
        arrays: dict of str to array, of `to_arrays`.
        names, language: those that the tree was laid out for, see `build`.

    Returns:
        LabelTree.
    """
    tables = lexicon.Tables(*(arrays[name] for name in lexicon.Tables._fields))
    return _tree(tables, arrays["lengths"], names, language)


def _tree(tables, lengths, names, language):
    numbers = np.full(len(lengths), language_model.UNKNOWN, np.int32)
    numbers[: len(language.model.words)] = np.arange(len(language.model.words))
    texts = _texts(names, language)
    first = roots(tables, len(names))
    return LabelTree(tables, first, numbers, lengths, texts, names, language.model)


def _texts(names, language):
    """The words of the language, then those that stand for one label each."""
    written = names.kind == "character"
    alone = (label if written else "" for label in names.labels)
    return (*_words(language), *alone)


def _words(language):
    return (*language.model.words, *language.lexicon.extra, *language.user.new_words)


def roots(tables, labels):
    """The node that each label leads to from the root, or -1: int32 (labels,)."""
    nodes = np.full(labels, -1, np.int32)
    first, end = tables.first_children[:2]
    nodes[tables.symbols[first:end]] = np.arange(first, end)
    return nodes


def _unknown(names, ways, words):
    """Every label that is no word, or only part of a syllable, as a word of its own."""
    labels = np.arange(1, len(names))
    if names.kind != "initial-final":
        alone = ways.rows[np.count_nonzero(ways.rows, axis=1) == 1, 0]
        labels = np.setdiff1d(labels, alone)
    weights = np.full(len(labels), UNKNOWN_LABEL)
    return _Ways(labels[:, None], words + labels, weights)


def _joined(parts):
    """Several `_Ways` as one."""
    longest = max(part.rows.shape[1] for part in parts)
    rows = [
        np.pad(part.rows, ((0, 0), (0, longest - part.rows.shape[1]))) for part in parts
    ]
    return _Ways(
        np.concatenate(rows),
        np.concatenate([part.words for part in parts]).astype(np.int32),
        np.concatenate([part.log_weights for part in parts]),
    )


def _united(ways):
    """Without equal neighbours, whose probabilities are added."""
    first = np.ones(len(ways.words), bool)
    first[1:] = (ways.rows[1:] != ways.rows[:-1]).any(axis=1)
    first[1:] |= ways.words[1:] != ways.words[:-1]
    starts = np.flatnonzero(first)
    summed = np.logaddexp.reduceat(ways.log_weights, starts)
    return _Ways(ways.rows[starts], ways.words[starts], summed)


# Written: networks of characters


def _written(names, texts, language):
    """The words as they are written, as rows of labels."""
    numbers = {label: number for number, label in enumerate(names.labels) if number}
    spelled = [
        (word, [numbers.get(character, NO_LABEL) for character in text])
        for word, text in enumerate(texts)
        if pinyin.has_only_hanzi(text)
    ]
    known = [(word, labels) for word, labels in spelled if NO_LABEL not in labels]
    rows = np.zeros((len(known), max((len(one) for _, one in known), default=1)))
    for row, (_, labels) in zip(rows, known, strict=True):
        row[: len(labels)] = labels
    words = np.array([word for word, _ in known], np.int32)
    rare = words >= len(language.model.words)
    weights = np.where(rare, -language.weights.unknown, 0.0)
    return _Ways(rows.astype(int), words, weights)


# Said: networks of syllables


def _said(names, texts, language):
    """The words as they are said, as rows of labels."""
    symbols = language.lexicon.symbols
    syllables = {one: number for number, one in enumerate(symbols)}
    ways = _readings(language)
    own = np.isin(symbols, list(DICTIONARY))
    third = np.array([symbol.endswith("3") for symbol in symbols])
    changing = own[ways.rows].any(axis=1)
    changing |= (third[ways.rows[:, :-1]] & third[ways.rows[:, 1:]]).any(axis=1)
    parts = [
        _lowered(ways.chosen(~changing), third),
        _raised(ways.chosen(~changing), third, symbols, syllables),
        _changed(ways.chosen(changing), texts, symbols, syllables),
    ]
    return _labelled(_joined(parts), names, list(syllables))


def _readings(language):
    """All readings of all words, as rows of symbols of the lexicon."""
    ways, user = _entries(language.lexicon.tables), language.user.tree
    rare = ways.words >= len(language.model.words)
    weights = language.weights.reading * ways.log_weights
    ways = _Ways(ways.rows, ways.words, weights - language.weights.unknown * rare)
    if user is None:
        return ways
    return _joined([ways.chosen(~np.isin(ways.words, user.words)), _entries(user)])


def _entries(tables):
    """The entries of a tree of `zhasr.lexicon`, as rows of symbols."""
    nodes = np.arange(len(tables.symbols))
    parents = np.zeros(len(nodes), int)
    parents[1:] = np.repeat(nodes, np.diff(tables.first_children))
    at = np.repeat(nodes, np.diff(tables.first_entries))
    backwards = [tables.symbols[at]]
    while (at := parents[at]).any():
        backwards.append(tables.symbols[at])
    backwards = np.stack(backwards, axis=1)
    lengths = np.count_nonzero(backwards, axis=1)
    places = lengths[:, None] - 1 - np.arange(backwards.shape[1])
    rows = np.take_along_axis(backwards, np.maximum(places, 0), axis=1)
    rows[places < 0] = 0
    return _Ways(rows, tables.words, tables.log_weights.astype(float))


def _last(ways):
    """The place of the last symbol of each row."""
    return np.arange(len(ways.rows)), np.count_nonzero(ways.rows, axis=1) - 1


def _share_raised(ways):
    long = np.count_nonzero(ways.rows, axis=1) > 1
    return np.where(long, RAISED_IN_LONG_WORDS, RAISED)


def _lowered(ways, third):
    """Words as in the dictionary; a third tone at the end is not always heard."""
    ends = third[ways.rows[_last(ways)]]
    kept = np.where(ends, np.log1p(-_share_raised(ways)), 0.0)
    return _Ways(ways.rows, ways.words, ways.log_weights + kept)


def _raised(ways, third, symbols, syllables):
    """Words that end in a third tone, with the second, which they have before a third.

    Syllables that are not in the dictionary `syllables` are added to it.
    """
    ways = ways.chosen(third[ways.rows[_last(ways)]])
    second = np.zeros(len(symbols), np.uint16)
    for number in np.flatnonzero(third):
        raised = symbols[number][:-1] + "2"
        second[number] = syllables.setdefault(raised, len(syllables))
    rows = ways.rows.copy()
    rows[_last(ways)] = second[rows[_last(ways)]]
    return _Ways(rows, ways.words, ways.log_weights + np.log(_share_raised(ways)))


def _changed(ways, texts, symbols, syllables):
    """Words with sandhi inside, or with a symbol that is no syllable, one by one."""
    rows, words, log_weights = [], [], []
    for row, word, log_weight in zip(
        ways.rows.tolist(), ways.words.tolist(), ways.log_weights.tolist(), strict=True
    ):
        reading = tuple(symbols[number] for number in row if number)
        for form, share in spoken_forms(texts[word], reading):
            said = [syllables.setdefault(one, len(syllables)) for one in form]
            rows.append(said + [0] * (len(row) - len(said)))
            words.append(word)
            log_weights.append(log_weight + math.log(share))
    shape = len(rows), ways.rows.shape[1]
    return _Ways(
        np.array(rows, np.uint16).reshape(shape),
        np.array(words, np.int32),
        np.array(log_weights, float),
    )


def spoken_forms(word, reading):
    """Says a word: from the symbols of the lexicon to syllables.

    Args:
        word: str, hanzi.
        reading: tuple of str, symbols: syllables with the tones of the dictionary;
            一, 不 and 儿 stand for themselves.

    Returns:
        list of (tuple of toned syllables, share); the shares sum to one.

    Example:
        >>> spoken_forms("一起", ("一", "qi3"))
        [(('yi4', 'qi3'), 0.98), (('yi4', 'qi2'), 0.02)]
    """
    said = [DICTIONARY.get(symbol, symbol) for symbol in reading]
    if len(said) > 1:
        said = tone_sandhi.spoken([(word, said)])
    base, tone = said[-1][:-1], int(said[-1][-1])
    shares = SHARES_OF_TONES.get(reading[-1], {tone: 1.0})
    if reading[-1] not in DICTIONARY and tone == 3:
        raised = RAISED_IN_LONG_WORDS if len(said) > 1 else RAISED
        shares = {3: 1 - raised, 2: raised}
    return [((*said[:-1], f"{base}{one}"), share) for one, share in shares.items()]


def _labelled(ways, names, syllables):
    """From rows of syllables to rows of labels, without what the network cannot say."""
    numbers = {label: number for number, label in enumerate(names.labels) if number}
    size = 2 if names.kind == "initial-final" else 1
    table = np.full((len(syllables), size), NO_LABEL)
    table[0] = 0
    for row, syllable in zip(table, syllables, strict=True):
        if pinyin.is_syllable(syllable):
            labels = pinyin.targets(names.kind, [syllable])
            row[:] = [numbers.get(label, NO_LABEL) for label in labels]
    rows = table[ways.rows].reshape(len(ways.rows), -1)
    known = (rows != NO_LABEL).all(axis=1)
    return _Ways(rows, ways.words, ways.log_weights).chosen(known)
