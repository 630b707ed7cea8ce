"""The length of the vocal tract: the longer it is, the lower are all formants.

Men have longer ones than women, so the same vowel of both differs in its frequencies.
`normalise` undoes the part of that which their pitch lets expect: Faria and Gelbart,
"Efficient Pitch-based Estimation of VTLN Warp Factors", Interspeech 2005. `warp` is
used on its own to make other voices of one (`zhasr.augment`).
"""

import functools
import math

import numpy as np

from zhasr import mel, voice

WARP_LIMIT = 4800.0  # Hz; formants lie below it, the rest is squeezed or stretched
WARP_STEPS = 100  # factors are rounded to 1/100, so that few matrices are computed
# The formants of a voice of twice the pitch are 2 ** EXPONENT times as high. Rounded
# from one man's voice (HanTTS), whose figure as a voice left out it therefore flatters.
EXPONENT = 0.25
SMOOTHING = 200  # voiced frames; a short word tells little more than man or woman


def normalise(base, config, level):
    """Say it with a vocal tract of the length between men's and women's.

    Args:
        base: float32 array (frames, config.spectral_dims), raw.
        config: features.FeatureConfig.
        level: float, mean log F0 of the speaker (natural logarithm of Hz), as
            `voice.level` estimates it.

    Returns:
        float32 array like `base`, which is not changed.
    """
    return warp(base, config, math.exp(EXPONENT * (voice.BETWEEN - level)))


def warp(raw, config, factor):
    """Speak with a vocal tract of another length.

    All frequencies up to 4.8 kHz are multiplied by the factor, those above are moved so
    that the highest stays where it is: Jaitly and Hinton, "Vocal Tract Length
    Perturbation (VTLP) improves speech recognition", ICML workshop 2013, section 2.
    They warp the filters, here their outputs are interpolated: the features are stored
    already. Cepstra are turned into the 26 bands they tell of and back, which is one
    matrix, the same for their Δ and ΔΔ. Energy and pitch stay as they are.

    Args:
        raw: float32 array (frames, config.dims), not normalised.
        config: features.FeatureConfig.
        factor: float; above 1 is a shorter tract, with higher formants.

    Returns:
        float32 array like `raw`, which is not changed.
    """
    warped = raw.copy()
    matrix = warp_matrix(config.kind, config.bands, round(factor * WARP_STEPS))
    multiply(warped, config, matrix)
    return warped


@functools.cache
def warp_matrix(kind, bands, percent):
    """What `warp` multiplies the cepstra, or the mel bands, of a frame by.

    Args:
        kind: str, "mfcc" or "log-mel".
        bands: int, of "log-mel".
        percent: int, the factor in hundredths.

    Returns:
        float32 array (cepstra, cepstra) or (bands, bands).
    """
    factor = percent / WARP_STEPS
    if kind == "log-mel":
        return _band_matrix(mel.LOWEST_BAND, bands, factor).astype(np.float32)
    cosines, lifter = mel.cosines(mel.CEPSTRUM_BANDS), mel.lifter()
    between = cosines @ _band_matrix(0.0, mel.CEPSTRUM_BANDS, factor) @ cosines.T
    matrix = lifter[:, None] * between / lifter
    matrix[0] = matrix[:, 0] = 0  # in place of cepstrum 0 stands the energy
    matrix[0, 0] = 1
    return matrix.astype(np.float32)


def _band_matrix(lowest, bands, factor):
    """Linear interpolation between mel bands, (bands, bands); its rows add up to 1."""
    ends = mel.from_hertz(lowest), mel.from_hertz(mel.NYQUIST)
    centres = np.linspace(*ends, bands + 2)[1:-1]
    limit = WARP_LIMIT * min(factor, 1)
    source = np.interp(
        mel.to_hertz(centres),
        [0, limit, mel.NYQUIST],
        [0, limit / factor, mel.NYQUIST],
    )
    identity = np.eye(bands)
    return np.stack(
        [np.interp(mel.from_hertz(source), centres, row) for row in identity], axis=1
    )


def multiply(array, config, matrix):
    """Multiply the spectrum, its Δ and ΔΔ of each frame by a matrix, in place."""
    size = len(matrix)
    for begin in range(0, config.spectral_dims, size):
        part = slice(begin, begin + size)
        array[:, part] = array[:, part] @ matrix.T
