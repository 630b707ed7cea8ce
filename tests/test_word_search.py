"""One-pass search against all sentences of small cases; chunks, memory, bad input."""

import itertools
import math

import numpy as np
import pytest
from test_beam import random_log_probs
from toy_language import model_of

from zhasr import (
    ctc,
    decoding,
    label_tree,
    language_model,
    lexicon,
    token_passing,
    vocabulary,
    word_search,
)

pytestmark = pytest.mark.slow  # compiles the searches

ALL = {"width": 2000, "margin": math.inf, "most": None, "least": 0.0}
SYLLABLES = vocabulary.Vocabulary("syllable", ("<blank>", "ma1", "ma2", "shi4"))
WORDS = ("妈", "妈妈", "麻", "事", "世")
# Ways to say them: labels, word, log weight. 事 and 世 sound alike, 妈妈 is said twice.
SPOKEN = [
    (("ma1",), "妈", -0.1),
    (("ma1", "ma1"), "妈妈", -0.4),
    (("ma1", "ma2"), "妈妈", -1.2),
    (("ma2",), "麻", 0.0),
    (("shi4",), "事", -0.2),
    (("shi4",), "世", -0.3),
]


def small_tree(model, labels=SYLLABLES, spoken=SPOKEN):
    entries = [
        (said, model.index[word], log_weight) for said, word, log_weight in spoken
    ]
    tables, _ = lexicon.tree(entries, ("", *labels.labels[1:]))
    roots = label_tree.roots(tables, len(labels))
    numbers = np.arange(len(model.words), dtype=np.int32)
    lengths = np.array([len(word) for word in model.words], np.uint8)
    return label_tree.LabelTree(
        tables, roots, numbers, lengths, model.words, labels, model
    )


def small_model(rng, order, share=1.0):
    names = (*language_model.SPECIAL_WORDS, *WORDS)
    return model_of(names, rng, order, share)


def every_sentence(log_probs, tree, options):
    """Exact score of every sentence, by brute force: dict of words to float."""
    ways = {word: [] for word in WORDS}
    for said, word, log_weight in SPOKEN:
        ways[word].append((tree.vocabulary.encode(said).tolist(), log_weight))
    scores = {}
    for length in range(len(log_probs) + 1):
        for words in itertools.product(WORDS, repeat=length):
            language = options.language_weight * tree.model.score(list(words))
            total = -np.inf
            for said in itertools.product(*(ways[word] for word in words)):
                labels = list(itertools.chain(*(labels for labels, _ in said)))
                sound = ctc.log_likelihood(log_probs, labels)
                total = np.logaddexp(total, sound + sum(weight for _, weight in said))
            syllables = len("".join(words))
            bonus = options.word_bonus * length + options.syllable_bonus * syllables
            scores[words] = total + language + bonus
    return {words: score for words, score in scores.items() if score > -np.inf}


def texts(hypothesis):
    return tuple(word.text for word in hypothesis.words)


@pytest.mark.parametrize("seed", range(12))
def test_every_sentence_has_its_exact_score(seed):
    rng = np.random.default_rng(seed)
    tree = small_tree(small_model(rng, order=5))  # remembers all, so nothing is merged
    log_probs = random_log_probs(rng, int(rng.integers(0, 5)), 4)
    options = word_search.Options(language_weight=0.7, word_bonus=0.5, **ALL)
    expected = every_sentence(log_probs, tree, options)
    found = word_search.search(log_probs, tree, count=1000, options=options)
    assert {texts(each) for each in found} == set(expected)
    for each in found:
        assert each.score == pytest.approx(expected[texts(each)], abs=1e-4)
    assert found == sorted(found, key=lambda each: -each.score)


def test_the_blank_penalty_is_that_of_the_posteriors():
    rng = np.random.default_rng(0)
    tree = small_tree(small_model(rng, order=5))
    log_probs = random_log_probs(rng, 4, 4)
    options = word_search.Options(blank_penalty=1.5, **ALL)
    changed = decoding.without_some_blank(log_probs, 1.5)
    expected = every_sentence(changed, tree, options)
    best = word_search.search(log_probs, tree, count=1000, options=options)[0]
    assert texts(best) == max(expected, key=expected.get)
    assert best.score == pytest.approx(expected[texts(best)], abs=1e-4)


@pytest.mark.parametrize("seed", range(12))
def test_what_is_merged_loses_little(seed):
    rng = np.random.default_rng(seed)
    tree = small_tree(small_model(rng, order=2, share=0.5))
    log_probs = random_log_probs(rng, 4, 4)
    options = word_search.Options(**ALL)
    expected = every_sentence(log_probs, tree, options)
    found = word_search.search(log_probs, tree, count=20, options=options)
    assert texts(found[0]) == max(expected, key=expected.get)
    assert found[0].score == pytest.approx(expected[texts(found[0])], abs=0.1)
    for each in found[:5]:
        assert each.score == pytest.approx(expected[texts(each)], abs=0.5)
    assert len({texts(each) for each in found}) == 20


@pytest.mark.parametrize("seed", range(10))
def test_confidence_is_the_share_of_the_sentences_with_the_word(seed):
    rng = np.random.default_rng(seed)
    tree = small_tree(small_model(rng, order=5))
    log_probs = random_log_probs(rng, 2, 4)  # so short that a word has one place
    options = word_search.Options(language_weight=0.7, **ALL)
    expected = every_sentence(log_probs, tree, options)
    total = np.logaddexp.reduce(list(expected.values()))
    best = word_search.search(log_probs, tree, options=options)[0]
    for word in best.words:
        having = [score for words, score in expected.items() if word.text in words]
        share = math.exp(np.logaddexp.reduce(having) - total)
        assert word.confidence == pytest.approx(share, abs=1e-4)


@pytest.mark.parametrize("seed", range(16))
def test_chunks_of_any_size_change_nothing(seed, monkeypatch):
    rng = np.random.default_rng(seed)
    tree = small_tree(small_model(rng, order=3, share=0.4))
    log_probs = random_log_probs(rng, 150, 4, sharpness=3.0)
    options = word_search.Options(width=int(rng.integers(4, 40)), margin=12.0)
    whole = word_search.WordSearch(tree, options)
    whole.push(log_probs)
    pieces = word_search.WordSearch(tree, options)
    make_room, calls = token_passing.make_room, []
    for chunk in np.split(log_probs, np.sort(rng.integers(0, 151, size=12))):
        # Forgetting more often than is needed must not change anything either.
        pieces.push(chunk)
        pieces._search = make_room(pieces._search)
        calls.append(pieces.result())
    assert pieces.result(5) == whole.result(5)
    assert calls[-1] == whole.result()


def test_memory_grows_with_what_was_said_only():
    rng = np.random.default_rng(0)
    tree = small_tree(small_model(rng, order=3))
    search = word_search.WordSearch(tree, word_search.Options(width=32, margin=10.0))
    sizes = []
    for _ in range(40):
        search.push(random_log_probs(rng, 100, 4, sharpness=4.0))
        held = (search._search.records, search._search.others)
        sizes.append(sum(array.nbytes for array in held))
    # 25 frames a second: ten minutes of this would take less than 64 MiB.
    assert sizes[-1] / 4000 * 25 * 600 < 64 << 20
    words = search.result()[0].words
    assert words[-1].end > 3990
    assert all(one.end <= two.start for one, two in itertools.pairwise(words))


def planted(path, labels, peak=0.9):
    """Log probabilities whose likeliest labels are the given path."""
    probs = np.full((len(path), labels), (1 - peak) / (labels - 1))
    probs[np.arange(len(path)), path] = peak
    return np.log(probs)


def even_model(names=(*language_model.SPECIAL_WORDS, *WORDS)):
    """A language model in which all words are alike."""
    return model_of(names, np.random.default_rng(0), order=1, values=(-2.0, -2.0))


def test_words_come_with_syllables_and_times():
    tree = small_tree(even_model())
    log_probs = planted([0, 1, 0, 0, 2, 2, 0, 3, 0], 4)
    best = word_search.search(log_probs, tree)[0]
    assert best.text == "妈妈事"
    assert best.syllables == ("ma1", "ma2", "shi4")
    assert [(word.text, word.start, word.end) for word in best.words] == [
        ("妈妈", 1, 6),
        ("事", 7, 8),
    ]
    said = best.words[0].syllables
    assert [(one.text, one.start, one.end) for one in said] == [
        ("ma1", 1, 2),
        ("ma2", 4, 6),
    ]
    assert said[1].probability == pytest.approx(0.9, abs=1e-3)
    # 事 and 世 sound alike; only their weights in the lexicon differ.
    assert best.words[1].confidence == pytest.approx(1 / (1 + math.exp(-0.1)), abs=0.05)


def test_the_sound_is_in_doubt_the_language_is_not():
    names = (*language_model.SPECIAL_WORDS, *WORDS)
    keys = {("妈",): -2.0, ("麻",): -2.0, ("事",): -3.0, ("世",): -3.0}
    keys |= {("妈", "世"): -0.1, ("麻", "事"): -0.1}
    tree = small_tree(model_of(names, np.random.default_rng(0), known=keys))
    doubt = np.log([[0.05, 0.6, 0.34, 0.01], [0.9, 0.04, 0.03, 0.03]])
    sure = np.log([[0.05, 0.02, 0.02, 0.91]])
    log_probs = np.concatenate([doubt, sure])
    assert decoding.greedy(log_probs)[0].label == 1
    found = word_search.search(log_probs, tree, count=2)
    assert [each.text for each in found] == ["妈世", "麻事"]
    # Now the language knows only one of them.
    del keys["妈", "世"]
    tree = small_tree(model_of(names, np.random.default_rng(0), known=keys))
    best = word_search.search(log_probs, tree)[0]
    assert (best.text, best.syllables) == ("麻事", ("ma2", "shi4"))


@pytest.mark.parametrize(
    "log_probs, expected",
    [
        (np.zeros((0, 4)), ""),
        (planted([0], 4, peak=0.999), ""),
        (planted([0] * 60, 4, peak=0.9999), ""),
        (planted([1], 4), "妈"),
        (planted([1, 0, 1], 4).astype(np.float16), "妈妈"),
        (np.where(np.eye(4)[[0, 3, 0, 2]] > 0, 0.0, -np.inf), "事麻"),
    ],
)
def test_edges(log_probs, expected):
    assert word_search.search(log_probs, small_tree(even_model()))[0].text == expected


def test_impossible_frames_leave_nothing():
    impossible = np.full((2, 4), -np.inf)
    search = word_search.WordSearch(small_tree(even_model()))
    search.push(impossible)
    search.push(planted([1, 0], 4))
    assert search.result(3) == []


@pytest.mark.parametrize("seed", range(5))
def test_noise_gives_something(seed):
    rng = np.random.default_rng(seed)
    tree = small_tree(small_model(rng, order=3, share=0.3))
    log_probs = random_log_probs(rng, 200, 4, sharpness=0.3 + seed)
    found = word_search.search(log_probs, tree, count=5)
    assert 1 <= len(found) <= 5
    for each in found:
        assert set(texts(each)) <= set(WORDS)
        assert all(0 <= word.confidence <= 1 for word in each.words)


def test_labels_of_one_kind_only():
    one = vocabulary.Vocabulary("syllable", ("<blank>", "shi4"))
    tree = small_tree(even_model(), one, [(("shi4",), "事", 0.0)])
    assert word_search.search(planted([0, 1, 0, 1], 2), tree)[0].text == "事事"


@pytest.mark.parametrize(
    "log_probs, reason",
    [
        (np.full((2, 4), np.nan), "NaN in frame 0"),
        (np.zeros((2, 5)), "expected 4 labels"),
        (np.zeros(4), r"\(frames, labels\)"),
        (np.ones((2, 4)), "log_softmax"),
    ],
)
def test_bad_input_is_named(log_probs, reason):
    with pytest.raises(ValueError, match=reason):
        word_search.search(log_probs, small_tree(even_model()))


def test_padding_is_not_searched():
    log_probs = planted([1, 0, 2], 4)
    log_probs[1:] = np.nan
    tree = small_tree(even_model())
    assert word_search.search(log_probs, tree, length=1)[0].text == "妈"
    with pytest.raises(ValueError, match="length of 0 to 3"):
        word_search.search(log_probs, tree, length=4)


def test_negative_weights_are_refused():
    with pytest.raises(ValueError, match="language weight of at least 0"):
        word_search.Options(language_weight=-0.1)
