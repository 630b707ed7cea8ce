"""How often a model should listen before it answers: development recordings decide.

    python -m data_prep.adapt MODEL DATA/dev.jsonl...

The number of steps of `zhasr.speaker_adaptation` with the fewest wrong syllables by the
best path is written into the model folder, where everything that recognises finds it.
Take voices that the model was not trained on: one that it knows needs no steps. And do
it before `zhasr tune` and `data_prep.calibrate`, which depend on it. Test sets are
refused.
"""

import argparse
import pathlib
import sys

from data_prep import harder
from zhasr import (
    calibration,
    errors,
    evaluation,
    features,
    recognizer,
    scoring,
    speaker_adaptation,
    tuning,
)

STEPS = (0, 2, 4)
MOST = 1000  # recordings of each manifest


def main(arguments=None):
    """Run the command; return the exit status: 0, or 2 for bad input."""
    parser = argparse.ArgumentParser(
        "python -m data_prep.adapt", description=__doc__.splitlines()[0]
    )
    parser.add_argument("model", type=pathlib.Path)
    parser.add_argument("manifests", nargs="+", type=pathlib.Path)
    options = parser.parse_args(arguments)
    try:
        adapt(options.model, options.manifests, print)
    except (ValueError, OSError) as error:
        print(f"adapt: {errors.one_line(error)}", file=sys.stderr)
        return 2
    return 0


def adapt(folder, manifests, say=lambda line: None):
    """Choose the number of steps and keep it in the model folder.

    Args:
        folder: path of a model folder.
        manifests: sequence of path, of development recordings.
        say: function that is told what each number gives, a line each.

    Returns:
        int, the number of steps.

    Raises:
        ValueError: a test set; or as `recognizer.load`; or a model of other features.
    """
    model = recognizer.load(folder, adapt=False)
    speaker_adaptation.adaptive(model.network, model.description, STEPS[-1])  # can it?
    counts = dict.fromkeys(STEPS, scoring.ErrorCounts())
    for path in manifests:
        utterances = harder.read_manifest(path, MOST)
        config = model.description.features
        raw = [features.extract_file(one.audio_filepath, config) for one in utterances]
        for steps in STEPS:
            found = errors_after(steps, model, utterances, raw)
            counts[steps] += found
            say(f"{path}: {steps} steps, {found.errors} of {found.reference_length}")
    if not counts[0].reference_length:
        raise ValueError(f"{', '.join(map(str, manifests))}: nobody says anything")
    best = min(STEPS, key=lambda steps: counts[steps].errors)
    say(f"best: {best} steps, {100 * counts[best].rate:.1f} % of the syllables wrong")
    names = ", ".join(f"{path.parent.name}/{path.name}" for path in manifests)
    speaker_adaptation.save(folder, best, names)
    for name in (tuning.NAME, calibration.NAME):
        if (pathlib.Path(folder) / name).exists():
            say(f"{name} was fitted before: run `zhasr tune` and data_prep.calibrate")
    return best


def errors_after(steps, model, utterances, raw):
    """Count the errors of the best path.

    Args:
        steps: int.
        model: recognizer.Recognizer that does not adapt.
        utterances: list of manifest.Utterance.
        raw: list of float array (frames, dims), their features.

    Returns:
        scoring.ErrorCounts of toned syllables, base ones if the model knows no tones.
    """
    network = speaker_adaptation.adaptive(model.network, model.description, steps)
    adapted = recognizer.Recognizer(network, model.description)
    found = list(evaluation.recognise(adapted, utterances, raw))
    kind = "syllable" if model.toned else "base-syllable"
    return scoring.score(found, toned=model.toned).rates[kind].counts


if __name__ == "__main__":
    sys.exit(main())
