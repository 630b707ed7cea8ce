"""Figures: planted arrays are found again in what is drawn, in any session."""

import warnings

import matplotlib
import numpy as np
import pytest
from matplotlib import colors, font_manager, pyplot

from zhasr import bootstrap, plot, recognizer, scoring

DEJAVU = font_manager.findfont("DejaVu Sans")
LABELS = ("<blank>", "h", "ao3", "m", "a1")
TEXT = "你好"
SIZES = [name for name in plot.STYLE if name.endswith("size")]


@pytest.fixture(autouse=True)
def no_window(monkeypatch):
    pyplot.switch_backend("Agg")
    monkeypatch.setattr(plot, "_hanzi_font_files", lambda: [])
    yield
    pyplot.close("all")


def recording(seconds=0.4):
    return np.sin(np.arange(int(16_000 * seconds)) / 20).astype(np.float32) / 2


def posteriors():
    """Five frames: h, ao3, blank, m, a1."""
    probabilities = np.full((5, 5), 0.02)
    for frame, label in enumerate((1, 2, 0, 3, 4)):
        probabilities[frame, label] = 0.92
    spoken = tuple(
        recognizer.Spoken(LABELS[label], 0.04 * frame, 0.04 * (frame + 1), 0.92)
        for frame, label in ((0, 1), (1, 2), (3, 3), (4, 4))
    )
    return probabilities, recognizer.Transcript(spoken, ("hao3", "ma1"), None)


def rate(wrong, interval):
    return scoring.Rate(scoring.ErrorCounts(wrong, 0, 0, 8), interval)


def draw_posteriors():
    probabilities, transcript = posteriors()
    return plot.posteriors(recording(), probabilities, LABELS, transcript, 0.04)


PAIRS = [("hao3", "hao3"), ("ma1", "ma3"), ("de5", None), (None, "a1")]
FIGURES = {
    "waveform": lambda: plot.waveform(recording(), ("ni3", "hao3"), TEXT),
    "mfcc_and_pitch": lambda: plot.mfcc_and_pitch(np.ones((9, 39)), np.ones((9, 3))),
    "batch": lambda: plot.batch(np.ones((2, 9)), np.array([9, 4])),
    "training": lambda: plot.training([0.5, 1.0], [5.0, 3.0], [0.9, 0.5]),
    "posteriors": draw_posteriors,
    "alignment": lambda: plot.alignment(PAIRS, TEXT),
    "error_rates": lambda: plot.error_rates({"syllable": rate(2, (0.1, 0.4))}),
}
every_figure = pytest.mark.parametrize("draw", FIGURES.values(), ids=FIGURES)


def figure_of(axes):
    return np.atleast_1d(axes)[0].figure


def texts(axes):
    return [text.get_text() for each in np.atleast_1d(axes) for text in each.texts]


def render(figure):
    """Draw it; a character without a glyph is a warning, and here an error."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        figure.canvas.draw()


# All figures


@every_figure
def test_every_character_has_a_glyph(draw):
    render(figure_of(draw()))


def test_a_missing_glyph_would_be_noticed():
    figure, axes = pyplot.subplots()
    axes.set_title(TEXT, fontfamily="DejaVu Sans")
    with pytest.raises(UserWarning, match="missing from font"):
        render(figure)


@every_figure
def test_black_on_white_in_a_dark_session(draw):
    with pyplot.style.context("dark_background"):
        figure = figure_of(draw())
        render(figure)
    assert colors.to_hex(figure.get_facecolor()) == "#ffffff"
    for axes in figure.axes:
        written = [axes.title, axes._left_title, axes.xaxis.label, axes.yaxis.label]
        written += axes.get_xticklabels() + axes.get_yticklabels()
        if axes.get_legend():
            written += axes.get_legend().get_texts()
        assert {colors.to_hex(text.get_color()) for text in written} == {"#000000"}


@every_figure
def test_time_and_amounts_have_units(draw):
    labels = [
        label
        for axes in figure_of(draw()).axes
        for label in (axes.get_xlabel(), axes.get_ylabel())
    ]
    for label in filter(lambda label: label.startswith("time"), labels):
        assert label in ("time, seconds", "time, minutes")


@every_figure
def test_the_settings_of_the_session_stay(draw):
    with matplotlib.rc_context({name: "7" for name in SIZES}):
        before = dict(matplotlib.rcParams)
        draw()
        assert dict(matplotlib.rcParams) == before


def test_the_interactive_mode_that_the_first_figure_switches_on_stays(monkeypatch):
    # That is what the inline backend of a notebook does when it is first needed.
    subplots = pyplot.subplots

    def first_subplots(*arguments, **options):
        matplotlib.interactive(True)
        return subplots(*arguments, **options)

    monkeypatch.setattr(pyplot, "subplots", first_subplots)
    try:
        plot.waveform(recording())
        assert matplotlib.is_interactive()
    finally:
        matplotlib.interactive(False)


# Hanzi


def test_a_font_is_taken_only_if_it_has_every_character(monkeypatch):
    monkeypatch.setattr(plot, "_hanzi_font_files", lambda: [("DejaVu Sans", DEJAVU)])
    assert plot.hanzi_font("hǎo") == "DejaVu Sans"
    assert plot.hanzi_font("hǎo好") is None


def test_fonts_are_found_by_the_beginning_of_their_name(monkeypatch):
    entries = [
        font_manager.FontEntry(fname=f"{name}.ttf", name=name)
        for name in ("Zapfino", "WenQuanYi Zen Hei", "Noto Sans CJK SC")
    ]
    monkeypatch.undo()
    monkeypatch.setattr(font_manager.fontManager, "ttflist", entries)
    monkeypatch.setattr(font_manager, "findSystemFonts", list)
    names = [name for name, _ in plot._hanzi_font_files.__wrapped__()]
    assert names == ["Noto Sans CJK SC", "WenQuanYi Zen Hei"]


def test_a_font_installed_since_is_found(monkeypatch, tmp_path):
    damaged = tmp_path / "damaged.ttf"
    damaged.write_bytes(b"no font")
    monkeypatch.undo()
    monkeypatch.setattr(plot, "HANZI_FONTS", ("DejaVu Sans",))
    monkeypatch.setattr(font_manager.fontManager, "ttflist", [])
    found = [str(damaged), str(DEJAVU)]
    monkeypatch.setattr(font_manager, "findSystemFonts", lambda: found)
    assert plot._hanzi_font_files.__wrapped__() == [("DejaVu Sans", str(DEJAVU))]


def test_without_a_font_pinyin_stands_alone():
    title = plot.waveform(recording(), ("ni3", "hao3"), TEXT).get_title("left")
    assert title == "ni3 hao3"


def test_with_a_font_hanzi_stand_behind(monkeypatch):
    monkeypatch.setattr(plot, "hanzi_font", lambda text: "A Chinese Font")
    axes = plot.waveform(recording(), ("ni3", "hao3"), TEXT)
    assert axes.get_title("left").split() == ["ni3", "hao3", TEXT]
    assert axes._left_title.get_fontfamily() == ["DejaVu Sans", "A Chinese Font"]


# Each figure


def test_the_waveform_ends_with_the_recording():
    axes = plot.waveform(recording(seconds=0.4))
    assert axes.get_xlim()[1] == pytest.approx(0.4, abs=1e-3)
    assert len(axes.lines[0].get_ydata()) == 6_400


def test_pitch_is_drawn_in_hertz_and_strong_where_voiced():
    pitch = np.stack([np.log([100, 150, 200]), np.zeros(3), [0.9, 0.1, 0.9]], axis=1)
    _, axes = plot.mfcc_and_pitch(np.zeros((3, 39)), pitch)
    everywhere, voiced = (line.get_ydata() for line in axes.lines)
    np.testing.assert_allclose(everywhere, [100, 150, 200])
    np.testing.assert_allclose(voiced, [100, np.nan, 200])


def test_cepstra_may_come_without_slopes():
    for width, names in ((39, ["cepstra", "Δ", "ΔΔ"]), (13, ["cepstra"])):
        above, _ = plot.mfcc_and_pitch(np.zeros((3, width)), np.zeros((3, 3)))
        assert [label.get_text() for label in above.get_yticklabels()] == names
        assert ("Δ" in above.get_title(loc="left")) == (width == 39)


def test_padding_is_masked_and_real_frames_are_not():
    values = np.arange(15.0).reshape(3, 5)
    image = plot.batch(values, np.array([5, 2, 0])).images[0].get_array()
    assert (~image.mask).sum(axis=1).tolist() == [5, 2, 0]
    assert image[1, 1] == values[1, 1]


def test_epochs_without_a_development_error_are_left_out():
    above, below = plot.training([1, 2, 3], [9, 8, 7], [0.5, None, 0.25])
    np.testing.assert_allclose(below.lines[0].get_xydata(), [[1, 50], [3, 25]])
    assert above.lines[0].get_ydata().tolist() == [9, 8, 7]


def test_syllables_stand_where_their_finals_were_heard():
    above, below = draw_posteriors()
    places = {text.get_text(): text.get_position()[0] for text in above.texts}
    assert places == {"hao3": pytest.approx(0.04), "ma1": pytest.approx(0.16)}
    written = {text.get_text(): text for text in below.texts}
    assert written["h"].get_color() == plot.INITIAL
    assert written["ao3"].get_color() == plot.FINAL


def test_only_labels_that_were_likely_are_drawn():
    probabilities, transcript = posteriors()
    probabilities[:, 3] = 0.01
    _, axes = plot.posteriors(recording(), probabilities, LABELS, transcript, 0.04)
    assert len(axes.patches) == 4  # the blank and three labels


def test_labels_of_any_kind_can_be_drawn():
    spoken = (recognizer.Spoken("hao3", 0.0, 0.04, 0.9),)
    transcript = recognizer.Transcript(spoken, ("hao3",), None)
    even, labels = np.ones((1, 2)) / 2, ("<blank>", "hao3")
    above, _ = plot.posteriors(recording(), even, labels, transcript, 0.04)
    assert texts(above) == ["hao3"]


def test_each_kind_of_error_has_its_colour_and_its_name():
    axes = plot.alignment(PAIRS)
    found = [colors.to_hex(patch.get_facecolor()) for patch in axes.patches[::2]]
    kinds = ("", "substituted", "deleted", "inserted")
    assert found == [colors.to_hex(plot.ERROR_COLOURS[kind]) for kind in kinds]
    assert [text for text in texts(axes) if text in kinds] == list(kinds)
    assert texts(axes).count("–") == 2
    assert axes.get_title("left") == "3 errors in 3 syllables"


def test_long_alignments_go_on_in_another_row():
    axes = plot.alignment([("ma1", "ma1")] * (plot.PAIRS_IN_ROW + 1))
    assert texts(axes).count("spoken") == 2
    assert max(patch.get_x() for patch in axes.patches) < plot.PAIRS_IN_ROW


def test_rates_are_written_beside_their_bars():
    given = {"syllable": rate(2, (0.125, 0.5)), "character": None}
    axes = plot.error_rates({**given, "tone": rate(8, None)})
    assert [text.strip() for text in texts(axes)] == ["25.0 %", "100.0 %"]
    names = [label.get_text() for label in axes.get_yticklabels()]
    assert names == ["toned syllable", "tone"]
    assert axes.lines[0].get_xdata().tolist() == [12.5, 50]
    assert bootstrap.CONFIDENCE == 0.95  # what the label of the axis says


# Edges


def test_nothing_at_all_can_be_drawn():
    nobody = recognizer.Transcript((), (), None)
    for axes in (
        plot.waveform(np.zeros(0)),
        plot.waveform(np.zeros(1)),
        plot.mfcc_and_pitch(np.zeros((1, 39)), np.zeros((1, 3))),
        plot.batch(np.zeros((1, 1)), np.zeros(1, int)),
        plot.training([1.0], [2.0], [np.nan]),
        plot.posteriors(np.zeros(400), np.ones((1, 2)), LABELS[:2], nobody, 0.04),
        plot.alignment([]),
        plot.error_rates({}),
    ):
        render(figure_of(axes))
