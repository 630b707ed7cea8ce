"""Readings of words: known ones, and that their probabilities are some."""

import pytest

from data_prep import segment
from zhasr import pinyin, readings


def of(word, count=1):
    return readings.of_words([word], [count])[0]


@pytest.mark.parametrize(
    ("word", "main"),
    [
        ("银行", "yin2 hang2"),
        ("行走", "xing2 zou3"),
        ("重庆", "chong2 qing4"),
        ("重要", "zhong4 yao4"),
        ("音乐", "yin1 yue4"),
        ("绿色", "lv4 se4"),
        ("一定", "一 ding4"),
        ("不是", "不 shi4"),
        ("花儿", "hua1 儿"),
        ("儿子", "儿 zi5"),
        ("了解", "liao3 jie3"),
    ],
)
def test_main_readings(word, main):
    assert " ".join(next(iter(of(word)))) == main


@pytest.mark.parametrize("word", ["", "<s>", "OK", "A股", "你,好", "1"])
def test_what_is_not_hanzi_has_no_reading(word):
    assert of(word) == {}


def test_probabilities_sum_to_one():
    words = [word for word in segment.frequencies() if len(word) < 5][::3000]
    words += list("了着地得一不儿行长都")
    for word, found in zip(words, readings.of_words(words, [1] * len(words)), strict=1):
        assert sum(found.values()) == pytest.approx(1), word
        assert len(found) <= readings.MOST_READINGS or len(word) == 1
        for reading, share in found.items():
            assert share >= readings.LEAST_SHARE
            assert len(reading) == len(word)
            for symbol in reading:
                assert symbol in readings.OWN_SYMBOLS or pinyin.is_syllable(symbol)


def test_several_readings_of_a_character():
    found = of("行")
    assert found[("xing2",)] > found[("hang2",)] > 0
    # What words with it are read like counts.
    counted = readings.of_words(["行", "银行", "行业"], [1, 90, 90])[0]
    assert counted[("hang2",)] > 2 * found[("hang2",)]
    assert of("地")[("de5",)] == pytest.approx(readings.COMMON_SHARE, abs=0.02)


def test_readings_on_which_speakers_differ():
    assert set(of("成绩")) >= {("cheng2", "ji4"), ("cheng2", "ji1")}
    assert ("peng2", "you5") in of("朋友") and ("peng2", "you3") in of("朋友")


def test_rare_words_have_their_main_reading_only(monkeypatch):
    monkeypatch.setattr(readings, "FREQUENT", 1)
    rare, frequent = readings.of_words(["成绩", "银行"], [1, 2])
    assert len(rare) == 1 < len(frequent)
