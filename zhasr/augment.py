"""Make training harder than speech is, so that the network learns what stays.

All functions take normalised features (0 is the mean) and a numpy Generator, so that
an epoch can be repeated exactly.
"""

import dataclasses

import numpy as np


@dataclasses.dataclass(frozen=True)
class Augmentation:
    """How strongly training features are changed.

    Args:
        tempo: float, largest relative change of speed, 0.1 = 0.9 to 1.1.
        frequency_masks: int, masks over neighbouring dimensions.
        frequency_share: float, widest such mask as a share of the dimensions.
        time_masks: float, masks per 100 frames (a second), on average.
        time_width: int, longest such mask, in frames.
    """

    tempo: float = 0.0
    frequency_masks: int = 0
    frequency_share: float = 0.0
    time_masks: float = 0.0
    time_width: int = 0


LEVELS = {
    "none": Augmentation(),
    "light": Augmentation(0.10, 1, 0.15, 0.5, 8),
    "full": Augmentation(0.15, 2, 0.20, 1.0, 12),
}


def augment(features, augmentation, rng, spectral_dims):
    """Change the tempo, then mask dimensions and moments.

    Args:
        features: float32 array (frames, dims), normalised.
        augmentation: Augmentation.
        rng: numpy.random.Generator.
        spectral_dims: int, the leading dimensions that are spectrum or cepstrum; the
            pitch behind them is masked in time only.

    Returns:
        float32 array (new frames, dims); the input is not changed.
    """
    factor = 1 + augmentation.tempo * rng.uniform(-1, 1)
    changed = change_tempo(features, factor)
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


def change_tempo(features, factor):
    """Speak faster (factor above 1) or slower, by linear interpolation over frames.

    Args:
        features: float32 array (frames, dims).
        factor: float, 1.1 leaves 10/11 of the frames.

    Returns:
        float32 array (round(frames / factor), dims), at least one frame if there was
        one.
    """
    frames = len(features)
    if frames == 0:
        return features.copy()
    position = np.linspace(0, frames - 1, max(1, round(frames / factor)))
    before = np.floor(position).astype(int)
    after = np.minimum(before + 1, frames - 1)
    share = (position - before).astype(np.float32)[:, None]
    return features[before] * (1 - share) + features[after] * share
