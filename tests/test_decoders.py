"""One door to all decoders: planted sentences in every kind of label."""

import numpy as np
import pytest
from test_label_tree import WORDS, names_of
from test_two_stage import frames_of
from toy_language import toy_language

from zhasr import decoders, pinyin, scoring

pytestmark = pytest.mark.slow  # compiles the searches


@pytest.fixture(scope="module")
def language():
    return toy_language(WORDS)


@pytest.mark.parametrize("kind", pinyin.KINDS)
@pytest.mark.parametrize("name", decoders.NAMES)
def test_a_planted_sentence_comes_back(language, name, kind):
    names = names_of(kind)
    labels = pinyin.targets(kind, ["ni2", "hao3", "lao2", "hu3"], "你好老虎")
    decoder = decoders.build(name, names, language)
    (found,) = decoders.decode(decoder, frames_of(names, labels))
    assert decoder.writes_characters
    assert found.text == "你好老虎"
    said = [pinyin.base(one) for one in found.syllables]
    assert said == ["ni", "hao", "lao", "hu"]
    assert found.words[0].start == 1
    assert all(0 < word.confidence <= 1 for word in found.words)


@pytest.mark.parametrize("name", ["greedy", "beam"])
def test_without_a_language_there_are_syllables(name):
    names = names_of("syllable")
    decoder = decoders.build(name, names)
    (found,) = decoders.decode(decoder, frames_of(names, ["ni2", "hao3"]))
    assert not decoder.writes_characters
    assert (found.text, found.syllables) == ("", ("ni2", "hao3"))


@pytest.mark.parametrize("name", decoders.NAMES)
def test_there_is_always_an_answer(language, name):
    names = names_of("syllable")
    decoder = decoders.build(name, names, language)
    for frames in (np.zeros((0, len(names))), np.full((2, len(names)), -np.inf)):
        assert decoders.decode(decoder, frames)[0].words == ()


@pytest.mark.parametrize("name", decoders.NAMES)
def test_labels_of_another_network_are_refused(language, name):
    names = names_of("syllable")
    decoder = decoders.build(name, names, language)
    for labels in (len(names) - 1, len(names) + 1):
        with pytest.raises(ValueError, match=f"expected {len(names)} labels"):
            decoders.decode(decoder, np.full((3, labels), -5.0))


def test_several_hypotheses(language):
    names = names_of("syllable")
    frames = frames_of(names, ["shi4"], peak=0.5)
    for name in ("beam", "words"):
        decoder = decoders.build(name, names, language)
        found = decoders.decode(decoder, frames, count=4)
        assert len({each.text for each in found}) == len(found) > 1


def test_what_is_missing_is_named(language):
    names = names_of("syllable")
    with pytest.raises(decoders.DecoderError, match="received 'best'"):
        decoders.build("best", names, language)
    with pytest.raises(decoders.DecoderError, match="language folder"):
        decoders.build("words", names)


def test_a_hypothesis_can_be_scored(language):
    names = names_of("initial-final")
    labels = pinyin.targets("initial-final", ["bu2", "shi4"])
    decoder = decoders.build("words", names, language)
    (found,) = decoders.decode(decoder, frames_of(names, labels))
    said = ("bu2", "shi4")
    scored = scoring.Scored("1", "a", said, found.syllables, "不是", found.text)
    assert scoring.score([scored]).rates["character"].rate == 0
