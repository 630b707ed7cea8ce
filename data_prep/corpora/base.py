"""What every corpus adapter returns, and the small helpers they share.

An adapter is a module with `NAME` and `read(source) -> Corpus`. It finds files,
pairs them with transcripts and decides the splits; it opens no audio.
`data_prep.prepare` does the rest.
"""

import dataclasses
import hashlib
import pathlib
import unicodedata
from collections.abc import Callable, Iterable

AUDIO_SUFFIXES = (".wav", ".flac", ".mp3", ".ogg", ".opus")
NAMES_SHOWN = 3  # names listed in a message


class CorpusError(ValueError):
    """The folder is not the corpus that was asked for; one line says why."""


@dataclasses.dataclass(frozen=True)
class Source:
    """Where recordings come from, and on which terms; an adapter's `SOURCES`.

    Args:
        title: Of the collection.
        authors: Who spoke and who published.
        licence: Its name, and where it can be read.
        address: Where the recordings are published; "" for those made here.
        speakers: Those of its utterances, where an adapter reads several sources.
    """

    title: str
    authors: str
    licence: str
    address: str
    speakers: frozenset[str] = frozenset()

    def __str__(self) -> str:
        """Say all of it in one line, for the card of a model."""
        parts = (self.title, self.authors, f"licence: {self.licence}", self.address)
        return "; ".join(part for part in parts if part)


@dataclasses.dataclass(frozen=True)
class Entry:
    """One utterance as the corpus has it.

    Args:
        id: Name of the utterance, unique in the corpus.
        audio_filepath: Where the recording lies.
        text: Hanzi as written in the corpus, not normalised; "" when the corpus
            gives pinyin only.
        speaker: Name of the voice.
        syllables: Toned pinyin as spoken (`("lv4", "de5")`) where the corpus has
            it, else None: `data_prep.prepare` then derives it from the text.
        split: "train", "dev" or "test"; a corpus may have others
            ("dev-official").
    """

    id: str
    audio_filepath: pathlib.Path
    text: str
    speaker: str
    syllables: tuple[str, ...] | None
    split: str


@dataclasses.dataclass(frozen=True)
class Rejected:
    """A recording or transcript that was set aside, with the reason in words."""

    id: str
    audio_filepath: pathlib.Path
    reason: str


@dataclasses.dataclass(frozen=True)
class Corpus:
    """Everything an adapter found: entries, what it set aside, remarks.

    Args:
        entries: Utterances, sorted by split and id.
        rejected: What was set aside, sorted by id.
        notes: Sentences for the summary: what was decided, what is missing.
    """

    entries: list[Entry]
    rejected: list[Rejected]
    notes: list[str] = dataclasses.field(default_factory=list)


def corpus(
    entries: Iterable[Entry], rejected: Iterable[Rejected], notes: Iterable[str] = ()
) -> Corpus:
    """Return a `Corpus` in the one order that every run gives."""
    return Corpus(
        sorted(entries, key=lambda entry: (entry.split, entry.id)),
        sorted(rejected, key=lambda item: (item.id, str(item.audio_filepath))),
        list(notes),
    )


def is_audio(path: pathlib.Path) -> bool:
    """Say whether the name is that of a recording (not a hidden file)."""
    return path.suffix.lower() in AUDIO_SUFFIXES and not path.name.startswith(".")


def audio_files(folder: pathlib.Path) -> list[pathlib.Path]:
    """Return the recordings that lie directly in a folder, sorted."""
    return sorted(path for path in folder.glob("*") if is_audio(path))


def locate(
    source: pathlib.Path,
    folders: Iterable[str],
    is_corpus: Callable[[pathlib.Path], bool],
    expected: str,
) -> pathlib.Path:
    """Find the top folder of a corpus in `source` or in one of its subfolders.

    Args:
        source: The folder that the user named.
        folders: Subfolders to try, after `source` itself.
        is_corpus: Says whether a folder is the top folder.
        expected: What such a folder holds, in words, for the message.

    Returns:
        The first folder for which `is_corpus` holds.

    Raises:
        CorpusError: No such folder; the message says what is there instead.
    """
    for folder in (source, *(source / name for name in folders)):
        if folder.is_dir() and is_corpus(folder):
            return folder
    raise CorpusError(
        f"{source}: expected {expected}; found {contents(source)}. Give the folder "
        "that holds the unpacked corpus."
    )


def contents(folder: pathlib.Path) -> str:
    """Describe in a few words what lies at a path."""
    if not folder.exists():
        return "no such folder"
    if not folder.is_dir():
        return "a file"
    names = sorted(path.name for path in folder.iterdir())
    return some(names) if names else "an empty folder"


def some(names: Iterable[str]) -> str:
    """List a few names and count the rest.

    Example:
        >>> some("abcde")
        'a, b, c and 2 more'
    """
    names = list(names)
    more = f" and {len(names) - NAMES_SHOWN:,} more" if len(names) > NAMES_SHOWN else ""
    return ", ".join(names[:NAMES_SHOWN]) + more


def read_text(path: pathlib.Path) -> str:
    """Read a UTF-8 text file, with or without byte order mark.

    Raises:
        CorpusError: The file is in another encoding.
    """
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise CorpusError(
            f"{path}: expected UTF-8 text, found another encoding (GBK?); convert it: "
            f"iconv -f GBK -t UTF-8 {path.name}"
        ) from None


def sentence_key(text: str) -> str:
    """Return the letters, hanzi and digits of a text: equal for equal sentences.

    Example:
        >>> sentence_key("你 好，Ａ!")
        '你好A'
    """
    return "".join(
        character
        for character in unicodedata.normalize("NFKC", text)
        if character.isalnum()
    )


def share(key: str) -> float:
    """Map a name to a number in [0, 1) that never changes.

    `share(word) < 0.05` holds 5 % of all words out, and the same words in every
    corpus and on every machine.
    """
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:8]) / 2**64


def hold_out_sentences(entries: Iterable[Entry], fraction: float) -> list[Entry]:
    """Move a share of the training sentences to `dev`, all their readings together.

    Args:
        entries: Utterances; those of other splits stay as they are.
        fraction: Share of the distinct sentences, 0 to 1.

    Returns:
        The same utterances.
    """
    return [
        dataclasses.replace(entry, split="dev")
        if entry.split == "train" and share(sentence_key(entry.text)) < fraction
        else entry
        for entry in entries
    ]
