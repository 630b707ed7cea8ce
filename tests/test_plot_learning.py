"""Figures of training: planted curves, spikes and transcripts are found again."""

import numpy as np
import pytest
from matplotlib import pyplot

from zhasr import plot, plot_learning

LABELS = ("<blank>", "h", "ao3")


@pytest.fixture(autouse=True)
def no_window():
    pyplot.switch_backend("Agg")
    yield
    pyplot.close("all")


def texts(axes):
    return [text.get_text() for text in axes.texts]


def test_progress_draws_per_cent_and_the_blank_share():
    loss, error, blank = plot_learning.progress(
        [0, 8], [4.0, 1.0], [1.0, 0.5], [1, 0.7]
    )
    assert loss.lines[0].get_ydata().tolist() == [4.0, 1.0]
    assert error.lines[0].get_ydata().tolist() == [100, 50]
    assert blank.lines[0].get_ydata().tolist() == [100, 70]


def test_progress_bears_what_was_not_measured():
    axes = plot_learning.progress([1, 2], [4.0, 1.0], [None, 0.5], [None, 0.7])
    assert np.isnan(axes[1].lines[0].get_ydata()[0])


def test_spikes_are_named_where_they_stand():
    path = [0, 1, 0, 2, 2, 0]
    probabilities = np.full((6, 3), 0.05)
    probabilities[np.arange(6), path] = 0.9
    flat = np.full((6, 3), 1 / 3)
    silent = np.tile([0.98, 0.01, 0.01], (6, 1))
    axes = plot_learning.spikes(
        [probabilities, silent, flat], LABELS, 0.04, ["end", "middle", "start"]
    )
    assert texts(axes[0]) == ["h", "ao3"]
    assert [each.get_position()[0] for each in axes[0].texts] == pytest.approx(
        [0.06, 0.16]
    )
    assert texts(axes[1]) == []
    assert axes[2].get_title("left") == "start"


def test_transcripts_align_every_line_with_what_was_spoken():
    axes = plot_learning.transcripts(
        ["early", "late"], [["h", "a1"], ["h", "ao3", "m"]], ["h", "ao3"]
    )
    assert texts(axes) == ["h", "ao3", "h", "a1", "h", "ao3+"]
    colours = [patch.get_facecolor() for patch in axes.patches[:6]]
    assert colours[3] == pytest.approx(
        [*pyplot.matplotlib.colors.to_rgba(plot.ERROR_COLOURS["substituted"])]
    )
    assert len(set(colours)) == 2


def test_transcripts_show_what_was_inserted_before_the_first_label():
    axes = plot_learning.transcripts(
        ["early"], [["m", "h", "x", "x", "ao3"]], ["h", "ao3"]
    )
    assert texts(axes)[2:] == ["+h+", "ao3"]


def test_transcripts_of_silence():
    axes = plot_learning.transcripts(["early"], [[]], ["h", "ao3"])
    assert texts(axes) == ["h", "ao3", "–", "–"]


def test_runs_leave_out_epochs_without_an_error():
    rows = [{"epoch": 1, "dev_error": None}, {"epoch": 2, "dev_error": 0.5}]
    axes = plot_learning.runs({"baseline": rows})
    assert axes.lines[0].get_xydata().tolist() == [[2, 50]]
    assert axes.get_legend().get_texts()[0].get_text() == "baseline"
