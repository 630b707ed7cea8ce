"""What a small model heard: the hypotheses that lesson 07 counts errors in.

    python -m data_prep.heard build/heard

makes half an hour of synthetic speech, trains the network of lesson 00 on it, lets it
hear voices and sentences that it never learned, and writes what was spoken and heard to
`zhasr/exercises/heard.json`. It takes a few minutes; what is in the folder is kept.
"""

import argparse
import json
import pathlib

from data_prep import prepare, synthesize
from zhasr import (
    dataset,
    evaluation,
    exercises,
    features,
    files,
    recognizer,
    training,
    training_run,
)

OUT = pathlib.Path(exercises.__file__).parent / "heard.json"
HOURS = {"train": 0.5, "dev": 0.04, "test": 0.25}
OPTIONS = training.Options(preset="small", epochs=8, augmentation="none")
NOTE = (
    "synthetic speech (espeak-ng), no person: {hours} h of {speakers} voices trained "
    "for {epochs} epochs, other voices and sentences heard"
)


def main(arguments=None):
    """Make the corpus, the model and the file."""
    parser = argparse.ArgumentParser(prog="python -m data_prep.heard")
    parser.add_argument("folder", type=pathlib.Path, help="corpus, data and model")
    parser.add_argument("--out", type=pathlib.Path, default=OUT)
    options = parser.parse_args(arguments)
    data, model = options.folder / "data", options.folder / "model"
    corpus = synthesize.synthesize(options.folder / "corpus", HOURS)
    if not data.exists():
        config = features.FeatureConfig(kind="mfcc", pitch=True)
        print(prepare.prepare("synthetic", corpus, data, config))
    if not model.exists():
        training_run.train([data], model, OPTIONS)
    learned = dataset.load([data], OPTIONS.kind)
    note = NOTE.format(
        hours=round(learned.hours, 1),
        speakers=len(learned.voices),
        epochs=OPTIONS.epochs,
    )
    heard = evaluation.transcribe_manifest(
        recognizer.load(model), data / "test.jsonl", workers=1
    )
    write(options.out, heard, note)
    print(f"written: {len(heard)} utterances, {note}")


def write(path, utterances, note):
    """Write utterances with their hypotheses as JSON, one in a line.

    Args:
        path: path.
        utterances: sequence of scoring.Scored.
        note: str, where they come from.
    """
    lines = ",\n".join(
        json.dumps(
            [
                each.id,
                each.speaker,
                " ".join(each.reference_syllables),
                " ".join(each.hypothesis_syllables),
            ]
        )
        for each in utterances
    )
    command = "python -m data_prep.heard build/heard"
    head = f'{{"note": {json.dumps(note)},\n"command": {json.dumps(command)},\n'
    files.replace(path, f'{head}"heard": [\n{lines}\n]}}\n')


if __name__ == "__main__":
    main()
