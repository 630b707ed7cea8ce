"""Recordings that are listed in manifests: what `data_prep.concatenate` writes.

SOURCE/
  train.jsonl dev.jsonl ...   see zhasr.manifest; one for each split
  audio/                      or wherever the manifests say
"""

import pathlib

from data_prep.corpora import base
from zhasr import manifest

NAME = "manifests"
REJECTED = "rejected.jsonl"  # in a prepared folder, no split


def read(source: pathlib.Path) -> base.Corpus:
    """Read all manifests of a folder.

    Args:
        source: The folder.

    Returns:
        Entries whose splits are the names of the manifests.

    Raises:
        CorpusError: There is none.
        ManifestError: One cannot be read.
    """
    paths = [path for path in sorted(source.glob("*.jsonl")) if path.name != REJECTED]
    if not paths:
        raise base.CorpusError(
            f"{source}: expected manifests such as train.jsonl; found "
            f"{base.contents(source)}"
        )
    return base.corpus(
        (
            base.Entry(
                item.id,
                pathlib.Path(item.audio_filepath),
                item.text,
                item.speaker,
                item.syllables,
                path.stem,
            )
            for path in paths
            for item in manifest.read(path)
        ),
        [],
    )
