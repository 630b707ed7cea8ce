"""Pictures of the way from syllables to characters: homophones, lattice, words, errors.

Style and palette are those of `plot`. Characters are drawn where a font has them all;
where none has, numbers stand in their place, as in the table that the lesson prints.
"""

import numpy as np
from matplotlib import pyplot

from zhasr import plot

PATHS = {
    0: {"color": plot.ORANGE, "linestyle": "--", "linewidth": 3},
    1: {"color": plot.BLUE, "linestyle": "-", "linewidth": 3},
}
NODE = (0.5, 0.62)  # width and height of a box of the lattice
NO_DOUBT = 0.95  # a character that is surer is drawn in blue


def drawn(characters):
    """What is written for characters: they themselves, or their numbers from 1 on.

    Args:
        characters: sequence of str.

    Returns:
        pair of list of str and list of font families.
    """
    font = plot.hanzi_font("".join(characters))
    if font:
        return list(characters), [plot.STYLE["font.family"], font]
    numbers = [str(number) for number in range(1, len(characters) + 1)]
    return numbers, [plot.STYLE["font.family"]]


# --- homophones -----------------------------------------------------------------------


@plot.styled()
def homophones(syllables, counts):
    """Draw how many characters each syllable of a sentence may be.

    Args:
        syllables: sequence of str.
        counts: sequence of int.

    Returns:
        matplotlib Axes.

    Notebook: 08_characters.ipynb
    """
    axes = plot.new_axes(3.2)
    places = np.arange(len(syllables))
    axes.bar(places, counts, 0.7, color=plot.SKY)
    for place, count in zip(places, counts, strict=True):
        axes.text(place, count, f"{count}", ha="center", va="bottom")
    axes.set_xticks(places, syllables)
    axes.set_ylabel("characters")
    axes.margins(y=0.15)
    total = int(np.prod([int(count) for count in counts], dtype=object))
    axes.set_title(f"{total:,} ways to write {len(syllables)} syllables")
    return axes


@plot.styled()
def bigrams(probabilities, rows, columns, names):
    """Draw how likely each character is after each other one.

    Args:
        probabilities: float array (rows, columns).
        rows, columns: sequences of str, characters: those before and those after.
        names: pair of str, the two syllables.

    Returns:
        matplotlib Axes.

    Notebook: 08_characters.ipynb
    """
    axes = plot.new_axes(1.3 + 0.5 * len(rows))
    percent = 100 * np.asarray(probabilities)
    colours = pyplot.get_cmap("Blues")
    axes.imshow(percent, cmap=colours, norm="log", aspect="auto", vmax=1000)
    for (row, column), value in np.ndenumerate(percent):
        text = f"{value:.1f} %" if value >= 0.1 else f"{value:.1g} %"
        axes.text(column, row, text, ha="center", va="center", fontsize=plot.SMALL)
    sides = ((axes.yaxis, rows, names[0]), (axes.xaxis, columns, names[1]))
    for axis, characters, name in sides:
        written, families = drawn(characters)
        axis.set_ticks(range(len(written)), written, fontfamily=families)
        axis.set_label_text(name)
    axes.tick_params(length=0)
    axes.set_title(f"How likely is each {names[1]} after each {names[0]}?")
    return axes


# --- the lattice ----------------------------------------------------------------------


@plot.styled()
def lattice(syllables, candidates, paths):
    """Draw the homophones of each syllable, and paths through them.

    Args:
        syllables: sequence of str.
        candidates: list of sequences of str, characters for each syllable.
        paths: dict from name to str, one character for each syllable; two at most.

    Returns:
        matplotlib Axes.

    Notebook: 08_characters.ipynb
    """
    highest = max(map(len, candidates))
    axes = plot.new_axes(1.2 + 0.52 * highest)
    for left, (before, after) in enumerate(
        zip(candidates, candidates[1:], strict=False)
    ):
        for start in range(len(before)):
            for end in range(len(after)):
                axes.plot([left, left + 1], [start, end], color="#DDDDDD", linewidth=1)
    for number, (name, path) in enumerate(paths.items()):
        heights = [
            list(some).index(one) for some, one in zip(candidates, path, strict=True)
        ]
        axes.plot(heights, label=name, zorder=2 + number, **PATHS[number])
    for place, characters in enumerate(candidates):
        written, families = drawn(characters)
        for height, (text, character) in enumerate(
            zip(written, characters, strict=True)
        ):
            chosen = any(path[place] == character for path in paths.values())
            _draw_node(axes, (place, height), text, families, chosen)
    axes.set_xticks(range(len(syllables)), syllables)
    axes.set(xlim=(-0.5, len(syllables) - 0.5), ylim=(highest - 0.5, -0.5), yticks=[])
    axes.legend(**plot.ABOVE_RIGHT, ncols=2)
    plot.bare(axes)
    axes.set_title("One character from every column")
    return axes


def _draw_node(axes, middle, text, families, chosen):
    corner = (middle[0] - NODE[0] / 2, middle[1] - NODE[1] / 2)
    face = plot.SKY if chosen else "white"
    axes.add_patch(
        pyplot.Rectangle(corner, *NODE, facecolor=face, edgecolor=plot.GREY, zorder=5)
    )
    axes.text(
        *middle, text, ha="center", va="center", fontfamily=families, zorder=6
    )  # fmt: skip


@plot.styled()
def words(syllables, spans, best):
    """Draw the words that fit, as boxes over their syllables, and the best path.

    Args:
        syllables: sequence of str.
        spans: list of (start, end, words): int, int, sequence of str, the words that
            are read like the syllables from start to end, the likeliest first.
        best: sequence of (start, end), the spans of the best path.

    Returns:
        matplotlib Axes.

    Notebook: 08_characters.ipynb
    """
    lanes = _lanes([span[:2] for span in spans])
    axes = plot.new_axes(1.1 + 0.6 * (1 + max(lanes.values())))
    for start, end, found in spans:
        chosen = (start, end) in set(best)
        axes.add_patch(
            pyplot.Rectangle(
                (start + 0.04, lanes[start, end] + 0.1),
                end - start - 0.08,
                0.8,
                facecolor=plot.SKY if chosen else plot.PALE,
                edgecolor=plot.BLACK if chosen else plot.GREY,
                linewidth=2.5 if chosen else 1,
            )
        )
        font = plot.hanzi_font(found[0])
        text = f"{len(found)} word{'s' * (len(found) > 1)}"
        axes.text(
            (start + end) / 2,
            lanes[start, end] + 0.5,
            f"{found[0]}  {text}" if font else text,
            ha="center",
            va="center",
            fontfamily=[plot.STYLE["font.family"], *([font] if font else [])],
        )
    axes.set_xticks(np.arange(len(syllables)) + 0.5, syllables)
    axes.set(xlim=(0, len(syllables)), ylim=(1 + max(lanes.values()), 0), yticks=[])
    plot.bare(axes)
    axes.set_title("Words of the dictionary that fit; framed: the best path")
    return axes


def _lanes(spans):
    """A lane for each span, so that none overlap: dict from span to int."""
    lanes, ends = {}, []  # of every lane, where its last span ends
    for start, end in sorted(spans, key=lambda span: (span[1] - span[0], span)):
        free = [
            lane
            for lane, (length, last) in enumerate(ends)
            if length == end - start and last <= start
        ]
        lane = free[0] if free else len(ends)
        ends[lane : lane + 1] = [(end - start, end)]
        lanes[start, end] = lane
    return lanes


@plot.styled()
def errors(rates):
    """Draw character error rates as bars.

    Args:
        rates: dict from name to float, percent.

    Returns:
        matplotlib Axes.

    Notebook: 08_characters.ipynb
    """
    axes = plot.new_axes(1.1 + 0.6 * len(rates))
    axes.barh(range(len(rates)), list(rates.values()), 0.6, color=plot.SKY)
    for place, rate in enumerate(rates.values()):
        axes.text(rate, place, f" {rate:.1f} %", va="center")
    axes.set_yticks(range(len(rates)), list(rates))
    axes.invert_yaxis()
    axes.margins(x=0.12)
    axes.set_xlim(0, None)
    axes.set(xlabel="characters wrong, %", title="Character error")
    return axes


@plot.styled()
def growth(characters, rates, level, name):
    """Draw how the error falls with the text that was counted.

    Args:
        characters: sequence of int, of the text.
        rates: sequence of float, percent.
        level: float, percent, of something to compare with.
        name: str, what that is.

    Returns:
        matplotlib Axes.

    Notebook: 08_characters.ipynb
    """
    axes = plot.new_axes(3.6)
    axes.plot(characters, rates, "o-", color=plot.BLUE)
    axes.axhline(level, color=plot.VERMILION, linestyle="--")
    axes.text(characters[0], level, name, va="bottom")
    axes.set_xscale("log")
    axes.set_xticks(characters, [f"{count:,}" for count in characters])
    axes.minorticks_off()
    axes.set(xlabel="characters of text", ylabel="characters wrong, %", ylim=(0, None))
    axes.grid(color=plot.PALE)
    axes.set_title("The bigram model learns from text")
    return axes


@plot.styled()
def confidences(syllables, values, text=""):
    """Draw how sure the model is of each character.

    Args:
        syllables: sequence of str.
        values: sequence of float, 0 to 1.
        text: str, the characters, written above where a font has them.

    Returns:
        matplotlib Axes.

    Notebook: 08_characters.ipynb
    """
    axes = plot.new_axes(3.2)
    places = np.arange(len(syllables))
    sure = np.asarray(values) >= NO_DOUBT
    axes.bar(places, values, 0.7, color=np.where(sure, plot.SKY, plot.ORANGE))
    for place, value in zip(places, values, strict=True):
        axes.text(place, value, f"{value:.2f}", ha="center", va="bottom")
    axes.set_xticks(places, syllables)
    axes.set(ylim=(0, 1.15), yticks=[0, 0.5, 1], ylabel="confidence")
    plot.title_with_hanzi(axes, "How sure is each character?", text)
    return axes
