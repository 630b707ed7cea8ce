"""Figures of a recording: words stand at their times, curves at their values."""

import numpy as np
import pytest
from matplotlib import colors, pyplot

from zhasr import formats, plot, plot_voice

SAMPLES = np.sin(np.arange(16_000) / 20).astype(np.float32)


@pytest.fixture(autouse=True)
def no_window(monkeypatch):
    pyplot.switch_backend("Agg")
    monkeypatch.setattr(plot, "_hanzi_font_files", lambda: [])
    yield
    pyplot.close("all")


def word(start, confidence, *syllables):
    parts = tuple(
        formats.Timed(text, start + 0.1 * number, start + 0.1, 0.9)
        for number, text in enumerate(syllables)
    )
    return formats.Timed("词", start, start + 0.2, confidence, parts)


def test_words_stand_at_their_times_with_their_confidence():
    found = [word(0.1, 0.8, "jin1", "tian1"), word(0.6, 0.3, "hao3")]
    axes = plot_voice.words(SAMPLES, found, "今天好")
    texts = [text.get_text() for text in axes.texts]
    assert texts == ["jin1 tian1  80%", "hao3  30%"]
    bars = [line for line in axes.lines if len(line.get_xdata()) == 2]
    assert bars[0].get_xdata() == pytest.approx([0.1, 0.3])
    assert bars[1].get_xdata() == pytest.approx([0.6, 0.8])
    assert [colors.to_hex(bar.get_color()) for bar in bars] == ["#000000", "#767676"]
    assert axes.get_xlim() == (0, 1)


def test_silence_without_words_is_drawn():
    axes = plot_voice.words(np.zeros(0, np.float32), [])
    assert len(axes.texts) == 0


def test_sweep_draws_every_curve_in_per_cent():
    axes = plot_voice.sweep([1, 2], {"a": [0.5, 1.5], "b": [0, 0.1]}, "speed", 1.0)
    assert axes.lines[0].get_xydata().tolist() == [[1, 50], [2, 150]]
    names = [text.get_text() for text in axes.get_legend().get_texts()]
    assert names == ["a", "b", "as recorded"]
    assert axes.get_xlabel() == "speed"
