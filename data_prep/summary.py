"""What a preparation found, in words and small tables: `summary.txt`."""

import re
from collections import Counter
from collections.abc import Callable, Iterable

from data_prep import pieces
from zhasr import ctc, features, manifest, pinyin

TRAIN = "train"
Splits = dict[str, list[manifest.Utterance]]


def describe(
    title: str,
    splits: Splits,
    sizes: dict[str, int],
    count_frames: Callable[[str], int],
    rejected: list[dict[str, str]],
    notes: list[str],
) -> str:
    """Describe a prepared folder.

    Args:
        title: What was prepared, in one line.
        splits: Utterances by name of the split.
        sizes: How many utterances each split had, with those that were set aside
            here; the adapter may have set aside others.
        count_frames: Gives the feature frames of an utterance by its id.
        rejected: Rows of `rejected.jsonl`.
        notes: What the adapter of the corpus remarks.

    Returns:
        Text of several paragraphs. It holds no time and no speed: the same corpus
        gives the same text.
    """
    paragraphs = [
        [title],
        _size_table(splits, sizes),
        _label_table(splits),
        _short_list(splits, count_frames),
        _leak_list(splits),
        [f"note: {note}" for note in notes],
        _rejection_list(rejected),
    ]
    return "\n\n".join("\n".join(lines) for lines in paragraphs if lines) + "\n"


def feature_words(config: features.FeatureConfig) -> str:
    """Name features in words.

    Example:
        >>> feature_words(features.FeatureConfig("log-mel", 40, pitch=True))
        'log-mel, 40 bands, with pitch by utterance (43 dims)'
    """
    bands = f", {config.bands} bands" if config.kind == "log-mel" else ""
    pitch = f", with pitch by {config.pitch_normalisation}" if config.pitch else ""
    if config.length_normalisation:
        pitch += " and the vocal tract normalised"
    return f"{config.kind}{bands}{pitch} ({config.dims} dims)"


def targets(
    kind: str, utterances: Iterable[manifest.Utterance]
) -> Iterable[tuple[manifest.Utterance, list[str]]]:
    """Pair utterances with their labels; those without hanzi have no characters."""
    for utterance in utterances:
        if utterance.text or kind != "character":
            yield utterance, pinyin.targets(kind, utterance.syllables, utterance.text)


def reason_kind(reason: str) -> str:
    """Take what is particular out of a reason, so that reasons can be counted.

    Example:
        >>> reason_kind("too short: 12 syllables, not 'yi1 er4'; check it")
        'too short: N syllables, not …'
    """
    general = re.sub(r"'[^']*'|\"[^\"]*\"", "…", reason.partition(";")[0])
    return re.sub(r"\d+([.,]\d+)*", "N", general)


def _size_table(splits: Splits, sizes: dict[str, int]) -> list[str]:
    rows = [("split", "hours", "utterances", "set aside", "speakers")]
    for split, utterances in splits.items():
        hours = sum(item.duration for item in utterances) / 3600
        speakers = len({item.speaker for item in utterances})
        counts = (len(utterances), sizes[split] - len(utterances), speakers)
        rows.append((split, f"{hours:.2f}", *(f"{count:,}" for count in counts)))
    return _table(rows)


def _label_table(splits: Splits) -> list[str]:
    """Count labels, and how much of the other splits training has labels for."""
    counts = {
        kind: {
            split: Counter(
                label for _, labels in targets(kind, items) for label in labels
            )
            for split, items in splits.items()
        }
        for kind in pinyin.KINDS
    }
    others = [split for split in splits if split != TRAIN]
    if TRAIN not in splits:
        return ["no training split: no statistics, no vocabulary, no label coverage"]
    rows = [("labels", TRAIN, *(f"{split}: types, tokens covered" for split in others))]
    for kind, by_split in counts.items():
        covered = (_coverage(by_split[TRAIN], by_split[split]) for split in others)
        rows.append((kind, f"{len(by_split[TRAIN]):,}", *covered))
    return _table(rows)


def _coverage(known: Counter, wanted: Counter) -> str:
    if not wanted:
        return "none"
    types = sum(label in known for label in wanted) / len(wanted)
    tokens = sum(count for label, count in wanted.items() if label in known)
    return f"{100 * types:.2f} %, {100 * tokens / wanted.total():.2f} %"


def _short_list(splits: Splits, count_frames: Callable[[str], int]) -> list[str]:
    """Count utterances that one kind of labels is too long for, if not every kind."""
    lines = []
    for kind in pinyin.KINDS:
        for split, utterances in splits.items():
            short = [
                utterance.id
                for utterance, labels in targets(kind, utterances)
                if ctc.frames_needed(labels)
                > pieces.output_frames(count_frames(utterance.id))
            ]
            if short:
                lines.append(
                    f"too short for {kind} labels, {split}: {len(short):,} "
                    f"({short[0]}); training on {kind} labels leaves them out"
                )
    return lines


def _leak_list(splits: Splits) -> list[str]:
    if len(splits) < 2:
        return []
    lines = [f"leak: {leak}" for leak in manifest.leaks(splits)]
    return lines or ["leaks between splits: none"]


def _rejection_list(rejected: list[dict[str, str]]) -> list[str]:
    if not rejected:
        return ["set aside: none"]
    examples: dict[str, list[str]] = {}
    for row in rejected:
        examples.setdefault(reason_kind(row["reason"]), []).append(row["id"])
    kinds = sorted(examples.items(), key=lambda item: (-len(item[1]), item[0]))
    return [f"set aside: {len(rejected):,}, see rejected.jsonl"] + [
        f"{len(ids):7,}  {kind} ({ids[0]}{', …' if len(ids) > 1 else ''})"
        for kind, ids in kinds
    ]


def _table(rows: list[tuple[str, ...]]) -> list[str]:
    """Align the first column to the left and the others to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            cell.rjust(width) if index else cell.ljust(width)
            for index, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    ]
