"""Development recordings -> harder ones: other voices, rooms and microphones.

    python -m data_prep.harder DATA/dev.jsonl OUT

Where the only development sentences are those of a voice that was trained on, weights
and curves that were fitted to them trust the network too much. OUT/dev.jsonl has each
recording in several versions, the first as it was; `zhasr tune` and
`data_prep.calibrate` take it. Test sets are refused.
"""

import argparse
import dataclasses
import pathlib
import sys

import numpy as np
import soundfile

from data_prep import acoustics, disturb, pretrain
from zhasr import audio, errors, evaluation, manifest, tuning

VERSIONS = 6  # of each recording; the first is the recording itself
FARTHEST = 0.35  # logarithm of the factor on all frequencies of the voice
MOST = 100  # recordings of each manifest


def read_manifest(path, most=MOST):
    """Utterances of a manifest that is of no test set and of no test speakers.

    Args:
        path: path of the manifest.
        most: int, how many are taken, evenly.

    Returns:
        list of manifest.Utterance.

    Raises:
        tuning.TuningError: test recordings.
    """
    utterances = evaluation.read_manifest(path)
    tuning.refuse_test_set(path, utterances)
    heard = pretrain.TEST_SPEAKERS & {one.speaker for one in utterances}
    if heard:
        raise tuning.TuningError(
            f"{path}: expected no test speakers, received {sorted(heard)}"
        )
    return tuning.choose(utterances, most)


def make(samples, name, version):
    """Make another version of a recording.

    Args:
        samples: float32 array (samples,) at 16 kHz.
        name: str, id of the utterance; it decides which voice.
        version: int; the higher, the further the voice is from the recorded one, and 0
            is as it was.

    Returns:
        float32 array (samples,).
    """
    if version == 0:
        return samples
    farthest = FARTHEST * version / (VERSIONS - 1)
    factor = np.exp(farthest * (-1) ** (version + len(name)))
    whole = np.round(np.clip(samples, -1, 1) * (2**15 - 1)).astype(np.int16)
    changed = acoustics.resample(whole, audio.SAMPLE_RATE, factor)
    return disturb.disturb(changed, name, version)


def write(paths, out, most=MOST):
    """Write harder versions of the recordings of some manifests.

    Args:
        paths: list of path of manifests.
        out: path of the folder; recordings go to its folder audio.
        most: int, recordings of each manifest.

    Returns:
        path of the manifest.
    """
    out = pathlib.Path(out)
    (out / "audio").mkdir(parents=True, exist_ok=True)
    utterances = []
    for item in (item for path in paths for item in read_manifest(path, most)):
        samples = audio.read(item.audio_filepath)
        for version in range(VERSIONS):
            name = f"{item.id}@{version}"
            sound = np.clip(make(samples, item.id, version), -1, 1)
            file = out / "audio" / f"{name}.flac"
            soundfile.write(file, sound, audio.SAMPLE_RATE, subtype="PCM_16")
            utterances.append(
                dataclasses.replace(
                    item,
                    id=name,
                    audio_filepath=f"audio/{file.name}",
                    duration=len(sound) / audio.SAMPLE_RATE,
                )
            )
    manifest.write(out / "dev.jsonl", utterances)
    return out / "dev.jsonl"


def main(arguments=None):
    """Run the command; return the exit status: 0, or 2 for bad input."""
    parser = argparse.ArgumentParser(
        "python -m data_prep.harder", description=__doc__.splitlines()[0]
    )
    parser.add_argument("manifests", nargs="+", type=pathlib.Path)
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--most", type=int, default=MOST, help="recordings of each")
    options = parser.parse_args(arguments)
    try:
        print(write(options.manifests, options.out, options.most))
    except (ValueError, OSError) as error:
        print(f"harder: {errors.one_line(error)}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
