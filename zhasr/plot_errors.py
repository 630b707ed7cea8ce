"""Pictures of errors: the edit table, what is confused, and how sure a rate is.

Style and palette are those of `plot`.
"""

import numpy as np

from zhasr import pinyin, plot, report

PARTS = {
    ("initial",): plot.BLUE,
    ("final",): plot.VERMILION,
    ("tone",): plot.GREEN,
}
SEVERAL = "more than one"


# --- the table ----------------------------------------------------------------------


@plot.styled()
def edit_table(table, spoken, heard, pairs=()):
    """Draw the table of fewest errors, and the path of an alignment through it.

    Args:
        table: int array (spoken + 1, heard + 1), errors between the beginnings.
        spoken: sequence of labels, from top to bottom.
        heard: sequence of labels, from left to right.
        pairs: list of (label or None, label or None), as of `scoring.align`; the path.

    Returns:
        matplotlib Axes.

    Notebook: 07_how_wrong.ipynb
    """
    table = np.asarray(table)
    axes = plot.new_axes(1.4 + 0.5 * len(table))
    axes.imshow(table, cmap="Greys", vmin=0, vmax=3 * max(1, table.max()), aspect=0.5)
    places = _path(pairs) if len(pairs) else []
    _draw_path(axes, places, pairs)
    for (row, column), errors in np.ndenumerate(table):
        weight = "bold" if (row, column) in places else "normal"
        style = {"ha": "center", "va": "center", "fontweight": weight}
        axes.text(column, row, str(errors), **style)
    axes.set_xticks(range(len(heard) + 1), ["nothing", *heard])
    axes.set_yticks(range(len(spoken) + 1), ["nothing", *spoken])
    axes.tick_params(length=0, top=True, labeltop=True, bottom=False, labelbottom=False)
    for spine in axes.spines.values():
        spine.set_visible(False)
    axes.set(xlabel="heard, up to here", ylabel="spoken, up to here")
    axes.xaxis.set_label_position("top")
    return axes


def _path(pairs):
    """The entries that an alignment passes, from (0, 0) on."""
    places = [(0, 0)]
    for first, second in pairs:
        row, column = places[-1]
        places.append((row + (first is not None), column + (second is not None)))
    return places


def _draw_path(axes, places, pairs):
    """The steps as a line; every step that costs one in the colour of its error."""
    names = {}
    for (before, after), pair in zip(
        zip(places, places[1:], strict=False), pairs, strict=True
    ):
        kind = _kind(*pair)
        colour = plot.ERROR_COLOURS[kind] if kind else plot.BLACK
        width = 7 if kind else 3
        (line,) = axes.plot(
            [before[1], after[1]], [before[0], after[0]], color=colour, linewidth=width
        )
        line.set_solid_capstyle("round")
        names[kind or "equal"] = line
    for row, column in places:
        axes.plot(column, row, "o", color="white", markeredgecolor=plot.BLACK, ms=20)
    if names:
        axes.legend(names.values(), names, loc="upper left", bbox_to_anchor=(1.01, 1.0))


def _kind(first, second):
    if first == second:
        return ""
    if second is None:
        return "deleted"
    return "inserted" if first is None else "substituted"


# --- rates --------------------------------------------------------------------------


@plot.styled()
def sentence_rates(lengths, errors):
    """Draw the rate of every sentence over its length, and two ways to sum them up.

    Args:
        lengths: int array (sentences,), labels spoken.
        errors: int array (sentences,).

    Returns:
        matplotlib Axes.

    Notebook: 07_how_wrong.ipynb
    """
    lengths, errors = np.asarray(lengths), np.asarray(errors)
    axes = plot.new_axes(4.2)
    rates = 100 * errors / lengths
    shift = np.random.default_rng(0).uniform(-0.3, 0.3, len(lengths))  # or dots hide
    axes.plot(lengths + shift, rates, "o", color=plot.SKY, ms=6, label="a sentence")
    every, mean = 100 * errors.sum() / lengths.sum(), rates.mean()
    for value, colour, style, name in (
        (every, plot.BLACK, "-", "all errors over all syllables"),
        (mean, plot.VERMILION, "--", "mean of the rates"),
    ):
        label = f"{name}: {value:.1f} %"
        axes.axhline(value, color=colour, ls=style, lw=1.5, label=label)
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.set(xlabel="syllables spoken in the sentence", ylabel="wrong, %")
    axes.set_ylim(-4, max(104, 1.05 * rates.max()))
    axes.legend(**plot.ABOVE_RIGHT, ncols=3)
    return axes


@plot.styled()
def resampled(rates, interval):
    """Draw the rates of resampled test sets and the interval that holds most of them.

    Args:
        rates: float array (resamples,), shares.
        interval: pair of float, its ends.

    Returns:
        matplotlib Axes.

    Notebook: 07_how_wrong.ipynb
    """
    axes = plot.new_axes(3.2)
    axes.hist(100 * np.asarray(rates), bins=30, color=plot.SKY, edgecolor="white")
    low, high = 100 * np.array(interval)
    for end in (low, high):
        axes.axvline(end, color=plot.BLACK, linestyle="--")
    axes.set_title(f"95 % of them lie between {low:.1f} % and {high:.1f} %")
    axes.set(xlabel="error of a resampled test set, %", ylabel="how often")
    return axes


@plot.styled()
def speakers(rates, whole=None):
    """Draw the error of every speaker with its interval.

    Args:
        rates: dict from speaker to scoring.Rate.
        whole: scoring.Rate of all together, or None.

    Returns:
        matplotlib Axes.

    Notebook: 07_how_wrong.ipynb
    """
    axes = plot.new_axes(1.5 + 0.55 * len(rates))
    for place, rate in enumerate(rates.values()):
        low, high = 100 * np.array(rate.interval or (rate.rate, rate.rate))
        axes.barh(place, 100 * rate.rate, height=0.6, color=plot.SKY)
        axes.plot([low, high], [place, place], "k|-", markersize=14)
        text = f"  {report.percent(rate.rate)}"
        offset = {"xytext": (4, 0), "textcoords": "offset points"}  # beside the whisker
        label = axes.annotate(text, (high, place), va="center", **offset)
        label.set_bbox({"facecolor": "white", "edgecolor": "none", "pad": 1})
    if whole is not None:
        label = f"all speakers: {report.percent(whole.rate)}"
        axes.axvline(100 * whole.rate, color=plot.VERMILION, ls="--", label=label)
        axes.legend(**plot.ABOVE_RIGHT)
    axes.set_yticks(range(len(rates)), rates)
    axes.invert_yaxis()
    axes.set_xlim(0, 1.12 * axes.get_xlim()[1])
    axes.set(xlabel="wrong, % of the syllables; whiskers: 95 % interval")
    axes.set_ylabel("speaker")
    return axes


# --- confusions ---------------------------------------------------------------------


@plot.styled()
def confusions(found):
    """Draw the commonest confusions as bars, coloured by what differs.

    Args:
        found: sequence of scoring.Confusion of toned syllables, the commonest first.

    Returns:
        matplotlib Axes.

    Notebook: 07_how_wrong.ipynb
    """
    axes = plot.new_axes(1.2 + 0.34 * max(1, len(found)))
    used = {}
    for place, each in enumerate(found):
        parts = differing(each.reference, each.hypothesis)
        name = parts[0] if len(parts) == 1 else SEVERAL
        colour = PARTS.get(parts, plot.GREY)
        used[name] = axes.barh(place, each.count, height=0.7, color=colour)
    names = [f"{each.reference} → {each.hypothesis}" for each in found]
    axes.set_yticks(range(len(found)), names)
    axes.invert_yaxis()
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.set(xlabel="how often")
    axes.set_title("Spoken → heard")
    axes.legend(used.values(), used, title="what differs", loc="lower right")
    return axes


def differing(reference, hypothesis):
    """Which parts of two syllables differ: tuple of "initial", "final", "tone".

    The two vowels that are both written i, of shi4 and of si4, go with their initials
    and count as one. A syllable that is none ("?ang4") differs in its initial.

    Example:
        >>> differing("shi4", "si4"), differing("ma1", "ma3")
        (('initial',), ('tone',))
    """
    first, second = _parts(reference), _parts(hypothesis)
    names = ("initial", "final", "tone")
    different = zip(names, first, second, strict=True)
    return tuple(name for name, one, other in different if one != other)


def _parts(syllable):
    if pinyin.is_syllable(syllable):
        initial, final, tone = pinyin.split_syllable(syllable)
        return initial, {"ix": "i", "iy": "i"}.get(final, final), tone
    return "?", syllable.strip("?012345"), pinyin.tone(syllable)


@plot.styled()
def tones(table):
    """Draw which tone was heard as which, as a share of each tone spoken.

    Args:
        table: int array (5, 5), tone spoken by tone heard, as of
            `scoring.tone_confusions`.

    Returns:
        matplotlib Axes.

    Notebook: 07_how_wrong.ipynb
    """
    table = np.asarray(table)
    axes = plot.new_axes(4.8)
    spoken = table.sum(axis=1, keepdims=True)
    shares = 100 * table / np.maximum(spoken, 1)
    image = axes.imshow(shares, cmap=plot.SEQUENTIAL, vmin=0, vmax=100, aspect=0.45)
    for (row, column), share in np.ndenumerate(shares):
        colour = plot.BLACK if share > 50 else "white"
        text = f"{share:.0f} %\n{table[row, column]}"
        axes.text(
            column, row, text, ha="center", va="center", color=colour, fontsize=12
        )
    names = ["1 high", "2 rising", "3 low", "4 falling", "5 neutral"]
    axes.set_xticks(range(5), names)
    axes.set_yticks(range(5), names)
    axes.tick_params(length=0)
    axes.set(xlabel="tone heard", ylabel="tone spoken")
    axes.figure.colorbar(image, ax=axes, label="% of the tone spoken", pad=0.01)
    axes.set_title("Tones, where the rest of the syllable is right")
    return axes
