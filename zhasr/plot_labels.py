"""Pictures of labels: kinds of them, how often they occur, tones written and spoken.

Style and palette are those of `plot`.
"""

import numpy as np
from matplotlib import colors, pyplot, ticker

from zhasr import pinyin, plot

KIND_COLOURS = {
    "character": plot.PURPLE,
    "syllable": plot.VERMILION,
    "base-syllable": plot.ORANGE,
    "initial-final": plot.BLUE,
}
TITLES = {
    "character": "characters",
    "syllable": "toned syllables",
    "base-syllable": "syllables without tone",
    "initial-final": "initials and finals",
}
RARE = 5  # times in training; fewer are too few to learn from
# Heights of the tones on Chao's scale of 1 to 5, at even times in the syllable
CONTOURS = {1: (5, 5), 2: (3, 5), 3: (2, 1, 1, 3), 4: (5, 1), 5: (2, 2)}


@plot.styled()
def kinds(rows, text=""):
    """Draw one sentence as each kind of label, a box for each label.

    Args:
        rows: dict from kind to a list of lists of str: the labels of each syllable.
            Characters are left out where no font has them.
        text: str, hanzi for the title; left out where no font has them.

    Returns:
        matplotlib Axes.

    Notebook: 02_labels.ipynb
    """
    font = plot.hanzi_font(text) if text else None
    rows = {kind: row for kind, row in rows.items() if kind != "character" or font}
    axes = plot.new_axes(0.7 + 0.8 * len(rows))
    for height, (kind, row) in enumerate(rows.items()):
        families = ["DejaVu Sans", font] if kind == "character" else None
        for place, labels in enumerate(row):
            for part, label in enumerate(labels):
                left, width = place + part / len(labels), 1 / len(labels)
                _box(axes, (left, height), width, KIND_COLOURS[kind])
                middle = (left + width / 2, height + 0.5)
                axes.text(*middle, label, ha="center", va="center", fontfamily=families)
    axes.set(xlim=(0, max(map(len, rows.values()))), ylim=(len(rows), -0.05))
    counts = {kind: sum(map(len, row)) for kind, row in rows.items()}
    names = [f"{TITLES[kind]}: {count}" for kind, count in counts.items()]
    axes.set_yticks(np.arange(len(rows)) + 0.5, names)
    _bare(axes)
    plot.title_with_hanzi(axes, "One sentence, one row for each kind of label", text)
    return axes


def _box(axes, place, width, colour):
    """A box in a pale shade of a colour, with a little room on all sides."""
    left, top = place
    face = colors.to_rgba(colour, 0.25)
    axes.add_patch(
        pyplot.Rectangle(
            (left + 0.03, top + 0.08), width - 0.06, 0.84, fc=face, ec=colour
        )
    )


def _bare(axes):
    axes.set_xticks([])
    plot.bare(axes)


@plot.styled()
def chart(counts):
    """Draw the syllable chart: which initials and finals meet, and how often.

    Args:
        counts: dict from base syllable to int, how often it was heard.

    Returns:
        matplotlib Axes; the cells hold log10 of the counts, masked where Mandarin has
        no such syllable.

    Notebook: 02_labels.ipynb
    """
    rows = {initial: row.split() for initial, row in pinyin.FINALS_OF.items()}
    columns = sorted({final for row in rows.values() for final in row})
    cells = np.ma.masked_all((len(rows), len(columns)))
    for place, (initial, row) in enumerate(rows.items()):
        for final in row:
            count = counts.get(pinyin.join_syllable(initial, final, 0), 0)
            cells[place, columns.index(final)] = np.log10(count) if count else -0.5
    axes = plot.new_axes(6.4)
    image = axes.imshow(cells, cmap=plot.SEQUENTIAL, aspect="auto", vmin=-0.5)
    bar = axes.figure.colorbar(image, ax=axes, pad=0.01, ticks=[-0.5, 0, 1, 2, 3])
    bar.ax.set_yticklabels(["never", "1", "10", "100", "1000"])
    bar.set_label("times in training")
    axes.set_xticks(range(len(columns)), columns, rotation=90)
    axes.set_yticks(range(len(rows)), rows)
    axes.set(xlabel="final", ylabel="initial")
    axes.set_title(f"{cells.count()} syllables of {cells.size} combinations")
    axes.tick_params(length=0, labelsize=plot.TINY)
    return axes


@plot.styled()
def ranks(counts):
    """Draw how often each label occurs, the most frequent first, for each kind.

    Args:
        counts: dict from kind to a dict from label to int.

    Returns:
        matplotlib Axes.

    Notebook: 02_labels.ipynb
    """
    axes = plot.new_axes(4.0)
    for kind, labels in counts.items():
        falling = sorted(labels.values(), reverse=True)
        places = np.arange(1, len(falling) + 1)
        name = f"{len(falling)} {TITLES[kind]}"
        axes.plot(places, falling, color=KIND_COLOURS[kind], linewidth=3, label=name)
    axes.axhline(RARE, color=plot.BLACK, linewidth=1, linestyle=":")
    axes.annotate(f"{RARE} times", (1, RARE), va="bottom", fontsize=plot.SMALL)
    axes.set(xscale="log", yscale="log", ylabel="times in training")
    axes.set_xlabel("label, from the most frequent to the rarest")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(ticker.StrMethodFormatter("{x:,.0f}"))
    axes.legend(loc="upper right")
    axes.set_title("A few labels are everywhere, most are rare")
    return axes


@plot.styled()
def uncovered(sizes, shares):
    """Draw how much of a test set has labels that training never had.

    Args:
        sizes: int array (points,), training sentences.
        shares: dict from kind to float array (points,), share of the labels of the
            test set, 0 to 1.

    Returns:
        matplotlib Axes.

    Notebook: 02_labels.ipynb
    """
    axes = plot.new_axes(4.0)
    for kind, values in shares.items():
        percent = 100 * np.asarray(values)
        name = f"{TITLES[kind]}: {percent[-1]:.1f} % at the end"
        axes.plot(sizes, percent, "o-", color=KIND_COLOURS[kind], label=name)
    axes.set(xlabel="training sentences", ylabel="% of the test labels", xscale="log")
    axes.set_xticks(sizes, [str(size) for size in sizes])
    axes.minorticks_off()
    axes.set_ylim(-2, None)
    axes.set_title("Labels that are asked for and were never taught")
    axes.legend(loc="upper right")
    return axes


@plot.styled()
def homophones(counts, chosen, most=18):
    """Draw for how many characters one syllable stands.

    Args:
        counts: dict from toned syllable to int, number of characters.
        chosen: str, the syllable to point out.
        most: int, how many syllables are drawn, those with the most characters.

    Returns:
        matplotlib Axes.

    Notebook: 02_labels.ipynb
    """
    axes = plot.new_axes(3.4)
    ordered = sorted(counts, key=lambda syllable: (-counts[syllable], syllable))
    heights = [counts[syllable] for syllable in ordered[:most]]
    shades = [plot.VERMILION if name == chosen else plot.SKY for name in ordered[:most]]
    bars = axes.bar(ordered[:most], heights, color=shades)
    axes.bar_label(bars, fontsize=plot.SMALL)
    median = int(np.median(list(counts.values())))
    axes.set(ylabel="characters")
    axes.set_title(
        f"Characters read the same: the {most} largest of {len(counts)} syllables; "
        f"half have {median} or fewer"
    )
    axes.margins(x=0.01, y=0.12)
    return axes


@plot.styled()
def tones(written, spoken, text=""):
    """Draw the tones of the dictionary and those that are spoken, as lines.

    Args:
        written: sequence of str, toned syllables with the tones of the dictionary.
        spoken: sequence of str, the same as spoken.
        text: str, hanzi for the title; left out where no font has them.

    Returns:
        matplotlib Axes.

    Notebook: 02_labels.ipynb
    """
    axes = plot.new_axes(3.2)
    for row, syllables in enumerate((written, spoken)):
        for place, syllable in enumerate(syllables):
            changed = row and syllable != written[place]
            _draw_tone(axes, place, row, syllable, changed)
    axes.set(xlim=(0, len(written)), ylim=(2, -0.02))
    axes.set_yticks([0.5, 1.5], ["dictionary", "spoken"])
    _bare(axes)
    count = sum(map(str.__ne__, written, spoken))
    title = f"{count} of {len(written)} tones are spoken otherwise"
    plot.title_with_hanzi(axes, title, text)
    return axes


def _draw_tone(axes, place, row, syllable, changed):
    """A syllable and its tone as a line; one that changed has a ground of its own."""
    tone = pinyin.tone(syllable)
    if changed:
        _box(axes, (place, row), 1, plot.YELLOW)
    heights = np.array(CONTOURS[tone])
    across = place + np.linspace(0.2, 0.8, len(heights))
    axes.plot(across, row + 0.56 - 0.09 * heights, plot.TONES[tone], linewidth=4)
    axes.text(place + 0.5, row + 0.74, syllable, ha="center", va="center")
