"""From syllables to characters: the best path through the lattice of words.

    ni2 hao3 ma5 --variants, lexicon--> words that fit --language model--> 你好吗

The score of a path is a sum over its words of natural logarithms, each with its weight
(`Weights`): the language model, the reading, and the differences between what was heard
and the reading. Viterbi's search over (place, state of the language model) is exact as
long as no more than `Options.nodes` states lie within `Options.beam` of the best one at
each place; it is a beam search otherwise.

A `Language` holds what is needed: a language model, its lexicon, weights, and the words
and the text of the user, if she gives any (`add_words`, `add_text`).
"""

import collections
import dataclasses
import functools
import heapq
import itertools
import json
import math
import pathlib

import numpy as np

from zhasr import (
    adaptation,
    files,
    language_model,
    lattice,
    lexicon,
    pinyin,
    rescoring,
    variants,
)

FOLDER = pathlib.Path(__file__).parent / "pretrained" / "language"
# In a language folder, beside language_model.safetensors and lexicon.safetensors:
CHARACTERS_NAME = "character_model.safetensors"
WEIGHTS_NAME = "weights.json"
LEAST_SHARE = 1e-4  # of an edge that has a say in the consensus


class WeightsError(ValueError):
    """A file that holds no weights; the message names it."""


@dataclasses.dataclass(frozen=True)
class Weights:
    """Factors and penalties, tuned on development text and kept with the model.

    Attributes:
        language: factor of the language model.
        word: added for every word; above 0 prefers many short words.
        reading: factor of log P(reading | word).
        sandhi: penalty of a tone changed by sandhi; see `zhasr.variants`.
        neutral: penalty of a neutral tone for a full one, or the other way round.
        tone: penalty of another tone.
        nearest: penalty of the nearest syllable for one that no word has.
        unknown: penalty of a hanzi that the language model does not know.
        characters: factor of the model of characters, where there is one.
        consensus: factor of all this in `consensus`; below 1 for paths to differ less.
    """

    language: float = 1.0
    word: float = 0.0
    reading: float = 1.0
    sandhi: float = 3.0
    neutral: float = 4.0
    tone: float = 8.0
    nearest: float = 10.0
    unknown: float = 5.0
    characters: float = 0.4
    consensus: float = 0.7

    def __post_init__(self):
        """Refuse what leaves no path a score, or makes the unlikely likely."""
        if not all(map(math.isfinite, dataclasses.astuple(self))) or self.language < 0:
            raise ValueError(f"expected finite weights, language at least 0: {self}")

    @property
    def penalties(self):
        """By kind of `zhasr.variants`: tuple of float."""
        return 0.0, self.sandhi, self.neutral, self.tone, self.nearest


@dataclasses.dataclass(frozen=True)
class Options:
    """How to search.

    Attributes:
        beam: paths are dropped whose score is so much below the best at a place.
        nodes: most states kept at a place.
        width: paths that are so much worse than the best for the model of words are
            neither weighed by the model of characters, nor among the n best, nor do
            they have a say in the consensus.
        any_tone: whether every syllable may have another tone, for `Weights.tone`.
        begin: whether a sentence begins here.
        end: whether it ends here.
    """

    beam: float = 15.0
    nodes: int = 500
    width: float = 10.0
    any_tone: bool = False
    begin: bool = True
    end: bool = True

    def __post_init__(self):
        """Refuse a search that could not find anything."""
        if not (self.beam >= 0 and self.nodes >= 1 and self.width >= 0):
            raise ValueError(
                "expected a beam and a width of at least 0 and nodes of at least 1, "
                f"received {self}"
            )


EXACT = Options(beam=math.inf, nodes=2**31 - 1, width=math.inf)


@dataclasses.dataclass(frozen=True)
class Word:
    """A word and the syllables it stands for.

    Attributes:
        text: str, hanzi.
        start: int, its first syllable.
        end: int, the one after its last.
    """

    text: str
    start: int
    end: int


@dataclasses.dataclass(frozen=True)
class Hanzi:
    """Characters for syllables.

    Attributes:
        text: str, hanzi; what is near no syllable stands as it is.
        words: tuple of Word.
        score: float, natural logarithm, weighted; higher is better.
        confidences: tuple of float, of each character 0 to 1; of `consensus` only.
    """

    text: str
    words: tuple[Word, ...]
    score: float
    confidences: tuple[float, ...] = ()


@dataclasses.dataclass(frozen=True, eq=False)
class Language:
    """All that is known of a language.

    Attributes:
        model: language_model.LanguageModel of words.
        lexicon: lexicon.Lexicon of the same words.
        weights: Weights.
        characters: language_model.LanguageModel of characters, or None.
        user: adaptation.User, the words and the text of the user.
    """

    model: language_model.LanguageModel
    lexicon: lexicon.Lexicon
    weights: Weights = Weights()
    characters: language_model.LanguageModel | None = None
    user: adaptation.User = adaptation.NOBODY

    def __post_init__(self):
        """The lexicon must be that of the model."""
        self.lexicon.check_words(self.model.words)

    @functools.cached_property
    def bigrams(self):
        """What makes the search quick: `lattice.make_filter`."""
        return lattice.make_filter(self.model.tables)

    @functools.cached_property
    def spelling(self):
        """The characters of all words, for the model of characters."""
        texts = [*self.model.words, *self.lexicon.extra, *self.user.new_words]
        return rescoring.spell(texts, self.characters)

    @functools.cached_property
    def remembered(self):
        """Look-ups that were made before: dict."""
        return {}


def load(folder=FOLDER):
    """Opens a language folder.

    Args:
        folder: path, with language_model.safetensors, lexicon.safetensors, and maybe
            character_model.safetensors and weights.json; default: the one that comes
            with the package.

    Returns:
        Language.

    Raises:
        ValueError: a file is missing, damaged, or belongs to another model; the
            message names it.
    """
    folder = pathlib.Path(folder)
    path = folder / CHARACTERS_NAME
    characters = language_model.load(path) if path.exists() else None
    words, readings = language_model.load(folder), lexicon.load(folder)
    return Language(words, readings, load_weights(folder), characters)


def load_weights(folder):
    """The weights of a language folder, the defaults where it has none: Weights."""
    path = pathlib.Path(folder) / WEIGHTS_NAME
    if not path.exists():
        return Weights()
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        return Weights(**{name: float(value) for name, value in values.items()})
    except (OSError, ValueError, TypeError, AttributeError, OverflowError) as error:
        names = ", ".join(field.name for field in dataclasses.fields(Weights))
        raise WeightsError(
            f"{path}: expected a JSON object of numbers for {names} ({error}); delete "
            "it to use the defaults"
        ) from None


def save_weights(folder, weights):
    """Writes weights.json into a language folder."""
    text = json.dumps(dataclasses.asdict(weights), indent=1)
    files.replace(pathlib.Path(folder) / WEIGHTS_NAME, text + "\n")


def add_words(language, words, readings=None):
    """Teaches words: names, technical terms, whatever the language model lacks.

    Args:
        language: Language.
        words: dict of str (hanzi) to float: 0 makes a new word as likely as the
            rarest one that is known, each 1 more e times as likely. Words that are
            known become so much likelier.
        readings: dict of str to list of readings, each a list of toned syllables; of
            words that are left out, the reading is that of the dictionary.

    Returns:
        Language, another one.

    Raises:
        ValueError: a word that is not hanzi, or a reading that does not fit.
    """
    user = adaptation.add_words(language, words, readings or {})
    return dataclasses.replace(language, user=user)


def add_text(language, lines, share=adaptation.SHARE):
    """Adapts to the user's own text.

    Args:
        language: Language.
        lines: iterable of str, sentences in hanzi; all else in them is left out.
        share: float in 0..1, of a bigram model of this text in the mixture.

    Returns:
        Language, another one; it forgets text that was added before.
    """
    user = adaptation.add_text(language, lines, share)
    return dataclasses.replace(language, user=user)


def convert(syllables, language, options=Options()):  # noqa: B008, it is frozen
    """Finds the likeliest characters.

    Args:
        syllables: sequence of str, as spoken or as written, with tones or without:
            "ni3", "lü4", "huar1"; what is no syllable is taken for the nearest one,
            or stands as it is.
        language: Language.
        options: Options.

    Returns:
        Hanzi.
    """
    search = _search(syllables, language, options)
    return _best(search)


def consensus(syllables, language, options=Options()):  # noqa: B008
    """Finds for each syllable the character that most paths agree on.

    So the expected number of wrong characters is least (minimum Bayes risk: Goel &
    Byrne 2000): every unit of every path is one character, and the probabilities of
    all paths are summed, whatever words they make.

    Args:
        syllables: see `convert`.
        language: Language.
        options: Options.

    Returns:
        Hanzi with confidences; words and score are those of the best path, but the
        words are written with these characters.
    """
    search = _search(syllables, language, options, every=True)
    votes = _votes(search)
    pieces = [max(vote, key=vote.get) for vote in votes]
    likeliest = _best(search, pieces)
    confidences = [
        min(1.0, vote[piece])
        for vote, piece in zip(votes, pieces, strict=True)
        for _ in piece
    ]
    return dataclasses.replace(likeliest, confidences=tuple(confidences))


def n_best(syllables, language, count, options=Options()):  # noqa: B008
    """Finds the likeliest texts, the best first.

    Args:
        syllables: see `convert`.
        language: Language.
        count: int, texts wanted.
        options: Options.

    Returns:
        list of Hanzi with falling scores and different texts, each with its best
        words; fewer than `count` if there are no more.
    """
    search = _search(syllables, language, options, every=True)
    ranked = itertools.islice(_ranked(search), count)
    return [_hanzi(search, score, path) for score, path in ranked]


@dataclasses.dataclass(frozen=True, eq=False)
class _Search:
    """One input and what the search found; with arcs if they were wanted."""

    language: Language
    units: list[str]
    sources: list[int]  # of every unit, the syllable it comes from
    edges: lattice.Edges
    found: lattice.Found

    def pieces(self, word, place):
        """What each unit of a word from a place on is written as: str, or list."""
        dictionary, user = self.language.lexicon, self.language.user
        if word < dictionary.words:
            return self.language.model.words[word]
        if word < dictionary.size:
            return dictionary.extra[word - dictionary.words]
        if word < dictionary.size + len(user.new_words):
            return user.new_words[word - dictionary.size]
        return [self.units[place].lstrip(pinyin.UNKNOWN)]


def _search(syllables, language, options, every=False):
    """Looks up the words that fit, searches, and weighs the characters."""
    units, sources = variants.split_erhua(syllables)
    edges = _find_edges(_heard(units, language, options.any_tone), language)
    weights, text = language.weights, language.user.text
    start, own = language_model.EMPTY, adaptation.NOTHING
    if options.begin:
        start = language.model.start
        own = text.numbers[language_model.BEGIN] if text.share else own
    characters = language.characters if weights.characters else None
    found = lattice.search(
        language.model.tables,
        language.bigrams,
        text,
        edges,
        lattice.Weights(
            float(weights.language),
            float(weights.word),
            float(options.beam),
            options.nodes,
        ),
        (start, own),
        options.end,
        float(options.width) if every or characters else -1.0,
    )
    if every or characters:
        found = rescoring.prune(found, float(options.width))
    if characters:
        found = rescoring.weigh_characters(
            found,
            edges.words,
            language.spelling,
            characters.tables,
            float(weights.characters),
            characters.start if options.begin else language_model.EMPTY,
            options.end,
        )
    return _Search(language, units, sources, edges, found)


def _find_edges(heard, language):
    """Words of the lexicon, of the user, and what is near no syllable: Edges."""
    dictionary, user = language.lexicon, language.user
    factor = float(language.weights.reading)
    edges = lattice.find_edges(dictionary.tables, heard, factor, dictionary.size)
    rare = edges.words >= dictionary.words
    edges.scores[rare] -= language.weights.unknown
    size = dictionary.size + len(user.new_words)
    if user.tree is not None:
        edges = lattice.without(edges, user.tree.words)
        edges = lattice.join(edges, lattice.find_edges(user.tree, heard, 1.0, size))
    literal = np.diff(heard.first) == 0
    return (
        lattice.join(edges, lattice.singles(literal, size)) if any(literal) else edges
    )


def _heard(units, language, any_tone):
    """The symbols that every unit may stand for: lattice.Units."""
    symbols, scores, first = [], [], [0]
    for syllable, following in zip(units, [*units[1:], ""], strict=False):
        key = syllable, following[-1:], any_tone
        found = language.remembered.get(key)
        if found is None:
            found = _alternatives(language, syllable, following, any_tone)
            language.remembered[key] = found
        symbols += found[0]
        scores += found[1]
        first.append(len(symbols))
    return lattice.Units(
        np.array(first, np.int32),
        np.array(symbols, np.int32),
        np.array(scores, np.float32),
    )


def _alternatives(language, syllable, following, any_tone):
    """Symbols and scores of one unit; of the next one only the tone matters."""
    found = language.lexicon.alternatives(syllable, following, any_tone)
    penalties = language.weights.penalties
    return [symbol for symbol, _ in found], [-penalties[kind] for _, kind in found]


def _best(search, pieces=None):
    """The best path: Hanzi, of these pieces if they are given."""
    best = int(search.found.finals.argmax())
    path = rescoring.best_path(search.found, search.found.first[-2] + best)
    return _hanzi(search, search.found.finals[best], path, pieces)


def _hanzi(search, score, path, pieces=None):
    """What a path says: Hanzi."""
    words, place, sources = [], 0, search.sources
    numbers = search.edges.words[path].tolist()
    for number, end in zip(numbers, search.edges.ends[path].tolist(), strict=True):
        own = search.pieces(number, place) if pieces is None else pieces[place:end]
        words.append(Word("".join(own), sources[place], sources[end - 1] + 1))
        place = end
    return Hanzi("".join(word.text for word in words), tuple(words), float(score))


def _votes(search):
    """For each unit how likely each character is: list of dict of str to float."""
    scale, edges = search.language.weights.consensus, search.edges
    shares = rescoring.posteriors(search.found, float(scale), len(edges.words))
    votes = [collections.Counter() for _ in search.units]
    voters = np.flatnonzero(shares > LEAST_SHARE)
    starts = np.searchsorted(edges.first, voters, side="right") - 1
    rows = starts.tolist(), edges.words[voters].tolist(), shares[voters].tolist()
    for start, word, share in zip(*rows, strict=True):
        for place, piece in enumerate(search.pieces(word, start), start):
            votes[place][piece] += share
    return votes


def _ranked(search):
    """Paths of different texts, the best first: (score, edges).

    A* search from the end (Hart, Nilsson & Raphael 1968): the best way from the
    beginning to every node is known, so the first path to be whole is the best.
    """
    found, ties = search.found, itertools.count()
    entering = rescoring.entering(found)
    places = np.repeat(np.arange(len(found.first) - 1), np.diff(found.first))
    last, queue, seen = int(found.first[-2]), [], set()
    for node, final in enumerate(found.finals, start=last):
        after = float(final - found.nodes[node]["score"])
        heapq.heappush(queue, (-float(final), next(ties), after, node, "", None))
    while queue:
        low, _, after, node, text, path = heapq.heappop(queue)
        if (node, text) in seen:  # the same characters with other words
            continue
        seen.add((node, text))
        if found.nodes[node]["before"] == lattice.NONE:
            yield -low, _unrolled(path)
        for arc in entering[node]:
            before, edge = int(arc["before"]), int(arc["edge"])
            own = search.pieces(search.edges.words[edge], places[before])
            longer = "".join(own) + text
            rest = after + float(arc["score"])
            score = rest + float(found.nodes[before]["score"])
            item = (-score, next(ties), rest, before, longer, (edge, path))
            heapq.heappush(queue, item)


def _unrolled(path):
    """The edges of a chain (edge, (edge, ...)): list."""
    edges = []
    while path is not None:
        edge, path = path
        edges.append(edge)
    return edges
