"""Samples -> log F0 and voicing: a pitch tracker.

The voice is periodic, so a stretch of it correlates with itself one period later.
For every frame the normalised cross-correlation is computed over all lags of 60 to
500 Hz; then the smoothest path through the strong lags is found (Viterbi), which
prevents most octave errors.

The correlation and the path are those of RAPT (Talkin 1995, "A robust algorithm for
pitch tracking", chapter 14 of Speech Coding and Synthesis). That every frame gets a
pitch, voiced or not, and that quiet frames count less, is from Ghahremani et al.
2014, "A pitch extraction algorithm tuned for automatic speech recognition", ICASSP.
"""

import functools

import numpy as np

from zhasr import audio

LOWEST_F0 = 60.0  # Hz; a low man at the bottom of the third tone
HIGHEST_F0 = 500.0  # Hz; a child at the top of the fourth
STATES_PER_OCTAVE = 36  # candidate pitches, a third of a semitone apart

DECIMATION = 4  # 16 kHz -> 4 kHz: F0 and its first harmonics are all that is needed
RATE = audio.SAMPLE_RATE // DECIMATION  # samples per second
LOWEST_BAND, HIGHEST_BAND = 50.0, 1000.0  # Hz, what the correlation hears
WINDOW = RATE * 25 // 1000  # samples that are compared with those one lag later
CENTRED_LAG = round(RATE / 173)  # samples; the frame is exact here, ±5 ms elsewhere
INTERPOLATION = 6  # lags on either side that a value between two lags is made of
FFT_SIZE = 256  # at least WINDOW + the longest lag + INTERPOLATION

LONG_LAG_COST = 13.0  # per second of lag: half the pitch correlates just as well
GLIDE_COST = 1.0  # per squared octave per frame
GLIDE_LIMIT = 12  # states per frame: 4 semitones in 10 ms
QUIET = 0.05  # of the mean power of the recording: frames below it steer less
SILENT = 0.003  # of the mean power of the recording: frames below it have no voice
ROUNDING = 2.0**-30  # power of one step of 16-bit audio

BLOCK = 128  # frames at a time; what they need fits into the cache


def track(samples, centres):
    """Follow the pitch of a voice.

    Args:
        samples: float32 array of shape (samples,), 16 kHz, full scale ±1.
        centres: int array of shape (frames,), the middle of each frame in samples.

    Returns:
        log_f0: float32 array of shape (frames,), natural logarithm of Hz; in frames
            without voice it follows the smoothest path and means little.
        voicing: float32 array of shape (frames,), the normalised cross-correlation
            at that pitch, from 0 (noise, silence) to 1 (periodic).
    """
    narrow = decimate(samples)
    correlation, power = _correlations(narrow, np.asarray(centres) // DECIMATION)
    mean_power = np.mean(np.square(narrow)) + ROUNDING
    steering = power / (power + QUIET * mean_power)
    costs = correlation * (LONG_LAG_COST * candidate_lags() - 1).astype(np.float32)
    costs *= steering[:, None]
    log_f0, voicing = _refine(correlation, smoothest_path(costs))
    return log_f0, voicing * (power / (power + SILENT * mean_power))


def decimate(samples):
    """Keep 50 to 1000 Hz at 4 kHz, by cutting the spectrum of the whole recording.

    Args:
        samples: float32 array of shape (samples,), 16 kHz.

    Returns:
        float32 array of shape (ceil(samples / 4),), 4 kHz, sample 0 at sample 0.
    """
    length = -(-len(samples) // DECIMATION)
    padded = fast_length(length + WINDOW)  # no wrap-around
    spectrum = np.fft.rfft(samples, padded * DECIMATION)[: padded // 2 + 1]
    frequencies = np.arange(len(spectrum)) * (RATE / padded)
    rise = np.clip(frequencies / LOWEST_BAND - 0.5, 0, 1)
    fall = np.clip((HIGHEST_BAND * 1.25 - frequencies) / (HIGHEST_BAND * 0.5), 0, 1)
    spectrum *= (rise * fall / DECIMATION).astype(np.float32)
    return np.fft.irfft(spectrum, padded)[:length]


def fast_length(length):
    """Lengthen a transform until it has no large prime factors.

    Args:
        length: int.

    Returns:
        int, at least `length`: up to 31 times a power of two.

    Example:
        >>> fast_length(20123)
        20480
    """
    step = 2 ** max(0, length.bit_length() - 5)
    return -(-length // step) * step


@functools.cache
def candidate_lags():
    """Periods of the candidate pitches: float64 (states,), seconds, descending F0."""
    states = int(np.log2(HIGHEST_F0 / LOWEST_F0) * STATES_PER_OCTAVE) + 1
    return 2.0 ** (np.arange(states) / STATES_PER_OCTAVE) / HIGHEST_F0


@functools.cache
def _interpolation():
    """Matrix from whole lags to candidate lags: windowed sinc functions."""
    wanted = candidate_lags() * RATE
    first = int(wanted[0]) - INTERPOLATION
    last = int(np.ceil(wanted[-1])) + INTERPOLATION
    distance = wanted[None, :] - np.arange(first, last + 1)[:, None]
    window = np.cos(np.pi / 2 * np.clip(distance / (INTERPOLATION + 1), -1, 1)) ** 2
    return first, (np.sinc(distance) * window).astype(np.float32)


def _correlations(narrow, centres):
    """Correlation (frames, states) and power (frames,), block by block."""
    first, matrix = _interpolation()
    lags = first + len(matrix)
    margin = WINDOW + lags  # on both sides, so that every frame is complete
    padded = np.pad(narrow, margin)
    starts = np.minimum(centres, len(narrow)) + margin - (WINDOW + CENTRED_LAG) // 2
    segments = _view(padded, WINDOW + lags - 1)
    energies = _view(_window_energies(padded), lags)
    correlation = np.empty((len(centres), matrix.shape[1]), np.float32)
    for begin in range(0, len(centres), BLOCK):
        part = slice(begin, begin + BLOCK)
        products = _cross_products(segments[starts[part]])[:, first:lags]
        energy = energies[starts[part]]
        scale = np.sqrt(energy[:, :1] * energy[:, first:]) + ROUNDING
        correlation[part] = (products / scale) @ matrix
    return correlation, energies[starts].mean(axis=1) / WINDOW


def _view(array, length):
    return np.lib.stride_tricks.sliding_window_view(array, length)


def _window_energies(samples):
    """Sum of squares of the window that starts at each sample."""
    sums = np.cumsum(np.square(samples), dtype=np.float64)
    energies = sums[WINDOW:] - sums[:-WINDOW]
    return np.concatenate([sums[WINDOW - 1 : WINDOW], energies]).astype(np.float32)


def _cross_products(segments):
    """Sum over the window of x[i] x[i + lag], for every lag at once."""
    whole = np.fft.rfft(segments, FFT_SIZE)
    start = np.fft.rfft(segments[:, :WINDOW], FFT_SIZE)
    return np.fft.irfft(whole * start.conj(), FFT_SIZE)


def smoothest_path(costs):
    """Viterbi: the path of least local cost plus cost of moving.

    Args:
        costs: float32 array of shape (frames, states).

    Returns:
        int array of shape (frames,), the state of each frame.
    """
    frames, states = costs.shape
    moves = np.arange(-GLIDE_LIMIT, GLIDE_LIMIT + 1)
    move_costs = (GLIDE_COST * (moves / STATES_PER_OCTAVE) ** 2).astype(np.float32)
    # Beyond the first and last state nothing is ever best.
    totals = np.full((frames, states + 2 * GLIDE_LIMIT), np.inf, np.float32)
    inner = totals[:, GLIDE_LIMIT:-GLIDE_LIMIT]
    inner[:] = costs
    departures = np.lib.stride_tricks.sliding_window_view(totals, states, axis=1)
    arrivals = np.empty((len(moves), states), np.float32)
    arrival_costs = np.repeat(move_costs[:, None], states, axis=1)
    best = np.empty(states, np.float32)
    for departure, total in zip(departures[:-1], inner[1:], strict=True):
        np.add(departure, arrival_costs, out=arrivals)
        np.minimum.reduce(arrivals, axis=0, out=best)
        best -= best[0]  # keeps sums small: float32 would blur those of an hour
        total += best
    return _trace_back(totals, move_costs)


def _trace_back(totals, move_costs):
    path = np.empty(len(totals), np.int64)
    state = int(totals[-1, GLIDE_LIMIT:-GLIDE_LIMIT].argmin())
    path[-1] = state
    for frame in range(len(totals) - 2, -1, -1):
        departures = totals[frame, state : state + len(move_costs)] + move_costs
        state += int(departures.argmin()) - GLIDE_LIMIT
        path[frame] = state
    return path


def _refine(correlation, path):
    """Parabola through the correlation at the path and its neighbours."""
    frames, states = correlation.shape
    rows, middle = np.arange(frames), np.clip(path, 1, states - 2)
    left, centre, right = (correlation[rows, middle + i] for i in (-1, 0, 1))
    curvature = left - 2 * centre + right
    peak = curvature < 0
    offset = np.where(peak, (left - right) / np.where(peak, 2 * curvature, 1), 0)
    offset = np.clip(offset, -1, 1)
    octaves = (middle + offset) / STATES_PER_OCTAVE
    log_f0 = np.log(HIGHEST_F0) - np.log(2) * octaves
    voicing = np.clip(centre - (left - right) * offset / 4, 0, 1)
    return log_f0.astype(np.float32), voicing.astype(np.float32)
