"""What was heard in lesson 07: the stored file, and how it is written."""

import json

from data_prep import heard
from zhasr import pinyin, scoring
from zhasr.exercises import lesson_07


def test_what_is_written_is_read_again(tmp_path, monkeypatch):
    said = [
        scoring.Scored("D1_1", "D1", ("ni3", "hao3"), ("ni3",)),
        scoring.Scored("D2_1", "D2", ("ma1",), ()),
    ]
    path = tmp_path / "heard.json"
    heard.write(path, said, "synthetic, 中")
    monkeypatch.setattr(lesson_07, "HEARD", path)
    assert lesson_07.heard()[:2] == (said, "synthetic, 中")


def test_the_stored_utterances_are_synthetic_and_whole():
    utterances, note, command = lesson_07.heard()
    assert note.startswith("synthetic speech (espeak-ng), no person")
    assert command == "python -m data_prep.heard build/heard"
    assert len(utterances) == len({each.id for each in utterances}) > 200
    assert all(each.reference_syllables for each in utterances)
    syllables = {one for each in utterances for one in each.reference_syllables}
    assert all(map(pinyin.is_syllable, syllables))
    assert heard.OUT.stat().st_size < 50_000
    assert json.loads(heard.OUT.read_text())["note"] == note
