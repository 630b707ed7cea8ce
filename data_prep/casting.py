"""Who says what in the synthetic corpus: texts, voices and sentence numbers.

The plan is made before anything is spoken, from the seed alone: first test, then dev,
then train, so that no text of one split comes again in a later one.
"""

import collections
import dataclasses
import itertools
import re

import numpy as np

from data_prep import sentences, voices
from zhasr import pinyin

HOURS = {"train": 3.0, "dev": 0.2, "test": 0.35}

# Shares of natural sentences, patterns and rows of words
MIXTURE = {
    "train": (0.30, 0.25, 0.45),
    "dev": (0.70, 0.15, 0.15),
    "test": (0.70, 0.15, 0.15),
}
MOST_SYLLABLES = 30

SECONDS_PER_SYLLABLE = 0.26  # at REFERENCE_RATE, counted over all voices
REFERENCE_RATE = 175  # espeak-ng words per minute
SILENCE = 0.5  # seconds, before and after together

_CLAUSE = re.compile(r"\w+")


@dataclasses.dataclass(frozen=True)
class Utterance:
    """One utterance to be made.

    Attributes:
        id: SPEAKER_sentence.
        split: "train", "dev" or "test".
        voice: voices.Voice.
        clauses: words of toned syllables between pauses, as `espeak.phonemes` reads.
        words: line 1 of the transcript, hanzi.
        seed: what its sound depends on.
    """

    id: str
    split: str
    voice: voices.Voice
    clauses: tuple[tuple[tuple[str, ...], ...], ...]
    words: str
    seed: tuple[int, ...]

    @property
    def syllables(self):
        """List the toned syllables."""
        return [item for clause in self.clauses for word in clause for item in word]


def plan(hours, seed):
    """Decide who says what.

    A plan for more hours of training begins with the plan for fewer.

    Args:
        hours: dict from split to hours of sound, about.
        seed: int.

    Returns:
        list of Utterance: test, dev, then train.
    """
    numbers, made = {}, []
    for split in ("test", "dev", "train"):  # what is tested is never trained
        generator = np.random.default_rng([seed, tuple(HOURS).index(split)])
        made += _plan_split(split, hours[split], numbers, generator, seed)
    return made


def _plan_split(split, hours, numbers, generator, seed):
    """Give texts to voices until the hours are full; see `plan`.

    `numbers` maps each text to its sentence number. Texts that it has at the start
    belong to another split; new ones are added.
    """
    elsewhere = frozenset(numbers)
    counts = collections.Counter()
    speakers = itertools.cycle(voices.of_split(split))
    made, seconds = {}, 0.0
    for text in _texts(split, generator, counts):
        if seconds >= hours * 3600:
            break
        if _key(text) in elsewhere:
            continue
        number = numbers.setdefault(_key(text), len(numbers))
        utterance = _utterance(text, split, next(speakers), number, seed)
        if utterance.id not in made:
            made[utterance.id] = utterance
            counts.update(utterance.syllables)
            seconds += _expected_seconds(utterance)
    return list(made.values())


def _texts(split, generator, counts):
    """Draw texts of a split for ever; see MIXTURE.

    Training hunts for syllables that are rare in `counts`; what is tested is not
    made of rare ones.
    """
    natural = _shuffles(sentences.natural(split), generator)
    while True:
        kind = generator.choice(3, p=MIXTURE[split])
        if kind == 0:
            text = next(natural)
        elif kind == 1:
            text = sentences.from_pattern(split, generator)
        else:
            hunt = counts if split == "train" else None
            text = sentences.row_of_words(generator, hunt)
        if len(_key(text)) <= MOST_SYLLABLES:
            yield text


def _shuffles(items, generator):
    """Yield all items in random order, then all again in another, for ever."""
    while True:
        for index in generator.permutation(len(items)):
            yield items[index]


def _key(text):
    """Hanzi only: what makes two texts the same sentence."""
    return "".join(_CLAUSE.findall(text))


def _utterance(text, split, voice, number, seed):
    """Read a text and cut it into clauses and words."""
    syllables = iter(pinyin.syllables(text))
    clauses = [pinyin.words(clause) for clause in _CLAUSE.findall(text)]
    return Utterance(
        id=f"{voice.name}_{number}",
        split=split,
        voice=voice,
        clauses=tuple(
            tuple(tuple(itertools.islice(syllables, len(word))) for word in clause)
            for clause in clauses
        ),
        words=" ".join(itertools.chain(*clauses)),
        seed=(seed, number, voices.VOICES.index(voice)),
    )


def _expected_seconds(utterance):
    """Guess how long an utterance will be."""
    voice = utterance.voice
    pace = REFERENCE_RATE / voice.rate / voice.tract
    speech = SECONDS_PER_SYLLABLE * len(utterance.syllables) * pace
    return speech + SILENCE
