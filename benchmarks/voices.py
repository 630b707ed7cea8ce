"""How do voices differ: by a factor of all frequencies, or by more?

    python benchmarks/voices.py MODEL FOLDER ...

The mean cepstra of each sound of each training speaker are measured as by
`data_prep.speakers`. One sound of one speaker is left out at a time and predicted from
how the average speaker says it, by

    warp      the factor of `vocal_tract.warp` that fits the speaker's other sounds best
    matrix    the matrix that `speaker_maps` fits to the speaker's other sounds

Both add the speaker's mean difference. Printed is how much of what is left of the
sound, after that mean difference alone, the prediction explains.
"""

import argparse
import pathlib
import sys

import figures
import numpy as np

from data_prep import speakers
from zhasr import recognizer, speaker_maps, vocal_tract

FACTORS = range(78, 130, 2)  # hundredths
RIDGES = (0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 3.0)


def main():
    """Measure, predict what is left out, print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=pathlib.Path)
    parser.add_argument("folders", type=pathlib.Path, nargs="+")
    options = parser.parse_args()
    model = recognizer.load(options.model)
    if model.description.features.kind != "mfcc":  # `warp` is about liftered cepstra
        sys.exit("voices: expected a model of MFCC features")
    names, means, frames = speakers.sound_means(options.folders, model)
    heard = frames >= speaker_maps.FEWEST_FRAMES
    heard &= (heard.sum(axis=1) > speaker_maps.FEWEST_SOUNDS)[:, None]
    ways = {"warp": warp}
    for ridge in RIDGES:
        ways[f"matrix, ridge {ridge:g}"] = matrix_with(ridge)
    shares = explained(np.where(heard[..., None], means, 0), heard, ways)
    people = int(heard.any(axis=1).sum())
    print(f"{people} of {len(names)} speakers, {heard.sum()} sounds left out in turn")
    rows = [(way, f"{100 * share:.1f} %") for way, share in shares.items()]
    figures.table(("prediction", "explained"), rows)
    figures.figure("voices_warp_explained", 100 * shares["warp"], "%")
    chosen = shares[f"matrix, ridge {speaker_maps.RIDGE:g}"]
    figures.figure("voices_matrix_explained", 100 * chosen, "%")


def explained(means, heard, ways):
    """Leave out every sound of every speaker in turn and predict it.

    Args:
        means: float array (speakers, sounds, SIZE), 0 where nothing was heard.
        heard: bool array (speakers, sounds).
        ways: dict of name to function of (average, own, left out) -> prediction.

    Returns:
        dict of name to float, at most 1; below 0 the prediction is worse than none.
    """
    errors, nothing = dict.fromkeys(ways, 0.0), 0.0
    scale = means[heard].std(axis=0)
    for speaker, sound in zip(*np.nonzero(heard), strict=True):
        known = heard.copy()
        known[speaker, sound] = False
        if not known[:, sound].any():
            continue  # nobody else says it
        average, offsets = speaker_maps.average_speaker(
            np.where(known[..., None], means, 0), known
        )
        own = means[speaker] - offsets[speaker]
        said = known[speaker]
        nothing += np.square((own[sound] - average[sound]) / scale).sum()
        for name, way in ways.items():
            found = way(average[said], own[said], average[sound])
            errors[name] += np.square((own[sound] - found) / scale).sum()
    return {name: 1 - error / nothing for name, error in errors.items()}


def matrix_with(ridge):
    """A prediction by the matrix that is fitted with so much ridge."""

    def predict(average, own, left_out):
        matrix = speaker_maps.fit_matrix(average, own, ridge)
        return own.mean(axis=0) + matrix @ (left_out - average.mean(axis=0))

    return predict


def warp(average, own, left_out):
    """Predict by the factor of all frequencies that fits best."""
    best, found = np.inf, None
    for percent in FACTORS:
        matrix = vocal_tract.warp_matrix("mfcc", 0, percent)[1:, 1:]
        shift = (own - average @ matrix.T).mean(axis=0)
        error = np.square(own - average @ matrix.T - shift).sum()
        if error < best:
            best, found = error, matrix @ left_out + shift
    return found


if __name__ == "__main__":
    main()
