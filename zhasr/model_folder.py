"""A model on disk: config.json, vocabulary.txt, weights.safetensors, card.md.

Nothing in it is code: loading rebuilds the network from the config and then fills in
the weights, in any Keras backend or in numpy. What does not belong together is refused.
"""

import collections
import dataclasses
import functools
import json
import operator
import pathlib

import numpy as np
import safetensors
import safetensors.numpy

from zhasr import features, files, numpy_layers, shape_layers, vocabulary, wavenet
from zhasr.backend import ops

FORMAT = "zhasr-model-1"
CONFIG, VOCABULARY, WEIGHTS, CARD = (
    "config.json",
    "vocabulary.txt",
    "weights.safetensors",
    "card.md",
)
SHIPPED = pathlib.Path(__file__).parent / "pretrained" / "mandarin"
SOURCES = "sources"  # among the facts of training: whose recordings were heard
LISTED = 8  # names in a fact


class ModelError(ValueError):
    """A model folder that cannot be used; the message names the file."""


@dataclasses.dataclass(frozen=True)
class Description:
    """Everything about a model but its weights.

    Args:
        architecture: wavenet.Config.
        features: features.FeatureConfig.
        mean: float32 array (dims,), of the training data.
        std: float32 array (dims,), of the training data.
        vocabulary: vocabulary.Vocabulary.
        training: dict, how it was made; for people, not read by the program.
    """

    architecture: wavenet.Config
    features: features.FeatureConfig
    mean: np.ndarray
    std: np.ndarray
    vocabulary: vocabulary.Vocabulary
    training: dict

    @property
    def sizes(self):
        """What determines the network: architecture, dims, labels."""
        return self.architecture, self.features.dims, len(self.vocabulary)

    def build(self):
        """Build the network in Keras, without trained weights."""
        return wavenet.build(*self.sizes)

    def normalise(self, raw):
        """Normalise raw features (frames, dims) as they were in training."""
        return features.normalise(raw, self.mean, self.std, config=self.features)


def exists(folder):
    """Whether a folder holds a model; one that is being trained has no weights yet."""
    return all((pathlib.Path(folder) / name).is_file() for name in (CONFIG, WEIGHTS))


def save(folder, network, description, card):
    """Write a model folder; every file is whole or as it was before.

    Args:
        folder: path, created when missing.
        network: keras.Model built by the description.
        description: Description.
        card: str, Markdown for people.
    """
    folder = pathlib.Path(folder)
    config = {
        "format": FORMAT,
        "architecture": dataclasses.asdict(description.architecture),
        "features": description.features.to_dict(),
        "mean": np.asarray(description.mean, np.float64).tolist(),
        "std": np.asarray(description.std, np.float64).tolist(),
        "vocabulary": description.vocabulary.fingerprint,
        "training": description.training,
    }
    weights = {name: np.asarray(value) for name, value in named_weights(network)}
    packed = pack_weights(weights, description.vocabulary)
    vocabulary.save(folder / VOCABULARY, description.vocabulary)
    files.replace(folder / WEIGHTS, packed)
    text = json.dumps(config, indent=1, ensure_ascii=False)
    files.replace(folder / CONFIG, text + "\n")
    files.replace(folder / CARD, card)


def save_weights(folder, description, weights):
    """Write a model folder from weights by name.

    Args:
        folder: path; a folder that a stopped run has left there is written again.
        description: Description.
        weights: dict of name to array.

    Raises:
        ModelError: a model is there already, or the weights are of another one.
    """
    if exists(folder):
        raise ModelError(f"{folder}: is there already; name another folder")
    network = description.build()
    set_weights(network, weights, folder)
    save(folder, network, description, write_card(description))


def pack_weights(weights, names):
    """Write weights so that they can be told from those of another model.

    Args:
        weights: dict of name to array.
        names: vocabulary.Vocabulary of the model.

    Returns:
        bytes of a safetensors file, the same ones for the same weights.
    """
    metadata = {"format": FORMAT, "vocabulary": names.fingerprint}
    content = safetensors.numpy.save(weights, metadata)
    # The library writes its metadata in any order.
    size = int.from_bytes(content[:8], "little")
    header = {**json.loads(content[8 : 8 + size]), "__metadata__": metadata}
    text = json.dumps(header, separators=(",", ":")).encode().ljust(size)
    return content[:8] + text + content[8 + size :]


def write_card(description):
    """Say in Markdown what a model is and how it was made, from its description."""
    facts = "\n".join(f"- {line}" for line in fact_lines(description.training))
    sources = "\n".join(f"- {line}" for line in description.training.get(SOURCES, []))
    data = f"\n\n## Whose recordings it heard\n\n{sources}" if sources else ""
    feature, pitch = description.features, description.features.pitch
    return (
        f"# Mandarin speech recognition: {len(description.vocabulary)} "
        f"{description.vocabulary.kind} labels\n\n"
        f"WaveNet encoder with CTC, trained by zhasr on {feature.kind} features"
        f"{' with pitch' if pitch else ''}.\n\n## How it was made\n\n{facts}{data}\n\n"
        "The development error chose the epoch; it is no test result. Run "
        "`zhasr evaluate` on speakers and sentences that are not in the corpora "
        "named above.\n"
    )


def fact_lines(training):
    """Say how a model was made: list of str, long lists and numbers cut short.

    Args:
        training: dict, that of a Description. Whose recordings it heard is left out:
            these are sentences of their own; and what is None.

    Example:
        >>> fact_lines({"hours": 20480.37, "minutes": None, "corpora": ["a", "b", "a"]})
        ['hours: 20480', 'corpora: a, b']
        >>> fact_lines({"error": 0.18678003291})
        ['error: 0.1868']
    """
    return [
        f"{name}: {_shown(value)}"
        for name, value in training.items()
        if name != SOURCES and value is not None
    ]


def heard_together(trainings):
    """What the weights of several trainings, or of one after another, have heard.

    Args:
        trainings: list of dict, each that of a Description.

    Returns:
        dict of name to list: corpora, as often as in the training with most of them,
        voices and sources. What one training does not say is left out: then it is not
        known.

    Example:
        >>> heard_together([{"voices": ["A"], "corpora": []}, {"voices": ["B", "A"]}])
        {'voices': ['A', 'B']}
    """
    together = {}
    for name in ("corpora", "voices", SOURCES):
        if all(name in one for one in trainings):
            lists = (collections.Counter(one[name]) for one in trainings)
            together[name] = [*functools.reduce(operator.or_, lists).elements()]
    return together


def _shown(value):
    if isinstance(value, list):
        return _listed(value)
    if isinstance(value, float):
        return f"{value:.4g}" if abs(value) < 1e4 else f"{value:.0f}"
    return value


def _listed(names):
    """The different ones, the first few by name."""
    names = list(dict.fromkeys(map(str, names)))
    more = len(names) - LISTED
    return ", ".join(names[:LISTED]) + (f" and {more} more" if more > 0 else "")


def named_weights(network):
    """Pairs of name and array of all weights, batch statistics included.

    The generators of dropout have a state that is no weight.
    """
    return [
        (variable.path, ops.convert_to_numpy(variable))
        for variable in network.variables
        if "seed_generator" not in variable.path
    ]


def load_description(folder):
    """Read everything but the weights.

    Args:
        folder: path of a model folder.

    Returns:
        Description.

    Raises:
        ModelError: a file is missing or damaged, or files are of different models.
    """
    folder = pathlib.Path(folder)
    config = _read_config(folder / CONFIG)
    labels = _read_vocabulary(folder / VOCABULARY)
    if labels.fingerprint != config["vocabulary"]:
        raise ModelError(
            f"{folder / VOCABULARY}: expected the vocabulary {config['vocabulary']} "
            f"that the model was trained with, received {labels.fingerprint}; copy the "
            "whole model folder, not single files"
        )
    try:
        description = Description(
            wavenet.Config(**config["architecture"]),
            features.FeatureConfig.from_dict(config["features"]),
            np.array(config["mean"], np.float32),
            np.array(config["std"], np.float32),
            labels,
            config["training"],
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ModelError(f"{folder / CONFIG}: not understood: {error}") from None
    dims = description.features.dims
    if description.mean.shape != (dims,) or description.std.shape != (dims,):
        raise ModelError(
            f"{folder / CONFIG}: expected mean and std of {dims} features, received "
            f"{description.mean.shape} and {description.std.shape}"
        )
    return description


def load(folder):
    """Rebuild a network in Keras with its trained weights.

    Args:
        folder: path of a model folder.

    Returns:
        (keras.Model, Description).

    Raises:
        ModelError: see `load_description`; also when weights do not fit the config.
    """
    description, weights = load_weights(folder)
    network = description.build()
    set_weights(network, weights, pathlib.Path(folder) / WEIGHTS)
    return network, description


def load_numpy(folder):
    """Like `load`, in numpy: quick to start, and enough where nothing is trained.

    Args:
        folder: path of a model folder.

    Returns:
        (numpy_layers.Network, Description).

    Raises:
        ModelError: see `load`.
    """
    description, weights = load_weights(folder)
    labels = len(description.vocabulary)
    return numpy_layers.Network(description.architecture, labels, weights), description


def load_weights(folder):
    """Read the weights and check that they are those of the description.

    Args:
        folder: path of a model folder.

    Returns:
        (Description, dict of name to float32 array); what ships is float16 on disk.

    Raises:
        ModelError: see `load`.
    """
    description = load_description(folder)
    path = pathlib.Path(folder) / WEIGHTS
    weights, metadata = _read_weights(path)
    if metadata.get("vocabulary") != description.vocabulary.fingerprint:
        raise ModelError(
            f"{path}: expected weights for the vocabulary "
            f"{description.vocabulary.fingerprint}, received weights for "
            f"{metadata.get('vocabulary')}; copy the whole model folder"
        )
    _check_weights(shape_layers.weights(*description.sizes), weights, path)
    weights = {name: np.asarray(one, np.float32) for name, one in weights.items()}
    return description, weights


def set_weights(network, weights, path):
    """Fill in weights by name.

    Args:
        network: keras.Model.
        weights: dict of name to array, as from `named_weights`.
        path: where they came from, for the message.

    Raises:
        ModelError: names or shapes differ.
    """
    wanted = {
        variable.path: variable
        for variable in network.variables
        if "seed_generator" not in variable.path
    }
    shapes = {name: tuple(variable.shape) for name, variable in wanted.items()}
    _check_weights(shapes, weights, path)
    for name, variable in wanted.items():
        variable.assign(weights[name])


def _check_weights(shapes, weights, path):
    """Refuse weights whose names and shapes are not those that are expected."""
    if shapes.keys() != weights.keys():
        different = sorted(shapes.keys() ^ weights.keys())[:3]
        raise ModelError(
            f"{path}: the weights are of another architecture: {', '.join(different)}"
        )
    for name, shape in shapes.items():
        if shape != weights[name].shape:
            raise ModelError(
                f"{path}: {name}: expected shape {shape}, received "
                f"{weights[name].shape}"
            )


def _read_config(path):
    if not path.is_file() and path.parent == SHIPPED:
        raise ModelError("no model comes with this copy of zhasr: name a model folder")
    if not path.is_file():
        raise ModelError(f"{path}: not there; expected a model folder of `zhasr train`")
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ModelError(f"{path}: not JSON: {error}") from None
    if not isinstance(config, dict) or config.get("format") != FORMAT:
        raise ModelError(f"{path}: expected a model of the format {FORMAT}")
    needed = {"architecture", "features", "mean", "std", "vocabulary", "training"}
    if missing := sorted(needed - config.keys()):
        raise ModelError(f"{path}: {', '.join(missing)} missing")
    return config


def _read_vocabulary(path):
    try:
        return vocabulary.load(path)
    except (OSError, ValueError) as error:
        raise ModelError(f"{path}: {error}") from None


def _read_weights(path):
    try:
        with safetensors.safe_open(path, framework="numpy") as file:
            names = file.keys()
            return {name: file.get_tensor(name) for name in names}, file.metadata()
    except (OSError, safetensors.SafetensorError) as error:
        raise ModelError(f"{path}: cannot be read: {error}") from None
