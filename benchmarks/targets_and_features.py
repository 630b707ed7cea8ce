"""Which labels and which features recognise real people best?

    python benchmarks/targets_and_features.py CORPORA WORK

CORPORA holds `data_aishell`, `audio-cmn`, `HanTTS` and `DSPSpeech-20`. Every feature
set is prepared once, every kind of label is trained on it for the same amount of
audio, and all are scored on speakers that none of them heard: AISHELL's S0252
(connected speech) and six speakers of DSPSpeech-20 (the nearest of 12 words). What is
finished is kept in WORK, so a stopped run goes on.

With the best combination two more models each leave one of the two syllable voices
out of training and are scored on all of its recordings.
"""

import argparse
import json
import pathlib
import subprocess
import sys

import figures

from zhasr import dataset, evaluation, pinyin, recognizer, scoring

CORPORA = {  # name: (adapter, folder, how often it is named in training)
    "aishell": ("aishell", "data_aishell", 6),
    "words": ("words", "audio-cmn/64k/hsk", 1),
    "syllables-chen": ("syllables", "audio-cmn/64k/syllabs", 1),
    "syllables-hantts": ("syllables", "HanTTS", 1),
    "dspspeech": ("dspspeech", "DSPSpeech-20", 1),
}
FEATURES = {
    "mfcc": ["--features", "mfcc", "--no-pitch"],
    "mfcc+pitch": ["--features", "mfcc"],
    "log-mel": ["--features", "log-mel", "--no-pitch"],
    "log-mel+pitch": ["--features", "log-mel"],
}
TARGETS = ("initial-final", "syllable", "base-syllable", "character")
SYLLABLE_VOICES = ("syllables-chen", "syllables-hantts")  # no characters in these
BEST = ("mfcc+pitch", "initial-final")


def main():
    """Prepare, train and score all combinations; print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("corpora", type=pathlib.Path)
    parser.add_argument("work", type=pathlib.Path)
    parser.add_argument("--preset", default="small")
    parser.add_argument("--epochs", type=int, default=1)
    # So little is heard that augmentation only slows it down.
    parser.add_argument("--augment", default="none")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    rows = []
    for features in FEATURES:
        prepare(options.corpora, options.work, features)
    for target in TARGETS:
        for features in FEATURES:
            result = run(options, features, target)
            rows.append(as_row(features, target, result))
            print("  ".join(rows[-1]), flush=True)
    header = "features,labels,heard,S0252 toned,S0252 base,S0252 CER,12 words"
    figures.table(header.split(","), rows)


    for voice in SYLLABLE_VOICES:
        print_left_out(voice, run(options, *BEST, left_out=voice))


def print_left_out(voice, result):
    """Print how a voice was recognised that training did not have."""
    print(
        f"{voice} left out of training: {result['utterances']} syllables, right "
        f"{100 * result['right']:.1f} %, base right {100 * result['base']:.1f} %, "
        f"tone error where the base is right {100 * result['tone']:.1f} %"
    )


def prepare(corpora, work, features):
    """Prepare every corpus with one feature set; a finished one is left alone."""
    for name, (adapter, folder, _) in CORPORA.items():
        out = work / features / name
        command = [adapter, corpora / folder, out, *FEATURES[features]]
        call("data_prep.prepare", *command)


def call(module, *arguments):
    """Run a command of this project; its failure ends the benchmark."""
    command = [sys.executable, "-m", module, *map(str, arguments)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def run(options, features, target, left_out=None):
    """Train and score one combination; return its result as a dict."""
    name = f"{features}.{target}.{options.preset}.{options.epochs}.{options.seed}"
    name += f".without-{left_out}" if left_out else ""
    model = options.work / "models" / name
    path = model / "result.json"
    if not path.exists():
        data = options.work / features
        folders = training_folders(data, target, left_out)
        train = ["train", *folders, "--out", model]
        train += ["--target", target, "--preset", options.preset]
        train += ["--epochs", options.epochs, "--seed", options.seed]
        train += ["--augment", options.augment]
        state = model / "training" / "state.safetensors"
        call("zhasr", *train, *(["--resume"] if state.exists() else []))
        scores = score_voice(model, data / left_out) if left_out else score(model, data)
        path.write_text(json.dumps(scores))
    return json.loads(path.read_text())


def training_folders(data, target, left_out=None):
    """Prepared folders as often as they are to be heard."""
    excluded = SYLLABLE_VOICES if target == "character" else (left_out,)
    return [
        data / name
        for name, (_, _, times) in CORPORA.items()
        for _ in range(times)
        if name not in excluded
    ]


def score(path, data):
    """Score on the test speakers; rates that a model cannot give are None."""
    model = recognizer.load(path)
    connected = recognise(model, data / "aishell", ["test"])
    words = scoring.closed_set(recognise(model, data / "dspspeech", ["test"]))
    rates = scoring.score(connected, toned=model.toned).rates
    result = {
        # Where nothing was right, there are no tones to count and no interval.
        kind: rates[kind] and [rates[kind].rate, *(rates[kind].interval or ())]
        for kind in ("syllable", "base-syllable", "tone", "character")
    }
    heard = model.description.training["hours_heard"]
    return {**result, "words": words.accuracy, "heard": heard}


def score_voice(path, data):
    """Score on all recordings of a voice that the model was not trained on."""
    model = recognizer.load(path)
    scored = recognise(model, data, ["train", "dev"])
    pairs = [(each.reference_syllables, each.hypothesis_syllables) for each in scored]
    bases = [[tuple(map(pinyin.base, side)) for side in pair] for pair in pairs]
    return {
        "utterances": len(pairs),
        "right": sum(said == heard for said, heard in pairs) / len(pairs),
        "base": sum(said == heard for said, heard in bases) / len(pairs),
        "tone": scoring.score(scored).rates["tone"].rate,
    }


def recognise(model, path, splits, decoder=None, every=1):
    """Recognise splits of a prepared folder, or a part, from its stored features."""
    utterances, raw = stored(path, splits, every)
    return list(evaluation.recognise(model, utterances, raw, decoder))


def stored(path, splits, every=1):
    """Utterances by their length, and an iterator of the features of each."""
    folder = dataset.open_folder(path)
    utterances = [item for split in splits for item in folder.utterances(split)]
    utterances = sorted(utterances[::every], key=lambda item: item.duration)
    return utterances, (folder.store[item.id] for item in utterances)


def as_row(features, target, result):
    """One line of the table."""

    def percent(rate):
        return "–" if rate is None else f"{100 * rate[0]:.1f} %"

    return (
        features,
        target,
        f"{result['heard']:.1f} h",
        percent(result["syllable"]),
        percent(result["base-syllable"]),
        percent(result["character"]),
        f"{100 * result['words']:.1f} %",
    )


if __name__ == "__main__":
    main()
