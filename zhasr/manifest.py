"""Manifests: one utterance per line, JSON, readable in an editor.

    {"id": "A11_0", "audio_filepath": "wav/A11_0.wav", "duration": 9.5,
     "text": "绿是阳春烟景", "speaker": "A11", "syllables": ["lv4", "shi4", …]}

(all on one line). The names of the fields are those that other toolkits read.
"""

import itertools
import json
import os
import sys
from dataclasses import dataclass

from zhasr import files

EXAMPLES = 3  # of each leak


class ManifestError(ValueError):
    """A manifest that cannot be used; the message names the file and the line."""


@dataclass(frozen=True)
class Utterance:
    """One recording and what is said in it.

    Attributes:
        id: str, unique in the corpus.
        audio_filepath: str, path of the recording.
        duration: float, seconds.
        text: str, normalised hanzi; "" where a corpus gives pinyin only.
        speaker: str; "" if unknown.
        syllables: tuple of str, toned pinyin as spoken: ü is v, neutral tone 5.
    """

    id: str
    audio_filepath: str
    duration: float
    text: str
    speaker: str
    syllables: tuple[str, ...]


@dataclass(frozen=True)
class Leak:
    """What two splits have in common and should not.

    Attributes:
        first, second: str, the names of the splits.
        kind: "speaker" or "sentence".
        shared: int, how many different speakers or sentences.
        examples: tuple of str, at most three of them.
    """

    first: str
    second: str
    kind: str
    shared: int
    examples: tuple[str, ...]

    def __str__(self):
        """One line for a summary."""
        kinds = self.kind if self.shared == 1 else f"{self.kind}s"
        more = ", …" if self.shared > len(self.examples) else ""
        return (
            f"{self.first} and {self.second} share {self.shared} {kinds}: "
            f"{', '.join(self.examples)}{more}"
        )


_FIELDS = {
    "id": str,
    "audio_filepath": str,
    "duration": (int, float),
    "text": str,
    "speaker": str,
    "syllables": (list, tuple),
}


def read(path):
    """Reads a manifest.

    Args:
        path: path of a JSON lines file, UTF-8. Fields beyond those of `Utterance`
            and empty lines are ignored.

    Returns:
        list of Utterance, in the order of the file. A relative `audio_filepath` is
        taken from the folder of the manifest and returned absolute.

    Raises:
        ManifestError: the file cannot be read, or a line is not an utterance, or an
            id stands twice; it names file and line.
    """
    folder = os.path.dirname(os.path.realpath(path))
    utterances, lines = [], {}
    try:
        with open(path, encoding="utf-8-sig") as file:
            for number, line in enumerate(file, start=1):
                if line.strip():
                    place = f"{path}:{number}"
                    utterance = _parse(line, place, folder)
                    _refuse_second(utterance, place, lines)
                    utterances.append(utterance)
    except (OSError, UnicodeDecodeError) as error:
        raise ManifestError(f"{path}: cannot read a manifest ({error})") from None
    return utterances


def write(path, utterances):
    """Writes a manifest, whole or not at all.

    Args:
        path: path of the file; its folder is made when missing.
        utterances: iterable of Utterance.

    Raises:
        ManifestError: a field holds what `read` would refuse.
    """
    lines, seen = [], {}
    for number, utterance in enumerate(utterances, start=1):
        fields = {name: getattr(utterance, name) for name in _FIELDS}
        _check_fields(fields, f"{path}:{number}")
        _refuse_second(utterance, f"{path}:{number}", seen)
        lines.append(json.dumps(fields, ensure_ascii=False) + "\n")
    files.replace(path, "".join(lines))


def check_audio(utterances):
    """Makes sure that every recording is there.

    Args:
        utterances: iterable of Utterance.

    Raises:
        ManifestError: it names the first missing file and counts the others.
    """
    missing = [item for item in utterances if not os.path.isfile(item.audio_filepath)]
    if missing:
        others = f" (others missing: {len(missing) - 1})" if missing[1:] else ""
        raise ManifestError(
            f"utterance {missing[0].id!r}: no audio file {missing[0].audio_filepath}"
            f"{others}; expected it where the manifest says"
        )


def leaks(splits):
    """Finds speakers and sentences that stand in two splits.

    Args:
        splits: dict from the name of a split to a list of Utterance.

    Returns:
        list of Leak, one for each pair of splits and kind that share something; []
        if the splits are clean. Unknown speakers ("") are not compared.
    """
    found = []
    for kind, group in (("speaker", _speaker), ("sentence", _sentence)):
        members = {
            name: set(map(group, items)) - {""} for name, items in splits.items()
        }
        for first, second in itertools.combinations(members, 2):
            shared = sorted(members[first] & members[second])
            if shared:
                examples = tuple(shared[:EXAMPLES])
                found.append(Leak(first, second, kind, len(shared), examples))
    return found


def _speaker(utterance):
    return utterance.speaker


def _sentence(utterance):
    return utterance.text or " ".join(utterance.syllables)


def _parse(line, place, folder):
    """One line of a manifest; `place` is file:line for the messages."""
    try:
        fields = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise ManifestError(f"{place}: expected one JSON object ({error})") from None
    if not isinstance(fields, dict):
        raise ManifestError(f"{place}: expected a JSON object, received {fields!r:.40}")
    missing = [name for name in _FIELDS if name not in fields]
    if missing:
        raise ManifestError(f"{place}: missing {', '.join(missing)}")
    _check_fields(fields, place)
    return Utterance(
        id=fields["id"],
        audio_filepath=os.path.normpath(os.path.join(folder, fields["audio_filepath"])),
        duration=float(fields["duration"]),
        text=fields["text"],
        speaker=fields["speaker"],
        syllables=tuple(fields["syllables"]),
    )


def _check_fields(fields, place):
    """Refuses values of the wrong type or out of range."""
    for name, expected in _FIELDS.items():
        value = fields[name]
        if not isinstance(value, expected) or isinstance(value, bool):
            raise ManifestError(
                f"{place}: unexpected {type(value).__name__} for {name}: {value!r:.40}"
            )
    for name in ("id", "audio_filepath"):
        if not fields[name].strip():
            raise ManifestError(f"{place}: {name} is empty")
    if not 0 <= fields["duration"] <= sys.float_info.max:  # NaN compares false
        raise ManifestError(
            f"{place}: expected a duration in seconds, received "
            f"{fields['duration']!r:.40}"
        )
    if not all(isinstance(syllable, str) for syllable in fields["syllables"]):
        raise ManifestError(f"{place}: expected syllables to be strings")


def _refuse_second(utterance, place, seen):
    """Refuses an id that was there before; `seen` maps ids to their places."""
    if utterance.id in seen:
        raise ManifestError(
            f"{place}: id {utterance.id!r} already stands at {seen[utterance.id]}"
        )
    seen[utterance.id] = place
