"""Sentences put together from recorded syllables and words of one voice.

    python -m data_prep.concatenate OUT data/words/train.jsonl data/HanTTS/train.jsonl

There are many recordings of single words and few of whole sentences, and who has only
heard words does not understand sentences. So sentences are made: the silence around the
recordings is cut away, they are shortened to the pace of a sentence without changing
their pitch, their pitch falls from the beginning of a sentence to its end, and each
fades into the next. What is said is known exactly: recordings are chosen by the
syllables that are spoken, tone sandhi included. It is no natural speech; it comes on
top of it.

    OUT/
      audio/VOICE-00000.flac ...
      train.jsonl                manifest, written last
      settings.json              how it was made

An interrupted run goes on when the same command is given again. `data_prep.prepare
manifests OUT ...` prepares the result.

    texts --speakable--> spans --plan--> sentences --speak--> recordings
"""

import argparse
import dataclasses
import functools
import hashlib
import json
import math
import pathlib
import sys

import numpy as np
import soundfile
import soxr
import tqdm

from data_prep import contamination, segment, sentences, time_scale, workers
from zhasr import audio, errors, files, manifest, pinyin

PACE = (0.20, 0.34)  # seconds for a syllable; shorter ones blur
PACE_VARIES = 0.12  # from one recording to the next, largest relative change
LAST_LENGTHENED = 1.25  # the last word before a pause
FACTORS = (0.3, 1.3)  # of duration; beyond these a recording is not changed
LEVEL_VARIES = 2.0  # dB
LEVEL_FALLS = 4.0  # dB, from the beginning of a phrase to its end
PITCH_FALLS = (0.06, 0.20)  # relative, from the beginning of a phrase to its end
VOICE_VARIES = 0.06  # relative, from sentence to sentence
OVERLAP = (0.010, 0.030)  # seconds in which two recordings are heard
ATTACK = 0.2  # share of the overlap in which the next recording fades in
ONSET = 0.09  # seconds at the beginning of a recording that are shortened less
PAUSE = (0.12, 0.40)  # seconds between phrases
EDGE = (0.08, 0.35)  # seconds before and after
HISS = 1e-4  # of full scale: a pause is not digital silence
LOUDNESS = 0.05  # of full scale, root mean square

SHORTEST = 4  # syllables of a span
LONGEST = 12  # syllables of a span; longer ones are cut
SYLLABLES = (4, 24)  # of a sentence
LONG_FIRST = 2.0  # a recording of n syllables is n ** LONG_FIRST times as likely
SENTENCES_PER_PIECE = 50
UNFINISHED = "unfinished"
SETTINGS = "settings.json"


class ConcatenationError(ValueError):
    """Sentences that cannot be made; one line says why."""


@dataclasses.dataclass(frozen=True)
class Span:
    """Some syllables in a row, and their hanzi."""

    syllables: tuple[str, ...]
    text: str


@dataclasses.dataclass(frozen=True)
class Sentence:
    """One sentence to be made.

    Args:
        id: str.
        speaker: str.
        phrases: tuple of tuple of (path, syllables): the recordings of each phrase and
            how many syllables they have.
        syllables: tuple of str.
        text: str, hanzi.
        pace: float, seconds for a syllable.
    """

    id: str
    speaker: str
    phrases: tuple
    syllables: tuple[str, ...]
    text: str
    pace: float


# --- what can be said ---------------------------------------------------------------


class Voice:
    """The recordings of one speaker by what is said in them.

    Args:
        speaker: str.
        utterances: list of manifest.Utterance of this speaker.
    """

    def __init__(self, speaker, utterances):
        """Sort the recordings; those without syllables or of many are left out."""
        self.speaker = speaker
        self.recordings = {}
        for item in sorted(utterances, key=lambda item: item.id):
            if 0 < len(item.syllables) <= SHORTEST:
                self.recordings.setdefault(item.syllables, []).append(item)
        self.longest = max(map(len, self.recordings), default=0)

    def spans(self, span):
        """Cut a span to the parts that this voice can say, longest first.

        Args:
            span: Span.

        Returns:
            list of Span of SHORTEST to LONGEST syllables, in order.
        """
        found, begin = [], 0
        while begin < len(span.syllables):
            end = max(self._ends(span.syllables, begin), default=begin)
            if end - begin >= SHORTEST:
                part = slice(begin, end)
                found.append(Span(span.syllables[part], span.text[part]))
            begin = max(end, begin + 1)
        return found

    def _ends(self, syllables, begin):
        """Where recordings that begin here can end, one after another."""
        reached = {begin}
        for start in range(begin, min(len(syllables), begin + LONGEST)):
            if start in reached:
                reached.update(
                    end
                    for end in range(start + 1, start + self.longest + 1)
                    if end - begin <= LONGEST
                    and syllables[start:end] in self.recordings
                )
        return reached

    def choose(self, syllables, generator):
        """Choose recordings that say some syllables, rather long ones than short.

        Args:
            syllables: tuple of str, of a span of `spans`.
            generator: numpy.random.Generator.

        Returns:
            tuple of manifest.Utterance.

        Raises:
            ConcatenationError: this voice cannot say them.
        """
        possible = self._possible_starts(syllables)
        if 0 not in possible:
            raise ConcatenationError(
                f"{self.speaker}: no recordings for {' '.join(syllables)}"
            )
        chosen, start = [], 0
        while start < len(syllables):
            ends = np.array([end for end in possible[start]])
            weights = (ends - start) ** LONG_FIRST
            end = int(generator.choice(ends, p=weights / weights.sum()))
            takes = self.recordings[syllables[start:end]]
            chosen.append(takes[generator.integers(len(takes))])
            start = end
        return tuple(chosen)

    def _possible_starts(self, syllables):
        """From which positions, by which next ones, the end can be reached."""
        possible = {len(syllables): []}
        for start in reversed(range(len(syllables))):
            ends = [
                end
                for end in range(start + 1, start + self.longest + 1)
                if end in possible and syllables[start:end] in self.recordings
            ]
            if ends:
                possible[start] = ends
        return possible


def voices(paths):
    """Read the voices of some manifests.

    Args:
        paths: list of path of manifests.

    Returns:
        list of Voice that have anything to say, by name.

    Raises:
        ManifestError: a manifest that cannot be read.
    """
    speakers = {}
    for path in paths:
        for item in manifest.read(path):
            speakers.setdefault(item.speaker, []).append(item)
    found = [Voice(name, speakers[name]) for name in sorted(speakers)]
    return [voice for voice in found if voice.recordings]


def read_texts(paths=(), excluded=()):
    """Read what may be said: by default the sentences of this project.

    Args:
        paths: list of path of text files, see `segment.read_lines`; without any, the
            training part of sentences.txt.
        excluded: iterable of str, sentences of tests: a line that gives one away is
            left out.

    Returns:
        list of str, without doubles.
    """
    if paths:
        lines = (line for path in paths for line in segment.read_lines(path))
    else:
        lines = iter(sentences.natural("train"))
    tests = contamination.index(pinyin.normalise(line) for line in excluded)
    return list(
        dict.fromkeys(
            line
            for line in lines
            if len(line) >= SHORTEST
            and not contamination.is_contaminated(pinyin.normalise(line), tests)
        )
    )


# --- which sentences ----------------------------------------------------------------


def plan(speakers, texts, minutes, seed=0):
    """Decide which sentences to make.

    The more different things a voice has said, the more sentences it gets: by the
    square root.

    Args:
        speakers: list of Voice.
        texts: list of str.
        minutes: float, of all sentences.
        seed: int.

    Returns:
        list of Sentence.

    Raises:
        ConcatenationError: none of the voices can say any of the texts.
    """
    if not texts:
        raise ConcatenationError("no text to say: every line is too short or excluded")
    weights = [math.sqrt(len(voice.recordings)) for voice in speakers]
    planned = []
    for voice, weight in zip(speakers, weights, strict=True):
        seconds = 60 * minutes * weight / sum(weights)
        generator = np.random.default_rng([seed, *voice.speaker.encode()])
        planned += _plan_voice(voice, texts, seconds, generator)
    if not planned:
        raise ConcatenationError(
            "no voice has the recordings for any of the texts; give more recordings, "
            "single syllables above all"
        )
    return planned


def _plan_voice(voice, texts, seconds, generator):
    """Sentences of a voice, until there are enough seconds of them."""
    planned, spans, wanted = [], [], int(generator.integers(*SYLLABLES, endpoint=True))
    for span in _spans_forever(voice, texts, generator):
        if seconds <= 0:
            break
        spans.append(span)
        if sum(len(each.syllables) for each in spans) < wanted:
            continue
        name = f"{voice.speaker}-{len(planned):05d}"
        sentence = _plan_sentence(name, voice, spans, generator)
        planned.append(sentence)
        pauses = np.mean(PAUSE) * (len(spans) - 1) + 2 * np.mean(EDGE)
        seconds -= sentence.pace * len(sentence.syllables) + pauses
        spans, wanted = [], int(generator.integers(*SYLLABLES, endpoint=True))
    return planned


def _spans_forever(voice, texts, generator):
    """What a voice can say of the texts, in ever new orders."""
    found = True
    while found:
        found = False
        for index in generator.permutation(len(texts)):
            for phrase in _phrases(texts[index]):
                for span in voice.spans(phrase):
                    found = True
                    yield span


@functools.lru_cache(maxsize=2**16)
def _phrases(text):
    """The spoken syllables of a text with their hanzi, [] where there are none."""
    try:
        syllables = tuple(pinyin.syllables(text))
    except ValueError:
        return ()
    hanzi = pinyin.normalise(text)
    return (Span(syllables, hanzi),) if len(hanzi) == len(syllables) else ()


def _plan_sentence(name, voice, spans, generator):
    phrases = tuple(
        tuple(
            (item.audio_filepath, len(item.syllables))
            for item in voice.choose(span.syllables, generator)
        )
        for span in spans
    )
    syllables = tuple(each for span in spans for each in span.syllables)
    text = "".join(span.text for span in spans)
    pace = round(float(generator.uniform(*PACE)), 4)
    return Sentence(name, voice.speaker, phrases, syllables, text, pace)


# --- how they sound -----------------------------------------------------------------


def speak(sentence):
    """Make the sound of a sentence; the same one always sounds alike.

    Args:
        sentence: Sentence.

    Returns:
        float32 array (samples,) at 16 kHz.

    Raises:
        AudioError: a recording cannot be read.
    """
    digest = hashlib.sha256(sentence.id.encode()).digest()
    generator = np.random.default_rng(list(digest))
    voice = _around(VOICE_VARIES, generator)
    sounds = [_silence(EDGE, generator)]
    for number, phrase in enumerate(sentence.phrases):
        if number:
            sounds.append(_silence(PAUSE, generator))
        sounds.append(_speak_phrase(phrase, sentence.pace, voice, generator))
    sounds.append(_silence(EDGE, generator))
    joined = time_scale.join(sounds, round(0.005 * audio.SAMPLE_RATE))
    hiss = HISS * generator.standard_normal(len(joined)).astype(np.float32)
    return np.clip(joined + hiss, -1, 1)


def _speak_phrase(phrase, pace, voice, generator):
    total = sum(count for _, count in phrase)
    fall = generator.uniform(*PITCH_FALLS)
    parts, done = [], 0
    for number, (path, count) in enumerate(phrase):
        place = (done + count / 2) / total - 0.5  # of its middle, -0.5 to 0.5
        seconds = pace * count * _around(PACE_VARIES, generator)
        if number == len(phrase) - 1:
            seconds *= LAST_LENGTHENED
        level = -LEVEL_FALLS * place + generator.uniform(-1, 1) * LEVEL_VARIES
        sound = _fit(_recording(path), seconds, voice * (1 - fall * place))
        parts.append(_set_loudness(sound, LOUDNESS * 10 ** (level / 20)))
        done += count
    overlap = generator.uniform(*OVERLAP)
    return time_scale.join(parts, round(overlap * audio.SAMPLE_RATE), ATTACK)


def _around(most, generator):
    """A factor near 1, by at most so much larger or smaller."""
    return float(np.exp(generator.uniform(-1, 1) * np.log1p(most)))


def _silence(seconds, generator):
    length = round(generator.uniform(*seconds) * audio.SAMPLE_RATE)
    return np.zeros(length, np.float32)


@functools.lru_cache(maxsize=2**10)
def _recording(path):
    return time_scale.trim(audio.read(path))


def _fit(sound, seconds, pitch):
    """Give a recording another pitch and duration.

    Resampling moves the formants with the pitch, by at most a tenth: so do people who
    raise their voice, if less.
    """
    rate = audio.SAMPLE_RATE
    shifted = soxr.resample(sound, rate * pitch, rate, quality="HQ")
    factor = np.clip(seconds * rate / max(len(shifted), 1), *FACTORS)
    return time_scale.resize(shifted, float(factor), round(ONSET * rate))


def _set_loudness(sound, loudness):
    power = np.sqrt(np.mean(np.square(sound))) if len(sound) else 0
    return sound * (loudness / max(power, 1e-6))


# --- files --------------------------------------------------------------------------


def concatenate(manifests, out, minutes, texts, seed=0, worker_count=None):
    """Write a corpus of sentences put together.

    Args:
        manifests: list of path, of recordings of syllables and words.
        out: path of the folder: new, or one of the same call that was interrupted.
        minutes: float, of speech.
        texts: list of str, see `read_texts`.
        seed: int.
        worker_count: int, processes; as many as there are cores when left out.

    Returns:
        str, one line about it.

    Raises:
        ValueError: nothing to say, or another call's folder.
    """
    out = pathlib.Path(out)
    settings = {
        "manifests": [_digest(pathlib.Path(path).read_bytes()) for path in manifests],
        "texts": _digest("\n".join(texts).encode()),
        "minutes": minutes,
        "seed": seed,
    }
    claim(out, settings)
    if (out / "train.jsonl").is_file():
        return f"{out}: already made"
    planned = plan(voices(manifests), texts, minutes, seed)
    size = SENTENCES_PER_PIECE
    cut = [planned[begin : begin + size] for begin in range(0, len(planned), size)]
    pieces = [(out, number, piece) for number, piece in enumerate(cut)]
    missing = [piece for piece in pieces if not _record(out, piece[1]).is_file()]
    (out / "audio").mkdir(exist_ok=True)
    bar = tqdm.tqdm(
        total=len(pieces),
        initial=len(pieces) - len(missing),
        disable=None,
        unit=" × 50",
    )
    with bar:
        count = min(worker_count or workers.count_cores(), len(missing))
        if missing:
            workers.run(_write_piece, missing, count, bar.update)
    utterances = [
        item for piece in pieces for item in manifest.read(_record(out, piece[1]))
    ]
    # The records lie one folder deeper than the manifest.
    utterances = [
        dataclasses.replace(item, audio_filepath=f"audio/{item.id}.flac")
        for item in utterances
    ]
    manifest.write(out / "train.jsonl", utterances)
    hours = sum(item.duration for item in utterances) / 3600
    names = len({item.speaker for item in utterances})
    return f"{out}: {len(utterances):,} sentences, {hours:.2f} h, {names} voices"


def _digest(content):
    return hashlib.sha256(content).hexdigest()[:16]


def claim(out, settings):
    """Make a folder, or go on with it; refuse that of other settings.

    Args:
        out: path.
        settings: dict, what its content depends on.

    Raises:
        ConcatenationError: other settings, or files of somebody else.
    """
    text = json.dumps(settings, indent=2) + "\n"
    path = out / SETTINGS
    if path.is_file() and path.read_text() != text:
        raise ConcatenationError(
            f"{out}: made from other recordings, texts or settings; choose another "
            "folder, or delete this one to make it again"
        )
    if not path.is_file() and out.is_dir() and any(out.iterdir()):
        raise ConcatenationError(f"{out} holds other files; choose a new folder")
    files.replace(path, text)


def _record(out, number):
    return out / UNFINISHED / f"piece-{number:05d}.jsonl"


def _write_piece(piece):
    """Write the recordings of some sentences, then their record; return 1."""
    out, number, planned = piece
    utterances = []
    for sentence in planned:
        sound = speak(sentence)
        path = out / "audio" / f"{sentence.id}.flac"
        soundfile.write(path, sound, audio.SAMPLE_RATE, subtype="PCM_16")
        utterances.append(
            manifest.Utterance(
                sentence.id,
                f"../audio/{path.name}",
                len(sound) / audio.SAMPLE_RATE,
                sentence.text,
                sentence.speaker,
                sentence.syllables,
            )
        )
    manifest.write(_record(out, number), utterances)
    return 1


def main(arguments=None):
    """Run the command; return the exit status: 0, or 2 for bad input."""
    parser = argparse.ArgumentParser("python -m data_prep.concatenate")
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("manifests", type=pathlib.Path, nargs="+")
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--text", type=pathlib.Path, nargs="+", default=[])
    parser.add_argument(
        "--exclude",
        type=pathlib.Path,
        nargs="+",
        default=[],
        help="text files of test sentences, which are not said",
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int)
    options = parser.parse_args(arguments)
    try:
        excluded = [
            line for path in options.exclude for line in segment.read_lines(path)
        ]
        texts = read_texts(options.text, excluded)
        print(
            concatenate(
                options.manifests,
                options.out,
                options.minutes,
                texts,
                options.seed,
                options.workers,
            )
        )
    except (ValueError, OSError) as error:
        print(f"concatenate: {errors.one_line(error)}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
