"""Syllables to characters, against all paths written out one by one."""

import dataclasses
import itertools
import math
import tracemalloc

import numpy as np
import pytest
import toy_language

from zhasr import adaptation, hanzi, language_model, lexicon, pinyin

pytestmark = pytest.mark.slow  # compiles the searches

# Words of a toy lexicon: their readings with probabilities.
READINGS = {
    "你": {"ni3": 1.0},
    "好": {"hao3": 0.8, "hao4": 0.2},
    "你好": {"ni3 hao3": 1.0},
    "号": {"hao4": 1.0},
    "拟": {"ni3": 1.0},
    "泥": {"ni2": 1.0},
    "吗": {"ma5": 1.0},
    "马": {"ma3": 1.0},
    "好马": {"hao3 ma3": 1.0},
    "一": {"一": 1.0},
    "一个": {"一 ge4": 0.7, "一 ge5": 0.3},
    "个": {"ge4": 0.6, "ge5": 0.4},
    "意": {"yi4": 1.0},
    "不": {"不": 1.0},
    "步": {"bu4": 1.0},
    "儿": {"儿": 1.0},
    "儿马": {"儿 ma3": 1.0},
}
WORDS = (*language_model.SPECIAL_WORDS, *READINGS)
SPOKEN = "ni2 ni3 ni hao3 hao4 hao ma3 ma5 ma yi1 yi2 yi4 ge4 ge5 bu2 bu4 er2 er5"
WEIGHTS = hanzi.Weights(
    language=0.8, word=0.3, reading=1.5, sandhi=0.7, neutral=1.1, characters=0.0
)


def toy_lexicon():
    entries = [
        (tuple(reading.split()), WORDS.index(word), math.log(share))
        for word, found in READINGS.items()
        for reading, share in found.items()
    ]
    tables, symbols = lexicon.tree(entries)
    fingerprint = lexicon.fingerprint(WORDS)
    return lexicon.Lexicon(tables, symbols, len(WORDS), "", fingerprint)


def toy(seed=0, order=3, **changed):
    rng = np.random.default_rng(seed)
    model = toy_language.model_of(WORDS, rng, order)
    weights = dataclasses.replace(WEIGHTS, **changed)
    return hanzi.Language(model, toy_lexicon(), weights)


def with_characters(language, seed=0):
    names = sorted(set("".join(READINGS)))
    rng = np.random.default_rng(seed + 1000)
    model = toy_language.model_of((*language_model.SPECIAL_WORDS, *names), rng, 3)
    weights = dataclasses.replace(language.weights, characters=0.6)
    return dataclasses.replace(language, characters=model, weights=weights)


def random_syllables(rng, most=6):
    return rng.choice(SPOKEN.split(), rng.integers(0, most)).tolist()


def heard_penalty(language, reading, syllables, place):
    """What it costs that a reading was heard so; None if it cannot be."""
    numbers, penalties = language.lexicon.numbers, language.weights.penalties
    following, total = [*syllables, ""], 0.0
    for offset, symbol in enumerate(reading):
        heard = following[place + offset : place + offset + 2]
        kinds = dict(language.lexicon.alternatives(*heard))
        if numbers[symbol] not in kinds:
            return None
        total += penalties[kinds[numbers[symbol]]]
    return total


def fitting(language, syllables, place):
    """Words that fit from a place on: (word, end, score)."""
    for word, found in READINGS.items():
        scores = []
        if place + len(word) <= len(syllables):
            for text, share in found.items():
                penalty = heard_penalty(language, text.split(), syllables, place)
                if penalty is not None:
                    scores.append(language.weights.reading * math.log(share) - penalty)
        if scores:
            yield word, place + len(word), max(scores)


def all_paths(language, syllables, begin=True, end=True):
    """Every way to cut and write the syllables: (score, words)."""

    def extend(place):
        if place == len(syllables):
            yield 0.0, ()
        for word, after, score in fitting(language, syllables, place):
            for rest, words in extend(after):
                yield score + rest, (word, *words)

    weights = language.weights
    for score, words in extend(0):
        score += weights.language * language.model.score(words, begin, end)
        score += weights.word * len(words)
        if language.characters:
            text = "".join(words)
            one = language.characters.score(text, begin, end)
            score += weights.characters * one
        yield score, words


def best_of_texts(paths):
    """The texts with their best scores, best first."""
    best = {}
    for score, words in paths:
        text = "".join(words)
        best[text] = max(best.get(text, -math.inf), score)
    return sorted(best.items(), key=lambda item: -item[1])


@pytest.mark.parametrize("seed", range(40))
@pytest.mark.parametrize("characters", [False, True])
def test_the_best_of_all_paths(seed, characters):
    rng = np.random.default_rng(seed)
    language = toy(seed, order=1 + seed % 4)
    if characters:
        language = with_characters(language, seed)
    syllables = random_syllables(rng)
    paths = list(all_paths(language, syllables))
    expected = best_of_texts(paths)
    found = hanzi.convert(syllables, language, hanzi.EXACT)
    assert (found.text, pytest.approx(found.score, abs=1e-4)) == expected[0]
    assert any(
        words == tuple(word.text for word in found.words)
        and score == pytest.approx(found.score, abs=1e-4)
        for score, words in paths
    )
    # The default beam loses nothing on so small a lattice.
    assert hanzi.convert(syllables, language).text == found.text


@pytest.mark.parametrize("seed", range(40))
@pytest.mark.parametrize("characters", [False, True])
def test_n_best_are_the_best_texts(seed, characters):
    rng = np.random.default_rng(seed + 500)
    language = toy(seed)
    if characters:
        language = with_characters(language, seed)
    syllables = random_syllables(rng)
    expected = best_of_texts(all_paths(language, syllables))
    found = hanzi.n_best(syllables, language, len(expected) + 5, hanzi.EXACT)
    assert len(found) == len(expected)
    assert len({one.text for one in found}) == len(found)
    assert [one.score for one in found] == sorted(
        (o.score for o in found), reverse=True
    )
    scores = dict(expected)
    for one, (_, score) in zip(found, expected, strict=True):
        assert one.score == pytest.approx(score, abs=1e-4)
        assert one.score == pytest.approx(scores[one.text], abs=1e-4)
    best = hanzi.convert(syllables, language, hanzi.EXACT)
    assert (found[0].text, found[0].words) == (best.text, best.words)


@pytest.mark.parametrize("seed", range(30))
@pytest.mark.parametrize("characters", [False, True])
def test_consensus_sums_all_paths(seed, characters):
    rng = np.random.default_rng(seed + 900)
    language = toy(seed, consensus=0.6)
    if characters:
        language = with_characters(language, seed)
    syllables = random_syllables(rng)
    shares = [{} for _ in syllables]
    paths = list(all_paths(language, syllables))
    best = max(score for score, _ in paths)
    total = sum(math.exp(0.6 * (score - best)) for score, _ in paths)
    for score, words in paths:
        for place, character in enumerate("".join(words)):
            votes = shares[place]
            share = math.exp(0.6 * (score - best)) / total
            votes[character] = votes.get(character, 0) + share
    found = hanzi.consensus(syllables, language, hanzi.EXACT)
    assert found.text == "".join(max(one, key=one.get) for one in shares)
    expected = [max(one.values()) for one in shares]
    assert found.confidences == pytest.approx(expected, abs=1e-3)
    assert "".join(word.text for word in found.words) == found.text
    likeliest = hanzi.convert(syllables, language, hanzi.EXACT)
    assert [(w.start, w.end) for w in found.words] == [
        (w.start, w.end) for w in likeliest.words
    ]


def test_words_cover_the_syllables():
    found = hanzi.convert("ni2 hao3 ma5".split(), toy())
    ends = [0, *(word.end for word in found.words)]
    assert ends[:-1] == [word.start for word in found.words] and ends[-1] == 3


@pytest.mark.parametrize("options", [hanzi.Options(), hanzi.EXACT])
def test_nothing_and_one_syllable(options):
    language = toy()
    nothing = hanzi.convert([], language, options)
    end = language.weights.language * language.model.score([])
    assert nothing == hanzi.Hanzi("", (), pytest.approx(end, abs=1e-5))
    assert [one.text for one in hanzi.n_best([], language, 3, options)] == [""]
    assert hanzi.consensus([], language, options).confidences == ()
    assert hanzi.convert(["ma5"], language, options).text in "吗马"


def test_what_is_no_syllable_is_near_or_stays():
    language = toy()
    assert hanzi.convert(["?hao3"], language).text in ("好", "号")
    assert hanzi.convert(["hao1"], language).text in ("好", "号")  # no word has it
    for strange in ("zzz", "?xyz4", "A", "?", "??", "", " ", "9", "Ω", "你"):
        found = hanzi.convert(["ni3", strange, "ma5"], language)
        assert found.words[-1].end == 3 and found.score > -1e4, strange
    found = hanzi.convert(["?xyzw4", "ma3"], language)
    assert found.text == "xyzw4马"
    assert [one.text for one in hanzi.n_best(["?A", "ma3"], language, 1)] == ["A马"]


def test_erhua_in_one_syllable_is_two_characters():
    found = hanzi.convert(["mar3"], toy(sandhi=0, neutral=0))
    assert found.text == "马儿"
    assert {(word.start, word.end) for word in found.words} == {(0, 1)}


def test_spoken_and_written_tones():
    language = toy(language=0.0, word=-1.0)
    for spoken in ("ni2 hao3", "ni3 hao3", "ni hao"):
        assert hanzi.convert(spoken.split(), language).text == "你好"
    for spoken in ("yi2 ge4", "yi1 ge4", "yi2 ge5", "yi ge"):
        assert hanzi.convert(spoken.split(), language).text == "一个"
    assert hanzi.convert(["bu2", "hao4"], language).text[0] == "不"
    assert hanzi.convert(["ma4"], language).text in "吗马"  # another tone, if it must
    any_tone = hanzi.Options(any_tone=True)
    assert hanzi.convert(["ni4", "hao1"], language, any_tone).text == "你好"


@pytest.mark.parametrize("bad", [{"beam": math.nan}, {"nodes": 0}, {"width": -1.0}])
def test_a_search_that_could_find_nothing_is_refused(bad):
    with pytest.raises(ValueError, match="at least"):
        hanzi.Options(**bad)


def test_a_narrow_beam_still_finds_a_way():
    rng = np.random.default_rng(3)
    for seed in range(20):
        language = with_characters(toy(seed), seed)
        syllables = random_syllables(rng, 12)
        best = hanzi.convert(syllables, language, hanzi.EXACT).score
        for options in (
            hanzi.Options(beam=0.0, width=0.0),
            hanzi.Options(nodes=1),
            hanzi.Options(nodes=2, beam=1.0, width=1.0),
        ):
            found = hanzi.convert(syllables, language, options)
            assert len(found.text) == len(syllables)
            assert found.score <= best + 1e-4
            assert len(hanzi.consensus(syllables, language, options).text) == len(
                syllables
            )


@pytest.mark.parametrize("begin", [False, True])
@pytest.mark.parametrize("end", [False, True])
def test_pieces_of_a_sentence(begin, end):
    language = with_characters(toy(5))
    options = dataclasses.replace(hanzi.EXACT, begin=begin, end=end)
    syllables = ["ni3", "ma5", "hao3"]
    expected = best_of_texts(all_paths(language, syllables, begin, end))[0]
    found = hanzi.convert(syllables, language, options)
    assert (found.text, pytest.approx(found.score, abs=1e-4)) == expected


# The user's words and text


def test_a_new_word():
    language = toy()
    before = hanzi.convert("ni3 hao3 ma3".split(), language)
    added = hanzi.add_words(
        language, {"拟好码": 30.0}, {"拟好码": [["ni3", "hao3", "ma3"]]}
    )
    found = hanzi.convert("ni2 hao2 ma3".split(), added)
    assert [(word.text, word.start, word.end) for word in found.words] == [
        ("拟好码", 0, 3)
    ]
    assert hanzi.n_best("ni3 hao3 ma3".split(), added, 1)[0].text == "拟好码"
    assert hanzi.consensus("ni3 hao3 ma3".split(), added).text == "拟好码"
    assert hanzi.convert("ni3 hao3 ma3".split(), language) == before  # as it was
    refused = hanzi.add_words(added, {"拟好码": -30.0})
    assert hanzi.convert("ni3 hao3 ma3".split(), refused).text == before.text


def test_a_known_word_becomes_likelier_by_its_weight():
    language = toy(2)
    scores = dict(best_of_texts(all_paths(language, ["ni3"])))
    for weight in (-2.0, 0.0, 3.0):
        added = hanzi.add_words(language, {"拟": weight})
        found = hanzi.n_best(["ni3"], added, 9, hanzi.EXACT)
        changed = {one.text: one.score for one in found}
        assert changed["拟"] == pytest.approx(scores["拟"] + weight, abs=1e-3)
        assert changed["你"] == pytest.approx(scores["你"], abs=1e-4)


def test_a_new_word_without_weight_is_as_likely_as_the_rarest():
    language = toy(1, order=2, language=1.0, word=0.0)
    added = hanzi.add_words(language, {"妮": 0.0}, {"妮": [["ni3"]]})
    middle = dataclasses.replace(hanzi.EXACT, begin=False, end=False)
    found = {one.text: one.score for one in hanzi.n_best(["ni3"], added, 9, middle)}
    rarest = min(language.model.score([word], False, False) for word in READINGS)
    assert found["妮"] == pytest.approx(rarest, abs=1e-4)


def test_a_new_word_has_the_reading_of_the_dictionary():
    language = toy()
    added = hanzi.add_words(language, {"泥马": 30.0})
    assert hanzi.convert("ni2 ma3".split(), added).words[0].text == "泥马"


@pytest.mark.parametrize(
    ("words", "readings", "told"),
    [
        ({"": 1.0}, {}, "hanzi"),
        ({"A股": 1.0}, {}, "A股"),
        ({"3": 1.0}, {}, "hanzi"),
        ({"。": 1.0}, {}, "hanzi"),
        ({"你 好": 1.0}, {}, "hanzi"),
        ({"泥马": 1.0}, {"泥马": [["ni2"]]}, "2 toned syllables"),
        ({"泥马": 1.0}, {"泥马": [["ni2", "xx"]]}, "xx"),
        ({"泥马": 1.0}, {"泥马": [["ni2", "ma"]]}, "ni2 ma"),
        ({"泥马": "x"}, {}, "weight"),
        ({"泥马": math.nan}, {}, "weight"),
        ({"泥马": 1e308}, {}, "at most 1000"),
    ],
)
def test_words_that_cannot_be_added(words, readings, told):
    with pytest.raises(ValueError, match=told):
        hanzi.add_words(toy(), words, readings)


def mixed_score(language, words):
    """The language model and the user's bigrams, interpolated word by word."""
    share, lines = language.user.text.share, language.user.lines
    sentences = [["<s>", *adaptation.segment(line), "</s>"] for line in lines]
    pairs = [pair for one in sentences for pair in itertools.pairwise(one)]
    followers = [after for _, after in pairs]
    total = 0.0
    row = language.model.log_probs(words)
    for log_prob, (before, word) in zip(
        row, itertools.pairwise(["<s>", *words, "</s>"]), strict=True
    ):
        unigram = followers.count(word) / len(followers)
        same = [after for first, after in pairs if first == before]
        if same:
            found = max(same.count(word) - adaptation.DISCOUNT, 0) / len(same)
            left = adaptation.DISCOUNT * len(set(same)) / len(same)
            probability = found + left * unigram
        else:
            probability = unigram
        total += math.log((1 - share) * math.exp(log_prob) + share * probability)
    return total


@pytest.mark.parametrize("seed", range(20))
def test_text_is_interpolated(seed):
    rng = np.random.default_rng(seed + 70)
    syllables = random_syllables(rng, 5)
    language = toy(seed, language=1.0)
    language = hanzi.add_text(language, ["你好吗", "好马一个，你好"], 0.4)
    weights = language.weights
    best = {}
    for score, words in all_paths(language, syllables):
        score += mixed_score(language, words)
        score -= weights.language * language.model.score(words)
        text = "".join(words)
        best[text] = max(score, best.get(text, -math.inf))
    found = hanzi.n_best(syllables, language, 1000, hanzi.EXACT)
    for one in found:
        assert one.score == pytest.approx(best[one.text], abs=1e-3)
    assert len(found) == len(best)


def test_text_changes_what_is_likely():
    language = toy(language=1.0)
    texts = {one.text for one in hanzi.n_best(["ni3", "hao4"], language, 9)}
    for text in texts:
        adapted = hanzi.add_text(language, [text] * 3, 0.95)
        assert hanzi.convert(["ni3", "hao4"], adapted).text == text
    forgotten = hanzi.add_text(hanzi.add_text(language, ["拟号"], 0.9), [])
    syllables = "ni3 hao4 ma5".split()
    assert hanzi.convert(syllables, forgotten) == hanzi.convert(syllables, language)


def test_a_word_of_the_text_that_the_model_lacks():
    language = hanzi.add_words(toy(), {"拟好马": 0.0})
    adapted = hanzi.add_text(language, ["拟好马，吗"] * 3, 0.99)
    found = hanzi.convert("ni3 hao3 ma3".split(), adapted)
    assert [word.text for word in found.words] == ["拟好马"]
    assert hanzi.convert("ni3 hao3 ma3".split(), language).text  # no weight, no error


@pytest.mark.parametrize("share", [-0.1, 1.0, 2.0])
def test_a_share_is_below_one(share):
    with pytest.raises(ValueError, match="share"):
        hanzi.add_text(toy(), ["你好"], share)


# Files


def test_a_language_folder(tmp_path):
    language = with_characters(toy())
    language_model.save(tmp_path / language_model.NAME, language.model)
    lexicon.save(tmp_path / lexicon.NAME, language.lexicon)
    plain = hanzi.load(tmp_path)
    assert plain.weights == hanzi.Weights() and plain.characters is None
    language_model.save(tmp_path / hanzi.CHARACTERS_NAME, language.characters)
    hanzi.save_weights(tmp_path, language.weights)
    loaded = hanzi.load(tmp_path)
    assert loaded.weights == language.weights
    syllables = "ni3 hao3 ma5 yi1 ge5".split()
    found, expected = (hanzi.convert(syllables, one) for one in (loaded, language))
    assert found.text == expected.text
    assert found.score == pytest.approx(expected.score, abs=0.1)  # weights are rounded


@pytest.mark.parametrize(
    "content",
    [
        *("", "[]", "{", '{"beam": 3}', '{"word": "x"}', '{"word": NaN}'),
        *('{"tone": 1e400}', '{"language": -1}', '{"word": 1%s}' % ("0" * 400)),
    ],
)
def test_damaged_weights(tmp_path, content):
    (tmp_path / hanzi.WEIGHTS_NAME).write_text(content)
    with pytest.raises(hanzi.WeightsError, match=hanzi.WEIGHTS_NAME):
        hanzi.load_weights(tmp_path)


def test_a_lexicon_of_another_model():
    language = toy()
    other = toy_language.model_of((*WORDS, "它"), np.random.default_rng(0))
    with pytest.raises(lexicon.LexiconError, match="built from"):
        hanzi.Language(other, language.lexicon)


# Size


@pytest.mark.slow
def test_ten_thousand_syllables_in_bounded_memory():
    language = with_characters(toy(4))
    rng = np.random.default_rng(0)
    syllables = rng.choice(SPOKEN.split(), 10_000).tolist()
    hanzi.convert(syllables[:50], language)  # compiled
    tracemalloc.start()
    found = hanzi.convert(syllables, language)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(found.text) == 10_000
    assert peak < 200e6, f"{peak / 1e6:.0f} MB"
    half = hanzi.convert(syllables[:5000], language).text
    assert found.text[:4900] == half[:4900]


def test_every_syllable_has_a_hanzi():
    words = (*language_model.SPECIAL_WORDS, "的")
    model = toy_language.model_of(words, np.random.default_rng(0))
    language = hanzi.Language(model, lexicon.build(words, [0, 0, 0, 1]))
    syllables = sorted(pinyin.SYLLABLES)
    toned = [base + str(1 + place % 5) for place, base in enumerate(syllables)]
    for wanted in (syllables, toned):
        found = hanzi.convert(wanted, language)
        assert len(found.text) == len(wanted)
        assert pinyin.has_only_hanzi(found.text)
