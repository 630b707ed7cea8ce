"""Speech that is planted in noise is found; its pieces are short and in order."""

import conftest
import numpy as np
import pytest

from data_prep import acoustics
from zhasr import audio, segments

RATE = audio.SAMPLE_RATE


def noise(seconds, level=1e-3, seed=0):
    samples = np.random.default_rng(seed).normal(0, level, round(seconds * RATE))
    return samples.astype(np.float32)


def voice(seconds, level=0.1):
    """Harmonics that rise and fall four times a second, as syllables do."""
    moments = np.arange(round(seconds * RATE)) / RATE
    tones = sum(np.sin(2 * np.pi * 180 * n * moments) / n for n in range(1, 20))
    return (level * tones * np.sin(np.pi * 4 * moments) ** 2).astype(np.float32)


def planted(seconds, *places, level=0.1, background=1e-3):
    """Noise with a voice from each (start, end) second."""
    samples = noise(seconds, background)
    for start, end in places:
        first = round(start * RATE)
        said = voice(end - start, level)
        samples[first : first + len(said)] += said
    return samples


def check_found(found, places, slack=0.15):
    """Every place with its surroundings, and nothing else."""
    assert len(found) == len(places)
    for piece, (start, end) in zip(found, places, strict=True):
        assert piece.start == pytest.approx(start - segments.BEFORE, abs=slack)
        assert piece.end == pytest.approx(end + segments.AFTER, abs=slack)


PLACES = (3.0, 5.0), (8.0, 12.5), (20.0, 21.0)


def test_planted_speech_is_found():
    check_found(segments.find(planted(30, *PLACES)), PLACES)


@pytest.mark.parametrize("gain", [0.01, 0.1, 10])
def test_a_quiet_or_loud_microphone_makes_no_difference(gain):
    samples = planted(30, *PLACES) * np.float32(gain)
    if gain > 1:
        samples = np.clip(samples, -1, 1)
    check_found(segments.find(samples), PLACES)


def test_between_speech_there_may_be_digital_silence():
    check_found(segments.find(planted(30, *PLACES, background=0.0)), PLACES)


def test_noise_may_grow():
    samples = planted(60, (5, 8), (50, 53))
    samples += noise(60, seed=1) * np.linspace(0, 10, 60 * RATE, dtype=np.float32)
    check_found(segments.find(samples), [(5, 8), (50, 53)])


@pytest.mark.parametrize("kind", ["white", "pink", "hum"])
@pytest.mark.parametrize("ratio", [20, 10, 5])
def test_noise_may_be_almost_as_loud_as_speech(kind, ratio):
    level = np.sqrt(np.mean(voice(4) ** 2)) * 10 ** (-ratio / 20)
    background = acoustics.noise(kind, 30 * RATE, np.random.default_rng(0))
    check_found(segments.find(planted(30, *PLACES) + level * background), PLACES)


def test_a_fan_that_is_switched_on_and_off_is_no_speech():
    places = [(3, 5), (23, 25), (43, 45)]
    samples = planted(50, *places)
    samples[15 * RATE : 35 * RATE] += noise(20, level=5e-3, seed=1)
    found = segments.find(samples)
    for start, end in places:
        assert any(one.start < start and end < one.end for one in found)
    # For a second or so it cannot be told from a noise that comes and goes.
    assert sum(one.end - one.start for one in found) < 6 + 3 * 0.6 + 2 * 1.6


@pytest.mark.parametrize("tail", [0.0, 0.4])
def test_it_may_begin_and_end_in_the_middle_of_speech(tail):
    samples = planted(30 + tail, (0, 4), (12, 14), (26, 30 + tail))
    first, middle, last = segments.find(samples)
    check_found([middle], [(12, 14)])
    assert first.first == 0 and first.end == pytest.approx(4 + segments.AFTER, abs=0.15)
    assert last.last == len(samples)
    assert last.start == pytest.approx(26 - segments.BEFORE, abs=0.15)


def test_a_hum_and_an_offset_are_no_speech():
    moments = np.arange(30 * RATE) / RATE
    hum = 0.05 * np.sin(2 * np.pi * 50 * moments) + 0.1
    samples = planted(30, *PLACES) + hum.astype(np.float32)
    check_found(segments.find(samples), PLACES)


@pytest.mark.parametrize(
    "samples",
    [
        np.zeros(0, np.float32),
        np.zeros(1, np.float32),
        np.zeros(40 * RATE, np.float32),
        noise(40),
        noise(40, level=0.3),
        np.full(40 * RATE, 0.5, np.float32),
    ],
    ids=["nothing", "one sample", "silence", "noise", "loud noise", "offset"],
)
def test_where_nobody_speaks_nothing_is_found(samples):
    assert segments.find(samples) == []


@pytest.mark.parametrize("length", [1, 40, 480])
def test_a_click_is_no_speech(length):
    samples = planted(30, (10, 12))
    samples[20 * RATE : 20 * RATE + length] = 0.9
    check_found(segments.find(samples), [(10, 12)])


def test_short_pauses_do_not_cut_a_sentence():
    assert len(segments.find(planted(30, (3, 5), (5.4, 7)))) == 1
    assert len(segments.find(planted(30, (3, 5), (5.8, 7)))) == 2


def test_a_long_piece_is_cut_at_its_pauses():
    pauses = [14.0, 27.5, 45.0]
    samples = planted(60, (1, 59))
    for pause in pauses:
        quiet = slice(round((pause - 0.15) * RATE), round((pause + 0.15) * RATE))
        samples[quiet] *= 0.01
    found = segments.find(samples)
    cuts = [piece.end for piece in found[:-1]]
    assert cuts == [piece.start for piece in found[1:]]
    assert cuts == pytest.approx(pauses, abs=0.15)
    assert all(piece.end - piece.start <= segments.LONGEST for piece in found)


@pytest.mark.parametrize("seconds", [20.3, 21.0, 25.0, 39.9, 63.0])
def test_pieces_are_neither_long_nor_scraps(seconds):
    found = segments.find(planted(seconds + 6, (3, 3 + seconds)))
    lengths = [piece.end - piece.start for piece in found]
    assert max(lengths) <= segments.LONGEST and min(lengths) >= segments.LONGEST / 4
    assert found[0].start <= 3 and found[-1].end >= 3 + seconds


def test_pieces_stay_within_the_recording():
    samples = voice(33.333)
    found = segments.find(samples)
    assert found[0].first == 0
    assert found[-1].last <= len(samples)
    assert all(one.first < one.last for one in found)
    assert all(a.last <= b.first for a, b in zip(found, found[1:], strict=False))


def test_levels_are_in_decibel():
    moments = np.arange(RATE) / RATE
    level = segments.levels(0.5 * np.sin(2 * np.pi * 1000 * moments))
    assert level.shape == (99, segments.BANDS)
    softer = segments.levels(0.05 * np.sin(2 * np.pi * 1000 * moments))
    loudest = level.mean(axis=0).argmax()
    np.testing.assert_allclose((level - softer)[:, loudest], 20, atol=0.01)
    higher = segments.levels(0.5 * np.sin(2 * np.pi * 3000 * moments))
    assert higher.mean(axis=0).argmax() > loudest


# Human speech


def sentences(count):
    """Some recordings of the training reader, which begin and end in silence."""
    folder = conftest.real("data_aishell") / "wav" / "train" / "S0150"
    paths = sorted(folder.iterdir())
    return [audio.read(path) for path in paths[:: len(paths) // count][:count]]


def said(samples):
    """First and last sample of what is at most 25 dB softer than the vowels."""
    changes = np.diff(samples, prepend=samples[:1])  # without the rumble of the room
    power = np.convolve(changes**2, np.ones(400) / 400, "same")
    loud = np.flatnonzero(power > np.quantile(power, 0.98) * 10**-2.5)
    return loud[0], loud[-1]


def in_a_long_recording(recordings, pause=4):
    """Recordings with silence around each; where something is said in it."""
    silence = np.zeros(pause * RATE, np.float32)
    parts, places, moment = [silence], [], pause * RATE
    for samples in recordings:
        places.append(tuple(moment + place for place in said(samples)))
        parts += [samples, silence]
        moment += len(samples) + pause * RATE
    return np.concatenate(parts), places


@pytest.mark.parametrize(
    ("kind", "ratio"),
    [(None, None), ("white", 20), ("white", 10), ("pink", 10), ("hum", 10)],
)
def test_sentences_of_people_are_found_in_a_noisy_room(kind, ratio):
    samples, places = in_a_long_recording(sentences(10))
    if kind:
        spoken = np.concatenate([samples[start:end] for start, end in places])
        level = np.sqrt(np.mean(spoken**2)) * 10 ** (-ratio / 20)
        rng = np.random.default_rng(0)
        samples = samples + level * acoustics.noise(kind, len(samples), rng)
    found = segments.find(samples)
    # One pause within a sentence may be long enough to cut it.
    assert len(places) <= len(found) <= len(places) + 1
    heard = np.zeros(len(samples), bool)
    for one in found:
        heard[one.first : one.last] = True
    for start, end in places:
        assert heard[start:end].mean() > 0.95
        assert not heard[start - 2 * RATE : start - RATE].any()
        assert not heard[end + RATE : end + 2 * RATE].any()
