"""Audio files of every kind come in as 16 kHz mono; bad ones say what is wrong."""

import os

import numpy as np
import pytest
import soundfile
import soxr

from zhasr import audio

FORMATS = {
    "wav": {},
    "flac": {},
    "mp3": {},
    "ogg": {},
    "opus": {"format": "OGG", "subtype": "OPUS"},
}


def sine(rate, seconds=1.0, hertz=440.0):
    time = np.arange(round(rate * seconds)) / rate
    return (0.5 * np.sin(2 * np.pi * hertz * time)).astype(np.float32)


def loudest_frequency(samples):
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    return spectrum.argmax() * audio.SAMPLE_RATE / len(samples)


@pytest.fixture
def cut(tmp_path):
    """Write a file, then keep only a part of its bytes."""

    def write(extension, part):
        path = tmp_path / f"cut.{extension}"
        noise = np.random.default_rng(0).uniform(-0.5, 0.5, 48_000)
        soundfile.write(path, noise, 16_000, **FORMATS[extension])
        content = path.read_bytes()
        path.write_bytes(content[: round(part * len(content))])
        return path

    return write


def reason(path):
    with pytest.raises(audio.AudioError) as caught:
        audio.read(path)
    message = str(caught.value)
    assert str(path) in message
    assert "\n" not in message
    return message


@pytest.mark.parametrize("extension", FORMATS)
def test_every_format(tmp_path, extension):
    path = tmp_path / f"tone.{extension}"
    soundfile.write(path, sine(48_000), 48_000, **FORMATS[extension])
    samples = audio.read(path)
    assert samples.dtype == np.float32
    assert abs(len(samples) - audio.SAMPLE_RATE) < 0.05 * audio.SAMPLE_RATE
    assert loudest_frequency(samples) == pytest.approx(440, abs=2)
    duration = len(samples) / audio.SAMPLE_RATE
    assert audio.read_duration(path) == pytest.approx(duration, abs=1e-3)


@pytest.mark.parametrize("rate", [8_000, 11_025, 22_050, 44_100, 48_000, 96_000])
def test_every_rate_keeps_length_pitch_and_level(tmp_path, rate):
    soundfile.write(tmp_path / "tone.wav", sine(rate), rate, subtype="FLOAT")
    samples = audio.read(tmp_path / "tone.wav")
    assert samples.shape == (16_000,)
    middle = slice(1_000, 15_000)
    expected = sine(audio.SAMPLE_RATE)
    np.testing.assert_allclose(samples[middle], expected[middle], atol=2e-3)


def test_16_khz_is_not_touched(tmp_path):
    soundfile.write(tmp_path / "a.wav", sine(16_000), 16_000, subtype="FLOAT")
    np.testing.assert_array_equal(audio.read(tmp_path / "a.wav"), sine(16_000))


def test_stereo_is_averaged(tmp_path):
    left, right = sine(16_000, hertz=300), sine(16_000, hertz=500)
    stereo = np.stack([left, right], axis=1)
    soundfile.write(tmp_path / "a.wav", stereo, 16_000, subtype="FLOAT")
    expected = (left + right) / 2
    np.testing.assert_allclose(audio.read(tmp_path / "a.wav"), expected, atol=1e-7)


def test_long_files_are_read_as_in_one_piece(tmp_path, monkeypatch):
    noise = np.random.default_rng(0).normal(0, 0.1, 3 * 44_100 + 17)
    path = tmp_path / "a.wav"
    soundfile.write(path, noise, 44_100, subtype="FLOAT")
    expected = soxr.resample(noise.astype(np.float32), 44_100, 16_000, "HQ")
    for seconds in (1, 3, 4):
        monkeypatch.setattr(audio, "BLOCK_SECONDS", seconds)
        np.testing.assert_array_equal(audio.read(path), expected)


@pytest.mark.parametrize("extension", FORMATS)
def test_blocks_of_every_format_follow_each_other(tmp_path, monkeypatch, extension):
    path = tmp_path / f"noise.{extension}"
    noise = np.random.default_rng(0).normal(0, 0.1, 3 * 48_000)
    soundfile.write(path, noise, 48_000, **FORMATS[extension])
    whole = audio.read(path)
    monkeypatch.setattr(audio, "BLOCK_SECONDS", 1)
    np.testing.assert_allclose(audio.read(path), whole, atol=1e-6)


def write_channels(path, *channels, rate=16_000):
    soundfile.write(path, np.stack(channels, axis=1), rate, subtype="FLOAT")
    return path


@pytest.mark.parametrize("other", [-1.0, -0.8, -1.2])
@pytest.mark.parametrize("offset", [0.0, 0.2])
def test_channels_that_cancel_each_other(tmp_path, other, offset):
    tone = sine(16_000)
    path = write_channels(tmp_path / "a.wav", tone + offset, other * tone + offset)
    expected = other * tone if abs(other) > 1 else tone
    np.testing.assert_allclose(audio.read(path), expected, atol=1e-5)


def test_channels_that_do_not_are_averaged(tmp_path):
    tone, rng = sine(16_000), np.random.default_rng(0)
    left, right = rng.normal(0, 0.1, (2, 16_000))
    silence = np.zeros(16_000)
    for channels in (
        (silence, tone),
        (left, right),
        (silence,) * 7 + (tone,),
        tuple(rng.normal(0, 0.1, (8, 16_000))),
        (silence, silence),
    ):
        samples = audio.read(write_channels(tmp_path / "a.wav", *channels))
        np.testing.assert_allclose(samples, np.mean(channels, axis=0), atol=1e-6)


@pytest.mark.parametrize(
    "subtype", ["PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE", "ULAW"]
)
def test_every_width_of_sample(tmp_path, subtype):
    soundfile.write(tmp_path / "a.wav", sine(16_000), 16_000, subtype=subtype)
    step = {"PCM_U8": 2**-7, "ULAW": 2**-5}.get(subtype, 2**-15)
    np.testing.assert_allclose(
        audio.read(tmp_path / "a.wav"), sine(16_000), atol=1.01 * step
    )


@pytest.mark.parametrize("offset", [0.3, -0.4])
def test_a_large_offset_is_removed(tmp_path, offset):
    soundfile.write(tmp_path / "a.wav", sine(16_000) + offset, 16_000, subtype="FLOAT")
    np.testing.assert_allclose(audio.read(tmp_path / "a.wav"), sine(16_000), atol=1e-5)


@pytest.mark.parametrize(
    ("peak", "expected"),
    [
        (1.3, 1.3),  # as of mp3 and of floats that were not clipped
        (2.0**15, 1.0),
        (2.0**31, 1.0),
        (10 ** (-50 / 20), 0.0316 * audio.LARGEST_GAIN * 0.1),
        (1e-5, 1e-5 * audio.LARGEST_GAIN),
        (0.02, 0.02),
        (0.0, 0.0),
    ],
)
def test_only_extreme_levels_are_changed(tmp_path, peak, expected):
    tone = 2 * np.float64(sine(16_000)) * peak
    soundfile.write(tmp_path / "a.wav", tone, 16_000, subtype="FLOAT")
    samples = audio.read(tmp_path / "a.wav")
    assert np.abs(samples).max() == pytest.approx(expected, rel=0.01)
    if peak == expected:
        np.testing.assert_array_equal(samples, tone.astype(np.float32))


def test_samples_beyond_all_integers_are_refused(tmp_path):
    soundfile.write(tmp_path / "a.wav", 1e30 * sine(16_000), 16_000, subtype="FLOAT")
    assert "samples up to 5e+29, expected at most 1" in reason(tmp_path / "a.wav")


def test_sounds_above_8_khz_do_not_fold_down(tmp_path):
    soundfile.write(tmp_path / "a.wav", sine(48_000, hertz=10_000), 48_000)
    assert np.abs(audio.read(tmp_path / "a.wav")[1_000:-1_000]).max() < 1e-3


def test_missing_file(tmp_path):
    assert "no such" in reason(tmp_path / "none.wav")


def test_folder(tmp_path):
    assert "folder" in reason(tmp_path)


def test_pipes_and_devices(tmp_path):
    os.mkfifo(tmp_path / "pipe.wav")  # opening it would wait for ever
    assert "a pipe" in reason(tmp_path / "pipe.wav")
    assert "a device" in reason("/dev/null")


def test_empty_file(tmp_path):
    (tmp_path / "empty.wav").touch()
    assert "empty" in reason(tmp_path / "empty.wav")


@pytest.mark.parametrize("name", ["text.wav", "text.mp3", "text.raw", "text"])
def test_text_that_is_called_audio(tmp_path, name):
    (tmp_path / name).write_text("not audio " * 100)
    assert "expected wav" in reason(tmp_path / name)


def test_a_file_that_is_there_is_not_said_to_be_missing(tmp_path):
    # libsndfile says so of an mp3 in which it finds no frame.
    noise = np.random.default_rng(0).bytes(5000)
    (tmp_path / "noise.mp3").write_bytes(noise)
    said = reason(tmp_path / "noise.mp3")
    assert "expected wav" in said and "not exist" not in said


def test_no_samples(tmp_path):
    soundfile.write(tmp_path / "zero.wav", np.zeros(0), 16_000)
    assert "no samples" in reason(tmp_path / "zero.wav")


def test_too_short_to_resample(tmp_path):
    soundfile.write(tmp_path / "one.wav", np.zeros(1), 48_000)
    assert "too short" in reason(tmp_path / "one.wav")


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_samples_that_are_no_numbers(tmp_path, value):
    samples = sine(16_000)
    samples[777] = value
    soundfile.write(tmp_path / "nan.wav", samples, 16_000, subtype="FLOAT")
    assert "NaN" in reason(tmp_path / "nan.wav")


def test_absurd_rate(tmp_path):
    for rate in (100, 2_000_000_000):
        soundfile.write(tmp_path / "a.wav", sine(16_000), rate)
        assert "samples per second" in reason(tmp_path / "a.wav")


@pytest.mark.parametrize("extension", ["wav", "flac", "mp3"])
@pytest.mark.parametrize("part", [0.5, 0.9])
def test_truncated(cut, extension, part):
    assert "truncated" in reason(cut(extension, part))


def test_no_decoder_writes_to_standard_error(cut, capfd):
    assert "truncated" in reason(cut("mp3", 0.5))
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("extension", FORMATS)
def test_hardly_anything_left(cut, extension):
    reason(cut(extension, 0.002))


@pytest.mark.parametrize("length", [b"\xff\xff\xff\xff", b"\x00\xf0\xff\x7f"])
def test_wav_of_a_stream_announces_no_length(cut, length):
    path = cut("wav", 1.0)
    content = bytearray(path.read_bytes())
    position = content.index(b"data") + 4
    content[4:8] = content[position : position + 4] = length
    path.write_bytes(content)
    assert audio.read(path).shape == (48_000,)
