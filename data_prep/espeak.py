"""Speak toned syllables with espeak-ng, from the `espeakng_loader` wheel.

espeak-ng reads its own phonemes when text stands in double square brackets. This
module writes them from toned syllables, so that exactly the given syllables are
spoken: no dictionary, no letter rule and no guess of a reading comes between.

What espeak-ng 1.52 does to Mandarin by itself, and what is done about it here:

- Its pinyin rules speak `jiong`, `qiong` and `xiong` as English letters. The table
  FINALS speaks them like `yong`.
- Its rule for `wan` uses the back vowel of `wang`, those for `can` and `cuan` differ
  little, nor do those for `qin` and `qun`. Here all are spoken as its rules speak
  `guan` and `jun`.
- Two third tones without a pause between them become a second and a third tone.
  The labels must say what is spoken, so a third tone that the labels keep before
  another one is written as the low fall 21, which is what a third tone is there.
- Before other tones it shortens the third tone to 21, and after each tone it gives
  the neutral tone another height. These are the tones as people speak them: kept.
- Some of its consonants are too alike: see `data_prep.consonants`.
- A sound depends on what the library spoke before: the phase of its pitch flutter
  and its noise live in static variables. So `speak` loads the library anew for each
  utterance, which costs about two milliseconds.
"""

import _ctypes
import contextlib
import ctypes
import os
import pathlib
import shutil
import tempfile

import espeakng_loader
import numpy as np

from zhasr import pinyin

SAMPLE_RATE = 22_050  # samples per second, of everything espeak-ng speaks
LANGUAGE_DATA = ("phontab", "phonindex", "phondata", "intonations", "cmn_dict")

AUDIO_OUTPUT_SYNCHRONOUS = 2
INITIALIZE_PHONEME_EVENTS = 0x0001
INITIALIZE_DONT_EXIT = 0x8000
CHARACTERS_UTF8 = 1
PHONEMES_IN_BRACKETS = 0x0100
PARAMETER_RATE, PARAMETER_PITCH, PARAMETER_RANGE = 1, 3, 4
EVENT_END_OF_LIST, EVENT_PHONEME = 0, 7

PAUSE = "_:"  # the phoneme of a pause between clauses
TONES = {1: "55", 2: "35", 3: "214", 4: "51", 5: "11"}
HALF_THIRD_TONE = "21"

# Initial of zhasr.pinyin -> espeak-ng consonant.
INITIALS = {
    "b": "p", "p": "ph", "m": "m", "f": "f", "d": "t", "t": "th", "n": "n", "l": "l",
    "g": "k", "k": "kh", "h": "X", "j": "tS;", "q": "tS;h", "x": "S;",
    "zh": "ts.", "ch": "ts.h", "sh": "s.", "r": "z.", "z": "ts", "c": "tsh", "s": "s",
    "aa": "", "oo": "", "ee": "", "ii": "j", "uu": "w", "vv": "j",
}  # fmt: skip

# Final of zhasr.pinyin -> espeak-ng glide, vowel and ending.
FINALS = {
    "a": ("", "A", ""), "ai": ("", "ai", ""), "an": ("", "a", "n"),
    "ang": ("", "A", "N"), "ao": ("", "Au", ""), "e": ("", "o-", ""),
    "ei": ("", "ei", ""), "en": ("", "@", "n"), "eng": ("", "@", "N"),
    "er": ("", "@r", ""), "o": ("", "o", ""), "ong": ("", "ong", ""),
    "ou": ("", "ou", ""), "ix": ("", "i.", ""), "iy": ("", "i[", ""),
    "i": ("", "i", ""), "ia": ("", "iA", ""), "iai": ("j", "ai", ""),
    "ian": ("", "iE", "n"), "iang": ("", "iA", "N"), "iao": ("j", "Au", ""),
    "ie": ("", "iE", ""), "in": ("", "i", "n"), "ing": ("", "i", "N"),
    "io": ("", "io", ""), "iong": ("j", "ong", ""), "iu": ("", "iou", ""),
    "u": ("", "u", ""), "ua": ("w", "A", ""), "uai": ("", "uai", ""),
    "uan": ("w", "a", "n"), "uang": ("w", "A", "N"), "ueng": ("", "u@", "N"),
    "ui": ("", "uei", ""), "un": ("", "u@", "n"), "uo": ("", "uo", ""),
    "v": ("", "y", ""), "van": ("", "y&", "n"), "ve": ("", "yE", ""),
    "vn": ("", "y@", "n"),
}  # fmt: skip

# Syllables that espeak-ng's own rules speak in another way, kept as they are there.
EXCEPTIONS = {
    ("d", "e"): ("", "@", ""), ("t", "e"): ("", "@", ""), ("n", "e"): ("", "@", ""),
    ("l", "e"): ("", "@", ""), ("t", "un"): ("w", "u@", "n"),
    ("k", "un"): ("w", "u@", "n"), ("h", "un"): ("w", "u@", "n"),
    ("sh", "ui"): ("w", "ei", ""), ("sh", "un"): ("w", "o-", "n"),
    ("sh", "uo"): ("w", "o", ""), ("uu", "uai"): ("", "ai", ""),
    ("uu", "ui"): ("", "ei", ""), ("uu", "uo"): ("", "o", ""),
}  # fmt: skip


class Event(ctypes.Structure):
    """The `espeak_EVENT` of speak_lib.h."""

    _fields_ = [
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", ctypes.c_char * 8),
    ]


Callback = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(Event)
)


def syllable_phonemes(syllable, half_third=False, stressed=True):
    """Write one toned syllable in espeak-ng's phonemes.

    Args:
        syllable: toned pinyin, ü as v, neutral tone 5.
        half_third: whether a third tone is written as the low fall 21, which
            espeak-ng leaves alone before another third tone.
        stressed: whether the syllable is a word of its own. The neutral tone is
            never stressed.

    Returns:
        The phonemes as a string.

    Raises:
        ValueError: if it is no syllable (from `pinyin.split_syllable`).

    Example:
        >>> syllable_phonemes("hao3")
        "X'Au214"
        >>> syllable_phonemes("xiong1", stressed=False)
        'S;jong55'
    """
    initial, final, tone = pinyin.split_syllable(syllable)
    glide, vowel, ending = EXCEPTIONS.get((initial, final), FINALS[final])
    onset = INITIALS[initial]
    if not onset.endswith(glide) or initial not in pinyin.ZERO_INITIALS:
        onset += glide
    level = HALF_THIRD_TONE if half_third and tone == 3 else TONES[tone]
    stress = "'" if stressed and tone != 5 else ""
    return f"{onset}{stress}{vowel}{level}{ending}"


def phonemes(clauses, joined=False):
    """Write clauses of words of syllables as input for `speak`.

    Args:
        clauses: list of clauses; a clause is a list of words, a word a list of toned
            syllables. There is a pause between clauses.
        joined: whether the syllables of a word run together (fluent speech) or each
            is a stressed word (careful speech).

    Returns:
        The phonemes in double square brackets.

    Example:
        >>> phonemes([[["ni2", "hao3"]], [["hao3"], ["ma5"]]])
        "[[n'i35 X'Au214 _: X'Au214 mA11]]"
    """
    pause = f" {PAUSE} "
    return f"[[{pause.join(_clause_phonemes(clause, joined) for clause in clauses)}]]"


def _clause_phonemes(words, joined):
    """Write one clause; see `phonemes`."""
    syllables = [syllable for word in words for syllable in word]
    written, position = [], 0
    for word in words:
        parts = []
        for syllable in word:
            position += 1
            third_follows = syllables[position : position + 1]
            half_third = bool(third_follows) and third_follows[0].endswith("3")
            stressed = not joined or len(word) == 1
            parts.append(syllable_phonemes(syllable, half_third, stressed))
        written.append(("" if joined else " ").join(parts))
    return " ".join(written)


@contextlib.contextmanager
def data_folder(voices):
    """Make a temporary espeak-ng data folder that knows just the given voices.

    espeak-ng looks through all of its 240 voice files whenever it starts; with a
    folder of our own it starts in half the time, and our voices are in it.

    Args:
        voices: dict from the voice's name to the text of its voice file.

    Yields:
        pathlib.Path of the folder.
    """
    source = pathlib.Path(espeakng_loader.get_data_path())
    with tempfile.TemporaryDirectory(prefix="zhasr-espeak-") as name:
        folder = pathlib.Path(name) / "espeak-ng-data"
        (folder / "lang").mkdir(parents=True)
        (folder / "voices").mkdir()
        for file in LANGUAGE_DATA:
            shutil.copyfile(source / file, folder / file)
        for voice, text in voices.items():
            path = folder / "voices" / voice
            path.write_text(text, encoding="utf-8", newline="\n")
        yield folder


def speak(folder, voice, text, rate=175, pitch=50, pitch_range=50):
    """Speak text or phonemes.

    Args:
        folder: pathlib.Path of a `data_folder`.
        voice: name of a voice in that folder.
        text: str, text or the output of `phonemes`.
        rate: int, words per minute, 80 to 450. Four words are about seven syllables.
        pitch: int, 0 to 100; 50 is the pitch that the voice file says.
        pitch_range: int, 0 to 100; 50 is the range that the voice file says.

    Returns:
        (samples, spoken): int16 array (samples,) at SAMPLE_RATE, and a list of
        (first sample, phoneme name) for each phoneme.

    Raises:
        RuntimeError: if espeak-ng refuses the folder or the voice.
    """
    library = ctypes.CDLL(espeakng_loader.get_library_path())
    try:
        settings = (rate, pitch, pitch_range)
        return _speak(library, folder, voice, text, settings)
    finally:
        library.espeak_Terminate()
        _unload(library)


def _speak(library, folder, voice, text, settings):
    """Speak with a library that is freshly loaded; see `speak`."""
    options = INITIALIZE_PHONEME_EVENTS | INITIALIZE_DONT_EXIT
    data = os.fsencode(folder)
    if library.espeak_Initialize(AUDIO_OUTPUT_SYNCHRONOUS, 0, data, options) <= 0:
        raise RuntimeError(f"espeak-ng cannot start with the data in {folder}")
    if library.espeak_SetVoiceByName(voice.encode()):
        raise RuntimeError(f"espeak-ng has no voice {voice} in {folder}")
    chunks, spoken = [], []

    @Callback
    def receive(samples, count, events):
        if count > 0:
            chunks.append(np.ctypeslib.as_array(samples, (count,)).copy())
        spoken.extend(_phoneme_events(events))
        return 0

    library.espeak_SetSynthCallback(receive)
    parameters = (PARAMETER_RATE, PARAMETER_PITCH, PARAMETER_RANGE)
    for parameter, value in zip(parameters, settings, strict=True):
        library.espeak_SetParameter(parameter, int(value), 0)
    encoded = text.encode() + b"\0"
    flags = CHARACTERS_UTF8 | PHONEMES_IN_BRACKETS
    library.espeak_Synth(encoded, len(encoded), 0, 0, 0, flags, None, None)
    library.espeak_Synchronize()
    samples = np.concatenate(chunks) if chunks else np.zeros(0, np.int16)
    return samples, spoken


def _phoneme_events(events):
    """Yield (sample, phoneme) of the phoneme events in espeak-ng's event list."""
    index = 0
    while events[index].type != EVENT_END_OF_LIST:
        event = events[index]
        if event.type == EVENT_PHONEME:
            yield event.sample, event.id.decode("utf-8", "replace")
        index += 1


def _unload(library):
    """Unload the library, so that the next one starts with fresh variables."""
    if os.name == "nt":
        _ctypes.FreeLibrary(library._handle)
    else:
        _ctypes.dlclose(library._handle)
