"""Listening twice: a network gets used to the voice of each recording.

Nobody tells it what was said; but a voice that sounds as in training leaves few doubts.
So the cepstra of a recording are mapped by a matrix and a shift that make the network
more certain of what it hears: some steps down the slope of its doubt, anew for every
recording. The weights stay as they are.

    features --matrix, shift--> features --network--> logits --> doubt
                    ^                                              |
                    +---------- Adam, numpy_gradients <------------+

A matrix and a shift of the features adapt to a speaker in Gales, "Maximum Likelihood
Linear Transformations for HMM-based Speech Recognition", Computer Speech and Language
12, 1998, with a transcript. That doubt can take its place is Wang et al., "Tent", ICLR
2021, for the normalisation inside a network; for single recordings and CTC Lin, Li &
Lee, "Listen, Adapt, Better WER", Interspeech 2022, of which temperature and choice of
frames are.

How many steps do a model good, if any, development recordings decide
(`data_prep.adapt`); the number is kept in the model folder.
"""

import dataclasses
import json
import pathlib

import numpy as np

from zhasr import ctc, files, mel, numpy_gradients, numpy_layers, wavenet

NAME = "adaptation.json"  # in a model folder
FORMAT = "zhasr-adaptation-1"
MOST_STEPS = 100  # that a folder may ask for
STEP_SIZE = 0.008  # of a matrix and a shift in standard deviations
TEMPERATURE = 2.5  # of the doubt, so that frames that are almost certain count, too
MOMENTUM, SQUARES = 0.9, 0.98  # of Adam (Kingma & Ba, ICLR 2015)
SMALLEST = 1e-6  # root of the mean square of a slope


class AdaptationError(ValueError):
    """A network that cannot adapt, or a number of steps that cannot be read."""


@dataclasses.dataclass(frozen=True, eq=False)
class AdaptiveNetwork(numpy_layers.Network):
    """A network that gets used to each utterance before it answers.

    Args:
        config, labels, weights: see `numpy_layers.Network`.
        spread: float32 array (blocks, CEPSTRA), the standard deviations that the
            cepstra were divided by, and Δ and ΔΔ where there are any: all are mapped,
            the cepstra alone are shifted.
        steps: int, how often it listens before the last time.
    """

    spread: np.ndarray
    steps: int

    def __call__(self, inputs):
        """Compute logits, see `numpy_layers.Network`; each utterance by itself."""
        precision = np.result_type(*self.weights.values())
        features = np.asarray(inputs["features"], precision)
        frames = wavenet.output_frames(features.shape[1], self.config.reduction)
        logits = np.zeros((len(features), frames, self.labels), precision)
        for row, one, length in zip(logits, features, inputs["frames"], strict=True):
            if length:
                heard = self._listen(one[None, :length])
                row[: heard.shape[1]] = heard
        return logits

    def _listen(self, features):
        """Logits of one utterance (1, frames, dims)."""
        voice = Voice(self.spread)
        optimizer = Adam(voice.values)
        for _ in range(self.steps):
            heard, layers = voice.map(features), numpy_gradients.Layers(self.weights)
            logits = run(self, heard, layers)
            slope = layers.go_back(logits, doubt_slope(logits), heard)
            optimizer.step(voice.slopes(features, slope))
        return run(self, voice.map(features), numpy_layers.Layers(self.weights))


def run(network, features, layers):
    """Logits of one utterance.

    Args:
        network: numpy_layers.Network.
        features: float32 array (1, frames, dims).
        layers: numpy_layers.Layers, or numpy_gradients.Layers to go back.

    Returns:
        float32 array (1, ⌈frames / reduction⌉, labels).
    """
    frames = np.array([features.shape[1]])
    return wavenet.network(features, frames, network.config, network.labels, layers)


class Voice:
    """The matrix and the shift of a recording.

    Attributes:
        values: list of the matrix less the identity, (CEPSTRA, CEPSTRA), and the shift,
            (CEPSTRA,), float32, of cepstra divided by their standard deviations. They
            are changed in place.
    """

    def __init__(self, spread):
        """Begin with what changes nothing; spread: as of AdaptiveNetwork."""
        size = mel.CEPSTRA
        self.values = [np.zeros((size, size), np.float32), np.zeros(size, np.float32)]
        self._relative = spread / spread[0]  # the matrix is that of cepstra

    def map(self, features):
        """Change normalised features, float32 array (1, frames, dims), to new ones."""
        matrix, shift = self.values
        mapped = features.copy()
        for block, relative in zip(self._blocks(mapped), self._relative, strict=True):
            block += (block * relative) @ matrix / relative
        mapped[..., : mel.CEPSTRA] += shift
        return mapped

    def slopes(self, features, slope):
        """Turn the slope of mapped features into those of the values.

        Args:
            features: float32 array (1, frames, dims), as given to `map`.
            slope: array of that shape, how much something grows with each feature.

        Returns:
            list of arrays like `values`.
        """
        blocks = zip(
            self._blocks(features), self._blocks(slope), self._relative, strict=True
        )
        by_matrix = sum(
            (block * relative)[0].T @ (growth / relative)[0]
            for block, growth, relative in blocks
        )
        return [by_matrix, slope[0, :, : mel.CEPSTRA].sum(axis=0)]

    def _blocks(self, features):
        """The cepstra and their slopes, views."""
        size = mel.CEPSTRA
        ends = size * np.arange(1, len(self._relative) + 1)
        return [features[..., end - size : end] for end in ends]


class Adam:
    """Steps down a slope; how steep it is does not decide how far."""

    def __init__(self, values, step_size=STEP_SIZE):
        """Args: values: list of arrays, changed in place; step_size: float."""
        self._values, self._step_size, self._count = values, step_size, 0
        self._means = [np.zeros_like(one) for one in values]
        self._squares = [np.zeros_like(one) for one in values]

    def step(self, slopes):
        """Make one step; slopes: list of arrays, one for each value."""
        self._count += 1
        for value, mean, square, slope in zip(
            self._values, self._means, self._squares, slopes, strict=True
        ):
            mean += (1 - MOMENTUM) * (slope - mean)
            square += (1 - SQUARES) * (slope**2 - square)
            usual = np.sqrt(square / (1 - SQUARES**self._count)) + SMALLEST
            value -= self._step_size * mean / (1 - MOMENTUM**self._count) / usual


def adaptive(network, description, steps):
    """Make a network adapt.

    Args:
        network: numpy_layers.Network.
        description: model_folder.Description, its own.
        steps: int, see AdaptiveNetwork.

    Returns:
        AdaptiveNetwork; or the network itself for 0 steps.

    Raises:
        AdaptationError: features that are no MFCC.
    """
    if not steps:
        return network
    return AdaptiveNetwork(
        network.config, network.labels, network.weights, spread(description), steps
    )


def spread(description):
    """The standard deviations of a model's cepstra, see AdaptiveNetwork.

    Raises:
        AdaptationError: features that are no MFCC.
    """
    if description.features.kind != "mfcc":
        raise AdaptationError(
            f"expected a model of mfcc to adapt, received {description.features.kind}"
        )
    dims = description.features.spectral_dims
    return np.reshape(description.std[:dims], (-1, mel.CEPSTRA))


def doubt(logits, variety=0.0):
    """Mean entropy of the frames whose best label is no blank, in nats.

    Args:
        logits: float array (..., frames, labels).
        variety: float, how much of the entropy of the mean posterior of these frames
            is taken away: who hears the same everywhere has no doubts either.

    Returns:
        float; 0 where all are blank.
    """
    log_probs, entropy = _entropy(logits)
    shares = _shares(logits)
    _, varied = _mean(log_probs, shares)
    return float((entropy * shares).sum() - variety * varied)


def doubt_slope(logits, variety=0.0):
    """Tell how much `doubt` grows with each logit: array of the shape of the logits."""
    log_probs, entropy = _entropy(logits)
    probs, shares = np.exp(log_probs), _shares(logits)
    slope = -(log_probs + entropy[..., None])
    if variety:
        log_mean, _ = _mean(log_probs, shares)
        along = (probs * log_mean).sum(axis=-1, keepdims=True)
        slope += variety * (log_mean - along)
    return slope * probs * (shares / TEMPERATURE)[..., None]


def _mean(log_probs, shares):
    """Logarithms of the mean posterior (labels,), and its entropy."""
    axes = tuple(range(shares.ndim))
    mean = np.tensordot(shares, np.exp(log_probs), (axes, axes))
    log_mean = np.log(np.maximum(mean, np.finfo(mean.dtype).tiny))
    return log_mean, -(mean * log_mean).sum()


def _entropy(logits):
    """Logarithms of the softened posteriors, and the entropy of each frame."""
    log_probs = logits / TEMPERATURE
    log_probs = log_probs - log_probs.max(axis=-1, keepdims=True)
    log_probs -= np.log(np.exp(log_probs).sum(axis=-1, keepdims=True))
    return log_probs, -(np.exp(log_probs) * log_probs).sum(axis=-1)


def _shares(logits):
    """What each frame counts."""
    spoken = (logits.argmax(axis=-1) != ctc.BLANK).astype(logits.dtype)
    return spoken / max(1.0, spoken.sum())


def save(folder, steps, about=""):
    """Keep the number of steps in a model folder.

    Args:
        folder: path of a model folder.
        steps: int.
        about: str, which recordings decided; for people.
    """
    content = {"format": FORMAT, "steps": steps, "chosen_on": about}
    text = json.dumps(content, indent=1, ensure_ascii=False)
    files.replace(pathlib.Path(folder) / NAME, text + "\n")


def load_steps(folder):
    """Inverse of `save`: int, 0 where nothing is kept.

    Raises:
        AdaptationError: the file is damaged; the message names it.
    """
    path = pathlib.Path(folder) / NAME
    if not path.exists():
        return 0
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        steps = content["steps"]
        known = content["format"] == FORMAT and type(steps) is int
        if not known or not 0 <= steps <= MOST_STEPS:
            raise ValueError(f"{content['format']!r}, {steps!r} steps")
        return steps
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise AdaptationError(
            f"{path}: expected 0 to {MOST_STEPS} steps in the format {FORMAT!r} "
            f"({error}); delete the file, or run data_prep.adapt again"
        ) from None
