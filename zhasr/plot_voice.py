"""Pictures of a recording that was understood: words in time, and what disturbs them.

Style and palette are those of `plot`.
"""

import numpy as np

from zhasr import audio, plot

UNSURE = 0.5  # confidence below which a word is drawn pale
SECONDS_OF_A_ROW = 5  # a longer recording has its words in more rows
MARKERS = "osD^v"
COLOURS = (plot.BLUE, plot.VERMILION, plot.GREEN, plot.PURPLE)


@plot.styled()
def words(samples, found, text=""):
    """Draw the words that were found over the sound that they were found in.

    Args:
        samples: float array (samples,), 16 kHz.
        found: sequence of formats.Timed, words with their syllables, as in
            `recognizer.Transcript.words`.
        text: str, hanzi for the title; left out where no font has them.

    Returns:
        matplotlib Axes.

    Notebook: 09_your_voice.ipynb
    """
    rows = 2 + int(len(samples) / audio.SAMPLE_RATE // SECONDS_OF_A_ROW)
    axes = plot.new_axes(2.8 + 0.4 * rows)
    seconds = np.arange(len(samples)) / audio.SAMPLE_RATE
    limit = max(1e-3, float(np.abs(samples).max(initial=0)))
    axes.plot(seconds, samples / limit, color=plot.SKY, linewidth=0.5)
    for number, word in enumerate(found):
        _draw_word(axes, word, 1.15 + 0.42 * (number % rows))
    axes.set(ylim=(-1.05, 1.26 + 0.42 * rows), yticks=[], xlabel="time, seconds")
    axes.set_xlim(0, max(1, len(samples)) / audio.SAMPLE_RATE)
    axes.spines["left"].set_visible(False)
    plot.title_with_hanzi(axes, "Words, where their sounds were decided", text)
    return axes


def _draw_word(axes, word, height):
    """A bar from the first sound to the last, and the syllables above it."""
    colour = plot.BLACK if word.confidence >= UNSURE else plot.GREY
    axes.plot([word.start, word.end], [height, height], color=colour, linewidth=5)
    for each in word.syllables:
        axes.vlines(each.start, -1, height, plot.GREY, ":", linewidth=1)
    spelled = " ".join(each.text for each in word.syllables) or word.text
    middle = (word.start + word.end) / 2
    style = {"ha": "center", "color": colour, "fontsize": plot.SMALL}
    axes.text(middle, height + 0.1, f"{spelled}  {word.confidence:.0%}", **style)


@plot.styled()
def sweep(values, errors, label, marked=None):
    """Draw how errors grow as something is turned.

    Args:
        values: float array (steps,), what was turned.
        errors: dict from a name to float array (steps,), error rates, 1 is 100 %.
        label: str, what was turned, with its unit.
        marked: float, the value of the recording as it was, or None.

    Returns:
        matplotlib Axes.

    Notebook: 09_your_voice.ipynb
    """
    axes = plot.new_axes(3.4)
    for number, (name, rates) in enumerate(errors.items()):
        colour, marker = COLOURS[number % 4], MARKERS[number % 5]
        shares = 100 * np.asarray(rates, float)
        axes.plot(values, shares, color=colour, marker=marker, label=name)
    if marked is not None:
        axes.axvline(marked, color=plot.GREY, linestyle=":", label="as recorded")
    axes.set(xlabel=label, ylabel="syllables wrong, %")
    axes.set_ylim(-3, None)
    axes.grid(color=plot.PALE, linewidth=1)
    axes.legend(**plot.ABOVE_RIGHT, ncols=3)
    return axes
