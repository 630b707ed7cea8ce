"""Figures of labels: planted counts are found again in what is drawn."""

import numpy as np
import pytest
from matplotlib import colors, pyplot

from zhasr import pinyin, plot, plot_labels

COUNTS = {"syllable": {"ma1": 9, "ma2": 1, "ma3": 4}, "initial-final": {"m": 14}}


@pytest.fixture(autouse=True)
def no_window(monkeypatch):
    pyplot.switch_backend("Agg")
    monkeypatch.setattr(plot, "_hanzi_font_files", lambda: [])
    yield
    pyplot.close("all")


def texts(axes):
    return [text.get_text() for text in axes.texts]


ROWS = {
    "character": [["你"], ["好"]],
    "syllable": [["ni2"], ["hao3"]],
    "initial-final": [["n", "i2"], ["h", "ao3"]],
}


def test_kinds_draws_a_box_for_each_label_and_no_hanzi_without_a_font():
    axes = plot_labels.kinds(ROWS, "你好")
    assert texts(axes) == ["ni2", "hao3", "n", "i2", "h", "ao3"]
    assert len(axes.patches) == 6
    names = [label.get_text() for label in axes.get_yticklabels()]
    assert names == ["toned syllables: 2", "initials and finals: 4"]


def test_kinds_draws_hanzi_where_a_font_has_them(monkeypatch):
    monkeypatch.setattr(plot, "hanzi_font", lambda text: "DejaVu Sans")
    assert texts(plot_labels.kinds(ROWS, "你好"))[:2] == ["你", "好"]


def test_labels_of_one_syllable_are_as_wide_as_the_syllable():
    axes = plot_labels.kinds(ROWS)
    boxes = [patch.get_bbox() for patch in axes.patches]
    assert boxes[2].x0 == pytest.approx(boxes[0].x0)
    assert boxes[3].x1 == pytest.approx(boxes[0].x1)


def test_chart_has_a_cell_for_every_syllable_and_none_beside():
    axes = plot_labels.chart({"ma": 100, "bo": 1})
    cells = axes.images[0].get_array()
    assert cells.count() == len(pinyin.SYLLABLES)
    finals = [label.get_text() for label in axes.get_xticklabels()]
    initials = [label.get_text() for label in axes.get_yticklabels()]
    assert cells[initials.index("m"), finals.index("a")] == pytest.approx(2)
    assert cells[initials.index("b"), finals.index("o")] == 0
    assert cells[initials.index("p"), finals.index("o")] < 0  # never heard
    assert cells.mask[initials.index("b"), finals.index("uo")]


def test_ranks_fall_and_name_how_many_labels_there_are():
    axes = plot_labels.ranks(COUNTS)
    assert axes.lines[0].get_ydata().tolist() == [9, 4, 1]
    names = [text.get_text() for text in axes.get_legend().get_texts()]
    assert names == ["3 toned syllables", "1 initials and finals"]


def test_uncovered_is_in_percent():
    shares = {"syllable": [0.5, 0.02], "initial-final": [0.1, 0]}
    axes = plot_labels.uncovered([10, 20], shares)
    assert axes.lines[0].get_ydata() == pytest.approx([50, 2])
    names = [text.get_text() for text in axes.get_legend().get_texts()]
    assert names[1] == "initials and finals: 0.0 % at the end"


def test_homophones_are_ordered_and_one_is_pointed_out():
    numbers = {"ma1": 3, "shi4": 7, "yi4": 9, "er2": 1, "a1": 1}
    axes = plot_labels.homophones(numbers, "shi4", most=3)
    assert [bar.get_height() for bar in axes.patches] == [9, 7, 3]
    colours = [bar.get_facecolor() for bar in axes.patches]
    assert colours[0] == colours[2] != colours[1]
    assert "3 largest of 5 syllables; half have 3" in axes.get_title("left")


def test_tones_that_change_have_a_ground_of_their_own():
    axes = plot_labels.tones(("ni3", "hao3"), ("ni2", "hao3"), "你好")
    (changed,) = axes.patches
    assert changed.get_bbox().x0 < 0.5 and changed.get_bbox().y0 > 1
    assert axes.get_title("left") == "1 of 2 tones are spoken otherwise"
    for line, tone in zip(axes.lines, (3, 3, 2, 3), strict=True):
        assert colors.same_color(line.get_color(), plot.TONES[tone])


@pytest.mark.parametrize("tone, direction", [(1, 0), (2, 1), (4, -1)])
def test_the_line_of_a_tone_goes_its_way(tone, direction):
    axes = plot_labels.tones((f"ma{tone}",), (f"ma{tone}",))
    heights = -axes.lines[0].get_ydata()  # the axis points down
    assert np.sign(round(heights[-1] - heights[0], 6)) == direction
