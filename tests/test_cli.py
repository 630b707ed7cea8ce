"""The command: what it prints, and one line with exit status 2 for bad input."""

import json
import re
import subprocess
import sys

import conftest
import numpy as np
import pytest
import soundfile
import test_model_folder

from zhasr import (
    audio,
    checkpoint,
    cli,
    features,
    manifest,
    model_folder,
    progress,
    recognizer,
    wavenet,
)


@pytest.fixture
def model(tmp_path):
    test_model_folder.saved(tmp_path / "model")
    return tmp_path / "model"


def write_tone(path, rate=16_000, channels=1, seconds=1.0):
    time = np.arange(round(rate * seconds)) / rate
    tone = 0.3 * np.sin(2 * np.pi * 220 * time)
    soundfile.write(path, np.repeat(tone[:, None], channels, axis=1), rate)
    return path


def fails(capsys, *arguments):
    """The one line that a command prints when it ends with status 2."""
    try:
        assert cli.main([str(item) for item in arguments]) == 2
    except SystemExit as stopped:  # argparse
        assert stopped.code == 2
    lines = capsys.readouterr().err.strip().splitlines()
    lines = [line for line in lines if not line.startswith("note: compiling")]
    assert "Traceback" not in "".join(lines)
    assert len(lines) == 1
    return lines[0]


def test_info_prints_what_a_folder_holds(model, capsys):
    assert cli.main(["info", str(model)]) == 0
    printed = capsys.readouterr().out
    words = ["4 syllable labels", "kind log-mel", "field: 0.36 s", "epoch: 3"]
    for each in [*words, "channels "]:
        assert each in printed


def test_nobody_reads_on(model):
    command = [sys.executable, "-m", "zhasr", "info", str(model)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as running:
        running.stdout.close()
        assert running.stderr.read() == ""
    assert running.returncode == 141


def test_nobody_could_ever_read(model, monkeypatch):
    monkeypatch.setattr(sys, "stdout", None)  # as `>&-` or pythonw leave it
    assert cli.main(["info", str(model)]) == 0


@pytest.mark.parametrize(("rate", "channels"), [(8_000, 1), (44_100, 2), (48_000, 1)])
def test_transcribe_takes_any_rate(model, tmp_path, capsys, rate, channels):
    path = write_tone(tmp_path / "tone.wav", rate, channels)
    arguments = ["transcribe", str(model), str(path), "--language", "none"]
    assert cli.main(arguments) == 0
    known = {"a1", "a2", "ba4"}
    assert set(capsys.readouterr().out.split()) <= known


def test_transcribe_goes_on_after_a_bad_file(model, tmp_path, capsys):
    good = write_tone(tmp_path / "good.wav")
    bad = tmp_path / "bad.wav"
    bad.write_text("no sound")
    long = tmp_path / ("long" * 100)  # the system refuses to look for it
    paths = map(str, (bad, long, good))
    assert cli.main(["transcribe", str(model), *paths, "--language", "none"]) == 2
    printed = capsys.readouterr()
    assert printed.out.startswith(str(good))
    # An untrained model may doubt what it hears, and say so.
    lines = [one for one in printed.err.splitlines() if not one.startswith("note:")]
    assert len(lines) == 2 and "bad.wav" in lines[0] and "too long" in lines[1]


def write_long(path):
    """Bursts of noise at 5 and 30 s of 45."""
    samples = np.random.default_rng(0).normal(0, 1e-3, 45 * 16_000)
    for second in (5, 30):
        samples[second * 16_000 : (second + 2) * 16_000] *= 100
    soundfile.write(path, samples, 16_000)
    return path


def test_a_long_recording_has_a_bar_on_a_terminal_only(
    model, tmp_path, capsys, monkeypatch
):
    paths = [write_long(tmp_path / "long.wav"), write_tone(tmp_path / "short.wav")]
    arguments = ["transcribe", str(model), *map(str, paths), "--language", "none"]
    assert cli.main(arguments) == 0
    plain = capsys.readouterr()
    assert "\r" not in plain.err
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    assert cli.main(arguments) == 0
    shown = capsys.readouterr()
    assert shown.out == plain.out
    steps = re.findall(r"long\.wav \[(#*)·*\] 0:(\d\d) of 0:45", shown.err)
    assert [second for _, second in steps] == ["07", "32"]
    assert len(steps[0][0]) < len(steps[1][0])
    assert "short.wav [" not in shown.err
    drawn = shown.err.rpartition("of 0:45")[2]
    assert drawn.startswith(progress.CLEAR)


def test_without_a_model_the_one_that_comes_along_hears(
    model, tmp_path, capsys, monkeypatch
):
    path = str(write_tone(tmp_path / "tone.wav"))
    options = ["--language", "none", "--format", "json"]
    assert cli.main(["transcribe", str(model), *options, path]) == 0
    wanted = capsys.readouterr().out
    monkeypatch.setattr(model_folder, "SHIPPED", tmp_path / "none")
    assert "no model comes with" in fails(capsys, "transcribe", path, *options)
    assert "no model comes with" in fails(capsys, "info")
    monkeypatch.setattr(model_folder, "SHIPPED", model)
    for arguments in ([path, *options], [*options, path], [*options, model, path]):
        assert cli.main(["transcribe", *map(str, arguments)]) == 0
        assert capsys.readouterr().out == wanted
    assert cli.main(["transcribe", path, *options, path]) == 0
    assert capsys.readouterr().out == 2 * wanted
    assert cli.main(["info"]) == 0
    assert np.array_equal(recognizer.load().description.mean, load(model).mean)


def load(folder):
    return model_folder.load_description(folder)


@pytest.mark.parametrize("name", ["model-1.5", "missing"])
def test_a_model_that_is_not_there_is_not_replaced(name, tmp_path, capsys):
    path = write_tone(tmp_path / "tone.wav")
    assert name in fails(capsys, "transcribe", tmp_path / name, path)
    assert name in fails(capsys, "transcribe", tmp_path / name)
    (tmp_path / name).mkdir()
    assert name in fails(capsys, "transcribe", tmp_path / name)
    assert "too long" in fails(capsys, "transcribe", "long" * 100, path)
    assert "3 paths" in fails(capsys, "evaluate", "a", "b", "c")
    assert "--louder" in fails(capsys, "transcribe", path, "--louder")


@pytest.fixture
def spoken(tmp_path):
    """Three utterances of two speakers with their manifest."""
    utterances = [
        manifest.Utterance(
            f"u{number}",
            str(write_tone(tmp_path / f"u{number}.wav", seconds=0.5 + number)),
            0.5 + number,
            "啊啊",
            f"s{number % 2}",
            ("a1", "a2"),
        )
        for number in range(3)
    ]
    manifest.write(tmp_path / "test.jsonl", utterances)
    return tmp_path / "test.jsonl"


@pytest.mark.slow
def test_evaluate_prints_rates_and_writes_alignments(
    model, spoken, capsys, monkeypatch
):
    arguments = ["evaluate", str(model), str(spoken), "--language", "none"]
    assert cli.main(arguments) == 0
    printed = capsys.readouterr().out
    assert "toned syllable error" in printed and "character error" not in printed
    aligned = (model / "evaluation" / "test.greedy.txt").read_text()
    assert all(f"u{number}" in aligned for number in range(3))
    assert cli.main([*arguments, "--json", "--closed-set"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["rates"]["syllable"]["reference_length"] == 6
    assert 0 <= result["closed_set_accuracy"] <= 1
    monkeypatch.setattr(model_folder, "SHIPPED", model)
    assert cli.main(["evaluate", "--language", "none", str(spoken)]) == 0
    assert (spoken.parent / "evaluation" / "test.greedy.txt").exists()


def test_bad_input_of_evaluate(model, spoken, tmp_path, capsys):
    assert "nowhere" in fails(capsys, "evaluate", tmp_path / "nowhere", spoken)
    (tmp_path / "u1.wav").unlink()
    assert "u1.wav" in fails(capsys, "evaluate", model, spoken)
    (tmp_path / "empty.jsonl").write_text("")
    line = fails(capsys, "evaluate", model, tmp_path / "empty.jsonl")
    assert "empty.jsonl" in line
    assert "missing.jsonl" in fails(
        capsys, "evaluate", model, tmp_path / "missing.jsonl"
    )


def test_bad_input_of_the_others(model, prepared, tmp_path, capsys):
    assert "config.json" in fails(capsys, "info", tmp_path)
    assert "nowhere" in fails(capsys, "transcribe", tmp_path / "nowhere", "x.wav")
    assert "prepared folder" in fails(
        capsys, "train", tmp_path / "none", "--out", tmp_path / "m"
    )
    assert "--resume" in fails(capsys, "train", prepared, "--out", model)
    line = fails(capsys, "train", prepared, "--out", tmp_path / "m", "--preset", "huge")
    assert "huge" in line and "small" in line
    assert "--minutes" in fails(capsys, "train", prepared, "--minutes", "soon")
    assert "conduct" in fails(capsys, "conduct")


@pytest.mark.slow
def test_train_from_the_command_line(prepared, tmp_path, capsys, monkeypatch):
    tiny = wavenet.Config(channels=8, stacks=1, dilations=(1,))
    monkeypatch.setitem(wavenet.PRESETS, "small", tiny)
    command = ["train", str(prepared), "--out", str(tmp_path / "m"), "--epochs", "1"]
    command += ["--target", "base-syllable", "--preset", "small"]
    assert cli.main(command) == 0
    printed = capsys.readouterr().out
    assert "dev label error" in printed
    assert (tmp_path / "m" / checkpoint.LOG).exists()
    assert cli.main(["info", str(tmp_path / "m")]) == 0
    assert "base-syllable labels" in capsys.readouterr().out


@pytest.mark.slow
def test_real_speech_goes_through(model, capsys):
    folder = conftest.real("data_aishell") / "wav" / "test" / "S0252"
    path = sorted(folder.iterdir())[0]
    arguments = ["transcribe", str(model), str(path), "--language", "none"]
    assert cli.main(arguments) == 0
    samples = audio.read(path)
    assert features.count_frames(len(samples)) > 50
