"""How people's voices differ, and changing one into another.

The cepstra of the same sound differ from person to person. For each speaker a mean and
a matrix tell how: the matrix maps the cepstra of the average speaker, around their
mean, to those of this one around theirs. Speech of one person is then heard as if
others had said it. Training on it is the stochastic feature mapping of Cui, Goel and
Kingsbury, "Data Augmentation for Deep Neural Network Acoustic Modeling", IEEE/ACM
TASLP 23(9), 2015, section III.B; here the matrices are fitted to the mean cepstra of
sounds by ridge regression, because a speaker with twelve words does not say enough for
more.

The first cepstrum is the energy, which belongs to the microphone: it stays as it is.
Of log-mel bands the cepstra are their cosine transform; what these leave out of the
spectrum stays as it is.
"""

import dataclasses
import pathlib

import numpy as np
import safetensors.numpy

from zhasr import files, mel

SIZE = mel.CEPSTRA - 1  # without the energy
FEWEST_FRAMES = 40  # of a sound, that its mean is trusted
FEWEST_SOUNDS = 12  # of a speaker, that a matrix is fitted
RIDGE = 0.2  # of the variance of the sounds' means: halfway to no difference
ROUNDS = 20  # of finding the average speaker
STRENGTH = 1.2  # most of the way to another voice, and a little beyond


class SpeakerMapError(ValueError):
    """Speakers that cannot be told apart, or a file that does not say how."""


@dataclasses.dataclass(frozen=True)
class SpeakerMaps:
    """How each of some speakers differs from the average one.

    Args:
        speakers: tuple of str.
        means: float64 array (speakers, SIZE).
        matrices: float64 array (speakers, SIZE, SIZE).
        strength: float, how far `draw` goes at most, 1 is all the way.
    """

    speakers: tuple[str, ...]
    means: np.ndarray
    matrices: np.ndarray
    strength: float = STRENGTH

    def between(self, speaker, mean, matrix):
        """From a speaker's cepstra to those of another voice.

        Args:
            speaker: str; one who is not known counts as the average speaker.
            mean: float array (SIZE,), of the other voice.
            matrix: float array (SIZE, SIZE), of the other voice.

        Returns:
            (float array (SIZE, SIZE), float array (SIZE,)): what to multiply cepstra
            by, and what to add then.
        """
        own_mean, own = self.means.mean(axis=0), np.eye(SIZE)
        if speaker in self.speakers:
            index = self.speakers.index(speaker)
            own_mean, own = self.means[index], self.matrices[index]
        change = matrix @ np.linalg.inv(own)
        return change, mean - change @ own_mean

    def draw(self, speaker, rng):
        """Draw a voice between this speaker's and a mixture of two others.

        Args:
            speaker: str.
            rng: numpy.random.Generator.

        Returns:
            (float32 array (CEPSTRA, CEPSTRA), float32 array (CEPSTRA,)): as of
            `between`, with the energy, which stays as it is.
        """
        pair = rng.choice(len(self.speakers), 2)
        share, strength = rng.uniform(), self.strength * rng.uniform()
        mean, matrix = (
            share * of[pair[0]] + (1 - share) * of[pair[1]]
            for of in (self.means, self.matrices)
        )
        change, shift = self.between(speaker, mean, matrix)
        whole = np.eye(mel.CEPSTRA, dtype=np.float32)
        whole[1:, 1:] += strength * (change - np.eye(SIZE))
        return whole, np.concatenate([[0], strength * shift]).astype(np.float32)


def cepstra(raw, config):
    """Read the cepstra that the maps are about from features.

    Args:
        raw: float array (frames, config.dims), not normalised.
        config: features.FeatureConfig.

    Returns:
        float array (frames, SIZE).
    """
    if config.kind == "log-mel":
        return raw[:, : config.bands] @ mel.cosines(config.bands)[1:].T
    return raw[:, 1 : mel.CEPSTRA]


def on_features(matrix, shift, config):
    """Turn a change of cepstra into one of stored features.

    Args:
        matrix: float array (CEPSTRA, CEPSTRA), as of `SpeakerMaps.draw`.
        shift: float array (CEPSTRA,).
        config: features.FeatureConfig.

    Returns:
        (float32 array (n, n), float32 array (n,)), where n is the number of cepstra or
        of log-mel bands.
    """
    if config.kind == "mfcc":
        return matrix, shift
    rows = mel.cosines(config.bands)
    change = rows.T @ (matrix - np.eye(mel.CEPSTRA)) @ rows
    whole = np.eye(config.bands) + change
    return whole.astype(np.float32), (rows.T @ shift).astype(np.float32)


def fit(means, frames):
    """Fit the matrices of speakers.

    Args:
        means: float array (speakers, sounds, SIZE), mean cepstra.
        frames: int array (speakers, sounds), how many frames each is the mean of.

    Returns:
        list of (mean, matrix) of each speaker, None for who says too few sounds.

    Raises:
        SpeakerMapError: fewer than two speakers say enough.
    """
    heard = np.asarray(frames) >= FEWEST_FRAMES
    heard &= (heard.sum(axis=1) >= FEWEST_SOUNDS)[:, None]
    if heard.any(axis=1).sum() < 2:
        raise SpeakerMapError(
            f"expected two speakers with {FEWEST_SOUNDS} sounds each, received "
            f"{heard.any(axis=1).sum()} of {len(heard)}"
        )
    means = np.where(heard[..., None], means, 0)
    average, offsets = average_speaker(means, heard)
    centre = average[heard.any(axis=0)].mean(axis=0)
    fitted = []
    for said, own, offset in zip(heard, means, offsets, strict=True):
        if said.any():
            matrix = fit_matrix(average[said], own[said] - offset, RIDGE)
            fitted.append((centre + offset, matrix))
        else:
            fitted.append(None)
    return fitted


def average_speaker(means, heard):
    """Find what sounds are like on average, and each speaker's constant difference.

    Not everybody says every sound, so the two depend on each other.

    Args:
        means: float array (speakers, sounds, SIZE).
        heard: bool array (speakers, sounds), which of them count.

    Returns:
        (float array (sounds, SIZE), float array (speakers, SIZE)).
    """
    offsets = np.zeros((len(means), SIZE))
    weights = heard[..., None].astype(float)
    for _ in range(ROUNDS):
        centred = weights * (means - offsets[:, None])
        average = centred.sum(axis=0) / np.maximum(weights.sum(axis=0), 1)
        residual = weights * (means - average)
        offsets = residual.sum(axis=1) / np.maximum(weights.sum(axis=1), 1)
    return average, offsets


def fit_matrix(average, own, ridge=RIDGE):
    """Fit the matrix from an average speaker's sounds to one's own, around their means.

    Args:
        average: float array (sounds, SIZE).
        own: float array (sounds, SIZE).
        ridge: float; the larger, the nearer to the identity.

    Returns:
        float64 array (SIZE, SIZE).
    """
    scale = np.maximum(average.std(axis=0), 1e-9)
    sounds = (average - average.mean(axis=0)) / scale
    difference = own - average
    difference = (difference - difference.mean(axis=0)) / scale
    square = sounds.T @ sounds + ridge * len(sounds) * np.eye(SIZE)
    change = np.linalg.solve(square, sounds.T @ difference).T
    return np.eye(SIZE) + scale[:, None] * change / scale


def save(path, maps):
    """Write maps as safetensors, whole or not at all.

    Args:
        path: path.
        maps: SpeakerMaps.
    """
    columns = np.concatenate([maps.means[..., None], maps.matrices], axis=2)
    arrays = dict(zip(maps.speakers, columns, strict=True))
    files.replace(pathlib.Path(path), safetensors.numpy.save(arrays))


def load(path):
    """Inverse of `save`.

    Raises:
        SpeakerMapError: the file is missing, damaged or of other features.
    """
    try:
        arrays = safetensors.numpy.load(pathlib.Path(path).read_bytes())
    except (OSError, safetensors.SafetensorError) as error:
        raise SpeakerMapError(f"{path}: cannot be read: {error}") from None
    shape = (SIZE, 1 + SIZE)
    wrong = {array.shape for array in arrays.values()} - {shape}
    if wrong or len(arrays) < 2:
        raise SpeakerMapError(
            f"{path}: expected two speakers or more with a mean and a matrix {shape}, "
            f"received {len(arrays)} with {sorted(wrong) or shape}"
        )
    names = sorted(arrays)
    columns = np.stack([arrays[name] for name in names])
    return SpeakerMaps(tuple(names), columns[..., 0], columns[..., 1:])
