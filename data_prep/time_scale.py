"""Recordings cut to the speech in them, made shorter or longer, and joined."""

import numpy as np

from zhasr import audio

FRAME = round(0.025 * audio.SAMPLE_RATE)  # of overlap-add; two periods of a low voice
HOP = FRAME // 2
TOLERANCE = round(0.008 * audio.SAMPLE_RATE)  # over half a period of 80 Hz
LEVEL_FRAME = round(0.010 * audio.SAMPLE_RATE)
QUIET = 35.0  # dB below the loudest frame
OVER_NOISE = 8.0  # dB
LOUD = 18.0  # dB below the loudest frame; what is louder is speech in any noise
MARGIN = 2  # frames kept on either side, for the breath of f and h


def trim(samples):
    """Cut the silence from both ends.

    Silence is what lies 35 dB under the loudest 10 ms, or hardly over the quietest.

    Args:
        samples: float array (samples,) at 16 kHz.

    Returns:
        float array, a part of `samples`; all of it if it is shorter than 10 ms.
    """
    count = len(samples) // LEVEL_FRAME
    if count == 0:
        return samples
    frames = np.reshape(samples[: count * LEVEL_FRAME], (count, LEVEL_FRAME))
    levels = 10 * np.log10(np.mean(np.square(frames, dtype=np.float64), axis=1) + 1e-12)
    noise = np.percentile(levels, 10)
    over = max(levels.max() - QUIET, min(noise + OVER_NOISE, levels.max() - LOUD))
    loud = np.flatnonzero(levels >= over)
    begin, end = max(0, loud[0] - MARGIN), loud[-1] + 1 + MARGIN
    return samples[begin * LEVEL_FRAME : end * LEVEL_FRAME]


def resize(samples, factor, onset=0):
    """Change the duration and keep pitch and timbre: WSOLA.

    Pieces of 25 ms are added with an overlap of half; each is taken from within 8 ms
    of where it should be, where it looks most like what would naturally follow the
    one before. Verhelst and Roelands, "An overlap-add technique based on waveform
    similarity (WSOLA) for high quality time-scale modification of speech", ICASSP
    1993, section 3.

    Args:
        samples: float array (samples,) at 16 kHz.
        factor: float over 0, new duration over old.
        onset: int, samples at the beginning that are changed less, by the square root
            of the factor, and the rest by more: who speaks faster shortens the vowels,
            not the consonants.

    Returns:
        float32 array (round(samples * factor),).

    Raises:
        ValueError: a factor that is not over 0.
    """
    if not factor > 0:
        raise ValueError(f"expected a factor over 0, received {factor}")
    length = round(len(samples) * factor)
    if length == 0:
        return np.zeros(0, np.float32)
    space = FRAME + TOLERANCE
    padded = np.pad(np.asarray(samples, np.float32), (HOP, 2 * space))
    window = np.hanning(FRAME + 1)[:-1].astype(np.float32)  # halves add up to 1
    added = np.zeros(length + 2 * FRAME, np.float32)
    onset = min(onset, len(samples) // 3)
    changed = onset * factor**0.5  # of the onset, new length
    bends = [0, changed, length], [0, onset, len(samples)]
    natural = 0
    for begin in range(0, length + HOP, HOP):
        wanted = round(float(np.interp(begin, *bends)))
        taken = _most_alike(padded, wanted, natural) if begin else 0
        added[begin : begin + FRAME] += window * padded[taken : taken + FRAME]
        natural = taken + HOP
    return added[HOP : HOP + length]


def _most_alike(samples, wanted, natural):
    """Where near `wanted` the samples look most like those from `natural` on."""
    natural = min(natural, len(samples) - FRAME)
    first = max(0, wanted - TOLERANCE)
    region = samples[first : wanted + TOLERANCE + FRAME]
    likeness = np.correlate(region, samples[natural : natural + FRAME], "valid")
    energy = np.cumsum(np.concatenate([[0], np.square(region, dtype=np.float64)]))
    energy = energy[FRAME:] - energy[:-FRAME]
    return first + int(np.argmax(likeness / np.sqrt(energy + 1e-9)))


def join(parts, overlap, attack=1.0):
    """Put sounds one after another; each fades into the next.

    Args:
        parts: list of float arrays (samples,).
        overlap: int, samples in which both are heard; at most half of either.
        attack: float, share of the overlap after which the next sound has its full
            level; 1 keeps the sum of both even, less keeps the burst of a consonant.

    Returns:
        float32 array.
    """
    joined = np.zeros(0, np.float32)
    for part in parts:
        shared = min(overlap, len(joined) // 2, len(part) // 2)
        fade = (np.arange(shared, dtype=np.float32) + 0.5) / max(shared, 1)
        end = len(joined) - shared
        rise = np.minimum(fade / attack, 1)
        middle = joined[end:] * (1 - fade) + part[:shared] * rise
        joined = np.concatenate([joined[:end], middle, part[shared:]])
    return joined.astype(np.float32)
