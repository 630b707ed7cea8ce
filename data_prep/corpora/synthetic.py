"""The embedded corpus of espeak-ng speech that `data_prep.synthesize` makes.

    SOURCE/
      data/        recordings and three-line transcripts, laid out as THCHS-30
      train/ dev/ test/

Its splits are taken as they lie there: they share neither voices nor sentences.
"""

import pathlib

from data_prep.corpora import base, thchs30

NAME = "synthetic"
SOURCES = (
    base.Source("synthetic speech", "espeak-ng, no person", "none is needed", ""),
)


def read(source: pathlib.Path) -> base.Corpus:
    """Read a folder that `data_prep.synthesize` made.

    Args:
        source: That folder.

    Returns:
        Entries of the splits train, dev and test.

    Raises:
        CorpusError: `source` is not laid out as THCHS-30.
    """
    entries, rejected = thchs30.read_layout(source)
    return base.corpus(entries, rejected, ["synthetic speech (espeak-ng), no human"])
