"""Make the embedded corpus: synthetic Mandarin in the layout of THCHS-30.

    python -m data_prep.synthesize OUT --hours 3

espeak-ng speaks the texts of `data_prep.sentences` with the voices of
`data_prep.voices`, as `data_prep.casting` shares them out. No person was recorded and
nothing is downloaded:

    OUT/data_thchs30/
      README                says that it is synthetic, and how it was made
      data/A01_17.wav       16 kHz, 16 bit, mono
      data/A01_17.wav.trn   words / toned syllables / initials and finals
      train/A01_17.wav      the same file
      train/A01_17.wav.trn  one line: ../data/A01_17.wav.trn

An utterance id is SPEAKER_sentence; a sentence number is one text. No voice and no
text is in two splits. The syllables of line 2 are what espeak-ng is told to speak,
tone sandhi included.

Every utterance depends on nothing but the seed and its id, so the number of workers
does not change a byte, and a run that was stopped goes on where it stopped.
"""

import argparse
import functools
import io
import os
import pathlib
import shutil
import sys
import wave

import numpy as np
import tqdm

from data_prep import acoustics, casting, consonants, espeak, voices, workers
from zhasr import audio, pinyin

VERSION = 2  # of the corpus: another version makes other sound from the same seed
FOLDER = "data_thchs30"

# An utterance differs from its voice's usual way of speaking by up to so much
RATE_SPREAD = 0.12  # of the rate
PITCH_SPREAD = 5  # espeak-ng's pitch goes from 0 to 100
RANGE_SPREAD = 8  # espeak-ng's pitch range goes from 0 to 100
TILT_SPREAD = 1.0  # dB per octave
NOISE_RATIOS = (20, 40)  # dB
PEAKS = (-20, -1)  # dB below full scale
SILENCES = (0.1, 0.4)  # seconds before and after
BATCH = 8  # utterances that a process takes at a time

README = """Synthetic Mandarin speech: spoken by espeak-ng, not by people.

Laid out as THCHS-30, but no part of it. Made by zhasr, corpus version {version}, with
    python -m data_prep.synthesize OUT{options}
No voice and no text is in two of train/, dev/ and test/. Most texts of dev and test
are natural sentences (seven in ten of test), three in ten of train; the others are
patterns (numbers, dates, prices, places) and rows of words from a dictionary.
"""


def render(utterance, folder):
    """Speak one utterance: voice, tract, tilt, room, noise and level.

    Args:
        utterance: casting.Utterance.
        folder: pathlib.Path of an `espeak.data_folder` with its voice.

    Returns:
        int16 array (samples,) at 16 kHz.
    """
    voice = utterance.voice
    generator = np.random.default_rng(utterance.seed)

    def around(spread):
        return generator.uniform(-spread, spread)

    text = espeak.phonemes(utterance.clauses, generator.random() < voice.joined)
    samples, spoken = espeak.speak(
        folder,
        voice.name,
        text,
        rate=round(voice.rate * (1 + around(RATE_SPREAD))),
        pitch=round(50 + around(PITCH_SPREAD)),
        pitch_range=round(50 + around(RANGE_SPREAD)),
    )
    samples = consonants.reshape(samples, spoken)
    speech = acoustics.resample(samples, espeak.SAMPLE_RATE, voice.tract)
    before, after = generator.uniform(*SILENCES, 2) * audio.SAMPLE_RATE
    speech = np.pad(speech, (int(before), int(after)))
    speech = acoustics.tilt(speech, voice.tilt + around(TILT_SPREAD))
    speech = acoustics.room(speech, voice.reverberation, generator)
    background = acoustics.noise(voice.noise, len(speech), generator)
    noisy = acoustics.add_noise(speech, background, generator.uniform(*NOISE_RATIOS))
    return acoustics.set_peak(noisy, generator.uniform(*PEAKS))


def transcript(utterance):
    """Write the three lines of a `.trn` file.

    Args:
        utterance: casting.Utterance.

    Returns:
        str: words, toned syllables, initials and finals.
    """
    syllables = utterance.syllables
    phones = pinyin.targets("initial-final", syllables, "")
    lines = (utterance.words, " ".join(syllables), " ".join(phones))
    return "".join(line + "\n" for line in lines)


def write(utterance, folder, root):
    """Make the four files of an utterance; the last one says that all are there.

    Args:
        utterance: casting.Utterance.
        folder: pathlib.Path of an `espeak.data_folder`.
        root: pathlib.Path of the corpus.

    Returns:
        Seconds of sound made.
    """
    name = f"{utterance.id}.wav"
    samples = render(utterance, folder)
    _write_bytes(root / "data" / f"{name}.trn", transcript(utterance).encode())
    _write_bytes(root / "data" / name, _wav(samples))
    _link(root / "data" / name, root / utterance.split / name)
    pointer = f"../data/{name}.trn\n".encode()
    _write_bytes(_last_file(utterance, root), pointer)
    return len(samples) / audio.SAMPLE_RATE


def _last_file(utterance, root):
    """The file that is written last: the pointer to the transcript."""
    return root / utterance.split / f"{utterance.id}.wav.trn"


def _wav(samples):
    """Pack samples as a wav file, 16 bit, mono."""
    packed = io.BytesIO()
    with wave.open(packed, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(audio.SAMPLE_RATE)
        file.writeframes(samples.astype("<i2").tobytes())
    return packed.getvalue()


def _write_bytes(path, content):
    """Write a file so that it is there whole or not at all."""
    temporary = path.with_name(f".{path.name}.tmp")
    temporary.write_bytes(content)
    os.replace(temporary, path)


def _link(source, target):
    """Give a file a second name, or copy it where the file system has no links."""
    temporary = target.with_name(f".{target.name}.tmp")
    temporary.unlink(missing_ok=True)
    try:
        os.link(source, temporary)
    except OSError:
        shutil.copyfile(source, temporary)
    os.replace(temporary, target)
    temporary.unlink(missing_ok=True)  # two names of one file: replace does nothing


def synthesize(out, hours=None, seed=0, processes=None):
    """Make the corpus, or what is missing of it.

    Args:
        out: pathlib.Path; the corpus is made in its folder `data_thchs30`.
        hours: dict from split to hours of sound, about; casting.HOURS where left out.
        seed: int; another seed, other words and other sound.
        processes: how many work at it; one for each core where left out.

    Returns:
        pathlib.Path of the corpus.

    Raises:
        ValueError: if the folder holds a corpus made with other options.
    """
    hours = casting.HOURS | (hours or {})
    root = pathlib.Path(out) / FOLDER
    _claim(root, hours, seed)
    planned = casting.plan(hours, seed)
    missing = [item for item in planned if not _last_file(item, root).exists()]
    files = {voice.name: voices.voice_file(voice) for voice in voices.VOICES}
    with (
        espeak.data_folder(files) as folder,
        tqdm.tqdm(total=len(missing), unit="utterance", disable=None) as bar,
    ):
        job = functools.partial(_write_batch, folder=folder, root=root)
        batches = [missing[i : i + BATCH] for i in range(0, len(missing), BATCH)]
        if processes == 1 or len(batches) < 2:
            for batch in batches:
                bar.update(job(batch))
        else:
            workers.run(job, batches, processes or workers.count_cores(), bar.update)
    return root


def _write_batch(utterances, folder, root):
    """Make some utterances; returns how many."""
    for utterance in utterances:
        write(utterance, folder, root)
    return len(utterances)


def _claim(root, hours, seed):
    """Write the README, or see that it is that of the same corpus."""
    options = "".join(
        f" --{'' if split == 'train' else split + '-'}hours {hours[split]:g}"
        for split in casting.HOURS
    )
    readme = README.format(version=VERSION, options=f"{options} --seed {seed}")
    path = root / "README"
    if path.exists() and path.read_text(encoding="utf-8") != readme:
        raise ValueError(
            f"{root} holds a corpus made with other options (see its README): "
            "choose another folder or delete this one"
        )
    for folder in ("data", *casting.HOURS):
        (root / folder).mkdir(parents=True, exist_ok=True)
    _write_bytes(path, readme.encode())


def main(arguments=None):
    """Run the command.

    Args:
        arguments: list of str; those of the command line where left out.

    Returns:
        Exit status.
    """
    parser = argparse.ArgumentParser(
        prog="python -m data_prep.synthesize",
        description="Make a synthetic Mandarin corpus with espeak-ng.",
    )
    parser.add_argument("out", type=pathlib.Path, help="folder to make it in")
    for split, default in casting.HOURS.items():
        prefix = "" if split == "train" else f"{split}-"
        parser.add_argument(
            f"--{prefix}hours",
            type=float,
            default=default,
            help=f"hours of the {split} split, about (%(default)s)",
        )
    parser.add_argument("--seed", type=int, default=0, help="default %(default)s")
    parser.add_argument("--workers", type=int, help="processes (one per core)")
    options = parser.parse_args(arguments)
    hours = {"train": options.hours, "dev": options.dev_hours}
    hours["test"] = options.test_hours
    try:
        root = synthesize(options.out, hours, options.seed, options.workers)
    except (ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(f"synthetic speech (espeak-ng) in {root}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
