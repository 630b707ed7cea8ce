"""Make the consonants of espeak-ng's Mandarin differ as they do in people's speech.

- Its zh, z and j last nearly as long as its ch, c and q, and its p and t hardly longer
  than its b and d: zha is 9 ms shorter than cha, and else the same noise. In people's
  speech the aspirated sound is two or three times as long.
- It begins zh and ch like fricatives, without the silence of a stop.
- Its bursts are faint: that of d is 33 dB below the vowel and drowns in any noise,
  and with it goes the difference between b, d and g.
"""

import itertools

import numpy as np

from data_prep import espeak

# espeak-ng's consonant: length and loudness of its noise, as factors on espeak-ng's
NOISES = {
    "p": (1.00, 2.0), "t": (1.00, 4.0), "k": (1.30, 3.0),
    "ph": (1.60, 1.5), "th": (1.50, 1.5), "kh": (1.20, 1.3),
    "ts": (0.60, 2.0), "ts.": (0.50, 1.3), "tS;": (0.65, 2.0),
    "tsh": (1.15, 2.0), "ts.h": (1.05, 1.5), "tS;h": (1.00, 1.3),
    "f": (1.00, 1.5), "s": (1.00, 1.3), "s.": (1.00, 2.0), "S;": (1.00, 1.5),
    "X": (1.00, 2.0),
}  # fmt: skip
WITHOUT_CLOSURE = ("ts.", "ts.h")
CLOSURE = round(0.027 * espeak.SAMPLE_RATE)  # the other affricates have 0.038 s
JOINT = round(0.002 * espeak.SAMPLE_RATE)  # over which sounds are joined
LOUDEST = 2**15 - 1


def reshape(samples, spoken):
    """Change the length and loudness of the consonants in NOISES.

    Args:
        samples: int16 array (samples,) from `espeak.speak`.
        spoken: list of (first sample, phoneme name), also from there.

    Returns:
        int16 array of another length.
    """
    pieces, done = [], 0
    for (start, name), (end, _) in itertools.pairwise(spoken):
        if name in NOISES:
            length, gain = NOISES[name]
            before = samples[done:start].astype(np.float32)
            if name in WITHOUT_CLOSURE:
                before = np.pad(_fade(before), (0, CLOSURE))
            noise = _prolong(samples[start:end].astype(np.float32), length)
            pieces += [before, noise + (gain - 1) * _fade(noise)]
            done = end
    joined = np.concatenate([*pieces, samples[done:]])
    return np.clip(joined, -LOUDEST, LOUDEST).astype(np.int16)


def _fade(sound):
    """A copy of a sound whose last JOINT samples fade to nothing."""
    faded = sound.copy()
    length = min(JOINT, len(faded))
    faded[len(faded) - length :] *= np.linspace(1, 0, length)
    return faded


def _prolong(noise, factor):
    """Change the length of a piece of noise; its end, next to the vowel, stays.

    A shorter one loses its beginning. A longer one goes through its middle forwards,
    backwards and forwards: noise sounds the same, and no joint has a jump.
    """
    change = round(len(noise) * (factor - 1))
    if change < 0:
        return _fade(noise[-change:][::-1])[::-1]
    half = change // 2
    first, last = (len(noise) - half) // 2, (len(noise) + half) // 2
    return np.concatenate([noise[:last], noise[first:last][::-1], noise[first:]])
