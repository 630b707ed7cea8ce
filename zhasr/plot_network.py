"""Pictures of the network: what it can hear, its gates, and what they cost.

Style and palette are those of `plot`.
"""

import numpy as np

from zhasr import features, plot

TREE_FRAMES = 20  # columns of a tree
NODE = 60  # points², size of a node
BARS = (plot.VERMILION, plot.BLUE, plot.GREEN, plot.PURPLE, plot.BLACK)


# --- the dilated tree ----------------------------------------------------------------


@plot.styled()
def tree(dilations, taps=2, lit=None, causal=True, frames=TREE_FRAMES):
    """Draw layers of dilated convolutions, and lit up what one output hears.

    Args:
        dilations: sequence of int, of the layers from below.
        taps: int, taps of every convolution.
        lit: int, how many layers are lit, from the output down; all where left out.
        causal: bool, whether no frame hears a later one.
        frames: int, columns.

    Returns:
        matplotlib Axes.

    Notebook: 03_hearing.ipynb
    """
    axes = plot.new_axes(1.1 + 0.75 * len(dilations))
    depth, output = len(dilations), frames - 1 if causal else frames // 2
    lit = depth if lit is None else lit
    heard = {output}
    for height in range(depth + 1):
        axes.scatter(range(frames), [height] * frames, NODE, "white", edgecolors="#BBB")
    for height in range(depth, 0, -1):
        _draw_nodes(axes, heard, height)
        if depth - height >= lit:
            break
        heard = _draw_edges(axes, heard, height, dilations[height - 1], taps, causal)
        if height == 1:
            _draw_nodes(axes, heard, 0)
    names = [f"layer {n + 1}, dilation {rate}" for n, rate in enumerate(dilations)]
    axes.set_yticks(range(depth + 1), ["input", *names])
    axes.set(xticks=[], xlim=(-1, frames), ylim=(-0.4, depth + 0.4))
    for spine in axes.spines.values():
        spine.set_visible(False)
    axes.tick_params(length=0)
    which = "the output alone" if not lit else f"{lit} of {depth} layers lit"
    axes.set_title(f"{which}: {len(heard)} frame{'s' * (len(heard) > 1)}")
    return axes


def _draw_nodes(axes, places, height):
    axes.scatter(sorted(places), [height] * len(places), NODE, plot.ORANGE, zorder=3)


def _draw_edges(axes, heard, height, rate, taps, causal):
    """Lines to the nodes below that the heard ones are computed from; returns them."""
    reach = (taps - 1) * rate if causal else (taps - 1) * rate // 2
    below = set()
    for place in heard:
        for tap in range(taps):
            source = place - reach + tap * rate
            below.add(source)
            axes.plot([source, place], [height - 1, height], plot.ORANGE, linewidth=1.2)
    return below


@plot.styled()
def growth(fields):
    """Draw how far networks hear, layer by layer.

    Args:
        fields: dict from name to int array (layers,), frames heard with so many layers.

    Returns:
        matplotlib Axes.

    Notebook: 03_hearing.ipynb
    """
    axes = plot.new_axes(3.6)
    for colour, (name, frames) in zip(BARS, fields.items(), strict=False):
        layers = np.arange(1, len(frames) + 1)
        milliseconds = 1000 * features.frames_to_seconds(np.asarray(frames))
        axes.plot(layers, milliseconds, "o-", color=colour, label=name)
    axes.set(xlabel="layers", ylabel="milliseconds")
    axes.set_xticks(layers)
    axes.grid(axis="y", color=plot.PALE)
    axes.legend(loc="upper left")
    axes.set_title("Receptive field")
    return axes


# --- gates ----------------------------------------------------------------------------


@plot.styled()
def gate_curves(inputs, products):
    """Draw tanh and what gates of several openings leave of it.

    Args:
        inputs: float array (points,).
        products: dict from name to float array (points,), tanh times the gate.

    Returns:
        matplotlib Axes.

    Notebook: 03_hearing.ipynb
    """
    axes = plot.new_axes(3.4)
    axes.plot(inputs, np.tanh(inputs), color=plot.GREY, linestyle=":", label="tanh")
    for colour, (name, values) in zip(BARS, products.items(), strict=False):
        axes.plot(inputs, values, color=colour, label=name)
    axes.set(xlabel="input of the tanh", ylabel="output")
    axes.grid(color=plot.PALE)
    axes.legend(loc="upper left")
    axes.set_title("tanh says what, the gate says how much")
    return axes


@plot.styled()
def gates(filtered, opened):
    """Draw a tanh, a sigmoid and their product over time, below each other.

    Args:
        filtered: float array (frames,), after the tanh.
        opened: float array (frames,), after the sigmoid.

    Returns:
        array of three matplotlib Axes.

    Notebook: 03_hearing.ipynb
    """
    axes = plot.new_axes(4.6, rows=3, sharex=True)
    seconds = features.frames_to_seconds(np.arange(len(filtered)))
    rows = (
        ("tanh: how does the pitch move?", filtered, plot.ORANGE, (-1.1, 1.1)),
        ("sigmoid: is there a voice?", opened, plot.BLUE, (-0.1, 1.1)),
        ("product", filtered * opened, plot.VERMILION, (-1.1, 1.1)),
    )
    for each, (title, values, colour, limits) in zip(axes, rows, strict=True):
        each.fill_between(seconds, values, color=colour, alpha=0.4, linewidth=0)
        each.plot(seconds, values, color=colour)
        each.axhline(0, color=plot.GREY, linewidth=0.8)
        each.set(title=title, ylim=limits)
        each.margins(x=0)
    axes[-1].set_xlabel("time, seconds")
    return axes


# --- receptive fields over sound ------------------------------------------------------


@plot.styled()
def fields(log_mel, syllables, spans, middle):
    """Draw how much of a sentence networks hear when they write one output.

    Args:
        log_mel: float array (frames, bands).
        syllables: sequence of str, for the title.
        spans: dict from name to float, seconds of the receptive field.
        middle: float, seconds, where the output is.

    Returns:
        array of two matplotlib Axes: bars, sound.

    Notebook: 03_hearing.ipynb
    """
    heights = (0.5 * len(spans), 2.4)
    above, below = axes = plot.new_axes(
        2.6 + 0.5 * len(spans),
        rows=2,
        sharex=True,
        gridspec_kw={"height_ratios": heights},
    )
    limits = log_mel.max() - 12, log_mel.max()
    plot.draw_image(below, log_mel.T, limits, plot.SEQUENTIAL)
    end = features.frames_to_seconds(len(log_mel))
    for row, (name, seconds) in enumerate(spans.items()):
        left, right = max(0, middle - seconds / 2), min(end, middle + seconds / 2)
        above.barh(row, right - left, left=left, color=BARS[row], height=0.6)
        whole = "  (more than there is)" if seconds > end else ""
        title = f"{name}: {1000 * seconds:,.0f} ms{whole}"
        inside = right - left > end / 2
        place = left + 0.02 * end if inside else right + 0.01 * end
        above.text(place, row, title, va="center")
    above.axvline(middle, color=plot.BLACK, linewidth=1)
    below.axvline(middle, color="white", linewidth=1)
    above.set(yticks=[], ylim=(len(spans) - 0.5, -0.5), xlim=(0, end))
    above.set_title(" ".join(syllables))
    above.spines["left"].set_visible(False)
    below.set(xlabel="time, seconds", ylabel="log-mel band")
    return axes


@plot.styled()
def influence(strengths, field, middle):
    """Draw how strongly each input frame moves one output.

    Args:
        strengths: dict from name to float array (frames,), the size of the gradient.
        field: float, seconds of the receptive field.
        middle: float, seconds, where the output is.

    Returns:
        matplotlib Axes.

    Notebook: 03_hearing.ipynb
    """
    axes = plot.new_axes(3.4)
    for colour, (name, values) in zip(BARS, strengths.items(), strict=False):
        seconds = features.frames_to_seconds(np.arange(len(values)))
        axes.plot(seconds, values / values.max(), color=colour, label=name)
    axes.axvspan(middle - field / 2, middle + field / 2, color=plot.PALE, zorder=0)
    axes.axvline(middle, color=plot.BLACK, linewidth=1, linestyle=":")
    axes.set(xlabel="time, seconds", ylabel="gradient,\nlargest is 1")
    axes.margins(x=0)
    axes.legend(loc="upper right")
    axes.set_title("What one output really hears (grey: what it can hear)")
    return axes


@plot.styled()
def causality(changes, moment, frame_seconds):
    """Draw where outputs change when the input changes from a moment on.

    Args:
        changes: dict from name to float array (frames,), size of the change.
        moment: float, seconds, from which the input was changed.
        frame_seconds: float, seconds from one output frame to the next.

    Returns:
        array of matplotlib Axes, one for each.

    Notebook: 03_hearing.ipynb
    """
    axes = plot.new_axes(1.0 + 1.5 * len(changes), rows=len(changes), sharex=True)
    axes = np.atleast_1d(axes)
    for each, (name, values) in zip(axes, changes.items(), strict=True):
        edges = np.arange(len(values) + 1) * frame_seconds
        before = edges[:-1] < moment - 1e-9
        for part, colour in ((before, plot.VERMILION), (~before, plot.SKY)):
            each.stairs(np.where(part, values, 0), edges, fill=True, color=colour)
        each.axvline(moment, color=plot.BLACK, linewidth=1.5)
        each.set(ylabel="change", title=name)
        each.margins(x=0)
    axes[-1].set_xlabel("time, seconds; the input is changed behind the line")
    return axes


@plot.styled()
def cost(points, needed):
    """Draw what networks cost against how far they hear.

    Args:
        points: dict from name to (seconds of the receptive field, parameters).
        needed: float, seconds that are asked for.

    Returns:
        matplotlib Axes.

    Notebook: 03_hearing.ipynb
    """
    axes = plot.new_axes(4.0)
    for name, (seconds, parameters) in points.items():
        enough = seconds >= needed
        colour = plot.BLUE if enough else plot.ORANGE
        axes.plot(1000 * seconds, parameters / 1000, "o", color=colour, markersize=9)
        axes.annotate(
            name,
            (1000 * seconds, parameters / 1000),
            (10, 0),
            textcoords="offset points",
            va="center",
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 1},
        )
    axes.axvline(1000 * needed, color=plot.BLACK, linestyle=":", linewidth=1.5)
    axes.set(xlabel="receptive field, milliseconds", ylabel="thousand parameters")
    axes.margins(x=0.1, y=0.15)
    axes.set_xlim(0, 1.3 * 1000 * max(seconds for seconds, _ in points.values()))
    axes.set_ylim(0, None)
    axes.set_title(f"Hearing {1000 * needed:.0f} ms: blue is enough")
    return axes
