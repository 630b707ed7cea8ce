"""What a syllable may stand for: the rules of sandhi written out case by case."""

import functools
import itertools

import numpy as np
import pytest

from zhasr import pinyin, variants
from zhasr.variants import EXACT, NEUTRAL, SANDHI, TONE


@pytest.mark.parametrize(
    ("heard", "following", "symbol", "kind"),
    [
        ("hao3", "", "hao3", EXACT),
        ("hao", "", "hao3", EXACT),  # without a tone any tone fits
        ("ni2", "hao3", "ni3", SANDHI),  # third before third
        ("ni2", "hao2", "ni3", SANDHI),  # which itself stands before another one
        ("ni2", "hao", "ni3", SANDHI),
        ("ni2", "ta1", "ni3", TONE),
        ("ni2", "", "ni3", SANDHI),  # nobody knows what follows
        ("ni3", "hao3", "ni2", TONE),
        ("xi5", "", "xi1", NEUTRAL),
        ("xi1", "", "xi5", NEUTRAL),
        ("ma4", "", "ma3", TONE),
        ("yi2", "ge4", "一", SANDHI),
        ("yi2", "ge5", "一", SANDHI),
        ("yi4", "tian1", "一", SANDHI),
        ("yi1", "ge4", "一", EXACT),
        ("yi2", "tian1", "一", TONE),
        ("yi4", "ge4", "一", TONE),
        ("yi5", "ge4", "一", NEUTRAL),
        ("bu2", "shi4", "不", SANDHI),
        ("bu4", "shi4", "不", EXACT),
        ("bu2", "hao3", "不", TONE),
        ("bu5", "", "不", NEUTRAL),
        ("er2", "", "儿", EXACT),
        ("er5", "", "儿", EXACT),
        ("er4", "", "儿", TONE),
    ],
)
def test_kinds(heard, following, symbol, kind):
    assert variants.alternatives(heard, following)[symbol] == kind


def test_every_tone_and_nothing_else():
    found = variants.alternatives("ma1", "ma1")
    assert sorted(found) == ["ma1", "ma2", "ma3", "ma4", "ma5"]
    assert "一" in variants.alternatives("yi") and "一" not in found
    for strange in ("", "?", "?hao3", "zzz", "你", "A"):
        assert variants.alternatives(strange) == {}


def test_one_alternative_at_least_is_exact():
    for base, tone in itertools.product(sorted(pinyin.SYLLABLES), ["", *"12345"]):
        found = variants.alternatives(base + tone)
        assert EXACT in found.values() and set(found.values()) <= set(variants.KINDS)


def test_erhua_is_taken_apart():
    found, sources = variants.split_erhua(["ni3", "huar1", "er2", "nar", "r5", "xyzr4"])
    assert found == ["ni3", "hua1", "er5", "er2", "na", "er5", "er5", "xyzr4"]
    assert sources == [0, 1, 1, 2, 3, 3, 4, 5]
    assert variants.split_erhua([]) == ([], [])


@pytest.mark.parametrize("written", ["lü4", "lu:4", "lv4", "LÜ4"])
def test_spellings_of_one_syllable(written):
    assert variants.split_erhua([written])[0] == ["lv4"]


def test_nearest_against_edit_distance():
    """The recursion of the definition, remembered."""

    @functools.cache
    def distance(one, other):
        if not one or not other:
            return len(one) + len(other)
        return min(
            distance(one[1:], other) + 1,
            distance(one, other[1:]) + 1,
            distance(one[1:], other[1:]) + (one[0] != other[0]),
        )

    rng = np.random.default_rng(0)
    bases = frozenset(rng.choice(sorted(pinyin.SYLLABLES), 40).tolist())
    answered = 0
    for _ in range(200):
        word = "".join(rng.choice(list("abghinsuz"), rng.integers(1, 7)))
        least = min(distance(word, base) for base in bases)
        expected = [f"{base}3" for base in bases if distance(word, base) == least]
        if least > 2 or 2 * least > len(word):
            expected = []
        assert variants.nearest(f"?{word}3", bases) == sorted(expected)
        answered += bool(expected)
    assert 20 < answered < 200


def test_of_several_tones_the_last_counts():
    assert variants.nearest("ni33", pinyin.SYLLABLES) == ["ni3"]


def test_nothing_is_near_to_nothing():
    assert variants.nearest("", pinyin.SYLLABLES) == []
    assert variants.nearest("?", pinyin.SYLLABLES) == []
    assert variants.nearest("ma1", frozenset()) == []
