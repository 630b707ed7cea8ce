"""Safetensors files whose arrays are views of the mapped file, not read into memory.

The numpy loader of the safetensors package copies every array. Here only the header
is read; the pages of an array come from the disk when they are looked at, and several
processes share them. Nothing is unpickled. The same
arrays give the same bytes, which those of the package do not (its metadata come in
random order).
"""

import json
import mmap
import pathlib

import numpy as np

from zhasr import files

LONGEST_HEADER = 2**20  # bytes; a damaged length must not reserve gigabytes
LENGTH_BYTES = 8  # the file begins with the length of its header
METADATA = "__metadata__"
DTYPES = {"U8": "<u1", "U16": "<u2", "U32": "<u4", "I32": "<i4", "F32": "<f4"}


class MappedArraysError(ValueError):
    """A file that is no safetensors file, or not a whole one."""


def load(path):
    """Maps the arrays of a file.

    Args:
        path: path of a safetensors file of the dtypes in `DTYPES`.

    Returns:
        dict of str to read-only np.ndarray, and dict of str to str, the metadata.

    Raises:
        MappedArraysError: the file is missing, truncated or something else; it
            names the file.

    Example:
        >>> import tempfile
        >>> path = tempfile.mkdtemp() + "/counts.safetensors"
        >>> save(path, {"a": np.arange(3, dtype=np.uint16)}, {"format": "example"})
        >>> arrays, metadata = load(path)
        >>> arrays["a"].tolist(), metadata
        ([0, 1, 2], {'format': 'example'})
    """
    path = pathlib.Path(path)
    try:
        with open(path, "rb") as file:
            content = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except FileNotFoundError:
        raise MappedArraysError(f"{path}: no such file") from None
    except (OSError, ValueError) as error:  # a folder, or 0 bytes
        raise MappedArraysError(f"{path}: cannot be mapped ({error})") from None
    try:
        return _arrays(content)
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
        raise MappedArraysError(
            f"{path}: expected a whole safetensors file, received {len(content)} bytes "
            f"that are truncated or something else ({_one_line(error)})"
        ) from None


def _arrays(content):
    length = int.from_bytes(content[:LENGTH_BYTES], "little")
    if not 0 < length <= min(LONGEST_HEADER, len(content) - LENGTH_BYTES):
        raise ValueError(f"a header of {length} bytes")
    start = LENGTH_BYTES + length
    header = json.loads(content[LENGTH_BYTES:start].decode())
    metadata = header.pop(METADATA, {})
    arrays = {name: _array(content, start, **one) for name, one in header.items()}
    if start + sum(array.nbytes for array in arrays.values()) != len(content):
        raise ValueError("the sizes of the arrays do not add up to that of the file")
    return arrays, dict(metadata)


def _array(content, start, dtype, shape, data_offsets):
    """A view; `np.frombuffer` refuses what lies outside the file."""
    dtype = np.dtype(DTYPES[dtype])
    count = int(np.prod(shape, dtype=object))
    first, last = data_offsets
    if first < 0 or last - first != count * dtype.itemsize:
        raise ValueError(f"{count} values of {dtype} in {last - first} bytes")
    if count == 0:
        return _read_only(np.zeros(shape, dtype))
    return np.frombuffer(content, dtype, count, start + first).reshape(shape)


def _read_only(array):
    array.flags.writeable = False
    return array


def _one_line(error):
    return " ".join(f"{type(error).__name__}: {error}".split())


def save(path, arrays, metadata):
    """Writes a file, whole or not at all.

    Args:
        path: path of the file.
        arrays: dict of str to np.ndarray of the dtypes in `DTYPES`.
        metadata: dict of str to str.
    """
    names = {np.dtype(code): name for name, code in DTYPES.items()}
    header, chunks, end = {METADATA: metadata}, [], 0
    # The widest numbers first: every array begins at a multiple of their size.
    for key in sorted(arrays, key=lambda key: (-arrays[key].itemsize, key)):
        array = np.ascontiguousarray(arrays[key])
        start, end = end, end + array.nbytes
        header[key] = {
            "dtype": names[array.dtype],
            "shape": array.shape,
            "data_offsets": [start, end],
        }
        chunks.append(array.tobytes())
    text = json.dumps(header, ensure_ascii=False).encode()
    text += b" " * (-len(text) % LENGTH_BYTES)
    length = len(text).to_bytes(LENGTH_BYTES, "little")
    files.replace(path, b"".join([length, text, *chunks]))
