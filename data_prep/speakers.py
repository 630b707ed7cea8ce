"""Prepared folders and a model -> how their speakers differ (`zhasr.speaker_maps`).

    python -m data_prep.speakers OUT MODEL data/aishell data/dspspeech

The model need not be good: it is told what is said and only has to find where, by the
best path of CTC. Then the mean cepstra of each sound are taken for each speaker, and
what differs is fitted to them. Training speakers alone are looked at.
"""

import argparse
import collections
import pathlib
import sys

import numpy as np

from zhasr import ctc, dataset, errors, mel, pinyin, recognizer, speaker_maps

MOST = 600  # utterances of a speaker; more do not change the means


def measure(folders, model, keep=None, most=MOST):
    """Measure how the training speakers of some folders differ.

    Args:
        folders: list of path, prepared.
        model: recognizer.Recognizer of the same features.
        keep: function of manifest.Utterance to bool; all by default.
        most: int, utterances of a speaker that are looked at.

    Returns:
        speaker_maps.SpeakerMaps; who says too little is left out.

    Raises:
        ValueError: other features than those of the model, or too few speakers.
    """
    speakers, means, frames = sound_means(folders, model, keep, most)
    fitted = zip(speakers, speaker_maps.fit(means, frames), strict=True)
    kept = {speaker: found for speaker, found in fitted if found is not None}
    own_means, matrices = zip(*kept.values(), strict=True)
    return speaker_maps.SpeakerMaps(
        tuple(kept), np.stack(own_means), np.stack(matrices)
    )


def sound_means(folders, model, keep=None, most=MOST):
    """Mean cepstra of each sound of each training speaker.

    Args:
        folders, model, keep, most: see `measure`.

    Returns:
        (list of str, the speakers; float array (speakers, sounds, SIZE), their means;
        int array (speakers, sounds), of how many frames).

    Raises:
        ValueError: other features than those of the model.
    """
    config = model.description.features
    sums = collections.defaultdict(lambda: np.zeros(mel.CEPSTRA))
    for path in folders:
        folder = dataset.open_folder(path)
        if folder.features != config:
            raise speaker_maps.SpeakerMapError(
                f"{path}: expected features {config}, received {folder.features}"
            )
        for item in _some(filter(keep, folder.utterances("train")), most):
            for sound, frames in _sounds(folder.store[item.id], item, model):
                sums[item.speaker, sound] += [len(frames), *frames.sum(axis=0)]
    speakers = sorted({speaker for speaker, _ in sums})
    sounds = sorted({sound for _, sound in sums})
    table = np.array([[sums[who, sound] for sound in sounds] for who in speakers])
    table = table.reshape(len(speakers), len(sounds), mel.CEPSTRA)
    frames = table[..., 0].astype(int)
    return speakers, table[..., 1:] / np.maximum(frames, 1)[..., None], frames


def _some(utterances, most):
    """So many of each speaker, drawn once and for all."""
    rng, taken = np.random.default_rng(0), collections.Counter()
    utterances = list(utterances)
    for index in rng.permutation(len(utterances)):
        item = utterances[index]
        if taken[item.speaker] < most:
            taken[item.speaker] += 1
            yield item


def _sounds(raw, item, model):
    """Pairs of a sound, without its tone, and the cepstra where it is heard."""
    labels = model.description.vocabulary
    names = pinyin.targets(labels.kind, item.syllables, item.text)
    known = {name: number for number, name in enumerate(labels.labels)}
    if not names or not known.keys() >= set(names):
        return
    normalised = model.description.normalise(raw)
    log_probs = recognizer.log_probs_of_features(model, normalised)
    numbers = [known[name] for name in names]
    if len(log_probs) < ctc.frames_needed(numbers):
        return
    reduction = model.description.architecture.reduction
    for name, (begin, end) in zip(names, ctc.align(log_probs, numbers), strict=True):
        frames = raw[begin * reduction : end * reduction].astype(float)
        cepstra = speaker_maps.cepstra(frames, model.description.features)
        yield name.rstrip("12345"), cepstra


def main(arguments=None):
    """Run the command; return the exit status: 0, or 2 for bad input."""
    parser = argparse.ArgumentParser("python -m data_prep.speakers")
    parser.add_argument("out", type=pathlib.Path, help="such as maps.safetensors")
    parser.add_argument("model", type=pathlib.Path)
    parser.add_argument("folders", type=pathlib.Path, nargs="+")
    options = parser.parse_args(arguments)
    try:
        maps = measure(options.folders, recognizer.load(options.model))
        speaker_maps.save(options.out, maps)
    except (ValueError, OSError) as error:
        print(f"speakers: {errors.one_line(error)}", file=sys.stderr)
        return 2
    print(f"{options.out}: {len(maps.speakers)} speakers")
    return 0


if __name__ == "__main__":
    sys.exit(main())
