"""Counts and probabilities against the formulas in plain Python, and against KenLM."""

import itertools
import math
from collections import Counter, defaultdict

import numpy as np
import pytest

from data_prep import kneser_ney, ngram_counts, pruning
from data_prep.build_language_model import from_sentences
from zhasr import language_model

BEGIN, END = "<s>", "</s>"
RANDOM_CASES = range(6)


def random_sentences(seed, words="abcdefgh", count=60):
    """Sentences in which some words are frequent and some follow each other."""
    rng = np.random.default_rng(seed)
    frequencies = 1 / np.arange(1, len(words) + 1)
    sentences = []
    for _ in range(count):
        drawn = rng.choice(list(words), rng.integers(0, 9), p=_share(frequencies))
        sentences.append([str(word) for word in drawn])
    return sentences


def _share(values):
    return values / values.sum()


class Formulas:
    """Chen & Goodman (1999) word by word: dicts, loops and recursion."""

    def __init__(self, sentences, order):
        self.order = order
        self.vocabulary = sorted(set(itertools.chain(*sentences))) + [END, "<unk>"]
        occurrences = Counter(
            tuple(framed[i : i + n])
            for framed in ([BEGIN, *one, END] for one in sentences)
            for n in range(1, order + 1)
            for i in range(len(framed) - n + 1)
        )
        before = defaultdict(set)
        for ngram in occurrences:
            before[ngram[1:]].add(ngram[0])
        self.adjusted = {
            ngram: count
            if len(ngram) == order or ngram[0] == BEGIN
            else len(before[ngram])
            for ngram, count in occurrences.items()
            if ngram != (BEGIN,)
        }
        self.discounts = {n: self._discounts(n) for n in range(1, order + 1)}

    def _discounts(self, n):
        number = Counter(
            count for ngram, count in self.adjusted.items() if len(ngram) == n
        )
        if not (number[1] and number[2] and number[3]):
            return [0, 0.5, 1, 1.5]
        y = number[1] / (number[1] + 2 * number[2])
        found = [0] + [k - (k + 1) * y * number[k + 1] / number[k] for k in (1, 2, 3)]
        if any(not 0 < found[k] <= k for k in (1, 2, 3)):
            return [0, 0.5, 1, 1.5]
        return found

    def probability(self, word, context):
        context = tuple(context)[-self.order + 1 :] if self.order > 1 else ()
        seen = {
            ngram: count
            for ngram, count in self.adjusted.items()
            if ngram[:-1] == context
        }
        shorter = (
            self.probability(word, context[1:]) if context else 1 / len(self.vocabulary)
        )
        if not seen:
            return shorter
        discount = self.discounts[len(context) + 1]
        total = sum(seen.values())
        taken = {ngram: discount[min(count, 3)] for ngram, count in seen.items()}
        own = seen.get((*context, word), 0) - taken.get((*context, word), 0)
        return own / total + sum(taken.values()) / total * shorter


def probability(model, word, context):
    """What the finished model says, by walking its tables."""
    state = model.empty
    words = [BEGIN, *context[1:]] if context[:1] == [BEGIN] else context
    for one in words:
        number = int(model.numbers([one])[0])
        state = language_model.advance(model.tables, state, number)[1]
    number = int(model.numbers([word])[0])
    return math.exp(language_model.advance(model.tables, state, number)[0])


@pytest.mark.parametrize("order", [1, 2, 3, 4])
@pytest.mark.parametrize("seed", RANDOM_CASES)
def test_every_probability_is_that_of_the_formulas(order, seed, monkeypatch):
    monkeypatch.setattr(pruning, "quantise", pruning.normalise)  # nothing rounded
    sentences = random_sentences(seed, "abcdef"[: 3 + seed % 4], count=12)
    expected = Formulas(sentences, order)
    model = from_sentences(sentences, order)
    rng = np.random.default_rng(seed)
    words = expected.vocabulary
    for _ in range(60):
        context = [str(one) for one in rng.choice(words[:-2], rng.integers(0, order))]
        if rng.random() < 0.3:
            context = [BEGIN, *context[1:]]
        for word in words:
            assert probability(model, word, context) == pytest.approx(
                expected.probability(word, context), rel=2e-5
            ), (word, context)


@pytest.mark.parametrize("order", [1, 2, 3, 4])
def test_probabilities_after_any_context_sum_to_one(order):
    model = from_sentences(random_sentences(7), order)
    words = [word for word in model.words if word != BEGIN]
    contexts = itertools.product([*model.words[3:], "never seen", BEGIN], repeat=2)
    for context in contexts:
        if context[1] != BEGIN:
            total = sum(probability(model, word, list(context)) for word in words)
            assert total == pytest.approx(1, abs=2e-6), context


def test_a_bigram_by_hand():
    model = from_sentences([["a", "b"], ["a", "c"], ["a", "b"]], order=2)
    # a follows <s>; b and c follow a; </s> follows b and c. None of them follows three
    # different words, so that the discounts are 0.5 and 1: of 5 pairs, a, b, c keep 0.5
    # each and </s> keeps 1; the other 2.5 go to 5 words.
    unigram = 0.5 / 5 + 2.5 / 5 / 5
    assert probability(model, "b", []) == pytest.approx(unigram)
    assert probability(model, END, []) == pytest.approx(1 / 5 + 2.5 / 5 / 5)
    assert probability(model, "<unk>", []) == pytest.approx(2.5 / 5 / 5)
    # Pairs: 2 occur once, 2 twice, 1 three times, so that Y = 2 / (2 + 2 * 2) = 1 / 3,
    # D1 = 1 - 2 * 1/3 * 2/2 = 1/3 and D2 = 2 - 3 * 1/3 * 1/2 = 3/2.
    # After a: b twice, c once, of 3; D2 + D1 of 3 goes to the unigrams.
    given = (3 / 2 + 1 / 3) / 3
    assert probability(model, "b", ["a"]) == pytest.approx(0.5 / 3 + given * unigram)
    assert probability(model, "c", ["a"]) == pytest.approx(2 / 9 + given * unigram)
    assert probability(model, "a", ["a"]) == pytest.approx(given * unigram)


# The text, and the file that KenLM made of it, published in its issue 405. KenLM
# counts the last of the unigrams wrongly when it computes their discounts (its issue
# 427): 4 that occur after one word and 3 after two, where it is 5 and 2.
KENLM_TEXT = (
    "I went to,I go to,You went to,You go to,Joe went to,Joe go to,"
    "Anna went ski,Anna went ski"
)
KENLM_UNIGRAMS = {  # log10 of the probability, and of the back-off weight
    "<unk>": (-1.30103, 0),
    "<s>": (None, -0.059768215),
    "</s>": (-1.1249387, 0),
    "I": (-1.0579919, -0.5228788),
    "went": (-0.6726411, -0.022929981),
    "to": (-1.1249387, -0.30103),
    "go": (-0.82390875, 0),
    "Anna": (-1.0579919, -0.059768215),
    "ski": (-1.0579919, -0.059768215),
}
KENLM_BIGRAMS = {
    "to </s>": -0.26962152,
    "ski </s>": -0.7123581,
    "<s> I": -0.9649993,
    "I went": -0.383262,
    "Joe went": -0.383262,
    "Anna went": -0.50341624,
}


def test_kenlm_computes_the_same(monkeypatch):
    found = kneser_ney.discounts
    wrong = [1] * 4 + [2] * 3 + [3] + [4]  # counts of the unigrams as KenLM has them

    def as_kenlm(counts):
        return found(np.array(wrong) if len(counts) == 11 else counts)

    monkeypatch.setattr(kneser_ney, "discounts", as_kenlm)
    sentences = [line.split() for line in KENLM_TEXT.split(",")]
    words = ["<unk>", BEGIN, END, *sorted(set(itertools.chain(*sentences)))]
    streams = [[*map(words.index, one), -1] for one in sentences]
    counts = ngram_counts.count(streams, len(words), order=2)
    model = kneser_ney.estimate(kneser_ney.adjust(counts))
    for word, (log_prob, back_off) in KENLM_UNIGRAMS.items():
        number = words.index(word)
        assert model.back_offs[0][number] == pytest.approx(
            math.log(10) * back_off, abs=1e-6
        ), word
        if log_prob is not None:
            assert model.log_probs[0][number] == pytest.approx(
                math.log(10) * log_prob, abs=1e-6
            ), word
    for pair, log_prob in KENLM_BIGRAMS.items():
        first, second = map(words.index, pair.split())
        place = model.keys[1].tolist().index(first << model.bits | second)
        assert model.log_probs[1][place] == pytest.approx(math.log(10) * log_prob), pair


def test_discounts_of_a_natural_text():
    counts = np.repeat([1, 2, 3, 4, 5], [1000, 400, 200, 120, 900])
    share = 1000 / 1800
    assert kneser_ney.discounts(counts) == pytest.approx(
        (1 - 2 * share * 0.4, 2 - 3 * share * 0.5, 3 - 4 * share * 0.6)
    )


SMALL = [[], [1], [2, 3, 4], [5] * 9, [1] * 10 + [2] + [3] * 10]  # last: D2 < 0


@pytest.mark.parametrize("counts", SMALL)
def test_discounts_of_a_small_text(counts):
    assert kneser_ney.discounts(np.array(counts, int)) == (0.5, 1.0, 1.5)


def test_other_evidence_of_word_frequencies():
    streams = [[3, 4, -1], [3, 3, -1]]
    counts = kneser_ney.adjust(ngram_counts.count(streams, words=6, order=2))
    base = np.array([0, 0, 0.1, 0.1, 0.2, 0.6])
    plain = np.exp(kneser_ney.estimate(counts).log_probs[0])
    mixed = np.exp(kneser_ney.estimate(counts, base, 0.25).log_probs[0])
    np.testing.assert_allclose(mixed, 0.75 * plain + 0.25 * base, atol=1e-7)
    assert mixed.sum() == pytest.approx(1)


def test_less_trust_moves_towards_shorter_contexts():
    """Checked against the recursion, with shares of each level scaled."""
    streams = [[3, 4, 5, -1], [3, 4, 4, -1], [5, 3, -1]]
    counts = kneser_ney.adjust(ngram_counts.count(streams, words=6, order=2))
    full = kneser_ney.estimate(counts)
    half = kneser_ney.estimate(counts, trust=0.5)
    unigrams = np.exp(full.log_probs[0])
    np.testing.assert_array_equal(half.log_probs[0], full.log_probs[0])
    lower = unigrams[full.suffixes(1)]
    mean = (np.exp(full.log_probs[1]) + lower) / 2
    np.testing.assert_allclose(np.exp(half.log_probs[1]), mean, rtol=1e-5)
    followed = full.back_offs[0] != 0
    np.testing.assert_allclose(
        np.exp(half.back_offs[0][followed]),
        (np.exp(full.back_offs[0][followed]) + 1) / 2,
        rtol=1e-5,
    )


# Counting


def test_adjusted_counts():
    """Every n-gram of a small text, counted by hand."""
    a, b = 3, 4
    counts = ngram_counts.count([[a, b, a, -1], [b, -1]], words=5, order=3)
    keys, adjusted = (kneser_ney.adjust(counts).__dict__[n] for n in ("keys", "counts"))
    spelled = [
        {_spell(key, 3, n + 1): int(number) for key, number in zip(*level, strict=True)}
        for n, level in enumerate(zip(keys, adjusted, strict=True))
    ]
    assert spelled[0] == {(0,): 0, (1,): 0, (2,): 2, (a,): 2, (b,): 2}
    assert spelled[1] == {
        (1, a): 1,
        (1, b): 1,
        (a, b): 1,
        (b, a): 1,
        (a, 2): 1,
        (b, 2): 1,
    }
    assert spelled[2] == {(1, a, b): 1, (a, b, a): 1, (b, a, 2): 1, (1, b, 2): 1}


def _spell(key, bits, length):
    key = int(key)
    return tuple(key >> bits * (length - 1 - i) & (2**bits - 1) for i in range(length))


@pytest.mark.parametrize("order", [1, 2, 3, 5])
def test_counts_in_pieces_are_the_counts_at_once(order, tmp_path):
    rng = np.random.default_rng(order)
    streams = [
        np.append(rng.integers(3, 9, rng.integers(0, 7)), -1) for _ in range(300)
    ]
    whole = ngram_counts.count([np.concatenate(streams)], 9, order)
    pieces = ngram_counts.count(streams, 9, order, tmp_path, piece=50)
    assert len(list(tmp_path.iterdir())) > 2 * order
    for level in range(order):
        np.testing.assert_array_equal(whole.keys[level], pieces.keys[level])
        np.testing.assert_array_equal(whole.counts[level], pieces.counts[level])
        assert (np.diff(whole.keys[level].astype(int)) > 0).all()


@pytest.mark.parametrize("limit", [1, 7, 100, 10**6])
def test_merge_adds_up(limit):
    rng = np.random.default_rng(limit)
    parts, expected = [], Counter()
    for size in (0, 1, 50, 400):
        keys = np.unique(rng.integers(0, 500, size)).astype(np.uint64)
        counts = rng.integers(1, 5, len(keys))
        expected.update(dict(zip(keys.tolist(), counts.tolist(), strict=True)))
        parts.append((keys, counts))
    keys, counts = ngram_counts.merge(parts, limit)
    assert keys.tolist() == sorted(expected)
    assert counts.tolist() == [expected[key] for key in sorted(expected)]


def test_how_often_something_follows():
    sentences = [[3, 4, 3, -1], [4, -1], [3, 4, 4, -1]]
    counts = ngram_counts.count(sentences, words=5, order=3)
    keys = kneser_ney.adjust(counts).keys
    follows = Counter()
    for one in sentences:
        framed = [1, *one[:-1], 2]
        follows.update((word,) for word in framed[:-1])
        follows.update(itertools.pairwise(framed[:-1]))
    totals = ngram_counts.context_totals(counts, keys[:-1])
    for level in range(2):
        for key, total in zip(keys[level], totals[level], strict=True):
            assert total == follows[_spell(key, 3, level + 1)]


def test_too_many_words_for_a_key():
    with pytest.raises(ngram_counts.CountError, match="--order or --vocabulary"):
        ngram_counts.bits_of(2**17, 4)
    assert ngram_counts.bits_of(2**16, 4) == 16
    assert ngram_counts.bits_of(2**16 + 1, 3) == 17
    assert ngram_counts.bits_of(4, 3) == 2


def test_a_stream_that_ends_within_a_sentence():
    with pytest.raises(ngram_counts.CountError, match="-1"):
        ngram_counts.count([[3, 4]], words=5, order=2)


@pytest.mark.parametrize("order", [1, 2, 3])
@pytest.mark.parametrize("sentences", [[], [[]], [[], []]])
def test_text_without_words(order, sentences):
    model = from_sentences(sentences, order)
    assert model.words == language_model.SPECIAL_WORDS
    total = probability(model, END, []) + probability(model, "<unk>", [])
    assert total == pytest.approx(1)
