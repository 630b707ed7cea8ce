"""A trained model -> the folder that ships: small, without traces of this machine.

    python -m data_prep.ship MODEL zhasr/pretrained/mandarin \\
        --data WORK/mfcc-static+pitch+length/* --results WORK/real_speech.json

Matrices become float16, which halves the folder; vectors (biases, gains, statistics)
stay as they are. The card is written from the prepared folders of `--data`, all that
the model was trained on, and from the results of `benchmarks/real_speech.py`, which
must be those of these very weights: ship once, measure OUT, ship again with them.
"""

import argparse
import dataclasses
import hashlib
import json
import pathlib
import sys

import numpy as np

from data_prep import model_card
from zhasr import (
    calibration,
    dataset,
    errors,
    files,
    model_folder,
    speaker_adaptation,
    tuning,
)

# What development recordings have taught.
OPTIONAL = (tuning.NAME, calibration.NAME, speaker_adaptation.NAME)
LARGEST = 12 * 10**6  # bytes, of all files


class ShipError(ValueError):
    """A model that cannot ship; one line says why."""


def ship(
    model, out, data, development=None, results=None, command=None, largest=LARGEST
):
    """Write the folder; the same model gives the same bytes.

    Args:
        model: path of a model folder.
        out: path of the folder to write; what stood there is replaced.
        data: list of path, the prepared folders that the model was trained on; what
            else the recipe keeps beside them is passed over.
        development: list of path, those of `data` and others whose development
            recordings chose the epoch; all of `data` by default.
        results: path of the results of `benchmarks/real_speech.py`, or None.
        command: str, that trained the model, for the card.
        largest: int, bytes that all files together may have.

    Returns:
        dict of file name to its number of bytes.

    Raises:
        ShipError: too large; data that are not those of the model; or results of
            another model.
        ValueError: a folder that cannot be read.
    """
    model, out = pathlib.Path(model), pathlib.Path(out)
    description, weights = model_folder.load_weights(model)
    facts = without_places(description.training)
    description = dataclasses.replace(description, training=facts)
    data = [path for path in data if is_prepared(path)]
    check_data(description, data)
    contents = {
        name: (model / name).read_bytes()
        for name in (model_folder.VOCABULARY, *OPTIONAL)
        if (model / name).exists()
    }
    config = json.loads((model / model_folder.CONFIG).read_text("utf-8"))
    text = json.dumps({**config, "training": facts}, indent=1, ensure_ascii=False)
    contents[model_folder.CONFIG] = f"{text}\n".encode()
    contents[model_folder.WEIGHTS] = pack(weights, description.vocabulary)
    measured = results and read_results(results, contents)
    judges = model_card.judges(development or data)
    steps = speaker_adaptation.load_steps(model)
    text = model_card.write(
        description, model_card.parts(data), judges, measured, command, steps
    )
    contents[model_folder.CARD] = text.encode()
    sizes = {name: len(content) for name, content in contents.items()}
    if sum(sizes.values()) > largest:
        raise ShipError(
            f"{model}: {sum(sizes.values()) / 1e6:.1f} MB, expected at most "
            f"{largest / 1e6:g}: train a smaller --preset"
        )
    for name in OPTIONAL:
        (out / name).unlink(missing_ok=True)  # of another model
    for name, content in contents.items():
        files.replace(out / name, content)
    return sizes


def without_places(facts):
    """Facts of training without the folders of this machine.

    Args:
        facts: dict, that of a model_folder.Description.

    Returns:
        dict; of a path only its end is left.

    Example:
        >>> without_places({"speaker_maps": "work/speakers/maps.safetensors"})
        {'speaker_maps': 'speakers/maps.safetensors'}
    """
    return {
        name: str(pathlib.PurePath(*pathlib.PurePath(value).parts[-2:]))
        if isinstance(value, str) and "/" in value
        else value
        for name, value in facts.items()
    }


def is_prepared(path):
    """Whether a folder is one of `data_prep.prepare`."""
    return any(pathlib.Path(path).glob("*.jsonl"))


def pack(weights, names):
    """Write weights in half the space.

    Args:
        weights: dict of name to float32 array.
        names: vocabulary.Vocabulary of the model.

    Returns:
        bytes of a safetensors file.

    Raises:
        ShipError: a weight that float16 cannot hold.
    """
    with np.errstate(over="ignore"):
        packed = {
            name: array.astype(np.float16) if array.ndim > 1 else array
            for name, array in weights.items()
        }
    for name, array in packed.items():
        if not np.isfinite(array).all():
            raise ShipError(f"{name}: expected weights below 65,504, for float16")
    return model_folder.pack_weights(packed, names)


def check_data(description, paths):
    """Make sure that folders are what a model was trained on, as far as it knows.

    Args:
        description: model_folder.Description.
        paths: list of path of prepared folders.

    Raises:
        ShipError: another number of folders of a corpus, or other voices.
    """
    folders = [dataset.open_folder(path) for path in paths]
    heard = [(one.corpus, one.utterances("train")) for one in folders]
    trained = sorted(corpus for corpus, utterances in heard if utterances)
    recorded = sorted(description.training.get("corpora", []))
    if description.training.get("start"):  # earlier trainings may have shared folders
        trained, recorded = sorted(set(trained)), sorted(set(recorded))
    if trained != recorded:
        raise ShipError(
            f"--data: expected the folders that the model was trained on, {recorded}, "
            f"received {trained}; pretrain.log names them"
        )
    voices = {item.speaker for _, utterances in heard for item in utterances}
    if voices ^ set(description.training.get("voices", voices)):
        raise ShipError("--data: expected the voices that the model heard, got others")


def fingerprint(contents):
    """Tell apart what models hear.

    Args:
        contents: dict of file name to bytes, of a model folder.

    Returns:
        str, of the weights and of what development recordings taught the search and
        the adaptation.
    """
    deciding = (model_folder.WEIGHTS, tuning.NAME, speaker_adaptation.NAME)
    parts = [hashlib.sha256(contents.get(name, b"")).digest() for name in deciding]
    return hashlib.sha256(b"".join(parts)).hexdigest()


def read_results(path, contents):
    """Read measured results.

    Args:
        path: path of a file of `benchmarks/real_speech.py`.
        contents: dict of file name to bytes, of the model that they must belong to.

    Returns:
        dict.

    Raises:
        ShipError: they are those of another model.
    """
    try:
        results = json.loads(pathlib.Path(path).read_text("utf-8"))
        measured = results["weights"]
    except (ValueError, KeyError, TypeError):
        raise ShipError(f"{path}: expected results of real_speech.py") from None
    if measured != fingerprint(contents):
        raise ShipError(
            f"{path}: the results of another model; measure what ships: "
            "python benchmarks/real_speech.py CORPORA WORK"
        )
    return results


def main(arguments=None):
    """Run the command; return the exit status: 0, or 2 for bad input."""
    parser = argparse.ArgumentParser(
        "python -m data_prep.ship", description=__doc__.splitlines()[0]
    )
    parser.add_argument("model", type=pathlib.Path)
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--data", type=pathlib.Path, nargs="+", required=True)
    parser.add_argument(
        "--development",
        type=pathlib.Path,
        nargs="+",
        help="the folders that chose the epoch (default: those of --data)",
    )
    parser.add_argument("--results", type=pathlib.Path)
    parser.add_argument("--command", help="that trained the model, for the card")
    options = parser.parse_args(arguments)
    try:
        sizes = ship(**vars(options))
    except (ValueError, OSError) as error:
        print(f"ship: {errors.one_line(error)}", file=sys.stderr)
        return 2
    for name, size in sizes.items():
        print(f"{name}  {size:,} bytes")
    print(f"{options.out}  {sum(sizes.values()) / 1e6:.1f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
