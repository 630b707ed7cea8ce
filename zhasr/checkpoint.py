"""What a killed training run goes on from, and its log, in MODEL/training/."""

import csv
import io
import json
import pathlib

import safetensors
import safetensors.numpy
import tensorboard.summary

from zhasr import files, training
from zhasr.backend import keras

STATE = pathlib.Path("training", "state.safetensors")
LOG = pathlib.Path("training", "log.csv")
CURVES = pathlib.Path("training", "tensorboard")


def exists(out):
    """Whether there is a state in the model folder."""
    return (out / STATE).exists()


def save(out, variables, progress):
    """Write the state, at once or not at all.

    Args:
        out: pathlib.Path of the model folder.
        variables: iterable of (name, keras.Variable).
        progress: dict of what JSON can hold.
    """
    arrays = {
        name: keras.ops.convert_to_numpy(variable) for name, variable in variables
    }
    content = safetensors.numpy.save(arrays, {"progress": json.dumps(progress)})
    files.replace(out / STATE, content)


def load(out):
    """Read the state.

    Args:
        out: pathlib.Path of the model folder.

    Returns:
        (dict progress, dict of name -> numpy array).

    Raises:
        training.TrainingError: there is none that can be read.
    """
    try:
        with safetensors.safe_open(out / STATE, framework="numpy") as file:
            progress = json.loads(file.metadata()["progress"])
            return progress, {name: file.get_tensor(name) for name in file.keys()}
    except (OSError, safetensors.SafetensorError, TypeError, KeyError):
        raise training.TrainingError(
            f"{out / STATE}: no state to resume from; train without --resume"
        ) from None


def write_log(out, history):
    """Write log.csv anew and add the last epoch to the TensorBoard events.

    Args:
        out: pathlib.Path of the model folder.
        history: list of dict, one per epoch.
    """
    text = io.StringIO()
    writer = csv.DictWriter(text, list(history[-1]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(history)
    files.replace(out / LOG, text.getvalue())
    board = tensorboard.summary.Writer(str(out / CURVES))
    row = history[-1]
    for name in ("loss", "dev_error", "blank_share"):
        if row[name] is not None:
            board.add_scalar(name, row[name], row["updates"])
    board.close()
