"""Figures of errors: planted numbers are found again in what is drawn."""

import numpy as np
import pytest
from matplotlib import pyplot

from zhasr import plot, plot_errors, scoring
from zhasr.exercises import lesson_07


@pytest.fixture(autouse=True)
def no_window():
    pyplot.switch_backend("Agg")
    yield
    pyplot.close("all")


def texts(axes):
    return [text.get_text() for text in axes.texts]


def legend(axes):
    return [text.get_text() for text in axes.get_legend().get_texts()]


def test_edit_table_shows_every_entry_and_the_path():
    table = lesson_07.edit_table("ab", "xb")
    axes = plot_errors.edit_table(table, "ab", "xb", scoring.align("ab", "xb"))
    assert texts(axes) == [str(entry) for entry in table.ravel()]
    bold = [text.get_text() for text in axes.texts if text.get_fontweight() == "bold"]
    assert bold == ["0", "1", "1"]
    assert legend(axes) == ["substituted", "equal"]


def test_edit_table_of_nothing_and_without_a_path():
    axes = plot_errors.edit_table([[0]], "", "")
    assert texts(axes) == ["0"] and axes.get_legend() is None


def test_path_goes_down_for_a_deletion_and_right_for_an_insertion():
    axes = plot_errors.edit_table(
        lesson_07.edit_table("ab", "bc"), "ab", "bc", scoring.align("ab", "bc")
    )
    steps = [
        line.get_xydata().tolist() for line in axes.lines if len(line.get_xdata()) == 2
    ]
    assert steps == [[[0, 0], [0, 1]], [[0, 1], [1, 2]], [[1, 2], [2, 2]]]
    assert axes.lines[0].get_color() == plot.ERROR_COLOURS["deleted"]


def test_sentence_rates_tell_the_two_means_apart():
    axes = plot_errors.sentence_rates([10, 2], [1, 2])
    assert legend(axes)[1:] == [
        "all errors over all syllables: 25.0 %",
        "mean of the rates: 55.0 %",
    ]


def test_sentence_rates_above_one_are_in_the_picture():
    axes = plot_errors.sentence_rates([2], [5])
    assert axes.get_ylim()[1] > 250


def test_resampled_shows_the_interval():
    axes = plot_errors.resampled(np.linspace(0.1, 0.3, 50), (0.12, 0.28))
    assert "12.0 % and 28.0 %" in axes.get_title("left")
    ends = [line.get_xdata()[0] for line in axes.lines]
    assert ends == pytest.approx([12, 28])


def test_speakers_have_their_rates_and_whiskers():
    counts = scoring.ErrorCounts(1, 0, 0, 4)
    rates = {"D1": scoring.Rate(counts, (0.1, 0.6)), "D2": scoring.Rate(counts, None)}
    axes = plot_errors.speakers(rates, scoring.Rate(counts, None))
    assert texts(axes) == ["  25.0 %", "  25.0 %"]
    assert axes.lines[0].get_xdata() == pytest.approx([10, 60])
    assert axes.get_xlim()[1] > 60


def test_confusions_are_coloured_by_what_differs():
    found = [
        scoring.Confusion("shi4", "si4", 3),
        scoring.Confusion("ma1", "ma3", 2),
        scoring.Confusion("ma1", "bo3", 1),
    ]
    axes = plot_errors.confusions(found)
    assert legend(axes) == ["initial", "tone", "more than one"]
    assert [label.get_text() for label in axes.get_yticklabels()][0] == "shi4 → si4"
    assert [bar.get_width() for bar in axes.patches] == [3, 2, 1]


@pytest.mark.parametrize(
    "reference, hypothesis, parts",
    [
        ("shi4", "si4", ("initial",)),
        ("yin1", "ying1", ("final",)),
        ("lan2", "nan2", ("initial",)),
        ("ma1", "ma5", ("tone",)),
        ("ma1", "ma1", ()),
        ("ang4", "?ang4", ("initial",)),
        ("xia1", "hua4", ("initial", "final", "tone")),
    ],
)
def test_differing(reference, hypothesis, parts):
    assert plot_errors.differing(reference, hypothesis) == parts


def test_tones_are_shares_of_the_tone_spoken():
    table = np.diag([4, 1, 1, 1, 0])
    table[0, 1] = 12
    axes = plot_errors.tones(table)
    assert texts(axes)[:3] == ["25 %\n4", "75 %\n12", "0 %\n0"]
    assert texts(axes)[-1] == "0 %\n0"
