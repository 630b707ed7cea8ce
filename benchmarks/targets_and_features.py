"""Which labels and which features recognise real people best?

    python benchmarks/targets_and_features.py CORPORA WORK

CORPORA holds `data_aishell`, `audio-cmn`, `HanTTS` and `DSPSpeech-20`. Every feature
set is prepared once, every kind of label is trained on it for the same amount of
audio, and all are scored on speakers that none of them heard: AISHELL's S0252
(connected speech) and six speakers of DSPSpeech-20 (the nearest of 12 words). What is
finished is kept in WORK, so a stopped run goes on.
"""

import argparse
import json
import pathlib
import subprocess
import sys

import figures

from zhasr import dataset, evaluation, recognizer, scoring

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
CHARACTERLESS = ("syllables-chen", "syllables-hantts")


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
    figures.table(
        ("features", "labels", "heard", "S0252 toned", "S0252 base", "12 words"), rows
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


def run(options, features, target):
    """Train and score one combination; return its result as a dict."""
    name = f"{features}.{target}.{options.preset}.{options.epochs}.{options.seed}"
    model = options.work / "models" / name
    path = model / "result.json"
    if not path.exists():
        data = options.work / features
        train = ["train", *training_folders(data, target), "--out", model]
        train += ["--target", target, "--preset", options.preset]
        train += ["--epochs", options.epochs, "--seed", options.seed]
        train += ["--augment", options.augment]
        state = model / "training" / "state.safetensors"
        call("zhasr", *train, *(["--resume"] if state.exists() else []))
        path.write_text(json.dumps(score(model, data)))
    return json.loads(path.read_text())


def training_folders(data, target):
    """Prepared folders as often as they are to be heard."""
    return [
        data / name
        for name, (_, _, times) in CORPORA.items()
        for _ in range(times)
        if target != "character" or name not in CHARACTERLESS
    ]


def score(path, data):
    """Score on the test speakers; rates that a model cannot give are None."""
    model = recognizer.load(path)
    connected = score_split(model, data / "aishell")
    words = scoring.closed_set(score_split(model, data / "dspspeech"))
    rates = scoring.score(connected, toned=model.toned).rates
    result = {
        kind: rates[kind] and [rates[kind].rate, *rates[kind].interval]
        for kind in ("syllable", "base-syllable", "tone", "character")
    }
    heard = model.description.training["hours_heard"]
    return {**result, "words": words.accuracy, "heard": heard}


def score_split(model, path):
    """Recognise the test split of a prepared folder from its stored features."""
    folder = dataset.open_folder(path)
    utterances = sorted(folder.utterances("test"), key=lambda item: item.duration)
    raw = (folder.store[utterance.id] for utterance in utterances)
    return list(evaluation.recognise(model, utterances, raw))


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
        f"{100 * result['words']:.1f} %",
    )


if __name__ == "__main__":
    main()
