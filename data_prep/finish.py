"""The records of all pieces -> manifests, statistics, vocabularies, summary."""

import functools
import json
import math
import pathlib

import numpy as np

from data_prep import corpora, pieces, plan, prepared_folder, summary
from data_prep.corpora import base
from zhasr import (
    dataset,
    feature_store,
    features,
    files,
    manifest,
    pinyin,
    vocabulary,
)


def finish(
    cut: list[pieces.Piece], corpus: base.Corpus, out: pathlib.Path, settings: dict
) -> str:
    """Write everything but the shards.

    Args:
        cut: All pieces; each has its record.
        corpus: What the adapter read.
        out: The prepared folder.
        settings: What its `config.json` is to hold. It is written last: where it is,
            all the rest is.

    Returns:
        The summary.

    Raises:
        PlanError: Every utterance was set aside.
    """
    config = features.FeatureConfig.from_dict(settings["features"])
    records = [pieces.read_record(pieces.record_path(out, item.number)) for item in cut]
    rejected = _rejected(corpus, records, out)
    _write_rejected(out / f"{plan.REJECTED}.jsonl", rejected)
    splits = _splits(cut, records)
    if not splits:
        reason = plan.first_reason([row["reason"] for row in rejected])
        raise plan.PlanError(f"{out}: nothing was prepared: {reason}")
    statistics = [record.statistics for record in records]
    if pieces.needs_speakers(config):
        statistics = subtract_speakers(cut, records, out, config)
    feature_store.write_index(out / "features")
    for split, utterances in splits.items():
        manifest.write(out / f"{split}.jsonl", utterances)
    if summary.TRAIN in splits:
        _write_statistics(out / "statistics.json", cut, statistics)
        _write_vocabularies(out / "vocabulary", splits[summary.TRAIN])
    _write_sources(out / dataset.SOURCES, settings["corpus"], splits)
    title = f"{settings['corpus']}: {summary.feature_words(config)}"
    count_frames = feature_store.FeatureStore(out / "features").frames
    text = summary.describe(
        title, splits, _sizes(cut), count_frames, rejected, corpus.notes
    )
    files.replace(out / "summary.txt", text)
    files.replace(out / prepared_folder.CONFIG, prepared_folder.text(settings))
    prepared_folder.tidy(out)
    return text


def subtract_speakers(
    cut: list[pieces.Piece],
    records: list[pieces.Record],
    out: pathlib.Path,
    config: features.FeatureConfig,
) -> list[features.Statistics]:
    """Subtract the mean log F0 of its speaker from every utterance.

    A speaker of two splits counts as two, so that training features do not depend
    on recordings of other splits. An utterance without a speaker is its own.

    Args:
        cut: All pieces, whose shards lie among the unfinished.
        records: Their records.
        out: The prepared folder, whose shards are written here.
        config: Of the features.

    Returns:
        Statistics of every piece.
    """
    feature_store.write_index(out / pieces.UNFINISHED)
    store = feature_store.FeatureStore(out / pieces.UNFINISHED)
    speakers: dict[tuple[str, str], list[str]] = {}
    for piece, record in zip(cut, records, strict=True):
        for item in record.utterances:
            key = (piece.split, item.speaker or f"utterance {item.id}")
            speakers.setdefault(key, []).append(item.id)
    levels = {
        id: level
        for ids in speakers.values()
        for level in [_mean_log_f0(store, ids)]
        for id in ids
    }
    statistics = []
    for piece, record in zip(cut, records, strict=True):
        ids = [item.id for item in record.utterances]
        arrays = {id: _lowered(store[id], levels[id]) for id in ids}
        if arrays:
            feature_store.write_shard(out / "features", piece.number, arrays)
        statistics.append(pieces.sum_statistics(arrays, config.dims))
    return statistics


def _mean_log_f0(store: feature_store.FeatureStore, ids: list[str]) -> float:
    # A copy, so that the other columns can be forgotten.
    pitch = (store[id][:, -features.PITCH_DIMS :].copy() for id in ids)
    level = features.mean_log_f0(*pitch)
    return math.log(features.USUAL_F0) if level is None else level


def _lowered(array: np.ndarray, level: float) -> np.ndarray:
    array[:, -features.PITCH_DIMS] -= level
    return array.astype(np.float16)


def _splits(cut: list[pieces.Piece], records: list[pieces.Record]) -> summary.Splits:
    """Collect the utterances of each split that has any, train before the others."""
    splits: summary.Splits = {}
    for piece, record in zip(cut, records, strict=True):
        if record.utterances:
            splits.setdefault(piece.split, []).extend(record.utterances)
    first = {name: splits[name] for name in [summary.TRAIN] if name in splits}
    return first | splits


def _rejected(
    corpus: base.Corpus, records: list[pieces.Record], out: pathlib.Path
) -> list[dict[str, str]]:
    """Collect what the adapter, the plan and the pieces have set aside."""
    rows = [pieces.rejection(item, out, item.reason) for item in corpus.rejected]
    rows += [row for record in records for row in record.rejected]
    return sorted(rows, key=lambda row: (row["id"], row["audio_filepath"]))


def _sizes(cut: list[pieces.Piece]) -> dict[str, int]:
    sizes: dict[str, int] = {}
    for piece in cut:
        sizes[piece.split] = sizes.get(piece.split, 0) + len(piece.entries)
    return sizes


def _write_rejected(path: pathlib.Path, rejected: list[dict[str, str]]) -> None:
    lines = [json.dumps(row, ensure_ascii=False) + "\n" for row in rejected]
    files.replace(path, "".join(lines))


def _write_sources(path: pathlib.Path, corpus: str, splits: summary.Splits) -> None:
    """Write whose recordings the training data are, for the card of a model."""
    speakers = {item.speaker for item in splits.get(summary.TRAIN, [])}
    lines = [str(source) for source in corpora.sources(corpus, speakers)]
    files.replace(path, json.dumps(lines, ensure_ascii=False, indent=1) + "\n")


def _write_statistics(
    path: pathlib.Path, cut: list[pieces.Piece], statistics: list[features.Statistics]
) -> None:
    """Write the sum over the pieces of the training split."""
    parts = [
        part
        for piece, part in zip(cut, statistics, strict=True)
        if piece.split == summary.TRAIN
    ]
    functools.reduce(features.Statistics.merge, parts).save(path)


def _write_vocabularies(
    folder: pathlib.Path, utterances: list[manifest.Utterance]
) -> None:
    for kind in pinyin.KINDS:
        sequences = (labels for _, labels in summary.targets(kind, utterances))
        vocabulary.save(folder / f"{kind}.txt", vocabulary.build(kind, sequences))
