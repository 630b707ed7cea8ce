"""Builds a language folder from text: language model, lexicon, card.

    text --segment--> tokens --word_list--> words --ngram_counts--> counts
         --kneser_ney--> model --pruning--> small model --ngram_trie--> tables

The folder is what `zhasr.language_model`, `zhasr.lexicon` and `zhasr.hanzi` read. With
`--characters-order` a model of characters of the same text stands beside that of words.
The files are written when all is done, each under another name first, so that an
interrupted run leaves nothing behind and an old folder as it was.
"""

import argparse
import dataclasses
import math
import os
import pathlib
import shlex
import sys
import tempfile
import time
from collections import Counter

import numpy as np
import tqdm

from data_prep import (
    card,
    contamination,
    kneser_ney,
    ngram_counts,
    pruning,
    segment,
    word_list,
    workers,
)
from zhasr import errors, hanzi, language_model, lexicon, ngram_trie

DESCRIPTION = "Build a language model and its lexicon from Chinese text."
CARD = "card.md"
FILES = (lexicon.NAME, hanzi.CHARACTERS_NAME, language_model.NAME)
LINES = "lines.txt"  # all text, while a model is built
COMMAND = ("python", "-m", "data_prep.build_language_model")
ORDER = {"word": 3, "character": 4}
VOCABULARY = {"word": 2**19, "character": 2**13}  # words at most: all of jieba's
DICTIONARY_WEIGHT = {"word": 0.6, "character": 0.0}
DICTIONARIES = """Words and their frequencies: jieba's dictionary (Sun Junyi, MIT).
Readings: pypinyin (mozillazg and others, MIT)."""
MEGABYTE = 10**6  # bytes
SPARE_BYTES = 20_000  # of --megabytes, for the card and the heads of the files
THRESHOLDS = (-32.0, 0.0)  # natural logarithms: prune nothing, nearly everything
SEARCH_STEPS = 20  # halvings
BAD_INPUT, INTERRUPTED = 2, 130


@dataclasses.dataclass(frozen=True)
class Recipe:
    """How a model is made.

    Attributes:
        unit: str, "word" or "character".
        order: int, words of the longest n-grams.
        vocabulary: int, words at most.
        cutoffs: tuple of int, of orders 1, 2, ...: longer n-grams that have so small
            an adjusted count, or a smaller one, are left out; () for none.
        threshold: float, in nats per word: n-grams that are missed less are pruned.
        megabytes: float or None: prune until the whole folder has this size.
        dictionary_weight: float, 0 to 1, share of the frequencies of jieba's
            dictionary in the probabilities of single words.
        trust: float, 0 to 1, what n-grams of several words keep of their share: less
            than 1 where the text is not of the kind that will be said.
    """

    unit: str = "word"
    order: int = ORDER["word"]
    vocabulary: int = VOCABULARY["word"]
    cutoffs: tuple[int, ...] = ()
    threshold: float = 0.0
    megabytes: float | None = None
    dictionary_weight: float = DICTIONARY_WEIGHT["word"]
    trust: float = 1.0


def from_sentences(sentences, order=3, unit="word"):
    """A small model in memory, without a file: for lessons and tests.

    Args:
        sentences: list of lists of str, words.
        order: int, words of the longest n-grams.
        unit: str, "word" or "character".

    Returns:
        language_model.LanguageModel.

    Example:
        >>> model = from_sentences([["你", "好"], ["你们", "好"]])
        >>> model.words[3:]
        ('好', '你', '你们')
    """
    counted = Counter(word for sentence in sentences for word in sentence)
    found = sorted(counted, key=lambda word: (-counted[word], word))
    words = (*language_model.SPECIAL_WORDS, *found)
    index = {word: number for number, word in enumerate(words)}
    streams = [np.array([index[word] for word in one] + [-1]) for one in sentences]
    counts = ngram_counts.count(streams, len(words), order)
    model = kneser_ney.estimate(kneser_ney.adjust(counts))
    return finish(model, words, unit, {})


def finish(model, words, unit, metadata):
    """Quantises an estimated model and lays it out.

    Args:
        model: kneser_ney.Model.
        words: tuple of str.
        unit: str, "word" or "character".
        metadata: dict, how it was made.

    Returns:
        language_model.LanguageModel.
    """
    small = pruning.quantise(model)
    tables = ngram_trie.pack(small.bits, small.keys, small.log_probs, small.back_offs)
    return language_model.LanguageModel(tuple(words), tables, unit, metadata)


def build(
    texts,
    out,
    recipe,
    excluded=(),
    held_out=None,
    terms=None,
    worker_count=1,
    arguments=(),
    characters=None,
):
    """Builds a language folder.

    Args:
        texts: list of paths, text files or folders of them.
        out: path of the folder to write.
        recipe: Recipe.
        excluded: list of paths of transcripts or text. Lines that contain one of
            their sentences, or are part of one, are not learned.
        held_out: path of text that the perplexity is told of; its sentences are not
            learned either. None sets some lines of the text aside.
        terms: dict of str to str, name of a text file without suffixes to the terms
            of its use, for the card.
        worker_count: int, processes that cut text.
        arguments: list of str, of the command, for the card.
        characters: Recipe of a model of characters to stand beside that of words, of
            which `Recipe.megabytes` are a part; None for none.

    Returns:
        str, the card.

    Raises:
        ValueError: no text, or a vocabulary, order or size that does not fit.
    """
    out = pathlib.Path(out)
    if out.exists() and not out.is_dir():
        raise ValueError(f"{out}: expected a folder to write, received a file")
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".language-", dir=out.parent) as work:
        work = pathlib.Path(work)
        collected = read(texts, work / LINES, excluded, held_out)
        text_table = card.describe_text(collected, terms or {})
        print(text_table, flush=True)
        if not collected.lines.total():
            raise ValueError("expected text with at least one hanzi, received none")
        learned, taken = [], 0
        if characters:
            learned = [learn_characters(work, characters)]
            taken = (work / hanzi.CHARACTERS_NAME).stat().st_size
        learned = [learn(work, recipe, worker_count, taken), *learned]
        recipes = [recipe, characters] if characters else [recipe]
        sections = {
            "Text": text_table,
            "Left out": _left_out(excluded),
            "Dictionaries": DICTIONARIES,
            "Recipe": "\n\n".join(map(_recipe_table, recipes)),
            "N-grams": "\n\n".join(_size_table(one) for one in learned),
            "Perplexity": "; ".join(
                measure(one, collected.held_out) for one in learned
            ),
            "Files": _file_table(work),
            "Command": "    " + shlex.join([*COMMAND, *arguments]),
        }
        (work / CARD).write_text(card.write(sections), encoding="utf-8")
        out.mkdir(exist_ok=True)
        if not characters:  # one of other text would not fit
            (out / hanzi.CHARACTERS_NAME).unlink(missing_ok=True)
        for name in (*FILES, CARD):
            if (work / name).exists():
                os.replace(work / name, out / name)
    return card.write(sections)


def read(texts, lines, excluded, held_out):
    """Writes the lines of all texts into one file: segment.Collected."""
    paths = [path for text in texts for path in segment.find_files(text)]
    forbidden = [line for path in excluded for line in segment.read_lines(path)]
    if held_out is None:
        return segment.collect(paths, lines, forbidden)
    asked = list(segment.read_lines(held_out))
    collected = segment.collect(paths, lines, [*forbidden, *asked], hold_out=False)
    return dataclasses.replace(collected, held_out=asked)


@dataclasses.dataclass(frozen=True, eq=False)
class Learned:
    """A model and where it comes from.

    Attributes:
        model: language_model.LanguageModel.
        listed: word_list.WordList.
        sizes: list over the levels of pairs of int, n-grams before and after pruning.
    """

    model: language_model.LanguageModel
    listed: word_list.WordList
    sizes: list[tuple[int, int]]


def learn(work, recipe, worker_count, taken=0):
    """Makes a model and a lexicon of the lines in a folder, and saves them there.

    Args:
        work: pathlib.Path of the folder.
        recipe: Recipe.
        worker_count: int, processes that cut text.
        taken: int, bytes of `Recipe.megabytes` that other files need.

    Returns:
        Learned.
    """
    token_files = segment.cut(work / LINES, work, recipe.unit, worker_count)
    return learn_tokens(token_files, work, recipe, taken)


def learn_tokens(token_files, work, recipe, taken=0):
    """The same of text that is cut already.

    Args:
        token_files: list of paths of `segment.cut`.
        work: pathlib.Path of the folder to write the files into.
        recipe: Recipe.
        taken: int, see `learn`.

    Returns:
        Learned.
    """
    listed = choose_words(token_files, recipe)
    counts = count(token_files, listed, recipe.order, work)
    lexicon.save(work / lexicon.NAME, lexicon.build(listed.words, listed.shares))
    return learn_counts(counts, listed, work, recipe, taken)


def learn_counts(counts, listed, work, recipe, taken=0):
    """The same of n-grams that are counted already, with a lexicon in the folder.

    Args:
        counts: ngram_counts.Counts of the order of the recipe.
        listed: word_list.WordList.
        work: pathlib.Path of the folder.
        recipe: Recipe.
        taken: int, see `learn`.

    Returns:
        Learned.
    """
    taken += (work / lexicon.NAME).stat().st_size
    learned = _learn(counts, listed, recipe, taken)
    language_model.save(work / language_model.NAME, learned.model)
    return learned


def learn_characters(work, recipe):
    """Makes a model of characters of the same lines, and saves it there, too.

    Args:
        work: pathlib.Path of the folder.
        recipe: Recipe.

    Returns:
        Learned.
    """
    folder = work / "characters"
    folder.mkdir()
    token_files = segment.cut(work / LINES, folder, recipe.unit, worker_count=1)
    listed = choose_words(token_files, recipe)
    counts = count(token_files, listed, recipe.order, folder)
    learned = _learn(counts, listed, recipe, taken=0)
    language_model.save(work / hanzi.CHARACTERS_NAME, learned.model)
    return learned


def _learn(counts, listed, recipe, taken):
    """Estimates, prunes and lays out: Learned."""
    sizes, small = estimate(counts, listed, recipe, _room(recipe, listed, taken))
    model = finish(small, listed.words, recipe.unit, dataclasses.asdict(recipe))
    pairs = list(zip(sizes, map(len, small.keys), strict=True))
    return Learned(model, listed, pairs)


def choose_words(token_files, recipe):
    """The vocabulary: word_list.WordList, from all tokens of the text."""
    counts = Counter()
    for path in token_files:
        tokens, numbers = np.unique(np.load(path), return_counts=True)
        counts.update(dict(zip(tokens.tolist(), numbers.tolist(), strict=True)))
    del counts[segment.LINE_END]
    return word_list.choose(
        counts, recipe.vocabulary, recipe.dictionary_weight, recipe.unit
    )


def count(token_files, listed, order, work):
    """N-grams of the text: ngram_counts.Counts; pieces are put aside in a folder."""
    bar = tqdm.tqdm(token_files, desc="count", unit=" MiB", disable=None)
    streams = (listed.encode(np.load(path)) for path in bar)
    return ngram_counts.count(streams, len(listed.words), order, work)


def estimate(counts, listed, recipe, room=None):
    """Probabilities, and those of them that are kept.

    Args:
        counts: ngram_counts.Counts.
        listed: word_list.WordList.
        recipe: Recipe.
        room: int or None, bytes for the tables.

    Returns:
        list over the levels of int, n-grams before pruning; kneser_ney.Model.
    """
    adjusted = kneser_ney.adjust(counts)
    base = _base(listed, counts) if recipe.dictionary_weight else None
    model = kneser_ney.estimate(adjusted, base, recipe.dictionary_weight, recipe.trust)
    sizes = [len(keys) for keys in model.keys]
    cutoffs = (*recipe.cutoffs, *[0] * recipe.order)
    wanted = [
        one > cutoff for one, cutoff in zip(adjusted.counts, cutoffs, strict=False)
    ]
    if not (recipe.threshold or room):
        return sizes, pruning.prune(model, pruning.keep(model, wanted))
    # Words beyond the 65,536 most frequent of a text are in few n-grams, which would
    # be pruned; without them all n-grams take less room.
    narrow = pruning.in_narrow_ngrams(model)
    wanted = [one & other for one, other in zip(wanted, narrow, strict=True)]
    totals = ngram_counts.context_totals(counts, model.keys[:-1])
    missed = pruning.importance(model, totals)

    def kept(threshold):
        pairs = zip(wanted, missed, strict=True)
        return pruning.keep(model, [one & (value > threshold) for one, value in pairs])

    threshold = recipe.threshold or _fit(model, kept, room)
    return sizes, pruning.prune(model, kept(threshold))


def _base(listed, counts):
    """The dictionary's word frequencies, and </s> as often as in the text."""
    ends = np.isin(counts.keys[-1] & np.uint64(2**counts.bits - 1), ngram_counts.END)
    share = counts.counts[-1][ends].sum() / counts.counts[-1].sum()
    base = (1 - share) * word_list.dictionary_shares(listed)
    base[ngram_counts.END] = share
    return base


def _fit(model, kept, room):
    """The smallest pruning threshold with which the tables fit: float."""
    low, high = THRESHOLDS
    for _ in tqdm.trange(SEARCH_STEPS, desc="prune", disable=None):
        middle = (low + high) / 2
        if pruning.count_bytes(model, kept(math.exp(middle))) > room:
            low = middle
        else:
            high = middle
    return math.exp(high)


def _room(recipe, listed, taken):
    """Bytes for the tables when those of all other files are known, or None."""
    if recipe.megabytes is None:
        return None
    words = len(language_model.pack_words(listed.words))
    room = int(recipe.megabytes * MEGABYTE) - taken - words - SPARE_BYTES
    sizes = [len(listed.words)] + [0] * (recipe.order - 1)
    least = ngram_trie.count_bytes(sizes, [], last_word=0)
    if room < least:
        raise ValueError(
            f"expected at least {(least - room) / MEGABYTE + recipe.megabytes:.1f} "
            f"megabytes for {len(listed.words):,} words and their readings, received "
            f"{recipe.megabytes:g}; raise --megabytes or lower --vocabulary"
        )
    return room


def measure(learned, lines):
    """The perplexity of held-out lines: str, a sentence."""
    if not lines:
        return "no held-out text"
    model, listed = learned.model, learned.listed
    stream = listed.encode(segment.tokens(lines, model.unit))
    ends = np.flatnonzero(stream == segment.LINE_END)
    total = 0.0
    for sentence in np.split(stream, ends + 1)[:-1]:
        sentence = np.append(sentence[:-1], language_model.END)
        log_probs, _ = ngram_trie.walk(model.tables, model.start, sentence)
        total += log_probs.sum(dtype=float)
    characters = sum(map(len, lines))
    unknown = int((stream == language_model.UNKNOWN).sum())
    return (
        f"{math.exp(-total / len(stream)):.1f} for a {model.unit}, "
        f"{math.exp(-total / (characters + len(lines))):.2f} for a character, on "
        f"{len(lines):,} lines of {characters:,} characters that were not learned "
        f"({unknown} unknown)"
    )


def _recipe_table(recipe):
    rows = [
        (name.replace("_", " "), str(value))
        for name, value in dataclasses.asdict(recipe).items()
        if value not in (None, (), 0.0)
    ]
    return card.table(("option", "value"), rows)


def _left_out(excluded):
    """What was kept out of the text, and how: str."""
    if not excluded:
        return "nothing"
    names = ", ".join(card.short_name(path) for path in excluded)
    return (
        f"The sentences of {names}: every line that contains one of them, or is part\n"
        f"of one, of {contamination.SHORTEST} characters and more; shorter ones where "
        "they are a whole line."
    )


def _size_table(learned):
    rows = [
        (f"{level}", f"{before:,}", f"{after:,}")
        for level, (before, after) in enumerate(learned.sizes, start=1)
    ]
    return card.table((f"{learned.model.unit}s", "in the text", "kept"), rows)


def _file_table(folder):
    names = [name for name in FILES if (folder / name).exists()]
    rows = [(name, f"{(folder / name).stat().st_size:,}") for name in names]
    return card.table(("file", "bytes"), rows)


def _peak_megabytes():
    """Memory of this process and of the largest that it started; None on Windows."""
    try:
        import resource
    except ImportError:
        return None
    unit = 1 if sys.platform == "darwin" else 1024  # bytes
    kinds = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return [resource.getrusage(kind).ru_maxrss * unit / MEGABYTE for kind in kinds]


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line, without the usage."""

    def error(self, message):
        raise ValueError(f"{message}; --help tells more")


def _parse(arguments):
    parser = _Parser(" ".join(COMMAND), description=DESCRIPTION)
    add = parser.add_argument
    add("text", nargs="+", help="files .txt and .txt.xz, or folders of them")
    add("--out", required=True, help="the folder to write")
    add("--unit", choices=language_model.UNITS, default="word")
    add("--order", type=int, help="words of the longest n-grams (3, 4 of characters)")
    add("--vocabulary", type=int, help="words at most (524288, 8192 of characters)")
    smaller = parser.add_mutually_exclusive_group()
    smaller.add_argument("--prune", type=float, help="threshold in nats, such as 1e-8")
    smaller.add_argument("--megabytes", type=float, help="prune to this size in all")
    add("--characters-order", type=int, help="a model of characters, too, such as 4")
    add(
        "--characters-megabytes", type=float, help="prune it to this size (part of all)"
    )
    add("--cutoffs", type=_numbers, help="rarest n-grams to leave out, such as 0,0,1")
    add("--dictionary-weight", type=float, help="of jieba's frequencies (0.6)")
    add("--trust", type=float, default=1.0, help="in n-grams; less for other text (1)")
    add("--exclude", nargs="+", default=[], help="test transcripts, not to be learned")
    add("--held-out", help="text to tell the perplexity of, not to be learned either")
    add("--terms", nargs="+", type=_term, default=[], help='such as "news: CC BY 4.0"')
    add("--workers", type=int, help="processes (as many as cores)")
    options = parser.parse_args(arguments)
    if options.dictionary_weight is None:
        options.dictionary_weight = DICTIONARY_WEIGHT[options.unit]
    if not 0 <= options.dictionary_weight < 1:
        parser.error("--dictionary-weight must be 0 or more, and less than 1")
    if not 0 < options.trust <= 1:
        parser.error("--trust must be more than 0, and 1 or less")
    for name in ("order", "characters_order", "vocabulary", "workers"):
        value = getattr(options, name)
        if value is not None and value < 1:
            parser.error(f"--{name.replace('_', '-')} must be 1 or more")
    for name in ("prune", "megabytes", "characters_megabytes"):
        value = getattr(options, name)
        if value is not None and not 0 <= value < math.inf:
            parser.error(f"--{name.replace('_', '-')} must be a number from 0 on")
    if options.characters_order and options.unit == "character":
        parser.error("--characters-order is for a model of characters beside words")
    if options.characters_megabytes and not options.characters_order:
        parser.error("--characters-megabytes needs --characters-order")
    return options


def _numbers(text):
    return tuple(int(number) for number in text.split(","))


def _term(text):
    name, colon, terms = text.partition(":")
    if not colon:
        raise ValueError(text)
    return name.strip(), terms.strip()


def _recipe(options):
    return Recipe(
        unit=options.unit,
        order=options.order or ORDER[options.unit],
        vocabulary=options.vocabulary or VOCABULARY[options.unit],
        cutoffs=options.cutoffs or (),
        threshold=options.prune or 0.0,
        megabytes=options.megabytes,
        dictionary_weight=options.dictionary_weight,
        trust=options.trust,
    )


def _characters_recipe(options):
    """The recipe of the model of characters, or None."""
    if not options.characters_order:
        return None
    return Recipe(
        unit="character",
        order=options.characters_order,
        vocabulary=VOCABULARY["character"],
        megabytes=options.characters_megabytes,
        dictionary_weight=DICTIONARY_WEIGHT["character"],
    )


def main(arguments=None):
    """Run the command.

    Args:
        arguments: list of str; `sys.argv` when left out.

    Returns:
        int, the exit status: 0, 2 for bad input, 130 after Ctrl-C.
    """
    began = time.monotonic()
    arguments = sys.argv[1:] if arguments is None else arguments
    try:
        options = _parse(arguments)
        text = build(
            options.text,
            options.out,
            _recipe(options),
            options.exclude,
            options.held_out,
            dict(options.terms),
            options.workers or workers.count_cores(),
            arguments,
            _characters_recipe(options),
        )
    except (ValueError, OSError) as error:
        print(f"build_language_model: {errors.one_line(error)}", file=sys.stderr)
        return BAD_INPUT
    except KeyboardInterrupt:
        print("build_language_model: interrupted", file=sys.stderr)
        return INTERRUPTED
    print(text)
    print(f"took {time.monotonic() - began:.0f} s", end="")
    peaks = _peak_megabytes()
    if peaks:
        print(f" and at most {peaks[0]:.0f} MB of memory ({peaks[1]:.0f} in a worker)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
