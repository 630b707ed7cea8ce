"""Find out how much of a transcript is likely wrong when a model is so sure of it.

    python -m data_prep.calibrate MODEL DATA/dev.jsonl [MORE/dev.jsonl ...]

Development recordings are recognised as they are and in harder versions, in other
rooms and voices (`data_prep.harder`). What `zhasr transcribe` says of its errors comes
from the curve that is written into the model folder (`zhasr.calibration`). Test sets
are refused.
"""

import argparse
import pathlib
import sys

from data_prep import harder
from zhasr import (
    audio,
    calibration,
    decoders,
    errors,
    hanzi,
    recognizer,
    scoring,
    tuning,
)

DECODERS = ("greedy", "words")  # with a language; greedy also without


def main(arguments=None):
    """Run the command; return the exit status: 0, or 2 for bad input."""
    options = _parse(arguments)
    try:
        calibrate(options.model, options.manifests, options.decoders, print)
    except (ValueError, OSError) as error:
        print(f"calibrate: {errors.one_line(error)}", file=sys.stderr)
        return 2
    return 0


def _parse(arguments):
    parser = argparse.ArgumentParser(
        "python -m data_prep.calibrate", description=__doc__.splitlines()[0]
    )
    parser.add_argument("model", type=pathlib.Path)
    parser.add_argument("manifests", nargs="+", type=pathlib.Path)
    parser.add_argument(
        "--decoders", nargs="+", default=DECODERS, choices=decoders.NAMES
    )
    return parser.parse_args(arguments)


def calibrate(folder, manifests, names=DECODERS, say=lambda line: None):
    """Fit the curves of decoders and write them into a model folder.

    Args:
        folder: path of a model folder.
        manifests: sequence of path, of development recordings.
        names: sequence of str, the decoders; "words" with the shipped language.
        say: function that is told each curve, a line a point.

    Raises:
        ValueError: a test set, or too few recordings; or as `recognizer.load`.
    """
    utterances = [one for path in manifests for one in harder.read_manifest(path)]
    model = recognizer.load(folder)
    built = {name: _decoder(folder, name, model) for name in names}
    cases = {name: [] for name in names}
    for utterance in utterances:
        samples = audio.read(utterance.audio_filepath)
        for version in range(harder.VERSIONS):
            sound = harder.make(samples, utterance.id, version)
            posteriors = recognizer.log_probs(model, sound)
            for name, decoder in built.items():
                heard = recognizer.decode(model, posteriors, decoder)
                cases[name].append(case(utterance, heard))
    about = f"{len(utterances)} recordings of "
    about += f"{', '.join(path.name for path in manifests)}, {harder.VERSIONS} versions"
    curves = {name: calibration.fit(cases[name]) for name in names}
    calibration.save(folder, curves, about)
    for name, curve in curves.items():
        for sure, rate in zip(curve.scores, curve.rates, strict=True):
            say(f"{name}: score {sure:.3f}, syllable error {100 * rate:.1f} %")


def case(utterance, heard):
    """What `calibration.fit` takes, of an utterance and its Transcript."""
    counts = scoring.count(scoring.align(utterance.syllables, heard.syllables))
    return (
        calibration.score(heard.labels),
        counts.errors,
        counts.reference_length,
    )


def _decoder(folder, name, model):
    """None for the best path: characters change nothing in its syllables."""
    if name == "greedy":
        return None
    weights = tuning.load(folder, name)
    names = model.description.vocabulary
    return decoders.build(name, names, hanzi.load(hanzi.FOLDER), weights)


if __name__ == "__main__":
    sys.exit(main())
