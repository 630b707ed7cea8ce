"""Any audio file -> float32 mono samples at 16 kHz.

Everything after this step counts on 16,000 samples per second and one channel.
Files at another rate are resampled here, explicitly, and nowhere else.

Example:
    >>> import numpy as np, pathlib, soundfile, tempfile
    >>> folder = pathlib.Path(tempfile.mkdtemp())
    >>> stereo = np.zeros((44_100, 2))  # one second of CD audio
    >>> soundfile.write(folder / "cd.wav", stereo, 44_100)
    >>> samples = read(folder / "cd.wav")
    >>> samples.shape, samples.dtype
    ((16000,), dtype('float32'))
"""

import contextlib
import pathlib
import re

import numpy as np
import soundfile
import soxr

SAMPLE_RATE = 16_000  # samples per second
LOWEST_RATE = 4_000  # samples per second; below it there is no speech to recognise
UNKNOWN_LENGTH = 2**31 - 2**12  # bytes; a wav that was streamed announces this or more
MP3_SLACK = 2 * 1152  # samples; two frames, which encoders count differently

WAV_LENGTH = re.compile(r"^\s*data\s*:\s*(\d+) \(should be (\d+)\)", re.MULTILINE)


class AudioError(ValueError):
    """An audio file that cannot be used; the message names it and the reason."""


def read(path):
    """Read an audio file as mono samples at 16 kHz.

    Wav, flac, mp3, ogg and opus at any sample rate; channels are averaged. A
    truncated ogg or opus file cannot be told from a short one and is read as it is.

    Args:
        path: str or pathlib.Path, the audio file.

    Returns:
        float32 array of shape (samples,), full scale is -1 to 1.

    Raises:
        AudioError: the file is missing, empty, truncated, not audio, or holds
            samples that are not numbers. One line that names the file.
    """
    with _open(path) as file:
        samples, rate = _read_samples(path, file), file.samplerate
    samples = samples[:, 0] if samples.shape[1] == 1 else samples.mean(axis=1)
    if not np.isfinite(samples).all():
        raise AudioError(
            f"{path}: expected numbers as samples, received NaN or infinity; "
            "export the recording again"
        )
    return resample(samples, rate, path)


def read_duration(path):
    """Length of an audio file, from its header alone.

    Args:
        path: str or pathlib.Path, the audio file.

    Returns:
        float, seconds.

    Raises:
        AudioError: as `read`, as far as the header can tell.
    """
    with _open(path) as file:
        return file.frames / file.samplerate


def resample(samples, rate, path="samples"):
    """Bring samples of any rate to 16 kHz (soxr, its high quality).

    Args:
        samples: float32 array of shape (samples,).
        rate: int, samples per second of `samples`.
        path: the file that they come from, for the error.

    Returns:
        float32 array of shape (samples * 16000 / rate,).

    Raises:
        AudioError: nothing is left of so few samples.
    """
    if rate == SAMPLE_RATE:
        return np.ascontiguousarray(samples, dtype=np.float32)
    resampled = soxr.resample(samples.astype(np.float32), rate, SAMPLE_RATE, "HQ")
    if len(resampled) == 0:
        raise AudioError(
            f"{path}: {len(samples)} samples at {rate} Hz are too short to resample; "
            "leave the file out"
        )
    return resampled


@contextlib.contextmanager
def _open(path):
    """Open with soundfile; every way to fail becomes an AudioError of one line."""
    path = pathlib.Path(path)
    _check_file(path)
    try:
        file = soundfile.SoundFile(path)
    except (soundfile.SoundFileError, TypeError) as error:
        raise AudioError(
            f"{path}: expected wav, flac, mp3, ogg or opus audio, received something "
            f"else ({_reason(error)}); check or replace the file"
        ) from None
    with file:
        _check_header(path, file)
        yield file


def _read_samples(path, file):
    try:
        samples = file.read(dtype="float32", always_2d=True)
    except soundfile.SoundFileError as error:
        raise AudioError(
            f"{path}: truncated or damaged ({_reason(error)}); copy or download it "
            "again"
        ) from None
    slack = MP3_SLACK if file.format in ("MP3", "MPEG") else 0
    if len(samples) + slack < file.frames:
        raise _truncated(path, len(samples), file.frames)
    return samples


def _reason(error):
    words = " ".join(str(getattr(error, "error_string", error)).split())
    return words.removeprefix("Error : ").rstrip(".")


def _check_file(path):
    if path.is_dir():
        raise AudioError(f"{path}: expected an audio file, received a folder")
    if not path.is_file():
        raise AudioError(f"{path}: no such audio file; check the path")
    if path.stat().st_size == 0:
        raise AudioError(f"{path}: the file is empty (0 bytes); copy it again")


def _check_header(path, file):
    if file.frames == 0:
        raise AudioError(f"{path}: the recording holds no samples; leave the file out")
    if file.samplerate < LOWEST_RATE:
        raise AudioError(
            f"{path}: expected at least {LOWEST_RATE} samples per second, received "
            f"{file.samplerate}; record it again"
        )
    # libsndfile shortens a cut wav without a word, except in its log.
    cut = WAV_LENGTH.search(file.extra_info)
    if cut and int(cut[2]) < int(cut[1]) < UNKNOWN_LENGTH:
        raise _truncated(path, int(cut[2]), int(cut[1]), "bytes")


def _truncated(path, received, expected, unit="samples"):
    return AudioError(
        f"{path}: truncated: the header announces {expected} {unit}, the file has "
        f"{received}; copy or download it again"
    )
