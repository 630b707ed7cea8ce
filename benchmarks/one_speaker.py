"""Is a long recording understood better when all of it tells who speaks?

    OPENBLAS_NUM_THREADS=1 python benchmarks/one_speaker.py MODEL DATA/dev.jsonl

Development sentences of one speaker, all of them in one voice and room of
`data_prep.disturb`, then in the next: what the pieces of a long recording are like.
Wrong syllables by the best path, used to nobody, to each sentence (as the model folder
says), and to all sentences of a room together (`zhasr.one_speaker`). Test sets are
refused.
"""

import argparse
import pathlib

import figures

from data_prep import disturb, harder
from zhasr import audio, evaluation, features, recognizer, scoring

ROOMS = 6
MOST = 1000  # sentences


def main():
    """Print the table and the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=pathlib.Path)
    parser.add_argument("manifest", type=pathlib.Path)
    options = parser.parse_args()
    utterances = harder.read_manifest(options.manifest, MOST)
    plain, each = (recognizer.load(options.model, adapt=adapt) for adapt in (0, 1))
    spoken = [audio.read(item.audio_filepath) for item in utterances]
    rows = []
    for room in range(1, ROOMS + 1):
        raw = [  # the name decides on the voice and the room
            features.extract(
                disturb.disturb(one, "one room", room), plain.description.features
            )
            for one in spoken
        ]
        heard = list(map(plain.description.normalise, raw))
        models = (plain, each, recognizer.used_to(plain, heard))
        rows.append([wrong(model, utterances, raw) for model in models])
        print(room, *rows[-1], flush=True)
    nobody, by_each, by_all = (sum(column) for column in zip(*rows, strict=True))
    figures.figure("one_speaker_wrong_nobody", nobody, "syllables")
    figures.figure("one_speaker_wrong_each", by_each, "syllables")
    figures.figure("one_speaker_wrong_all", by_all, "syllables")
    figures.figure("one_speaker_all_to_each", by_all / by_each, "x")


def wrong(model, utterances, raw):
    """How many toned syllables are wrong by the best path: int."""
    found = list(evaluation.recognise(model, utterances, raw))
    return scoring.score(found).rates["syllable"].counts.errors


if __name__ == "__main__":
    main()
