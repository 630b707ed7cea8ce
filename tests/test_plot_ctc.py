"""Figures of CTC: planted paths, numbers and ways are found again in the axes."""

import itertools
import warnings

import numpy as np
import pytest
from matplotlib import colors, pyplot

from zhasr import ctc, plot, plot_ctc
from zhasr.exercises import lesson_04

NAMES = ["blank", "ma1", "hao3"]
EXTENDED = [0, 1, 0, 1, 0, 2, 0]
POSTERIORS = np.array([[0.5, 0.25, 0.25], [0.125, 0.75, 0.125]])


@pytest.fixture(autouse=True)
def no_window():
    pyplot.switch_backend("Agg")
    yield
    pyplot.close("all")


def draw_lattice(**options):
    return plot_ctc.lattice(EXTENDED, NAMES, 4, lesson_04.may_skip, **options)


FIGURES = {
    "unplaced": lambda: plot_ctc.unplaced(np.ones((60, 80)), ["ma1", "hao3"], 3),
    "rows": lambda: plot_ctc.rows({"one": [0, 1], "none": [0, 0]}, NAMES),
    "tables": lambda: plot_ctc.tables({"a": POSTERIORS, "b": -POSTERIORS}, NAMES),
    "paths": lambda: plot_ctc.paths([[0, 1], [1, 1]], [0.2, 0.3], NAMES),
    "lattice": draw_lattice,
    "filled": lambda: draw_lattice(forward=np.full((4, 7), 0.5), filled=2),
    "learning": lambda: plot_ctc.learning({"step 0": POSTERIORS}, NAMES),
}


def texts(axes):
    return [text.get_text() for text in axes.texts]


def arrows(axes):
    return sum(hasattr(text, "arrow_patch") for text in axes.texts)


@pytest.mark.parametrize("draw", FIGURES.values(), ids=FIGURES)
def test_black_on_white_with_every_glyph_in_a_dark_session(draw):
    with pyplot.style.context("dark_background"), warnings.catch_warnings():
        warnings.simplefilter("error")
        figure = np.atleast_1d(draw())[0].figure
        figure.canvas.draw()
    assert colors.to_hex(figure.get_facecolor()) == "#ffffff"
    for axes in figure.axes:
        assert colors.to_hex(axes._left_title.get_color()) == plot.BLACK


def test_rows_say_what_each_path_collapses_to():
    axes = plot_ctc.rows({"a": [1, 1, 2], "b": [1, 0, 1], "c": [0, 0, 0]}, NAMES)
    read = [text for text in texts(axes) if text.startswith("→")]
    assert read == ["→  ma1 hao3", "→  ma1 ma1", "→  (nothing)"]


def test_tables_show_their_numbers_and_frame_the_marked_ones():
    axes = plot_ctc.tables({"a": POSTERIORS, "b": -POSTERIORS}, NAMES, marked=[0, 1])
    assert texts(axes[0])[:3] == ["0.50", "0.25", "0.25"]
    assert texts(axes[1])[4] == "−0.75"
    framed = [patch for patch in axes[0].patches if not patch.get_fill()]
    corners = [patch.get_xy() for patch in framed]
    assert np.round(corners).tolist() == [[0, 0], [1, 1]]


def test_paths_are_sorted_and_their_sum_is_the_title():
    left, right = plot_ctc.paths([[0, 1], [1, 1]], [0.2, 0.3], NAMES)
    assert [bar.get_width() for bar in right.patches] == [0.3, 0.2]
    assert right.get_title("left") == "sum 0.5000"
    np.testing.assert_allclose(right.lines[0].get_xdata(), [0.3, 0.5])
    first = [patch.get_facecolor() for patch in left.patches[:2]]
    assert first == [colors.to_rgba(plot_ctc.COLOURS[1])] * 2


def test_the_lattice_has_every_way_and_no_other():
    ways = sum(
        ctc.collapse([EXTENDED[before], EXTENDED[after]])
        == ctc.collapse(EXTENDED[before : after + 1])
        for before, after in itertools.combinations_with_replacement(range(7), 2)
        if after - before < 3
    )
    assert arrows(draw_lattice()) == 3 * ways == 3 * (7 + 6 + 1)
    assert arrows(draw_lattice(forward=np.ones((4, 7)), filled=2)) == ways


def test_forward_variables_are_written_as_far_as_they_are_filled():
    forward = np.arange(28).reshape(4, 7) / 100
    written = texts(draw_lattice(forward=forward, filled=2))
    assert "0.1300" in written and "0.1400" not in written
    title = draw_lattice(forward=forward).get_title("left")
    assert title == "The last two boxes: 0.5300"


def test_learning_stacks_the_posteriors_of_each_step():
    (axes,) = plot_ctc.learning({"step 0": POSTERIORS}, NAMES)
    tops = [patch.get_data().values for patch in axes.patches]
    np.testing.assert_allclose(tops, POSTERIORS.cumsum(axis=1).T)
