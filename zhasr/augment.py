"""Make training harder than speech is, so that the network learns what stays.

What is drawn comes from a numpy Generator, so that an epoch can be repeated exactly.
`speak` takes raw features, before they are normalised: a voice has its own mean.
`augment` takes normalised ones (0 is the mean).
"""

import dataclasses

import numpy as np

from zhasr import features, speaker_maps, vocal_tract


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
        factor: float, of all frequencies, see `vocal_tract.warp`.
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
    changed = vocal_tract.warp(raw, config, voice.factor)
    if voice.matrix is not None:
        matrix, shift = speaker_maps.on_features(voice.matrix, voice.shift, config)
        vocal_tract.multiply(changed, config, matrix)
        changed[:, : len(shift)] += shift
    if config.pitch:
        changed[:, -features.PITCH_DIMS] += voice.pitch
    return changed


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
