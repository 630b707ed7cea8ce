"""Plant a pitch contour and ask for it back."""

import itertools
import pathlib

import numpy as np
import pytest

from zhasr import audio, features, pitch_tracker

CORPORA = pathlib.Path(__file__).parents[2] / "shared/corpora"

# Contours of the four tones, relative to the middle of the voice.
TONES = {
    1: [1.2, 1.2],
    2: [0.9, 0.85, 1.25],
    3: [0.85, 0.65, 0.65, 0.9],
    4: [1.35, 0.7],
}
VOWELS = {  # formants in Hz
    "a": (850, 1300, 2600),
    "i": (300, 2300, 3000),
    "u": (330, 750, 2400),
    "e": (500, 1400, 2400),
}
SILENCE = np.zeros(audio.SAMPLE_RATE // 5)


def contour(relative, middle, seconds=0.4):
    """F0 in Hz for every sample, straight lines on a logarithmic scale."""
    places = np.linspace(0, len(relative) - 1, round(seconds * audio.SAMPLE_RATE))
    corners = np.log(np.array(relative) * middle)
    return np.exp(np.interp(places, np.arange(len(relative)), corners))


def voice(f0, formants=VOWELS["a"], weakest_harmonic=1):
    """Harmonics of a contour, 6 dB weaker per octave, louder near the formants."""
    phase = 2 * np.pi * np.cumsum(f0) / audio.SAMPLE_RATE
    samples = np.zeros(len(f0))
    for harmonic in range(weakest_harmonic, 60):
        hertz = harmonic * f0
        peaks = sum(1 / (1 + ((hertz - peak) / 120) ** 2) for peak in formants)
        level = np.where(hertz < 7_500, (peaks + 0.03) / harmonic, 0)
        samples += level * np.sin(harmonic * phase)
    return 0.3 * samples / np.abs(samples).max()


def add_noise(samples, decibels, seed=0):
    """White noise, so many decibels below the mean power of the sound."""
    sound = samples[samples != 0]
    level = np.sqrt(np.mean(sound**2)) * 10 ** (-decibels / 20)
    return samples + level * np.random.default_rng(seed).standard_normal(len(samples))


def centres_of(samples):
    frames = features.count_frames(len(samples))
    return np.arange(frames) * 160 + 200


def error_in_octaves(samples, f0, edge=0.03):
    """Error in the frames whose surroundings are voiced, `edge` seconds each way."""
    centres, reach = centres_of(samples), round(edge * audio.SAMPLE_RATE)
    log_f0, voicing = pitch_tracker.track(samples.astype(np.float32), centres)
    last = len(f0) - 1
    inside = [f0[np.clip(centres + move, 0, last)] > 0 for move in (-reach, 0, reach)]
    inside = np.all(inside, axis=0)
    planted = np.log2(f0[centres[inside]])
    return log_f0[inside] / np.log(2) - planted, voicing[inside]


def surround(f0, formants=VOWELS["a"], **options):
    samples = np.concatenate([SILENCE, voice(f0, formants, **options), SILENCE])
    return samples, np.concatenate([SILENCE, f0, SILENCE])


@pytest.mark.parametrize("noise", [None, 10])
@pytest.mark.parametrize("vowel", VOWELS)
@pytest.mark.parametrize("tone", TONES)
@pytest.mark.parametrize("middle", [100, 130, 190, 260, 330])
def test_tones_of_low_and_high_voices(middle, tone, vowel, noise):
    samples, f0 = surround(contour(TONES[tone], middle), VOWELS[vowel])
    if noise is not None:
        samples = add_noise(samples, noise)
    error, voicing = error_in_octaves(samples, f0)
    assert np.abs(error).max() < 1 / 12  # nowhere a semitone off, so no octave error
    assert np.abs(error).mean() < 0.2 / 12
    assert np.mean(voicing > features.VOICED) > 0.75


def test_fundamental_missing_as_on_the_telephone():
    samples, f0 = surround(contour(TONES[4], 140), weakest_harmonic=2)
    error, _ = error_in_octaves(samples, f0)
    assert np.abs(error).max() < 1 / 12


def test_level_of_the_recording_does_not_matter():
    samples, f0 = surround(contour(TONES[2], 200))
    loud, loud_voicing = error_in_octaves(samples, f0)
    quiet, quiet_voicing = error_in_octaves(0.01 * samples, f0)
    np.testing.assert_allclose(loud, quiet, atol=1e-3)
    np.testing.assert_allclose(loud_voicing, quiet_voicing, atol=1e-3)


def test_steady_tone_is_exact_at_every_pitch():
    for hertz in np.geomspace(65, 460, 24):
        samples, f0 = surround(np.full(8_000, hertz))
        error, _ = error_in_octaves(samples, f0, edge=0.05)
        assert np.abs(error).max() < 0.1 / 12, hertz


def test_frames_are_in_time():
    """A rise through 200 Hz is found where it was planted, within 3 ms."""
    f0 = contour([0.8, 1.25], 200, seconds=0.5)
    error, _ = error_in_octaves(*surround(f0))
    speed = np.log2(1.25 / 0.8) / 0.5  # octaves per second
    assert abs(np.mean(error)) < 0.003 * speed


@pytest.mark.parametrize("kind", ["silence", "whisper", "click", "hum"])
def test_nothing_is_voiced(kind):
    noise = np.random.default_rng(1).standard_normal(16_000)
    samples = {
        "silence": np.zeros(16_000),
        "whisper": 0.1 * np.convolve(noise, [1, -0.9, 0.5], mode="same"),
        "click": np.eye(1, 16_000, 8_000)[0],
        "hum": 1e-6 * np.sin(2 * np.pi * 100 * np.arange(16_000) / 16_000),
    }[kind].astype(np.float32)
    found = features.pitch(samples)
    assert np.isfinite(found).all()
    assert np.mean(found[:, 2] > features.VOICED) < 0.03


def test_quiet_hum_between_words_is_not_voiced():
    samples, f0 = surround(contour(TONES[1], 200))
    time = np.arange(len(samples)) / audio.SAMPLE_RATE
    hum = 0.001 * np.sin(2 * np.pi * 100 * time)
    found = features.pitch((samples + hum).astype(np.float32))
    pause = f0[centres_of(samples)] == 0
    assert found[pause][:15, 2].max() < features.VOICED


@pytest.mark.parametrize("length", [1, 2, 100, 399, 400, 401, 560, 561])
def test_very_short(length):
    samples = np.ones(length, np.float32)
    found = features.pitch(samples)
    assert found.shape == (features.count_frames(length), 3)
    assert np.isfinite(found).all()


def test_log_f0_is_a_straight_line_where_there_is_no_voice():
    low, high = np.full(4_800, 120.0), np.full(4_800, 240.0)
    pause = np.zeros(3_200)
    samples = np.concatenate([voice(low), pause, voice(high)]).astype(np.float32)
    found = features.pitch(samples)
    hertz = np.exp(found[:, 0])
    assert hertz[5] == pytest.approx(120, rel=0.01)
    assert hertz[-6] == pytest.approx(240, rel=0.01)
    unvoiced = np.flatnonzero(found[:, 2] <= features.VOICED)
    unvoiced = unvoiced[(unvoiced > 20) & (unvoiced < len(found) - 20)]
    assert len(unvoiced) > 10
    assert np.all(np.diff(found[unvoiced, 0]) > 0)
    assert np.abs(np.diff(found[unvoiced, 0], n=2)).max() < 1e-5


def test_slope_is_per_second():
    f0 = contour([0.7, 1.4], 200, seconds=0.5)  # one octave in half a second
    found = features.pitch(voice(f0).astype(np.float32))
    assert np.median(found[10:-10, 1]) == pytest.approx(2 * np.log(2), rel=0.03)


def test_decimation_keeps_the_voice_and_removes_the_rest():
    time = np.arange(16_001) / audio.SAMPLE_RATE
    voiced = np.sin(2 * np.pi * 200 * time)
    rest = np.sin(2 * np.pi * 3_000 * time) + np.sin(2 * np.pi * 10 * time) + 0.5
    narrow = pitch_tracker.decimate((voiced + rest).astype(np.float32))
    assert narrow.shape == (4_001,)
    middle = slice(400, -400)
    np.testing.assert_allclose(narrow[middle], voiced[::4][middle], atol=0.02)


def test_end_of_a_recording_is_not_heard_at_its_beginning():
    samples = np.zeros(4 * 4_096, np.float32)
    samples[-2_000:] = voice(np.full(2_000, 200.0))
    assert np.abs(pitch_tracker.decimate(samples)[:100]).max() < 1e-3


def test_path_stays_on_course_through_a_cough():
    """60 ms of noise throw the pitch off by a few semitones: moving has its cost."""
    largest = []
    for hertz, seed in itertools.product((120.0, 200.0, 300.0), range(5)):
        samples, f0 = surround(np.full(12_800, hertz))
        samples[8_000:8_960] = np.random.default_rng(seed).normal(0, 0.1, 960)
        error, _ = error_in_octaves(samples, f0)
        largest.append(12 * np.abs(error).max())
    assert np.mean(largest) < 4  # 3.2; and 4.8 where moving is free


def test_path_waits_for_a_voice_and_not_with_the_hum_before_it():
    samples, f0 = surround(np.full(8_000, 420.0))
    time = np.arange(len(samples)) / audio.SAMPLE_RATE
    hum = sum(np.sin(2 * np.pi * 65 * n * time) for n in range(1, 5))
    error, _ = error_in_octaves(samples + 0.002 * hum, f0, edge=0.0)
    assert np.abs(error[1:-1]).max() < 1 / 12


def test_path_is_the_best_of_all_paths(monkeypatch):
    monkeypatch.setattr(pitch_tracker, "GLIDE_LIMIT", 2)
    monkeypatch.setattr(pitch_tracker, "GLIDE_COST", 300.0)
    generator = np.random.default_rng(0)
    for _ in range(20):
        costs = generator.random((4, 6)).astype(np.float32)
        found = pitch_tracker.smoothest_path(costs)
        assert path_cost(costs, found) == pytest.approx(
            min(path_cost(costs, p) for p in itertools.product(range(6), repeat=4))
        )


def test_path_of_a_long_recording_is_as_sharp_as_that_of_a_short_one():
    """Costs that are shared by all states add up, but change no path."""
    generator = np.random.default_rng(0)
    costs = generator.integers(0, 1_024, (3_000, 40)).astype(np.float32) / 1_024
    found = pitch_tracker.smoothest_path(costs - 1_024)
    expected = pitch_tracker.smoothest_path(costs)
    assert np.mean(found != expected) < 0.01  # a tie here and there; was half of all


def path_cost(costs, path):
    moves = np.diff(path)
    if np.abs(moves).max() > pitch_tracker.GLIDE_LIMIT:
        return np.inf
    octaves = moves / pitch_tracker.STATES_PER_OCTAVE
    local = sum(float(costs[frame, state]) for frame, state in enumerate(path))
    return local + pitch_tracker.GLIDE_COST * float(np.square(octaves).sum())


def test_correlation_equals_its_definition():
    """The voicing of a frame is the sum of products, computed one by one."""
    lag = 20  # samples at 4 kHz: 200 Hz
    samples, _ = surround(np.full(8_000, audio.SAMPLE_RATE / (4 * lag)))
    samples = add_noise(samples, 5).astype(np.float32)
    centres = centres_of(samples)
    narrow = pitch_tracker.decimate(samples).astype(np.float64)
    log_f0, voicing = pitch_tracker.track(samples, centres)
    for frame in (30, 40, 50):
        begin = centres[frame] // 4 - (100 + pitch_tracker.CENTRED_LAG) // 2
        first, later = narrow[begin : begin + 100], narrow[begin + lag :][:100]
        expected = first @ later / np.sqrt((first @ first) * (later @ later))
        assert np.exp(log_f0[frame]) == pytest.approx(200, rel=0.02)
        assert voicing[frame] == pytest.approx(expected, abs=0.02)


@pytest.mark.skipif(
    not (CORPORA / "HanTTS").exists(), reason="no HanTTS recordings beside the project"
)
@pytest.mark.parametrize(
    "pattern", ["HanTTS/syllables/{}.opus", "audio-cmn/64k/syllabs/cmn-{}.opus"]
)
def test_real_syllables_have_the_contour_of_their_tone(pattern):
    rises = {tone: [] for tone in TONES}
    syllables = "ma ba da shi xue li wan you fei lou mao hui yan qing tong".split()
    for syllable, tone in itertools.product(syllables, TONES):
        path = CORPORA / pattern.format(f"{syllable}{tone}")
        if path.exists():
            found = features.pitch(audio.read(path))
            voiced = found[found[:, 2] > 0.8, 0]
            third = len(voiced) // 3
            change = np.median(voiced[-third:]) - np.median(voiced[:third])
            rises[tone].append(12 * change / np.log(2))
    semitones = {tone: np.median(values) for tone, values in rises.items()}
    assert abs(semitones[1]) < 1
    assert semitones[2] > 2
    assert semitones[4] < -3
    assert semitones[3] < semitones[2]


def test_lengths_of_transforms_have_small_factors():
    for length in (1, 31, 100, 20_123, 9_600_001):
        found = pitch_tracker.fast_length(length)
        assert length <= found <= 1.07 * length + 1
        while found % 2 == 0:
            found //= 2
        assert found < 32
