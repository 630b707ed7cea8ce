"""How much sooner does a model of ours reach the error of the earlier recipe?

    python benchmarks/against_classic.py WORK [DATA] [--minutes 20]

Trains on the same corpus, at the same time, each in a process of its own on half of
the processor's cores, so that whatever else the machine does, it does to both:

    classic     the recipe of the earlier WaveNet recognisers, with Keras' stock CTC
    ours        `zhasr train` with its defaults, for the same time

and measures the error rate of toned syllables on voices and sentences that none of
them heard, again and again, with the clock stopped. Compiling counts for all. See
recipes.py for what exactly is run. Their 13 MFCC are the first columns of the prepared
ones, so one preparation serves all; without DATA the synthetic corpus of the demo is
made and prepared in WORK. A recipe that has finished is not run again.

Nothing is read between two measurements: ours has reached an error at the first
measurement that is at or below it, theirs at the first that shows their best. Where
theirs has learned nothing by the end (LEARNING), the ratio is a lower bound: how much
sooner ours had learned something.
"""

import argparse
import csv
import io
import json
import os
import pathlib
import subprocess
import sys

import figures
import matplotlib
from matplotlib import figure, ticker

from zhasr import files, plot

STEPS = 4  # measurements from one fifth of the time to the next
MEASUREMENTS = 10
CURVE = "curve.json"
LEARNING = 0.95  # error above which a network writes next to nothing
SHOWN = 110  # per cent; after the first updates it writes anything, and far more

RECIPES = ("classic", "ours")
LOOKS = {  # in the plot: name, colour, marker
    "classic": ("earlier recipe", plot.VERMILION, "s"),
    "ours": ("ours", plot.BLUE, "o"),
}


def main():
    """Run what has not been run; print the tables and the figures."""
    options = _parse()
    data = options.data or make_data(options.work, options.hours)
    started = [start(name, options, data) for name in RECIPES]
    runs = {name: finish(*one) for name, one in zip(RECIPES, started, strict=True)}
    write_points(options.work / "against_classic.csv", runs)
    draw(options.work / "against_classic.png", runs)
    print_tables(runs)
    print_figures({name: result["points"] for name, result in runs.items()})


def _parse():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("work", type=pathlib.Path)
    parser.add_argument("data", type=pathlib.Path, nargs="?", help="a prepared folder")
    parser.add_argument("--hours", type=float, default=3.0, help="synthetic, no DATA")
    parser.add_argument("--minutes", type=float, default=20.0, help="of training, each")
    parser.add_argument("--preset", default="base", help="of ours")
    parser.add_argument(
        "--target",
        default="initial-final",
        choices=("initial-final", "syllable", "character"),
        help="labels, which must tell tones",
    )
    parser.add_argument(
        "--split", default="test", choices=("test", "dev"), help="measured on"
    )
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


def make_data(work, hours):
    """Make and prepare the synthetic corpus; return the prepared folder."""
    corpus, data = work / "corpus", work / "data"
    call("-m", "data_prep.synthesize", corpus, "--hours", hours)
    call("-m", "data_prep.prepare", "synthetic", corpus, data)
    return data


def call(*arguments):
    """Run Python with these arguments; a failure ends the benchmark."""
    status = subprocess.run([sys.executable, *map(str, arguments)]).returncode
    if status:
        raise SystemExit(f"{arguments[0]} {arguments[1]} ended with status {status}")


def start(recipe, options, data):
    """Start training one recipe, unless it has finished before.

    Returns:
        (pathlib.Path of its folder, list of str command, subprocess.Popen or None).
    """
    own = ["--preset", options.preset] if recipe == "ours" else []
    folder = [recipe, *own[1:], f"{options.minutes:g}-minutes", f"seed-{options.seed}"]
    out = (options.work / ".".join(folder)).resolve()
    command = [recipe, data.resolve(), out, "--split", options.split]
    command += ["--target", options.target, "--seed", options.seed, *own]
    command += ["--moments", *(f"{moment:.4f}" for moment in moments(options.minutes))]
    command = [str(part) for part in command]
    if (out / CURVE).exists():
        return out, command, None
    out.mkdir(parents=True, exist_ok=True)
    print(f"{recipe}: {options.minutes:g} minutes; progress in {out}/log", flush=True)
    cores = sorted(os.sched_getaffinity(0))
    half = cores[RECIPES.index(recipe) :: len(RECIPES)]
    with (out / "log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, pathlib.Path(__file__).with_name("recipes.py"), *command],
            stdout=log,
            stderr=log,
            # A process must be bound before its libraries count the cores.
            preexec_fn=lambda: os.sched_setaffinity(0, half or cores),
        )
    return out, command, process


def finish(out, command, process):
    """Wait for a recipe; return what it wrote."""
    if process and process.wait():
        raise SystemExit(f"{out}: ended with status {process.returncode}, see log")
    result = json.loads((out / CURVE).read_text())
    if result["command"] != command:
        raise SystemExit(
            f"{out / CURVE}: of another benchmark ({' '.join(result['command'])}); "
            "name another folder for WORK or delete this one"
        )
    return result


# --- reading the curves -------------------------------------------------------------


def moments(minutes):
    """When to measure: in equal ratios back from the end.

    Args:
        minutes: float, length of the run.

    Returns:
        list of float, minutes, rising.

    Example:

    >>> [round(moment, 1) for moment in moments(20)]
    [0.5, 0.8, 1.2, 1.8, 2.7, 4.0, 6.0, 8.9, 13.4, 20.0]
    """
    return [minutes / 5 ** (k / STEPS) for k in reversed(range(MEASUREMENTS))]


def best(points):
    """The first point that shows the lowest error.

    Args:
        points: list of dict with "minutes" and "error", in the order of time.

    Returns:
        dict, one of them.
    """
    return min(points, key=lambda point: point["error"])


def first_reaching(points, error):
    """The first point at or below an error; nothing is read between two points.

    Args:
        points: list of dict with "minutes" and "error", in the order of time.
        error: float.

    Returns:
        dict, one of them, or None where none is.

    Example:

    >>> first_reaching([{"error": 0.9}, {"error": 0.2}], 0.5)
    {'error': 0.2}
    """
    return next((point for point in points if point["error"] <= error), None)


def goal(theirs):
    """Their best point; or, where they learned nothing, that they did not by the end.

    An error above LEARNING is that of a network that writes blanks, or anything at
    all. Then LEARNING is the goal and their minutes to it are more than they had.

    Args:
        theirs: list of points, see `best`.

    Returns:
        dict with "error", "minutes" and "reached": bool.

    Example:

    >>> goal([{"minutes": 5, "error": 1.2}, {"minutes": 20, "error": 1.0}])
    {'minutes': 20, 'error': 0.95, 'reached': False}
    """
    lowest = best(theirs)
    if lowest["error"] <= LEARNING:
        return {**lowest, "reached": True}
    return {"minutes": theirs[-1]["minutes"], "error": LEARNING, "reached": False}


def time_ratio(theirs, ours):
    """How many times sooner ours reaches their best error.

    Args:
        theirs: list of points.
        ours: list of points.

    Returns:
        float: their minutes to the goal over our minutes to it; at least that, where
        theirs has not reached it; 0 where ours never reaches it.

    Example:

    >>> theirs = [{"minutes": 5, "error": 0.8}, {"minutes": 20, "error": 0.5}]
    >>> ours = [{"minutes": 1, "error": 0.7}, {"minutes": 2, "error": 0.4}]
    >>> time_ratio(theirs, ours)
    10.0
    """
    wanted = goal(theirs)
    reached = first_reaching(ours, wanted["error"])
    return wanted["minutes"] / reached["minutes"] if reached else 0.0


# --- reporting ----------------------------------------------------------------------


def write_points(path, runs):
    """Write all points as CSV."""
    text = io.StringIO()
    names = ["run", *runs["classic"]["points"][0]]
    writer = csv.DictWriter(text, names, lineterminator="\n")
    writer.writeheader()
    for name, result in runs.items():
        writer.writerows({"run": name, **point} for point in result["points"])
    files.replace(path, text.getvalue())


def draw(path, runs):
    """Draw error rate against minutes, as PNG."""
    with matplotlib.rc_context(plot.STYLE):
        canvas = figure.Figure((plot.WIDTH, 6.0), dpi=120, layout="constrained")
        axes = canvas.subplots()
        for name, result in runs.items():
            label, colour, marker = LOOKS[name]
            minutes = [point["minutes"] for point in result["points"]]
            errors = [100 * point["error"] for point in result["points"]]
            axes.plot(minutes, errors, color=colour, marker=marker, label=label)
        wanted = goal(runs["classic"]["points"])
        axes.axhline(100 * wanted["error"], color=plot.GREY, linestyle="--", zorder=0)
        axes.set_xscale("log")
        axes.xaxis.set_major_locator(ticker.LogLocator(subs=(1, 2, 5)))
        axes.xaxis.set_major_formatter(ticker.FormatStrFormatter("%g"))
        axes.xaxis.set_minor_locator(ticker.NullLocator())
        axes.set(xlabel="time, minutes", ylabel="toned syllables wrong, %")
        axes.set_ylim(0, SHOWN)
        axes.set_title("Unseen voices and sentences after so much training")
        axes.grid(color=plot.PALE, linewidth=1)
        axes.legend()
        path.parent.mkdir(parents=True, exist_ok=True)
        canvas.savefig(path)


def print_tables(runs):
    """Print every point, then one row for each run."""
    header = ("run", "minutes", "hours heard", "nats per label", "toned error %")
    rows = [
        (name, point["minutes"], point["hours_heard"], point["nats_per_label"])
        + (100 * point["error"],)
        for name, result in runs.items()
        for point in result["points"]
    ]
    figures.table(header, rows)
    print()
    header = ("run", "M parameters", "minutes", "updates", "× real time", "error %")
    figures.table(header, [_row(name, result) for name, result in runs.items()])
    theirs = runs["classic"]["points"]
    ours = runs["ours"]["points"]
    print(f"\n{_say(theirs, ours)}")


def _row(name, result):
    last = result["points"][-1]
    realtime = 60 * last["hours_heard"] / last["minutes"]
    parameters = result["parameters"] / 1e6
    numbers = (last["minutes"], last["updates"], realtime, 100 * last["error"])
    return (name, parameters, *numbers)


def _say(theirs, ours):
    wanted = goal(theirs)
    error = f"{100 * wanted['error']:.2f} %"
    if wanted["reached"]:
        text = f"theirs is best, {error}, after {wanted['minutes']:.2f} minutes; "
        least = ""
    else:
        text = f"theirs is above {error} after {wanted['minutes']:.2f} minutes; "
        least = "at least "
    reached = first_reaching(ours, wanted["error"])
    if not reached:
        return f"{text}ours never is at or below it"
    return (
        f"{text}ours has {100 * reached['error']:.2f} % after "
        f"{reached['minutes']:.2f} minutes: {least}"
        f"{time_ratio(theirs, ours):.1f} times sooner"
    )


def print_figures(curves):
    """Print the figures; "none" where there is no number.

    Args:
        curves: dict of name of the run to its points.
    """
    theirs, ours = (curves[name] for name in RECIPES)
    wanted = goal(theirs)
    for name, value, unit in (
        ("classic_error", 100 * best(theirs)["error"], "%"),
        ("ours_error", 100 * ours[-1]["error"], "%"),
        ("classic_minutes", wanted["minutes"], "min"),
        ("ours_minutes_to_classic_error", minutes_to(ours, wanted), "min"),
        ("classic_time_ratio", time_ratio(theirs, ours), "x"),
    ):
        figures.figure(name, "none" if value is None else value, unit)


def minutes_to(points, wanted):
    """Minutes to the error of another point, or None; see `first_reaching`."""
    reached = first_reaching(points, wanted["error"])
    return reached and reached["minutes"]


if __name__ == "__main__":
    main()
