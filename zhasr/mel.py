"""The mel scale, its filters and the cosine transform of the cepstra.

The numbers are those of python_speech_features, which the tests compare. It is not
imported: with it comes scipy.fftpack, which `zhasr transcribe` would wait for.
"""

import functools

import numpy as np

from zhasr import audio

FFT_SIZE = 512
BINS = FFT_SIZE // 2 + 1
NYQUIST = audio.SAMPLE_RATE / 2  # Hz
LOWEST_BAND = 20.0  # Hz, lower edge of the log-mel bands
CEPSTRA = 13
CEPSTRUM_BANDS = 26
LIFTER = 22


def from_hertz(hertz):
    """Hz -> mel, of a number or an array (O'Shaughnessy 1987, Speech Communication).

    Example:
        >>> round(float(from_hertz(1000)))
        1000
    """
    return 2595 * np.log10(1 + np.asarray(hertz) / 700)


def to_hertz(mels):
    """Inverse of `from_hertz`."""
    return 700 * (10 ** (np.asarray(mels) / 2595) - 1)


@functools.cache
def cepstrum_filters():
    """Filters of the cepstra, whose corners are rounded to bins of the spectrum.

    Returns:
        float64 array (CEPSTRUM_BANDS, BINS), from 0 Hz on.
    """
    corners = to_hertz(np.linspace(0, from_hertz(NYQUIST), CEPSTRUM_BANDS + 2))
    corners = np.floor((FFT_SIZE + 1) * corners / audio.SAMPLE_RATE)[:, None]
    left, centre, right = corners[:-2], corners[1:-1], corners[2:]
    bins = np.arange(BINS)
    return np.clip(
        np.minimum((bins - left) / (centre - left), (right - bins) / (right - centre)),
        0,
        None,
    )


@functools.cache
def filters(bands):
    """Triangular filters, evenly spaced and straight on the mel scale.

    python_speech_features rounds the corners to bins of the spectrum, which leaves one
    of 80 filters without any bin; here they stay where they are, as in HTK
    (Young et al. 2006, The HTK Book, section 5.4).

    Args:
        bands: int.

    Returns:
        float64 array of shape (bands, BINS); every row has a positive entry.

    Raises:
        ValueError: more bands than the spectrum can tell apart.
    """
    lowest, highest = from_hertz(LOWEST_BAND), from_hertz(NYQUIST)
    corners = np.linspace(lowest, highest, max(bands, 1) + 2)
    bins = from_hertz(np.linspace(0, NYQUIST, BINS))
    position = (bins - corners[:-2, None]) / (corners[1] - corners[0])
    found = np.maximum(0, 1 - np.abs(position - 1))
    if bands < 1 or not found.any(axis=1).all():
        raise ValueError(
            f"features: expected 1 to about 120 mel bands, received {bands}; more "
            f"are finer than a spectrum of {FFT_SIZE} points"
        )
    return found


@functools.cache
def cosines(bands):
    """The cosine transform (DCT-II, orthonormal) from bands to cepstra.

    Args:
        bands: int, at least CEPSTRA.

    Returns:
        float64 array (CEPSTRA, bands), whose rows are orthonormal.

    Raises:
        ValueError: fewer bands.
    """
    if bands < CEPSTRA:
        raise ValueError(f"expected {CEPSTRA} bands or more, received {bands}")
    order, position = np.arange(CEPSTRA), np.arange(bands) + 0.5
    rows = np.cos(np.pi / bands * order[:, None] * position) * np.sqrt(2 / bands)
    rows[0] /= np.sqrt(2)
    return rows


@functools.cache
def lifter():
    """What each cepstrum is multiplied by, so that high ones are as large as low ones.

    Returns:
        float64 array (CEPSTRA,); Young et al. 2006, The HTK Book, section 5.3.
    """
    return 1 + LIFTER / 2 * np.sin(np.pi * np.arange(CEPSTRA) / LIFTER)
