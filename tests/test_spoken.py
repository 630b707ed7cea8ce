"""Syllables with times from labels with times."""

import pytest

from zhasr import decoding, pinyin, spoken, vocabulary


def heard(names, labels):
    """Labels of two frames each, with a pause of one."""
    return [
        decoding.Decoded(int(number), 3 * place, 3 * place + 2, 0.5 + 0.1 * place)
        for place, number in enumerate(names.encode(labels))
    ]


def test_an_initial_and_a_final_are_one_syllable():
    names = vocabulary.build("initial-final", [["n", "i3", "h", "ao3"]])
    first, second = spoken.syllables(names, heard(names, ["n", "i3", "h", "ao3"]))
    assert (first.text, first.start, first.end) == ("ni3", 0, 5)
    assert (second.text, second.start, second.end) == ("hao3", 6, 11)
    assert first.probability == pytest.approx(0.55)


@pytest.mark.parametrize(
    "labels",
    [[], ["n"], ["n", "h", "ao3"], ["ao3", "ao3"], ["b", "iang4", "n"], ["n", "n"]],
)
def test_the_texts_are_those_of_pinyin(labels):
    names = vocabulary.build("initial-final", [["n", "h", "b", "ao3", "iang4"]])
    found = spoken.syllables(names, heard(names, labels))
    expected = pinyin.syllables_from_labels("initial-final", labels)
    assert [each.text for each in found] == expected


@pytest.mark.parametrize(
    "kind, labels, expected",
    [
        ("syllable", ["ni3", "hao3"], ["ni3", "hao3"]),
        ("base-syllable", ["ni", "hao"], ["ni", "hao"]),
        ("character", ["你", "好", "A"], ["ni2", "hao3", "?A"]),
    ],
)
def test_other_labels_are_a_syllable_each(kind, labels, expected):
    names = vocabulary.build(kind, [labels])
    found = spoken.syllables(names, heard(names, labels))
    assert [each.text for each in found] == expected
    assert [each.start for each in found] == [3 * place for place in range(len(labels))]
