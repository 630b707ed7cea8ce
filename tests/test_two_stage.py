"""Sequences first, characters after: planted sentences, order, edges."""

import numpy as np
import pytest
from test_label_tree import names_of
from toy_language import toy_language

from zhasr import two_stage, vocabulary, word_search

pytestmark = pytest.mark.slow  # compiles the searches


@pytest.fixture(scope="module")
def language():
    return toy_language(["你好", "老虎", "是", "事", "不"])


def frames_of(names, labels, peak=0.9):
    """Posteriors of some labels with blanks between."""
    path = [0]
    for number in names.encode(labels):
        path += [number, 0]
    probs = np.full((len(path), len(names)), (1 - peak) / (len(names) - 1))
    probs[np.arange(len(path)), path] = peak
    return np.log(probs)


@pytest.mark.parametrize("kind", ["syllable", "base-syllable", "initial-final"])
def test_a_planted_sentence_comes_back_with_times(language, kind):
    names = names_of(kind)
    labels = {
        "syllable": ["ni2", "hao3", "lao2", "hu3"],
        "base-syllable": ["ni", "hao", "lao", "hu"],
        "initial-final": ["n", "i2", "h", "ao3", "l", "ao2", "h", "u3"],
    }[kind]
    found = two_stage.search(frames_of(names, labels), names, language, count=3)
    assert found[0].text == "你好老虎"
    first, second = found[0].words
    assert (first.text, first.start, second.end) == ("你好", 1, 2 * len(labels))
    assert first.end <= second.start
    assert 0.5 < first.confidence <= 1
    assert found == sorted(found, key=lambda each: -each.score)
    assert len({each.text for each in found}) == len(found)


def test_silence(language):
    names = names_of("syllable")
    (found,) = two_stage.search(np.zeros((0, len(names))), names, language)
    assert (found.text, found.words) == ("", ())
    impossible = np.full((1, len(names)), -np.inf)
    assert two_stage.search(impossible, names, language) == []


def test_weights_count(language):
    names = names_of("syllable")
    frames = frames_of(names, ["shi4", "bu4"])
    plain = word_search.Options(syllable_bonus=0.0)
    more = word_search.Options(syllable_bonus=2.0)
    first = two_stage.search(frames, names, language, options=plain)[0]
    second = two_stage.search(frames, names, language, options=more)[0]
    assert second.score - first.score == pytest.approx(4.0)


def test_characters_have_no_second_stage(language):
    names = vocabulary.build("character", [["好"]])
    with pytest.raises(ValueError, match="one of characters"):
        two_stage.search(np.zeros((1, 2)), names, language)
