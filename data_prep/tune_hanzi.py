"""Weights of the search for hanzi, tuned on development sentences.

    sentences with pinyin --hanzi.consensus--> errors --pattern search--> weights.json

Each file counts twice, with tones and without. What is made small is the sum of the
logarithms of the errors: one per cent fewer is as good in each of them. Never tune on a
test set: its score would be no test any more.
"""

import argparse
import dataclasses
import math
import pathlib
import random
import shlex
import sys
import time

from data_prep import build_language_model, card, pinyin_text
from zhasr import files, hanzi, pinyin

DESCRIPTION = "Tune the weights of a language folder on sentences with their pinyin."
COMMAND = ("python", "-m", "data_prep.tune_hanzi")
# What the pinyin of a dictionary can tell: it has no wrong tone, so that `tone`,
# `nearest` and `unknown` are not asked for.
STEPS = {
    "language": 0.2,
    "word": 0.5,
    "reading": 1.0,
    "sandhi": 1.0,
    "neutral": 1.0,
    "characters": 0.1,
    "consensus": 0.2,
}
MAY_BE_NEGATIVE = ("word",)
HALVINGS = 1  # of the steps, when none leads further
SENTENCES = 300  # of each file
LEAST_GAIN = 1e-3  # of the sum of logarithms; less is chance
BAD_INPUT, INTERRUPTED = 2, 130


@dataclasses.dataclass(frozen=True)
class Trial:
    """What some weights gave.

    Attributes:
        weights: hanzi.Weights.
        errors: tuple of int, wrong characters of every file, with tones, then without.
    """

    weights: hanzi.Weights
    errors: tuple[int, ...]

    @property
    def cost(self):
        """The sum of the logarithms of the errors: float; lower is better."""
        return sum(math.log(one + 1) for one in self.errors)


def tune(language, samples, done=lambda trial: None):
    """Finds weights with few errors, one after the other, until no step helps.

    Pattern search (Hooke & Jeeves 1961), as in `zhasr.tuning`.

    Args:
        language: hanzi.Language; the search begins with its weights.
        samples: list of lists of pinyin_text.Sentence, one list a file.
        done: function that is told every Trial when it is over.

    Returns:
        list of Trial: the first is that of the weights to begin with, the last the
        best.

    Raises:
        ValueError: no sentences.
    """
    if not samples or not all(samples):
        raise ValueError("expected sentences to tune on, received none")
    trials = [attempt(language, samples)]
    done(trials[0])
    tried = {trials[0].weights}
    for halving in range(HALVINGS + 1):
        before = None
        while before is not trials[-1]:
            before = trials[-1]
            for name, change in _changes(language, 0.5**halving):
                weights = _changed(trials[-1].weights, name, change)
                if weights is None or weights in tried:
                    continue
                tried.add(weights)
                trial = attempt(dataclasses.replace(language, weights=weights), samples)
                done(trial)
                if trial.cost < trials[-1].cost - LEAST_GAIN:
                    trials.append(trial)
    return trials


def attempt(language, samples):
    """Counts the errors of the weights of a language: Trial."""
    errors = [
        sum(count_errors(language, sentence, toned) for sentence in sample)
        for toned in (True, False)
        for sample in samples
    ]
    return Trial(language.weights, tuple(errors))


def count_errors(language, sentence, toned):
    """Wrong characters of one sentence: int; every syllable is one character."""
    heard = sentence.syllables if toned else pinyin_text.toneless(sentence)
    text = hanzi.consensus(heard, language).text
    wrong = sum(one != other for one, other in zip(text, sentence.text, strict=False))
    return wrong + abs(len(text) - len(sentence.text))


def _changes(language, scale):
    """Steps up and down: pairs (name of a weight, change)."""
    for name, step in STEPS.items():
        if name == "characters" and language.characters is None:
            continue
        yield name, step * scale
        yield name, -step * scale


def _changed(weights, name, change):
    """Weights of which one differs, or None where that makes no sense."""
    value = round(getattr(weights, name) + change, 6)
    if value <= 0 and name not in MAY_BE_NEGATIVE:
        return None
    return dataclasses.replace(weights, **{name: value})


def sample(path, count, seed=0):
    """Some sentences of a file.

    Args:
        path: path of a transcript, see `pinyin_text`.
        count: int, at most.
        seed: int.

    Returns:
        list of pinyin_text.Sentence, of hanzi only, each text once.
    """
    found = [
        sentence
        for sentence in pinyin_text.distinct(pinyin_text.read(path))
        if pinyin.has_only_hanzi(sentence.text)
    ]
    return random.Random(seed).sample(found, min(count, len(found)))


def describe(trials, paths, samples):
    """What was tuned, on what, with what success: str, for the card."""
    characters = [sum(len(one.text) for one in sample) for sample in samples]
    names = [card.short_name(path) for path in paths]
    rows = [
        (
            name,
            "yes" if toned else "no",
            f"{len(sample)}",
            *(f"{100 * trial.errors[place] / count:.2f}" for trial in _ends(trials)),
        )
        for place, (toned, name, sample, count) in enumerate(
            (toned, *row)
            for toned in (True, False)
            for row in zip(names, samples, characters, strict=True)
        )
    ]
    heads = ("sentences of", "tones", "number", "% wrong before", "% wrong")
    return card.table(heads, rows)


def _ends(trials):
    return trials[0], trials[-1]


def _parse(arguments):
    parser = argparse.ArgumentParser(" ".join(COMMAND), description=DESCRIPTION)
    add = parser.add_argument
    add("folder", type=pathlib.Path, help="a language folder; weights.json goes there")
    add("transcripts", nargs="+", help="development files: path, pinyin, hanzi")
    add("--sentences", type=int, default=SENTENCES, help="of each file (300)")
    return parser.parse_args(arguments)


def run(options, arguments):
    """Tunes, and writes weights.json and a section of the card.

    Args:
        options: argparse.Namespace of the command line.
        arguments: list of str, the command line, for the card.
    """
    language = hanzi.load(options.folder)
    samples = [sample(path, options.sentences) for path in options.transcripts]
    began = time.monotonic()

    def say(trial):
        changed = {
            name: value
            for name, value in dataclasses.asdict(trial.weights).items()
            if value != getattr(language.weights, name)
        }
        seconds = time.monotonic() - began
        print(f"{seconds:5.0f} s  {trial.cost:.3f}  {trial.errors}  {changed}")

    trials = tune(language, samples, say)
    table = describe(trials, options.transcripts, samples)
    print(table)
    hanzi.save_weights(options.folder, trials[-1].weights)
    path = options.folder / build_language_model.CARD
    old = path.read_text(encoding="utf-8") if path.exists() else card.write({})
    command = "    " + shlex.join([*COMMAND, *arguments])
    files.replace(path, card.set_section(old, "Weights", f"{table}\n\n{command}"))


def main(arguments=None):
    """Run the command.

    Args:
        arguments: list of str; `sys.argv` when left out.

    Returns:
        int, the exit status: 0, 2 for bad input, 130 after Ctrl-C.
    """
    arguments = sys.argv[1:] if arguments is None else arguments
    options = _parse(arguments)
    try:
        run(options, arguments)
    except (ValueError, OSError) as error:
        print(f"tune_hanzi: {' '.join(str(error).split())}", file=sys.stderr)
        return BAD_INPUT
    except KeyboardInterrupt:
        print("tune_hanzi: interrupted", file=sys.stderr)
        return INTERRUPTED
    return 0


if __name__ == "__main__":
    sys.exit(main())
