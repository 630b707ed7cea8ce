"""Errors that are planted are told from scores; test speakers are refused."""

import json
import math

import numpy as np
import pytest
import test_model_folder
from test_cli_decoders import write_manifest

from data_prep import calibrate, harder
from zhasr import calibration, cli, commands, formats, recognizer, tuning


def planted(rate_of, recordings=600, said=10, seed=0):
    """Recordings with scores from 0.5 to 1 and errors of a probability by score."""
    rng = np.random.default_rng(seed)
    scores = rng.uniform(0.5, 1, recordings)
    return [(one, rng.binomial(said, rate_of(one)), said) for one in scores]


def test_a_planted_curve_is_found():
    def rate_of(value):
        return 1.9 - 1.8 * value

    curve = calibration.fit(planted(rate_of))
    for value in (0.6, 0.7, 0.8, 0.9):
        found = calibration.expected(curve, value)
        assert found == pytest.approx(rate_of(value), abs=0.08)


def test_scores_that_say_nothing_give_a_flat_curve():
    curve = calibration.fit(planted(lambda value: 0.9))
    assert calibration.expected(curve, 0.99) > 0.8
    assert np.ptp(curve.rates) < 0.15


def test_more_errors_where_it_is_surer_are_pooled():
    curve = calibration.fit([(0.6, 30, 100), (0.7, 60, 100), (0.9, 10, 100)])
    assert curve == calibration.Curve((0.65, 0.9), (0.45, 0.1))


def test_beyond_the_curve_nothing_is_made_up():
    curve = calibration.Curve((0.6, 0.8), (0.9, 0.3))
    assert calibration.expected(curve, 0.1) == 0.9
    assert calibration.expected(curve, 1.0) == 0.3


def test_long_recordings_count_more_than_short_ones():
    many = [(0.9, 0, 1)] * 50 + [(0.9, 100, 150), (0.5, 150, 150)]
    curve = calibration.fit(many)
    assert calibration.expected(curve, 0.9) == pytest.approx(0.5)


def test_too_little_to_fit():
    for cases in ([], [(0.8, 3, 150)], [(math.nan, 9, 300), (0.8, 3, 150)]):
        with pytest.raises(calibration.CalibrationError, match="200 syllables"):
            calibration.fit(cases)


def test_the_score_is_the_mean_probability():
    labels = [recognizer.Spoken("a1", 0, 1, one) for one in (0.4, 0.8)]
    assert calibration.score(labels) == pytest.approx(0.6)
    assert math.isnan(calibration.score([]))


@pytest.mark.parametrize(
    ("rate", "expected"),
    [
        (math.nan, ""),
        (0.1, ""),
        (0.16, "about every sixth"),
        (0.26, "about every fourth"),
        (0.5, "about every second"),
        (0.59, "about every second"),
        (0.6, "most of it"),
        (1.2, "most of it"),
    ],
)
def test_in_words(rate, expected):
    said = calibration.in_words(rate)
    assert said.startswith(expected) and bool(said) == bool(expected)


def test_what_is_saved_is_loaded(tmp_path):
    curve = calibration.fit(planted(lambda value: 1.5 - value))
    assert calibration.load(tmp_path, "words") is None
    calibration.save(tmp_path, {"words": curve}, "planted")
    assert calibration.load(tmp_path, "words") == curve
    assert calibration.load(tmp_path, "greedy") is None


@pytest.mark.parametrize(
    "content",
    [
        "{",
        "[]",
        '{"format": "other"}',
        '{"scores": [], "rates": []}',
        '{"scores": [1, 2], "rates": [1]}',
        '{"scores": [2, 1], "rates": [1, 1]}',
        '{"scores": [1, 2], "rates": [0, 1]}',
        '{"scores": ["a"], "rates": [1]}',
    ],
)
def test_a_damaged_file_is_named(tmp_path, content):
    if "scores" in content:
        whole = {"format": calibration.FORMAT, "words": json.loads(content)}
        content = json.dumps(whole)
    (tmp_path / calibration.NAME).write_text(content)
    with pytest.raises(calibration.CalibrationError, match=calibration.NAME):
        calibration.load(tmp_path, "words")


def test_transcribe_says_what_is_likely_wrong():
    labels = (recognizer.Spoken("a1", 0, 1, 0.7),)
    words = (formats.Timed("", 0, 1, 0.7, (formats.Timed("a1", 0, 1, 0.7),)),)
    heard = recognizer.Transcript(labels, ("a1",), None, words)
    wrong = commands._likely_wrong(heard, calibration.Curve((0.6, 0.8), (0.9, 0.3)))
    assert wrong == 0.6
    assert commands._doubt(heard, wrong).startswith("most of it")
    sure = commands._likely_wrong(heard, calibration.Curve((0.6, 0.65), (0.9, 0.1)))
    assert commands._doubt(heard, sure) == ""
    assert commands._likely_wrong(heard, None) is None


def test_transcribe_says_that_nothing_was_recognised():
    nothing = recognizer.Transcript((), (), None)
    curve = calibration.Curve((0.6, 0.8), (0.9, 0.3))
    assert commands._likely_wrong(nothing, curve) is None
    assert commands._doubt(nothing, None).startswith("nothing was recognised")


# From recordings


@pytest.fixture
def model(tmp_path):
    test_model_folder.saved(tmp_path / "model")
    return tmp_path / "model"


def test_curves_are_written_into_the_model_folder(model, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(calibration, "GROUP", 12)
    path = write_manifest(tmp_path / "dev.jsonl", ["d0", "d1", "d2"])
    arguments = [str(model), str(path), "--decoders", "greedy"]
    assert calibrate.main(arguments) == 0
    assert "greedy: score" in capsys.readouterr().out
    assert calibration.load(model, "greedy").scores
    content = json.loads((model / calibration.NAME).read_text())
    assert content["fitted_to"].startswith("3 recordings of dev.jsonl")
    content["greedy"] = {"scores": [0.5], "rates": [0.34]}
    (model / calibration.NAME).write_text(json.dumps(content))
    arguments = ["transcribe", str(model), str(tmp_path / "d0.wav")]
    assert cli.main([*arguments, "--language", "none"]) == 0
    printed = capsys.readouterr()
    if printed.out.strip():  # the network is untrained: it may hear nothing at all
        assert "d0.wav: about every third syllable is likely wrong" in printed.err


def test_no_test_set_and_no_test_speaker(model, tmp_path, capsys):
    path = write_manifest(tmp_path / "test.jsonl", ["d0"])
    assert calibrate.main([str(model), str(path)]) == 2
    assert "test set" in capsys.readouterr().err
    path = write_manifest(tmp_path / "dev.jsonl", ["d1"], speaker="S0252")
    with pytest.raises(tuning.TuningError, match="S0252"):
        harder.read_manifest(path)
    assert not (model / calibration.NAME).exists()
