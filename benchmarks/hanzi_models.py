"""Language models to compare: by amount of text, order, size, and of characters alone.

The text is read and cut once. Words, numbers of words and readings are the same in all
models of the same text.
"""

import dataclasses
import pathlib
import tempfile

import numpy as np

from data_prep import build_language_model, segment
from zhasr import hanzi, language_model, lexicon

SHARES = (64, 16, 4)  # of the text, one line of so many
MEGABYTES = (15.0, 40.0)  # of all text
ORDERS = (1, 2, 3)
CHARACTER_ORDERS = (1, 2, 3, 4)
DICTIONARY_WEIGHT = 0.3
MEGABYTE = 10**6  # bytes


def build(texts, excluded, weights):
    """Builds them one after the other.

    Args:
        texts: path of a folder of text.
        excluded: list of paths of transcripts that must not be learned.
        weights: hanzi.Weights.

    Yields:
        str, name; hanzi.Language; float, megabytes of its files.
    """
    with tempfile.TemporaryDirectory() as work:
        work = pathlib.Path(work)
        lines = work / build_language_model.LINES
        collected = build_language_model.read([texts], lines, excluded, None)
        amount = collected.characters.total() / MEGABYTE
        for order in CHARACTER_ORDERS:
            recipe = build_language_model.Recipe(
                "character", order, 2**13, dictionary_weight=0.0
            )
            build_language_model.learn(work, recipe, 1)
            yield f"{order}-gram of characters, no words", *_open(work, weights)
        tokens = segment.cut(lines, work, "word", 1)
        for share in SHARES:
            part = [_thin(path, share) for path in tokens]
            recipe = build_language_model.Recipe(dictionary_weight=DICTIONARY_WEIGHT)
            build_language_model.learn_tokens(part, work, recipe)
            name = f"3-gram of words, 1/{share} of the text"
            yield f"{name} ({amount / share:.2f} million)", *_open(work, weights)
        for name, recipe, counts, listed in _of_all(tokens, work):
            build_language_model.learn_counts(counts, listed, work, recipe)
            yield f"{name} ({amount:.2f} million)", *_open(work, weights)


def _of_all(tokens, work):
    """Recipes for all text with their counts: (name, recipe, counts, listed)."""
    plain = build_language_model.Recipe(dictionary_weight=DICTIONARY_WEIGHT)
    listed = build_language_model.choose_words(tokens, plain)
    read = lexicon.build(listed.words, listed.shares)
    lexicon.save(work / lexicon.NAME, read)
    for order in ORDERS:
        counts = build_language_model.count(tokens, listed, order, work)
        recipe = dataclasses.replace(plain, order=order)
        yield f"{order}-gram of words, all text", recipe, counts, listed
    for size in MEGABYTES:
        recipe = dataclasses.replace(plain, order=order, megabytes=size)
        name = f"{order}-gram of words, all text, pruned to {size:g} MB"
        yield name, recipe, counts, listed


def _thin(path, share):
    """One line of so many of a stream: path of the file that it is written to."""
    stream = np.load(path)
    ends = stream == segment.LINE_END
    lines = np.cumsum(ends) - ends
    thin = path.with_name(f"thin-{path.name}")
    np.save(thin, stream[lines % share == 0])
    return thin


def _open(folder, weights):
    """The language of a folder, and its size in megabytes."""
    paths = [folder / name for name in (language_model.NAME, lexicon.NAME)]
    size = sum(path.stat().st_size for path in paths) / MEGABYTE
    model, read = language_model.load(paths[0]), lexicon.load(paths[1])
    return hanzi.Language(model, read, weights), size
