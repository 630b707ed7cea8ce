"""Writers of transcripts: every format read back by hand, and empty ones."""

import json
import re

import pytest

from zhasr import formats, spoken, word_search


def timed(text, start, end, confidence=0.9):
    return formats.Timed(text, start, end, confidence, (timed_syllable(start, end),))


def timed_syllable(start, end):
    return formats.Timed("ma1", start, end, 0.8)


WORDS = [
    timed("你好", 0.5, 1.0),
    timed("世界", 1.2, 1.9, 0.456),
    timed("再见", 4.0, 4.4),
]


def test_frames_become_seconds():
    syllable = spoken.Syllable("shi4", 10, 12, 0.7)
    word = word_search.Word("事", (syllable,), 10, 12, 0.9)
    (found,) = formats.timed(word_search.Hypothesis((word,), -3.0), 0.04)
    assert (found.text, found.confidence) == ("事", 0.9)
    assert (found.start, found.end) == pytest.approx((0.4, 0.48))
    assert found.syllables[0].confidence == 0.7
    assert found.syllables[0].end == pytest.approx(0.48)


def test_syllables_become_words_of_their_own():
    heard = (spoken.Syllable("ni3", 0, 1, 0.7), spoken.Syllable("hao3", 2, 4, 0.9))
    found = formats.timed_syllables(heard, 0.04)
    assert [word.text for word in found] == ["", ""]
    assert [one.text for word in found for one in word.syllables] == ["ni3", "hao3"]
    assert (found[1].start, found[1].end) == pytest.approx((0.08, 0.16))
    assert found[1].confidence == found[1].syllables[0].confidence == 0.9
    found = formats.timed_syllables(heard, 0.04, "你好")
    assert [word.text for word in found] == ["你", "好"]


def test_text_has_characters_and_pinyin_and_a_space_for_a_pause():
    assert formats.write("text", "a.wav", WORDS) == "你好世界 再见 (ma1 ma1 ma1)"
    silent = [timed("", word.start, word.end) for word in WORDS]
    assert formats.write("text", "a.wav", silent) == "ma1 ma1 ma1"


def test_json_is_one_line_with_everything():
    line = formats.write("json", "a b.wav", WORDS)
    assert "\n" not in line
    content = json.loads(line)
    assert (content["audio"], content["text"]) == ("a b.wav", "你好世界再见")
    assert content["words"][1] == {
        "text": "世界",
        "start": 1.2,
        "end": 1.9,
        "confidence": 0.456,
        "syllables": [{"text": "ma1", "start": 1.2, "end": 1.9, "confidence": 0.8}],
    }


@pytest.mark.parametrize("wrong", [None, 0.25])
def test_json_tells_how_much_is_likely_wrong(wrong):
    content = json.loads(formats.write("json", "a.wav", WORDS, wrong))
    assert content["expected_error"] == wrong
    assert "0.25" not in formats.write("text", "a.wav", WORDS, wrong)


def test_ctm_has_six_fields_a_line():
    lines = formats.write("ctm", "a b.wav", WORDS).splitlines()
    assert [line.split() for line in lines] == [
        ["a_b.wav", "1", "0.50", "0.50", "你好", "0.90"],
        ["a_b.wav", "1", "1.20", "0.70", "世界", "0.46"],
        ["a_b.wav", "1", "4.00", "0.40", "再见", "0.90"],
    ]


def test_a_pause_begins_a_new_subtitle():
    assert formats.write("srt", "a.wav", WORDS).split("\n") == [
        "1",
        "00:00:00,500 --> 00:00:02,200",
        "你好世界",
        "",
        "2",
        "00:00:04,000 --> 00:00:04,700",
        "再见",
    ]


def test_subtitles_are_short_and_never_overlap():
    words = [timed("很长", 3600 + 0.5 * one, 3600.4 + 0.5 * one) for one in range(40)]
    blocks = formats.write("srt", "a.wav", words).split("\n\n")
    assert "".join(block.split("\n")[2] for block in blocks) == "很长" * 40
    ends = 0.0
    for block in blocks:
        times = [int(part) for part in re.findall(r"\d+", block.split("\n")[1])]
        start, end = (
            3600 * h + 60 * m + s + ms / 1000 for h, m, s, ms in (times[:4], times[4:])
        )
        assert ends <= start < end <= start + formats.LONGEST_SUBTITLE + formats.LINGER
        assert len(block.split("\n")[2]) <= formats.MOST_HANZI
        ends = end


def test_times_are_rounded_as_a_whole():
    words = [timed("一", 59.9996, 59.9997)]
    assert "00:01:00,000 --> 00:01:00,300" in formats.write("srt", "a.wav", words)


@pytest.mark.parametrize("kind", ["text", "srt", "ctm"])
def test_silence_is_written_as_nothing(kind):
    assert formats.write(kind, "a.wav", []) == ""


def test_silence_as_json():
    assert json.loads(formats.write("json", "a.wav", []))["words"] == []


def test_what_no_word_fits_shows_its_pinyin():
    unknown = [timed("", 1.0, 1.5)]
    assert formats.write("ctm", "a.wav", unknown).split()[4] == "ma1"
    assert formats.write("text", "a.wav", unknown) == "ma1"
    assert formats.write("srt", "a.wav", unknown).endswith("ma1")


def test_another_format_is_refused():
    with pytest.raises(ValueError, match="received 'vtt'"):
        formats.write("vtt", "a.wav", WORDS)
