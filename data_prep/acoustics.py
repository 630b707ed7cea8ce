"""What happens to a voice between the mouth and the file: tract, room, noise, level."""

import numpy as np
import scipy.fft
import soxr

from zhasr import audio

NOISES = ("white", "pink", "hum", "babble")
LOWEST = 20  # Hz; below it pink noise is white
HUM_FREQUENCY = 50  # Hz, of the mains
HUM_HARMONICS = 4
SYLLABLE_PACE = (2, 6)  # Hz
TILT_PIVOT = 500  # Hz; below it the spectrum stays as it is
DIRECT_TO_ROOM = 0.35  # energy of the room's echo when the direct sound has 1


def resample(samples, rate, tract):
    """Bring samples to 16 kHz and scale all their frequencies.

    Args:
        samples: int16 array (samples,).
        rate: their samples per second.
        tract: factor on frequencies; the duration is divided by it.

    Returns:
        float32 array (samples,) at 16 kHz, between -1 and 1.
    """
    floats = samples.astype(np.float32) / 2**15
    return soxr.resample(floats, rate * tract, audio.SAMPLE_RATE, quality="HQ")


def tilt(samples, slope):
    """Tilt the spectrum above TILT_PIVOT.

    Args:
        samples: float array (samples,) at 16 kHz.
        slope: dB per octave.

    Returns:
        float32 array (samples,).
    """

    def gain(frequencies):
        octaves = np.log2(np.maximum(frequencies, TILT_PIVOT) / TILT_PIVOT)
        return 10 ** (slope * octaves / 20)

    return _shape(samples, gain)


def _shape(samples, gain):
    """Multiply the spectrum by a function of the frequency in Hz."""
    length = scipy.fft.next_fast_len(len(samples), real=True)
    frequencies = scipy.fft.rfftfreq(length, 1 / audio.SAMPLE_RATE)
    spectrum = scipy.fft.rfft(np.asarray(samples, np.float32), length)
    spectrum *= gain(frequencies).astype(np.float32)
    return scipy.fft.irfft(spectrum, length)[: len(samples)]


def room(samples, decay, generator):
    """Add the echo of a small room: noise that decays exponentially.

    Args:
        samples: float array (samples,) at 16 kHz.
        decay: seconds until the echo has fallen by 60 dB; 0 is no room.
        generator: numpy.random.Generator.

    Returns:
        float array (samples,).
    """
    if decay <= 0:
        return samples
    seconds = np.arange(int(decay * audio.SAMPLE_RATE)) / audio.SAMPLE_RATE
    echo = generator.standard_normal(len(seconds)) * 10 ** (-3 * seconds / decay)
    echo *= np.sqrt(DIRECT_TO_ROOM / np.sum(echo**2))
    echo[0] = 1.0
    return _convolve(samples, echo)


def _convolve(samples, response):
    """Convolve, and cut to the length of the samples."""
    length = len(samples) + len(response) - 1
    length = scipy.fft.next_fast_len(length, real=True)
    spectrum = scipy.fft.rfft(np.asarray(samples, np.float32), length)
    spectrum *= scipy.fft.rfft(np.asarray(response, np.float32), length)
    return scipy.fft.irfft(spectrum, length)[: len(samples)]


def noise(kind, length, generator):
    """Make background noise of unit power.

    Args:
        kind: one of NOISES. Pink falls by 3 dB per octave; hum is mains hum over pink
            noise; babble is pink noise that swells at the pace of syllables.
        length: samples.
        generator: numpy.random.Generator.

    Returns:
        float32 array (length,).

    Raises:
        ValueError: if the kind is not known.
    """
    if kind not in NOISES:
        raise ValueError(f"expected a noise among {NOISES}, received {kind!r}")
    white = generator.standard_normal(length, np.float32)
    if kind == "white":
        return white
    sound = _normalise(_shape(white, lambda hertz: np.maximum(hertz, LOWEST) ** -0.5))
    seconds = np.arange(length, dtype=np.float32) / audio.SAMPLE_RATE
    if kind == "hum":
        for harmonic in range(1, HUM_HARMONICS + 1):
            phase = generator.uniform(0, 2 * np.pi)
            angle = 2 * np.pi * HUM_FREQUENCY * harmonic * seconds + phase
            sound += np.sin(angle, dtype=np.float32) / harmonic
    if kind == "babble":
        pace = generator.uniform(*SYLLABLE_PACE)
        sound *= 1 + 0.8 * np.sin(2 * np.pi * pace * seconds)
    return _normalise(sound)


def _normalise(samples):
    """Scale to unit power."""
    return samples / np.sqrt(np.mean(samples**2))


def add_noise(speech, background, ratio):
    """Add noise of unit power at a signal-to-noise ratio.

    Args:
        speech: float array (samples,).
        background: float array (samples,) of unit power.
        ratio: dB.

    Returns:
        float array (samples,).
    """
    power = np.sqrt(np.mean(speech**2))
    return speech + background * power * 10 ** (-ratio / 20)


def set_peak(samples, peak):
    """Scale to a peak level and round to 16 bits.

    Args:
        samples: float array (samples,).
        peak: dB below full scale, at most 0.

    Returns:
        int16 array (samples,).
    """
    largest = np.max(np.abs(samples), initial=1e-9)
    scaled = samples * (10 ** (peak / 20) / largest)
    return np.round(scaled * (2**15 - 1)).astype(np.int16)
