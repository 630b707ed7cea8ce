"""Make training harder than speech is, so that the network learns what stays.

What is drawn comes from a numpy Generator, so that an epoch can be repeated exactly.
`warp` takes raw features, before they are normalised: a voice has its own mean.
`augment` takes normalised ones (0 is the mean).
"""

import dataclasses
import functools

import numpy as np

from zhasr import features, mel, speaker_maps

WARP_LIMIT = 4800.0  # Hz; formants lie below it, the rest is squeezed or stretched
WARP_STEPS = 100  # factors are rounded to 1/100, so that few matrices are computed


@dataclasses.dataclass(frozen=True)
class Augmentation:
    """How strongly training features are changed.

    Args:
        tempo: float, largest relative change of speed, 0.1 = 0.9 to 1.1.
        frequency_masks: int, masks over neighbouring dimensions.
        frequency_share: float, widest such mask as a share of the dimensions.
        time_masks: float, masks per 100 frames (a second), on average.
        time_width: int, longest such mask, in frames.
        warp: float, largest relative change of the voice's frequencies, 0.22 = 1 / 1.22
            to 1.22.
        pitch: float, largest change of log F0, 0.4 = 0.67 to 1.5 times as high.
        speakers: speaker_maps.SpeakerMaps, how voices differ, or None.
    """

    tempo: float = 0.0
    frequency_masks: int = 0
    frequency_share: float = 0.0
    time_masks: float = 0.0
    time_width: int = 0
    warp: float = 0.0
    pitch: float = 0.0
    speakers: object = None


LEVELS = {
    "none": Augmentation(),
    "light": Augmentation(0.10, 1, 0.15, 0.5, 8),
    "full": Augmentation(0.15, 2, 0.20, 1.0, 12),
    "voices": Augmentation(0.12, 1, 0.15, 0.5, 8, warp=0.10, pitch=0.20),
}
GROWN = 0.5  # share of a training after which voices differ as much as they will


@dataclasses.dataclass(frozen=True)
class Voice:
    """Another voice, as `speak` makes it.

    Args:
        factor: float, of all frequencies, see `warp`.
        matrix: float32 array (CEPSTRA, CEPSTRA) of `speaker_maps`, or None.
        shift: float32 array (CEPSTRA,), added to the cepstra then.
        pitch: float, added to log F0.
    """

    factor: float = 1.0
    matrix: np.ndarray | None = None
    shift: np.ndarray | None = None
    pitch: float = 0.0


def grow(augmentation, progress):
    """Change voices more and more: who has learned little is only confused by it.

    Args:
        augmentation: Augmentation.
        progress: float, 0 at the beginning of the training, 1 at its end. A run asks
            once for each epoch.

    Returns:
        Augmentation, whose voices are the same at 0 and differ in full from `GROWN` on.
    """
    share = min(1.0, progress / GROWN)
    speakers = augmentation.speakers
    if speakers is not None:
        speakers = dataclasses.replace(speakers, strength=share * speakers.strength)
    return dataclasses.replace(
        augmentation,
        warp=share * augmentation.warp,
        pitch=share * augmentation.pitch,
        speakers=speakers,
    )


def draw_voice(augmentation, speaker, rng):
    """Draw a voice, alike for higher and for lower ones.

    Args:
        augmentation: Augmentation.
        speaker: str, whose voice is changed.
        rng: numpy.random.Generator; nothing is drawn where nothing is changed.

    Returns:
        Voice, or None where the augmentation changes no voices.
    """
    factor, matrix, shift, pitch = 1.0, None, None, 0.0
    if augmentation.warp:
        factor = float(np.exp(np.log1p(augmentation.warp) * rng.uniform(-1, 1)))
    if augmentation.speakers is not None:
        matrix, shift = augmentation.speakers.draw(speaker, rng)
    if augmentation.pitch:
        pitch = augmentation.pitch * rng.uniform(-1, 1)
    if factor == 1 and matrix is None and not pitch:
        return None
    return Voice(factor, matrix, shift, pitch)


def speak(raw, config, voice):
    """Say the same in another voice.

    Args:
        raw: float32 array (frames, config.dims), not normalised.
        config: features.FeatureConfig.
        voice: Voice.

    Returns:
        float32 array like `raw`, which is not changed.
    """
    changed = warp(raw, config, voice.factor)
    if voice.matrix is not None:
        matrix, shift = speaker_maps.on_features(voice.matrix, voice.shift, config)
        _multiply(changed, config, matrix)
        changed[:, : len(shift)] += shift
    if config.pitch:
        changed[:, -features.PITCH_DIMS] += voice.pitch
    return changed


def _multiply(array, config, matrix):
    """Multiply the spectrum, its Δ and ΔΔ of each frame by a matrix, in place."""
    size = len(matrix)
    for begin in range(0, config.spectral_dims, size):
        part = slice(begin, begin + size)
        array[:, part] = array[:, part] @ matrix.T


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
    _multiply(warped, config, matrix)
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


def augment(array, augmentation, rng, spectral_dims):
    """Change the tempo, then mask dimensions and moments.

    Args:
        array: float32 array (frames, dims), normalised.
        augmentation: Augmentation.
        rng: numpy.random.Generator.
        spectral_dims: int, the leading dimensions that are spectrum or cepstrum; the
            pitch behind them is masked in time only.

    Returns:
        float32 array (new frames, dims); the input is not changed.
    """
    factor = 1 + augmentation.tempo * rng.uniform(-1, 1)
    changed = change_tempo(array, factor)
    width = round(augmentation.frequency_share * spectral_dims)
    for _ in range(augmentation.frequency_masks):
        begin, end = _random_span(rng, spectral_dims, width)
        changed[:, begin:end] = 0
    for _ in range(rng.poisson(augmentation.time_masks * len(changed) / 100)):
        begin, end = _random_span(rng, len(changed), augmentation.time_width)
        changed[begin:end] = 0
    return changed


def _random_span(rng, size, widest):
    """A span of uniform width up to `widest`, anywhere (SpecAugment, section 2).

    Park et al., "SpecAugment: A Simple Data Augmentation Method for Automatic Speech
    Recognition", Interspeech 2019. 0 stands for the mean of normalised features.
    """
    width = rng.integers(0, min(widest, size) + 1)
    begin = rng.integers(0, size - width + 1)
    return begin, begin + width


def change_tempo(array, factor):
    """Speak faster (factor above 1) or slower, by linear interpolation over frames.

    Args:
        array: float32 array (frames, dims).
        factor: float, 1.1 leaves 10/11 of the frames.

    Returns:
        float32 array (round(frames / factor), dims), at least one frame if there was
        one.
    """
    frames = len(array)
    if frames == 0:
        return array.copy()
    position = np.linspace(0, frames - 1, max(1, round(frames / factor)))
    before = np.floor(position).astype(int)
    after = np.minimum(before + 1, frames - 1)
    share = (position - before).astype(np.float32)[:, None]
    return array[before] * (1 - share) + array[after] * share
