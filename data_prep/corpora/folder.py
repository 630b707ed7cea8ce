"""Your own recordings: audio files with `.txt` files, or a table.

Either any folders of recordings, each with its sentence beside it:

    my_data/anna/lesson 1.WAV        my_data/anna/lesson 1.txt:   今天天气很好。
    my_data/bob/02.mp3               my_data/bob/02.txt

or a CSV or TSV file with a header, in the folder or named itself; paths are
relative to the folder of the table, `speaker` and `split` may be left out:

    path,text,speaker,split
    anna/lesson 1.WAV,今天天气很好。,anna,train

Text is UTF-8, with or without byte order mark, with any line ends; other encodings
are set aside (a table: refused) with the command that converts them, for a guess
between GBK and Big5 could be wrong and nobody would notice.

The speaker is the name of the folder where no column says otherwise. The split is
that of the `split` column; or the first folder where all are named `train`, `dev`
or `test`; or else 10 % of the speakers are `test` and 10 % `dev` when there are
three or more of them, and with fewer speakers 10 % of the sentences. Which ones
depends on their names alone.
"""

import csv
import dataclasses
import io
import pathlib
import unicodedata
from collections import Counter

from data_prep.corpora import base

NAME = "folder"
SPLITS = ("train", "dev", "test")
TABLES = {".csv": ",", ".tsv": "\t"}  # ending, separator
COLUMNS = ("path", "text")
HELD_OUT = 0.1  # share of dev, and of test
SPEAKERS_NEEDED = 3  # one for each split


def read(source: pathlib.Path) -> base.Corpus:
    """Read your own recordings.

    Args:
        source: A folder, or a CSV or TSV file.

    Returns:
        Entries of the splits train, dev and test.

    Raises:
        CorpusError: No recordings, no transcripts, or a table without its columns.
    """
    table = _find_table(source)
    found = _read_table(table) if table else _read_pairs(source)
    entries = [item for item in found if isinstance(item, base.Entry)]
    rejected = [item for item in found if isinstance(item, base.Rejected)]
    if not entries:
        reason = f"; the first reason: {rejected[0].reason}" if rejected else ""
        raise base.CorpusError(
            f"{source}: expected recordings ({' '.join(base.AUDIO_SUFFIXES)}) with a "
            f".txt of the same name beside each, or a CSV or TSV with the columns "
            f"path,text; found {base.contents(source)}{reason}"
        )
    if all(entry.split in SPLITS for entry in entries):
        return base.corpus(entries, rejected, ["splits: as given"])
    entries, note = assign_splits(entries)
    return base.corpus(entries, rejected, [note])


def assign_splits(entries: list[base.Entry]) -> tuple[list[base.Entry], str]:
    """Split by speaker where there are three or more, else by sentence.

    Args:
        entries: Utterances; their `split` is not looked at.

    Returns:
        The same utterances with a split, and a note that says how.
    """
    speakers = {entry.speaker for entry in entries}
    by_speaker = len(speakers) >= SPEAKERS_NEEDED

    def key(entry):
        return entry.speaker if by_speaker else base.sentence_key(entry.text)

    ranked = sorted({key(entry) for entry in entries}, key=base.share)
    if len(ranked) < SPEAKERS_NEEDED:
        count, note = 0, f"splits: all train, for there are {len(ranked)} sentences"
    else:
        count = max(1, round(HELD_OUT * len(ranked)))
        unit = "speakers" if by_speaker else "sentences"
        note = f"splits: {count} of {len(ranked)} {unit} are test, {count} are dev"
    split_of = {name: "test" for name in ranked[:count]}
    split_of |= {name: "dev" for name in ranked[count : 2 * count]}
    entries = [
        dataclasses.replace(entry, split=split_of.get(key(entry), "train"))
        for entry in entries
    ]
    return entries, note


def _find_table(source: pathlib.Path) -> pathlib.Path | None:
    """Return the one table of a folder, or the table that was named."""
    if source.is_file():
        if source.suffix.lower() not in TABLES:
            raise base.CorpusError(
                f"{source}: expected a folder or a CSV or TSV file, found another file"
            )
        return source
    tables = sorted(path for path in source.glob("*") if path.suffix.lower() in TABLES)
    if len(tables) > 1:
        names = base.some(path.name for path in tables)
        raise base.CorpusError(
            f"{source}: expected one table, found {names}; name the one to read"
        )
    return tables[0] if tables else None


def _read_pairs(source: pathlib.Path) -> list[base.Entry | base.Rejected]:
    """Read every recording below a folder with the `.txt` beside it."""
    paths = [path for path in sorted(source.rglob("*")) if _is_visible(source, path)]
    texts = {
        path.with_suffix(""): path for path in paths if path.suffix.lower() == ".txt"
    }
    audio = [path for path in paths if base.is_audio(path)]
    names = _names(source, audio)
    splits = _folder_splits(source, audio)
    return [
        _pair(names[path], path, texts.get(path.with_suffix("")), splits.get(path, ""))
        for path in audio
    ]


def _is_visible(source: pathlib.Path, path: pathlib.Path) -> bool:
    """Say whether a path is a file, and none of its folders is a hidden one."""
    hidden = any(part.startswith(".") for part in path.relative_to(source).parts)
    return not hidden and path.is_file()


def _pair(
    name: str, path: pathlib.Path, transcript: pathlib.Path | None, split: str
) -> base.Entry | base.Rejected:
    if transcript is None:
        return base.Rejected(name, path, f"no transcript: {path.stem}.txt is missing")
    try:
        text = " ".join(base.read_text(transcript).split())
    except ValueError as error:
        return base.Rejected(name, path, str(error))
    if not text:
        return base.Rejected(name, path, f"{transcript.name} is empty")
    return base.Entry(name, path, text, path.parent.name, None, split)


def _read_table(table: pathlib.Path) -> list[base.Entry | base.Rejected]:
    """Read a CSV or TSV file."""
    rows = _rows(table)
    here = {_spelling(path): path for path in table.parent.rglob("*")}
    paths = [_find(table.parent, row["path"], here) for row in rows]
    names = _names(table.parent, paths)
    found, seen = [], set()
    for number, (row, path) in enumerate(zip(rows, paths, strict=True), start=2):
        item = _row(f"{table.name}:{number}", row, path, names[path])
        if path in seen:
            item = base.Rejected(item.id, path, f"{table.name}:{number}: listed twice")
        seen.add(path)
        found.append(item)
    return found


def _rows(table: pathlib.Path) -> list[dict[str, str]]:
    """Return the cells of a table by column; a TSV file knows no quotes."""
    delimiter = TABLES[table.suffix.lower()]
    lines = csv.reader(
        io.StringIO(base.read_text(table), newline=""),
        delimiter=delimiter,
        quoting=csv.QUOTE_NONE if delimiter == "\t" else csv.QUOTE_MINIMAL,
        skipinitialspace=True,
    )
    header = [name.strip().lower() for name in next(lines, [])]
    if not set(COLUMNS) <= set(header):
        raise base.CorpusError(
            f"{table}: expected a header with the columns path and text (speaker and "
            f"split if you like), separated by {delimiter!r}; found {header}"
        )
    blank = [""] * len(header)  # for the cells that a short line lacks
    return [
        {name: cell.strip() for name, cell in zip(header, line + blank, strict=False)}
        for line in lines
        if line
    ]


def _row(
    place: str, row: dict[str, str], path: pathlib.Path, name: str
) -> base.Entry | base.Rejected:
    split = row.get("split", "")
    if not path.is_file():
        return base.Rejected(name, path, f"{place}: no such recording")
    if not row["text"]:
        return base.Rejected(name, path, f"{place}: the text is empty")
    if "split" in row and split not in SPLITS:
        reason = f"{place}: expected split train, dev or test, found {split!r}"
        return base.Rejected(name, path, reason)
    speaker = row.get("speaker") or path.parent.name
    return base.Entry(name, path, row["text"], speaker, None, split)


def _find(
    folder: pathlib.Path, path: str, here: dict[str, pathlib.Path]
) -> pathlib.Path:
    """Return the file a table names, however its accents are composed on disk."""
    named = folder / path
    return named if named.exists() else here.get(_spelling(named), named)


def _spelling(path: pathlib.Path) -> str:
    return unicodedata.normalize("NFC", str(path))


def _names(source: pathlib.Path, paths: list[pathlib.Path]) -> dict[pathlib.Path, str]:
    """Name each recording by its path without ending; with it where two are equal."""
    relative = {
        path: path.relative_to(source) if path.is_relative_to(source) else path
        for path in paths
    }
    count = Counter(name.with_suffix("") for name in relative.values())

    def unique(name):
        short = name.with_suffix("")
        return (name if count[short] > 1 else short).as_posix()

    return {path: unique(name) for path, name in relative.items()}


def _folder_splits(
    source: pathlib.Path, audio: list[pathlib.Path]
) -> dict[pathlib.Path, str]:
    """Return the first folder of each recording where all are names of splits."""
    splits = {path: path.relative_to(source).parts[0] for path in audio}
    return splits if set(splits.values()) <= set(SPLITS) else {}
