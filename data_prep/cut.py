"""Recordings of sentences -> their pieces of one to four syllables.

    python -m data_prep.cut OUT data/aishell/train.jsonl --model MODEL

`data_prep.concatenate` puts new sentences together from these: what was said in
connected speech, at its pace, in ever new contexts. So a few sentences are not learned
by heart, and words that were never said follow one another (Lam et al., "On-the-Fly
Aligned Data Augmentation for Sequence-to-Sequence ASR", Interspeech 2021, arXiv
2104.01393, exchange words of aligned recordings; here whole sentences are new).

    OUT/
      audio/ID-03-2.flac ...     two syllables of ID from the third on, counted from 0
      train.jsonl                manifest, written last
      settings.json              what was cut

A model that knows the sentences hears where each syllable is; what it hears otherwise
is in no piece. Test sets are refused.
"""

import argparse
import hashlib
import itertools
import pathlib
import sys

import numpy as np
import soundfile
import tqdm

from data_prep import concatenate
from zhasr import audio, ctc, errors, features, manifest, pinyin, recognizer

MOST_SYLLABLES = 4  # of a piece
PAUSE = 0.32  # seconds from one syllable's last sound to the next; no piece holds one
QUIET = 0.010  # seconds that are compared to find the quietest
FAR = 0.030  # seconds, at most, of that from where the sounds change


class CutError(ValueError):
    """Recordings that cannot be cut; one line says why."""


def cut(utterances, out, model):
    """Write the pieces of all recordings.

    Args:
        utterances: list of manifest.Utterance, sentences.
        out: path of the folder.
        model: recognizer.Recognizer that knows the sentences.

    Returns:
        str, one line about it.

    Raises:
        CutError: nothing to cut.
        ConcatenationError: a folder of other recordings.
    """
    out = pathlib.Path(out)
    concatenate.claim(out, {"recordings": digest(utterances)})
    if (out / "train.jsonl").is_file():
        return f"{out}: already cut"
    (out / "audio").mkdir(parents=True, exist_ok=True)
    pieces = []
    for item in tqdm.tqdm(utterances, disable=None, unit=" recordings"):
        samples = audio.read(item.audio_filepath)
        begins, runs = find(model, samples, item.syllables)
        for first, end in runs:
            pieces += _write(out, item, samples, begins, first, end)
    if not pieces:
        raise CutError(
            f"{out}: the model understands none of {len(utterances):,} recordings"
        )
    manifest.write(out / "train.jsonl", pieces)
    heard = sum(len(piece.syllables) == 1 for piece in pieces)
    said = sum(len(item.syllables) for item in utterances)
    return (
        f"{out}: {len(pieces):,} pieces of {len(utterances):,} recordings, "
        f"{heard:,} of {said:,} syllables heard"
    )


def digest(utterances):
    """What is cut, in 16 hexadecimal digits: str."""
    said = [(item.id, item.text, item.syllables) for item in utterances]
    return hashlib.sha256(repr(said).encode()).hexdigest()[:16]


def find(model, samples, syllables):
    """Find where each syllable of a recording begins.

    Args:
        model: recognizer.Recognizer, of initials and finals or of syllables.
        samples: float32 array (samples,) at 16 kHz.
        syllables: sequence of str, what is said.

    Returns:
        (list of int, list of (int, int)): the samples at which the syllables begin, and
        the last one ends; and the first and the end of each run of syllables that the
        model hears, one after another without a pause.
    """
    labels = model.description.vocabulary
    known = {name: number for number, name in enumerate(labels.labels)}
    try:
        parts = [pinyin.targets(labels.kind, [one]) for one in syllables]
    except ValueError:  # no syllable of Mandarin, or labels of another kind
        return [], []
    wanted = [known.get(name) for part in parts for name in part]
    log_probs = recognizer.log_probs(model, samples)
    if not wanted or None in wanted or len(log_probs) < ctc.frames_needed(wanted):
        return [], []
    spans = ctc.align(log_probs, wanted)
    best = log_probs.argmax(axis=1)
    seconds = model.description.architecture.reduction * features.FRAME_STEP
    firsts = np.cumsum([0, *map(len, parts)])  # label of each syllable, and the end
    peaks = [
        label in best[slice(*span)] for label, span in zip(wanted, spans, strict=True)
    ]
    heard = [all(peaks[one:end]) for one, end in itertools.pairwise(firsts)]
    begins, joined = [0], [False]
    for first in firsts[1:-1]:
        (_, left), (right, _) = spans[first - 1], spans[first]
        change = _change(log_probs, left, right, wanted[first - 1], wanted[first])
        quiet = _quietest(samples, change * seconds)
        begins.append(max(quiet, begins[-1] + 1))
        joined.append((right - left) * seconds < PAUSE)
    return [*begins, len(samples)], _runs(heard, joined)


def _runs(heard, joined):
    """First and end of the syllables that are heard in a row: list of (int, int).

    Args:
        heard: list of bool.
        joined: list of bool, whether each follows the one before without a pause.
    """
    runs = []
    for number in np.flatnonzero(heard).tolist():
        if joined[number] and runs and runs[-1][1] == number:
            runs[-1] = runs[-1][0], number + 1
        else:
            runs.append((number, number + 1))
    return runs


def _change(log_probs, left, right, before, after):
    """From which frame on, between two sounds, the second is more likely: int.

    The network says blank there, but which of the two is next to it.
    """
    between = log_probs[left:right]
    gain = np.cumsum(between[:, before] - between[:, after])
    return left + int(np.argmax(np.concatenate([[0], gain])))


def _quietest(samples, seconds):
    """The middle of the quietest moment around a time: int, a sample."""
    length, far = (round(each * audio.SAMPLE_RATE) for each in (QUIET, FAR))
    middle = round(seconds * audio.SAMPLE_RATE)
    first = max(0, middle - far)
    region = np.square(samples[first : middle + far], dtype=np.float64)
    if len(region) <= length:
        return middle
    power = np.convolve(region, np.ones(length), "valid")
    return first + int(np.argmin(power)) + length // 2


def _write(out, item, samples, begins, first, end):
    """Write the pieces of a run of syllables: list of manifest.Utterance."""
    text = item.text if len(item.text) == len(item.syllables) else ""
    pieces = []
    for begin in range(first, end):
        for after in range(begin + 1, min(begin + MOST_SYLLABLES, end) + 1):
            name = f"{item.id}-{begin:02d}-{after - begin}"
            piece = samples[begins[begin] : begins[after]]
            path = out / "audio" / f"{name}.flac"
            path.parent.mkdir(exist_ok=True)  # ids may have folders
            soundfile.write(path, piece, audio.SAMPLE_RATE, subtype="PCM_16")
            pieces.append(
                manifest.Utterance(
                    name,
                    f"audio/{name}.flac",
                    len(piece) / audio.SAMPLE_RATE,
                    text[begin:after],
                    item.speaker,
                    item.syllables[begin:after],
                )
            )
    return pieces


def main(arguments=None):
    """Run the command; return the exit status: 0, or 2 for bad input."""
    from data_prep import harder  # imports pretrain, which imports this

    parser = argparse.ArgumentParser(
        "python -m data_prep.cut", description=__doc__.splitlines()[0]
    )
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("manifests", type=pathlib.Path, nargs="+")
    parser.add_argument(
        "--model", type=pathlib.Path, help="that knows the sentences (the shipped one)"
    )
    options = parser.parse_args(arguments)
    try:
        said = [
            item
            for path in options.manifests
            for item in harder.read_manifest(path, sys.maxsize)
        ]
        model = recognizer.load(options.model, adapt=False)
        print(cut(said, options.out, model))
    except (ValueError, OSError) as error:
        print(f"cut: {errors.one_line(error)}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
