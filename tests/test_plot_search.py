"""Figures of the search: planted sums, beams and errors are found again in the axes."""

import warnings

import numpy as np
import pytest
from matplotlib import colors, pyplot

from zhasr import decoding, plot, plot_search

NAMES = ["blank", "bu4", "hao3"]
PATHS = {(2,): [0.2, 0.05], (1, 2): [0.15, 0.15, 0.15], (): [0.01]}
BEAMS = [
    {(): 0.5, (1,): 0.4, (2,): 0.1},
    {(): 0.2, (1,): 0.5, (2,): 0.1, (1, 2): 0.2},
]
WAYS = [((1,), "label", 0.5, 0, 0.5), ((), "blank", 0.25, 1, 0.5)]
POSTERIORS = np.array([[0.5, 0.5, 0.0], [0.75, 0.0, 0.25]])
FOUND = {"greedy": [decoding.Decoded(1, 0, 1, 0.5)], "beam": []}
ROWS = {"a": [3.0, 2.0], "b": [2.0, 1.0]}
FIGURES = {
    "sums": lambda: plot_search.sums(PATHS, NAMES),
    "merge": lambda: plot_search.merge(WAYS, (1,), NAMES),
    "tree": lambda: plot_search.tree(BEAMS, 2, NAMES),
    "sentence": lambda: plot_search.sentence(POSTERIORS, NAMES, ["bu4"], FOUND),
    "widths": lambda: plot_search.widths([1, 2], ROWS, ROWS, 3.5),
    "weights": lambda: plot_search.weights([[3.0, 2.0]], [0.1], [1, 2]),
}


@pytest.fixture(autouse=True)
def no_window():
    pyplot.switch_backend("Agg")
    yield
    pyplot.close("all")


def texts(axes):
    return [text.get_text() for text in axes.texts]


@pytest.mark.parametrize("draw", FIGURES.values(), ids=FIGURES)
def test_black_on_white_with_every_glyph_in_a_dark_session(draw):
    with pyplot.style.context("dark_background"), warnings.catch_warnings():
        warnings.simplefilter("error")
        figure = np.atleast_1d(draw())[0].figure
        figure.canvas.draw()
    assert colors.to_hex(figure.get_facecolor()) == "#ffffff"
    for axes in figure.axes:
        assert colors.to_hex(axes._left_title.get_color()) == plot.BLACK


def test_sums_are_sorted_made_of_paths_and_the_loudest_has_its_colour():
    axes = plot_search.sums(PATHS, NAMES, most=2)
    names = [label.get_text() for label in axes.get_yticklabels()]
    assert names == ["bu4 hao3", "hao3"]
    widths = [bar.get_width() for bar in axes.patches[:5]]
    np.testing.assert_allclose(widths, [0.15, 0.15, 0.15, 0.2, 0.05])
    orange = colors.to_rgba(plot.ORANGE)
    assert [bar.get_facecolor() == orange for bar in axes.patches[:5]].index(True) == 3
    assert texts(axes)[0].split() == ["0.450", "3", "paths"]


def test_merge_adds_all_ways():
    written = texts(plot_search.merge(WAYS, (1,), NAMES))
    assert "bu4\n0.3750" in written
    assert "× blank 0.50  =  0.2500" in written
    assert "(nothing), ends in blank\n0.2500" in written


def test_the_tree_keeps_the_best_and_counts_what_it_drops():
    axes = plot_search.tree(BEAMS, 2, NAMES)
    rows = [label.get_text() for label in axes.get_yticklabels()]
    assert rows == ["(nothing)", "bu4"]
    assert [text for text in texts(axes) if "dropped" in text] == [
        "1 dropped",
        "2 dropped",
    ]
    assert texts(axes).count("0.500") == 2
    # start: to itself and to bu4; then two prefixes that stay, and one that grows
    assert sum(hasattr(text, "arrow_patch") for text in axes.texts) == 5


def test_dropped_prefixes_lead_nowhere():
    beams = [{(): 0.3, (1,): 0.7}, {(1,): 0.6, (1, 2): 0.1}]
    axes = plot_search.tree(beams, 1, NAMES)
    white = [patch for patch in axes.patches if patch.get_facecolor()[:3] == (1, 1, 1)]
    assert len(white) == 1
    assert sum(hasattr(text, "arrow_patch") for text in axes.texts) == 3


def test_weights_frame_the_smallest_error():
    axes = plot_search.weights([[3.0, 2.0], [4.0, 5.0]], [0.1, 0.2], [1, 2])
    assert texts(axes) == ["3.0 %", "2.0 %", "4.0 %", "5.0 %"]
    (frame,) = axes.patches
    assert np.round(frame.get_xy()).tolist() == [1, 0] or frame.get_x() == 0.52


def test_widths_draw_error_and_time():
    left, right = plot_search.widths([1, 2], ROWS, {"a": [0.1, 0.2]}, greedy=3.5)
    assert left.lines[1].get_ydata().tolist() == [2.0, 1.0]
    assert list(left.lines[2].get_ydata()) == [3.5, 3.5]
    assert right.lines[0].get_ydata().tolist() == [0.1, 0.2]


def test_a_sentence_shows_what_was_said_and_what_was_not():
    axes = plot_search.sentence(POSTERIORS, NAMES, ["bu4"], FOUND)
    drawn = [colors.to_hex(patch.get_edgecolor()) for patch in axes.patches[1:]]
    assert drawn == [colors.to_hex(plot.BLUE), colors.to_hex(plot.ORANGE)]
    assert texts(axes) == ["greedy", "bu4", "beam"]
