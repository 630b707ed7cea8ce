"""The tree of spoken words: which labels lead to which words, in every kind."""

import math

import numpy as np
import pytest
from toy_language import toy_language

from zhasr import hanzi, label_tree, lexicon, pinyin, vocabulary

WORDS = "你好 好 一 一个 不 不是 是 事 老虎 女儿 想 相".split()


@pytest.fixture(scope="module")
def language():
    return toy_language(WORDS)


def names_of(kind, texts=WORDS):
    """A vocabulary with all labels that the texts need, in all forms."""
    syllables = {
        syllable
        for text in texts
        for reading in [pinyin.syllables(text, sandhi=False)]
        for one in reading
        for syllable in (one, *(f"{pinyin.base(one)}{tone}" for tone in range(1, 6)))
    }
    if kind == "character":
        return vocabulary.build(kind, [list("".join(texts))])
    return vocabulary.build(kind, [pinyin.targets(kind, sorted(syllables))])


def said_as(tree, labels):
    """The words at the end of some labels: dict of text to log weight."""
    node = lexicon.ROOT
    for number in tree.vocabulary.encode(labels):
        node = lexicon.find_child(tree.tables, node, number)
        if node < 0:
            return {}
    entries = range(*tree.tables.first_entries[node : node + 2])
    return {
        tree.texts[tree.tables.words[one]]: float(tree.tables.log_weights[one])
        for one in entries
    }


@pytest.mark.parametrize("kind", ["syllable", "base-syllable", "initial-final"])
def test_every_word_is_said_as_it_is_spoken(language, kind):
    tree = label_tree.build(names_of(kind), language)
    for word in WORDS:
        labels = pinyin.targets(kind, pinyin.syllables(word))
        assert word in said_as(tree, labels), word


def test_words_that_sound_alike_share_a_node(language):
    tree = label_tree.build(names_of("syllable"), language)
    assert {"是", "事"} <= said_as(tree, ["shi4"]).keys()
    toneless = label_tree.build(names_of("base-syllable"), language)
    assert {"想", "相"} <= said_as(toneless, ["xiang"]).keys()


def test_third_tones_change_within_a_word(language):
    tree = label_tree.build(names_of("syllable"), language)
    assert "你好" in said_as(tree, ["ni2", "hao3"])
    assert "你好" not in said_as(tree, ["ni3", "hao3"])


def test_a_last_third_tone_may_change_before_the_next_word(language):
    tree = label_tree.build(names_of("syllable"), language)
    kept, raised = said_as(tree, ["hao3"])["好"], said_as(tree, ["hao2"])["好"]
    assert raised - kept == pytest.approx(math.log(0.15 / 0.85), abs=1e-3)
    assert said_as(tree, ["ni2", "hao2"])["你好"] < raised


def test_yi_and_bu_have_the_tones_of_all_that_may_follow(language):
    tree = label_tree.build(names_of("syllable"), language)
    for labels in (["yi1"], ["yi2"], ["yi4"]):
        assert "一" in said_as(tree, labels)
    assert "不" in said_as(tree, ["bu2"]) and "不" in said_as(tree, ["bu4"])
    assert "不是" in said_as(tree, ["bu2", "shi4"])
    assert "不是" not in said_as(tree, ["bu4", "shi4"])


@pytest.mark.parametrize("word", ["不", "一", "好", "你好", "女儿"])
def test_the_forms_of_a_word_share_its_probability(word):
    reading = tuple(
        one if one in label_tree.DICTIONARY else syllable
        for one, syllable in zip(
            word, pinyin.syllables(word, sandhi=False), strict=True
        )
    )
    shares = [share for _, share in label_tree.spoken_forms(word, reading)]
    assert sum(shares) == pytest.approx(1)


def test_forms_that_are_alike_without_tones_are_one(language):
    tree = label_tree.build(names_of("base-syllable"), language)
    whole = label_tree.build(names_of("syllable"), language)
    summed = np.logaddexp.reduce(
        [said_as(whole, [f"yi{tone}"])["一"] for tone in (1, 2, 4, 5)]
    )
    assert said_as(tree, ["yi"])["一"] == pytest.approx(summed, abs=1e-3)


def test_characters_are_labels_themselves(language):
    tree = label_tree.build(names_of("character"), language)
    assert list(said_as(tree, ["你", "好"])) == ["你好"]
    assert said_as(tree, ["好"])["好"] == 0


def test_every_label_leads_somewhere(language):
    for kind in pinyin.KINDS:
        names = names_of(kind, [*WORDS, "龘"])
        tree = label_tree.build(names, language)
        assert (tree.roots[1:] >= 0).all() and tree.roots[0] == -1
        for number, label in enumerate(names.labels[1:], start=1):
            assert tree.tables.symbols[tree.roots[number]] == number
            assert said_as(tree, [label]) or kind == "initial-final"


def test_a_label_that_is_no_word_stands_for_itself(language):
    names = vocabulary.Vocabulary("initial-final", ("<blank>", "b", "iang4", "sh"))
    with pytest.raises(label_tree.LabelTreeError, match="4 initial-final labels"):
        label_tree.build(names, language)
    names = vocabulary.Vocabulary("character", ("<blank>", "A", "好"))
    tree = label_tree.build(names, language)
    assert said_as(tree, ["A"]) == {"A": label_tree.UNKNOWN_LABEL}
    assert tree.numbers[tree.texts.index("A")] == 0


def test_characters_that_the_language_model_lacks_are_there(language):
    tree = label_tree.build(names_of("syllable", ["妈"]), language)
    assert "妈" not in language.model.words
    expected = -language.weights.unknown
    assert said_as(tree, ["ma1"])["妈"] == pytest.approx(expected, abs=1)


def test_words_of_the_user_are_in_the_tree(language):
    mine = hanzi.add_words(language, {"虎事": 2.0}, {"虎事": [["hu3", "shi4"]]})
    names = names_of("syllable", [*WORDS, "虎"])
    assert "虎事" in said_as(label_tree.build(names, mine), ["hu3", "shi4"])
    assert "虎事" not in said_as(label_tree.build(names, language), ["hu3", "shi4"])


def test_lengths_are_in_syllables(language):
    tree = label_tree.build(names_of("initial-final"), language)
    assert tree.lengths[tree.texts.index("老虎")] == 2
    assert tree.lengths[-1] == 0  # a label
