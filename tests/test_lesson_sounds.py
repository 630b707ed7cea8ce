"""Sounds of the lessons: tones go their way, and recordings come before synthesis."""

import numpy as np
import pytest
import soundfile

from data_prep import lesson_sounds
from zhasr import features, pinyin


def f0(name):
    """F0 at the beginning, the middle and the end of the voiced part, in Hz."""
    pitch = features.pitch(lesson_sounds.syllable(name).samples)
    hertz = np.exp(pitch[pitch[:, 2] > features.VOICED, 0])
    count = len(hertz)
    return hertz[count // 3], hertz[count // 2], hertz[-2]


@pytest.mark.parametrize("syllable", ["ma", "yi", "sa"])
def test_tones_go_their_way(syllable):
    first, second, third, fourth = (f0(f"{syllable}{tone}") for tone in range(1, 5))
    assert max(first) < 1.1 * min(first)  # level
    assert min(first) > max(third)  # and high
    assert second[0] < second[1] < second[2] and second[2] > 1.15 * second[0]
    assert third[2] > 1.15 * third[1]  # low, and up at the end
    assert fourth[0] > fourth[1] > fourth[2] and fourth[0] > 1.3 * fourth[2]


def test_a_first_tone_is_high_from_the_beginning():
    pitch = features.pitch(lesson_sounds.syllable("ma1").samples)
    hertz = np.exp(pitch[pitch[:, 2] > features.VOICED, 0])
    assert hertz[2] > 0.87 * np.median(hertz)


def test_sounds_are_cut_to_the_speech_and_of_one_loudness(tmp_path):
    sound = lesson_sounds.syllable("shi4", folder=tmp_path)
    assert np.abs(sound.samples).max() == pytest.approx(lesson_sounds.PEAK, abs=0.01)
    assert sound.source == "synthetic speech (espeak-ng)"
    loud = np.flatnonzero(np.abs(sound.samples) > 0.05)
    assert loud[0] < 2_000 and loud[-1] > len(sound.samples) - 4_000


def test_the_same_sound_every_time():
    first, second = (lesson_sounds.syllable("ma3").samples for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_a_sentence_says_what_it_says(tmp_path):
    sound = lesson_sounds.sentence("你好吗？", folder=tmp_path)
    assert sound.syllables == tuple(pinyin.syllables("你好吗"))
    assert sound.text == "你好吗？"
    assert 0.4 < len(sound.samples) / 16_000 < 1.5


def test_a_recording_is_used_where_there_is_one(tmp_path):
    folder = tmp_path / "audio-cmn" / "64k" / "syllabs"
    folder.mkdir(parents=True)
    wave = np.sin(np.arange(8_000) / 10) * 0.1
    soundfile.write(folder / "cmn-ma3.wav", wave, 16_000)
    sound = lesson_sounds.syllable("ma3", folder=tmp_path)
    assert "audio-cmn" in sound.source and "person" in sound.source
    assert len(sound.samples) == pytest.approx(8_000 + 1_920, abs=10)
    assert "synthetic" in lesson_sounds.syllable("ma4", folder=tmp_path).source


def test_a_training_sentence_of_thchs30_is_used_where_there_is_one(tmp_path):
    root = tmp_path / "data_thchs30"
    for split, name in (("test", "D01_1"), ("train", "A01_2")):
        (root / "data").mkdir(parents=True, exist_ok=True)
        (root / split).mkdir()
        wave = np.sin(np.arange(16_000) / 10) * 0.1
        lines = "你好\nni2 hao3\nn i2 h ao3\n"
        soundfile.write(root / "data" / f"{name}.wav", wave, 16_000)
        (root / "data" / f"{name}.wav.trn").write_text(lines, encoding="utf-8")
        soundfile.write(root / split / f"{name}.wav", wave, 16_000)
        (root / split / f"{name}.wav.trn").write_text(f"../data/{name}.wav.trn\n")
    sound = lesson_sounds.sentence("再见", folder=tmp_path)
    assert sound.syllables == ("ni2", "hao3") and "THCHS-30" in sound.source
