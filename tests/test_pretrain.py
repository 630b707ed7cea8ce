"""The recipe from raw folders to a model: every step, again, without test voices."""

import dataclasses
import itertools
import pathlib
import unittest.mock

import conftest
import numpy as np
import pytest
import test_concatenate
import test_model_folder

from data_prep import pretrain
from zhasr import (
    augment,
    dataset,
    features,
    manifest,
    model_folder,
    speaker_maps,
    training,
    wavenet,
)

TINY = wavenet.Config(channels=16, stacks=1, dilations=(1, 2))


def write_corpora(folder, dev_speaker="carl"):
    """Two corpora of tones: sentences with a development voice, and syllables."""
    words = [("wo2",), ("xiang2", "mai3"), ("liang2",), ("ba3",), ("yu2", "san3")]
    for name, speakers in (("read", ("bob", dev_speaker)), ("single", ("anna",))):
        (folder / name).mkdir(parents=True)
        for speaker in speakers:
            path = test_concatenate.record(folder / name, speaker, words * 8)
            split = "dev" if speaker == dev_speaker else "train"
            path.rename(folder / name / f"{split}.jsonl")
    return folder


def plan(folder, **changes):
    usual = {
        "corpora": folder / "corpora",
        "work": folder / "work",
        "model": folder / "model",
        "parts": (
            pretrain.Part("read", "manifests", "read", 2, judges=True),
            pretrain.Part("missing", "aishell", "missing", 3),
            pretrain.Part("single", "manifests", "single", 1, builds=True),
        ),
        "config": features.FeatureConfig(kind="mfcc"),
        "assembled_minutes": 0.5,
        "texts": (folder / "text.txt",),
        "exclude": (),
        "options": training.Options(
            preset="tiny", epochs=2, batch_seconds=10.0, buckets=1, epoch_hours=0.01,
            augmentation="voices",
        ),
        "workers": 1,
    }  # fmt: skip
    return pretrain.Plan(**{**usual, **changes})


@pytest.fixture(autouse=True)
def tiny_preset(monkeypatch):
    monkeypatch.setitem(wavenet.PRESETS, "tiny", TINY)


@pytest.fixture
def raw(tmp_path):
    write_corpora(tmp_path / "corpora")
    (tmp_path / "text.txt").write_text("我想买两把雨伞\n", encoding="utf-8")
    return tmp_path


@pytest.mark.slow
def test_one_call_makes_a_model_and_the_next_does_nothing_again(raw, monkeypatch):
    lines = []
    history = pretrain.pretrain(plan(raw), say=lines.append)
    assert len(history) == 2
    assert any("left out: missing" in line for line in lines)
    _, description = model_folder.load(raw / "model")
    assert description.training["epoch_hours"] == 0.01
    assert description.training["voices"] == ["anna", "bob"]  # carl only judged
    assert history[0]["updates"] < history[1]["updates"]
    made = manifest.read(next((raw / "work/assembled").glob("*0/train.jsonl")))
    assert made
    assert not any(item.text.replace("我想买两把雨伞", "") for item in made)

    def forbidden(*arguments):
        raise AssertionError("a finished step was done again")

    monkeypatch.setattr(pretrain.concatenate.workers, "run", forbidden)
    monkeypatch.setattr("zhasr.training_run.Run.epoch", forbidden)
    assert pretrain.pretrain(plan(raw), say=lines.append) == history
    log = (raw / "work" / pretrain.LOG).read_text(encoding="utf-8")
    assert [line[21:] for line in log.splitlines()] == "\n".join(lines).splitlines()


@pytest.mark.slow
def test_another_set_puts_other_sentences_together(raw, monkeypatch):
    lines = ("我想买两把雨伞", "两把雨伞我想买", "雨伞我想买", "我买两把雨伞")
    (raw / "text.txt").write_text("\n".join(lines), encoding="utf-8")
    heard = []

    def stop(folders, *arguments, **options):
        heard.append([path.name for path in folders if "assembled" in path.name])
        return []

    def no_maps(path, maps):
        path.parent.mkdir(parents=True)
        path.touch()

    monkeypatch.setattr(pretrain.training_run, "train", stop)
    monkeypatch.setattr(pretrain.recognizer, "load", str)
    monkeypatch.setattr(pretrain.speakers, "measure", unittest.mock.MagicMock())
    monkeypatch.setattr(pretrain.speaker_maps, "save", no_maps)
    for number in (0, 1):
        asked = plan(raw, assembled_set=number, aligner_epochs=1)
        pretrain.pretrain(asked, say=id)
    assert len(heard) == 3  # whose voices differ in which way is found out once
    first, second = heard[0], heard[-1]
    assert [name.rpartition("-")[2] for name in first] == ["0", "1@1"]
    assert [name.rpartition("-")[2] for name in second] == ["2", "3@1"]
    said = [
        [item.text for item in manifest.read(path / "train.jsonl")]
        for path in sorted((raw / "work" / "assembled").iterdir())
    ]
    assert len(said) == 4 and all(said)
    assert not any(one == other for one, other in itertools.combinations(said, 2))


@pytest.mark.slow
def test_sentences_of_pieces_of_sentences(raw, monkeypatch):
    path = raw / "corpora" / "read" / "train.jsonl"
    items = manifest.read(path)
    renamed = [dataclasses.replace(item, speaker="S0252") for item in items[:10]]
    manifest.write(path, [*renamed, *items[10:]])
    (raw / "start").mkdir()
    (raw / "start" / model_folder.WEIGHTS).write_text("some weights")
    heard = []

    def evenly(model, samples, syllables):
        count = len(syllables)
        begins = np.linspace(0, len(samples), count + 1).astype(int)
        return list(begins), [(0, count)]

    def stop(folders, *arguments, **options):
        heard.append([path for path in folders if "assembled" in path.name])
        return []

    monkeypatch.setattr(pretrain.training_run, "train", stop)
    monkeypatch.setattr(pretrain.recognizer, "load", lambda start, adapt: start)
    monkeypatch.setattr(pretrain, "check_start", lambda plan: None)
    monkeypatch.setattr(pretrain.cut, "find", evenly)
    parts = tuple(
        dataclasses.replace(part, cuts=part.name == "read") for part in plan(raw).parts
    )
    begun = dataclasses.replace(plan(raw).options, start=str(raw / "start"))
    asked = plan(raw, parts=parts, options=begun, cut_minutes=0.2)
    for _ in range(2):
        pretrain.pretrain(asked, say=id)
    (cut,) = (raw / "work" / "cut").iterdir()
    pieces = manifest.read(cut / "train.jsonl")
    assert pieces and not [one for one in pieces if one.id in {i.id for i in renamed}]
    assert {piece.speaker for piece in pieces} == {"bob"}
    assert heard[0] == heard[1] and len(heard[0]) == 4
    of_pieces = [path for path in heard[0] if f"-{cut.name}-" in path.name]
    assert [path.name.rpartition("-")[2] for path in of_pieces] == ["0", "1@1"]
    for path, speaker in zip(heard[0], ("anna", "anna", "bob", "bob"), strict=True):
        assert {item.speaker for item in manifest.read(path / "train.jsonl")} == {
            speaker
        }
    prepared = next(out for out in (raw / "work").glob("*/read"))
    bobs = [
        one for one in manifest.read(prepared / "train.jsonl") if one.speaker == "bob"
    ]
    manifest.write(prepared / "train.jsonl", bobs[1:])
    pretrain.pretrain(asked, say=id)
    assert len(list((raw / "work" / "cut").iterdir())) == 2, "what is heard has changed"
    assert heard.pop() != heard[0]
    monkeypatch.setattr(pretrain, "WHOLE_AISHELL", 5)
    pretrain.pretrain(asked, say=id)
    assert heard[2] == heard[0][:2], "a large corpus has sentences enough"


@pytest.mark.slow
def test_a_killed_training_goes_on(raw, monkeypatch):
    original = pretrain.training_run.Run.epoch

    def killed(run):
        if run.history:
            raise KeyboardInterrupt
        original(run)

    monkeypatch.setattr(pretrain.training_run.Run, "epoch", killed)
    with pytest.raises(KeyboardInterrupt):
        pretrain.pretrain(plan(raw), say=id)
    monkeypatch.setattr(pretrain.training_run.Run, "epoch", original)
    lines = []
    assert len(pretrain.pretrain(plan(raw), say=lines.append)) == 2
    assert "resumed after epoch 1" in lines


@pytest.mark.slow
def test_speaker_maps_are_measured_once_and_used(raw, monkeypatch):
    monkeypatch.setattr(pretrain, "ALIGNER", "tiny")
    monkeypatch.setattr(speaker_maps, "FEWEST_FRAMES", 1)
    monkeypatch.setattr(speaker_maps, "FEWEST_SOUNDS", 2)
    lines = []
    pretrain.pretrain(plan(raw, aligner_epochs=1), say=lines.append)
    (said,) = (line for line in lines if "maps.safetensors: " in line)
    (path,) = (raw / "work").glob("*/speakers-*/maps.safetensors")
    known = speaker_maps.load(path).speakers
    assert set(known) <= {"anna", "bob"} and f": {len(known)} speakers" in said
    _, description = model_folder.load(raw / "model")
    assert description.training["speaker_maps"] == len(known)
    forbidden = unittest.mock.Mock(side_effect=AssertionError("measured again"))
    monkeypatch.setattr(pretrain.speakers, "measure", forbidden)
    pretrain.pretrain(plan(raw, aligner_epochs=1), say=lines.append)


def test_test_speakers_do_not_choose(tmp_path):
    item = manifest.Utterance("a", "a.wav", 1.0, "", "15307110264", ("ma1",))
    manifest.write(tmp_path / "dev" / "dev.jsonl", [item])
    with pytest.raises(ValueError, match="dev.jsonl.*received.*15307110264"):
        pretrain.refuse_test_speakers([tmp_path / "dev"])
    manifest.write(tmp_path / "test" / "test.jsonl", [item])  # to be scored on
    pretrain.refuse_test_speakers([tmp_path / "test"])


@pytest.mark.slow
def test_a_test_speaker_among_those_of_training_is_not_heard(raw, monkeypatch):
    path = raw / "corpora" / "read" / "train.jsonl"
    items = manifest.read(path)
    renamed = [dataclasses.replace(item, speaker="S0252") for item in items[:10]]
    manifest.write(path, [*renamed, *items[10:]])
    heard = []

    def stop(folders, *arguments, keep, **options):
        loaded = dataset.load(folders, "syllable", keep=keep)
        heard.append((loaded.voices, len(loaded.train)))
        everything = dataset.load(folders, "syllable")
        heard.append((everything.voices, len(everything.train)))
        return []

    monkeypatch.setattr(pretrain.training_run, "train", stop)
    pretrain.pretrain(plan(raw, assembled_minutes=0), say=id)
    (voices, count), (all_voices, all_count) = heard
    assert "S0252" in all_voices and "S0252" not in voices
    assert all_count == count + 2 * 10  # in two versions


@pytest.mark.parametrize(
    ("wish", "folder"),
    [
        ([], "mfcc-static+pitch+length"),
        (["--no-normalise-voices"], "mfcc-static+pitch"),
        (["--no-pitch"], "mfcc-static"),
        (["--deltas"], "mfcc+pitch+length"),
        (["--features", "log-mel"], "log-mel+pitch+length"),
    ],
)
def test_features_of_each_kind_lie_in_a_folder_of_their_own(wish, folder):
    command = ["corpora", "work", "model", "--epochs", "1", *wish]
    found = pretrain.make_plan(pretrain.parse(command))
    assert found.prepared("words", 2) == pathlib.Path("work", folder, "words@2")


def test_held_out_sentences_are_not_said(tmp_path):
    test = manifest.Utterance("a", "a.wav", 1.0, "今天天气非常好", "x", ())
    manifest.write(tmp_path / "read/test.jsonl", [test])
    (tmp_path / "text.txt").write_text("今天天气非常好吗\n明天再说吧\n", "utf-8")
    left = pretrain.allowed_texts(plan(tmp_path), [tmp_path / "read"])
    assert left == ["明天再说吧"]


def test_what_test_speakers_say_is_not_trained_on(tmp_path):
    folder = conftest.write_prepared(tmp_path / "read")
    shared = manifest.read(folder / "train.jsonl")[0]
    said = dataclasses.replace(shared, text="今天天气非常好", speaker="bob")
    word = dataclasses.replace(shared, id="word", text="数字")
    train = [said, *manifest.read(folder / "train.jsonl")[1:]]
    manifest.write(folder / "train.jsonl", train)
    manifest.write(folder / "test.jsonl", [said, word])
    lines = []
    excluded = pretrain.tested_sentences([folder], lines.append)
    assert excluded == {"今天天气非常好"}  # anybody may say a word
    assert "今天天气非常好" in lines[0]
    keep = pretrain.Allowed(frozenset(), excluded)
    loaded = dataset.load([folder], "syllable", keep=keep)
    assert len(loaded.train) == len(train) - 1
    assert len(dataset.load([folder], "syllable").train) == len(train)


def test_parts_are_chosen_by_name():
    parts = pretrain.choose_parts(["dspspeech"], ["words=3"])
    times = {part.name: part.times for part in parts}
    assert "dspspeech" not in times
    assert times["words"] == 3
    with pytest.raises(ValueError, match="expected one of aishell.*'hsk'"):
        pretrain.choose_parts(["hsk"])
    with pytest.raises(ValueError, match="1 or more, received '0'"):
        pretrain.choose_parts([], ["words=0"])


def test_bad_input_is_one_line(tmp_path, capsys):
    options = [str(tmp_path), str(tmp_path / "w"), str(tmp_path / "m")]
    assert pretrain.main([*options, "--minutes", "1"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("pretrain: ")


def test_what_is_cut_must_be_known(tmp_path, capsys):
    options = [str(tmp_path / name) for name in ("corpora", "w", "m")]
    for minutes in ("-5", "nan", "inf"):
        with pytest.raises(SystemExit):
            pretrain.main([*options, "--minutes", "1", f"--cut-minutes={minutes}"])
        assert f"or more, received {minutes}" in capsys.readouterr().err
    assert pretrain.main([*options, "--minutes", "1", "--cut-minutes", "9"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "needs a --start" in line


def test_a_start_that_hears_something_else_is_refused_before_all_else(tmp_path, capsys):
    test_model_folder.saved(tmp_path / "start")
    (tmp_path / "corpora").mkdir()
    options = [str(tmp_path / name) for name in ("corpora", "w", "m")]
    for start, reason in (("start", "hears log-mel+pitch"), ("none", "not there")):
        wish = ["--minutes", "1", "--start", str(tmp_path / start)]
        assert pretrain.main([*options, *wish]) == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert reason in line
    assert [path.name for path in (tmp_path / "w").iterdir()] == [pretrain.LOG]


def test_development_may_be_of_some_folders_only(tmp_path):
    folders = [
        conftest.write_prepared(tmp_path / str(seed), seed=seed) for seed in (0, 1)
    ]
    everything = dataset.load(folders, "syllable")
    some = dataset.load(folders, "syllable", [folders[1]])
    assert len(everything.dev) == 2 * len(some.dev)
    assert {item.id.partition("/")[0] for item in some.dev} == {"1"}
    first = some.train[0]
    assert np.abs(first.load(augment.Voice(1.2)) - first.load()).mean() > 0.01
