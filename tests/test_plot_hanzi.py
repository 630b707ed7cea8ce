"""Figures of characters: planted candidates, paths and rates are in the axes."""

import itertools
import warnings

import numpy as np
import pytest
from matplotlib import colors, pyplot

from zhasr import plot, plot_hanzi

SYLLABLES = ["shi4", "shi1"]
CANDIDATES = [["是", "事", "市"], ["师", "诗"]]
PATHS = {"most frequent": "是师", "best path": "市诗"}
SPANS = [(0, 1, ["是", "事"]), (1, 2, ["师"]), (0, 2, ["世师"]), (1, 3, ["师"])]
FIGURES = {
    "homophones": lambda: plot_hanzi.homophones(SYLLABLES, [35, 10]),
    "bigrams": lambda: plot_hanzi.bigrams(
        [[0.5, 0.0005], [0.25, 0.25]], "是事", "师诗", ("shi4", "shi1")
    ),
    "lattice": lambda: plot_hanzi.lattice(SYLLABLES, CANDIDATES, PATHS),
    "words": lambda: plot_hanzi.words([*SYLLABLES, "a1"], SPANS, [(0, 2), (2, 3)]),
    "errors": lambda: plot_hanzi.errors({"pairs": 12.5, "words": 4.0}),
    "growth": lambda: plot_hanzi.growth([10, 1000], [40.0, 20.0], 4.0, "words"),
    "confidences": lambda: plot_hanzi.confidences(SYLLABLES, [1.0, 0.5], "是师"),
}


@pytest.fixture(autouse=True)
def no_window_no_hanzi(monkeypatch):
    pyplot.switch_backend("Agg")
    monkeypatch.setattr(plot, "_hanzi_font_files", lambda: [])
    yield
    pyplot.close("all")


def texts(axes):
    return [text.get_text() for text in axes.texts]


@pytest.mark.parametrize("draw", FIGURES.values(), ids=FIGURES)
def test_black_on_white_with_every_glyph_in_a_dark_session(draw):
    with pyplot.style.context("dark_background"), warnings.catch_warnings():
        warnings.simplefilter("error")
        axes = draw()
        axes.figure.canvas.draw()
    assert colors.to_hex(axes.figure.get_facecolor()) == "#ffffff"
    assert colors.to_hex(axes._left_title.get_color()) == plot.BLACK


def test_characters_are_numbers_where_no_font_has_them(monkeypatch):
    assert plot_hanzi.drawn("是事")[0] == ["1", "2"]
    monkeypatch.setattr(plot, "hanzi_font", lambda text: "Some Font")
    written, families = plot_hanzi.drawn("是事")
    assert written == ["是", "事"] and families[-1] == "Some Font"


def test_homophones_multiply():
    axes = plot_hanzi.homophones(SYLLABLES * 20, [35, 10] * 20)
    assert axes.get_title("left").startswith(f"{350**20:,} ways")


def test_the_lattice_joins_all_neighbours_and_draws_both_paths():
    axes = plot_hanzi.lattice(SYLLABLES, CANDIDATES, PATHS)
    heights = [line.get_ydata() for line in axes.lines]
    assert len(heights) == 3 * 2 + 2
    assert [list(each) for each in heights[-2:]] == [[0, 0], [2, 1]]
    assert texts(axes) == ["1", "2", "3", "1", "2"]


def test_words_do_not_overlap():
    axes = plot_hanzi.words([*SYLLABLES, "a1"], SPANS, [(0, 2)])
    boxes = [patch.get_bbox() for patch in axes.patches]
    assert len(boxes) == 4
    for first, second in itertools.combinations(boxes, 2):
        assert not first.overlaps(second)
    assert texts(axes) == ["2 words", "1 word", "1 word", "1 word"]


def test_rates_are_written_beside_their_bars():
    axes = plot_hanzi.errors({"pairs": 12.5, "words": 4.0})
    assert [bar.get_width() for bar in axes.patches] == [12.5, 4.0]
    assert texts(axes) == [" 12.5 %", " 4.0 %"]


def test_doubt_has_its_colour():
    axes = plot_hanzi.confidences(SYLLABLES, [0.99, 0.5])
    drawn = [colors.to_hex(bar.get_facecolor()) for bar in axes.patches]
    assert drawn == [each.lower() for each in (plot.SKY, plot.ORANGE)]


def test_growth_starts_at_zero_and_shows_the_level():
    axes = plot_hanzi.growth([10, 1000], [40.0, 20.0], 4.0, "words")
    assert axes.get_ylim()[0] == 0
    np.testing.assert_allclose(axes.lines[0].get_ydata(), [40, 20])
    np.testing.assert_allclose(axes.lines[1].get_ydata(), 4)
