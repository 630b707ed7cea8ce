"""Sounds for the lessons: single syllables and sentences, a person's where there are.

A lesson needs a few clear sounds. espeak-ng speaks them, with a voice of the synthetic
corpus but without its rooms and noises. Where the folder `corpora` at the top of this
project holds recordings of people, they are used instead; one command fetches them:

    git clone https://github.com/hugolpz/audio-cmn corpora/audio-cmn
    python -m data_prep.download thchs30 corpora

The first has single syllables (Chen Wang, CC BY-SA), the second sentences of THCHS-30
(Apache-2.0), of which only training utterances are taken.
"""

import dataclasses
import functools
import pathlib

import numpy as np

from data_prep import acoustics, consonants, espeak, voices
from data_prep.corpora import thchs30
from zhasr import audio, pinyin

FOLDER = pathlib.Path(__file__).parents[1] / "corpora"
SYLLABLE_FOLDERS = ("18k-abr", "24k-abr", "64k", "96k")  # of audio-cmn, any will do
SUFFIXES = (".mp3", ".opus", ".ogg", ".wav")
SYNTHETIC = "synthetic speech (espeak-ng)"
RECORDED = "recording of a person ({})"

VOICE = "A06"  # a clear woman's voice of the training split
RATE = 130  # espeak-ng words per minute: slow and clear
ONSET = 0.06  # seconds kept of a sonorant consonant, see `_shorten_onset`
PEAK = 0.7  # of full scale
SONORANTS = ("m", "n", "l", "z.", "j", "w")  # espeak-ng's names
FADE = 0.01  # seconds
AROUND = 0.06  # seconds of silence before and after
QUIET = 0.02  # of the loudest sample: below it nobody speaks yet


@dataclasses.dataclass(frozen=True)
class Sound:
    """A sound and where it comes from.

    Args:
        samples: float32 array (samples,) at 16 kHz.
        syllables: tuple of str, what is spoken.
        source: str, says whether it is synthetic.
        text: str, hanzi; "" for single syllables.
    """

    samples: np.ndarray
    syllables: tuple[str, ...]
    source: str
    text: str = ""


def syllable(name, voice=VOICE, folder=FOLDER):
    """One syllable, spoken alone.

    Args:
        name: str, toned pinyin: "ma3".
        voice: str, name of one of `voices.VOICES`, for synthetic speech.
        folder: pathlib.Path, where recordings may be.

    Returns:
        Sound.

    Example:
        >>> syllable("ma3").samples.dtype
        dtype('float32')
    """
    for path in _recordings(name, folder):
        samples = _level(audio.read(path))
        return Sound(samples, (name,), RECORDED.format("audio-cmn"))
    return Sound(_speak([[[name]]], voice, False), (name,), SYNTHETIC)


def _recordings(name, folder):
    top = pathlib.Path(folder) / "audio-cmn"
    paths = [
        top / quality / "syllabs" / f"cmn-{name}{suffix}"
        for quality in SYLLABLE_FOLDERS
        for suffix in SUFFIXES
    ]
    return [path for path in paths if path.is_file()]


def sentence(text, voice=VOICE, folder=FOLDER):
    """One sentence: the given one, or a training utterance of THCHS-30.

    Args:
        text: str, hanzi with punctuation, what espeak-ng is to speak.
        voice: str, name of one of `voices.VOICES`, for synthetic speech.
        folder: pathlib.Path, where recordings may be.

    Returns:
        Sound; its `text` and `syllables` say what is spoken.
    """
    source = pathlib.Path(folder) / "data_thchs30"
    if (source / "train").is_dir():
        entry = next(e for e in thchs30.read(source).entries if e.split == "train")
        samples = _level(audio.read(entry.audio_filepath))
        recorded = RECORDED.format("THCHS-30")
        return Sound(samples, tuple(entry.syllables), recorded, entry.text)
    return say(pinyin.syllables(text), voice, text)


def say(syllables, voice=VOICE, text="", joined=True):
    """Synthetic speech of exactly these syllables, with no pause.

    Args:
        syllables: sequence of str, toned pinyin.
        voice: str, name of one of `voices.VOICES`.
        text: str, hanzi, only handed on.
        joined: bool, run the syllables together as in fluent speech.

    Returns:
        Sound.
    """
    clauses = [[list(syllables)]]
    return Sound(_speak(clauses, voice, joined), tuple(syllables), SYNTHETIC, text)


def _speak(clauses, name, joined):
    voice = _voices()[name]
    with espeak.data_folder({voice.name: voices.voice_file(voice)}) as folder:
        text = espeak.phonemes(clauses, joined)
        samples, spoken = espeak.speak(folder, voice.name, text, rate=RATE)
    samples = _shorten_onset(samples, spoken)
    samples = consonants.reshape(samples, spoken)
    return _level(acoustics.resample(samples, espeak.SAMPLE_RATE, voice.tract))


def _shorten_onset(samples, spoken):
    """Silence the beginning of a long first m, n, l, r, y or w.

    espeak-ng holds it for 0.14 s and lets the pitch rise through all of it, whatever
    the tone; people hold it half as long, and their pitch is at the tone sooner.
    """
    (_, first), (vowel, _) = spoken[:2]
    if first not in SONORANTS:
        return samples
    begin = max(0, vowel - round(ONSET * espeak.SAMPLE_RATE))
    fade = round(FADE * espeak.SAMPLE_RATE)
    gain = np.clip((np.arange(len(samples)) - begin) / fade, 0, 1)
    return (gain * samples).astype(np.int16)


@functools.cache
def _voices():
    return {voice.name: voice for voice in voices.VOICES}


def _level(samples):
    """Cut to the speech and a little around it, and bring the peak to PEAK."""
    loudest = np.abs(samples).max()
    loud = np.flatnonzero(np.abs(samples) > QUIET * loudest)
    margin = round(AROUND * audio.SAMPLE_RATE)
    padded = np.pad(samples[loud[0] : loud[-1] + 1], margin)
    return (PEAK / loudest * padded).astype(np.float32)
