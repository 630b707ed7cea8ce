"""Recognised words as text, JSON, subtitles (SRT) or time-marked words (CTM).

Times are seconds. A network says where it decided for a syllable, which is a moment
within it, so words may seem short and pauses long.
"""

import dataclasses
import itertools
import json
import math

FORMATS = ("text", "json", "srt", "ctm")
PAUSE = 0.8  # seconds without a word that begin a new subtitle, and a space in text
LONGEST_SUBTITLE = 6.0  # seconds
MOST_HANZI = 20  # in a subtitle, or syllables where there are no hanzi
LINGER = 0.3  # seconds that a subtitle stays after its last word


@dataclasses.dataclass(frozen=True)
class Timed:
    """A word or a syllable with its time.

    Args:
        text: str, hanzi, or pinyin of a syllable.
        start: float, seconds.
        end: float, seconds.
        confidence: float, 0 to 1.
        syllables: tuple of Timed; () of a syllable.
    """

    text: str
    start: float
    end: float
    confidence: float
    syllables: tuple = ()


def timed(hypothesis, frame_step):
    """Give the words of a hypothesis their times in seconds.

    Args:
        hypothesis: word_search.Hypothesis.
        frame_step: float, seconds from one frame of the posteriors to the next.

    Returns:
        tuple of Timed.
    """

    return tuple(
        _in_seconds(
            word,
            frame_step,
            word.text,
            word.confidence,
            tuple(
                _in_seconds(one, frame_step, one.text, one.probability)
                for one in word.syllables
            ),
        )
        for word in hypothesis.words
    )


def timed_syllables(syllables, frame_step, characters=""):
    """The same for syllables that belong to no words: each becomes one.

    Args:
        syllables: sequence of spoken.Syllable.
        frame_step: float, seconds from one frame of the posteriors to the next.
        characters: str, a character for each syllable, or "".

    Returns:
        tuple of Timed.
    """
    words = []
    for number, one in enumerate(syllables):
        said = _in_seconds(one, frame_step, one.text, one.probability)
        character = characters[number : number + 1]
        words.append(dataclasses.replace(said, text=character, syllables=(said,)))
    return tuple(words)


def _in_seconds(item, frame_step, text, confidence, syllables=()):
    start, end = item.start * frame_step, item.end * frame_step
    return Timed(text, start, end, confidence, syllables)


def later(words, seconds):
    """The same words so much later: tuple of Timed."""
    return tuple(
        dataclasses.replace(
            word,
            start=word.start + seconds,
            end=word.end + seconds,
            syllables=later(word.syllables, seconds),
        )
        for word in words
    )


def confidence(words):
    """How sure a recording was understood: the share of its syllables that are right.

    Args:
        words: sequence of Timed.

    Returns:
        float, 0 to 1: the mean confidence of the words, each counted by its syllables;
        nan without any.
    """
    counts = [max(1, len(word.syllables)) for word in words]
    total = sum(
        count * word.confidence for count, word in zip(counts, words, strict=True)
    )
    return total / sum(counts) if counts else math.nan


def write(kind, name, words, wrong=None):
    """Write the words of a recording.

    Args:
        kind: str, one of FORMATS.
        name: str, the recording.
        words: sequence of Timed, in the order of time.
        wrong: float, the share of the syllables that is likely wrong, which json
            tells; None where that is not known.

    Returns:
        str, without a line break at the end; "" where a format has nothing to say.

    Raises:
        ValueError: another kind.

    Example:
        >>> said = Timed("ni2", 0.2, 0.28, 0.9), Timed("hao3", 0.4, 0.48, 0.8)
        >>> words = [Timed("你好", 0.2, 0.48, 0.97, said)]
        >>> write("text", "a.wav", words)
        '你好 (ni2 hao3)'
        >>> write("ctm", "a.wav", words)
        'a.wav 1 0.20 0.28 你好 0.97'
    """
    if kind == "json":
        return _json(name, words, wrong)
    writers = {"text": _text, "srt": _srt, "ctm": _ctm}
    if kind not in writers:
        raise ValueError(f"expected a format of {FORMATS}, received {kind!r}")
    return writers[kind](name, words)


def _pinyin(words, between=" "):
    return between.join(one.text for word in words for one in word.syllables)


def _text(name, words):
    """Characters, then how they were said; only that where there are none."""
    said = _pinyin(words)
    return f"{characters} ({said})" if (characters := _written(words)) else said


def _written(words):
    """Characters with a space for every pause, as no punctuation is recognised."""
    words = [word for word in words if word.text]
    parts = [word.text for word in words[:1]]
    for before, word in itertools.pairwise(words):
        parts += [" " * _is_pause(before, word), word.text]
    return "".join(parts)


def _is_pause(before, word):
    return word.start - before.end >= PAUSE


def _json(name, words, wrong):
    """One object on one line."""
    content = {
        "audio": name,
        "text": "".join(word.text for word in words),
        "pinyin": _pinyin(words),
        "expected_error": wrong,
        "words": [_as_dict(word) for word in words],
    }
    return json.dumps(content, ensure_ascii=False)


def _as_dict(item):
    content = {
        "text": item.text,
        "start": round(item.start, 3),
        "end": round(item.end, 3),
        "confidence": round(item.confidence, 4),
    }
    if item.syllables:
        content["syllables"] = [_as_dict(one) for one in item.syllables]
    return content


def _ctm(name, words):
    """NIST's time-marked conversation: file, channel, start, duration, word, score."""
    source = "_".join(name.split()) or "-"
    return "\n".join(
        f"{source} 1 {word.start:.2f} {word.end - word.start:.2f} "
        f"{word.text or _pinyin([word], '_')} {word.confidence:.2f}"
        for word in words
    )


def _srt(name, words):
    """Numbered subtitles with an empty line between them."""
    groups = _subtitles(words)
    blocks = []
    for number, group in enumerate(groups, start=1):
        following = [word.start for later in groups[number:][:1] for word in later]
        end = min([group[-1].end + LINGER, *following])
        times = f"{_clock(group[0].start)} --> {_clock(end)}"
        text = "".join(word.text for word in group)
        blocks.append(f"{number}\n{times}\n{text or _pinyin(group)}\n")
    return "\n".join(blocks).rstrip("\n")


def _subtitles(words):
    """Cut words into groups that can be read at once."""
    groups = []
    for word in words:
        if groups and _fits(groups[-1], word):
            groups[-1].append(word)
        else:
            groups.append([word])
    return groups


def _fits(group, word):
    hanzi = sum(len(one.text) or len(one.syllables) for one in [*group, word])
    return (
        not _is_pause(group[-1], word)
        and word.end - group[0].start <= LONGEST_SUBTITLE
        and hanzi <= MOST_HANZI
    )


def _clock(seconds):
    """Seconds as SRT has them: 00:01:02,345."""
    thousandths = round(seconds * 1000)
    minutes, thousandths = divmod(thousandths, 60_000)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{thousandths // 1000:02},{thousandths % 1000:03}"
