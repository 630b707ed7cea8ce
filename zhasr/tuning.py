"""How much language, how much sound: weights tuned on development recordings.

    development posteriors --decoders--> errors --pattern search--> decoding.json

Never tune on a test set: its score would be no test any more.
"""

import concurrent.futures
import dataclasses
import functools
import json
import math
import os
import pathlib
import re

from zhasr import decoders, decoding, files, manifest, pinyin, scoring, word_search

NAME = "decoding.json"  # in a model folder
FORMAT = "zhasr-decoding-1"
STEPS = {
    "language_weight": 0.2,
    "syllable_bonus": 0.5,
    "word_bonus": 0.5,
    "blank_penalty": 1.0,
}
TEST_NAME = r"(?<![a-z])test(?![a-z])"  # test, aishell_test, test-2; not contest
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


def tune(cases, decoder, done=lambda trial: None):
    """Find weights with few errors, one after the other, until no step helps.

    Pattern search (Hooke & Jeeves 1961): each weight goes a step up or down where
    that makes fewer errors; when none does, the steps are halved. Equal errors change
    nothing, so that the weights stay near those that it began with.

    Args:
        cases: sequence of Case, of speakers and sentences that are in no test set.
        decoder: decoders.Decoder, "beam" or "words", with a language; its options are
            those to begin with.
        done: function that is told every Trial when it is over.

    Returns:
        list of Trial: the first is that of the options to begin with, the last the
        best.

    Raises:
        TuningError: no cases, or some without a text and others with one; or a
            decoder that weighs nothing.
    """
    _check(cases)
    if decoder.name == "greedy" or decoder.language is None:
        raise TuningError(
            "expected a decoder that weighs sound and language, 'beam' or 'words' with "
            f"a language, received {decoder.name!r}"
        )
    best = _try(cases, decoder)
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
                trial = _try(cases, dataclasses.replace(decoder, options=changed))
                done(trial)
                if trial.counts.errors < best.counts.errors:
                    best, improved = trial, True
                    trials.append(best)
                    break
    return trials


def choose(utterances, most):
    """Take some development utterances, evenly from all.

    Args:
        utterances: sequence of manifest.Utterance; if any have a text, only those.
        most: int, at least 1.

    Returns:
        list of manifest.Utterance.

    Raises:
        TuningError: fewer than one is wanted.
    """
    if most < 1:
        raise TuningError(f"expected 1 utterance or more, received {most}")
    utterances = [one for one in utterances if one.text] or utterances
    count = min(most, len(utterances))
    return [utterances[one * len(utterances) // count] for one in range(count)]


def line(trial):
    r"""Write a Trial in one line.

    Example:
        >>> trial = Trial(word_search.Options(), scoring.ErrorCounts(3, 1, 0, 80))
        >>> print(line(trial).replace(", word", ",\nword"))
        language 0.80, syllable bonus +1.00,
        word bonus +0.00, blank penalty 0.00: error 5.00 % of 80
    """
    options, counts = trial.options, trial.counts
    return (
        f"language {options.language_weight:.2f}, "
        f"syllable bonus {options.syllable_bonus:+.2f}, "
        f"word bonus {options.word_bonus:+.2f}, "
        f"blank penalty {options.blank_penalty:.2f}: "
        f"error {100 * counts.rate:.2f} % of {counts.reference_length:,}"
    )


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
    lowest = {"language_weight": 0.0, "blank_penalty": -decoding.LARGEST_PENALTY}
    highest = {"blank_penalty": decoding.LARGEST_PENALTY}
    for name, step in STEPS.items():
        for change in (step * scale, -step * scale):
            value = round(getattr(options, name) + change, 6)
            if lowest.get(name, -math.inf) <= value <= highest.get(name, math.inf):
                yield dataclasses.replace(options, **{name: value})


def _try(cases, decoder):
    """Decode with the options of a decoder, on all cores at once."""
    decode = functools.partial(decoders.decode, decoder)
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        found = pool.map(decode, [case.log_probs for case in cases])
        counts = [
            _errors(case, hypotheses[0], decoder.names.kind)
            for case, hypotheses in zip(cases, found, strict=True)
        ]
    return Trial(decoder.options, sum(counts, scoring.ErrorCounts()))


def _errors(case, hypothesis, kind):
    if case.text:
        return scoring.count(scoring.align(case.text, hypothesis.text))
    said = case.syllables
    if kind == "base-syllable":
        said = [pinyin.base(one) for one in said]
    return scoring.count(scoring.align(said, hypothesis.syllables))


def refuse_test_set(path, utterances):
    """Make sure that nothing is tuned on a test set, as far as that can be known.

    Args:
        path: path of a manifest.
        utterances: sequence of manifest.Utterance, those of the manifest.

    Raises:
        TuningError: the manifest is called test, its recordings lie in a folder called
            test, or stand in the test.jsonl beside it, or in the test of THCHS-30.
    """
    path = pathlib.Path(path)
    known = _recordings(path.with_name("test.jsonl"))
    reasons = (
        (
            "the name of the manifest says so",
            lambda one: re.search(TEST_NAME, path.stem.lower()),
        ),
        ("the test of THCHS-30", lambda one: one.id in scoring.THCHS30_TEST_IDS),
        (
            "its recording stands in test.jsonl beside it",
            lambda one: one.audio_filepath in known,
        ),
        (
            "its recording lies in a folder 'test'",
            lambda one: "test" in pathlib.Path(one.audio_filepath).parts[-3:-1],
        ),
    )
    for reason, holds in reasons:
        found = [one.id for one in utterances if holds(one)]
        if found:
            raise TuningError(
                f"{path}: {len(found)} of {len(utterances)} utterances are of a test "
                f"set, e.g. {found[0]} ({reason}); a score on what was tuned on is no "
                "test: tune on development recordings"
            )


def _recordings(path):
    """The recordings of a manifest, if it is there: set of str."""
    if not path.exists():
        return set()
    return {one.audio_filepath for one in manifest.read(path)}


def save(folder, name, trials, about=""):
    """Write the best weights of a decoder into a model folder; others stay.

    Args:
        folder: path of a model folder.
        name: str, the decoder.
        trials: list of Trial of `tune`.
        about: str, what they were tuned on and with which language; for people.
    """
    first, best = trials[0], trials[-1]
    try:
        content = _read(folder)
    except TuningError:  # this run replaces it
        content = {}
    content["format"] = FORMAT
    content[name] = {weight: getattr(best.options, weight) for weight in STEPS} | {
        "tuned_on": about,
        "reference_length": best.counts.reference_length,
        "error_before": first.counts.rate,
        "error": best.counts.rate,
    }
    text = json.dumps(content, indent=1, ensure_ascii=False)
    files.replace(pathlib.Path(folder) / NAME, text + "\n")


def load(folder, name="words"):
    """The options of a decoder; the defaults where nothing was tuned.

    Args:
        folder: path of a model folder.
        name: str, the decoder.

    Returns:
        word_search.Options.

    Raises:
        TuningError: the file is damaged; the message names it.
    """
    content = _read(folder)
    if name not in content:
        return decoders.OPTIONS[name]
    try:
        given = {"blank_penalty": 0.0} | content[name]  # older files have none
        return word_search.Options(**{one: float(given[one]) for one in STEPS})
    except (ValueError, KeyError, TypeError, OverflowError) as error:
        raise _damaged(folder, error) from None


def describe(folder, name, options):
    """Say which weights are used and where they come from: dict, for reports."""
    source = str(pathlib.Path(folder) / NAME) if name in _read(folder) else "default"
    return {"source": source} | {weight: getattr(options, weight) for weight in STEPS}


def _read(folder):
    """The content of the file: dict; {} where there is none."""
    path = pathlib.Path(folder) / NAME
    if not path.exists():
        return {}
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["format"] != FORMAT:
            raise ValueError(f"the format is {content['format']!r}")
        return content
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise _damaged(folder, error) from None


def _damaged(folder, error):
    return TuningError(
        f"{pathlib.Path(folder) / NAME}: expected weights of the format {FORMAT!r} "
        f"({error}); delete the file, or run `zhasr tune` again"
    )
