"""Pictures of the path, and the style of all pictures.

One function for each figure of the notebooks: those of the whole path are here, those
of the lessons in `plot_sound`, `plot_labels` and so on, named after what they show.
They take arrays and return the axes; nothing is computed here that is not drawn.
Colours can be told apart by colour-blind eyes, letters are large enough for a
projector, and the ground is white whatever the theme. Hanzi are drawn only where a
font for them is installed, otherwise pinyin stands there alone.
"""

import contextlib
import functools
import math

import matplotlib
import numpy as np
from matplotlib import font_manager, pyplot

from zhasr import audio, features, mel, pinyin, report

# Okabe and Ito (2008), Color Universal Design, section "palette"
BLACK, ORANGE, SKY = "#000000", "#E69F00", "#56B4E9"
BLUE, VERMILION = "#0072B2", "#D55E00"
GREEN, PURPLE, YELLOW = "#009E73", "#CC79A7", "#F0E442"
GREY, PALE = "#767676", "#EEEEEE"
INITIAL, FINAL = BLUE, VERMILION
TONES = {1: BLUE, 2: GREEN, 3: ORANGE, 4: VERMILION, 5: GREY}
SEQUENTIAL, DIVERGING = "cividis", "RdBu_r"

WIDTH = 11.0  # inches
RESOLUTION = 84  # dots per inch: wide enough for a page, small enough to be stored
TINY, SMALL, LARGE = 10.5, 12, 16  # points
STYLE = {
    "font.family": "DejaVu Sans",  # comes with Matplotlib; it has ā, á, ǎ, à
    "font.size": 14,
    "axes.titlesize": LARGE,
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.facecolor": "white",
    "axes.edgecolor": BLACK,
    "axes.labelcolor": BLACK,
    "text.color": BLACK,
    "xtick.color": BLACK,
    "ytick.color": BLACK,
    "xtick.labelsize": SMALL,
    "ytick.labelsize": SMALL,
    "legend.frameon": False,
    "legend.fontsize": SMALL,
    "legend.borderaxespad": 0,
    "lines.linewidth": 2.0,
}

# How families of fonts with hanzi are called on Linux, macOS and Windows
HANZI_FONTS = (
    "Noto Sans CJK", "Noto Sans SC", "Source Han Sans", "WenQuanYi", "PingFang",
    "Heiti", "Hiragino Sans GB", "STHeiti", "Microsoft YaHei", "SimHei", "SimSun",
    "DengXian", "Droid Sans Fallback", "Arial Unicode MS", "AR PL", "Noto Serif CJK",
)  # fmt: skip

SPREAD = 2.5  # standard deviations at the ends of a scale of colours
SHOWN_LABELS = 0.05  # probability; a label that never reaches it is not drawn
ABOVE_RIGHT = {"loc": "lower right", "bbox_to_anchor": (1.0, 1.02)}  # of the axes
PAIRS_IN_ROW = 10
ERROR_COLOURS = {
    "": "white",
    "substituted": ORANGE,
    "deleted": SKY,
    "inserted": PURPLE,
}


# --- ground -------------------------------------------------------------------------


@contextlib.contextmanager
def styled():
    """Draw in STYLE, whatever the style of the session.

    Matplotlib's own rc_context would put back all settings, also the interactive mode
    that a notebook switches on with its first figure; the second would not be shown.
    """
    before = {name: matplotlib.rcParams[name] for name in STYLE}
    matplotlib.rcParams.update(STYLE)
    try:
        yield
    finally:
        matplotlib.rcParams.update(before)


def new_axes(height, rows=1, columns=1, **options):
    """Make axes on a white ground.

    Args:
        height: float, inches; all figures are WIDTH wide.
        rows, columns: int, how many axes under and beside each other.
        options: of `pyplot.subplots`, such as sharex=True.

    Returns:
        matplotlib Axes, or an array of them, as from `pyplot.subplots`.
    """
    _, axes = pyplot.subplots(
        rows,
        columns,
        figsize=(WIDTH, height),
        dpi=RESOLUTION,
        facecolor="white",
        layout="constrained",
        **options,
    )
    return axes


@functools.cache
def _hanzi_font_files():
    """Installed fonts that should have hanzi, the best first: list of (name, path)."""
    known = {font.fname for font in font_manager.fontManager.ttflist}
    for path in set(font_manager.findSystemFonts()) - known:  # since matplotlib looked
        with contextlib.suppress(OSError, RuntimeError):  # no font that it can read
            font_manager.fontManager.addfont(path)
    installed = [(font.name, font.fname) for font in font_manager.fontManager.ttflist]
    return [
        pair
        for family in HANZI_FONTS
        for pair in sorted(installed)
        if pair[0].startswith(family)
    ]


def hanzi_font(text):
    """Find an installed font that can draw a text.

    Args:
        text: str.

    Returns:
        str, its family name, or None where no font has all characters.
    """
    for name, path in _hanzi_font_files():
        font = font_manager.get_font(path)
        if all(font.get_char_index(ord(character)) for character in text):
            return name
    return None


def title_with_hanzi(axes, title, text):
    """Write a title, and hanzi behind it where they can be drawn; text may be ""."""
    font = hanzi_font(text) if text else None
    families = [STYLE["font.family"]]
    if font:
        title, families = f"{title}   {text}", [*families, font]
    axes.set_title(title, fontfamily=families)


# --- sound and features -------------------------------------------------------------


@styled()
def waveform(samples, syllables=(), text=""):
    """Draw the samples of a recording.

    Args:
        samples: float array (samples,), 16 kHz, full scale ±1.
        syllables: sequence of str, what is said, for the title.
        text: str, the same in hanzi; left out where no font has them.

    Returns:
        matplotlib Axes.

    Notebook: 00_whole_path.ipynb
    """
    axes = new_axes(3.0)
    seconds = np.arange(len(samples)) / audio.SAMPLE_RATE
    axes.plot(seconds, samples, color=BLUE, linewidth=0.6)
    limit = 1.05 * max(1e-3, float(np.abs(samples).max(initial=0)))
    axes.set(ylim=(-limit, limit), xlabel="time, seconds")
    axes.set_ylabel("amplitude,\nfull scale is 1")
    axes.set_xlim(0, max(1, len(samples)) / audio.SAMPLE_RATE)
    title_with_hanzi(axes, " ".join(syllables), text)
    return axes


@styled()
def mfcc_and_pitch(mfcc, pitch):
    """Draw cepstra as an image and, below, the pitch as a line.

    Args:
        mfcc: float array (frames, 39), or (frames, 13) without slopes; normalised, so
            that one scale suits all rows.
        pitch: float array (frames, 3), as of `features.pitch`: natural logarithm of
            F0 in Hz, its slope, voicing.

    Returns:
        array of two matplotlib Axes: image, pitch.

    Notebook: 00_whole_path.ipynb
    """
    above, below = axes = new_axes(
        6.5, rows=2, sharex=True, gridspec_kw={"height_ratios": (3, 2)}
    )
    image = draw_image(above, mfcc.T, (-SPREAD, SPREAD), DIVERGING)
    above.figure.colorbar(image, ax=above, label="standard deviations", pad=0.01)
    count = mfcc.shape[1] // mel.CEPSTRA
    name_groups(above, ("cepstra", "Δ", "ΔΔ")[:count], mel.CEPSTRA)
    titles = ("13 cepstra", "their slopes Δ", "the slopes of these ΔΔ")
    above.set_title(f"MFCC: {', '.join(titles[:count])}")
    draw_pitch(below, pitch)
    return axes


def bare(axes):
    """Take frame and tick marks off axes; what is written at the ticks stays."""
    axes.tick_params(length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)


def draw_image(axes, rows, limits, colours):
    """Draw features with the first at the bottom and seconds below.

    Args:
        axes: matplotlib Axes.
        rows: float array (features, frames).
        limits: pair of float, the values at the ends of the scale of colours.
        colours: str, name of a colour map: SEQUENTIAL or DIVERGING.

    Returns:
        matplotlib AxesImage.
    """
    end = features.frames_to_seconds(rows.shape[1])
    return axes.imshow(
        rows,
        aspect="auto",
        origin="lower",
        interpolation="nearest",
        extent=(0, end, 0, len(rows)),
        vmin=limits[0],
        vmax=limits[1],
        cmap=colours,
    )


def name_groups(axes, names, size):
    """Write a name beside each group of rows, and lines between groups."""
    axes.set_yticks([size * (index + 0.5) for index in range(len(names))], names)
    axes.tick_params(axis="y", length=0)
    for index in range(1, len(names)):
        axes.axhline(size * index, color=BLACK, linewidth=1.2)


def draw_pitch(axes, pitch):
    """Draw F0 in Hz: a strong line where there is a voice, a thin one between.

    Args:
        axes: matplotlib Axes.
        pitch: float array (frames, 3), as of `features.pitch`.
    """
    seconds = features.frames_to_seconds(np.arange(len(pitch)))
    hertz = np.exp(pitch[:, 0])
    voiced = np.where(pitch[:, 2] > features.VOICED, hertz, np.nan)
    axes.plot(seconds, hertz, color=GREY, linewidth=1, linestyle=":", label="filled in")
    axes.plot(seconds, voiced, color=VERMILION, linewidth=3, label="voiced")
    axes.set_title("Pitch: what carries the tone")
    axes.set(xlabel="time, seconds", ylabel="F0, Hz")
    axes.margins(y=0.15)
    axes.legend(**ABOVE_RIGHT, ncols=2)


# --- batches and training -----------------------------------------------------------


@styled()
def batch(values, frames):
    """Draw one feature of a batch: real frames in colour, padding hatched.

    Args:
        values: float array (batch, frames), one feature of every frame, normalised.
        frames: int array (batch,), true lengths.

    Returns:
        matplotlib Axes.

    Notebook: 00_whole_path.ipynb
    """
    axes = new_axes(1.6 + 0.32 * len(values))
    real = np.arange(values.shape[1]) < np.asarray(frames)[:, None]
    axes.set_facecolor(PALE)
    axes.patch.set(hatch="///", edgecolor="#BBBBBB", linewidth=0)
    masked = np.ma.masked_where(~real, values)
    image = draw_image(axes, masked, (-SPREAD, SPREAD), SEQUENTIAL)
    axes.figure.colorbar(image, ax=axes, label="energy, standard dev.", pad=0.01)
    for row in range(1, len(values)):
        axes.axhline(row, color="white", linewidth=3)
    axes.set_yticks(np.arange(len(values)) + 0.5, np.arange(len(values)))
    axes.invert_yaxis()
    axes.set(xlabel="time, seconds", ylabel="utterance")
    axes.set_title("A batch: speech in colour, padding hatched")
    return axes


@styled()
def training(minutes, loss, error):
    """Draw how the loss and the development error fall.

    Args:
        minutes: float array (epochs,), since the start.
        loss: float array (epochs,), mean loss of training, nats per label.
        error: float array (epochs,), label error on the development set, 0 to 1 or
            above; nan where it was not measured.

    Returns:
        array of two matplotlib Axes: loss, error.

    Notebook: 00_whole_path.ipynb
    """
    minutes, error = np.asarray(minutes, float), np.asarray(error, float)
    above, below = axes = new_axes(5.5, rows=2, sharex=True)
    above.plot(minutes, loss, color=BLUE, marker="o")
    above.set(ylabel="nats per label", ylim=(0, None))
    above.set_title("Training loss: the sentences that the network learns from")
    measured = np.isfinite(error)
    below.plot(minutes[measured], 100 * error[measured], color=VERMILION, marker="s")
    below.set(ylabel="labels wrong, %", xlabel="time, minutes", ylim=(0, None))
    below.set_title("Development error: other sentences, other voices")
    below.set_xlim(0, None)
    for each in axes:
        each.grid(color=PALE, linewidth=1)
        each.set_axisbelow(True)
    return axes


# --- posteriors and transcripts -----------------------------------------------------


@styled()
def posteriors(samples, probabilities, labels, transcript, frame_seconds):
    """Draw what the network believes at every moment, and what is read from it.

    Args:
        samples: float array (samples,), 16 kHz, the recording.
        probabilities: float array (frames, labels), each row adds up to 1; blank is
            label 0.
        labels: sequence of str, names of the labels.
        transcript: recognizer.Transcript of these probabilities.
        frame_seconds: float, seconds from one frame to the next.

    Returns:
        array of two matplotlib Axes: samples with the syllables, posteriors.

    Notebook: 00_whole_path.ipynb
    """
    above, below = axes = new_axes(
        6.0, rows=2, sharex=True, gridspec_kw={"height_ratios": (2, 3)}
    )
    _draw_syllables(above, samples, transcript)
    _draw_curves(below, probabilities, labels, frame_seconds)
    for spoken in transcript.labels:
        middle, colour = (spoken.start + spoken.end) / 2, _colour(spoken.label)
        height = 1.03 if colour == INITIAL else 1.14  # or neighbours would overlap
        below.text(
            middle, height, spoken.label, ha="center", color=colour, fontsize=SMALL
        )
    below.set(xlabel="time, seconds", ylabel="probability", ylim=(0, 1.25))
    below.set_yticks([0, 0.5, 1])
    below.set_xlim(0, len(samples) / audio.SAMPLE_RATE)
    return axes


def _draw_syllables(axes, samples, transcript):
    """The waveform, and each syllable where its last label was heard."""
    seconds = np.arange(len(samples)) / audio.SAMPLE_RATE
    limit = max(1e-3, float(np.abs(samples).max(initial=0)))
    axes.plot(seconds, samples / limit, color=SKY, linewidth=0.5)
    ends = [each for each in transcript.labels if each.label not in pinyin.INITIALS]
    for syllable, spoken in zip(transcript.syllables, ends, strict=True):
        axes.vlines(spoken.start, -1.05, 1.05, GREY, ":", linewidth=1)
        axes.text(spoken.start, 1.12, syllable, ha="center")
    axes.set(ylim=(-1.05, 1.4), yticks=[])
    axes.spines["left"].set_visible(False)
    axes.set_title("Syllables, each where its final was heard")


def _draw_curves(axes, probabilities, labels, frame_seconds):
    """The blank as a ground, initials and finals in their colours."""
    edges = np.arange(len(probabilities) + 1) * frame_seconds
    axes.stairs(probabilities[:, 0], edges, fill=True, color="#DDDDDD", label="blank")
    for index in np.flatnonzero(probabilities.max(axis=0, initial=0) > SHOWN_LABELS):
        if index:
            colour = _colour(labels[index])
            axes.stairs(probabilities[:, index], edges, color=colour, linewidth=1.5)
    axes.plot([], [], color=INITIAL, label="initials")
    axes.plot([], [], color=FINAL, label="finals")
    axes.legend(**ABOVE_RIGHT, ncols=3)
    axes.set_title("Posteriors of the labels, one column for each frame")


def _colour(label):
    return INITIAL if label in pinyin.INITIALS else FINAL


@styled()
def alignment(pairs, text=""):
    """Draw a hypothesis under its reference, in one box for each pair.

    Args:
        pairs: list of (reference label or None, hypothesis label or None), as of
            `scoring.align_syllables`.
        text: str, the reference in hanzi; left out where no font has them.

    Returns:
        matplotlib Axes.

    Notebook: 00_whole_path.ipynb
    """
    rows = max(1, math.ceil(len(pairs) / PAIRS_IN_ROW))
    axes = new_axes(0.7 + 1.3 * rows)
    for index, (reference, hypothesis) in enumerate(pairs):
        row, column = divmod(index, PAIRS_IN_ROW)
        kind = _kind(reference, hypothesis)
        _draw_pair(axes, column, 3 * row, (reference, hypothesis, kind))
    axes.set(xlim=(-1.2, PAIRS_IN_ROW), ylim=(3 * rows - 0.3, -0.1))
    axes.set(xticks=[], yticks=[])
    for row in range(rows):
        axes.text(-0.1, 3 * row + 0.5, "spoken", ha="right", va="center")
        axes.text(-0.1, 3 * row + 1.5, "heard", ha="right", va="center")
    for spine in axes.spines.values():
        spine.set_visible(False)
    wrong = sum(first != second for first, second in pairs)
    title_with_hanzi(axes, f"{wrong} errors in {_length(pairs)} syllables", text)
    return axes


def _length(pairs):
    return sum(reference is not None for reference, _ in pairs)


def _kind(reference, hypothesis):
    """Name what happened to a pair, "" if it is right."""
    if reference == hypothesis:
        return ""
    if hypothesis is None:
        return "deleted"
    return "inserted" if reference is None else "substituted"


def _draw_pair(axes, column, top, pair):
    """Two boxes under each other, and the kind of error below."""
    *names, kind = pair
    colour = ERROR_COLOURS[kind]
    for row, name in enumerate(names):
        place = (column + 0.04, top + row + 0.06)
        axes.add_patch(
            pyplot.Rectangle(place, 0.92, 0.88, facecolor=colour, edgecolor=GREY)
        )
        middle = (column + 0.5, top + row + 0.5)
        axes.text(*middle, name or "–", ha="center", va="center", color=BLACK)
    axes.text(column + 0.5, top + 2.3, kind, ha="center", va="center", fontsize=TINY)


@styled()
def error_rates(rates):
    """Draw error rates as bars, with their 95 % intervals.

    Args:
        rates: dict from kind to `scoring.Rate`, as in `scoring.Scores`; kinds that
            are None are left out.

    Returns:
        matplotlib Axes.

    Notebook: 00_whole_path.ipynb
    """
    rates = {kind: rate for kind, rate in rates.items() if rate is not None}
    axes = new_axes(1.6 + 0.6 * len(rates))
    for place, rate in enumerate(rates.values()):
        middle = 100 * rate.rate
        low, high = 100 * np.array(rate.interval or (rate.rate, rate.rate))
        axes.barh(place, middle, height=0.6, color=SKY)
        axes.plot([low, high], [place, place], color=BLACK, marker="|", markersize=12)
        axes.annotate(
            f" {report.percent(rate.rate)}", (max(middle, high), place), va="center"
        )
    axes.set_yticks(range(len(rates)), [report.NAMES[kind] for kind in rates])
    axes.invert_yaxis()
    axes.margins(x=0.15)
    axes.set_xlim(0, None)
    axes.set_xlabel("wrong, % of the reference; whiskers: 95 % interval")
    axes.set_title("Errors on voices and sentences that were never trained")
    return axes
