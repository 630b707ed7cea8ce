"""How much language, how much sound: weights tuned on development recordings.

    development posteriors --word_search--> errors --pattern search--> decoding.json

Never tune on a test set: its score would be no test any more.
"""

import dataclasses
import json
import pathlib

from zhasr import files, pinyin, scoring, word_search

NAME = "decoding.json"  # in a model folder
FORMAT = "zhasr-decoding-1"
STEPS = {"language_weight": 0.2, "syllable_bonus": 0.5, "word_bonus": 0.5}
HALVINGS = 1  # of the steps, when none leads further


class TuningError(ValueError):
    """Nothing to tune on, or a file of weights that cannot be used."""


@dataclasses.dataclass(frozen=True)
class Case:
    """A development utterance.

    Args:
        log_probs: float array (frames, labels).
        syllables: tuple of str, toned, as spoken.
        text: str, hanzi; "" where only the syllables are known.
    """

    log_probs: object
    syllables: tuple[str, ...]
    text: str = ""


@dataclasses.dataclass(frozen=True)
class Trial:
    """What some weights gave.

    Args:
        options: word_search.Options.
        counts: scoring.ErrorCounts, of characters, or of syllables without a text.
    """

    options: word_search.Options
    counts: scoring.ErrorCounts


def tune(cases, tree, options=None, done=lambda trial: None):
    """Find weights with few errors, one after the other, until no step helps.

    Pattern search (Hooke & Jeeves 1961): each weight goes a step up or down where
    that makes fewer errors; when none does, the steps are halved. Equal errors change
    nothing, so that the weights stay near those that it began with.

    Args:
        cases: sequence of Case, of speakers and sentences that are in no test set.
        tree: label_tree.LabelTree.
        options: word_search.Options to begin with.
        done: function that is told every Trial when it is over.

    Returns:
        list of Trial: the first is that of the options to begin with, the last the
        best.

    Raises:
        TuningError: no cases, or some without a text and others with one.
    """
    _check(cases)
    best = _try(cases, tree, options or word_search.Options())
    done(best)
    tried, trials = {_weights(best.options)}, [best]
    for halving in range(HALVINGS + 1):
        improved = True
        while improved:
            improved = False
            for changed in _neighbours(best.options, 0.5**halving):
                if _weights(changed) in tried:
                    continue
                tried.add(_weights(changed))
                trial = _try(cases, tree, changed)
                done(trial)
                if trial.counts.errors < best.counts.errors:
                    best, improved = trial, True
                    trials.append(best)
                    break
    return trials


def _check(cases):
    with_text = sum(bool(case.text) for case in cases)
    if not cases or with_text not in (0, len(cases)):
        raise TuningError(
            "expected development utterances that all have a text, or none, received "
            f"{with_text} of {len(cases)} with one"
        )


def _weights(options):
    return tuple(round(getattr(options, name), 6) for name in STEPS)


def _neighbours(options, scale):
    """Options with one weight a step higher or lower."""
    for name, step in STEPS.items():
        for change in (step * scale, -step * scale):
            value = round(getattr(options, name) + change, 6)
            if name != "language_weight" or value >= 0:
                yield dataclasses.replace(options, **{name: value})


def _try(cases, tree, options):
    toned = tree.vocabulary.kind != "base-syllable"
    counts = scoring.ErrorCounts()
    for case in cases:
        found = word_search.search(case.log_probs, tree, options=options)
        text = found[0].text if found else ""
        heard = found[0].syllables if found else ()
        said = case.syllables if toned else map(pinyin.base, case.syllables)
        pair = (case.text, text) if case.text else (tuple(said), heard)
        counts += scoring.count(scoring.align(*pair))
    return Trial(options, counts)


def save(folder, trials, about=""):
    """Write the best weights into a model folder.

    Args:
        folder: path of a model folder.
        trials: list of Trial of `tune`.
        about: str, what they were tuned on and with which language; for people.
    """
    first, best = trials[0], trials[-1]
    content = {
        "format": FORMAT,
        "words": {name: getattr(best.options, name) for name in STEPS},
        "tuning": {
            "about": about,
            "reference_length": best.counts.reference_length,
            "error_before": first.counts.rate,
            "error": best.counts.rate,
        },
    }
    text = json.dumps(content, indent=1, ensure_ascii=False)
    files.replace(pathlib.Path(folder) / NAME, text + "\n")


def load(folder):
    """The options of a model folder; the defaults where nothing was tuned.

    Args:
        folder: path of a model folder.

    Returns:
        word_search.Options.

    Raises:
        TuningError: the file is damaged; the message names it.
    """
    path = pathlib.Path(folder) / NAME
    if not path.exists():
        return word_search.Options()
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["format"] != FORMAT:
            raise ValueError(f"the format is {content['format']!r}")
        words = {name: float(content["words"][name]) for name in STEPS}
        return word_search.Options(**words)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise TuningError(
            f"{path}: expected weights of the format {FORMAT!r} ({error}); delete the "
            "file, or run `zhasr tune` again"
        ) from None
