"""Trees of spoken words that were laid out before, kept on disk.

Laying out the tree of 350,000 words takes seconds, longer than to recognise a sentence.
The result is kept in the user's cache folder, mapped into memory, and shared by
several processes. Its name is a digest of all that the tree is made of, and of the code
that makes it; a file that is damaged is made anew, and where none can be written every
process lays out its own.

    ZHASR_CACHE    another folder; empty: nothing is kept
"""

import hashlib
import os
import pathlib
import sys
import tempfile
import zlib

import numpy as np

from zhasr import label_tree, mapped_arrays

VARIABLE = "ZHASR_CACHE"  # of the environment
PREFIX, SUFFIX = "tree-", ".safetensors"
KEPT = 8  # files; those that were used longest ago go
MAKERS = ("label_tree", "lexicon", "pinyin", "tone_sandhi")  # modules


def build(names, language):
    """Lay out the tree of a network, or open it where that was done before.

    Args:
        names, language: see `label_tree.build`.

    Returns:
        label_tree.LabelTree.

    Raises:
        label_tree.LabelTreeError: see `label_tree.build`.
    """
    place = folder()
    if place is None:
        return label_tree.build(names, language)
    path = place / f"{PREFIX}{fingerprint(names, language)}{SUFFIX}"
    arrays = _read(path)
    if arrays is not None:
        return label_tree.from_arrays(arrays, names, language)
    tree = label_tree.build(names, language)
    _write(path, label_tree.to_arrays(tree))
    return tree


def folder():
    """Where the trees are kept: pathlib.Path, or None for nowhere."""
    chosen = os.environ.get(VARIABLE)
    if chosen is not None:
        return pathlib.Path(chosen) if chosen else None
    try:
        home = pathlib.Path.home()
    except RuntimeError:  # nobody's process
        return None
    usual = {
        "darwin": home / "Library" / "Caches",
        "win32": pathlib.Path(os.environ.get("LOCALAPPDATA", home)),
    }.get(sys.platform, home / ".cache")
    return pathlib.Path(os.environ.get("XDG_CACHE_HOME") or usual) / "zhasr"


def fingerprint(names, language):
    """What tells one tree from another: 32 hexadecimal digits.

    Args:
        names, language: see `label_tree.build`.
    """
    digest = hashlib.sha256()
    package = pathlib.Path(__file__).parent
    for module in MAKERS:
        digest.update((package / f"{module}.py").read_bytes())
    parts = [names.kind, *names.labels, language.lexicon.fingerprint]
    parts += [language.lexicon.extra, *language.lexicon.symbols]
    parts += [language.weights, *language.user.new_words]
    digest.update("\n".join(map(str, parts)).encode())
    for tables in (language.lexicon.tables, language.user.tree or ()):
        for array in tables:
            digest.update(str(array.shape).encode())
            digest.update(np.ascontiguousarray(array))
    return digest.hexdigest()[:32]


def _read(path):
    """The arrays of a whole file, or None."""
    try:
        arrays, metadata = mapped_arrays.load(path)
    except mapped_arrays.MappedArraysError:
        return None
    # The compiled search does not look where an array ends: no damage may get there.
    if metadata.get("checksum") != _checksum(arrays):
        return None
    try:
        os.utime(path)
    except OSError:  # somebody else's; it will do
        pass
    return arrays


def _checksum(arrays):
    checksum = 0
    for name in sorted(arrays):
        checksum = zlib.crc32(np.ascontiguousarray(arrays[name]), checksum)
    return f"{checksum:08x}"


def _write(path, arrays):
    """Write under a name of its own, then rename: several may do so at once."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent) as own:
            part = pathlib.Path(own) / path.name
            mapped_arrays.save(part, arrays, {"checksum": _checksum(arrays)})
            os.replace(part, path)
        _clear(path.parent)
    except OSError:  # no room, or not ours to write
        return


def _clear(place):
    """Delete all but the trees that were used last."""
    ages = {path: path.stat().st_mtime for path in place.glob(f"{PREFIX}*{SUFFIX}")}
    for path in sorted(ages, key=ages.get)[:-KEPT]:
        path.unlink(missing_ok=True)
