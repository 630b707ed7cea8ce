"""Which ingredients of `data_prep.pretrain` help with people that were not heard?

    python benchmarks/what_helps.py CORPORA WORK [VARIANT ...] --text FILE ...

Each variant differs in one thing from the one that its name begins with: `plain`,
`quick` (a short context, Muon and long batches), `recipe` (that with dropout and
normalised voices, what shipped up to 376 hours on a smaller network) or `recipe, no Δ`
(what ships since, likewise). All hear about the same: three epochs of a small network,
more of them where less is heard. An epoch is the whole part of a pass that is nearest
to eight hours, so it depends on what there is; the table says how much was heard. The
only low voice with many syllables (HanTTS) is left out of all of them. Scored on every
third of its syllables and on development recordings: another voice with a large
vocabulary that nobody trains on (seedlingo, 203 words), two students of DSPSpeech-20
(the nearest of twelve words), and sentences that the one reader in the training data
says elsewhere (33). What is finished is kept in WORK, so a stopped run goes on; epochs
are counted by audio and not by the clock, so other jobs on the machine change nothing.
"""

import argparse
import dataclasses
import json
import pathlib
import shutil
import zlib

import figures
import targets_and_features
import two_heads

from data_prep import average, pretrain, synthesize
from zhasr import files, recognizer, scoring, training_run, wavenet

HOURS, EPOCHS = 8.0, 3
LEFT_OUT, EVERY = "syllables-hantts", 3  # of its syllables
SMALL = wavenet.PRESETS["small"]
SHORT = dataclasses.replace(SMALL, stacks=3, dilations=(1, 2, 4))
NETWORKS = {  # beside the presets
    "small-short": SHORT,
    "deep-short": dataclasses.replace(SHORT, stacks=5),
    "causal-short": dataclasses.replace(SHORT, causal=True),
}


@dataclasses.dataclass(frozen=True)
class Variant:
    """What is different in a training.

    Args:
        options: tuple of str, of `data_prep.pretrain`; later ones replace earlier ones.
        run: class that trains, see `two_heads`.
        synthetic: float, hours of synthetic speech (espeak-ng) on top.
        start: str, the variant that it goes on from, or None.
        mean_of: tuple of str, variants whose weights are averaged, without a training.
    """

    options: tuple[str, ...] = ()
    run: type = training_run.Run
    synthetic: float = 0.0
    start: str | None = None
    mean_of: tuple[str, ...] = ()


def variant(*options, **rest):
    """A Variant."""
    return Variant(options, **rest)


def hearing(chosen):
    """A class of run that hears a part of the training utterances.

    Args:
        chosen: function of two str, the name of a part and the id of an utterance, to
            bool. An utterance has the same id in all versions of a part.

    Returns:
        class, derived from training_run.Run.
    """

    class Hearing(training_run.Run):
        def __init__(self, data, *rest):
            train = [example for example in data.train if chosen(*whose(example))]
            super().__init__(dataclasses.replace(data, train=train), *rest)

    return Hearing


def whose(example):
    """The part and the id of a batches.Example: two str."""
    folder, _, name = example.id.partition("/")
    return folder.partition("@")[0], name


def one_of(number):
    """Choose recordings of everybody, every `number`-th or so, always the same ones."""
    return lambda part, name: zlib.crc32(name.encode()) % number == 0


def but(left_out):
    """Choose all parts but one."""
    return lambda part, name: part != left_out


def going_on(recipe, start, epochs, seed):
    """A Variant that goes on from another one, as what ships was made."""
    more = ("--epochs", str(epochs), "--seed", str(seed), "--learning-rate", "1.5e-3")
    return variant(*recipe, *more, start=start)


QUICK = ("--preset", "small-short", "--optimizer", "muon", "--batch-seconds", "50")
RECIPE = (*QUICK, "--dropout", "0.1", "--normalise-voices")
ALONE = (*RECIPE, "--assembled-minutes", "0")
NO_SLOPES = (*RECIPE, "--no-deltas")
WARPED = ("--augment", "voices")
CHANGED = ("aishell", "words", "syllables-chen")  # in versions
VARIANTS = {
    "plain": variant(),
    "plain, log-mel": variant("--features", "log-mel"),
    "plain, short context": variant("--preset", "small-short"),
    "quick": variant(*QUICK),
    "quick, dropout 0.1": variant(*QUICK, "--dropout", "0.1"),
    "recipe": variant(*RECIPE),
    "recipe, another seed": variant(*RECIPE, "--seed", "1"),
    "recipe, no dropout": variant(*RECIPE, "--dropout", "0"),
    "recipe, nothing put together": variant(*ALONE),
    "recipe, nothing put together, a half of the recordings": variant(
        *ALONE, run=hearing(one_of(2))
    ),
    "recipe, nothing put together, a quarter of the recordings": variant(
        *ALONE, "--epochs", "6", run=hearing(one_of(4))
    ),
    "recipe, nothing put together, an eighth of the recordings": variant(
        *ALONE, "--epochs", "12", run=hearing(one_of(8))
    ),
    "recipe, no students": variant(
        *RECIPE, "--epochs", "4", run=hearing(but("dspspeech"))
    ),
    "recipe, no reader": variant(*RECIPE, "--epochs", "4", run=hearing(but("aishell"))),
    "recipe, synthetic speech": variant(*RECIPE, synthetic=3.0),
    "recipe, no augmentation": variant(*RECIPE, "--augment", "none"),
    "recipe, two heads": variant(*RECIPE, run=two_heads.TwoHeads),
    "recipe, deeper": variant(*RECIPE, "--preset", "deep-short"),
    "recipe, wider": variant(*RECIPE, "--preset", "short"),
    "recipe, causal": variant(*RECIPE, "--preset", "causal-short"),
    "recipe, 1 epoch more": going_on(RECIPE, "recipe", 1, 1),
    "recipe, 1 other epoch more": going_on(RECIPE, "recipe", 1, 2),
    "recipe, mean of two with 1 epoch more": variant(
        *RECIPE, mean_of=("recipe, 1 epoch more", "recipe, 1 other epoch more")
    ),
    "recipe, no Δ": variant(*NO_SLOPES),
    "recipe, no Δ, another seed": variant(*NO_SLOPES, "--seed", "1"),
    "recipe, no Δ, AdamW": variant(*NO_SLOPES, "--optimizer", "adamw"),
    "recipe, no Δ, syllable labels": variant(*NO_SLOPES, "--target", "syllable"),
    "recipe, no Δ, more put together": variant(
        *NO_SLOPES, "--assembled-minutes", "540"
    ),
    "recipe, no Δ, recordings as they are": variant(
        *NO_SLOPES, "--times", *(f"{part}=1" for part in CHANGED)
    ),
    "recipe, no Δ, warped voices": variant(*NO_SLOPES, *WARPED),
    "recipe, no Δ, warped voices, mixed": variant(
        *NO_SLOPES, *WARPED, "--aligner-epochs", "2"
    ),
    "recipe, no Δ, 3 epochs more": going_on(NO_SLOPES, "recipe, no Δ", 3, 1),
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
    model = folder(options, name)
    path = model / "result.json"
    if not path.exists():
        plan = make_plan(options, name)
        heard = train(options, VARIANTS[name], plan)
        files.replace(path, json.dumps({"heard": heard, **score(plan)}) + "\n")
    return json.loads(path.read_text())


def folder(options, name):
    """Where the model of a variant is kept."""
    kept = options.work / "what_helps" / f"without-{LEFT_OUT}"
    return kept / name.replace(",", "").replace(" ", "-")


def train(options, wanted, plan):
    """Make the model of a Variant; return the hours heard."""
    if wanted.mean_of:
        members = [folder(options, name) for name in wanted.mean_of]
        shutil.rmtree(plan.model, ignore_errors=True)  # made, but not scored
        return average.average(members, plan.model).training["hours_heard"]
    if wanted.synthetic:
        spoken = options.work / f"synthetic-{wanted.synthetic:g}h"
        synthesize.synthesize(spoken, {"train": wanted.synthetic})
        part = pretrain.Part(
            "synthetic", "synthetic", str(spoken.absolute()), 1, split="train"
        )
        plan = dataclasses.replace(plan, parts=(*plan.parts, part))
    with two_heads.used(wanted.run):
        history = pretrain.pretrain(plan)
    before = recognizer.load(plan.model).description.training.get("start_hours", 0)
    return before + history[-1]["hours_heard"]


def make_plan(options, name):
    """The recipe of a variant: pretrain.Plan."""
    wanted = VARIANTS[name]
    command = [str(options.corpora), str(options.work), str(folder(options, name))]
    command += ["--epochs", str(EPOCHS), "--epoch-hours", str(HOURS)]
    command += ["--preset", "small", "--augment", "light", "--aligner-epochs", "0"]
    command += ["--dropout", "0", "--without", LEFT_OUT]
    command += ["--optimizer", "adamw", "--batch-seconds", "25"]
    command += ["--deltas", "--no-normalise-voices"]
    command += ["--assembled-minutes", options.assembled_minutes]
    command += with_values("--text", options.text)
    command += with_values("--exclude", options.exclude)
    if wanted.start:
        command += ["--start", str(folder(options, wanted.start))]
    return pretrain.make_plan(pretrain.parse([*command, *wanted.options]))


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
