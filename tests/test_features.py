"""Features against python_speech_features, plain loops and planted answers."""

import dataclasses
import itertools

import numpy as np
import pytest
import python_speech_features
import soundfile

from zhasr import audio, features

ALL_CONFIGS = [
    features.FeatureConfig(kind, bands, pitch)
    for kind, bands in [("mfcc", 80), ("log-mel", 40), ("log-mel", 80)]
    for pitch in (False, True)
] + [features.FeatureConfig(pitch=True, length_normalisation=True, deltas=False)]
LENGTHS = [1, 2, 159, 399, 400, 401, 560, 561, 4_000, 16_000, 30_001]


def sound(length=16_000, seed=0):
    """Noise whose loudness changes, so that no two frames are alike."""
    generator = np.random.default_rng(seed)
    loudness = 0.2 * np.abs(np.sin(np.arange(length) / 3_000)) + 0.001
    return (loudness * generator.standard_normal(length)).astype(np.float32)


# --- python_speech_features -----------------------------------------------------------


@pytest.mark.parametrize("length", LENGTHS)
def test_mfcc_is_that_of_python_speech_features(length):
    scaled = features.to_16_bit_scale(sound(length))
    cepstra = python_speech_features.mfcc(scaled, 16_000, winfunc=np.hamming)
    slopes = python_speech_features.delta(cepstra, 2)
    curvatures = python_speech_features.delta(slopes, 2)
    expected = np.concatenate([cepstra, slopes, curvatures], axis=1)
    found = features.mfcc(sound(length))
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize("frames", [1, 2, 3, 4, 5, 50])
def test_delta_is_that_of_python_speech_features(frames):
    array = np.random.default_rng(frames).normal(size=(frames, 3))
    expected = python_speech_features.delta(array, 2)
    np.testing.assert_allclose(features.delta(array), expected, atol=1e-12)


def test_scale_is_that_of_16_bit_files(tmp_path):
    """A wav read as integers, as the tutorials do it, gives the same cepstra."""
    soundfile.write(tmp_path / "a.wav", sound(), 16_000, subtype="PCM_16")
    integers, _ = soundfile.read(tmp_path / "a.wav", dtype="int16")
    expected = python_speech_features.mfcc(integers, 16_000, winfunc=np.hamming)
    found = features.mfcc(audio.read(tmp_path / "a.wav"))[:, :13]
    assert np.abs(found - expected).max() < 0.5  # the dither, in the quietest frame
    assert np.abs(found - expected).mean() < 0.02


# --- log-mel --------------------------------------------------------------------------


def slow_log_mel(samples, bands, frame):
    """One frame by the definition: no FFT, no matrix, no block."""
    scaled = features.to_16_bit_scale(samples)
    emphasised = scaled - 0.97 * np.concatenate([[0], scaled[:-1]])
    window = 0.54 - 0.46 * np.cos(2 * np.pi * np.arange(400) / 399)
    part = emphasised[160 * frame : 160 * frame + 400] * window
    mel = lambda hertz: 2595 * np.log10(1 + hertz / 700)  # noqa: E731
    step = (mel(8_000) - mel(20)) / (bands + 1)
    energies = np.zeros(bands)
    for bin in range(257):
        wave = np.exp(-2j * np.pi * bin * np.arange(400) / 512)
        power = abs(part @ wave) ** 2 / 512
        for band in range(bands):
            centre = mel(20) + (band + 1) * step
            distance = abs(mel(bin * 16_000 / 512) - centre) / step
            energies[band] += power * max(0, 1 - distance)
    return np.log(energies)


@pytest.mark.parametrize("bands", [1, 23, 80])
def test_log_mel_is_its_definition(bands):
    samples = sound(30_000)
    found = features.log_mel(samples, bands)
    for frame in (0, 63, 64, 150):  # both sides of a block border
        expected = slow_log_mel(samples, bands, frame)
        np.testing.assert_allclose(found[frame], expected, atol=1e-4)


def test_log_mel_is_close_to_python_speech_features():
    """Theirs has the corners of its filters rounded to bins of the spectrum."""
    energies, _ = python_speech_features.fbank(
        features.to_16_bit_scale(sound()), nfilt=26, lowfreq=20, winfunc=np.hamming
    )
    difference = features.log_mel(sound(), 26) - np.log(energies)
    assert np.median(np.abs(difference)) < 0.15
    assert np.abs(difference.mean(axis=0)).max() < 0.5


def test_tone_is_loudest_in_its_band():
    time = np.arange(16_000) / 16_000
    for band, corner in enumerate(np.linspace(31.7, 2840, 42)[1:-1]):
        hertz = 700 * (10 ** (corner / 2595) - 1)
        found = features.log_mel(0.1 * np.sin(2 * np.pi * hertz * time), 40)
        assert abs(found[50].argmax() - band) <= (hertz < 200)


@pytest.mark.parametrize("bands", [0, -1, 200])
def test_bands_that_cannot_be(bands):
    with pytest.raises(ValueError, match=str(bands)):
        features.FeatureConfig("log-mel", bands=bands)


# --- frames and shapes ----------------------------------------------------------------


@pytest.mark.parametrize("length", LENGTHS)
def test_every_kind_has_the_same_frames(length):
    samples = sound(length)
    for config in ALL_CONFIGS:
        found = features.extract(samples, config)
        assert found.shape == (features.count_frames(length), config.dims)
        assert found.dtype == np.float32
        assert np.isfinite(found).all()


@pytest.mark.parametrize("config", ALL_CONFIGS)
def test_silence_is_finite_and_not_extreme(config):
    silent = features.extract(np.zeros(8_000, np.float32), config)
    assert np.isfinite(silent).all()
    quiet = features.extract(np.float32(1e-4) * sound(8_000), config)
    assert np.abs(silent - quiet).max() < 40
    halves = np.concatenate([sound(8_000), np.zeros(8_000, np.float32)])
    assert np.isfinite(features.extract(halves, config)).all()


@pytest.mark.parametrize("config", ALL_CONFIGS)
def test_same_samples_same_features(config):
    first, second = (features.extract(sound(), config) for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_spectral_features_of_a_frame_do_not_depend_on_what_follows():
    samples = sound(30_000)
    whole, part = features.log_mel(samples), features.log_mel(samples[:9_000])
    np.testing.assert_allclose(whole[: len(part) - 1], part[:-1], atol=1e-5)


def test_pitch_is_appended():
    config = features.FeatureConfig("log-mel", bands=40, pitch=True)
    found = features.extract(sound(), config)
    np.testing.assert_array_equal(found[:, :40], features.log_mel(sound(), 40))
    np.testing.assert_array_equal(found[:, 40:], features.pitch(sound()))
    assert (config.spectral_dims, config.dims) == (40, 43)


def test_slopes_of_the_cepstra_can_be_left_out():
    static = features.FeatureConfig(
        pitch=True, pitch_normalisation="voice", length_normalisation=True, deltas=False
    )
    whole = features.extract(sound(), dataclasses.replace(static, deltas=True))
    found = features.extract(sound(), static)
    assert (static.spectral_dims, static.dims, found.shape[1]) == (13, 16, 16)
    np.testing.assert_array_equal(found, whole[:, [*range(13), *range(39, 42)]])


@pytest.mark.parametrize("shape", [(0,), (100, 2), ()])
@pytest.mark.parametrize("config", ALL_CONFIGS[:2])
def test_wrong_samples(shape, config):
    with pytest.raises(ValueError, match="samples"):
        features.extract(np.zeros(shape, np.float32), config)


def test_extract_file(tmp_path):
    soundfile.write(tmp_path / "a.flac", sound(), 16_000)
    config = features.FeatureConfig(pitch=True)
    found = features.extract_file(tmp_path / "a.flac", config)
    expected = features.extract(audio.read(tmp_path / "a.flac"), config)
    np.testing.assert_array_equal(found, expected)


def test_frames_and_seconds():
    frames = np.arange(200_000)
    seconds = features.frames_to_seconds(frames)
    np.testing.assert_allclose(seconds, frames / 100)
    np.testing.assert_array_equal(features.seconds_to_frames(seconds), frames)
    for frame in range(1_000):
        assert features.seconds_to_frames(frame / 100) == frame
        assert features.seconds_to_frames(frame / 100 + 0.0099) == frame


# --- configuration --------------------------------------------------------------------


@pytest.mark.parametrize("config", ALL_CONFIGS)
def test_config_to_dict_and_back(config):
    assert features.FeatureConfig.from_dict(config.to_dict()) == config


@pytest.mark.parametrize(
    "fields",
    [
        {"kind": "MFCC"},
        {"pitch_normalisation": "none"},
        {"length_normalisation": True},
        {"kind": "log-mel", "deltas": False},
        {"unknown": 1},
    ],
)
def test_config_refuses(fields):
    with pytest.raises(ValueError, match="expected"):
        features.FeatureConfig.from_dict(fields)


# --- pitch of a speaker ---------------------------------------------------------------


def hum(hertz, seconds=0.5):
    time = np.arange(round(16_000 * seconds)) / 16_000
    waves = [np.sin(2 * np.pi * n * hertz * time) / n for n in range(1, 8)]
    return (0.1 * np.sum(waves, axis=0)).astype(np.float32)


def test_mean_log_f0_of_several_recordings():
    first, second = features.pitch(hum(100, 0.5)), features.pitch(hum(200, 1.5))
    silent = features.pitch(np.zeros(16_000, np.float32))
    expected = (np.log(100) * 0.5 + np.log(200) * 1.5) / 2
    found = features.mean_log_f0(first, second, silent)
    assert found == pytest.approx(expected, abs=0.02)
    assert features.mean_log_f0(silent) is None


def test_speaker_normalisation():
    config = features.FeatureConfig(pitch=True, pitch_normalisation="speaker")
    known = features.extract(hum(150), config, speaker_log_f0=np.log(120))
    assert known[20, -3] == pytest.approx(np.log(150 / 120), abs=0.01)
    # Of an unknown speaker, one short recording tells only a part.
    unknown = features.extract(hum(150), config)
    assert np.log(150 / 200) < unknown[20, -3] < 0


# --- statistics -----------------------------------------------------------------------


def test_statistics_equal_numpy():
    arrays = [np.random.default_rng(n).normal(n, 2, (50, 4)) for n in range(5)]
    merged = features.Statistics.empty(4)
    for array in arrays:
        merged = merged.merge(features.Statistics.of(array))
    whole = np.concatenate(arrays)
    np.testing.assert_allclose(merged.mean, whole.mean(axis=0), rtol=1e-6)
    np.testing.assert_allclose(merged.std, whole.std(axis=0), rtol=1e-6)
    assert merged.count == 250


def test_statistics_stay_exact_far_from_zero():
    array = 1_000 + np.random.default_rng(0).normal(0, 0.1, (1_000_000, 1))
    array = array.astype(np.float32)
    found = features.Statistics.of(array).std
    assert found == pytest.approx(array.astype(np.float64).std(), rel=1e-3)


def test_statistics_save_and_load(tmp_path):
    written = features.Statistics.of(sound(300).reshape(100, 3))
    written.save(tmp_path / "statistics.json")
    read = features.Statistics.load(tmp_path / "statistics.json")
    assert read.count == written.count
    np.testing.assert_array_equal(read.total, written.total)
    np.testing.assert_array_equal(read.total_squares, written.total_squares)


@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"count": 1, "total": "a"}'])
def test_statistics_that_cannot_be_read(tmp_path, text):
    (tmp_path / "bad.json").write_text(text)
    for path in (tmp_path / "bad.json", tmp_path / "none.json"):
        with pytest.raises(ValueError, match=path.name):
            features.Statistics.load(path)


def test_statistics_of_other_features_or_of_nothing():
    with pytest.raises(ValueError, match="expected statistics of 4"):
        features.Statistics.empty(4).merge(features.Statistics.empty(5))
    with pytest.raises(ValueError, match="no frames"):
        _ = features.Statistics.empty(4).mean


def test_constant_feature_is_not_divided_by_zero():
    statistics = features.Statistics.of(np.full((10, 2), 3.0))
    found = features.normalise(np.full((10, 2), 3.0), statistics.mean, statistics.std)
    np.testing.assert_array_equal(found, np.zeros((10, 2)))


# --- normalisation --------------------------------------------------------------------


VOWEL_A, VOWEL_I = np.array([3.0, -2.0, 0.0]), np.array([-3.0, 2.0, 1.0])


def distance_between_vowels(smoothing, frames):
    """Of what is left of two vowels, each recorded alone, in standard deviations."""
    generator = np.random.default_rng(0)
    vowels = [
        vowel + 0.1 * generator.normal(size=(frames, 3)) for vowel in (VOWEL_A, VOWEL_I)
    ]
    statistics = features.Statistics.of(np.concatenate(vowels))
    left = [
        features.normalise(vowel, statistics.mean, statistics.std, smoothing)
        for vowel in vowels
    ]
    return np.linalg.norm(left[0].mean(axis=0) - left[1].mean(axis=0))


def test_own_mean_removes_the_vowel_of_a_syllable_and_smoothing_keeps_it():
    """What the smoothing is for: without it the two vowels become the same."""
    kept_all = distance_between_vowels(smoothing=1e9, frames=40)
    assert distance_between_vowels(smoothing=0, frames=40) < 0.01 * kept_all
    assert distance_between_vowels(smoothing=200, frames=40) > 0.8 * kept_all


def test_microphone_is_removed_from_a_sentence():
    generator = np.random.default_rng(0)
    sentence = generator.normal(size=(800, 3))
    coloured = sentence + np.array([5.0, -4.0, 2.0])
    mean, std = np.zeros(3), np.ones(3)
    clean, heard = (features.normalise(x, mean, std) for x in (sentence, coloured))
    left = (heard - clean).mean(axis=0)
    np.testing.assert_allclose(left, [1.0, -0.8, 0.4], atol=1e-3)  # a fifth


def test_no_frames_and_global_mean():
    mean, std = np.array([1.0, 2.0]), np.array([2.0, 4.0])
    assert features.normalise(np.zeros((0, 2)), mean, std).shape == (0, 2)
    found = features.normalise(np.tile(mean, (30, 1)), mean, std)
    np.testing.assert_allclose(found, 0, atol=1e-7)


def pitch_only(log_f0, voicing):
    """Features of a recording whose cepstra are all zero."""
    frames = len(log_f0)
    slope = features.delta(np.asarray(log_f0)[:, None])[:, 0]
    return np.column_stack([np.zeros((frames, 39)), log_f0, slope, voicing])


def normalised_pitch(log_f0, voicing, **options):
    config = features.FeatureConfig(pitch=True, **options)
    mean, std = np.zeros(42), np.ones(42)
    mean[-3:] = np.log(200), 0.1, 0.5
    array = pitch_only(log_f0, voicing)
    return features.normalise(array, mean, std, config=config)[:, -3:], array[:, -3:]


def test_pitch_of_a_sentence_loses_its_speaker():
    melody = 0.2 * np.sin(np.arange(600) / 20)
    low, _ = normalised_pitch(np.log(110) + melody, np.ones(600))
    high, _ = normalised_pitch(np.log(220) + melody, np.ones(600))
    left = (high[:, 0] - low[:, 0]).mean()
    assert left == pytest.approx(np.log(2) * 50 / 650, abs=1e-4)


def test_level_of_a_syllable_is_kept():
    """High and low level tones of one speaker, each recorded alone, stay apart."""
    high, _ = normalised_pitch(np.full(25, np.log(250)), np.ones(25))
    low, _ = normalised_pitch(np.full(25, np.log(160)), np.ones(25))
    assert (high - low)[0, 0] == pytest.approx(np.log(250 / 160) * 2 / 3, abs=1e-4)


def test_a_syllable_of_a_man_and_of_a_woman_lies_about_the_middle():
    for hertz in (115, 215):
        found, _ = normalised_pitch(
            np.full(20, np.log(hertz)), np.ones(20), pitch_normalisation="voice"
        )
        assert np.abs(found[:, 0]).max() < 0.1
    unknown, _ = normalised_pitch(np.full(20, np.log(115)), np.ones(20))
    assert unknown[0, 0] < -0.3


def test_only_voiced_frames_tell_the_level():
    log_f0 = np.concatenate([np.full(300, np.log(100)), np.full(300, np.log(400))])
    voicing = np.repeat([1.0, 0.2], 300)
    found, _ = normalised_pitch(log_f0, voicing)
    expected = (300 * np.log(100) + 50 * np.log(200)) / 350
    np.testing.assert_allclose(found[:, 0], log_f0 - expected, atol=1e-5)


def test_slope_and_voicing_keep_the_mean_of_the_utterance():
    found, raw = normalised_pitch(np.linspace(5, 6, 100), np.full(100, 0.9))
    np.testing.assert_allclose(found[:, 1:], raw[:, 1:] - [0.1, 0.5], atol=1e-6)


def test_pitch_relative_to_the_speaker_is_not_moved_again():
    log_f0 = np.full(500, 0.3)
    found, _ = normalised_pitch(
        log_f0, np.ones(500), pitch_normalisation="speaker"
    )
    np.testing.assert_allclose(found[:, 0], log_f0 - np.log(200), atol=1e-6)


def test_whole_path_with_real_statistics():
    """From samples to normalised features: finite, about zero, about one."""
    for config, seed in itertools.product(ALL_CONFIGS, (0, 1)):
        raw = features.extract(sound(48_000, seed), config)
        statistics = features.Statistics.of(raw)
        found = features.normalise(raw, statistics.mean, statistics.std, config=config)
        assert np.isfinite(found).all()
        spectral = found[:, : config.spectral_dims]
        np.testing.assert_allclose(spectral.mean(axis=0), 0, atol=1e-3)
        np.testing.assert_allclose(spectral.std(axis=0), 1, atol=1e-3)
