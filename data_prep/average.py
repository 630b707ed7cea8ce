"""Several trainings of a model -> one model whose weights are their mean.

    zhasr train DATA --start MODEL --out A    # twice, with another --seed or --dropout
    zhasr train DATA --start MODEL --out B
    python -m data_prep.average A B --out MEAN
    python -m data_prep.average A --with-start MODEL --out MEAN

Trainings that begin with the same weights stay near each other, and their mean is often
better than each, above all on what is unlike the training data (Wortsman et al., "Model
soups", ICML 2022; for one training, Izmailov et al. 2018). So is the mean of a training
and what it began with (Wortsman et al., "Robust fine-tuning of zero-shot models", CVPR
2022). Of models that began apart the mean is worth nothing, so `--start` must be the
same in all.
"""

import argparse
import dataclasses
import pathlib
import sys

import numpy as np

from zhasr import errors, model_folder


class AverageError(ValueError):
    """Models that have no mean; one line says why."""


def main(arguments=None):
    """Run the command; return the exit status: 0, or 2 for bad input."""
    parser = argparse.ArgumentParser(
        "python -m data_prep.average", description=__doc__.splitlines()[0]
    )
    parser.add_argument("models", nargs="+", type=pathlib.Path)
    parser.add_argument("--out", required=True, type=pathlib.Path)
    parser.add_argument(
        "--with-start",
        type=pathlib.Path,
        metavar="MODEL",
        help="what they began with counts as much as each of them",
    )
    options = parser.parse_args(arguments)
    try:
        description = average(options.models, options.out, options.with_start)
    except (ValueError, OSError) as error:
        print(f"average: {errors.one_line(error)}", file=sys.stderr)
        return 2
    heard = description.training["hours_heard"]
    count = description.training["mean_of"]
    print(f"{options.out}: the mean of {count}, {heard:.1f} h heard in all")
    return 0


def average(folders, out, start=None):
    """Write the mean of some models.

    Args:
        folders: list of path of model folders that began with the same weights.
        out: path of the folder to write; no model may be there yet.
        start: path of the model folder with those weights, if they count, too.

    Returns:
        model_folder.Description of the mean.

    Raises:
        AverageError: fewer than two, or models that do not fit together.
        model_folder.ModelError: a model that cannot be read, or one at `out`.
    """
    if len(folders) + (start is not None) < 2:
        raise AverageError(f"expected two models or more, received {len(folders)}")
    descriptions, weights = zip(*map(model_folder.load_weights, folders), strict=True)
    for folder, description in zip(folders, descriptions, strict=True):
        check_fits(folder, description, folders[0], descriptions[0])
    learned = facts([one.training for one in descriptions])
    if start is not None:
        before, first = model_folder.load_weights(start)
        check_start(start, before, folders[0], descriptions[0])
        weights += (first,)
        learned |= {"mean_of": len(weights), "with_start": True}
    mean = {
        name: np.mean([one[name] for one in weights], axis=0) for name in weights[0]
    }
    description = dataclasses.replace(descriptions[0], training=learned)
    model_folder.save_weights(out, description, mean)
    return description


def check_fits(folder, description, first_folder, first):
    """Make sure that a model differs from the first in its weights alone.

    Args:
        folder, first_folder: path of the two.
        description, first: their model_folder.Description.

    Raises:
        AverageError: it does not.
    """
    same = {
        **_alike(description, first),
        "start": description.training.get("start") == first.training.get("start")
        and bool(first.training.get("start")),
    }
    wanted = f"a training that began with the same weights as {first_folder}"
    _refuse(folder, wanted, same)


def check_start(folder, description, first_folder, first):
    """Make sure that a model may be what another began with, as far as it is known.

    Args:
        folder: path of the model folder that should be the start of the other.
        description: its model_folder.Description.
        first_folder, first: the same of the other.

    Raises:
        AverageError: it is not.
    """
    heard = description.training.get("hours_heard", 0)
    same = {
        **_alike(description, first),
        "number of hours": heard == first.training.get("start_hours"),
    }
    _refuse(folder, f"what {first_folder} began with", same)


def _refuse(folder, wanted, same):
    """Raise AverageError unless all is the same."""
    if different := [name for name, alike in same.items() if not alike]:
        raise AverageError(
            f"{folder}: expected {wanted} (--start), received another "
            f"{', '.join(different)}"
        )


def _alike(description, first):
    """What two models must have in common, and whether they do."""
    return {
        "architecture": dataclasses.replace(description.architecture, dropout=0.0)
        == dataclasses.replace(first.architecture, dropout=0.0),
        "features": description.features == first.features,
        "mean and std": np.array_equal(description.mean, first.mean)
        and np.array_equal(description.std, first.std),
        "labels": description.vocabulary == first.vocabulary,
    }


def facts(trainings):
    """Say how the mean was made.

    Args:
        trainings: list of dict, of the models.

    Returns:
        dict: what all have in common, what differs as a list, and what and how long
        all have heard together.
    """
    common = {
        name: value
        for name, value in trainings[0].items()
        if name != "dev_label_error"  # not that of the mean
        and all(one.get(name) == value for one in trainings)
    }
    varied = {
        name: [one.get(name) for one in trainings]
        for name in ("seed", "dropout", "learning_rate", "minutes", "epochs")
        if name not in common
    }
    before = trainings[0]["start_hours"]
    heard = before + sum(one["hours_heard"] - before for one in trainings)
    together = model_folder.heard_together(trainings)
    mean = {"mean_of": len(trainings), "hours_heard": heard}
    return {**common, **varied, **together, **mean}


if __name__ == "__main__":
    sys.exit(main())
