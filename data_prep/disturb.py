"""A recording -> the same words in another room, from another microphone.

What features cannot do later, because it needs the samples: another pitch, noise, an
echo, a cheap microphone, clipping. A corpus may be prepared in several such versions
(`python -m data_prep.prepare --version 1`), and training hears all of them.
"""

import hashlib

import numpy as np
import scipy.signal

from data_prep import acoustics
from zhasr import audio

VOICE = 0.12  # largest relative change of all frequencies and of the tempo
TILT = (-4.0, 3.0)  # dB per octave
ROOM_SHARE = 0.5
ROOM = (0.08, 0.45)  # seconds until the echo has fallen by 60 dB
NOISE_SHARE = 0.75
NOISE = (8.0, 35.0)  # dB, speech to noise
NARROW_SHARE = 0.25  # microphones and connections that pass low frequencies only
NARROW = (3400.0, 7000.0)  # Hz
CLIPPED_SHARE = 0.05
CLIPPED = (0.3, 0.9)  # of the peak
PEAK = (-26.0, 0.0)  # dB below full scale


def disturb(samples, name, version):
    """Change a recording; the same name and version always change it alike.

    Args:
        samples: float32 array (samples,) at 16 kHz, full scale ±1.
        name: str, id of the utterance.
        version: int, 1 or more; 0 leaves the recording as it is.

    Returns:
        float32 array (samples,); voices that speak faster have fewer.

    Raises:
        ValueError: a negative version.
    """
    if version < 0:
        raise ValueError(f"expected version 0 or more, received {version}")
    if version == 0 or not np.any(samples):
        return samples
    digest = hashlib.sha256(f"{version} {name}".encode()).digest()
    generator = np.random.default_rng(list(digest))
    changed = _another_voice(samples, generator)
    changed = acoustics.tilt(changed, generator.uniform(*TILT))
    changed = _room_and_noise(changed, generator)
    return _microphone(changed, generator)


def _another_voice(samples, generator):
    # Evenly on both sides of 1, and a short recording is never made much shorter.
    factor = np.exp(generator.uniform(-1, 1) * np.log1p(VOICE))
    whole = np.round(samples * (2**15 - 1)).astype(np.int16)
    return acoustics.resample(whole, audio.SAMPLE_RATE, factor)


def _room_and_noise(samples, generator):
    if generator.random() < ROOM_SHARE:
        samples = acoustics.room(samples, generator.uniform(*ROOM), generator)
    if generator.random() < NOISE_SHARE:
        kind = acoustics.NOISES[generator.integers(len(acoustics.NOISES))]
        background = acoustics.noise(kind, len(samples), generator)
        ratio = generator.uniform(*NOISE)
        samples = acoustics.add_noise(samples, background, ratio)
    return samples


def _microphone(samples, generator):
    if generator.random() < NARROW_SHARE:
        highest = generator.uniform(*NARROW)
        numbers = scipy.signal.butter(
            6, highest, "lowpass", fs=audio.SAMPLE_RATE, output="sos"
        )
        samples = scipy.signal.sosfilt(numbers, samples)
    peak = np.abs(samples).max()
    if generator.random() < CLIPPED_SHARE:
        peak *= generator.uniform(*CLIPPED)
        samples = np.clip(samples, -peak, peak)
    level = 10 ** (generator.uniform(*PEAK) / 20)
    return (samples * (level / max(peak, 1e-9))).astype(np.float32)
