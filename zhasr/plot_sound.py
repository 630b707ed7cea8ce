"""Pictures of sound: waveforms, spectra, features and pitch, and players for the ear.

Style and palette are those of `plot`. Several sounds stand beside each other, so that
they can be compared: they come as a dict from a name to an array.
"""

import base64
import io

import numpy as np
import soundfile
from IPython import display
from matplotlib import pyplot, ticker

from zhasr import audio, features, pinyin, plot

HEAR_TO = 8_000  # Hz, half of the sampling rate
LOUDNESS = 60  # dB between the darkest and the brightest colour
SHADES = 20  # colours of a spectrogram; 3 dB each, and a small picture
TONE_NAMES = {1: "high", 2: "rising", 3: "low", 4: "falling", 5: "neutral"}


def players(sounds):
    """Players for several sounds, each under its name.

    The sound itself is inside, as flac, so a stored notebook can be listened to.

    Args:
        sounds: dict from name to float array (samples,), 16 kHz, full scale ±1.

    Returns:
        IPython.display.HTML.

    Notebook: 01_tone.ipynb
    """
    return display.HTML("".join(_player(*pair) for pair in sounds.items()))


def _player(name, samples):
    packed = io.BytesIO()
    soundfile.write(packed, samples, audio.SAMPLE_RATE, "PCM_16", format="FLAC")
    sound = base64.b64encode(packed.getvalue()).decode()
    return (
        '<span style="display:inline-block;margin:4px 16px 4px 0">'
        f'{name}<br><audio controls style="width:200px" '
        f'src="data:audio/flac;base64,{sound}"></audio></span>'
    )


def _beside(sounds, height, **options):
    """One column of axes for each sound, with its name above."""
    axes = plot.new_axes(
        height, columns=len(sounds), sharey=True, squeeze=False, **options
    )
    for each, name in zip(axes[-1], sounds, strict=True):
        each.set_xlabel("time, s")
        axes[0, list(sounds).index(name)].set_title(name)
    return axes


@plot.styled()
def waveforms(sounds):
    """Draw the samples of several sounds beside each other.

    Args:
        sounds: dict from name to float array (samples,), 16 kHz.

    Returns:
        array of matplotlib Axes, one for each sound.

    Notebook: 01_tone.ipynb
    """
    axes = _beside(sounds, 2.6)[0]
    for each, samples in zip(axes, sounds.values(), strict=True):
        seconds = np.arange(len(samples)) / audio.SAMPLE_RATE
        each.plot(seconds, samples, color=plot.BLUE, linewidth=0.6)
    axes[0].set_ylabel("amplitude")
    return axes


@plot.styled()
def periods(samples, places, length):
    """Draw short stretches of a sound, and the period that was measured in each.

    Args:
        samples: float array (samples,), 16 kHz.
        places: list of (first sample, F0 in Hz), one for each stretch.
        length: float, seconds of each stretch.

    Returns:
        array of matplotlib Axes, one for each stretch.

    Notebook: 01_tone.ipynb
    """
    axes = plot.new_axes(2.9, columns=len(places), sharey=True, squeeze=False)[0]
    count = round(length * audio.SAMPLE_RATE)
    for each, (first, hertz) in zip(axes, places, strict=True):
        part = samples[first : first + count]
        each.plot(1000 * np.arange(len(part)) / audio.SAMPLE_RATE, part, plot.BLUE)
        start, period = _first_peak(part), 1000 / hertz
        for number in range(int((1000 * length - start) / period) + 1):
            each.axvline(start + number * period, color=plot.VERMILION, linewidth=1.2)
        each.set_title(
            f"at {first / audio.SAMPLE_RATE:.2f} s: "
            f"{period:.1f} ms, that is {hertz:.0f} Hz"
        )
        each.set_xlabel("time, milliseconds")
    axes[0].set_ylabel("amplitude")
    return axes


def _first_peak(part):
    """Where the largest sample of the first 8 ms stands, in milliseconds."""
    begin = part[: round(0.008 * audio.SAMPLE_RATE)]
    return 1000 * int(np.argmax(begin)) / audio.SAMPLE_RATE


@plot.styled()
def pitches(contours, measured=None):
    """Draw the pitch of several syllables in one picture, coloured by tone.

    Args:
        contours: dict from toned syllable ("ma3") to float array (frames, 3), as of
            `features.pitch`.
        measured: dict from the same to float array (frames,), F0 in Hz or nan, drawn
            as dots: measured in another way.

    Returns:
        matplotlib Axes.

    Notebook: 01_tone.ipynb
    """
    axes = plot.new_axes(4.2)
    for name, pitch in contours.items():
        tone = pinyin.tone(name)
        colour = plot.TONES[tone]
        seconds = features.frames_to_seconds(np.arange(len(pitch)))
        voiced = pitch[:, 2] > features.VOICED
        hertz = np.where(voiced, np.exp(pitch[:, 0]), np.nan)
        axes.plot(seconds, hertz, color=colour, linewidth=3)
        last = np.flatnonzero(voiced)[-1]
        axes.annotate(
            f" {name}, {TONE_NAMES[tone]}",
            (seconds[last], hertz[last]),
            va="center",
            color=colour,
        )
        if measured is not None:
            dots = measured[name]
            axes.plot(seconds[: len(dots)], dots, "o", color=plot.BLACK, markersize=4)
    axes.set(xlabel="time, seconds", ylabel="F0, Hz")
    axes.margins(x=0.12, y=0.1)
    axes.set_title("Pitch" + (": lines of zhasr, dots by hand" if measured else ""))
    return axes


@plot.styled()
def contours(pitches):
    """Draw the pitch of several sounds over each other.

    Args:
        pitches: dict from name to float array (frames, 3), as of `features.pitch`.

    Returns:
        matplotlib Axes.

    Notebook: 02_labels.ipynb
    """
    axes = plot.new_axes(3.4)
    colours = (plot.BLUE, plot.VERMILION, plot.GREEN, plot.PURPLE)
    for colour, (name, pitch) in zip(colours, pitches.items(), strict=False):
        seconds = features.frames_to_seconds(np.arange(len(pitch)))
        voiced = pitch[:, 2] > features.VOICED
        hertz = np.where(voiced, np.exp(pitch[:, 0]), np.nan)
        axes.plot(seconds, hertz, color=colour, linewidth=3, label=name)
    axes.set(xlabel="time, seconds", ylabel="F0, Hz", title="Pitch")
    axes.legend(**plot.ABOVE_RIGHT, ncols=len(pitches))
    return axes


@plot.styled()
def spectrograms(powers, length=features.FRAME_LENGTH, highest=HEAR_TO, label=True):
    """Draw spectrograms beside each other: dark is quiet, bright is loud.

    Args:
        powers: dict from name to float array (frames, bins), power of the spectrum
            from 0 to 8000 Hz; frames start every 10 ms.
        length: float, seconds of a frame, or a dict from name to seconds.
        highest: float, Hz, the upper edge of the picture.
        label: bool, write "frequency" at the left.

    Returns:
        array of matplotlib Axes, one for each.

    Notebook: 01_tone.ipynb
    """
    axes = _beside(powers, 3.4)[0]
    for each, (name, power) in zip(axes, powers.items(), strict=True):
        seconds = length[name] if isinstance(length, dict) else length
        _draw_spectrogram(each, power, seconds, highest)
    if label:
        axes[0].set_ylabel("frequency, Hz")
    return axes


def _draw_spectrogram(axes, power, length, highest):
    """One spectrogram; each frame is drawn around its middle."""
    decibels = 10 * np.log10(power + 1e-20)
    middle, step = length / 2, features.FRAME_STEP
    begin = middle - step / 2
    end = begin + step * len(power)
    axes.imshow(
        decibels.T,
        aspect="auto",
        origin="lower",
        extent=(begin, end, 0, HEAR_TO),
        vmin=decibels.max() - LOUDNESS,
        vmax=decibels.max(),
        cmap=pyplot.get_cmap(plot.SEQUENTIAL, SHADES),
        interpolation="nearest",
    )
    axes.set(ylim=(0, highest), xlim=(0, end))


@plot.styled()
def mel(power, filters, log_mel, every=6):
    """Draw how mel filters squeeze a spectrum: spectrogram, filters, log-mel bands.

    Args:
        power: float array (frames, bins), 0 to 8000 Hz.
        filters: float array (bands, bins).
        log_mel: float array (frames, bands).
        every: int, one filter of so many is drawn.

    Returns:
        array of three matplotlib Axes.

    Notebook: 01_tone.ipynb
    """
    axes = plot.new_axes(4.2, columns=3, gridspec_kw={"width_ratios": (3, 2, 3)})
    left, middle, right = axes
    _draw_spectrogram(left, power, features.FRAME_LENGTH, HEAR_TO)
    left.set(xlabel="time, s", ylabel="frequency, Hz", title="spectrum, 257 bins")
    hertz = np.linspace(0, HEAR_TO, filters.shape[1])
    shown = range(0, len(filters), every)
    for number in shown:
        colour = (plot.BLUE, plot.VERMILION)[number // every % 2]
        middle.plot(filters[number], hertz, color=colour, linewidth=1.5)
    middle.set(ylim=(0, HEAR_TO), xlabel="weight", xticks=[0, 1])
    middle.set_title(f"one mel filter in {every}")
    limits = log_mel.max() - LOUDNESS * np.log(10) / 10, log_mel.max()
    plot.draw_image(right, log_mel.T, limits, plot.SEQUENTIAL)
    right.set(xlabel="time, s", ylabel="band")
    right.set_title(f"log-mel, {len(filters)} bands")
    return axes


@plot.styled()
def log_mel_and_mfcc(log_mels, cepstra):
    """Draw log-mel bands of several sounds, and their cepstra below.

    Args:
        log_mels: dict from name to float array (frames, bands).
        cepstra: dict from the same to float array (frames, coefficients), the first
            left out of the scale of colours, which it would fill alone.

    Returns:
        array (2, sounds) of matplotlib Axes.

    Notebook: 01_tone.ipynb
    """
    axes = plot.new_axes(5.4, rows=2, columns=len(log_mels), sharex="col", sharey="row")
    brightest = max(values.max() for values in log_mels.values())
    limits = brightest - LOUDNESS * np.log(10) / 10, brightest
    spread = max(np.abs(values[:, 1:]).max() for values in cepstra.values())
    for column, name in enumerate(log_mels):
        above, below = axes[:, column]
        plot.draw_image(above, log_mels[name].T, limits, plot.SEQUENTIAL)
        plot.draw_image(below, cepstra[name].T, (-spread, spread), plot.DIVERGING)
        above.set_title(name)
        below.set_xlabel("time, s")
    axes[0, 0].set_ylabel("log-mel band")
    axes[1, 0].set_ylabel("cepstrum")
    return axes


@plot.styled()
def envelope(bands, smooth):
    """Draw the log-mel bands of one frame, and what few cepstra keep of them.

    Args:
        bands: float array (bands,), log energies of one frame.
        smooth: dict from number of cepstra to float array (bands,), rebuilt from so
            many.

    Returns:
        matplotlib Axes.

    Notebook: 01_tone.ipynb
    """
    axes = plot.new_axes(3.6)
    places = np.arange(1, len(bands) + 1)
    axes.bar(places, bands - bands.min(), color="#CCCCCC", label="log-mel bands")
    colours = (plot.ORANGE, plot.BLUE, plot.GREEN)
    for colour, (count, values) in zip(colours, smooth.items(), strict=False):
        line = values - bands.min()
        axes.plot(places, line, color=colour, linewidth=3, label=f"{count} cepstra")
    axes.set(xlabel="mel band, low to high", ylabel="log energy above the lowest")
    axes.set_ylabel("log energy,\nabove the lowest")
    axes.xaxis.set_major_locator(ticker.MaxNLocator(integer=True))
    axes.set_title("One frame")
    axes.legend(**plot.ABOVE_RIGHT, ncols=4)
    return axes
