"""Prepared folders -> examples for training: what `data_prep.prepare` wrote.

Several folders are pooled: their training utterances together, their statistics
added up. A folder that is named twice counts twice in training, never in development.
"""

import dataclasses
import functools
import itertools
import json
import pathlib

import numpy as np

from zhasr import (
    augment,
    batches,
    feature_store,
    features,
    manifest,
    pinyin,
    vocabulary,
)

SOURCES = "sources.json"  # of a prepared folder; older ones have none


class DatasetError(ValueError):
    """Prepared data that cannot be used; the message names the folder."""


@dataclasses.dataclass(frozen=True)
class Folder:
    """One prepared folder, opened.

    Args:
        path: pathlib.Path.
        features: features.FeatureConfig.
        store: feature_store.FeatureStore.
        corpus: str, name of the adapter that read the corpus.
    """

    path: pathlib.Path
    features: features.FeatureConfig
    store: feature_store.FeatureStore
    corpus: str

    def utterances(self, split):
        """Utterances of a split; [] when the folder has no such split."""
        path = self.path / f"{split}.jsonl"
        return manifest.read(path) if path.is_file() else []

    def sources(self):
        """Whose recordings its training data are, and their licences: list of str."""
        path = self.path / SOURCES
        return json.loads(path.read_text("utf-8")) if path.is_file() else []

    def statistics(self):
        """Statistics of its training data, or None."""
        path = self.path / "statistics.json"
        return features.Statistics.load(path) if path.is_file() else None


@dataclasses.dataclass(frozen=True)
class Dataset:
    """Everything that training needs.

    Args:
        train: list of batches.Example; utterances of a folder named twice stand twice.
        dev: list of batches.Example.
        vocabulary: vocabulary.Vocabulary, from the training utterances.
        features: features.FeatureConfig.
        mean: float32 array (dims,).
        std: float32 array (dims,).
        hours: float, of training audio, each folder once.
        voices: list of str, the speakers of the training utterances.
        corpora: list of str.
        sources: list of str, whose recordings these are, and their licences.
    """

    train: list[batches.Example]
    dev: list[batches.Example]
    vocabulary: vocabulary.Vocabulary
    features: features.FeatureConfig
    mean: np.ndarray
    std: np.ndarray
    hours: float
    voices: list[str]
    corpora: list[str]
    sources: list[str]


def open_folder(path):
    """Open a prepared folder.

    Args:
        path: path that `python -m data_prep.prepare` wrote to.

    Returns:
        Folder.

    Raises:
        DatasetError: the folder is not a finished preparation.
    """
    path = pathlib.Path(path)
    try:
        config = json.loads((path / "config.json").read_text(encoding="utf-8"))
        feature_config = features.FeatureConfig.from_dict(config["features"])
        corpus = config["corpus"]
    except (OSError, ValueError, KeyError, TypeError):
        raise DatasetError(
            f"{path}: not a prepared folder (no readable config.json); run "
            "`python -m data_prep.prepare CORPUS SOURCE OUT` first"
        ) from None
    store = feature_store.FeatureStore(path / "features")
    return Folder(path, feature_config, store, corpus)


def load(paths, kind, development=None, keep=None, like=None):
    """Pool prepared folders.

    Args:
        paths: list of path; the same path may stand several times.
        kind: str, one of pinyin.KINDS.
        development: list of path, prepared folders whose development utterances are
            taken; by default all of `paths`.
        keep: function of manifest.Utterance to bool, which training utterances are
            heard; all by default.
        like: model_folder.Description, of a model that is to go on learning: its
            labels, mean and standard deviation are taken. Default: those of the data.

    Returns:
        Dataset.

    Raises:
        DatasetError: no training or development utterances, or folders that were
            prepared with different features; or data that are not `like` the model.
    """
    folders = [open_folder(path) for path in paths]
    once = list({folder.path.resolve(): folder for folder in folders}.values())
    judges = once
    if development is not None:
        judges = [open_folder(path) for path in development]
    _check_features([*once, *judges])
    statistics = like or _pooled_statistics(once)
    normalise = functools.partial(
        features.normalise,
        mean=statistics.mean,
        std=statistics.std,
        config=once[0].features,
    )
    utterances = [item for folder in once for item in folder.utterances("train")]
    utterances = list(filter(keep, utterances))
    targets = [_targets(kind, item) for item in utterances]
    labels = like.vocabulary if like else vocabulary.build(kind, targets)
    if like:
        _check_like(like, kind, once[0], targets)
    train = [
        example
        for folder in folders
        for example in _examples(folder, "train", labels, normalise, keep)
    ]
    dev = [
        example
        for folder in judges
        for example in _examples(folder, "dev", labels, normalise)
    ]
    if not train or not dev:
        raise DatasetError(
            f"{', '.join(map(str, paths))}: expected training and development "
            f"utterances, received {len(train)} and {len(dev)}"
        )
    return Dataset(
        train,
        dev,
        labels,
        once[0].features,
        statistics.mean,
        statistics.std,
        sum(item.duration for item in utterances) / 3600,
        sorted({item.speaker for item in utterances}),
        [folder.corpus for folder in once],
        list(dict.fromkeys(line for folder in once for line in folder.sources())),
    )


def _check_features(folders):
    for folder in folders[1:]:
        if folder.features != folders[0].features:
            raise DatasetError(
                f"{folder.path}: prepared with {folder.features}, but "
                f"{folders[0].path} with {folders[0].features}; prepare all alike"
            )


def _check_like(like, kind, folder, targets):
    """Refuse data that a model cannot go on learning from."""
    if folder.features != like.features:
        found, wanted = folder.features.to_dict(), like.features.to_dict()
        different = [
            f"{name} {found[name]} instead of {wanted[name]}"
            for name in wanted
            if found[name] != wanted[name]
        ]
        raise DatasetError(
            f"{folder.path}: prepared with {', '.join(different)}, which the model to "
            "go on from hears; prepare it again with --like MODEL"
        )
    if kind != like.vocabulary.kind:
        raise DatasetError(
            f"expected {like.vocabulary.kind} labels, which the model to go on from "
            f"has, received {kind}"
        )
    if unknown := sorted({*itertools.chain(*targets)} - {*like.vocabulary.labels}):
        raise DatasetError(
            f"{folder.path}: the model to go on from has no label for "
            f"{', '.join(unknown)}; train without it"
        )


def _pooled_statistics(folders):
    parts = [folder.statistics() for folder in folders]
    parts = [part for part in parts if part is not None]
    if not parts:
        raise DatasetError(
            f"{folders[0].path}: no statistics.json: no folder has training data"
        )
    return functools.reduce(features.Statistics.merge, parts)


def _targets(kind, utterance):
    try:
        return pinyin.targets(kind, utterance.syllables, utterance.text)
    except ValueError as error:
        raise DatasetError(f"{utterance.id}: {error}") from None


def _examples(folder, split, labels, normalise, keep=None):
    """Examples of a split; a label that training never had counts as an error.

    In development such a label gets the id -1, which no output can be.
    """
    known = {label: index for index, label in enumerate(labels.labels)}
    for utterance in filter(keep, folder.utterances(split)):
        names = _targets(labels.kind, utterance)
        yield batches.Example(
            f"{folder.path.name}/{utterance.id}",
            folder.store.frames(utterance.id),
            np.array([known.get(name, -1) for name in names], np.int32),
            functools.partial(_load, folder, utterance.id, normalise),
            utterance.speaker,
        )


def _load(folder, id, normalise, voice=None):
    raw = folder.store[id]
    if voice is not None:
        raw = augment.speak(raw, folder.features, voice)
    return normalise(raw)
