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
from data_prep.corpora.base import Corpus, CorpusError, Entry, Rejected

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

__all__ = ["ADAPTERS", "Corpus", "CorpusError", "Entry", "Rejected"]
