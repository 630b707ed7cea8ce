"""Figures of sound: planted sounds are found again in what is drawn."""

import base64
import io
import re

import numpy as np
import pytest
import soundfile
from matplotlib import pyplot

from zhasr import features, mel, plot, plot_sound
from zhasr.exercises import lesson_01


@pytest.fixture(autouse=True)
def no_window():
    pyplot.switch_backend("Agg")
    yield
    pyplot.close("all")


def tone(hertz, seconds=0.4):
    time = np.arange(int(16_000 * seconds)) / 16_000
    return (0.5 * np.sin(2 * np.pi * hertz * time)).astype(np.float32)


SOUNDS = {"ma1": tone(200), "ma4": tone(300, 0.3)}
PITCHES = {name: features.pitch(sound) for name, sound in SOUNDS.items()}
POWERS = {name: lesson_01.power_spectrum(sound) for name, sound in SOUNDS.items()}


def test_players_hold_the_sound_and_its_name():
    html = plot_sound.players(SOUNDS).data
    assert html.count("<audio controls") == 2 and "ma4<br>" in html
    packed = re.findall(r"base64,([^\"]+)", html)[1]
    samples, rate = soundfile.read(io.BytesIO(base64.b64decode(packed)))
    assert rate == 16_000
    np.testing.assert_allclose(samples, SOUNDS["ma4"], atol=1e-4)


def test_players_leave_the_colours_to_the_theme():
    assert not re.search(r"color|background", plot_sound.players(SOUNDS).data)


def test_waveforms_stand_beside_each_other_on_one_scale():
    first, second = plot_sound.waveforms(SOUNDS)
    np.testing.assert_array_equal(second.lines[0].get_ydata(), SOUNDS["ma4"])
    assert first.get_ylim() == second.get_ylim()
    assert [each.get_title("left") for each in (first, second)] == ["ma1", "ma4"]


def test_periods_are_one_period_apart():
    (axes,) = plot_sound.periods(SOUNDS["ma1"], [(160, 200.0)], 0.025)
    lines = [line.get_xdata()[0] for line in axes.lines[1:]]
    assert np.diff(lines) == pytest.approx(5)  # milliseconds
    assert lines[0] == pytest.approx(1.25, abs=0.1)  # the first peak of a sine
    assert "5.0 ms, that is 200 Hz" in axes.get_title("left")


def test_pitches_are_drawn_in_hertz_and_in_the_colour_of_the_tone():
    measured = {name: np.full(3, 250.0) for name in SOUNDS}
    axes = plot_sound.pitches(PITCHES, measured)
    lines = axes.lines[::2]
    for line, (hertz, number) in zip(lines, ((200, 1), (300, 4)), strict=True):
        assert np.nanmedian(line.get_ydata()) == pytest.approx(hertz, rel=0.01)
        assert line.get_color() == plot.TONES[number]
    assert axes.lines[1].get_ydata().tolist() == [250, 250, 250]
    assert [text.get_text() for text in axes.texts] == [" ma1, high", " ma4, falling"]


def test_contours_are_drawn_where_there_is_a_voice():
    pitch = PITCHES["ma1"].copy()
    pitch[:5, 2] = 0
    axes = plot_sound.contours({"one": pitch, "other": PITCHES["ma4"]})
    assert np.isnan(axes.lines[0].get_ydata()[:5]).all()
    assert np.isfinite(axes.lines[0].get_ydata()[10])


def test_spectrograms_are_brightest_at_the_frequency():
    axes = plot_sound.spectrograms(POWERS, highest=4000)
    for each, hertz in zip(axes, (200, 300), strict=True):
        (image,) = each.images
        row = image.get_array()[:, 10].argmax()
        assert row * 8000 / 256 == pytest.approx(hertz, abs=32)
        assert each.get_ylim() == (0, 4000)


@pytest.mark.parametrize("length", [0.025, {"ma1": 0.005, "ma4": 0.1}])
def test_a_frame_is_drawn_around_its_middle(length):
    axes = plot_sound.spectrograms(POWERS, length)
    for each, name in zip(axes, POWERS, strict=True):
        seconds = length[name] if isinstance(length, dict) else length
        left, right, *_ = each.images[0].get_extent()
        assert left == pytest.approx(seconds / 2 - 0.005)
        assert right - left == pytest.approx(0.01 * len(POWERS[name]))


def test_mel_draws_the_filters_on_the_axis_of_the_spectrum():
    filters = mel.filters(80)
    log_mel = features.log_mel(SOUNDS["ma1"])
    left, middle, right = plot_sound.mel(POWERS["ma1"], filters, log_mel, every=10)
    assert len(middle.lines) == 8 and left.get_ylim() == middle.get_ylim()
    np.testing.assert_array_equal(middle.lines[1].get_xdata(), filters[10])
    np.testing.assert_allclose(right.images[0].get_array(), log_mel.T)


def test_log_mel_stands_above_the_cepstra_of_the_same_sound():
    log_mels = {name: features.log_mel(sound) for name, sound in SOUNDS.items()}
    cepstra = {name: features.mfcc(sound)[:, 1:13] for name, sound in SOUNDS.items()}
    axes = plot_sound.log_mel_and_mfcc(log_mels, cepstra)
    assert axes.shape == (2, 2)
    np.testing.assert_allclose(axes[0, 1].images[0].get_array(), log_mels["ma4"].T)
    np.testing.assert_allclose(axes[1, 1].images[0].get_array(), cepstra["ma4"].T)
    low, high = axes[1, 0].images[0].get_clim()
    assert low == -high


def test_envelope_draws_a_bar_for_each_band_and_a_line_for_each_number_of_cepstra():
    bands = np.array([1.0, 3.0, 2.0])
    axes = plot_sound.envelope(bands, {1: np.full(3, 2.0), 2: bands})
    assert [bar.get_height() for bar in axes.patches] == [0, 2, 1]
    assert [line.get_ydata().tolist() for line in axes.lines] == [[1, 1, 1], [0, 2, 1]]
