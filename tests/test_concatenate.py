"""Sentences put together: the right recordings, in order, at the pace of speech."""

import numpy as np
import pytest
import soundfile

from data_prep import concatenate, corpora, sentences
from zhasr import audio, manifest, pinyin

RATE = audio.SAMPLE_RATE
TEXTS = ("我想买两把雨伞", "你好老师", "他不是老师")


def pitch_of(syllable):
    """A pitch of its own for each syllable, 150 to 390 Hz."""
    return 150 + 30 * (sum(syllable.encode()) % 9)


def record(folder, speaker, words):
    """Write recordings of words as tones, with silence around; return the manifest."""
    utterances = []
    for number, syllables in enumerate(words):
        seconds = np.arange(round(0.4 * RATE)) / RATE
        tones = [np.sin(2 * np.pi * pitch_of(each) * seconds) for each in syllables]
        silence = np.zeros(round(0.3 * RATE))
        sound = 0.3 * np.concatenate([silence, *tones, silence])
        path = folder / f"{speaker}{number}.wav"
        soundfile.write(path, sound, RATE)
        utterances.append(
            manifest.Utterance(
                path.stem, path.name, len(sound) / RATE, "", speaker, tuple(syllables)
            )
        )
    manifest.write(folder / f"{speaker}.jsonl", utterances)
    return folder / f"{speaker}.jsonl"


@pytest.fixture
def voice(tmp_path):
    syllables = sorted({name for text in TEXTS for name in pinyin.syllables(text)})
    words = [(name,) for name in syllables] + [("lao3", "shi1"), ("ni2", "hao3")]
    (found,) = concatenate.voices([record(tmp_path, "anna", words)])
    return found


def span(text):
    return concatenate.Span(tuple(pinyin.syllables(text)), text)


def test_recordings_say_what_was_asked_with_tone_sandhi(voice):
    generator = np.random.default_rng(0)
    for text in TEXTS:
        chosen = voice.choose(tuple(pinyin.syllables(text)), generator)
        said = [name for item in chosen for name in item.syllables]
        assert said == pinyin.syllables(text)
    # 你 before 好 is said ni2: the recording of ni3 will not do.
    assert ("ni3",) not in voice.recordings
    assert voice.choose(("ni2", "hao3", "lao3"), generator)[0].syllables[0] == "ni2"


def test_whole_words_are_preferred_but_not_always(voice):
    generator = np.random.default_rng(0)
    counts = [len(voice.choose(("lao3", "shi1"), generator)) for _ in range(200)]
    assert 0.6 < np.mean(np.equal(counts, 1)) < 0.95


def test_a_dead_end_is_not_entered():
    def say(*syllables):
        name = "".join(syllables)
        return manifest.Utterance(name, name, 1.0, "", "a", syllables)

    words = [("ma1", "ma2"), ("ma1",), ("ma2", "ma3")]
    voice = concatenate.Voice("a", [say(*word) for word in words])
    for seed in range(20):  # ma1 + ma2 leads nowhere
        generator = np.random.default_rng(seed)
        chosen = voice.choose(("ma1", "ma2", "ma3"), generator)
        assert [item.syllables for item in chosen] == [("ma1",), ("ma2", "ma3")]
    with pytest.raises(concatenate.ConcatenationError, match="no recordings for ma4"):
        voice.choose(("ma4",), generator)


def test_spans_are_what_a_voice_can_say(voice):
    (whole,) = voice.spans(span("他不是老师"))
    assert whole.text == "他不是老师"
    # 猫 was never recorded; what is left of it is too short, right of it is not.
    (right,) = voice.spans(span("他猫我想买两把雨伞"))
    assert right.text == "我想买两把雨伞"
    assert right.syllables == tuple(pinyin.syllables("他猫我想买两把雨伞"))[2:]
    assert voice.spans(span("他不猫")) == []


def test_the_pace_is_that_of_speech_and_the_order_stays(voice):
    sentence = concatenate.plan([voice], [TEXTS[2]], 0.1)[0]
    sound = concatenate.speak(sentence)
    np.testing.assert_array_equal(sound, concatenate.speak(sentence))
    pauses = len(sentence.phrases) - 1
    least = 0.17 * len(sentence.syllables) + 0.1 * pauses
    most = 0.33 * len(sentence.syllables) + 0.45 * pauses + 0.7
    assert least < len(sound) / RATE < most
    # The loudest frequency of each part is that of its syllable, shifted by a voice.
    loud = np.flatnonzero(np.abs(sound) > 0.01)
    first = sound[loud[0] : loud[0] + round(0.12 * RATE)]
    spectrum = np.abs(np.fft.rfft(first * np.hanning(len(first)), 2**15))
    heard = spectrum.argmax() * RATE / 2**15
    assert heard == pytest.approx(pitch_of(sentence.syllables[0]), rel=0.2)


def test_pitch_falls_through_a_phrase(tmp_path):
    path = record(tmp_path, "bob", [("ma1",)])
    (voice,) = concatenate.voices([path])
    falls = []
    for number in range(12):
        item = voice.recordings[("ma1",)][0]
        phrase = tuple((item.audio_filepath, 1) for _ in range(8))
        sentence = concatenate.Sentence(
            f"bob-{number}", "bob", (phrase,), ("ma1",) * 8, "妈" * 8, 0.25
        )
        sound = concatenate.speak(sentence)
        loud = np.flatnonzero(np.abs(sound) > 0.01)
        ends = sound[loud[0] :][:4000], sound[: loud[-1]][-4000:]
        peaks = [np.abs(np.fft.rfft(end, 2**16)).argmax() for end in ends]
        falls.append(1 - peaks[1] / peaks[0])
    assert 0.03 < min(falls)
    assert max(falls) < 0.22


def test_test_sentences_are_not_said():
    plain = concatenate.read_texts()
    assert len(plain) > 600
    test = next(line for line in plain if len(line) > 8)
    without = concatenate.read_texts(excluded=["前面" + test])  # it is a part of it
    assert set(plain) - set(without) == {test}
    own = [line for split in ("dev", "test") for line in sentences.natural(split)]
    assert not set(plain) & set(own)


@pytest.mark.slow
def test_it_writes_a_corpus_and_goes_on_after_an_interruption(
    tmp_path, voice, monkeypatch
):
    made = [tmp_path / name for name in ("whole", "broken")]
    monkeypatch.setattr(concatenate, "SENTENCES_PER_PIECE", 4)
    paths, texts = [tmp_path / "anna.jsonl"], list(TEXTS)
    concatenate.concatenate(paths, made[0], 1.0, texts, worker_count=1)

    plain = concatenate.workers.run

    def interrupted(function, items, count, done):
        plain(function, items[:1], count, done)
        raise KeyboardInterrupt

    monkeypatch.setattr(concatenate.workers, "run", interrupted)
    with pytest.raises(KeyboardInterrupt):
        concatenate.concatenate(paths, made[1], 1.0, texts, worker_count=1)
    assert not (made[1] / "train.jsonl").exists()
    monkeypatch.setattr(concatenate.workers, "run", plain)
    concatenate.concatenate(paths, made[1], 1.0, texts, worker_count=1)
    whole, broken = (manifest.read(folder / "train.jsonl") for folder in made)
    assert len(whole) > 4
    assert [item.id for item in whole] == [item.id for item in broken]
    for one, other in zip(whole, broken, strict=True):
        np.testing.assert_array_equal(
            audio.read(one.audio_filepath), audio.read(other.audio_filepath)
        )
    minutes = sum(item.duration for item in whole) / 60
    assert minutes == pytest.approx(1.0, rel=0.25)
    assert "already made" in concatenate.concatenate(paths, made[0], 1.0, texts)
    with pytest.raises(concatenate.ConcatenationError, match="other recordings"):
        concatenate.concatenate(paths, made[0], 2.0, texts)
    found = corpora.ADAPTERS["manifests"].read(made[0])
    assert {entry.split for entry in found.entries} == {"train"}
    assert found.entries[0].syllables == whole[0].syllables
    assert found.entries[0].audio_filepath.is_file()


def test_nothing_to_say_is_said_in_one_line(tmp_path, voice):
    for texts, said in (([], "no text"), (["猫头鹰飞走了"], "no voice has")):
        with pytest.raises(concatenate.ConcatenationError, match=said):
            concatenate.plan([voice], texts, 1.0)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "file").touch()
    with pytest.raises(concatenate.ConcatenationError, match="holds other files"):
        concatenate.concatenate([tmp_path / "anna.jsonl"], tmp_path / "other", 1, ["a"])
