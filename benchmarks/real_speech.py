"""How well does the model that ships hear people that it never heard?

    OPENBLAS_NUM_THREADS=1 python benchmarks/real_speech.py CORPORA WORK
        [--left-out-model FOLDER ...]

(One thread, because products this small are not worth waiting for a second one: beside
other work all takes many times as long without it.)

CORPORA holds the folders of `data_prep.pretrain`, WORK what that has prepared of them;
what is missing there is prepared first. The tests:

    S0252         a reader of AISHELL: connected speech, the best path that spells
                  syllables (also without getting used to each recording, where the
                  model does that, and the likeliest label of each frame, whether
                  these spell syllables or not), and the search with words and the
                  language model that ship; both also used to the speaker, by all
                  sentences together and not by each (`zhasr evaluate --per-speaker`)
    12 words      six students of DSPSpeech-20: the most likely of the words, and
                  the nearest to the best path
    left out      all single syllables of a voice, heard by another model that was
                  trained without it: `data_prep.pretrain --without syllables-chen`;
                  also used to the voice, by all syllables together: nobody tells the
                  model what is said, but it has heard them then

Each is scored once: the results are kept in WORK/real_speech.json, from which
`data_prep.ship` writes the card, and the same model is not scored again. To try
something out, `--development` scores development recordings instead.
"""

import argparse
import dataclasses
import itertools
import json
import math
import pathlib
import sys

import figures
import numpy as np
import targets_and_features

from data_prep import model_card, prepare, pretrain, ship
from zhasr import (
    bootstrap,
    calibration,
    ctc,
    dataset,
    decoders,
    decoding,
    evaluation,
    files,
    hanzi,
    model_folder,
    pinyin,
    recognizer,
    scoring,
    speaker_adaptation,
    tuning,
)

RESULTS = "real_speech.json"
ROWS = 2  # which rows there are; results of fewer are no longer enough
MEASURES = {
    "syllable": model_card.TONED,
    "base-syllable": "base syllables wrong",
    "tone": "tones wrong where the base is right",
    "character": "characters wrong",
}
# Where only so many words or syllables can be meant, the most likely one is chosen: of
# the development words this got 96.5 % right where the nearest to the best path got
# 88.8 % (a checkpoint after 100 hours). Without getting used to the recording, which
# takes ten times as long: 662 of 683 development words were right without, 661 with it.
LIKELY = "right, by likelihood"
PARTS = {"toned syllables": str, "base syllables": pinyin.base, "tones": pinyin.tone}
# What is wrong in a syllable, by likelihood alone. A neutral tone by itself (HanTTS has
# 408) is heard nowhere else: a voice left out leaves no other to learn it from.
FOUR_TONES, NEUTRAL = "tones but neutral ones", 5
DETAILS = {
    "initials": lambda syllable: pinyin.split_syllable(syllable)[0],
    "finals": lambda syllable: pinyin.split_syllable(syllable)[1],
}
BEST_PATH, WITH_WORDS = "best path", "words and language model"
USED = "used to the speaker"  # by all recordings together
USED_LIKELY = f"{LIKELY}, {USED}"
NOT_ADAPTED, FRAMES = "best path, not adapted", "frame by frame"
# figure -> test, measure; printed where it was measured
FIGURES = {
    "s0252_syllable_error": (f"S0252, {BEST_PATH}", MEASURES["syllable"]),
    "s0252_base_error": (f"S0252, {BEST_PATH}", MEASURES["base-syllable"]),
    "s0252_frames_syllable_error": (f"S0252, {FRAMES}", MEASURES["syllable"]),
    "s0252_frames_base_error": (f"S0252, {FRAMES}", MEASURES["base-syllable"]),
    "s0252_search_syllable_error": (f"S0252, {WITH_WORDS}", MEASURES["syllable"]),
    "s0252_search_base_error": (f"S0252, {WITH_WORDS}", MEASURES["base-syllable"]),
    "s0252_search_character_error": (f"S0252, {WITH_WORDS}", MEASURES["character"]),
    "s0252_speaker_syllable_error": (
        f"S0252, {BEST_PATH}, {USED}",
        MEASURES["syllable"],
    ),
    "s0252_speaker_base_error": (
        f"S0252, {BEST_PATH}, {USED}",
        MEASURES["base-syllable"],
    ),
    "s0252_speaker_search_syllable_error": (
        f"S0252, {WITH_WORDS}, {USED}",
        MEASURES["syllable"],
    ),
    "s0252_speaker_search_character_error": (
        f"S0252, {WITH_WORDS}, {USED}",
        MEASURES["character"],
    ),
    "left_out_voice_speaker_syllable_accuracy": (
        "voice left out",
        f"toned syllables {USED_LIKELY}",
    ),
    "left_out_voice_tone_accuracy": ("voice left out", f"tones {LIKELY}"),
    "left_out_voice_syllable_accuracy": ("voice left out", f"toned syllables {LIKELY}"),
    "dsp_word_accuracy": ("12 words", LIKELY),
}


def main():
    """Score, or read what was scored, and print tables and figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("corpora", type=pathlib.Path)
    parser.add_argument("work", type=pathlib.Path)
    parser.add_argument("--model", type=pathlib.Path, default=model_folder.SHIPPED)
    parser.add_argument(
        "--left-out-model", type=pathlib.Path, nargs="+", default=[], dest="others"
    )
    parser.add_argument("--results", type=pathlib.Path, help=f"default WORK/{RESULTS}")
    parser.add_argument("--development", action="store_true", help="no test at all")
    options = parser.parse_args()
    try:
        report(measure(options), options.development)
    except ValueError as error:
        sys.exit(f"real_speech: {error}")


def measure(options):
    """Score all tests, each once for the same weights.

    Args:
        options: argparse.Namespace of the command line.

    Returns:
        dict: "rows_kind" (ROWS), "weights" and "left_out_weights" (digests),
            "command", "rows", "notes".

    Raises:
        ValueError: a folder cannot be used, or a model heard what it is tested on.
    """
    path = options.results or options.work / RESULTS
    result = {
        "command": "python benchmarks/real_speech.py CORPORA WORK",
        "rows_kind": ROWS,
        "weights": digest(options.model),
        "left_out_weights": [digest(folder) for folder in options.others],
    }
    if not options.development and path.exists():
        known = json.loads(path.read_text(encoding="utf-8"))
        if all(known.get(name) == value for name, value in result.items()):
            print(f"{path}: scored before, not again")
            return known
    result["rows"], result["notes"] = score(options)
    if not options.development:
        text = json.dumps(result, ensure_ascii=False, indent=1)
        files.replace(path, text + "\n")
    return result


def digest(folder):
    """Tell models apart: str."""
    path = folder / model_folder.WEIGHTS
    if not path.exists():
        raise ValueError(f"{path}: not there; name a model with --model")
    contents = {one.name: one.read_bytes() for one in folder.iterdir() if one.is_file()}
    return ship.fingerprint(contents)


def score(options):
    """Score everything: (list of rows, list of notes)."""
    model = recognizer.load(options.model)
    split = "dev" if options.development else "test"
    read, words = (prepared(options, model, name) for name in ("aishell", "dspspeech"))
    for folder in (read, words):
        check_unheard(model, speakers(folder, ["test"]))
    others = []  # checked before any test is looked at
    for path in options.others:
        other = recognizer.load(path)
        others.append((other, not_adapted(path), unheard_voice(options, other)))
    test = "S0252" if split == "test" else "sentences" + suffix(options)
    rows, notes = connected_speech(options.model, model, read, split, test)
    heard = targets_and_features.recognise(model, words, [split])
    rows.append(row(f"12 words{suffix(options)}", "right", nearest_words(heard)))
    likely = likelihoods(not_adapted(options.model), words, [split])
    rows.append(row(f"12 words{suffix(options)}", LIKELY, likely.right()))
    if others:
        rows += left_out_voices(options, others)
    else:
        notes.append(
            "The voice left out was not measured: that needs a model that did not hear "
            "it (`data_prep.pretrain --without syllables-chen`, then "
            "`--left-out-model`)."
        )
    return rows, notes


def not_adapted(path):
    """The model as it was trained."""
    return recognizer.load(path, adapt=False)


def used_to(model, folder, splits):
    """The model, used to the one speaker of splits of a prepared folder.

    Args:
        model: recognizer.Recognizer.
        folder: pathlib.Path of a prepared folder.
        splits: list of str.

    Returns:
        recognizer.Recognizer.
    """
    _, raw = targets_and_features.stored(folder, splits)
    return recognizer.used_to(model, list(map(model.description.normalise, raw)))


def unheard_voice(options, model):
    """The prepared folder of the syllable voice that a model was trained without."""
    parts = [part for part in pretrain.RECIPE if part.adapter == "syllables"]
    for part in parts:
        folder = prepared(options, model, part.name)
        voices = speakers(folder, ["train", "dev"])
        if not voices & set(model.description.training.get("voices", voices)):
            return folder
    raise ValueError(
        "expected a model whose record (config.json) names its voices, without one of "
        f"{', '.join(part.name for part in parts)}"
    )


@dataclasses.dataclass(frozen=True)
class Likelihoods:
    """How likely everything that is said in a folder is for each of its recordings.

    Args:
        said: list of tuple of str, the syllables of each recording.
        choices: list of tuple of str, what may have been said.
        table: float array (recordings, choices), natural logarithms.
    """

    said: list
    choices: list
    table: np.ndarray

    def right(self, part=str):
        """Whether what is most likely is what was said, or some part of it is.

        Args:
            part: function of a syllable: pinyin.base or pinyin.tone. The likelihoods of
                all that have a part in common are added: a tone is as likely as all
                syllables with that tone together.

        Returns:
            list of bool.
        """
        parts = [tuple(map(part, each)) for each in self.choices]
        numbers = {name: number for number, name in enumerate(sorted(set(parts)))}
        together = np.full((len(numbers), len(self.said)), -np.inf)
        np.logaddexp.at(together, [numbers[each] for each in parts], self.table.T)
        chosen = [list(numbers)[best] for best in together.argmax(axis=0)]
        return [
            tuple(map(part, each)) == best
            for each, best in zip(self.said, chosen, strict=True)
        ]


def likelihoods(model, folder, splits):
    """Compare each recording with all that is said in a folder: Likelihoods.

    Args:
        model: recognizer.Recognizer.
        folder: pathlib.Path of a prepared folder.
        splits: list of str.
    """
    opened, names = dataset.open_folder(folder), model.description.vocabulary
    utterances = [item for split in splits for item in opened.utterances(split)]
    said = sorted({tuple(item.syllables) for item in utterances})
    known = {label: number for number, label in enumerate(names.labels)}
    spelled = {
        each: [known.get(label) for label in pinyin.targets(names.kind, each, "")]
        for each in said
    }
    choices = [each for each in said if None not in spelled[each]]
    sequences = [spelled[each] for each in choices]
    rows = []
    for item in utterances:
        normalised = model.description.normalise(opened.store[item.id])
        log_probs = recognizer.log_probs_of_features(model, normalised)
        rows.append(ctc.log_likelihoods(log_probs, sequences))
    return Likelihoods(
        [tuple(each.syllables) for each in utterances], choices, np.array(rows)
    )


def prepared(options, model, name):
    """The prepared folder of a part of the recipe, with the features of the model."""
    (part,) = (part for part in pretrain.RECIPE if part.name == name)
    config = model.description.features
    out = options.work / config.name / name
    prepare.prepare(part.adapter, options.corpora / part.folder, out, config)
    return out


def speakers(folder, splits):
    """Who is heard in splits of a prepared folder: set of str."""
    opened = dataset.open_folder(folder)
    return {item.speaker for split in splits for item in opened.utterances(split)}


def check_unheard(model, voices):
    """Make sure that a model was not trained on voices, as far as its record says.

    Args:
        model: recognizer.Recognizer.
        voices: set of str.

    Raises:
        ValueError: it was.
    """
    heard = model.description.training.get("voices", ())
    if both := sorted(voices.intersection(heard)):
        raise ValueError(f"expected a model that did not hear {', '.join(both)}")


def suffix(options):
    """What is no test must not be taken for one."""
    return ", development" if options.development else ""


def connected_speech(path, model, folder, split, test):
    """Score sentences of a speaker by the best path and by the search, in some ways.

    Args:
        path: pathlib.Path of the model folder, for the weights of the search.
        model: recognizer.Recognizer.
        folder: pathlib.Path of the prepared sentences.
        split: str.
        test: str, its name in the table.

    Returns:
        (list of rows, list of notes).
    """
    names = model.description.vocabulary
    weights = tuning.load(path, "words")
    decoder = decoders.build("words", names, hanzi.load(), weights)
    used = used_to(model, folder, [split])
    ways = [
        (BEST_PATH, model, None),
        (WITH_WORDS, model, decoder),
        (f"{BEST_PATH}, {USED}", used, None),
        (f"{WITH_WORDS}, {USED}", used, decoder),
    ]
    if speaker_adaptation.load_steps(path):
        ways.append((NOT_ADAPTED, not_adapted(path), None))
    heard = {
        way: targets_and_features.recognise(hearing, folder, [split], chosen)
        for way, hearing, chosen in ways
    }
    utterances, raw = targets_and_features.stored(folder, [split])
    pairs = [
        pair
        for batch in evaluation.posteriors(model, utterances, raw)
        for pair in batch
    ]
    heard[FRAMES] = frame_by_frame(names, pairs)
    rows = []
    for way, found in heard.items():
        rates = scoring.score(found, toned=model.toned).rates
        for kind, measure in MEASURES.items():
            if rates[kind] is not None:
                rows.append(rate_row(f"{test}, {way}", measure, rates[kind]))
    if curve := calibration.load(path, "words"):
        rows.append(expected_row(f"{test}, {WITH_WORDS}", curve, model, pairs))
    tuned = tuning.describe(path, "words", weights)["source"] != "default"
    notes = [
        "The weights of the search "
        + ("were tuned on development recordings." if tuned else "are not tuned.")
    ]
    if split == "test":
        everything = len(found) + count_rejected(folder, speakers(folder, [split]))
        notes.append(
            f"{test}: {len(found)} of {everything} sentences; the others hold Latin "
            "letters, for which there is no syllable."
        )
    return rows, notes


def frame_by_frame(names, pairs):
    """Sentences by the likeliest label of each frame: list of scoring.Scored.

    Args:
        names: vocabulary.Vocabulary.
        pairs: list of (manifest.Utterance, float array (frames, labels)).
    """
    return [
        evaluation.scored_utterance(
            item, recognizer.Transcript((), syllables_of(names, log_probs), None)
        )
        for item, log_probs in pairs
    ]


def expected_row(test, curve, model, pairs):
    """A row of what `zhasr transcribe` says of its own errors, which may be too little.

    Args:
        test: str.
        curve: calibration.Curve.
        model: recognizer.Recognizer.
        pairs: list of (manifest.Utterance, float array (frames, labels)).

    Returns:
        dict, like those of `rate_row`, without an interval.
    """
    wrong = said = 0
    for item, log_probs in pairs:
        sure = calibration.score(recognizer.decode(model, log_probs).labels)
        said += len(item.syllables)
        # Where nothing is heard, transcribe says that.
        share = 1.0 if math.isnan(sure) else calibration.expected(curve, sure)
        wrong += share * len(item.syllables)
    return {
        "test": test,
        "measure": model_card.EXPECTED,
        "value": wrong / said,
        "interval": None,
        "count": said,
    }


def syllables_of(names, log_probs):
    """What the likeliest label of each frame spells: tuple of str."""
    labels = names.decode([one.label for one in decoding.greedy(log_probs)])
    return tuple(pinyin.syllables_from_labels(names.kind, labels))


def count_rejected(folder, voices):
    """How many recordings of some voices were set aside by preparing: int."""
    lines = (folder / "rejected.jsonl").read_text(encoding="utf-8").splitlines()
    places = [pathlib.Path(json.loads(line)["audio_filepath"]) for line in lines]
    return sum(place.parent.name in voices for place in places)


def rate_row(test, measure, rate):
    """A row of a scoring.Rate."""
    return {
        "test": test,
        "measure": measure,
        "value": rate.rate,
        "interval": rate.interval and list(rate.interval),
        "count": rate.counts.reference_length,
    }


def row(test, measure, right):
    """A row of a share: right is a list of bool, one for each recording."""
    interval = bootstrap.interval(np.array(right, int), np.ones(len(right), int))
    return {
        "test": test,
        "measure": measure,
        "value": float(np.mean(right)),
        "interval": interval and list(interval),
        "count": len(right),
    }


def nearest_words(found):
    """Whether the nearest of the words is the right one: list of bool."""
    words = sorted({tuple(each.reference_syllables) for each in found})
    return [
        scoring.nearest_word(each.hypothesis_syllables, words)
        == tuple(each.reference_syllables)
        for each in found
    ]


def left_out_voices(options, others):
    """Rows of all single syllables of voices, by models that did not hear them.

    Args:
        options: argparse.Namespace.
        others: list of (recognizer.Recognizer, the same not adapted, path of the
            prepared voice).

    Returns:
        list of dict: of all voices together, then of each where there are several.
    """
    splits = ["dev"] if options.development else ["train", "dev"]
    right = {}  # (way, part, voice): list of bool
    for model, plain, folder in others:
        found = targets_and_features.recognise(model, folder, splits)
        pairs = [
            (each.reference_syllables, each.hypothesis_syllables) for each in found
        ]
        likely = likelihoods(plain, folder, splits)
        used = likelihoods(used_to(plain, folder, splits), folder, splits)
        for name, part in PARTS.items():
            right["right", name, folder.name] = same(pairs, part)
            right[USED_LIKELY, name, folder.name] = used.right(part)
        for name, part in (PARTS | DETAILS).items():
            right[LIKELY, name, folder.name] = likely.right(part)
        right[LIKELY, FOUR_TONES, folder.name] = [
            one
            for one, (syllable,) in zip(
                likely.right(pinyin.tone), likely.said, strict=True
            )
            if pinyin.tone(syllable) != NEUTRAL
        ]
    measures = list(itertools.product(("right", LIKELY, USED_LIKELY), PARTS))
    measures += itertools.product((LIKELY,), (FOUR_TONES, *DETAILS))
    names = [folder.name for _, _, folder in others]
    groups = {"voice left out": names}
    if len(names) > 1:
        groups.update((f"voice left out, {name}", [name]) for name in names)
    return [
        row(
            test + suffix(options),
            f"{part} {way}",
            [one for name in members for one in right[way, part, name]],
        )
        for test, members in groups.items()
        for way, part in measures
    ]


def same(pairs, part=str):
    """Whether all that was heard is what was said, or some part of it is.

    Args:
        pairs: list of (syllables said, syllables heard).
        part: function of a syllable: pinyin.base or pinyin.tone.

    Returns:
        list of bool. Two syllables for one are never right.
    """
    return [
        [part(one) for one in said] == [part(one) for one in heard]
        for said, heard in pairs
    ]


def report(result, development=False):
    """Print the table, the notes, and the figures where no development is."""
    rows = [
        (one["test"], one["measure"], *percentages(one), one["count"])
        for one in result["rows"]
    ]
    figures.table(("test", "measure", "result", "95 % interval", "of"), rows)
    print("\n" + "\n".join(result["notes"]) + "\n")
    values = {(one["test"], one["measure"]): one["value"] for one in result["rows"]}
    for name, key in FIGURES.items():
        if key in values and not development:
            figures.figure(name, 100 * values[key], "%")


def percentages(one):
    """The value of a row and its interval: tuple of str."""
    interval = "–"
    if one["interval"]:
        low, high = one["interval"]
        interval = f"{100 * low:.1f}–{100 * high:.1f} %"
    return f"{100 * one['value']:.1f} %", interval


if __name__ == "__main__":
    main()
