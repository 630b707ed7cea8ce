"""A corpus in pieces: what one worker prepares at a time.

    entries --cut--> pieces --prepare--> features/shard-00007.safetensors
                                         unfinished/piece-00007.json

A piece is finished when its record (the `.json`) is there, and nothing is done
again after an interruption but the pieces without one. Which entries make a piece
depends on the corpus alone, never on the number of workers.
"""

import dataclasses
import functools
import json
import os
import pathlib

import numpy as np

from data_prep import disturb, transcripts
from data_prep.corpora import base
from zhasr import audio, ctc, feature_store, features, files, manifest

PIECES_PER_SPLIT = 64  # more keep all cores busy to the end, fewer make fewer files
SMALLEST_PIECE = 32  # utterances
LARGEST_PIECE = 128  # utterances; 128 of the longest need 1.5 GB, usual ones 0.1
LONGEST = 300  # seconds; no sentence is as long, and memory is limited
REDUCTION = 4  # feature frames per output frame of the encoder (zhasr.wavenet)
UNFINISHED = "unfinished"  # folder in the prepared one, gone in the end


@dataclasses.dataclass(frozen=True)
class Piece:
    """Some entries of one split.

    Args:
        number: Of the piece, counted from 0 through all splits.
        split: Their split.
        entries: The utterances.
    """

    number: int
    split: str
    entries: tuple[base.Entry, ...]


@dataclasses.dataclass(frozen=True)
class Record:
    """What became of a piece.

    Args:
        utterances: Those that can be used; their features are in the shard of the
            same number, which is missing when there are none.
        rejected: Rows of `rejected.jsonl`, see `rejection`.
        statistics: Of their features.
    """

    utterances: list[manifest.Utterance]
    rejected: list[dict[str, str]]
    statistics: features.Statistics


def cut(entries: list[base.Entry]) -> list[Piece]:
    """Cut the entries of each split into pieces.

    Pieces of a split depend on nothing in other splits: neither do, to the last
    bit, the statistics of the training data.

    Args:
        entries: Utterances, those of a split one after another.

    Returns:
        All pieces, numbered.
    """
    splits: dict[str, list[base.Entry]] = {}
    for entry in entries:
        splits.setdefault(entry.split, []).append(entry)
    cuts = [
        (split, tuple(members[begin : begin + size]))
        for split, members in splits.items()
        for size in [_piece_size(len(members))]
        for begin in range(0, len(members), size)
    ]
    return [Piece(number, *content) for number, content in enumerate(cuts)]


def _piece_size(utterances: int) -> int:
    wanted = -(-utterances // PIECES_PER_SPLIT)
    return min(max(wanted, SMALLEST_PIECE), LARGEST_PIECE)


def record_path(out: pathlib.Path, number: int) -> pathlib.Path:
    """Return where the record of a piece is written."""
    return out / UNFINISHED / f"piece-{number:05d}.json"


def shard_folder(out: pathlib.Path, config: features.FeatureConfig) -> pathlib.Path:
    """Return where pieces write their shards.

    The pitch of a speaker is known only when all pieces are finished; until then
    features that need it lie among the unfinished ones.
    """
    return out / UNFINISHED if needs_speakers(config) else out / "features"


def needs_speakers(config: features.FeatureConfig) -> bool:
    """Say whether features depend on other utterances of the speaker."""
    return config.pitch and config.pitch_normalisation == "speaker"


def prepare(
    piece: Piece, out: pathlib.Path, config: features.FeatureConfig, version: int = 0
) -> tuple[int, float]:
    """Write the shard of a piece, then its record.

    Args:
        piece: What to prepare.
        out: The prepared folder.
        config: Which features to compute.
        version: See `disturb.disturb`.

    Returns:
        Number of entries, and seconds of audio that can be used.
    """
    utterances, rejected, arrays = [], [], {}
    for entry in piece.entries:
        try:
            utterance, array = prepare_entry(entry, out, config, version)
        except transcripts.SetAside as reason:
            rejected.append(rejection(entry, out, str(reason)))
        else:
            utterances.append(utterance)
            arrays[entry.id] = array
    if arrays:
        _write_shard(out, shard_folder(out, config), piece.number, arrays)
    record = Record(utterances, rejected, sum_statistics(arrays, config.dims))
    _write_record(record_path(out, piece.number), record)
    return len(piece.entries), sum(utterance.duration for utterance in utterances)


def prepare_entry(
    entry: base.Entry,
    out: pathlib.Path,
    config: features.FeatureConfig,
    version: int = 0,
) -> tuple[manifest.Utterance, np.ndarray]:
    """Check one utterance and compute its features.

    Args:
        entry: The utterance.
        out: The prepared folder.
        config: Which features to compute.
        version: See `disturb.disturb`.

    Returns:
        The line of the manifest, and a float16 array (frames, dims).

    Raises:
        SetAside: It cannot be used.
    """
    text, syllables = transcripts.read(entry)
    samples = _read_audio(entry.audio_filepath)
    samples = disturb.disturb(samples, entry.id, version)
    frames = output_frames(features.count_frames(len(samples)))
    needed = ctc.frames_needed(syllables)
    if needed > frames:
        raise transcripts.SetAside(
            f"too short for its labels: {len(syllables)} syllables need {needed} "
            f"frames of {REDUCTION * features.FRAME_STEP * 1000:.0f} ms, there are "
            f"{frames}; check recording and transcript"
        )
    utterance = manifest.Utterance(
        id=entry.id,
        audio_filepath=relative_path(entry.audio_filepath, out),
        duration=len(samples) / audio.SAMPLE_RATE,
        text=text,
        speaker=entry.speaker,
        syllables=syllables,
    )
    return utterance, _extract(samples, config)


def _read_audio(path: pathlib.Path) -> np.ndarray:
    try:
        seconds = audio.read_duration(path)
        if seconds > LONGEST:
            raise transcripts.SetAside(
                f"{seconds:.0f} seconds long, expected at most {LONGEST}; cut the "
                "recording into sentences"
            )
        return audio.read(path)
    except (audio.AudioError, OSError) as error:
        # The line of rejected.jsonl names the file already.
        raise transcripts.SetAside(str(error).removeprefix(f"{path}: ")) from None


def _extract(samples: np.ndarray, config: features.FeatureConfig) -> np.ndarray:
    """Compute features as they are stored, the pitch without its speaker."""
    plain = dataclasses.replace(config, pitch_normalisation="utterance")
    with np.errstate(over="ignore", invalid="ignore"):
        array = features.extract(samples, plain).astype(np.float16)
    if not np.isfinite(array).all():
        raise transcripts.SetAside(
            f"samples up to {np.abs(samples).max():g} give no usable features, "
            "expected at most 1; export the recording again"
        )
    return array


def output_frames(frames: int) -> int:
    """Return the frames that the encoder makes of so many feature frames."""
    return -(-frames // REDUCTION)


def sum_statistics(arrays: dict[str, np.ndarray], dims: int) -> features.Statistics:
    """Return the statistics of all frames, added in the order of the dictionary."""
    parts = map(features.Statistics.of, arrays.values())
    return functools.reduce(
        features.Statistics.merge, parts, features.Statistics.empty(dims)
    )


def rejection(
    item: base.Entry | base.Rejected, out: pathlib.Path, reason: str
) -> dict[str, str]:
    """Return a row of `rejected.jsonl`."""
    path = relative_path(item.audio_filepath, out)
    return {
        name: value.encode("utf-8", "backslashreplace").decode()
        for name, value in (
            ("id", item.id),
            ("audio_filepath", path),
            ("reason", " ".join(reason.split())),
        )
    }


def relative_path(path: pathlib.Path, out: pathlib.Path) -> str:
    """Return the path of a recording from the prepared folder.

    So that corpus and prepared folder can move together. Both folders are the real
    ones: `..` would lead elsewhere from behind a symbolic link. The name of the
    recording itself may be a link.

    Args:
        path: The recording.
        out: The prepared folder.

    Returns:
        Such as "../data_aishell/wav/train/S0150/BAC009S0150W0001.wav".
    """
    folder, name = os.path.split(path)
    return os.path.join(_relative_folder(folder, str(out)), name)


@functools.cache
def _relative_folder(folder: str, out: str) -> str:
    return os.path.relpath(os.path.realpath(folder), os.path.realpath(out))


def _write_shard(
    out: pathlib.Path, folder: pathlib.Path, number: int, arrays: dict[str, np.ndarray]
) -> None:
    """Write a shard where no other process writes, then move it to its place.

    A worker may live a moment longer than its killed parent, and another parent
    may have begun to go on.
    """
    own = out / UNFINISHED / f"process-{os.getpid()}"
    written = feature_store.write_shard(own, number, arrays)
    os.replace(written, folder / written.name)
    own.rmdir()


def _write_record(path: pathlib.Path, record: Record) -> None:
    fields = {
        "utterances": [dataclasses.asdict(item) for item in record.utterances],
        "rejected": record.rejected,
        "statistics": {
            "count": record.statistics.count,
            "total": record.statistics.total.tolist(),
            "total_squares": record.statistics.total_squares.tolist(),
        },
    }
    own = path.with_name(f"{path.name}-{os.getpid()}")
    files.replace(own, json.dumps(fields, ensure_ascii=False))
    os.replace(own, path)


def read_record(path: pathlib.Path) -> Record:
    """Read what `prepare` has written about a piece."""
    fields = json.loads(path.read_text(encoding="utf-8"))
    statistics = fields["statistics"]
    return Record(
        [
            manifest.Utterance(**{**item, "syllables": tuple(item["syllables"])})
            for item in fields["utterances"]
        ],
        fields["rejected"],
        features.Statistics(
            statistics["count"],
            np.array(statistics["total"]),
            np.array(statistics["total_squares"]),
        ),
    )
