"""Reports: what a reader, a program and a terminal get to see."""

import json

import pytest

from zhasr import report, scoring

UTTERANCES = [
    scoring.Scored("u1", "ann", ("ni3", "hao3"), ("ni3", "a5", "hao4")),
    scoring.Scored("u2", "bo", ("wo3", "shi4"), ("wo3",)),
    scoring.Scored("u3", "bo", ("ma1",) * 4, ("ma1",) * 4),
]
WITH_TEXT = [
    scoring.Scored("u1", "ann", ("ni3", "hao3"), ("ni3", "ma5"), "你好。", "你吗")
]


def test_text_ends_with_one_line_for_each_rate():
    lines = report.text(scoring.score(UTTERANCES)).splitlines()
    assert lines[-5:] == [
        "toned syllable error 37.5 %",
        "base syllable error 25.0 %",
        "tone error 14.3 %",
        "phone error 31.2 %",
        "sentence error 66.7 %",
    ]
    assert lines[0] == "3 utterances, 2 speakers"


def test_table_holds_counts_and_interval():
    scores = scoring.score(UTTERANCES)
    low, high = scores.rates["syllable"].interval
    (row,) = [
        line
        for line in report.text(scores).splitlines()
        if line.startswith("toned syllable  ")
    ]
    interval = f"{100 * low:.1f} – {100 * high:.1f} %"
    assert row.split() == f"toned syllable 37.5 % {interval} 1 1 1 8".split()


def test_speaker_rows():
    lines = report.text(scoring.score(UTTERANCES)).splitlines()
    (ann,) = [line for line in lines if line.startswith("ann ")]
    (bo,) = [line for line in lines if line.startswith("bo ")]
    assert ann.split()[:3] == ["ann", "2", "100.0"]
    assert bo.split()[:3] == ["bo", "6", "16.7"]


def test_table_columns_stand_under_each_other():
    speakers = ["ann", "李老师"]
    utterances = [
        scoring.Scored(str(n), speaker, ("ma1",), ("ma1",))
        for n, speaker in enumerate(speakers)
    ]
    lines = report.text(scoring.score(utterances)).splitlines()
    rows = [line for line in lines if line.startswith(tuple(speakers))]
    assert len({report.display_width(row) for row in rows}) == 1


def test_toneless_model_shows_dashes_and_no_toned_line():
    utterances = [scoring.Scored("u", "ann", ("ni3", "hao3"), ("ni", "gao"))]
    scores = scoring.score(utterances, toned=False)
    text = report.text(scores)
    assert text.splitlines()[-1] == "base syllable error 50.0 %"
    assert "toned syllable error" not in text
    assert "tone said" not in text
    assert report.as_json(scores)["rates"]["syllable"] is None


def test_perfect_scores_can_be_reported():
    scores = scoring.score([scoring.Scored("u", "ann", ("ni3",), ("ni3",))])
    text = report.text(scores)
    assert "toned syllable error 0.0 %" in text
    assert "heard as" not in text


def test_an_unknown_rate_is_a_dash():
    scores = scoring.score([scoring.Scored("u", "ann", ("ni3",), ())])
    assert "tone error –" in report.text(scores).splitlines()
    json.dumps(report.as_json(scores), allow_nan=False)


def test_rate_above_one_hundred_percent():
    scores = scoring.score([scoring.Scored("u", "a", ("ni3",), ("wo3", "a5", "e4"))])
    assert "toned syllable error 300.0 %" in report.text(scores)


def test_json_survives_writing_and_reading():
    written = report.as_json(scoring.score(UTTERANCES))
    again = json.loads(json.dumps(written, allow_nan=False))
    assert again == written
    syllable = again["rates"]["syllable"]
    assert syllable["rate"] == 0.375
    assert [syllable[key] for key in ("substitutions", "deletions", "insertions")] == [
        1,
        1,
        1,
    ]
    assert len(syllable["interval"]) == 2
    assert again["rates"]["character"] is None
    assert again["speakers"]["bo"]["syllable"]["reference_length"] == 6
    assert again["confusions"] == [["hao3", "hao4", 1]]
    assert again["tone_confusions"][2] == [0, 0, 2, 1, 0]


def test_closed_set_line():
    result = scoring.ClosedSet((("ni3",),) * 12, 820, 1000)
    line = report.closed_set(result)
    assert line == "nearest of 12 words right 82.0 % (820 of 1,000)"


@pytest.mark.parametrize(
    "label, width", [("", 0), ("hao3", 4), ("好", 2), ("a\u0301", 1), ("，", 2)]
)
def test_display_width(label, width):
    assert report.display_width(label) == width


def test_hanzi_stand_under_each_other():
    reference, hypothesis, marks = report.alignment_lines("今天A好", "今A坏")
    assert reference == "REF: 今 天 A 好"
    assert hypothesis == "HYP: 今 ** A 坏"
    # Two columns for each hanzi: the marks are where the terminal draws the labels.
    assert marks == "        D    S"


def test_empty_sides_of_an_alignment():
    assert report.alignment_lines([], []) == ["REF:", "HYP:", ""]
    assert report.alignment_lines(["ma1"], []) == ["REF: ma1", "HYP: ***", "     D"]
    assert report.alignment_lines([], ["ma1"]) == ["REF: ***", "HYP: ma1", "     I"]


def test_long_alignments_fit_the_screen():
    reference = ["zhuang1"] * 11
    lines = report.alignment_lines(reference, reference[1:], width=40)
    assert len(lines) == 9
    assert max(map(report.display_width, lines)) <= 40
    words = [word for line in lines[0::3] for word in line.split()[1:]]
    assert words == reference
    narrow = report.alignment_lines(["zhuang1", "a1"], ["zhuang1", "a1"], width=3)
    assert len(narrow) == 6


def test_alignment_file(tmp_path):
    path = tmp_path / "hypotheses.txt"
    path.write_text("of an earlier run")
    report.write_alignments(path, UTTERANCES[:2])
    assert path.read_text(encoding="utf-8") == (
        "id: u1  speaker: ann\n"
        "syllables: 2, 1 substituted, 0 deleted, 1 inserted\n"
        "REF: ni3 ** hao3\n"
        "HYP: ni3 a5 hao4\n"
        "         I  S\n"
        "\n"
        "id: u2  speaker: bo\n"
        "syllables: 2, 0 substituted, 1 deleted, 0 inserted\n"
        "REF: wo3 shi4\n"
        "HYP: wo3 ****\n"
        "         D\n"
        "\n"
    )
    assert list(tmp_path.iterdir()) == [path]


def test_alignment_file_with_characters(tmp_path):
    report.write_alignments(tmp_path / "a.txt", WITH_TEXT)
    lines = (tmp_path / "a.txt").read_text(encoding="utf-8").splitlines()
    assert "characters: 2, 1 substituted, 0 deleted, 0 inserted" in lines
    assert "REF: 你 好" in lines


def test_alignment_file_of_a_toneless_model(tmp_path):
    toneless = [scoring.Scored("u", "ann", ("ni3", "hao3"), ("ni", "hao"))]
    report.write_alignments(tmp_path / "a.txt", toneless, toned=False)
    assert "REF: ni hao\nHYP: ni hao\n" in (tmp_path / "a.txt").read_text()


def test_interrupted_writing_leaves_the_earlier_file(tmp_path):
    path = tmp_path / "a.txt"
    report.write_alignments(path, UTTERANCES)
    before = path.read_text()
    with pytest.raises(AttributeError):
        report.write_alignments(path, [UTTERANCES[0], None])
    assert path.read_text() == before
