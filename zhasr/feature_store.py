"""Features on disk: shards of many utterances, read at random without loading them.

A shard is a safetensors file (memory-mapped, no pickle) with one float16 array
(frames, dims) per utterance. Shards and the index are written under another name and
renamed, so that a killed preparation never leaves half a file; different processes
may write different shards at the same time.

Example:
    >>> import numpy as np, tempfile
    >>> folder = tempfile.mkdtemp()
    >>> path = write_shard(folder, 0, {"A11_0": np.ones((980, 39))})
    >>> path.name
    'shard-00000.safetensors'
    >>> index = write_index(folder)
    >>> store = FeatureStore(folder)
    >>> store["A11_0"].shape, store.frames("A11_0"), len(store)
    ((980, 39), 980, 1)
"""

import json
import pathlib

import numpy as np
import safetensors
import safetensors.numpy

from zhasr import files

INDEX_NAME = "index.json"
RESERVED_ID = "__metadata__"  # of the safetensors header
LARGEST = float(np.finfo(np.float16).max)  # 65504


class FeatureStoreError(ValueError):
    """Features that cannot be read or written; the message names the file."""


def shard_path(folder, number):
    """Where a shard is stored: folder/shard-00000.safetensors and so on."""
    return pathlib.Path(folder) / f"shard-{number:05d}.safetensors"


def write_shard(folder, number, features):
    """Write one shard, whole or not at all.

    Args:
        folder: str or pathlib.Path, made when missing.
        number: int, of the shard; every process writes its own numbers.
        features: dict of utterance id to float array of shape (frames, dims).

    Returns:
        pathlib.Path of the shard.

    Raises:
        FeatureStoreError: an utterance has a forbidden id, another shape, or values
            that float16 cannot hold.
    """
    path = shard_path(folder, number)
    arrays = {id: _to_float16(path, id, array) for id, array in features.items()}
    files.replace(path, safetensors.numpy.save(arrays))
    return path


def read_frames(path):
    """Utterances of one shard, from its header.

    Args:
        path: str or pathlib.Path, a shard.

    Returns:
        dict of utterance id to int, frames, in the order of ids.

    Raises:
        FeatureStoreError: the shard is missing or damaged.
    """
    file = _open(pathlib.Path(path))
    return {id: file.get_slice(id).get_shape()[0] for id in sorted(file.keys())}


def write_index(folder):
    """List all shards of a folder in its index; call it when all are written.

    Args:
        folder: str or pathlib.Path.

    Returns:
        pathlib.Path of the index.

    Raises:
        FeatureStoreError: no shard, a damaged shard, or an id in two shards.
    """
    folder = pathlib.Path(folder)
    paths = folder.glob("shard-*.safetensors")
    shards = {path.name: read_frames(path) for path in paths}
    if not shards:
        raise FeatureStoreError(f"{folder}: no shards of features; prepare the data")
    _locate(folder, shards)
    text = json.dumps({"shards": shards}, ensure_ascii=False, indent=0, sort_keys=True)
    files.replace(folder / INDEX_NAME, text + "\n")
    return folder / INDEX_NAME


class FeatureStore:
    """Features of a prepared folder by utterance id.

    Args:
        folder: str or pathlib.Path that `write_index` was called for.

    Raises:
        FeatureStoreError: no index, or a damaged one.
    """

    def __init__(self, folder):
        """Read the index; shards are opened when they are needed."""
        self.folder = pathlib.Path(folder)
        self._places = _locate(self.folder, _read_index(self.folder))
        self._open_shards = {}

    def __len__(self):
        """Utterances in the store."""
        return len(self._places)

    def __contains__(self, id):
        """Whether the features of an utterance are stored."""
        return id in self._places

    def __iter__(self):
        """Utterance ids, shard by shard."""
        return iter(self._places)

    def __getstate__(self):
        """Open shards stay in their own process."""
        return {**self.__dict__, "_open_shards": {}}

    def frames(self, id):
        """Frames of an utterance, from the index."""
        return self._place(id)[1]

    def __getitem__(self, id):
        """Features of an utterance: float32 array of shape (frames, dims)."""
        shard, frames = self._place(id)
        if shard not in self._open_shards:
            self._open_shards[shard] = _open(self.folder / shard)
        try:
            features = self._open_shards[shard].get_tensor(id)
        except safetensors.SafetensorError as error:
            raise _damaged(self.folder / shard, error) from None
        if len(features) != frames:
            raise _damaged(self.folder / shard, f"{id} does not have {frames} frames")
        return features.astype(np.float32)

    def _place(self, id):
        try:
            return self._places[id]
        except KeyError:
            raise FeatureStoreError(
                f"{self.folder}: no features of utterance {id!r}; manifest and "
                "features do not belong together, prepare the data again"
            ) from None


def _to_float16(path, id, features):
    features = np.asarray(features)
    if id == RESERVED_ID or features.ndim != 2:
        raise FeatureStoreError(
            f"{path}: expected features of shape (frames, dims), received "
            f"{features.shape} for utterance {id!r}"
        )
    # Not a number fails the comparison as well.
    if features.size and not np.abs(features).max() <= LARGEST:
        raise FeatureStoreError(
            f"{path}: the features of utterance {id!r} are not finite or beyond "
            f"{LARGEST:.0f}; set the utterance aside"
        )
    return features.astype(np.float16)


def _open(path):
    if not path.is_file():
        raise FeatureStoreError(
            f"{path}: the shard of features is missing; prepare the data again"
        )
    try:
        return safetensors.safe_open(path, framework="numpy")
    except (safetensors.SafetensorError, OSError) as error:
        raise _damaged(path, error) from None


def _damaged(path, reason):
    return FeatureStoreError(
        f"{path}: damaged or truncated ({reason}); delete it and prepare the data again"
    )


def _read_index(folder):
    path = folder / INDEX_NAME
    try:
        shards = json.loads(path.read_text(encoding="utf-8"))["shards"]
        return {shard: dict(frames) for shard, frames in shards.items()}
    except FileNotFoundError:
        raise FeatureStoreError(
            f"{path}: no index of features; prepare the data first"
        ) from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise _damaged(path, repr(error)) from None


def _locate(folder, shards):
    """Place of every id: (shard, frames); an id may have only one."""
    places = {}
    for shard in sorted(shards):
        for id, frames in shards[shard].items():
            if id in places:
                raise FeatureStoreError(
                    f"{folder}: utterance {id!r} is in {places[id][0]} and in {shard}; "
                    "delete the folder and prepare the data again"
                )
            places[id] = (shard, frames)
    return places
