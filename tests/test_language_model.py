"""Models walked against plain dicts, saved, loaded, damaged."""

import json
import math
import pickle
import time

import numpy as np
import pytest
import safetensors.numpy

from data_prep import kneser_ney, ngram_counts, pruning
from data_prep.build_language_model import finish, from_sentences
from zhasr import language_model, mapped_arrays, ngram_trie

SENTENCES = [
    "今天 天气 很 好",
    "今天 天气 不 好",
    "明天 天气 会 很 好",
    "你 今天 好 吗",
    "很 好",
]
SENTENCES = [sentence.split() for sentence in SENTENCES]


@pytest.fixture
def model():
    return from_sentences(SENTENCES, order=3)


def estimated(order, words=9, seed=0, count=40):
    """A model with dense counts, and its values in dicts: {ngram: logarithm}."""
    rng = np.random.default_rng(seed)
    streams = [
        np.append(rng.integers(3, words, rng.integers(0, 8)), -1) for _ in range(count)
    ]
    counts = kneser_ney.adjust(ngram_counts.count(streams, words, order))
    return kneser_ney.estimate(counts)


def as_dicts(model):
    def spell(key, level):
        shifts = range(model.bits * level, -1, -model.bits)
        return tuple(int(key) >> shift & (2**model.bits - 1) for shift in shifts)

    def together(tables):
        return {
            spell(key, level): float(value)
            for level, values in enumerate(tables)
            for key, value in zip(model.keys[level], values, strict=True)
        }

    return together(model.log_probs), together(model.back_offs)


def by_the_book(log_probs, back_offs, context, word):
    """Katz back-off, as an ARPA file is read."""
    if (*context, word) in log_probs:
        return log_probs[(*context, word)]
    shorter = by_the_book(log_probs, back_offs, context[1:], word)
    return back_offs.get(tuple(context), 0.0) + shorter


def pack(model):
    return ngram_trie.pack(model.bits, model.keys, model.log_probs, model.back_offs)


@pytest.mark.parametrize("pruned", [False, True])
@pytest.mark.parametrize("order", [1, 2, 3, 4, 5])
def test_walking_is_katz_back_off(order, pruned):
    model = estimated(order, seed=order)
    rng = np.random.default_rng(order)
    if pruned:
        wanted = [rng.random(len(keys)) < 0.3 for keys in model.keys]
        model = pruning.prune(model, pruning.keep(model, wanted))
    model = pruning.quantise(model)
    tables = pack(model)
    ngram_trie.check(tables)
    dicts = as_dicts(model)
    for _ in range(40):
        state, said = ngram_trie.EMPTY, ()
        if rng.random() < 0.5:
            state, said = int(ngram_trie.advance(tables, state, 1)[1]), (1,)
        for word in rng.integers(3, model.words, 10).tolist():
            log_prob, state = ngram_trie.advance(tables, state, word)
            context = said[-order + 1 :] if order > 1 else ()
            assert log_prob == pytest.approx(
                by_the_book(*dicts, context, word), abs=1e-5
            )
            said += (word,)


def test_a_state_is_the_longest_context_that_matters(model):
    def state_after(*words):
        state = model.empty
        for number in model.numbers(words).tolist():
            state = language_model.advance(model.tables, state, number)[1]
        return state

    assert state_after("好", "天气") == state_after("天气")  # 好 天气 was never said
    assert state_after("今天", "天气") not in (state_after("天气"), model.empty)
    assert state_after("你", "明天", "天气") == state_after("明天", "天气")
    assert state_after("今天", "什么") == model.empty
    assert state_after("今天", "吗", "</s>") == model.empty  # nothing comes after it
    assert state_after("天气") == model.index["天气"]
    assert model.start == state_after("<s>") == language_model.BEGIN


def test_scores(model):
    words = ["今天", "天气", "好"]
    log_probs = model.log_probs(words)
    assert log_probs.shape == (4,) and log_probs.dtype == np.float32
    assert model.score(words) == pytest.approx(log_probs.sum(), rel=1e-6)
    np.testing.assert_array_equal(model.log_probs(words, end=False), log_probs[:3])
    inside = model.log_probs(words, begin=False, end=False)
    assert inside[0] != log_probs[0] and inside[2] == log_probs[2]
    assert model.score([], end=False) == 0
    assert model.score([]) == model.log_probs([])[0] < 0
    assert model.score(["今天", "天气"]) > model.score(["天气", "今天"])


def test_an_unknown_word_is_unlikely_but_possible(model):
    known, unknown = model.score(["很", "好"]), model.score(["很", "坏"])
    assert -math.inf < unknown < known
    assert model.numbers(["坏", "好"]).tolist() == [0, model.index["好"]]
    # Nothing is remembered of it.
    after = model.log_probs(["坏", "今天"])[1]
    assert after == model.log_probs(["今天"], begin=False)[0]


def test_perplexity(model):
    sentences = [["今天", "很", "好"], [], ["坏"]]
    total = sum(model.score(sentence) for sentence in sentences)
    expected = math.exp(-total / (4 + 1 + 2))
    assert language_model.perplexity(model, sentences) == pytest.approx(expected)
    assert math.isnan(language_model.perplexity(model, []))


# Files


def test_saved_and_loaded(model, tmp_path):
    path = tmp_path / language_model.NAME
    language_model.save(path, model)
    assert [one.name for one in tmp_path.iterdir()] == [language_model.NAME]
    for where in (path, tmp_path, str(path)):
        loaded = language_model.load(where)
        assert loaded.words == model.words and loaded.order == 3
        assert loaded.unit == "word" and loaded.metadata == model.metadata
        assert loaded.start == model.start
        for sentence in [*SENTENCES, ["坏"]]:
            np.testing.assert_array_equal(
                loaded.log_probs(sentence), model.log_probs(sentence)
            )


def test_metadata_comes_back(model, tmp_path):
    made = {"text": {"新闻": 3}, "order": 3}
    model = language_model.LanguageModel(model.words, model.tables, "character", made)
    language_model.save(tmp_path / "a.safetensors", model)
    loaded = language_model.load(tmp_path / "a.safetensors")
    assert loaded.unit == "character" and loaded.metadata == made


def test_large_arrays_are_views_of_the_mapped_file(model, tmp_path):
    language_model.save(tmp_path / language_model.NAME, model)
    tables = language_model.load(tmp_path).tables
    for name, array in tables._asdict().items():
        assert not array.flags.writeable and array.flags.aligned
        copied = name in ("children", "shorter", "back_off_codes")  # of the states
        assert array.flags.owndata == copied


def test_a_loaded_model_is_walked_without_compiling_anew(model, tmp_path):
    language_model.save(tmp_path / language_model.NAME, model)
    model.score(["好"])
    compiled = len(ngram_trie.walk.signatures)
    language_model.load(tmp_path).score(["好"])
    assert len(ngram_trie.walk.signatures) == compiled


def reason(path):
    with pytest.raises(language_model.LanguageModelError) as caught:
        language_model.load(path)
    message = str(caught.value)
    assert "\n" not in message and str(path) in message
    assert "build_language_model" in message
    return message


def test_a_missing_file(tmp_path):
    assert "no such file" in reason(tmp_path / "absent.safetensors")
    with pytest.raises(language_model.LanguageModelError, match=language_model.NAME):
        language_model.load(tmp_path)


def test_every_truncation_is_noticed(model, tmp_path):
    language_model.save(tmp_path / "whole", model)
    content = (tmp_path / "whole").read_bytes()
    path = tmp_path / "truncated"
    for size in [*range(0, 200, 7), *range(200, len(content), 401), len(content) - 1]:
        path.write_bytes(content[:size])
        reason(path)
    path.write_bytes(content + b"\0")
    reason(path)


@pytest.mark.parametrize(
    "content",
    [
        b"\x89PNG\r\n\x1a\n" * 99,
        "今天天气很好\n".encode() * 99,
        b"\0" * 999,
        b"\xff" * 999,
        (3).to_bytes(8, "little") + b"[1]",
        (2).to_bytes(8, "little") + b"{}",
        pickle.dumps({"words": ["<unk>"]}),
        safetensors.numpy.save({"weights": np.ones((3, 4), np.float32)}),
        safetensors.numpy.save({"a": np.ones(3)}, {"format": language_model.FORMAT}),
    ],
)
def test_foreign_files(content, tmp_path):
    path = tmp_path / "foreign"
    path.write_bytes(content)
    reason(path)


def test_a_model_of_another_version(model, tmp_path):
    arrays = {"words": np.zeros(3, np.uint8), **model.tables._asdict()}
    metadata = {"format": "zhasr-language-model-9", "unit": "word", "made": "{}"}
    path = tmp_path / "new"
    path.write_bytes(safetensors.numpy.save(arrays, metadata))
    assert "zhasr-language-model-9" in reason(path)


def test_damaged_tables_are_refused_or_harmless(model, tmp_path):
    """Compiled code does not look where it reads: wrong numbers must not get there."""
    language_model.save(tmp_path / "whole", model)
    content = bytearray((tmp_path / "whole").read_bytes())
    start = 8 + int.from_bytes(content[:8], "little")
    rng = np.random.default_rng(0)
    refused = 0
    for _ in range(300):
        damaged = content.copy()
        for place in rng.integers(start, len(content), 3):
            damaged[place] = rng.integers(256)
        (tmp_path / "damaged").write_bytes(damaged)
        try:
            loaded = language_model.load(tmp_path / "damaged")
        except language_model.LanguageModelError:
            refused += 1
            continue
        for sentence in SENTENCES:
            numbers = rng.integers(0, len(loaded.words), len(sentence))
            ngram_trie.walk(loaded.tables, loaded.start, numbers)
    assert refused > 20


@pytest.mark.parametrize("name", ngram_trie.Tables._fields)
def test_tables_that_lack_values_are_refused(name, model):
    array = getattr(model.tables, name)
    shorter = model.tables._replace(**{name: array[:-1]})
    with pytest.raises(ngram_trie.TablesError):
        ngram_trie.check(shorter)


def test_words_that_do_not_fit_the_tables(model, tmp_path):
    for words in (model.words[:-1], model.words[1:] + ("坏",)):
        other = language_model.LanguageModel(words, model.tables, "word", {})
        language_model.save(tmp_path / "a", other)
        reason(tmp_path / "a")


def test_mapped_arrays_are_those_of_the_safetensors_package(tmp_path):
    rng = np.random.default_rng(0)
    arrays = {
        "a": rng.integers(0, 9, (3, 4)).astype(np.uint8),
        "b": rng.normal(size=(2, 3, 5)).astype(np.float32),
        "empty": np.zeros((0, 3), np.uint16),
        "one": np.array(7, np.int32),
    }
    path = tmp_path / "arrays.safetensors"
    safetensors.numpy.save_file(arrays, path, {"format": "test"})
    loaded, metadata = mapped_arrays.load(path)
    assert metadata == {"format": "test"} and set(loaded) == set(arrays)
    for name, array in safetensors.numpy.load_file(path).items():
        np.testing.assert_array_equal(loaded[name], array)
        assert loaded[name].dtype == array.dtype and not loaded[name].flags.writeable


def test_header_that_points_outside(tmp_path):
    for offsets in ([0, 400], [-4, 0], [4, 0], [0, 3]):
        header = {"a": {"dtype": "F32", "shape": [1], "data_offsets": offsets}}
        text = json.dumps(header).encode()
        path = tmp_path / "a.safetensors"
        path.write_bytes(len(text).to_bytes(8, "little") + text + bytes(4))
        with pytest.raises(mapped_arrays.MappedArraysError, match=r"a\.safetensors"):
            mapped_arrays.load(path)


# Large vocabularies


def test_more_words_than_16_bits_can_count():
    words = 2**16 + 500
    last = words - 1
    streams = [[3, last, last - 1, -1], [last, last - 1, 4, -1]]
    counts = kneser_ney.adjust(ngram_counts.count(streams, words, 3))
    model = pruning.quantise(kneser_ney.estimate(counts))
    tables = pack(model)
    ngram_trie.check(tables)
    assert tables.places.dtype == np.uint32
    log_probs, _ = ngram_trie.walk(tables, 1, np.array([3, last, last - 1, 2]))
    dicts = as_dicts(model)
    said = (1, 3, last, last - 1, 2)
    expected = [
        by_the_book(*dicts, said[max(0, i - 2) : i], said[i]) for i in range(1, 5)
    ]
    np.testing.assert_allclose(log_probs, expected, rtol=1e-5)


def test_an_ngram_without_its_end_is_refused():
    model = pruning.quantise(estimated(3))
    missing = model.contexts(2)[0]  # of the bigrams
    for values in (model.keys, model.log_probs, model.back_offs):
        values[1] = np.delete(values[1], missing)
    with pytest.raises(ngram_trie.TablesError, match="beginning or end"):
        pack(model)


def test_too_many_different_values_are_refused():
    model = estimated(2, words=300, count=3000)
    with pytest.raises(ngram_trie.TablesError, match="quantise"):
        pack(model)


@pytest.mark.slow
def test_a_large_model_opens_at_once(tmp_path):
    words = 60_000
    rng = np.random.default_rng(0)
    zipf = 1 / np.arange(1, words - 2)
    drawn = rng.choice(np.arange(3, words), 2_000_000, p=zipf / zipf.sum())
    drawn[9::10] = -1
    counts = kneser_ney.adjust(ngram_counts.count([drawn], words, 3))
    names = (*language_model.SPECIAL_WORDS, *(f"词{n}" for n in range(words - 3)))
    model = finish(kneser_ney.estimate(counts), names, "word", {})
    language_model.save(tmp_path / language_model.NAME, model)
    assert (tmp_path / language_model.NAME).stat().st_size > 10e6
    seconds = []
    for _ in range(5):
        began = time.perf_counter()
        language_model.load(tmp_path)
        seconds.append(time.perf_counter() - began)
    assert min(seconds) < 0.2


# The five lines of lesson 08


def test_bigram_sums_to_one():
    lines = ["今天天气很好", "今天天气不好", "", "好"]
    probability = language_model.bigram(lines)
    characters = sorted(set("".join(lines)))
    for before in ["<s>", *characters]:
        total = sum(probability(before, after) for after in [*characters, "</s>"])
        assert total == pytest.approx(1)
    assert probability("天", "气") > probability("天", "好") > 0
