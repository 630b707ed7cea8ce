"""The language that comes with the package: it is there, small, and knows something."""

import json
import pathlib
import random
import tomllib

import pytest

from data_prep import pinyin_text, segment
from zhasr import hanzi, ngram_trie, pinyin

LARGEST = 15 * 10**6  # bytes, of all files
TRANSCRIPTS = pathlib.Path(__file__).parents[2] / "shared" / "text" / "transcripts"


@pytest.fixture(scope="module")
def language():
    return hanzi.load()


def sentences(name):
    """Different sentences of a transcript, or a skipped test."""
    if not TRANSCRIPTS.is_dir():
        pytest.skip("needs the Chinese text beside the checkout")
    found = pinyin_text.distinct(pinyin_text.read(TRANSCRIPTS / f"{name}.txt"))
    return [one for one in found if pinyin.has_only_hanzi(one.text)]


def test_it_is_small():
    sizes = {path.name: path.stat().st_size for path in hanzi.FOLDER.iterdir()}
    assert sum(sizes.values()) <= LARGEST
    assert {"language_model.safetensors", "lexicon.safetensors"} < set(sizes)
    assert {"weights.json", "card.md"} < set(sizes)


def test_the_card_says_what_it_is_made_of():
    card = (hanzi.FOLDER / "card.md").read_text(encoding="utf-8")
    for word in ("KdConv", "Apache-2.0", "weekly", "CC BY", "jieba", "perplexity"):
        assert word.lower() in card.lower(), word
    assert "The sentences of thchs_test, aishell_test: every line" in card
    for path in hanzi.FOLDER.glob("*.safetensors"):
        assert f"{path.name}" in card and f"{path.stat().st_size:,}" in card
    assert "data_prep.build_language_model" in card and "data_prep.tune_hanzi" in card


@pytest.mark.parametrize(
    ("spoken", "text"),
    [
        ("jin1 tian1 tian1 qi4 hen3 hao3", "今天天气很好"),
        ("wo3 men5 qu4 yin2 hang2", "我们去银行"),
        ("ta1 yi2 ge5 ren2 bu2 shi4 hen3 kai1 xin1", "他一个人不是很开心"),
        ("jin tian tian qi hen hao", "今天天气很好"),
    ],
)
def test_what_every_learner_writes(spoken, text, language):
    for search in (hanzi.convert, hanzi.consensus):
        assert search(spoken.split(), language).text == text


def test_names_can_be_added(language):
    syllables = ["wo3", "jiao4", "zhang1", "hao3", "ma3"]
    added = hanzi.add_words(language, {"张郝马": 30.0}, {"张郝马": [syllables[2:]]})
    assert hanzi.convert(syllables, added).text == "我叫张郝马"


@pytest.mark.slow
def test_development_sentences(language):
    """Not the tests, on which nothing is tried; about 8 % here, 43 % by character."""
    wrong = total = 0
    for sentence in sentences("thchs_train")[:100]:
        text = hanzi.consensus(sentence.syllables, language).text
        wrong += sum(a != b for a, b in zip(text, sentence.text, strict=True))
        total += len(text)
    assert wrong / total < 0.11


@pytest.mark.slow
def test_it_was_not_trained_on_the_tests(language):
    """A model that has read a sentence knows all its trigrams: it read dialogues."""
    for name in ("thchs_test", "aishell_test"):
        texts = [sentence.text for sentence in sentences(name)]
        assert share_read(language.model, texts) == 0
    read = segment.read_lines(TRANSCRIPTS.parent / "kdconv.txt.xz")
    assert share_read(language.model, [line for line in read if len(line) > 9]) > 0.7


def share_read(model, texts):
    """How many of some sentences have known trigrams only, of those with a few."""
    read = []
    for text in random.Random(0).sample(texts, 150):
        numbers = model.numbers(pinyin.words(text))
        triples = list(zip(numbers, numbers[1:], numbers[2:], strict=False))
        if len(triples) >= 3:
            read.append(all(knows(model, triple) for triple in triples))
    return sum(read) / len(read)


def knows(model, numbers):
    """Whether a trigram was seen: then it is likelier than the bigram that it ends."""
    state = ngram_trie.EMPTY
    for number in numbers[:-1]:
        state = ngram_trie.advance(model.tables, state, int(number))[1]
    shorter = ngram_trie.advance(model.tables, ngram_trie.EMPTY, int(numbers[1]))[1]
    log_prob = ngram_trie.advance(model.tables, state, int(numbers[-1]))[0]
    without = ngram_trie.advance(model.tables, shorter, int(numbers[-1]))[0]
    return log_prob > without


def test_a_wheel_contains_it():
    text = (pathlib.Path(__file__).parents[1] / "pyproject.toml").read_text()
    tool = tomllib.loads(text)["tool"]["setuptools"]
    name = "zhasr.pretrained.language"
    assert name in tool["packages"] and tool["package-data"][name] == ["*"]
    assert hanzi.FOLDER.parts[-3:] == tuple(name.split("."))


def test_its_weights_are_all_weights():
    names = set(json.loads((hanzi.FOLDER / "weights.json").read_text()))
    assert names == set(hanzi.Weights.__dataclass_fields__)
