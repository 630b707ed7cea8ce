"""Any audio file -> float32 mono samples at 16 kHz.

    file --blocks--> channels --mix--> one --soxr--> 16 kHz --level--> samples

Everything after this step counts on 16,000 samples per second and one channel.
Files at another rate are resampled here, explicitly, and nowhere else. Blocks keep the
memory for hours of audio near that of the samples that are returned.

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
import os
import pathlib
import re

import numpy as np
import soundfile
import soxr

SAMPLE_RATE = 16_000  # samples per second
LOWEST_RATE = 4_000  # samples per second; below it there is no speech to recognise
HIGHEST_RATE = 1_000_000  # samples per second; above it a header is wrong
BLOCK_SECONDS = 20  # of audio that are read at once
CANCELLED = 0.5  # of the power that the loudest channel alone would leave in the mean
LARGEST_OFFSET = 0.1  # of the standard deviation; more is that of a sound card
LOUDEST_PEAK = 4.0  # full scales; more are integers that were written as floats
LARGEST_INTEGER = 2**32  # of 32 bits without a sign; beyond it a file is damaged
QUIETEST_PEAK = 0.01  # full scales; less comes near the rounding of 16 bits
LARGEST_GAIN = 30.0  # for what is quieter
UNKNOWN_LENGTH = 2**31 - 2**12  # bytes; a wav that was streamed announces this or more
MP3_SLACK = 2 * 1152  # samples; two frames, which encoders count differently

WAV_LENGTH = re.compile(r"^\s*data\s*:\s*(\d+) \(should be (\d+)\)", re.MULTILINE)


class AudioError(ValueError):
    """An audio file that cannot be used; the message names it and the reason."""


def read(path):
    """Read an audio file as mono samples at 16 kHz.

    Wav, flac, mp3, ogg and opus at any sample rate. Channels are averaged; where they
    cancel each other, as those of a microphone with one pole reversed, the loudest is
    taken. A large offset is removed, and what is far beyond full scale or hardly more
    than silence is scaled; all else keeps its level. A truncated ogg or opus file
    cannot be told from a short one and is read as it is.

    Args:
        path: str or pathlib.Path, the audio file.

    Returns:
        float32 array of shape (samples,), full scale is -1 to 1.

    Raises:
        AudioError: the file is missing, empty, truncated, not audio, or holds
            samples that are not numbers. One line that names the file.
    """
    with _open(path) as file:
        samples, sums = _read_mono(path, file)
        loudest = _cancelled_by(*sums)
        if loudest is not None:
            file.seek(0)
            samples, _ = _read_mono(path, file, loudest)
    return _usual_level(path, samples)


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
    resampled = _resampled([samples.astype(np.float32)], rate)
    if len(resampled) == 0:
        raise AudioError(
            f"{path}: {len(samples)} samples at {rate} Hz are too short to resample; "
            "leave the file out"
        )
    return resampled


def _resampled(blocks, rate):
    """What blocks of samples at a rate are at 16 kHz, in one array."""
    if rate == SAMPLE_RATE:
        return np.concatenate(list(blocks))
    stream = soxr.ResampleStream(rate, SAMPLE_RATE, 1, "float32", "HQ")
    parts = [stream.resample_chunk(block) for block in blocks]
    parts.append(stream.resample_chunk(np.zeros(0, np.float32), last=True))
    return np.concatenate(parts)


def _read_mono(path, file, channel=None):
    """Samples of a channel, or of the mean of all, and the sums for `_cancelled_by`."""
    sums, count = np.zeros((2, file.channels + 1)), 0

    def mixed():
        nonlocal count
        for block in _blocks(path, file):
            mean = block[:, 0] if file.channels == 1 else block.mean(axis=1)
            if file.channels > 1:
                columns = np.column_stack([mean, block]).astype(np.float64)
                sums[:] += columns.sum(axis=0), np.square(columns).sum(axis=0)
            count += len(block)
            yield mean if channel is None else np.ascontiguousarray(block[:, channel])

    samples = _resampled(mixed(), file.samplerate)
    if len(samples) == 0:
        raise AudioError(
            f"{path}: {count} samples at {file.samplerate} Hz are too short to "
            "resample; leave the file out"
        )
    return samples, (sums, count)


def _cancelled_by(sums, count):
    """The loudest channel, where the mean is weaker than it alone would be, or None."""
    channels = sums.shape[1] - 1
    if channels == 1:
        return None
    mean, *powers = sums[1] / count - np.square(sums[0] / count)  # without offsets
    loudest = int(np.argmax(powers))
    alone = powers[loudest] / channels**2
    return loudest if mean < CANCELLED * alone else None


def _usual_level(path, samples):
    """Without a large offset, and between hardly audible and far beyond full scale."""
    offset = samples.mean(dtype=np.float64)
    peak = max(samples.max() - offset, offset - samples.min())
    power = float(np.vdot(samples, samples)) / len(samples)  # without a copy in float64
    if abs(offset) > LARGEST_OFFSET * np.sqrt(max(0.0, power - offset**2)):
        samples = samples - np.float32(offset)
    if peak > LARGEST_INTEGER:
        raise AudioError(
            f"{path}: samples up to {peak:.0e}, expected at most 1; export the "
            "recording again"
        )
    if peak > LOUDEST_PEAK:
        return samples / np.float32(peak)
    if 0 < peak < QUIETEST_PEAK:
        # Not to more than the limit: what is only noise stays hardly audible.
        return samples * np.float32(min(LARGEST_GAIN, QUIETEST_PEAK * 10 / peak))
    return samples


@contextlib.contextmanager
def _open(path):
    """Open with soundfile; every way to fail becomes an AudioError of one line."""
    path = pathlib.Path(path)
    _check_file(path)
    try:
        with _silent_libraries():
            file = soundfile.SoundFile(path)
    except (soundfile.SoundFileError, TypeError) as error:
        raise AudioError(
            f"{path}: expected wav, flac, mp3, ogg or opus audio, received something "
            f"else ({_reason(error)}); check or replace the file"
        ) from None
    with file:
        _check_header(path, file)
        yield file


def _blocks(path, file):
    """Float32 arrays (frames, channels), all of numbers; checks that all came."""
    length, received = max(1, BLOCK_SECONDS * file.samplerate), 0
    while True:
        try:
            block = file.read(length, dtype="float32", always_2d=True)
        except soundfile.SoundFileError as error:
            raise AudioError(
                f"{path}: truncated or damaged ({_reason(error)}); copy or download "
                "it again"
            ) from None
        if not np.isfinite(block).all():
            raise AudioError(
                f"{path}: expected numbers as samples, received NaN or infinity; "
                "export the recording again"
            )
        yield block
        received += len(block)
        if len(block) < length:
            break
    slack = MP3_SLACK if file.format in ("MP3", "MPEG") else 0
    if received + slack < file.frames:
        raise _truncated(path, received, file.frames)


def _reason(error):
    words = " ".join(str(getattr(error, "error_string", error)).split())
    if "does not exist" in words:  # what it says of an mp3 of which it reads nothing
        return "nothing in it can be read"
    return words.removeprefix("Error : ").rstrip(".")


@contextlib.contextmanager
def _silent_libraries():
    """Keep a decoder's own warnings, which name no file, from standard error."""
    try:
        kept = os.dup(2)
    except OSError:  # there is none
        yield
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def _check_file(path):
    if path.is_dir():
        raise AudioError(f"{path}: expected an audio file, received a folder")
    if path.exists() and not path.is_file():
        raise AudioError(
            f"{path}: expected an audio file, received a pipe or a device; write it to "
            "a file first"
        )
    if not path.is_file():
        raise AudioError(f"{path}: no such audio file; check the path")
    if path.stat().st_size == 0:
        raise AudioError(f"{path}: the file is empty (0 bytes); copy it again")


def _check_header(path, file):
    if file.frames == 0:
        raise AudioError(f"{path}: the recording holds no samples; leave the file out")
    if not LOWEST_RATE <= file.samplerate <= HIGHEST_RATE:
        raise AudioError(
            f"{path}: expected {LOWEST_RATE:,} to {HIGHEST_RATE:,} samples per second, "
            f"received {file.samplerate:,}; record it again"
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
