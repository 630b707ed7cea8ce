"""Pictures of training: what falls, what rises, and what is read at each moment.

Style and palette are those of `plot`.
"""

import numpy as np

from zhasr import ctc, pinyin, plot, scoring

NAMED = 0.3  # probability above which a spike gets its name


@plot.styled()
def progress(steps, loss, error, blank, label="updates"):
    """Draw loss, error and share of blanks as training goes on.

    Args:
        steps: int array (moments,), updates or epochs so far.
        loss: float array (moments,), nats per label.
        error: float array (moments,), label error, 1 is 100 %.
        blank: float array (moments,), share of the real frames whose best label is
            the blank.
        label: str, what a step is.

    Returns:
        array of three matplotlib Axes.

    Notebook: 05_learning.ipynb
    """
    axes = plot.new_axes(3.4, columns=3)
    rows = (
        ("Loss, nats per label", np.asarray(loss, float), plot.BLUE),
        ("Error, % of the labels", 100 * np.asarray(error, float), plot.VERMILION),
        ("Blank, % of the frames", 100 * np.asarray(blank, float), plot.BLACK),
    )
    for each, (title, values, colour) in zip(axes, rows, strict=True):
        each.plot(steps, values, color=colour, marker="o", markersize=5)
        each.set(xlabel=label, ylim=(0, 1.08 * max(1e-3, np.nanmax(values))))
        each.set_title(title, fontsize=14)
        each.grid(color=plot.PALE, linewidth=1)
        each.set_axisbelow(True)
    for each in axes[1:]:
        each.set_ylim(0, max(108, min(250, each.get_ylim()[1])))
    return axes


# --- posteriors over time -----------------------------------------------------------


@plot.styled()
def spikes(moments, labels, frame_seconds, titles):
    """Draw the posteriors of one sentence at several moments, under each other.

    Args:
        moments: sequence of float array (frames, labels), each row adds up to 1; label
            0 is the blank.
        labels: sequence of str, names of the labels.
        frame_seconds: float, from one frame to the next.
        titles: sequence of str, one for each moment.

    Returns:
        array of matplotlib Axes, one for each moment.

    Notebook: 05_learning.ipynb
    """
    axes = plot.new_axes(
        0.9 + 1.75 * len(moments), rows=len(moments), sharex=True, squeeze=False
    )[:, 0]
    for each, probabilities, title in zip(axes, moments, titles, strict=True):
        _draw(each, np.asarray(probabilities), labels, frame_seconds)
        each.set_title(title, fontsize=13)
    axes[-1].set_xlabel("time, seconds")
    axes[0].legend(**plot.ABOVE_RIGHT, ncols=3)
    return axes


def _draw(axes, probabilities, labels, frame_seconds):
    """The blank as a ground, initials and finals as lines, a name for each spike."""
    edges = np.arange(len(probabilities) + 1) * frame_seconds
    axes.stairs(probabilities[:, 0], edges, fill=True, color="#DDDDDD", label="blank")
    seen = set(probabilities.argmax(axis=1))
    seen |= set(np.flatnonzero(probabilities.max(axis=0) > plot.SHOWN_LABELS))
    for index in sorted(seen - {ctc.BLANK}):
        colour = _colour(labels[index])
        axes.stairs(probabilities[:, index], edges, color=colour, linewidth=1.5)
    axes.plot([], [], color=plot.INITIAL, label="initials")
    axes.plot([], [], color=plot.FINAL, label="finals")
    for place, index in _peaks(probabilities):
        colour = _colour(labels[index])
        height = 1.04 if colour == plot.INITIAL else 1.22
        style = {"ha": "center", "color": colour, "fontsize": plot.TINY}
        axes.text((place + 0.5) * frame_seconds, height, labels[index], **style)
    axes.set(ylim=(0, 1.42), xlim=(0, edges[-1]), ylabel="probability")
    axes.set_yticks([0, 0.5, 1])


def _peaks(probabilities):
    """(frame, label) of the middle of each run of frames with one best label."""
    best = probabilities.argmax(axis=1)
    best[probabilities.max(axis=1) < NAMED] = ctc.BLANK
    begins = np.flatnonzero(np.diff(best, prepend=-1))
    ends = np.append(begins[1:], len(best))
    return [
        ((begin + end - 1) / 2, best[begin])
        for begin, end in zip(begins, ends, strict=True)
        if best[begin] != ctc.BLANK
    ]


def _colour(label):
    return plot.INITIAL if label in pinyin.INITIALS else plot.FINAL


# --- transcripts --------------------------------------------------------------------


@plot.styled()
def transcripts(names, heard, spoken):
    """Draw what was heard at several moments under what was spoken.

    Args:
        names: sequence of str, one for each moment.
        heard: sequence of sequences of labels, one for each moment.
        spoken: sequence of labels.

    Returns:
        matplotlib Axes.

    Notebook: 05_learning.ipynb
    """
    axes = plot.new_axes(0.7 + 0.36 * (len(heard) + 1))
    _draw_row(axes, 0, [(label, "") for label in spoken])
    for row, labels in enumerate(heard, 1):
        _draw_row(axes, row, _columns(spoken, labels))
    axes.set(xlim=(0, max(1, len(spoken))), ylim=(len(heard) + 1.05, -0.05), xticks=[])
    axes.set_yticks(np.arange(len(heard) + 1) + 0.5, ["spoken", *names])
    axes.tick_params(length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)
    patches = [
        plot.pyplot.Rectangle((0, 0), 1, 1, facecolor=plot.ERROR_COLOURS[kind])
        for kind in ("substituted", "deleted")
    ]
    names = ["another one", "nothing heard"]
    axes.legend(patches, names, **plot.ABOVE_RIGHT, ncols=2)
    axes.set_title("+ : something inserted", fontsize=plot.SMALL)
    return axes


def _columns(spoken, labels):
    """For each label spoken (text, kind); insertions as + beside the nearest one."""
    columns, before = [], ""
    for first, second in scoring.align(spoken, labels):
        if first is not None:
            kind = "" if first == second else "substituted" if second else "deleted"
            columns.append((before + (second or "–"), kind))
            before = ""
        elif columns:
            text, kind = columns[-1]
            columns[-1] = (text.rstrip("+") + "+", kind)
        else:
            before = "+"
    return columns


def _draw_row(axes, row, columns):
    for place, (text, kind) in enumerate(columns):
        axes.add_patch(
            plot.pyplot.Rectangle(
                (place + 0.03, row + 0.06),
                0.94,
                0.88,
                facecolor=plot.ERROR_COLOURS[kind],
                edgecolor=plot.GREY if row else plot.BLACK,
                linewidth=1 if row else 2,
            )
        )
        style = {"ha": "center", "va": "center", "fontsize": plot.TINY}
        axes.text(place + 0.5, row + 0.5, text, color=plot.BLACK, **style)


# --- runs ---------------------------------------------------------------------------


@plot.styled()
def runs(histories):
    """Draw the development error of several runs over their epochs.

    Args:
        histories: dict from the name of a run to a list of dict, the rows of
            `training_run.train`; rows without a development error are left out.

    Returns:
        matplotlib Axes.

    Notebook: 05_learning.ipynb
    """
    axes = plot.new_axes(3.8)
    colours = (plot.BLACK, plot.VERMILION, plot.BLUE, plot.GREEN, plot.PURPLE)
    markers = "osD^v"
    for number, (name, rows) in enumerate(histories.items()):
        rows = [row for row in rows if row["dev_error"] is not None]
        axes.plot(
            [row["epoch"] for row in rows],
            [100 * row["dev_error"] for row in rows],
            color=colours[number % len(colours)],
            marker=markers[number % len(markers)],
            label=name,
        )
    axes.set(xlabel="epochs", ylabel="labels wrong, %", ylim=(0, None))
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.grid(color=plot.PALE, linewidth=1)
    axes.set_title("Development error")
    axes.legend(**plot.ABOVE_RIGHT, ncols=3)
    return axes
