"""Corpora: one adapter each, all with the same function `read(source)`."""

from data_prep.corpora import (
    aishell,
    dspspeech,
    folder,
    manifests,
    syllables,
    synthetic,
    thchs30,
    words,
)
from data_prep.corpora.base import Corpus, CorpusError, Entry, Rejected, Source

ADAPTERS = {
    adapter.NAME: adapter
    for adapter in (
        aishell,
        dspspeech,
        folder,
        manifests,
        syllables,
        synthetic,
        thchs30,
        words,
    )
}

__all__ = [
    "ADAPTERS",
    "Corpus",
    "CorpusError",
    "Entry",
    "Rejected",
    "Source",
    "sources",
]


def sources(corpus: str, speakers: set[str]) -> list[Source]:
    """Say where the recordings of a corpus come from, to be named in a model's card.

    Args:
        corpus: Name of its adapter.
        speakers: Those who are heard.

    Returns:
        The sources of these speakers; none for your own recordings, and for sentences
        put together from other corpora.
    """
    known = getattr(ADAPTERS.get(corpus), "SOURCES", ())
    return [one for one in known if not one.speakers or one.speakers & speakers]
