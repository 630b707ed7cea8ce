"""Speech that is planted in noise is found; its pieces are short and in order."""

import numpy as np
import pytest

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
    samples = planted(60, (5, 8), (50, 53), level=0.5)
    samples += noise(60, seed=1) * np.linspace(0, 10, 60 * RATE, dtype=np.float32)
    check_found(segments.find(samples), [(5, 8), (50, 53)], slack=0.3)


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


def test_a_click_is_no_speech():
    samples = planted(30, (10, 12))
    samples[20 * RATE : 20 * RATE + 40] = 0.9
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
    tone = np.sin(2 * np.pi * 4000 * moments)  # |1 - 0.97 e^(-iω)|² = 1 + 0.97², at π/2
    expected = 10 * np.log10(0.5 * (1 + segments.PREEMPHASIS**2))
    assert segments.levels(tone)[10:-10] == pytest.approx(expected, abs=0.1)
    assert len(segments.levels(tone[:161])) == 2
