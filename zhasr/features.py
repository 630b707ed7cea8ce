"""Samples -> features: MFCC or log-mel bands, pitch, and their normalisation.

Frames are 25 ms long and start every 10 ms, for every kind of feature. Samples are
scaled to the range of 16-bit audio first, as python_speech_features expects, and a
fixed noise of half a step of that range is added: digital silence then looks like a
very quiet room instead of the logarithm of zero.

Example:
    >>> import numpy as np
    >>> second = np.sin(2 * np.pi * 200 * np.arange(16_000) / 16_000)
    >>> config = FeatureConfig(kind="mfcc", pitch=True)
    >>> features = extract(second.astype(np.float32), config)
    >>> features.shape  # frames, 13 cepstra with their deltas and 3 for the pitch
    (99, 42)
    >>> round(float(np.exp(features[50, -3])))  # Hz
    200
"""

import dataclasses
import functools
import json
import math
import pathlib

import numpy as np

from zhasr import audio, files, mel, pitch_tracker, vocal_tract, voice

FRAME_LENGTH = 0.025  # seconds
FRAME_STEP = 0.010  # seconds
FRAME_SAMPLES = round(FRAME_LENGTH * audio.SAMPLE_RATE)  # 400
STEP_SAMPLES = round(FRAME_STEP * audio.SAMPLE_RATE)  # 160

FULL_SCALE = 2**15  # 16-bit audio
DITHER = 0.5  # steps of 16-bit audio, standard deviation
PREEMPHASIS = 0.97
SPECTRUM_BLOCK = 64  # frames; the spectra of one block fit into the cache

DELTA_FRAMES = 2  # on either side

PITCH_NORMALISATIONS = ("utterance", "voice", "speaker")
PITCH_DIMS = 3  # log F0, its slope, voicing
VOICED = 0.55  # correlation; white noise stays below 0.45
USUAL_F0 = 200.0  # Hz, where nothing is voiced; between most men and most women
SMOOTHING = 200  # frames that the training mean counts for
PITCH_SMOOTHING = 50  # voiced frames, about two syllables
SMALLEST_STD = 1e-3  # a feature that never changes is not divided by nothing


@dataclasses.dataclass(frozen=True)
class FeatureConfig:
    """Which features to compute; stored with the data and with the model.

    Args:
        kind: str, "mfcc" (13 cepstra, Δ, ΔΔ) or "log-mel".
        bands: int, mel bands of "log-mel"; "mfcc" always uses 26.
        pitch: bool, append log F0, its slope and voicing.
        pitch_normalisation: str, "utterance": `normalise` subtracts the smoothed
            mean log F0 of the utterance; "voice": as `voice.level` estimates it;
            "speaker": `extract` subtracts that of the speaker.
        length_normalisation: bool, undo what the pitch tells about the length of the
            vocal tract, see `vocal_tract.normalise`; needs the pitch.
        deltas: bool, append Δ and ΔΔ of the cepstra; "log-mel" has none.
    """

    kind: str = "mfcc"
    bands: int = 80
    pitch: bool = False
    pitch_normalisation: str = "utterance"
    length_normalisation: bool = False
    deltas: bool = True

    def __post_init__(self):
        """Refuse what `extract` could not do."""
        _check_choice("kind", self.kind, ("mfcc", "log-mel"))
        _check_choice(
            "pitch_normalisation", self.pitch_normalisation, PITCH_NORMALISATIONS
        )
        if self.length_normalisation and not self.pitch:
            raise ValueError(
                "features: expected pitch for length_normalisation, received none"
            )
        if self.kind == "log-mel":
            mel.filters(self.bands)
            if not self.deltas:
                raise ValueError("features: expected mfcc to leave Δ out of")

    @property
    def dims(self):
        """Features per frame."""
        return self.spectral_dims + PITCH_DIMS * self.pitch

    @property
    def spectral_dims(self):
        """Features per frame before those of the pitch."""
        if self.kind == "log-mel":
            return self.bands
        return mel.CEPSTRA * (3 if self.deltas else 1)

    @property
    def name(self):
        """What tells features of other kinds apart in the name of a folder."""
        kind = self.kind + "-static" * (not self.deltas)
        return kind + "+pitch" * self.pitch + "+length" * self.length_normalisation

    def to_dict(self):
        """As a dictionary for JSON."""
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, fields):
        """Inverse of `to_dict`; ValueError for a field it does not know."""
        known = {field.name for field in dataclasses.fields(cls)}
        if unknown := set(fields) - known:
            raise ValueError(
                f"features: expected the fields {sorted(known)}, received also "
                f"{sorted(unknown)}; prepare the data again with this version"
            )
        return cls(**fields)


def _check_choice(field, value, choices):
    if value not in choices:
        raise ValueError(
            f"features: expected {field} to be one of {', '.join(choices)}, "
            f"received {value!r}"
        )


# --- frames -------------------------------------------------------------------------


def count_frames(samples):
    """Frames of so many samples; the last one is filled up with zeros.

    Args:
        samples: int, at 16 kHz.

    Returns:
        int, at least 1.

    Example:
        >>> count_frames(16_000), count_frames(400), count_frames(401)
        (99, 1, 2)
    """
    return 1 + max(0, math.ceil((samples - FRAME_SAMPLES) / STEP_SAMPLES))


def frames_to_seconds(frame):
    """When a frame starts, in seconds; frames may be an int or an array.

    Example:
        >>> frames_to_seconds(150)
        1.5
    """
    return frame * STEP_SAMPLES / audio.SAMPLE_RATE


def seconds_to_frames(seconds):
    """The last frame that starts at or before a moment; a number or an array.

    Example:
        >>> seconds_to_frames(1.507)
        150
    """
    # A billionth of a frame, because 0.29 s is 28.999999999999996 steps.
    steps = np.asarray(seconds) * (audio.SAMPLE_RATE / STEP_SAMPLES)
    frames = np.floor(steps + 1e-9).astype(np.int64)
    return frames if frames.ndim else int(frames)


# --- spectrum -----------------------------------------------------------------------


def to_16_bit_scale(samples, first=0):
    """Scale samples to ±32768 and add the dither.

    Args:
        samples: float array of shape (samples,), full scale ±1.
        first: int, position of the first of them in the recording.

    Returns:
        float64 array of shape (samples,).
    """
    scaled = _dither()[np.arange(first, first + len(samples)) % audio.SAMPLE_RATE]
    scaled += samples * np.float64(FULL_SCALE)
    return scaled


@functools.cache
def _dither():
    """One second of noise, always the same: features are deterministic."""
    noise = np.random.default_rng(0).standard_normal(audio.SAMPLE_RATE)
    return DITHER * noise


def _band_energies(samples, filters):
    """Energies (frames, bands) under filters (bands, bins), and of the whole frame."""
    samples = _check_samples(samples)
    frames, window = count_frames(len(samples)), np.hamming(FRAME_SAMPLES)
    energies, total = np.empty((frames, len(filters))), np.empty(frames)
    # In blocks: faster, because they stay in the cache, and hours need no memory.
    for begin in range(0, frames, SPECTRUM_BLOCK):
        block = slice(begin, min(begin + SPECTRUM_BLOCK, frames))
        spectrum = np.fft.rfft(_framed(samples, block) * window, mel.FFT_SIZE)
        power = (np.square(spectrum.real) + np.square(spectrum.imag)) / mel.FFT_SIZE
        energies[block], total[block] = power @ filters.T, power.sum(axis=1)
    return energies, total


def _framed(samples, block):
    """Frames of a block, scaled and pre-emphasised, as python_speech_features does."""
    start = block.start * STEP_SAMPLES
    stop = (block.stop - 1) * STEP_SAMPLES + FRAME_SAMPLES
    before = min(start, 1)  # pre-emphasis needs the sample before
    scaled = to_16_bit_scale(samples[start - before : stop], start - before)
    scaled[1:] -= PREEMPHASIS * scaled[:-1]
    padded = np.zeros(stop - start)
    padded[: len(scaled) - before] = scaled[before:]
    views = np.lib.stride_tricks.sliding_window_view(padded, FRAME_SAMPLES)
    return views[::STEP_SAMPLES]


def _check_samples(samples):
    samples = np.asarray(samples)
    if samples.ndim != 1 or len(samples) == 0:
        raise ValueError(
            f"expected samples of shape (samples,) with at least one sample, received "
            f"shape {samples.shape}; average the channels, leave out empty recordings"
        )
    return samples


# --- features -----------------------------------------------------------------------


def extract(samples, config, speaker_log_f0=None):
    """Compute the features that a configuration asks for.

    They are raw: `normalise` comes after the store, because it needs the statistics
    of the training data.

    Args:
        samples: float32 array of shape (samples,), 16 kHz, full scale ±1.
        config: FeatureConfig.
        speaker_log_f0: float, mean log F0 of the speaker (see `mean_log_f0`), only
            for pitch_normalisation "speaker"; without it the utterance is all that
            is known of the speaker.

    Returns:
        float32 array of shape (frames, config.dims).

    Raises:
        ValueError: samples are not one channel of at least one sample.
    """
    is_mfcc = config.kind == "mfcc"
    base = mfcc(samples, config.deltas) if is_mfcc else log_mel(samples, config.bands)
    if not config.pitch:
        return base
    columns = pitch(samples)
    if config.length_normalisation:
        level = voice.level(*_voiced_sums(columns), vocal_tract.SMOOTHING)
        base = vocal_tract.normalise(base, config, level)
    if config.pitch_normalisation == "speaker":
        if speaker_log_f0 is None:
            speaker_log_f0 = _smoothed_log_f0(columns, math.log(USUAL_F0))
        columns[:, 0] -= speaker_log_f0
    return np.concatenate([base, columns], axis=1)


def extract_file(path, config):
    """Read an audio file and compute its features; see `audio.read`, `extract`."""
    return extract(audio.read(path), config)


def mfcc(samples, deltas=True):
    """Mel-frequency cepstral coefficients: 13, their Δ and their ΔΔ.

    The numbers are those of python_speech_features.mfcc with a Hamming window; its
    parts are used one by one, which is three times as fast. The first coefficient is
    the logarithm of the energy of the frame.

    Args:
        samples: float32 array of shape (samples,), 16 kHz, full scale ±1.
        deltas: bool, append Δ and ΔΔ.

    Returns:
        float32 array of shape (frames, 39), or (frames, 13) without.
    """
    energies, total = _band_energies(samples, mel.cepstrum_filters())
    cepstra = np.log(energies) @ mel.cosines(mel.CEPSTRUM_BANDS).T * mel.lifter()
    cepstra[:, 0] = np.log(total)
    if not deltas:
        return cepstra.astype(np.float32)
    slopes = delta(cepstra)
    return np.concatenate([cepstra, slopes, delta(slopes)], axis=1).astype(np.float32)


def log_mel(samples, bands=80):
    """Natural logarithm of the energy in mel bands.

    Args:
        samples: float32 array of shape (samples,), 16 kHz, full scale ±1.
        bands: int.

    Returns:
        float32 array of shape (frames, bands).
    """
    energies, _ = _band_energies(samples, mel.filters(bands))
    return np.log(energies).astype(np.float32)


def delta(features):
    """Slope of every feature: regression over two frames on either side.

    The first and last frame are repeated beyond the ends. Young et al. 2006, The HTK
    Book, section 5.9.

    Args:
        features: float array of shape (frames, dims).

    Returns:
        float array of shape (frames, dims), change per frame.

    Example:
        >>> import numpy as np
        >>> delta(np.array([[0.0], [1.0], [2.0], [3.0], [4.0]]))[2]
        array([1.])
    """
    frames, reach = len(features), DELTA_FRAMES
    padded = np.pad(features, ((reach, reach), (0, 0)), mode="edge")
    slope = np.zeros_like(features)
    for n in range(1, reach + 1):
        later, earlier = padded[reach + n :], padded[reach - n :]
        slope += n * (later[:frames] - earlier[:frames])
    return slope / (2 * sum(n**2 for n in range(1, reach + 1)))


# --- pitch --------------------------------------------------------------------------


def pitch(samples):
    """Pitch features: what carries the tone and what the cepstrum throws away.

    Args:
        samples: float32 array of shape (samples,), 16 kHz, full scale ±1.

    Returns:
        float32 array of shape (frames, 3): log F0 (natural logarithm of Hz, a
        straight line from voice to voice where there is none), its slope per second,
        and voicing from 0 to 1.
    """
    frames = count_frames(len(_check_samples(samples)))
    centres = np.arange(frames) * STEP_SAMPLES + FRAME_SAMPLES // 2
    log_f0, voicing = pitch_tracker.track(samples, centres)
    log_f0 = _interpolate(log_f0, voicing > VOICED)
    slope = delta(log_f0[:, None])[:, 0] / FRAME_STEP
    return np.stack([log_f0, slope, voicing], axis=1).astype(np.float32)


def _interpolate(log_f0, voiced):
    if not voiced.any():
        return np.full(len(log_f0), math.log(USUAL_F0))
    frames = np.arange(len(log_f0))
    return np.interp(frames, frames[voiced], log_f0[voiced])


def mean_log_f0(*features):
    """Mean log F0 of a speaker, weighted by voicing.

    Args:
        features: float arrays of shape (frames, dims), recordings of one speaker with
            the three pitch columns last, as from `pitch`.

    Returns:
        float, natural logarithm of Hz; None when nothing is voiced.
    """
    total, weight = np.sum([_voiced_sums(each) for each in features], axis=0)
    return float(total / weight) if weight else None


def _voiced_sums(features):
    voicing = features[:, -1].astype(np.float64)
    weights = np.where(voicing > VOICED, voicing, 0)
    return weights @ features[:, -PITCH_DIMS], weights.sum()


def _smoothed_log_f0(features, usual):
    total, weight = _voiced_sums(features)
    return (total + PITCH_SMOOTHING * usual) / (weight + PITCH_SMOOTHING)


# --- statistics and normalisation ---------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Statistics:
    """Sums over the frames of the training data; several sets of data can be merged.

    Args:
        count: int, frames.
        total: float64 array of shape (dims,), sum of the features.
        total_squares: float64 array of shape (dims,), sum of their squares.
    """

    count: int
    total: np.ndarray
    total_squares: np.ndarray

    @classmethod
    def of(cls, features):
        """Statistics of one array of shape (frames, dims)."""
        features = np.asarray(features, np.float64)
        return cls(len(features), features.sum(axis=0), np.square(features).sum(axis=0))

    @classmethod
    def empty(cls, dims):
        """Statistics of no frames, to start a sum with."""
        return cls(0, np.zeros(dims), np.zeros(dims))

    @property
    def mean(self):
        """Float32 array of shape (dims,)."""
        return self._float_mean().astype(np.float32)

    @property
    def std(self):
        """Standard deviation, float32 array of shape (dims,), never zero."""
        mean = self._float_mean()
        variance = self.total_squares / self.count - np.square(mean)
        std = np.sqrt(np.maximum(variance, 0))
        return np.maximum(std, SMALLEST_STD).astype(np.float32)

    def _float_mean(self):
        if self.count == 0:
            raise ValueError(
                "statistics of no frames have no mean; is the training split empty?"
            )
        return self.total / self.count

    def merge(self, other):
        """Statistics of the frames of both, as if they had been counted together."""
        if self.total.shape != other.total.shape:
            raise ValueError(
                f"expected statistics of {len(self.total)} features, received "
                f"{len(other.total)}; prepare both with the same feature options"
            )
        return Statistics(
            self.count + other.count,
            self.total + other.total,
            self.total_squares + other.total_squares,
        )

    def save(self, path):
        """Write as JSON: exact, and readable in an editor."""
        fields = {
            "count": self.count,
            "total": self.total.tolist(),
            "total_squares": self.total_squares.tolist(),
        }
        files.replace(path, json.dumps(fields, indent=1) + "\n")

    @classmethod
    def load(cls, path):
        """Inverse of `save`; ValueError that names the file when it is damaged."""
        try:
            fields = json.loads(pathlib.Path(path).read_text(encoding="utf-8"))
            total = np.array(fields["total"], np.float64)
            squares = np.array(fields["total_squares"], np.float64)
            return cls(int(fields["count"]), total, squares)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ValueError(
                f"{path}: expected feature statistics, received {error!r}; prepare "
                "the data again"
            ) from None


def normalise(features, mean, std, smoothing=SMOOTHING, config=None):
    """Subtract a smoothed mean of the utterance, divide by the standard deviation.

    The mean of an utterance holds microphone and speaker, and is best removed; but
    the mean of a single syllable is mostly its vowel. So the mean of the training
    data counts as `smoothing` further frames: a sentence loses most of its own mean,
    a syllable keeps most of it.

    With a config that says so, the pitch columns are treated for what they are: log
    F0 loses the smoothed mean of its voiced frames (50 frames of smoothing: a
    speaker's level is known sooner than a room; "voice" smooths towards men or women
    and not towards the training data; "speaker" has lost it already), slope and
    voicing only that of the training data. Without a config all columns are treated
    alike.

    Args:
        features: float array of shape (frames, dims), raw, of one utterance without
            padding.
        mean: float array of shape (dims,), of the training data.
        std: float array of shape (dims,), of the training data.
        smoothing: float, frames.
        config: FeatureConfig of the features.

    Returns:
        float32 array of shape (frames, dims).

    Example:
        >>> import numpy as np
        >>> normalise(np.full((200, 1), 3.0), np.array([1.0]), np.array([2.0]))[0]
        array([0.5], dtype=float32)
    """
    features = np.asarray(features, np.float32)
    mean = np.asarray(mean, np.float64)
    total = features.sum(axis=0, dtype=np.float64)
    shift = (total + smoothing * mean) / (len(features) + smoothing)
    if config is not None and config.pitch:
        shift[-PITCH_DIMS:] = mean[-PITCH_DIMS:]
        if config.pitch_normalisation == "utterance":
            shift[-PITCH_DIMS] = _smoothed_log_f0(features, mean[-PITCH_DIMS])
        elif config.pitch_normalisation == "voice":
            shift[-PITCH_DIMS] = voice.level(*_voiced_sums(features), PITCH_SMOOTHING)
    return (features - shift.astype(np.float32)) / np.asarray(std, np.float32)
