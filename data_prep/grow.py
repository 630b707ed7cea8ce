"""A trained model -> a larger one, or one of fewer features, that begins where it was.

    python -m data_prep.grow MODEL --out LARGER --stacks 5
    python -m data_prep.grow MODEL --out LARGER --gate-channels 256
    python -m data_prep.grow MODEL --out LARGER --no-deltas DATA/dev.jsonl
    zhasr train DATA --start LARGER --out BETTER

DATA is prepared with `--no-deltas` where LARGER hears no Δ.

What a network has learned is kept when it changes, and `--start` trains on from there:
that is many hours cheaper than from random weights.

New blocks come behind those that are there, new gated units beside them. What projects
from them is zero, so that at first the network computes what it did (Chen, Goodfellow
and Shlens, "Net2Net: Accelerating Learning via Knowledge Transfer", ICLR 2016, sections
2.2 and 2.3; zeros instead of copies and identities, because the blocks are residual).

Δ and ΔΔ are linear in the cepstra of the frames around, of which the stem sees most
itself. So it can do without them: its kernel is fitted anew by least squares, to give
for the cepstra and the pitch alone what it gave for all features.
"""

import argparse
import dataclasses
import pathlib
import sys

import numpy as np

from data_prep import harder
from zhasr import errors, features, mel, model_folder, numpy_layers, wavenet
from zhasr.backend import keras

MOST = 300  # recordings that the stem is fitted to; it has some hundred inputs
FEWEST = 10  # output frames for each input of the stem
PROJECTIONS = ("_residual/kernel", "_skip/kernel")


class GrowError(ValueError):
    """A model that cannot be changed as asked; one line says why."""


def main(arguments=None):
    """Run the command; return the exit status: 0, or 2 for bad input."""
    parser = argparse.ArgumentParser(
        "python -m data_prep.grow", description=__doc__.splitlines()[0]
    )
    parser.add_argument("model", type=pathlib.Path)
    parser.add_argument("--out", required=True, type=pathlib.Path)
    parser.add_argument("--stacks", type=int, help="of blocks, more than it has")
    parser.add_argument("--gate-channels", type=int, help="more than it has")
    parser.add_argument(
        "--no-deltas",
        type=pathlib.Path,
        metavar="MANIFEST",
        help="leave Δ out; recordings to fit the stem to",
    )
    options = parser.parse_args(arguments)
    sizes = {"stacks": options.stacks, "gate_channels": options.gate_channels}
    try:
        grow(options.model, options.out, sizes, options.no_deltas, print)
    except (ValueError, OSError) as error:
        print(f"grow: {errors.one_line(error)}", file=sys.stderr)
        return 2
    return 0


def grow(folder, out, sizes=None, recordings=None, say=lambda line: None):
    """Write the changed model.

    Args:
        folder: path of a model folder.
        out: path of the folder to write; no model may be there yet.
        sizes: dict of "stacks" and "gate_channels" to int, or to None (the default)
            for those that stay.
        recordings: path of a manifest, to leave out Δ; None to keep it.
        say: function that is told what has changed, a line each.

    Returns:
        model_folder.Description of the changed model.

    Raises:
        GrowError: nothing to change, a size that is not larger, a model without Δ, or
            too few recordings.
        ValueError, OSError: the model or the recordings cannot be read.
    """
    sizes = {name: size for name, size in (sizes or {}).items() if size is not None}
    if not sizes and recordings is None:
        raise GrowError(
            "expected --stacks, --gate-channels or --no-deltas, received none of them"
        )
    description, weights = model_folder.load_weights(folder)
    facts, changes = {**description.training, "preset": None}, []
    if sizes:
        description, weights = larger(description, weights, **sizes)
        network = description.architecture
        seen = wavenet.receptive_field(network) * features.FRAME_STEP
        changes.append(
            f"{network.stacks} stacks of blocks, {network.gates} gated units in each: "
            f"sees {seen:.1f} s"
        )
    if recordings is not None:
        if not (description.features.kind == "mfcc" and description.features.deltas):
            raise GrowError(f"{folder}: hears no Δ that could be left out")
        said = harder.read_manifest(recordings, MOST)
        raw = [
            features.extract_file(one.audio_filepath, description.features)
            for one in said
        ]
        description, weights, kept = without_deltas(description, weights, raw)
        kept = f"{100 * kept:.1f} % of the variance that it gave"
        changes.append(f"without Δ the stem gives {kept}")
        facts.pop("dev_label_error", None)  # that of other weights
    for line in changes:
        say(line)
    facts["grown"] = changes
    description = dataclasses.replace(description, training=facts)
    model_folder.save_weights(out, description, weights)
    return description


def larger(description, weights, **sizes):
    """Add blocks or gated units that change nothing yet.

    Args:
        description: model_folder.Description.
        weights: dict of name to float32 array.
        sizes: int, `stacks` or `gate_channels` or both, more than there are.

    Returns:
        (model_folder.Description, dict of name to float32 array).

    Raises:
        GrowError: there are as many or more.
    """
    before = description.architecture
    there = {"stacks": before.stacks, "gate_channels": before.gates}
    for name, size in sizes.items():
        if size <= there[name]:
            raise GrowError(f"expected more than {there[name]} {name}, received {size}")
    architecture = dataclasses.replace(before, **sizes)
    grown = dataclasses.replace(description, architecture=architecture)
    keras.utils.set_random_seed(0)  # the same model from the same command
    random = model_folder.named_weights(grown.build())
    found = {name: np.array(value) for name, value in random}
    for name, value in found.items():
        if name.endswith(PROJECTIONS):
            value[:] = 0
        if name in weights:
            halves = 2 if "_gates" in name else 1  # one kernel makes both of a gate
            _put(weights[name], value, halves)
    return grown, found


def _put(old, new, parts):
    """Overwrite the beginning of each part of the last axis, and of all other axes."""
    old, new = (each.reshape(*each.shape[:-1], parts, -1) for each in (old, new))
    new[tuple(map(slice, old.shape))] = old


def without_deltas(description, weights, raw):
    """Fit a stem that does without Δ.

    Args:
        description: model_folder.Description, of MFCC with Δ.
        weights: dict of name to float32 array.
        raw: list of float array (frames, dims), features of recordings with Δ.

    Returns:
        (model_folder.Description, dict of name to float32 array, float): also the
        share of the variance of the stem's output that it still gives.

    Raises:
        GrowError: too few recordings.
    """
    architecture, config = description.architecture, description.features
    kept = np.r_[: mel.CEPSTRA, config.spectral_dims : config.dims]
    normalised = [description.normalise(one) for one in raw]
    old = weights["stem/kernel"]
    taps, _, channels = old.shape
    given = np.concatenate([_inputs(one, architecture, taps) for one in normalised])
    given = given @ old.reshape(-1, channels)
    heard = np.concatenate(
        [_inputs(one[:, kept], architecture, taps) for one in normalised]
    )
    if len(heard) < FEWEST * heard.shape[1]:
        seconds = FEWEST * heard.shape[1] * architecture.reduction * features.FRAME_STEP
        raise GrowError(f"expected {seconds:.0f} s of recordings or more to fit to")
    kernel = np.linalg.lstsq(heard, given, rcond=None)[0]
    missed = np.square(given - heard @ kernel).sum()
    variance = np.square(given - given.mean(axis=0)).sum()
    changed = dataclasses.replace(
        description,
        features=dataclasses.replace(config, deltas=False),
        mean=description.mean[kept],
        std=description.std[kept],
    )
    kernel = kernel.reshape(taps, -1, channels).astype(np.float32)
    return changed, {**weights, "stem/kernel": kernel}, 1 - missed / variance


def _inputs(normalised, architecture, taps):
    """What the stem is multiplied with: float array (output frames, taps · width)."""
    frames = np.array([len(normalised)])
    stacked = numpy_layers.Layers({}).stack_frames(
        normalised[None], frames, architecture.reduction, name="stack_frames"
    )[0]
    inputs = np.zeros((len(stacked), taps, stacked.shape[1]))
    for tap, heard, hearing in numpy_layers.windows(
        len(stacked), taps, 1, architecture.causal
    ):
        inputs[hearing, tap] = stacked[heard]
    return inputs.reshape(len(stacked), -1)


if __name__ == "__main__":
    sys.exit(main())
