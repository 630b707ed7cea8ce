"""Which utterances a preparation will read, before any recording is opened."""

import dataclasses
import hashlib
import json
import pathlib
import re

from data_prep import corpora, pieces
from data_prep.corpora import base
from zhasr import feature_store

SPLIT_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")
REJECTED = "rejected"  # rejected.jsonl is no split


class PlanError(ValueError):
    """A corpus that cannot be prepared; one line says why."""


def read(
    name: str, source: pathlib.Path, out: pathlib.Path, split: str | None = None
) -> base.Corpus:
    """Read a corpus, and set aside what could not be stored under its name.

    Args:
        name: Of the adapter, one of `corpora.ADAPTERS`.
        source: Where the corpus lies.
        out: The folder to write, from which paths are counted.
        split: Put every utterance in this split.

    Returns:
        The corpus.

    Raises:
        ValueError: No such adapter, another corpus, a split that cannot be the name
            of a manifest, or no utterance at all.
    """
    if name not in corpora.ADAPTERS:
        known = ", ".join(sorted(corpora.ADAPTERS))
        raise PlanError(f"unknown corpus {name!r}; expected one of {known}")
    if not source.exists():
        raise PlanError(f"{source}: no such folder; give the folder of the corpus")
    found = corpora.ADAPTERS[name].read(source.absolute())
    rejected, seen = list(found.rejected), {}
    for entry in found.entries:
        reason = _unusable(entry, seen, out)
        if reason:
            path = entry.audio_filepath
            rejected.append(base.Rejected(entry.id, path, reason))
        else:
            entry = dataclasses.replace(entry, split=split or entry.split)
            seen[entry.id] = entry
    entries = list(seen.values())
    _check_splits(entries)
    if not entries:
        reason = first_reason([item.reason for item in rejected])
        raise PlanError(f"{source}: nothing to prepare: {reason}")
    # What the adapter says of its own splits is not true of another one.
    notes = [note for note in found.notes if not (split and note.startswith("splits:"))]
    return base.corpus(entries, rejected, notes)


def fingerprint(corpus: base.Corpus, out: pathlib.Path) -> str:
    """Return 16 digits that differ when the corpus is another one.

    Args:
        corpus: With its transcripts.
        out: The folder to write, from which paths are counted.

    Returns:
        Hexadecimal digits. They depend on names, transcripts, splits and the sizes
        of recordings, not on the samples.
    """
    digest = hashlib.sha256()
    for item in (*corpus.entries, *corpus.rejected):
        fields = dataclasses.asdict(item)
        path = fields.pop("audio_filepath")
        size = path.stat().st_size if path.is_file() else None
        place = pieces.relative_path(path, out)
        digest.update(json.dumps([place, size, fields]).encode())
    digest.update(json.dumps(corpus.notes).encode())
    return digest.hexdigest()[:16]


def first_reason(reasons: list[str]) -> str:
    """Say in words why nothing is left of a corpus."""
    if not reasons:
        return "it holds no utterances"
    return f"all {len(reasons):,} were set aside; the first: {reasons[0]}"


def _unusable(entry: base.Entry, seen: dict[str, base.Entry], out: pathlib.Path) -> str:
    """Say why an utterance cannot be stored under its name; "" when it can."""
    if entry.id in seen:
        first = pieces.relative_path(seen[entry.id].audio_filepath, out)
        return f"its id is already that of {first!r}; rename the recording"
    try:
        f"{entry.id}{entry.audio_filepath}{entry.speaker}{entry.text}".encode()
    except UnicodeEncodeError:
        return "its name is not UTF-8; rename the recording"
    if not entry.id.strip() or entry.id == feature_store.RESERVED_ID:
        return f"{entry.id!r} cannot be an id; rename the recording"
    return ""


def _check_splits(entries: list[base.Entry]) -> None:
    for split in sorted({entry.split for entry in entries}):
        if not SPLIT_NAME.fullmatch(split) or split == REJECTED:
            raise PlanError(
                f"expected a name such as train, dev or test for a split, "
                f"received {split!r}"
            )
