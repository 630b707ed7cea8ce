"""Which ingredients of `data_prep.pretrain` help with people that were not heard?

    python benchmarks/what_helps.py CORPORA WORK [VARIANT ...] --text FILE ...

Each variant differs in one thing from the first, `plain`, or from `quick`, if it is
called so: that has a short context, Muon and long batches. All hear about the same:
three epochs of a small network. An epoch is the whole part of a pass that is nearest to
eight hours, so it depends on what there is; the table says how much was heard. The only
low voice with many syllables (HanTTS) is left out of all of them. Scored on every third
of its syllables and on development recordings: another voice with a large vocabulary
that nobody trains on (seedlingo, 203 words), two students of DSPSpeech-20 (the nearest
of twelve words), and sentences that the one reader in the training data says elsewhere
(33). What is finished is kept in WORK, so a stopped run goes on; epochs are counted by
audio and not by the clock, so other jobs on the machine change nothing.
"""

import argparse
import dataclasses
import json
import pathlib

import figures
import targets_and_features

from data_prep import pretrain
from zhasr import files, recognizer, scoring, wavenet

HOURS, EPOCHS = 8.0, 3
LEFT_OUT, EVERY = "syllables-hantts", 3  # of its syllables
SMALL = wavenet.PRESETS["small"]
NETWORKS = {  # beside the presets
    "small-short": dataclasses.replace(SMALL, stacks=3, dilations=(1, 2, 4)),
    "deep": dataclasses.replace(SMALL, stacks=4),
    "causal": dataclasses.replace(SMALL, causal=True),
}
QUICK = ["--preset", "small-short", "--optimizer", "muon", "--batch-seconds", "50"]
OTHER_VOICES = ["--augment", "voices", "--aligner-epochs", "2"]
CHANGED = ("aishell", "words", "syllables-chen")  # in versions
VARIANTS = {  # name: options of the recipe that differ
    "plain": [],
    "no augmentation": ["--augment", "none"],
    "full augmentation": ["--augment", "full"],
    "warped voices": ["--augment", "voices"],
    "speaker maps": ["--aligner-epochs", "2"],
    "warped voices and speaker maps": ["--augment", "voices", "--aligner-epochs", "2"],
    "nothing put together": ["--assembled-minutes", "0"],
    "recordings as they are": ["--times", *(f"{part}=1" for part in CHANGED)],
    "dropout 0.1": ["--dropout", "0.1"],
    "log-mel": ["--features", "log-mel"],
    "syllable labels": ["--target", "syllable"],
    "short context": ["--preset", "small-short"],
    "short context, warped": ["--preset", "small-short", "--augment", "voices"],
    "short context, warped, voices normalised": [
        *("--preset", "small-short", "--augment", "voices", "--normalise-voices"),
    ],
    "short context, Muon": ["--preset", "small-short", "--optimizer", "muon"],
    "quick": QUICK,
    "quick, dropout 0.1": [*QUICK, "--dropout", "0.1"],
    "quick, warped voices and speaker maps": [*QUICK, *OTHER_VOICES],
    "quick, warped, maps, voices normalised": [
        *(*QUICK, *OTHER_VOICES, "--normalise-voices"),
    ],
    "deeper": ["--preset", "deep"],
    "wider": ["--preset", "base"],
    "causal": ["--preset", "causal"],
}


def main():
    """Train and score the variants; print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("corpora", type=pathlib.Path)
    parser.add_argument("work", type=pathlib.Path)
    parser.add_argument("variants", nargs="*", help=", ".join(VARIANTS))
    parser.add_argument("--text", nargs="+", default=[])
    parser.add_argument("--exclude", nargs="+", default=[])
    parser.add_argument("--assembled-minutes", default="200")
    options = parser.parse_args()
    wavenet.PRESETS.update(NETWORKS)
    rows = []
    for name in options.variants or VARIANTS:
        result = run(options, name)
        rows.append([name, *as_row(result)])
        print("  ".join(rows[-1]), flush=True)
    header = "variant,heard,HanTTS toned,base,seedlingo toned,base,12 words,S0150 toned"
    figures.table(header.split(","), rows)


def run(options, name):
    """Train and score a variant.

    Args:
        options: argparse.Namespace.
        name: str, of VARIANTS.

    Returns:
        dict: "heard" (hours) and the errors of `score`.
    """
    kept = options.work / "what_helps" / f"without-{LEFT_OUT}"
    model = kept / name.replace(" ", "-")
    path = model / "result.json"
    if not path.exists():
        plan = make_plan(options, name, model)
        history = pretrain.pretrain(plan)
        result = {"heard": history[-1]["hours_heard"], **score(plan)}
        files.replace(path, json.dumps(result) + "\n")
    return json.loads(path.read_text())


def make_plan(options, name, model):
    """The recipe of a variant: pretrain.Plan."""
    command = [str(options.corpora), str(options.work), str(model)]
    command += ["--epochs", str(EPOCHS), "--epoch-hours", str(HOURS)]
    command += ["--preset", "small", "--augment", "light", "--aligner-epochs", "0"]
    command += ["--dropout", "0", "--without", LEFT_OUT]
    command += ["--optimizer", "adamw", "--batch-seconds", "25"]
    command += ["--no-normalise-voices"]
    command += ["--assembled-minutes", options.assembled_minutes]
    command += with_values("--text", options.text)
    command += with_values("--exclude", options.exclude)
    return pretrain.make_plan(pretrain.parse(command + VARIANTS[name]))


def with_values(option, values):
    """An option of the command line, or nothing where there are no values."""
    return [option, *values] if values else []


def score(plan):
    """Score on development recordings.

    Args:
        plan: pretrain.Plan, whose model is trained.

    Returns:
        dict of str to float: errors, and the share of the 12 words that is right.
    """
    model = recognizer.load(plan.model)
    found = {
        name: targets_and_features.recognise(model, plan.prepared(name), ["dev"])
        for name in ("seedlingo", "dspspeech", "aishell")
    }
    found[LEFT_OUT] = targets_and_features.recognise(
        model, prepare_left_out(plan), ["train"], every=EVERY
    )
    rates = {name: scoring.score(each).rates for name, each in found.items()}
    return {
        "left out toned": rates[LEFT_OUT]["syllable"].rate,
        "left out base": rates[LEFT_OUT]["base-syllable"].rate,
        "seedlingo toned": rates["seedlingo"]["syllable"].rate,
        "seedlingo base": rates["seedlingo"]["base-syllable"].rate,
        "words": scoring.closed_set(found["dspspeech"]).accuracy,
        "sentences": rates["aishell"]["syllable"].rate,
    }


def prepare_left_out(plan):
    """Prepare the voice that the recipe leaves out; return the folder."""
    (part,) = (part for part in pretrain.RECIPE if part.name == LEFT_OUT)
    (folder,) = pretrain.prepare_parts(
        plan, [dataclasses.replace(part, times=1)], print
    )
    return folder


def as_row(result):
    """One line of the table."""
    heard, *rest = result.values()
    return [f"{heard:.1f} h", *(f"{100 * rate:.1f} %" for rate in rest)]


if __name__ == "__main__":
    main()
