"""Pictures of connectionist temporal classification: paths, their sum, the lattice.

Style and palette are those of `plot`. A path is drawn as a row of boxes, one for each
frame; a label keeps its colour in all pictures, and the blank is pale.
"""

import numpy as np
from matplotlib import patches, pyplot

from zhasr import ctc, features, plot

COLOURS = (plot.PALE, plot.SKY, plot.ORANGE, plot.GREEN, plot.PURPLE)  # blank first
ARROWS = {"stay": plot.GREY, "step": plot.BLUE, "skip": plot.VERMILION}
BLANK = "–"  # how the blank is written
LONGEST_NAMES = 12  # paths; of more, no names are written in the boxes
NODE = (0.62, 0.58)  # width and height of a box of the lattice


@plot.styled()
def unplaced(log_mel, syllables, slices):
    """Draw a sound cut in slices, and its syllables above, at no place in it.

    Args:
        log_mel: float array (frames, bands).
        syllables: sequence of str.
        slices: int, in how many it is cut.

    Returns:
        matplotlib Axes.

    Notebook: 04_when.ipynb
    """
    axes = plot.new_axes(3.4)
    limits = log_mel.max() - 12, log_mel.max()
    plot.draw_image(axes, log_mel.T, limits, pyplot.get_cmap(plot.SEQUENTIAL, 20))
    end = features.frames_to_seconds(len(log_mel))
    for place in range(1, slices):
        axes.axvline(end * place / slices, color="white", linewidth=2, linestyle="--")
    for place in range(slices):
        axes.text(
            end * (place + 0.5) / slices, -0.04, str(place), ha="center", va="top",
            transform=axes.get_xaxis_transform(),
        )  # fmt: skip
    axes.set(xticks=[], ylabel="log-mel band")
    axes.set_xlabel("slice", labelpad=22)
    axes.set_title("?   ".join(syllables) + "?")
    return axes


@plot.styled()
def rows(paths, names):
    """Draw paths as rows of coloured boxes, and beside each what it collapses to.

    Args:
        paths: dict from name to sequence of int, a label for each frame.
        names: sequence of str, of the labels; blank is label 0.

    Returns:
        matplotlib Axes.

    Notebook: 04_when.ipynb
    """
    axes = plot.new_axes(0.7 + 0.62 * len(paths))
    for height, path in enumerate(paths.values()):
        _draw_path(axes, path, height, names)
        read = " ".join(names[label] for label in ctc.collapse(path)) or "(nothing)"
        axes.text(len(path) + 0.1, height + 0.5, f"→  {read}", va="center")
    longest = max(map(len, paths.values()))
    axes.set_yticks(np.arange(len(paths)) + 0.5, paths)
    axes.set_xticks(np.arange(longest) + 0.5, np.arange(longest))
    axes.set(xlim=(0, 1.5 * longest), ylim=(len(paths), 0))
    axes.set_xlabel("frame", x=1 / 3)
    plot.bare(axes)
    axes.set_title("A label for each frame, and what is read")
    return axes


def _draw_path(axes, path, top, names, height=0.84, written=True):
    for frame, label in enumerate(path):
        colour = COLOURS[label % len(COLOURS)]
        place = (frame + 0.02, top + (1 - height) / 2)
        axes.add_patch(
            pyplot.Rectangle(place, 0.96, height, facecolor=colour, edgecolor="#AAAAAA")
        )
        if written:
            name = names[label] if label else BLANK
            axes.text(frame + 0.5, top + 0.5, name, ha="center", va="center")


# --- tables ---------------------------------------------------------------------------


@plot.styled()
def tables(probabilities, names, marked=()):
    """Draw one number for each label and frame; several tables beside each other.

    Args:
        probabilities: dict from title to float array (frames, labels), between -1 and
            1; numbers below 0 are drawn orange, those above blue.
        names: sequence of str, of the labels.
        marked: sequence of int, a label for each frame, framed in the first table.

    Returns:
        array of matplotlib Axes.

    Notebook: 04_when.ipynb
    """
    count = len(probabilities)
    axes = plot.new_axes(1.1 + 0.55 * len(names), columns=count, squeeze=False)[0]
    for each, (title, table) in zip(axes, probabilities.items(), strict=True):
        _draw_table(each, table, plot.SMALL if count < 3 else plot.TINY)
        each.set_title(title)
        each.set_yticks(range(len(names)), names if each is axes[0] else [])
        each.set_xticks(range(len(table)))
        each.set_xlabel("frame")
        plot.bare(each)
    for frame, label in enumerate(marked):
        place = (frame - 0.46, label - 0.46)
        axes[0].add_patch(
            pyplot.Rectangle(place, 0.92, 0.92, fill=False, ec=plot.BLACK, lw=2.5)
        )
    return axes


def _draw_table(axes, table, size):
    for (frame, label), value in np.ndenumerate(table):
        colour = plot.SKY if value >= 0 else plot.ORANGE
        place = (frame - 0.48, label - 0.48)
        depth = min(1.0, abs(value))
        axes.add_patch(
            pyplot.Rectangle(place, 0.96, 0.96, facecolor=colour, alpha=depth)
        )
        text = f"{value:.2f}".replace("-", "−").replace("−0.00", "0.00")
        axes.text(frame, label, text, ha="center", va="center", fontsize=size)
    frames, labels = table.shape
    axes.set(xlim=(-0.5, frames - 0.5), ylim=(labels - 0.5, -0.5))


# --- all paths ------------------------------------------------------------------------


@plot.styled()
def paths(found, probabilities, names):
    """Draw all paths of a label sequence, the likeliest first, and their sum.

    Args:
        found: list of sequences of int, a label for each frame.
        probabilities: float array (paths,).
        names: sequence of str, of the labels.

    Returns:
        array of two matplotlib Axes: paths, probabilities.

    Notebook: 04_when.ipynb
    """
    order = np.argsort(-np.asarray(probabilities), kind="stable")
    sorted_probabilities = np.asarray(probabilities)[order]
    left, right = axes = plot.new_axes(
        0.9 + 0.19 * len(found), columns=2, sharey=True, width_ratios=(3, 2)
    )
    for row, index in enumerate(order):
        short = len(found) <= LONGEST_NAMES
        _draw_path(left, found[index], row, names, 0.8, short)
    frames = len(found[0]) if len(found) else 0
    left.set_xticks(np.arange(frames) + 0.5, np.arange(frames))
    left.set(xlim=(0, frames), ylim=(len(found), 0), yticks=[], xlabel="frame")
    left.set_title(f"{len(found)} paths")
    handles, used = [], sorted({label for path in found for label in path})
    for label in used:
        name = names[label] if label else f"{BLANK} blank"
        colour = COLOURS[label % len(COLOURS)]
        handles.append(patches.Patch(fc=colour, ec="#AAAAAA", label=name))
    left.legend(handles=handles, **plot.ABOVE_RIGHT, ncols=len(used))
    plot.bare(left)
    places = np.arange(len(found)) + 0.5
    right.barh(places, sorted_probabilities, 0.7, color=plot.BLUE)
    right.plot(np.cumsum(sorted_probabilities), places, color=plot.VERMILION)
    right.annotate(
        "added up",
        (0.73 * sorted_probabilities.sum(), 0.32 * len(found)),
        ha="right",
        va="top",
        color=plot.BLACK,
    )
    right.set_xlabel("probability")
    right.spines["left"].set_visible(False)
    right.tick_params(axis="y", length=0)
    right.set_title(f"sum {sorted_probabilities.sum():.4f}")
    return axes


# --- the lattice ----------------------------------------------------------------------


@plot.styled()
def lattice(extended, names, frames, may_skip, forward=None, filled=None):
    """Draw the lattice of a label sequence, with its ways from frame to frame.

    Args:
        extended: sequence of int, the labels with a blank before, between and behind.
        names: sequence of str, of the labels.
        frames: int.
        may_skip: function of (extended, position) that tells whether a way leads here
            from two positions before.
        forward: float array (frames, positions), written into the boxes; or None.
        filled: int, how many frames of it are written, and then only the ways to the
            last of them are drawn; all where left out.

    Returns:
        matplotlib Axes.

    Notebook: 04_when.ipynb
    """
    axes = plot.new_axes(1.0 + 0.62 * len(extended))
    positions, every = len(extended), filled is None
    filled = frames if every else filled
    for frame in range(frames):
        for position, label in enumerate(extended):
            if frame and (every or frame == filled - 1):
                pale = every and forward is not None
                _draw_ways(axes, extended, frame, position, may_skip, pale)
            value = None
            if forward is not None and frame < filled:
                value = forward[frame, position]
            first = frame == 0 and position < 2 and forward is None
            last = frame == frames - 1 and position >= positions - 2
            _draw_node(axes, frame, position, label, value, first or last)
    for name, colour in ARROWS.items():
        axes.plot([], [], color=colour, label=name)
    axes.legend(**plot.ABOVE_RIGHT, ncols=len(ARROWS))
    axes.set_yticks(range(positions), [names[n] if n else BLANK for n in extended])
    axes.set_xticks(range(frames))
    axes.set(xlim=(-0.5, frames - 0.5), ylim=(positions - 0.5, -0.5), xlabel="frame")
    axes.set_title(_lattice_title(forward, filled, frames))
    plot.bare(axes)
    return axes


def _lattice_title(forward, filled, frames):
    if forward is None:
        return "All paths are ways from the upper left to the lower right"
    if filled < frames:
        return f"Forward variables, {filled} of {frames} frames"
    return f"The last two boxes: {forward[-1, -2:].sum():.4f}"


def _draw_ways(axes, extended, frame, position, may_skip, pale):
    """Arrows that lead to a node."""
    ways = {"stay": 0, "step": 1, "skip": 2}
    for name, distance in ways.items():
        before = position - distance
        if before < 0 or (distance == 2 and not may_skip(extended, position)):
            continue
        axes.annotate(
            "",
            (frame - NODE[0] / 2, position),
            (frame - 1 + NODE[0] / 2, before),
            arrowprops={
                "arrowstyle": "-|>",
                "color": ARROWS[name],
                "alpha": 0.3 if pale else 1.0,
                "linewidth": 1.6,
                "shrinkA": 0,
                "shrinkB": 0,
            },
        )


def _draw_node(axes, frame, position, label, value, framed):
    width, height = NODE
    colour = COLOURS[label % len(COLOURS)]
    axes.add_patch(
        pyplot.Rectangle(
            (frame - width / 2, position - height / 2),
            width,
            height,
            facecolor=colour,
            edgecolor=plot.BLACK if framed else "#AAAAAA",
            linewidth=2.5 if framed else 1,
            zorder=3,
        )
    )
    if value is not None:
        text = f"{value:.4f}" if value else "0"
        axes.text(frame, position, text, ha="center", va="center", zorder=4)


# --- learning -------------------------------------------------------------------------


@plot.styled()
def learning(snapshots, names):
    """Draw how posteriors become spikes, a panel for each step that is kept.

    Args:
        snapshots: dict from title to float array (frames, labels).
        names: sequence of str, of the labels.

    Returns:
        array of matplotlib Axes.

    Notebook: 04_when.ipynb
    """
    axes = plot.new_axes(3.0, columns=len(snapshots), sharey=True, squeeze=False)[0]
    for each, (title, table) in zip(axes, snapshots.items(), strict=True):
        edges = np.arange(len(table) + 1) - 0.5
        bottom = np.zeros(len(table))
        for label, name in enumerate(names):
            top = bottom + table[:, label]
            colour = COLOURS[label % len(COLOURS)]
            each.stairs(
                top, edges, baseline=bottom, fill=True, color=colour, label=name
            )
            bottom = top
        for edge in edges[1:-1]:
            each.axvline(edge, color="white", linewidth=1.5)
        each.set(title=title, xlabel="frame", xlim=(edges[0], edges[-1]), ylim=(0, 1))
    axes[0].set_ylabel("probability")
    handles, labels = axes[0].get_legend_handles_labels()
    axes[0].figure.legend(handles, labels, loc="outside upper right", ncols=len(names))
    return axes
