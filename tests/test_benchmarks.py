"""Benchmarks: how curves are read and clocks stopped; no test measures a time."""

import argparse
import doctest
import itertools
import json
import pathlib
import sys

import conftest
import numpy as np
import pytest

from zhasr import (
    batches,
    dataset,
    features,
    pinyin,
    recognizer,
    vocabulary,
    vocal_tract,
    wavenet,
)

# The scripts are no package. Last, because one of them is called features, too.
sys.path.append(str(pathlib.Path(__file__).parents[1] / "benchmarks"))

import against_classic  # noqa: E402
import real_speech  # noqa: E402
import recipes  # noqa: E402
import voices  # noqa: E402


def points(*pairs):
    return [{"minutes": minutes, "error": error} for minutes, error in pairs]


# --- reading the curves -------------------------------------------------------------


def test_the_examples_in_docstrings_are_right():
    assert doctest.testmod(against_classic).failed == 0


@pytest.mark.parametrize("minutes", [1, 20, 33.3])
def test_moments_rise_evenly_to_the_end(minutes):
    moments = against_classic.moments(minutes)
    assert moments[-1] == minutes
    ratios = [late / early for early, late in itertools.pairwise(moments)]
    np.testing.assert_allclose(ratios, ratios[0])
    assert ratios[0] > 1


def test_nothing_is_read_between_two_points():
    curve = points((1, 0.9), (2, 0.6), (4, 0.3))
    assert against_classic.first_reaching(curve, 0.5)["minutes"] == 4
    assert against_classic.first_reaching(curve, 0.6)["minutes"] == 2
    assert against_classic.first_reaching(curve, 0.29) is None


def test_a_curve_that_rises_again_was_down_before():
    curve = points((1, 0.9), (2, 0.4), (4, 0.7))
    assert against_classic.first_reaching(curve, 0.5)["minutes"] == 2


def test_their_best_is_taken_and_the_first_time_of_it():
    curve = points((1, 0.9), (2, 0.4), (4, 0.4), (8, 0.5))
    assert against_classic.best(curve)["minutes"] == 2


def test_the_ratio_is_of_minutes_to_their_best_error():
    theirs = points((5, 0.9), (10, 0.5), (20, 0.6))
    ours = points((1, 0.8), (2, 0.51), (4, 0.5), (20, 0.1))
    assert against_classic.time_ratio(theirs, ours) == 10 / 4


def test_an_error_that_ours_never_reaches_gives_no_credit():
    assert against_classic.time_ratio(points((20, 0.1)), points((20, 0.2))) == 0


def test_a_network_that_writes_nothing_gives_a_lower_bound():
    silent = points((1, 1.0), (20, 1.0))
    ours = points((1, 1.0), (4, 0.9), (20, 0.1))
    assert against_classic.time_ratio(silent, ours) == 20 / 4
    assert against_classic.time_ratio(silent, points((1, 0.99))) == 0
    assert "at least 5.0 times" in against_classic._say(silent, ours)
    assert "at least" not in against_classic._say(points((20, 0.9)), ours)


def test_the_figures_come_last_and_name_what_is_missing(capsys):
    curves = {
        "classic": points((20, 0.5)),
        "ours": points((2, 0.4), (20, 0.1)),
    }
    against_classic.print_figures(curves)
    lines = capsys.readouterr().out.splitlines()
    assert lines[-5:] == [
        "figure classic_error 50.00 %",
        "figure ours_error 10.00 %",
        "figure classic_minutes 20 min",
        "figure ours_minutes_to_classic_error 2 min",
        "figure classic_time_ratio 10.00 x",
    ]
    against_classic.print_figures({**curves, "ours": points((20, 0.9))})
    text = capsys.readouterr().out
    assert "figure ours_minutes_to_classic_error none min" in text


def test_a_finished_run_is_not_run_again_and_another_one_is_refused(
    tmp_path, monkeypatch
):
    class Recipe:
        returncode = 0

        def __init__(self, command, **options):
            command = command[2:]
            content = json.dumps({"command": command, "points": []})
            (pathlib.Path(command[2]) / "curve.json").write_text(content)

        def wait(self):
            return 0

    options = argparse.Namespace(
        work=tmp_path, minutes=5.0, preset="base", target="syllable", split="dev",
        seed=0,
    )  # fmt: skip
    monkeypatch.setattr(against_classic.subprocess, "Popen", Recipe)
    first = against_classic.start("ours", options, tmp_path)
    result = against_classic.finish(*first)
    assert result["command"][-1] == "5.0000"
    again = against_classic.start("ours", options, tmp_path)
    assert again[2] is None and against_classic.finish(*again) == result
    options.split = "test"
    with pytest.raises(SystemExit, match="another benchmark"):
        against_classic.finish(*against_classic.start("ours", options, tmp_path))


# --- measuring ----------------------------------------------------------------------


class Time:
    """A clock that moves when it is told to."""

    def __init__(self, monkeypatch):
        self.now = 100.0
        monkeypatch.setattr(recipes.time, "monotonic", lambda: self.now)


def test_a_clock_stands_still_while_it_is_stopped(monkeypatch):
    time = Time(monkeypatch)
    clock = recipes.Clock()
    time.now += 5
    with clock.stopped():
        time.now += 1000
    time.now += 2
    assert clock.seconds() == 7


def test_moments_passed_in_one_update_are_measured_once(monkeypatch):
    time = Time(monkeypatch)

    def measure():
        time.now += 1000  # must not count
        return 0.5

    curve = recipes.Curve([1, 2, 3, 4], recipes.Clock(), measure)
    for loss, seconds in enumerate((59, 70, 60, 60), start=1):
        time.now += seconds
        curve.after_update(np.array([100, 50]), loss)
    seconds = [round(point["minutes"] * 60, 6) for point in curve.points]
    assert seconds == [129, 189, 249]
    assert [point["updates"] for point in curve.points] == [2, 3, 4]
    assert [point["nats_per_label"] for point in curve.points] == [1.5, 3, 4]
    assert curve.points[-1]["hours_heard"] * 3600 == pytest.approx(4 * 1.5)
    assert curve.over()
    curve.close()
    assert len(curve.points) == 3


def test_a_run_that_ends_a_moment_too_early_is_measured(monkeypatch):
    time = Time(monkeypatch)
    curve = recipes.Curve([1], recipes.Clock(), lambda: 0.5)
    time.now += 59.99
    curve.after_update(np.array([100]), 1.0)
    assert not curve.points
    curve.close()
    assert len(curve.points) == 1


def test_a_broken_loss_ends_the_run(monkeypatch):
    curve = recipes.Curve([1], recipes.Clock(), lambda: 0.5)
    with pytest.raises(SystemExit, match="nan at update 1"):
        curve.after_update(np.array([100]), float("nan"))


# --- the earlier recipe -------------------------------------------------------------


def test_their_features_are_the_first_thirteen_globally_normalised(prepared):
    folder = dataset.open_folder(prepared)
    normalise = recipes.classic_normalisation(folder)
    stored = [folder.store[item.id] for item in folder.utterances("train")]
    heard = np.concatenate([normalise(raw) for raw in stored])
    assert heard.shape[1] == 13
    np.testing.assert_allclose(heard.mean(axis=0), 0, atol=2e-3)  # stored in 16 bits
    np.testing.assert_allclose(heard.std(axis=0), 1, atol=2e-3)


def test_other_features_than_mfcc_are_refused(tmp_path):
    config = features.FeatureConfig(kind="log-mel")
    folder = dataset.open_folder(conftest.write_prepared(tmp_path, config=config))
    with pytest.raises(ValueError, match="expected mfcc"):
        recipes.classic_normalisation(folder)


def bucket(count, number):
    examples = tuple(
        batches.Example(
            f"{number}-{index}",
            10,
            np.array([1000 * number + index], np.int32),
            lambda: np.ones((10, 2), np.float32),
        )
        for index in range(count)
    )
    return batches.Bucket(32, 8, recipes.BATCH, examples)


def test_batches_are_full_and_nothing_is_heard_twice_in_an_epoch():
    source = recipes.endless_batches([bucket(19, 1), bucket(8, 2)], seed=0)
    epoch = list(itertools.islice(source, 2 + 1))
    assert all((batch.frames == 10).all() for batch in epoch)
    heard = [label for batch in epoch for label in batch.labels[:, 0].tolist()]
    assert len(set(heard)) == len(heard) == 24
    later = [batch.labels[:, 0].tolist() for batch in itertools.islice(source, 3)]
    assert later != [batch.labels[:, 0].tolist() for batch in epoch]


def test_a_bucket_of_less_than_a_batch_is_heard_all_the_same():
    batch = next(recipes.endless_batches([bucket(3, 1)], seed=0))
    assert set(batch.labels[:, 0].tolist()) == {1000, 1001, 1002}
    assert (batch.frames == 10).all()


# --- real speech --------------------------------------------------------------------


def test_one_syllable_for_two_is_wrong_and_tones_count_alone():
    pairs = [
        (("ma1",), ("ma1",)),
        (("ma1",), ("ba1",)),
        (("ma1",), ("ma1", "ma1")),
        (("ma1",), ()),
    ]
    assert real_speech.same(pairs) == [True, False, False, False]
    assert real_speech.same(pairs, pinyin.tone) == [True, True, False, False]
    one = real_speech.row("voice", "right", real_speech.same(pairs))
    assert (one["value"], one["count"]) == (0.25, 4)
    assert one["interval"][0] <= 0.25 <= one["interval"][1]


def planted_voices(change):
    """Means of 20 sounds of four speakers; change gives each speaker's own.

    What is left out is missing in the average speaker, too, so that of so few speakers
    it cannot be predicted quite.
    """
    rng = np.random.default_rng(0)
    sounds = rng.normal(size=(20, 12)) * np.geomspace(10, 1, 12)
    return np.stack([sounds @ change(number).T + number for number in range(4)])


def test_what_was_planted_is_explained():
    rng = np.random.default_rng(1)
    matrices = np.eye(12) + 0.1 * rng.normal(size=(4, 12, 12))
    warps = [
        vocal_tract.warp_matrix("mfcc", 0, each)[1:, 1:] for each in (88, 96, 104, 112)
    ]
    ways = {"warp": voices.warp, "matrix": voices.matrix_with(1e-6)}
    heard = np.ones((4, 20), bool)
    found = voices.explained(
        planted_voices(lambda number: matrices[number]), heard, ways
    )
    assert found["matrix"] > 0.8
    assert found["warp"] < 0.5
    found = voices.explained(planted_voices(lambda number: warps[number]), heard, ways)
    assert found["matrix"] > 0.8
    assert found["warp"] > 0.8


def test_noise_is_not_explained():
    heard = np.ones((4, 20), bool)
    noise = np.random.default_rng(0).normal(size=(4, 20, 12))
    found = voices.explained(noise, heard, {"matrix": voices.matrix_with(0.2)})
    assert found["matrix"] < 0.2


def model_that_heard(voices):
    facts = {} if voices is None else {"voices": voices}
    return argparse.Namespace(description=argparse.Namespace(training=facts))


def test_a_voice_that_was_heard_is_no_test():
    real_speech.check_unheard(model_that_heard(["anna"]), {"bob"})
    real_speech.check_unheard(model_that_heard(None), {"bob"})
    with pytest.raises(ValueError, match="did not hear bob"):
        real_speech.check_unheard(model_that_heard(["anna", "bob"]), {"bob", "eve"})


def test_the_syllable_voice_that_a_model_did_not_hear_is_found(monkeypatch):
    monkeypatch.setattr(real_speech, "prepared", lambda options, model, name: name)
    monkeypatch.setattr(real_speech, "speakers", lambda folder, splits: {folder})
    both = ["syllables-chen", "syllables-hantts", "anna"]
    other = model_that_heard(both[1:])
    assert real_speech.unheard_voice(None, other) == "syllables-chen"
    for heard in (both, None):
        with pytest.raises(ValueError, match="without one of syllables-chen"):
            real_speech.unheard_voice(None, model_that_heard(heard))


def test_the_most_likely_of_what_is_said_is_chosen(tmp_path, monkeypatch):
    folder = conftest.write_prepared(tmp_path / "data")
    opened = dataset.open_folder(folder)
    said = sorted({item.syllables for item in opened.utterances("dev")})
    kind = "syllable"
    labels = vocabulary.build(kind, said)
    answers = iter(item.syllables for item in opened.utterances("dev"))

    def sure(model, features):
        numbers = [labels.labels.index(one) for one in next(answers)]
        best = np.array([label for number in numbers for label in (number, 0)])
        return np.log(0.9 * np.eye(len(labels))[best] + 0.1 / len(labels))

    monkeypatch.setattr(recognizer, "log_probs_of_features", sure)
    model = argparse.Namespace(
        description=argparse.Namespace(vocabulary=labels, normalise=lambda raw: raw)
    )
    right = real_speech.likelihoods(model, folder, ["dev"]).right()
    assert len(right) == len(opened.utterances("dev")) > 1 and all(right)


def test_frame_by_frame_nothing_has_to_be_a_syllable(tmp_path):
    folder = conftest.write_prepared(tmp_path / "data")
    names = vocabulary.build("initial-final", [["b", "uo2", "m", "a1"]])
    heard = ["b", "uo2", "m", "a1"]
    best = [names.labels.index(one) for one in heard]
    log_probs = np.log(0.9 * np.eye(len(names))[best] + 0.1 / len(names))

    pairs = [
        (item, log_probs) for item in dataset.open_folder(folder).utterances("dev")
    ]
    found = real_speech.frame_by_frame(names, pairs)
    said = {item.id: item.syllables for item, _ in pairs}
    assert {one.id: tuple(one.reference_syllables) for one in found} == said
    assert {tuple(one.hypothesis_syllables) for one in found} == {("?b+uo2", "ma1")}


def test_what_is_expected_to_be_wrong_counts_syllables(monkeypatch):
    sure = {"easy": 0.8, "hard": 0.6, "silent": None}

    def decode(model, name):
        labels = [recognizer.Spoken("a1", 0, 1, sure[name])] if sure[name] else []
        return recognizer.Transcript(tuple(labels), (), None)

    monkeypatch.setattr(real_speech.recognizer, "decode", decode)
    pairs = [
        (argparse.Namespace(syllables=("a1",) * count), name)
        for count, name in ((5, "easy"), (2, "hard"), (1, "silent"))
    ]
    curve = real_speech.calibration.Curve((0.6, 0.8), (0.9, 0.1))
    found = real_speech.expected_row("S0252", curve, None, pairs)
    assert found["value"] == pytest.approx((5 * 0.1 + 2 * 0.9 + 1) / 8)
    assert (found["count"], found["interval"]) == (8, None)


def test_a_part_is_as_likely_as_all_that_have_it_together():
    choices = [("ma1",), ("ma4",), ("ba4",), ("pa2",)]
    table = np.log([[0.4, 0.3, 0.25, 0.05], [0.1, 0.2, 0.3, 0.4]])
    found = real_speech.Likelihoods([("ma4",), ("ma4",)], choices, table)
    assert found.right() == [False, False]  # ma1, pa2
    assert found.right(pinyin.tone) == [True, True]  # 0.55 and 0.5 for the fourth
    assert found.right(pinyin.base) == [True, False]  # 0.7 for ma, 0.4 for pa


def test_neutral_tones_are_told_apart_in_a_voice_left_out(monkeypatch):
    said = [("ma5",), ("ma1",), ("pa4",)]
    table = np.log([[0.1, 0.6, 0.3], [0.1, 0.6, 0.3], [0.2, 0.2, 0.6]])
    used = np.log([[0.6, 0.1, 0.3], [0.1, 0.6, 0.3], [0.2, 0.2, 0.6]])
    tables = {None: table, "used": used}  # of which model
    monkeypatch.setattr(
        real_speech,
        "likelihoods",
        lambda model, *_: real_speech.Likelihoods(
            said, [("ma5",), ("ma1",), ("ma4",)], tables[model]
        ),
    )
    monkeypatch.setattr(real_speech, "used_to", lambda *_: "used")
    found = [
        argparse.Namespace(reference_syllables=one, hypothesis_syllables=one)
        for one in said
    ]
    monkeypatch.setattr(real_speech.targets_and_features, "recognise", lambda *_: found)
    options = argparse.Namespace(development=False)
    voice = argparse.Namespace(name="hantts")
    rows = {
        one["measure"]: (one["value"], one["count"])
        for one in real_speech.left_out_voices(options, [(None, None, voice)])
    }
    assert rows["toned syllables right"] == (1, 3)
    assert rows["tones right, by likelihood"] == (pytest.approx(2 / 3), 3)
    assert rows["tones right, by likelihood, used to the speaker"] == (1, 3)
    assert rows["tones but neutral ones right, by likelihood"] == (1, 2)
    assert rows["initials right, by likelihood"] == (pytest.approx(2 / 3), 3)
    assert rows["finals right, by likelihood"] == (1, 3)


def test_the_same_weights_are_tested_once(tmp_path, monkeypatch, capsys):
    (tmp_path / "weights.safetensors").write_bytes(b"first")
    options = argparse.Namespace(
        work=tmp_path, model=tmp_path, others=[], results=None,
        development=False,
    )  # fmt: skip
    calls = []

    def score(options):
        calls.append(options.development)
        test = f"S0252, {real_speech.BEST_PATH}"
        measure = real_speech.MEASURES["syllable"]
        return [real_speech.row(test, measure, [True, False])], ["a note"]

    monkeypatch.setattr(real_speech, "score", score)
    result = real_speech.measure(options)
    assert real_speech.measure(options) == result and calls == [False]
    real_speech.report(result)
    printed = capsys.readouterr().out
    assert "scored before" in printed and "a note" in printed
    assert "figure s0252_syllable_error 50.00 %" in printed
    assert "dsp_word_accuracy" not in printed  # not measured
    real_speech.report(result, development=True)
    assert "figure" not in capsys.readouterr().out
    (tmp_path / "weights.safetensors").write_bytes(b"second")
    assert real_speech.measure(options)["weights"] != result["weights"]
    options.development = True
    real_speech.measure(options)
    assert calls == [False, False, True]
    options.development = False
    monkeypatch.setattr(real_speech, "ROWS", real_speech.ROWS + 1)
    real_speech.measure(options)  # what was measured before is not all
    assert len(calls) == 4
    options.model = tmp_path / "none"
    with pytest.raises(ValueError, match="name a model"):
        real_speech.measure(options)


# --- both ---------------------------------------------------------------------------


class Ticks(recipes.Clock):
    """A second passes whenever the clock is read: slow machines end no sooner."""

    def seconds(self):
        self.read = getattr(self, "read", 0) + 1
        return self.read


@pytest.mark.slow
@pytest.mark.parametrize("recipe", ["classic", "ours"])
def test_recipes_learn_and_write_their_curves(recipe, prepared, tmp_path, monkeypatch):
    sizes = {"channels": 8, "stacks": 1, "dilations": (1, 2)}
    theirs = {"reduction": 1, "normalization": "batch", "causal": True}
    monkeypatch.setitem(wavenet.PRESETS, "classic", wavenet.Config(**sizes, **theirs))
    monkeypatch.setitem(wavenet.PRESETS, "tiny", wavenet.Config(**sizes))
    monkeypatch.setattr(recipes, "SHAPES", 1)  # to compile
    monkeypatch.setattr(recipes, "Clock", Ticks)
    command = [recipe, str(prepared), str(tmp_path), "--preset", "tiny"]
    command += ["--split", "dev", "--moments", "0.01", "1"]
    monkeypatch.setattr(sys, "argv", ["recipes.py", *command])
    recipes.main()
    result = json.loads((tmp_path / "curve.json").read_text())
    assert result["command"] == command
    first, last = result["points"]
    assert first["updates"] == 1 < last["updates"]
    assert last["nats_per_label"] < first["nats_per_label"]
    assert last["minutes"] >= 1
    assert result["parameters"] > 0
