"""Sentences are cut where their syllables change, and pieces say what they hold."""

import dataclasses
import types

import numpy as np
import pytest
import soundfile

from data_prep import cut
from zhasr import audio, manifest, recognizer, vocabulary, wavenet

SAID = ("ni3", "hao3", "ma5", "wo3", "hen3")
DIPS = (0.215, 0.385, 0.62, 0.85)  # seconds at which it is quiet for 10 ms
MIDDLES = (0.10, 0.30, 0.50, 0.74, 0.94)  # seconds at which a syllable is heard
FRAME = 0.04  # seconds


@pytest.fixture
def model(monkeypatch):
    """Hears SAID, whatever is played; what it hears can be changed."""
    labels = vocabulary.build("syllable", [SAID, ["ba1"]])
    heard = list(zip(SAID, MIDDLES, strict=True))

    def log_probs(model, samples):
        frames = round(len(samples) / audio.SAMPLE_RATE / FRAME)
        scores = np.full((frames, len(labels.labels)), -20.0)
        scores[:, 0] = 0
        for name, middle in heard:
            number = labels.labels.index(name)
            scores[:, number] = -5 - abs(np.arange(frames) + 0.5 - middle / FRAME)
            scores[int(middle / FRAME), number] = 5
        return recognizer.log_softmax(scores)

    monkeypatch.setattr(cut.recognizer, "log_probs", log_probs)
    description = types.SimpleNamespace(
        vocabulary=labels, architecture=wavenet.Config()
    )
    return types.SimpleNamespace(description=description, heard=heard)


def samples():
    sound = np.random.default_rng(0).uniform(-0.5, 0.5, round(1.08 * audio.SAMPLE_RATE))
    for dip in DIPS:
        middle = round(dip * audio.SAMPLE_RATE)
        sound[middle - 80 : middle + 80] *= 0.01
    return sound.astype(np.float32)


def write(folder, syllables=SAID, name="train", speaker="A"):
    soundfile.write(folder / "a.wav", samples(), audio.SAMPLE_RATE)
    item = manifest.Utterance("a", "a.wav", 1.08, "你好吗我很", speaker, syllables)
    manifest.write(folder / f"{name}.jsonl", [item])
    return folder / f"{name}.jsonl"


def test_syllables_begin_where_it_is_quiet(model):
    begins, runs = cut.find(model, samples(), SAID)
    expected = np.array([0, *DIPS, 1.08]) * audio.SAMPLE_RATE
    np.testing.assert_allclose(begins, expected, atol=8)
    assert runs == [(0, 5)]


def test_no_piece_holds_a_pause_or_what_was_not_heard(model):
    model.heard[3:] = [("wo3", 0.9), ("hen3", 1.0)]
    assert cut.find(model, samples(), SAID)[1] == [(0, 3), (3, 5)]
    said = ("ni3", "ba1", *SAID[2:])
    assert cut.find(model, samples(), said)[1] == [(0, 1), (2, 3), (3, 5)]


def test_what_cannot_be_aligned_has_no_pieces(model):
    for said in ((), ("nonsense",), SAID * 20):
        assert cut.find(model, samples(), said) == ([], [])
    names = vocabulary.build("initial-final", [["n", "i3"]])
    model.description.vocabulary = names
    assert cut.find(model, samples(), ("m2",)) == ([], [])  # is in no chart


def test_pieces_say_what_they_hold(model, tmp_path):
    path = write(tmp_path)
    line = cut.cut(manifest.read(path), tmp_path / "out", model)
    # 5 + 4 + 3 + 2
    assert line.endswith("14 pieces of 1 recordings, 5 of 5 syllables heard")
    pieces = {one.id: one for one in manifest.read(tmp_path / "out/train.jsonl")}
    assert len(pieces) == 14
    piece = pieces["a-01-2"]
    assert (piece.text, piece.syllables) == ("好吗", SAID[1:3])
    heard = audio.read(piece.audio_filepath)
    first, end = (round(each * audio.SAMPLE_RATE) for each in (DIPS[0], DIPS[2]))
    assert abs(len(heard) - (end - first)) <= 16
    assert piece.duration == pytest.approx(len(heard) / audio.SAMPLE_RATE)
    whole = [pieces[f"a-{number:02d}-1"].audio_filepath for number in range(5)]
    joined = np.concatenate([audio.read(each) for each in whole])
    np.testing.assert_allclose(joined, audio.read(tmp_path / "a.wav"), atol=1e-4)
    (tmp_path / "out/audio" / "a-00-1.flac").unlink()
    assert "already cut" in cut.cut(manifest.read(path), tmp_path / "out", model)
    other = [dataclasses.replace(manifest.read(path)[0], text="你好吗我狠")]
    with pytest.raises(ValueError, match="other recordings"):
        cut.cut(other, tmp_path / "out", model)
    named = [dataclasses.replace(manifest.read(path)[0], id="A/a", text="很")]
    cut.cut(named, tmp_path / "named", model)  # ids of the adapter `folder`
    pieces = manifest.read(tmp_path / "named/train.jsonl")
    assert len(audio.read(pieces[1].audio_filepath)) == len(heard_first_two(pieces))
    assert {piece.text for piece in pieces} == {""}


def heard_first_two(pieces):
    first = [piece for piece in pieces if piece.id in ("A/a-00-1", "A/a-01-1")]
    return np.concatenate([audio.read(piece.audio_filepath) for piece in first])


def test_nothing_that_can_be_cut(model, tmp_path):
    path = write(tmp_path, ("nonsense",))
    with pytest.raises(cut.CutError, match="none of 1"):
        cut.cut(manifest.read(path), tmp_path / "out", model)
    assert not (tmp_path / "out/train.jsonl").exists()


@pytest.mark.parametrize(
    ("name", "speaker", "reason"), [("test", "A", "test"), ("train", "S0252", "S0252")]
)
def test_bad_input_is_one_line(tmp_path, capsys, name, speaker, reason):
    path = write(tmp_path, name=name, speaker=speaker)
    assert cut.main([str(tmp_path / "out"), str(path)]) == 2
    told = capsys.readouterr().err
    assert reason in told and told.count("\n") == 1
    assert not (tmp_path / "out/train.jsonl").exists()
