"""Pictures of the search for the best label sequence: sums, the beam, its price.

Style and palette are those of `plot`. A prefix is a tuple of labels; the empty one is
written "(nothing)".
"""

import numpy as np
from matplotlib import pyplot, ticker

from zhasr import ctc, plot

COLOURS = (plot.BLUE, plot.VERMILION, plot.GREEN, plot.PURPLE, plot.BLACK)
MARKERS = "os^Dv"
SHADES = (0.55, 0.3)  # of neighbouring paths in a bar
BOX = (0.6, 0.6)  # width and height of a prefix in the tree
SHOWN = 0.1  # posterior; a label that never reaches it is not drawn


def written(labels, names):
    """The names of labels, such as "bu4 hao3"; "(nothing)" for none: str."""
    return " ".join(names[label] for label in labels) or "(nothing)"


# --- paths and their sums -------------------------------------------------------------


@plot.styled()
def sums(paths, names, most=6):
    """Draw the likeliest label sequences as bars that are made of their paths.

    Args:
        paths: dict from label sequence (tuple of int) to float array (paths,), the
            probabilities of all its paths.
        names: sequence of str, of the labels.
        most: int, how many sequences are drawn, the likeliest first.

    Returns:
        matplotlib Axes.

    Notebook: 06_loudest.ipynb
    """
    ranked = sorted(paths, key=lambda labels: -np.sum(paths[labels]))[:most]
    loudest = max(np.max(values) for values in paths.values())
    axes = plot.new_axes(1.4 + 0.55 * len(ranked))
    for place, labels in enumerate(ranked):
        left = 0.0
        for number, value in enumerate(sorted(paths[labels], reverse=True)):
            first = value == loudest
            colour = plot.ORANGE if first else plot.BLUE
            alpha = 1.0 if first else SHADES[number % 2]
            axes.barh(place, value, 0.7, left, color=colour, alpha=alpha)
            left += value
        text = f" {left:.3f}   {len(paths[labels])} paths"
        axes.text(left, place, text, va="center")
    axes.barh(0, 0, color=plot.ORANGE, label="the loudest path")
    axes.legend(**plot.ABOVE_RIGHT)
    axes.set_yticks(range(len(ranked)), [written(each, names) for each in ranked])
    axes.invert_yaxis()
    axes.margins(x=0.3)
    axes.set_xlim(0, None)
    axes.set_xlabel("probability; each piece of a bar is one path")
    axes.set_title("Paths that read the same, end to end")
    return axes


@plot.styled()
def merge(ways, target, names):
    """Draw all ways that lead to one prefix in one frame, and their sum.

    Args:
        ways: list of (prefix, ending, probability before, label that is added, its
            probability); the ending, "blank" or "label", says what the paths before
            end in.
        target: tuple of int, the prefix that they lead to.
        names: sequence of str, of the labels.

    Returns:
        matplotlib Axes.

    Notebook: 06_loudest.ipynb
    """
    axes = plot.new_axes(0.9 + 0.75 * len(ways))
    middle = (len(ways) - 1) / 2
    total = sum(before * factor for _, _, before, _, factor in ways)
    for row, (prefix, ending, before, label, factor) in enumerate(ways):
        text = f"{written(prefix, names)}, ends in {ending}\n{before:.4f}"
        _box(axes, (0, row), text, 2.6, plot.PALE)
        axes.annotate(
            "",
            (6.2, middle + 0.15 * (row - middle)),
            (1.35, row),
            arrowprops={"arrowstyle": "-|>", "color": plot.BLUE, "linewidth": 2},
        )
        text = f"× {names[label]} {factor:.2f}  =  {before * factor:.4f}"
        place = (3.4, row + 0.36 * (middle - row))
        ground = {"facecolor": "white", "edgecolor": "none", "pad": 2}
        axes.text(*place, text, ha="center", va="center", bbox=ground)
    _box(axes, (7.6, middle), f"{written(target, names)}\n{total:.4f}", 2.6, plot.SKY)
    axes.set(xlim=(-1.4, 9), ylim=(len(ways) - 0.5, -0.5), xticks=[], yticks=[])
    plot.bare(axes)
    axes.set_title("One prefix, all ways to it: they are added")
    return axes


def _box(axes, middle, text, width, colour):
    corner = (middle[0] - width / 2, middle[1] - 0.36)
    axes.add_patch(
        pyplot.Rectangle(corner, width, 0.72, facecolor=colour, edgecolor=plot.GREY)
    )
    axes.text(*middle, text, ha="center", va="center", fontsize=plot.SMALL)


# --- the tree of prefixes -------------------------------------------------------------


@plot.styled()
def tree(beams, width, names):
    """Draw the prefixes that a beam search keeps and drops, frame by frame.

    Args:
        beams: list of dict from prefix (tuple of int) to probability, one for each
            frame, before it is cut to the width.
        width: int, prefixes that are kept.
        names: sequence of str, of the labels.

    Returns:
        matplotlib Axes.

    Notebook: 06_loudest.ipynb
    """
    kept = [_best(beam, width) for beam in beams]
    rows = sorted(set().union(*kept, {()}))
    axes = plot.new_axes(1.6 + 0.62 * len(rows))
    before = {(): 1.0}
    _draw_prefix(axes, -1, rows.index(()), 1.0, True)
    for frame, beam in enumerate(beams):
        for prefix in set(beam) & set(rows):
            row = rows.index(prefix)
            for source, colour in ((prefix, plot.GREY), (prefix[:-1], plot.BLUE)):
                if source in before and (prefix or colour == plot.GREY):
                    start = (frame - 1 + BOX[0] / 2, rows.index(source))
                    _draw_arrow(axes, start, (frame - BOX[0] / 2, row), colour)
            _draw_prefix(axes, frame, row, beam[prefix], prefix in kept[frame])
        dropped = len(beam) - len(kept[frame])
        axes.text(frame, len(rows) - 0.3, f"{dropped} dropped", ha="center")
        before = kept[frame]
    for name, colour in {
        "the same prefix": plot.GREY,
        "one label more": plot.BLUE,
    }.items():
        axes.plot([], [], color=colour, label=name)
    axes.legend(**plot.ABOVE_RIGHT, ncols=2)
    axes.set_yticks(range(len(rows)), [written(each, names) for each in rows])
    axes.set_xticks(range(-1, len(beams)), ["start", *range(len(beams))])
    axes.set(xlim=(-1.4, len(beams) - 0.6), ylim=(len(rows), -0.5), xlabel="frame")
    plot.bare(axes)
    axes.set_title(f"A beam {width} wide; white ones are dropped")
    return axes


def _best(beam, width):
    return dict(sorted(beam.items(), key=lambda pair: -pair[1])[:width])


def _draw_arrow(axes, start, end, colour):
    arrow = {"arrowstyle": "-|>", "color": colour, "linewidth": 1.6}
    axes.annotate("", end, start, arrowprops=arrow | {"shrinkA": 0, "shrinkB": 0})


def _draw_prefix(axes, frame, row, value, kept):
    corner = (frame - BOX[0] / 2, row - BOX[1] / 2)
    colour = plot.SKY if kept else "white"
    edge = plot.BLACK if kept else plot.GREY
    axes.add_patch(
        pyplot.Rectangle(corner, *BOX, facecolor=colour, edgecolor=edge, zorder=3)
    )
    axes.text(frame, row, f"{value:.3f}", ha="center", va="center", zorder=4)


# --- made-up sentences ----------------------------------------------------------------


@plot.styled()
def sentence(posteriors, names, spoken, found):
    """Draw the posteriors of a sentence, and how it was read.

    Args:
        posteriors: float array (frames, labels), each row adds up to 1.
        names: sequence of str, of the labels.
        spoken: sequence of str, what was said.
        found: dict from name to a list of decoding.Decoded.

    Returns:
        matplotlib Axes.

    Notebook: 06_loudest.ipynb
    """
    axes = plot.new_axes(2.8 + 0.45 * (1 + len(found)))
    edges = np.arange(len(posteriors) + 1) - 0.5
    axes.stairs(posteriors[:, 0], edges, fill=True, color="#DDDDDD", label="blank")
    for label in np.flatnonzero(posteriors.max(axis=0) > SHOWN):
        if label != ctc.BLANK:
            colour = plot.BLUE if names[label] in spoken else plot.ORANGE
            axes.stairs(posteriors[:, label], edges, color=colour, linewidth=2)
    for name, colour in {"was said": plot.BLUE, "was not": plot.ORANGE}.items():
        axes.plot([], [], color=colour, label=name)
    for row, (name, labels) in enumerate(found.items()):
        height = 1.12 + 0.17 * (len(found) - 1 - row)
        axes.text(-0.7, height, name, ha="right", va="center")
        for one in labels:
            middle, text = (one.start + one.end - 1) / 2, names[one.label]
            place = {"ha": "center", "va": "center", "fontsize": plot.TINY}
            axes.text(middle, height, text, **place)
    axes.set(xlabel="frame", ylabel="probability", xlim=(-0.5, len(posteriors) - 0.5))
    axes.set(ylim=(0, 1.05 + 0.17 * len(found)), yticks=[0, 0.5, 1])
    axes.figure.legend(loc="outside lower center", ncols=3)
    axes.set_title("said: " + " ".join(spoken))
    return axes


# --- width, error, time ---------------------------------------------------------------


@plot.styled()
def widths(widths, errors, seconds, greedy=None):
    """Draw error and time against the width of the beam.

    Args:
        widths: sequence of int.
        errors: dict from name to sequence of float, percent of the syllables.
        seconds: dict of the same names to sequence of float.
        greedy: float, percent, of the best path; or None.

    Returns:
        array of two matplotlib Axes: error, time.

    Notebook: 06_loudest.ipynb
    """
    left, right = axes = plot.new_axes(4.0, columns=2)
    for each, values in ((left, errors), (right, seconds)):
        for number, (name, row) in enumerate(values.items()):
            style = {"marker": MARKERS[number], "color": COLOURS[number]}
            each.plot(widths, row, label=name, **style)
        each.set_xscale("log", base=2)
        each.xaxis.set_major_formatter(ticker.ScalarFormatter())
        each.set_xticks(widths, [str(width) for width in widths])
        each.minorticks_off()
        each.set(ylim=(0, None), xlabel="width of the beam")
        each.grid(color=plot.PALE)
    if greedy is not None:
        left.axhline(greedy, color=plot.BLACK, linestyle=":")
        left.text(widths[-1], greedy, "best path\n(greedy)", ha="right", va="top")
    left.set(ylabel="syllables wrong, %", title="Error")
    right.set(ylabel="seconds for all sentences", title="Time")
    right.legend(loc="upper left")
    return axes


@plot.styled()
def weights(errors, weights, bonuses):
    """Draw the error for each pair of weight and bonus, the best framed.

    Args:
        errors: float array (weights, bonuses), percent.
        weights, bonuses: sequences of float.

    Returns:
        matplotlib Axes.

    Notebook: 06_loudest.ipynb
    """
    axes = plot.new_axes(1.3 + 0.6 * len(weights))
    errors = np.asarray(errors)
    axes.imshow(
        errors,
        cmap=plot.SEQUENTIAL,
        norm="log",
        aspect="auto",
    )
    best = np.unravel_index(errors.argmin(), errors.shape)
    for (row, column), value in np.ndenumerate(errors):
        light = {"ha": "center", "va": "center", "color": plot.BLACK}
        ground = {"facecolor": "white", "edgecolor": "none", "pad": 2}
        axes.text(column, row, f"{value:.1f} %", bbox=ground, **light)
    corner = (best[1] - 0.48, best[0] - 0.48)
    axes.add_patch(
        pyplot.Rectangle(corner, 0.96, 0.96, fill=False, ec=plot.ORANGE, lw=4)
    )
    axes.set_yticks(range(len(weights)), weights)
    axes.set_xticks(range(len(bonuses)), bonuses)
    axes.set(ylabel="weight", xlabel="bonus for every syllable")
    plot.bare(axes)
    axes.set_title("Error on the sentences to tune on")
    return axes
