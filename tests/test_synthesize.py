"""The synthetic corpus: its layout, its labels, and that nothing leaks."""

import collections
import pathlib
import signal
import subprocess
import sys
import time
import wave

import numpy as np
import pytest

from data_prep import (
    acoustics,
    casting,
    consonants,
    espeak,
    sentences,
    synthesize,
    voices,
)
from data_prep.corpora import synthetic
from zhasr import pinyin

HOURS = {"train": 0.02, "dev": 0.004, "test": 0.006}  # some 35 utterances
OPTIONS = [
    *("--hours", str(HOURS["train"])),
    *("--dev-hours", str(HOURS["dev"])),
    *("--test-hours", str(HOURS["test"])),
]
VOICE_FILES = {voice.name: voices.voice_file(voice) for voice in voices.VOICES}


@pytest.fixture(scope="module")
def folder():
    """An espeak-ng data folder with all voices."""
    with espeak.data_folder(VOICE_FILES) as path:
        yield path


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    """A small corpus made in this process."""
    return synthesize.synthesize(tmp_path_factory.mktemp("one"), HOURS, processes=1)


@pytest.fixture(scope="module")
def utterances():
    """Who says what in a larger corpus."""
    hours = {"train": 0.3, "dev": 0.1, "test": 0.2}
    return casting.plan(hours, seed=3)


def content(root):
    """Every file below a folder with its bytes."""
    files = (path for path in pathlib.Path(root).rglob("*") if path.is_file())
    return {str(path.relative_to(root)): path.read_bytes() for path in files}


def say(folder, voice, syllables, **settings):
    """Speak syllables as one clause of careful speech; returns samples."""
    text = espeak.phonemes([[[syllable] for syllable in syllables]])
    return espeak.speak(folder, voice.name, text, **settings)


def measure_pitch(samples, lowest, highest):
    """F0 of each voiced 10 ms in Hz, by the first peak of the autocorrelation."""
    size, step = int(3 * espeak.SAMPLE_RATE / lowest), espeak.SAMPLE_RATE // 100
    shortest, longest = (int(espeak.SAMPLE_RATE / f) for f in (highest, lowest))
    found = []
    for start in range(0, len(samples) - size, step):
        frame = samples[start : start + size].astype(float)
        frame = (frame - frame.mean()) * np.hanning(size)
        correlation = np.correlate(frame, frame, "full")[size - 1 :]
        lag = shortest + np.argmax(correlation[shortest:longest])
        if np.std(frame) > 300 and correlation[lag] > 0.3 * correlation[0]:
            found.append(espeak.SAMPLE_RATE / lag)
    return np.array(found)


def tone_contour(folder, voice, syllable, following=()):
    """Semitones above the voice's floor: first, middle and last third, minimum."""
    samples, spoken = say(folder, voice, [syllable, *following], rate=120)
    ends = [sample for sample, name in spoken if name == "_|"]
    bounds = (voice.floor / voice.tract * 0.7, voice.top / voice.tract * 1.25)
    pitch = measure_pitch(samples[: ends[0]], *bounds) * voice.tract
    semitones = 12 * np.log2(pitch / voice.floor)[2:]
    thirds = [np.median(part) for part in np.array_split(semitones, 3)]
    return *thirds, semitones.min()


# The corpus on disk


def test_layout_is_that_of_thchs30(corpus):
    assert corpus.name == "data_thchs30"
    for split in HOURS:
        names = sorted(path.name for path in (corpus / split).iterdir())
        assert names[::2] == [name.removesuffix(".trn") for name in names[1::2]]
        for name in names[::2]:
            pointer = (corpus / split / f"{name}.trn").read_text(encoding="utf-8")
            assert pointer == f"../data/{name}.trn\n"
            data = corpus / "data" / name
            assert (corpus / split / name).read_bytes() == data.read_bytes()
            with wave.open(str(data)) as file:
                assert file.getparams()[:3] == (1, 2, 16_000)
                assert file.getnframes() > 8_000
    assert not list(corpus.rglob("*.tmp"))


def test_transcripts_have_words_syllables_and_phones(corpus):
    for path in (corpus / "data").glob("*.trn"):
        words, syllables, phones = path.read_text(encoding="utf-8").splitlines()
        assert pinyin.has_only_hanzi(words.replace(" ", ""))
        assert len(words.replace(" ", "")) == len(syllables.split())
        assert all(map(pinyin.is_syllable, syllables.split()))
        assert phones.split() == pinyin.targets("initial-final", syllables.split(), "")


def test_readme_says_that_it_is_synthetic(corpus):
    readme = (corpus / "README").read_text(encoding="utf-8")
    assert "Synthetic" in readme and "espeak-ng" in readme
    assert "--hours 0.02 --dev-hours 0.004 --test-hours 0.006 --seed 0" in readme


def test_the_adapter_reads_it_back(corpus):
    read = synthetic.read(corpus)
    assert not read.rejected
    planned = {item.id: item for item in casting.plan(HOURS, 0)}
    assert {entry.id for entry in read.entries} == set(planned)
    for entry in read.entries:
        assert entry.split == planned[entry.id].split
        assert list(entry.syllables) == planned[entry.id].syllables
        assert entry.speaker == planned[entry.id].voice.name


def test_two_processes_make_the_same_bytes(corpus, tmp_path):
    again = synthesize.synthesize(tmp_path, HOURS, processes=2)
    assert content(again) == content(corpus)


def test_another_seed_makes_another_corpus(corpus, tmp_path):
    hours = {"train": 0.002, "dev": 0.001, "test": 0.001}
    other = content(synthesize.synthesize(tmp_path, hours, seed=1, processes=1))
    wavs = {value for name, value in content(corpus).items() if name.endswith(".wav")}
    assert not wavs & {value for name, value in other.items() if name.endswith(".wav")}


def test_what_is_missing_is_made_again(corpus, tmp_path):
    made = synthesize.synthesize(tmp_path, HOURS, processes=1)
    for pointer in list(made.glob("t*/*.trn"))[::3]:
        pointer.unlink()
        (made / "data" / f".{pointer.name}.tmp").write_bytes(b"half")
        (made / "data" / pointer.name.removesuffix(".trn")).write_bytes(b"")
    synthesize.synthesize(tmp_path, HOURS, processes=1)
    assert content(made) == content(corpus)


@pytest.mark.slow
def test_killed_and_resumed_equals_uninterrupted(corpus, tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))  # the killed one cannot tidy up
    command = [sys.executable, "-m", "data_prep.synthesize", str(tmp_path), *OPTIONS]
    root = pathlib.Path(__file__).parents[1]
    process = subprocess.Popen([*command, "--workers", "2"], cwd=root)
    while process.poll() is None and len(list(tmp_path.glob("*/data/*.trn"))) < 8:
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    made = list(tmp_path.rglob("*.wav"))
    assert 0 < len(made) < len(list(corpus.rglob("*.wav")))
    subprocess.run([*command, "--workers", "1"], cwd=root, check=True)
    assert content(tmp_path / "data_thchs30") == content(corpus)


def test_other_options_in_the_same_folder_are_refused(corpus, capsys):
    before = content(corpus)
    assert synthesize.main([str(corpus.parent), *OPTIONS, "--seed", "5"]) == 2
    assert "holds a corpus made with other options" in capsys.readouterr().err
    assert content(corpus) == before


# Who says what


def test_splits_share_no_voice_and_no_text(utterances):
    for kind in ("voice", "words"):
        seen = collections.defaultdict(set)
        for item in utterances:
            value = getattr(item, kind)
            seen[value.replace(" ", "") if kind == "words" else value].add(item.split)
        assert all(len(splits) == 1 for splits in seen.values())


def test_a_text_that_was_tested_is_not_trained(monkeypatch):
    """Even if the lists of two splits had the same sentences."""
    everything = sentences.natural("train")
    shared = {"train": everything[:90], "dev": everything[:60], "test": everything[:30]}
    monkeypatch.setattr(sentences, "natural", shared.get)
    planned = casting.plan({"train": 0.05, "dev": 0.05, "test": 0.05}, seed=0)
    texts = {split: {u.words for u in planned if u.split == split} for split in HOURS}
    assert not texts["train"] & texts["test"] and not texts["dev"] & texts["test"]
    assert not texts["train"] & texts["dev"]


def test_ids_are_speaker_and_sentence(utterances):
    assert len({item.id for item in utterances}) == len(utterances)
    texts = collections.defaultdict(set)
    for item in utterances:
        speaker, _, number = item.id.partition("_")
        assert speaker == item.voice.name
        texts[number].add(item.words.replace(" ", ""))
    assert all(len(same) == 1 for same in texts.values())


def test_a_longer_corpus_begins_with_the_shorter(utterances):
    shorter = casting.plan({"train": 0.1, "dev": 0.1, "test": 0.2}, seed=3)
    assert utterances[: len(shorter)] == shorter


def test_every_voice_speaks(utterances):
    assert {item.voice for item in utterances} == set(voices.VOICES)
    counts = collections.Counter(voice.split for voice in voices.VOICES)
    assert counts["train"] >= 12 and counts["dev"] >= 2 and counts["test"] == 4
    assert len({VOICE_FILES[name].partition("\n")[2] for name in VOICE_FILES}) == len(
        voices.VOICES
    )


def test_the_sentences_are_plenty_and_plain():
    splits = {split: sentences.natural(split) for split in HOURS}
    everything = [text for texts in splits.values() for text in texts]
    assert len(set(everything)) == len(everything) >= 600
    assert len(splits["test"]) >= 100
    for text in everything:
        assert pinyin.has_only_hanzi(pinyin.normalise(text)), text
        assert len(pinyin.syllables(text)) <= casting.MOST_SYLLABLES, text


def test_patterns_are_filled_and_readable():
    generator = np.random.default_rng(0)
    for split in HOURS:
        for _ in range(100):
            text = sentences.from_pattern(split, generator)
            assert pinyin.has_only_hanzi(pinyin.normalise(text)), text


def test_rows_hunt_for_rare_syllables():
    """The syllable that was never spoken comes soon, though its word is rare."""
    known = sentences.lexicon()
    counts = collections.Counter(dict.fromkeys(known.words_of, 9))
    rare = min(known.words_of, key=lambda item: len(known.words_of[item]))
    counts[rare] = 0
    rows = [
        sentences.row_of_words(np.random.default_rng(seed), counts)
        for seed in range(100)
    ]
    word = known.words[known.words_of[rare][0]]
    assert sum(word in row for row in rows) >= 2


# Labels are what is spoken


def test_every_syllable_has_phonemes_of_its_own():
    written = {espeak.syllable_phonemes(f"{base}1") for base in pinyin.SYLLABLES}
    assert len(written) == len(pinyin.SYLLABLES)


def test_espeak_speaks_the_phonemes_of_every_syllable(folder):
    """Its trace names them one by one: no letter is spelt, no English is spoken."""
    bases = sorted(pinyin.SYLLABLES)
    for tone in "12345":
        level = espeak.TONES[int(tone)]
        for start in range(0, len(bases), 20):
            part = [base + tone for base in bases[start : start + 20]]
            text = espeak.phonemes([[[syllable]] for syllable in part])
            _, spoken = espeak.speak(folder, "A01", text, rate=400)
            names = "".join(name.replace("_|", "_") for _, name in spoken)
            groups = [name for name in names.replace(":", "").split("_") if name]
            for group, syllable in zip(groups, part, strict=True):
                expected = espeak.syllable_phonemes(syllable).replace(level, "")
                assert group == expected, syllable


def test_aspirated_consonants_are_longer(folder):
    for pair in ("ba pa", "da ta", "ga ka", "za ca", "zha cha", "ji qi"):
        plain, aspirated = (
            consonants.reshape(*say(folder, voices.VOICES[0], [f"{syllable}1"]))
            for syllable in pair.split()
        )
        assert len(aspirated) - len(plain) > 0.03 * espeak.SAMPLE_RATE, pair


def test_consonants_change_and_the_rest_stays():
    """ch in the middle: silence before it, 1.05 times as long, 1.5 times as loud."""
    samples = np.full(3_000, 1_000, np.int16)
    changed = consonants.reshape(samples, [(0, "a"), (1_000, "ts.h"), (2_000, "a")])
    closure = consonants.CLOSURE
    assert len(changed) == len(samples) + closure + 50
    np.testing.assert_array_equal(changed[:900], 1_000)
    np.testing.assert_array_equal(changed[1_000 : 1_000 + closure], 0)
    np.testing.assert_array_equal(changed[1_000 + closure : 2_000 + closure], 1_500)
    np.testing.assert_array_equal(changed[-1_000:], 1_000)


def test_shortened_noise_keeps_its_end():
    samples = np.arange(2_000).astype(np.int16)
    changed = consonants.reshape(samples, [(0, "a"), (0, "tS;"), (1_000, "a")])
    assert len(changed) == 1_650
    np.testing.assert_array_equal(changed[-1_001:], samples[-1_001:])


@pytest.mark.parametrize("name", ["A01", "A06", "D01", "D03"])
def test_tones_have_their_contours(folder, name):
    """Tone 1 stays high, 2 rises, 3 is low and rises at the end, 4 falls."""
    voice = next(voice for voice in voices.VOICES if voice.name == name)
    first, middle, last, lowest = tone_contour(folder, voice, "ma1")
    assert min(first, middle, last) > 6 and abs(last - middle) < 2
    first, middle, last, lowest = tone_contour(folder, voice, "ma2")
    assert first < middle < last and last - first > 3
    first, middle, last, lowest = tone_contour(folder, voice, "ma3")
    assert max(first, middle) < 6 and last < 6
    first, middle, last, lowest = tone_contour(folder, voice, "ma4")
    assert first > 6 and lowest < first - 4


@pytest.mark.parametrize("name", ["A01", "A06"])
def test_third_tones_are_spoken_as_labelled(folder, name):
    """espeak-ng would make 3 3 into 2 3; labels that keep 3 3 must stay low."""
    voice = next(voice for voice in voices.VOICES if voice.name == name)
    kept = tone_contour(folder, voice, "ma3", ["ma3"])
    raised = tone_contour(folder, voice, "ma2", ["ma3"])
    assert kept[2] < 4 and kept[2] <= kept[0] + 1
    assert raised[2] > 6


def test_the_neutral_tone_is_short(folder):
    voice = voices.VOICES[0]
    full, neutral = (say(folder, voice, ["ma1", item]) for item in ("ma1", "ma5"))
    assert len(neutral[0]) < len(full[0]) - 0.02 * espeak.SAMPLE_RATE


# Nothing leaks from one utterance into the next


def test_an_utterance_does_not_depend_on_those_before(folder):
    words = [["jin1", "tian1"], ["xia4", "da4", "xue3"], ["le5"]]
    for voice in voices.VOICES:
        text = espeak.phonemes([words], joined=True)
        alone, _ = espeak.speak(folder, voice.name, text)
        say(folder, voices.VOICES[6], ["da4", "jia1"], rate=300, pitch=80)
        say(folder, voice, ["zhong1", "guo2"])
        again, _ = espeak.speak(folder, voice.name, text)
        np.testing.assert_array_equal(again, alone, voice.name)


# Acoustics


def test_noise_is_added_at_the_ratio():
    generator = np.random.default_rng(0)
    speech = np.sin(np.arange(16_000) / 5) * 3
    for kind in acoustics.NOISES:
        background = acoustics.noise(kind, len(speech), generator)
        noisy = acoustics.add_noise(speech, background, 20)
        ratio = 10 * np.log10(np.mean(speech**2) / np.mean((noisy - speech) ** 2))
        assert ratio == pytest.approx(20, abs=0.1)
    with pytest.raises(ValueError, match="expected a noise among"):
        acoustics.noise("purple", 10, generator)


def test_tract_scales_frequency_and_duration():
    tone = (10_000 * np.sin(2 * np.pi * 1_000 * np.arange(22_050) / 22_050)).astype(
        np.int16
    )
    scaled = acoustics.resample(tone, 22_050, 1.25)
    assert len(scaled) == pytest.approx(16_000 / 1.25, abs=2)
    loudest = np.argmax(np.abs(np.fft.rfft(scaled))) * 16_000 / len(scaled)
    assert loudest == pytest.approx(1_250, abs=3)


def test_tilt_turns_the_spectrum_about_its_pivot():
    impulse = np.zeros(4_096)
    impulse[0] = 1
    spectrum = np.abs(np.fft.rfft(acoustics.tilt(impulse, -6.0), 4_096))
    at = {hertz: spectrum[round(hertz * 4_096 / 16_000)] for hertz in (250, 500, 4_000)}
    assert at[250] == pytest.approx(1, abs=0.05)
    assert 20 * np.log10(at[4_000] / at[500]) == pytest.approx(-18, abs=0.3)


def test_a_room_rings_after_the_sound():
    click = np.zeros(8_000)
    click[100] = 1
    wet = acoustics.room(click, 0.2, np.random.default_rng(0))
    assert wet[100] == pytest.approx(1)
    early, late = np.sum(wet[101:900] ** 2), np.sum(wet[2_500:3_300] ** 2)
    assert early + late > 0.2 and 10 * np.log10(early / late) > 30
    np.testing.assert_array_equal(acoustics.room(click, 0, None), click)


def test_peak_is_as_asked():
    samples = acoustics.set_peak(np.array([0.1, -0.2, 0.05]), -6)
    assert np.max(np.abs(samples)) == round(10 ** (-6 / 20) * 32_767)
    assert samples.dtype == np.int16
    assert not np.any(acoustics.set_peak(np.zeros(5), -6))
