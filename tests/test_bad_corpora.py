"""Bad recordings and transcripts: each is set aside with its reason, the rest goes on.

All lie in one corpus of the `folder` adapter, among recordings that are fine.
"""

import json

import numpy as np
import pytest
import soundfile

from data_prep import pieces, prepare, transcripts
from data_prep.corpora import base
from zhasr import feature_store, features, manifest

RATE = 16_000  # samples per second

# Name of the recording -> (transcript, words that its reason holds).
BAD = {
    "empty.wav": ("你好", "empty (0 bytes)"),
    "text.wav": ("你好", "expected wav, flac, mp3, ogg or opus audio"),
    "no-samples.wav": ("你好", "holds no samples"),
    "not-a-number.wav": ("你好", "NaN or infinity"),
    "truncated.flac": ("你好", "truncated"),
    "cut.wav": ("你好", "truncated"),
    "latin.wav": ("OK", "letters without a Mandarin reading in the transcript: 'OK'"),
    "mixed.wav": ("唱卡拉OK", "'OK'"),
    "punctuation.wav": ("……", "nothing to score in the transcript: '……'"),
    "blank.wav": ("", "is empty"),
    "silent-partner.wav": (None, "no transcript"),
    "too-short.wav": ("绿是阳春烟景大块文章的底色", "13 syllables need 13 frames"),
    "too-long.flac": ("你好", "301 seconds long, expected at most 300"),
    "huge.wav": ("你好", "samples up to 3e+37, expected at most 1"),
}
GOOD = {
    "好 的.wav": "好的。",
    "second.flac": "我有2个",
    "slow.wav": "你好",
    "ok.ogg": "你好",
}


def tone(seconds, rate=RATE):
    return 0.3 * np.sin(2 * np.pi * 220 * np.arange(round(seconds * rate)) / rate)


def cut_file(path, share):
    path.write_bytes(path.read_bytes()[: round(path.stat().st_size * share)])


def plant_recordings(folder):
    for name in (*GOOD, *BAD):
        soundfile.write(folder / name, tone(0.8), RATE)
    soundfile.write(folder / "slow.wav", tone(0.8, 8_000), 8_000)
    (folder / "empty.wav").write_bytes(b"")
    (folder / "text.wav").write_text("这不是录音\n" * 20)
    soundfile.write(folder / "no-samples.wav", np.zeros(0), RATE)
    broken = tone(0.8).astype(np.float32)
    broken[5_000] = np.nan
    soundfile.write(folder / "not-a-number.wav", broken, RATE, subtype="FLOAT")
    soundfile.write(folder / "huge.wav", 1e38 * tone(0.8), RATE, subtype="FLOAT")
    cut_file(folder / "truncated.flac", 0.5)
    cut_file(folder / "cut.wav", 0.5)
    soundfile.write(folder / "too-short.wav", tone(0.4), RATE)
    soundfile.write(folder / "too-long.flac", np.zeros(301 * 4_000), 4_000)


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bad")
    source = folder / "我的录音" / "anna"
    source.mkdir(parents=True)
    plant_recordings(source)
    texts = GOOD | {name: text for name, (text, _) in BAD.items()}
    for name, text in texts.items():
        if text is not None:
            (source / name).with_suffix(".txt").write_text(text)
    out = folder / "out"
    assert prepare.main(["folder", str(source.parent), str(out), "--pitch"]) == 0
    return out


@pytest.fixture(scope="module")
def rejected(prepared):
    rows = map(json.loads, (prepared / "rejected.jsonl").read_text().splitlines())
    return {row["audio_filepath"].rpartition("/")[2]: row for row in rows}


@pytest.mark.parametrize("name", BAD)
def test_reason(prepared, rejected, name):
    row = rejected[name]
    assert BAD[name][1] in row["reason"]
    assert list(row) == ["id", "audio_filepath", "reason"]
    assert (prepared / row["audio_filepath"]).is_file()
    assert "\n" not in row["reason"]
    assert str(prepared.parent) not in row["reason"]


def test_everything_else_is_prepared(prepared, rejected):
    assert set(rejected) == set(BAD)
    found = [
        item
        for path in prepared.glob("*.jsonl")
        if path.stem != "rejected"
        for item in manifest.read(path)
    ]
    assert {item.audio_filepath.rpartition("/")[2] for item in found} == set(GOOD)
    manifest.check_audio(found)
    store = feature_store.FeatureStore(prepared / "features")
    assert sorted(store) == sorted(item.id for item in found)
    assert {item.duration for item in found} == {0.8}


def test_summary_counts_reasons(prepared):
    text = (prepared / "summary.txt").read_text()
    assert "set aside: 14, see rejected.jsonl" in text
    assert "2  letters without a Mandarin reading in the transcript: …" in text
    assert "1  too short for its labels: N syllables need N frames" in text


def test_nothing_usable(tmp_path, capsys):
    source = tmp_path / "corpus"
    source.mkdir()
    (source / "1.wav").write_bytes(b"")
    (source / "1.txt").write_text("OK")
    assert prepare.main(["folder", str(source), str(tmp_path / "out")]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "all 1 were set aside; the first: letters without a Mandarin" in line
    assert "'OK'" in (tmp_path / "out/rejected.jsonl").read_text()


@pytest.mark.parametrize("samples", [1, 100, 400, 401])
def test_shortest_recordings(tmp_path, samples):
    """One frame of 40 ms carries one syllable."""
    soundfile.write(tmp_path / "x.wav", tone(1)[:samples], RATE)
    config = features.FeatureConfig(pitch=True)
    entry = base.Entry("x", tmp_path / "x.wav", "好", "", ("hao3",), "test")
    utterance, array = pieces.prepare_entry(entry, tmp_path, config)
    assert utterance.duration == samples / RATE
    assert array.shape == (1 + (samples > 400), 42)
    entry = base.Entry("x", tmp_path / "x.wav", "你好", "", ("ni3", "hao3"), "test")
    with pytest.raises(transcripts.SetAside, match="too short"):
        pieces.prepare_entry(entry, tmp_path, config)


def test_recording_that_went_missing(tmp_path):
    entry = base.Entry("x", tmp_path / "x.wav", "好", "", ("hao3",), "test")
    with pytest.raises(transcripts.SetAside, match="^no such audio file"):
        pieces.prepare_entry(entry, tmp_path, features.FeatureConfig())
