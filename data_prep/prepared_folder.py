"""The folder that a preparation writes: whose it is, and whether it is finished.

    unfinished/config.json   the settings of a preparation at work or interrupted
    config.json              those of a finished one
"""

import contextlib
import fcntl
import json
import os
import pathlib
import shutil
from collections.abc import Iterator

from data_prep import pieces
from zhasr import features, files

CONFIG = "config.json"
ADVICE = "choose another folder, or delete this one to prepare it again"


class FolderError(ValueError):
    """A folder that cannot be written to; one line says why and what to do."""


def is_finished(out: pathlib.Path, settings: dict) -> bool:
    """Say whether a folder holds just this preparation, finished.

    Args:
        out: The prepared folder, which need not exist.
        settings: What its `config.json` is to hold.

    Returns:
        False when there is something left to do.

    Raises:
        FolderError: It holds another preparation, or something else.
    """
    if (out / CONFIG).is_file():
        _compare(out, out / CONFIG, settings)
        return True
    begun = out / pieces.UNFINISHED / CONFIG
    if begun.is_file():
        _compare(out, begun, settings)
    elif out.is_dir() and set(os.listdir(out)) - {pieces.UNFINISHED}:
        raise FolderError(f"{out} holds other files; choose a new or an empty folder")
    return False


@contextlib.contextmanager
def claim(out: pathlib.Path, settings: dict) -> Iterator[None]:
    """Make the folder of a preparation and keep other processes out of it.

    Args:
        out: The folder to write.
        settings: What its `config.json` is to hold.

    Raises:
        FolderError: Another process is at work in it.
    """
    unfinished = out / pieces.UNFINISHED
    unfinished.mkdir(parents=True, exist_ok=True)
    with open(unfinished / "lock", "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise FolderError(
                f"{out}: another process is preparing it; wait for it or stop it"
            ) from None
        files.replace(unfinished / CONFIG, text(settings))
        (out / "features").mkdir(exist_ok=True)
        yield


def tidy(out: pathlib.Path) -> None:
    """Remove what a finished preparation needs no more."""
    shutil.rmtree(out / pieces.UNFINISHED, ignore_errors=True)


def text(settings: dict) -> str:
    """Return the content of `config.json`."""
    return json.dumps(settings, ensure_ascii=False, indent=2) + "\n"


def _compare(out: pathlib.Path, path: pathlib.Path, settings: dict) -> None:
    """Raise unless a `config.json` holds the settings that are wanted."""
    try:
        there = _flat(json.loads(path.read_text(encoding="utf-8")))
    except (ValueError, TypeError, AttributeError):
        raise FolderError(f"{path}: not that of a prepared folder; {ADVICE}") from None
    wanted = _flat(settings)
    names = [name for name in wanted if there.get(name) != wanted[name]]
    if names == ["fingerprint"]:
        raise FolderError(f"{out}: the corpus has changed since; {ADVICE}")
    if names:
        raise FolderError(
            f"{out} was prepared with {names[0]} = {there.get(names[0])}, not "
            f"{wanted[names[0]]}; {ADVICE}"
        )


def _flat(settings: dict) -> dict:
    """Bring the options of the features to the level of the others.

    An option that is not there is younger than the folder, which was prepared with what
    is its default now.
    """
    others = {name: value for name, value in settings.items() if name != "features"}
    options = {**features.FeatureConfig().to_dict(), **settings.get("features", {})}
    return {f"features.{name}": value for name, value in options.items()} | others
