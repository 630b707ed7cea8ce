"""Preparation: what it writes, that it resumes, and that it always writes the same.

The corpora here are tones in the layout of THCHS-30: their pinyin is given, so that
no worker has to load a dictionary.
"""

import fcntl
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import soundfile

from data_prep import corpora, pieces, plan, prepare, summary, transcripts, workers
from data_prep.corpora import base
from zhasr import (
    audio,
    dataset,
    feature_store,
    features,
    manifest,
    model_folder,
    vocabulary,
)

ROOT = pathlib.Path(__file__).parents[1]
DSPSPEECH = ROOT.parent / "shared/corpora/DSPSpeech-20"
RATE = 16_000  # samples per second
SENTENCES = (("绿 是", "lv4 shi4"), ("阳春", "yang2 chun1"), ("妈妈", "ma1 ma5"))
HALF_KNOWN = (("是 谁", "shi4 shei2"),)


class Killed(BaseException):
    """Stands for the end of the process: no `except Exception` may stop it."""


def plant(corpus, split, speaker, count, hertz, sentences=SENTENCES, seconds=0.3):
    """Write tones of one voice with transcripts of three lines."""
    (corpus / split).mkdir(parents=True, exist_ok=True)
    for number in range(count):
        times = np.arange(round((seconds + 0.01 * number) * RATE)) / RATE
        path = corpus / split / f"{speaker}_{number}.wav"
        tone = 0.3 * np.sin(2 * np.pi * (hertz + number) * times)
        soundfile.write(path, tone, RATE)
        words, syllables = sentences[number % len(sentences)]
        path.with_name(path.name + ".trn").write_text(f"{words}\n{syllables}\n-\n")


def plant_corpus(corpus, test_hertz=400):
    plant(corpus, "train", "安娜", 40, 200)
    plant(corpus, "train", "bob", 3, 120)
    plant(corpus, "dev", "carl", 4, 150, HALF_KNOWN)
    plant(corpus, "test", "dora", 3, test_hertz)
    return corpus


def run(*arguments):
    return prepare.main([*map(str, arguments)])


def content(folder):
    """Every file of a folder, byte by byte."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    return plant_corpus(tmp_path_factory.mktemp("语料") / "corpus")


@pytest.fixture(scope="module")
def prepared(corpus):
    out = corpus.parent / "prepared"
    assert run("synthetic", corpus, out, "--workers", 2) == 0
    return out


# --- what is written ----------------------------------------------------------------


def test_nothing_is_left_unfinished(prepared):
    names = {path.name for path in prepared.iterdir()}
    assert names == {
        "train.jsonl", "dev.jsonl", "test.jsonl", "rejected.jsonl", "features",
        "statistics.json", "vocabulary", "sources.json", "summary.txt", "config.json",
    }  # fmt: skip
    assert not [name for name in content(prepared) if "part" in name]


def test_manifests_hold_what_was_planted(corpus, prepared):
    train = {item.id: item for item in manifest.read(prepared / "train.jsonl")}
    assert len(train) == 43
    item = train["安娜_1"]
    assert (item.text, item.syllables) == ("阳春", ("yang2", "chun1"))
    assert (item.speaker, item.duration) == ("安娜", 0.31)
    assert item.audio_filepath == str((corpus / "train" / "安娜_1.wav").resolve())
    assert len(manifest.read(prepared / "dev.jsonl")) == 4
    assert len(manifest.read(prepared / "test.jsonl")) == 3


def test_features_of_every_utterance_are_those_of_its_audio(prepared):
    config = features.FeatureConfig("mfcc", pitch=True)
    store = feature_store.FeatureStore(prepared / "features")
    assert len(store) == 50
    for split in ("train", "dev", "test"):
        for item in manifest.read(prepared / f"{split}.jsonl")[::10]:
            wanted = features.extract(audio.read(item.audio_filepath), config)
            np.testing.assert_allclose(store[item.id], wanted, rtol=1e-3, atol=1e-2)


def test_statistics_are_those_of_the_training_features(prepared):
    store = feature_store.FeatureStore(prepared / "features")
    frames = np.concatenate(
        [store[item.id] for item in manifest.read(prepared / "train.jsonl")]
    ).astype(np.float64)
    statistics = features.Statistics.load(prepared / "statistics.json")
    assert statistics.count == len(frames)
    np.testing.assert_allclose(statistics.mean, frames.mean(axis=0), atol=1e-5)
    std = np.maximum(frames.std(axis=0), features.SMALLEST_STD)
    np.testing.assert_allclose(statistics.std, std, rtol=1e-4)


@pytest.mark.parametrize(
    ("kind", "labels"),
    [
        ("syllable", "chun1 lv4 ma1 ma5 shi4 yang2"),
        ("base-syllable", "chun lv ma shi yang"),
        ("initial-final", "a1 a5 ch iang2 ii ix4 l m sh un1 v4"),
        ("character", "妈 春 是 绿 阳"),
    ],
)
def test_vocabularies_hold_the_labels_of_training(prepared, kind, labels):
    found = vocabulary.load(prepared / "vocabulary" / f"{kind}.txt")
    assert found.labels == ("<blank>", *labels.split())


def test_summary(prepared):
    lines = (prepared / "summary.txt").read_text().splitlines()
    table = {line.split()[0]: line.split()[1:] for line in lines if line}
    assert table["train"] == ["0.01", "43", "0", "2"]
    assert table["dev"] == ["0.00", "4", "0", "1"]
    # Labels of training; of dev and of test, types and tokens that training has.
    # Dev is 是谁 throughout: shi4 is known, shei2 is not.
    half, all_known = "50.00 %, 50.00 %", "100.00 %, 100.00 %"
    assert table["syllable"] == ["6", *half.split(), *all_known.split()]
    assert table["initial-final"][1:3] == "66.67 %,".split()  # sh ix4 sh ei2
    assert "leak: train and test share 3 sentences: 妈妈, 绿是, 阳春" in lines
    assert "set aside: none" in lines


def test_config_says_how_it_was_prepared(prepared):
    config = json.loads((prepared / "config.json").read_text())
    assert config["corpus"] == "synthetic"
    assert config["source"] == "../corpus"
    found = features.FeatureConfig.from_dict(config["features"])
    assert found == features.FeatureConfig("mfcc", pitch=True)


def test_manifest_is_found_through_a_link(prepared, tmp_path):
    link = tmp_path / "deep" / "deeper" / "link"
    link.parent.mkdir(parents=True)
    link.symlink_to(prepared)
    line = json.loads((prepared / "dev.jsonl").read_text().splitlines()[0])
    assert line["audio_filepath"] == "../corpus/dev/carl_0.wav"
    manifest.check_audio(manifest.read(link / "dev.jsonl"))


@pytest.mark.slow
def test_prepares_through_links(corpus, tmp_path, capsys):
    """Both folders are links to places of another depth."""
    (tmp_path / "a/b").mkdir(parents=True)
    (tmp_path / "corpus").symlink_to(corpus)
    (tmp_path / "out").symlink_to(tmp_path / "a/b")
    command = ("synthetic", tmp_path / "corpus", tmp_path / "out", "--workers", 1)
    assert run(*command) == 0
    manifest.check_audio(manifest.read(tmp_path / "a/b/train.jsonl"))
    assert run("synthetic", corpus, tmp_path / "a/b") == 0
    assert "already prepared" in capsys.readouterr().out


# --- always the same ----------------------------------------------------------------


@pytest.mark.slow
def test_one_worker_writes_the_same_bytes_as_two(corpus, prepared):
    out = corpus.parent / "one"
    assert run("synthetic", corpus, out, "--workers", 1) == 0
    assert content(out) == content(prepared)


@pytest.mark.slow
def test_training_does_not_depend_on_other_splits(corpus, prepared):
    other = plant_corpus(corpus.parent / "other", test_hertz=900)
    plant(other, "dev", "emil", 35, 50)  # a second piece of dev
    out = corpus.parent / "prepared-other"
    assert run("synthetic", other, out) == 0
    for name in ("statistics.json", "vocabulary/initial-final.txt"):
        assert (out / name).read_bytes() == (prepared / name).read_bytes()
    here = feature_store.FeatureStore(prepared / "features")
    there = feature_store.FeatureStore(out / "features")
    assert not np.array_equal(here["dora_0"], there["dora_0"])


@pytest.fixture(scope="module")
def speaker_pitch(corpus):
    out = corpus.parent / "speaker-pitch"
    options = ("--features", "log-mel", "--bands", 20, "--pitch")
    arguments = ("synthetic", corpus, out, *options, "--pitch-normalisation", "speaker")
    assert run(*arguments) == 0
    return arguments, out


def test_pitch_is_relative_to_the_speaker_and_the_split(speaker_pitch):
    """Tones of 200 to 239 Hz: their log F0 minus the mean of the speaker's."""
    _, out = speaker_pitch
    store = feature_store.FeatureStore(out / "features")
    assert store["安娜_0"].shape[1] == 23
    level = np.log(200 + np.arange(40)) @ (0.3 + 0.01 * np.arange(40)) / (40 * 0.495)
    for number in (0, 20, 39):
        found = np.median(store[f"安娜_{number}"][:, 20])
        assert found == pytest.approx(np.log(200 + number) - level, abs=0.01)
    statistics = features.Statistics.load(out / "statistics.json")
    assert abs(statistics.mean[20]) < 0.01
    assert statistics.count == sum(
        store.frames(item.id) for item in manifest.read(out / "train.jsonl")
    )


@pytest.mark.slow
def test_goes_on_from_every_step_of_the_end(corpus, speaker_pitch, monkeypatch):
    """Every file is renamed to its name; end the process at each of these moments."""
    arguments, finished = speaker_pitch
    out = corpus.parent / "interrupted"
    arguments = [out if item == finished else item for item in arguments]
    monkeypatch.setattr("data_prep.finish.finish", die)
    with pytest.raises(Killed):
        run(*arguments)
    monkeypatch.undo()
    assert run(*arguments[:-1], "utterance") == 2  # other settings
    steps = 0
    rename = os.replace
    while not (out / "config.json").exists():
        left = iter(range(steps))

        def rename_few(*paths, left=left):
            return rename(*paths) if next(left, None) is not None else die()

        monkeypatch.setattr(os, "replace", rename_few)
        monkeypatch.setattr("data_prep.prepared_folder.tidy", die)
        try:
            run(*arguments)
        except Killed:
            steps += 1
        monkeypatch.undo()
        assert steps < 50
    assert steps > 12  # 4 shards, 2 indices, 3 manifests, 4 vocabularies, 5 others
    assert run(*arguments) == 0
    assert content(out) == content(finished)


def die(*_):
    raise Killed


@pytest.mark.slow
@pytest.mark.parametrize("records", [0, 1, 3, 5])
def test_killed_process_goes_on(tmp_path, records):
    """Kill it when so many pieces are finished; nothing of them is done again."""
    source = tmp_path / "corpus"
    plant(source, "train", "anna", 200, 200)
    command = (sys.executable, "-m", "data_prep.prepare", "synthetic", source)
    options = ("--pitch", "--features", "log-mel")
    out, whole = tmp_path / "killed", tmp_path / "whole"
    process = subprocess.Popen(
        [*command, out, *options], cwd=ROOT, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    while not (out / "unfinished/config.json").exists() or (
        len(list(out.glob("unfinished/piece-*.json"))) < records
    ):
        assert process.poll() is None
        time.sleep(0.001)
    process.send_signal(signal.SIGKILL)
    process.wait()
    wait_for_end_of_group(process.pid)
    assert not (out / "config.json").exists()
    shards = {path: path.stat().st_mtime_ns for path in out.glob("features/shard*")}
    assert len(shards) >= records
    recorded = {path.stem[-5:] for path in out.glob("unfinished/piece-*.json")}
    assert run("synthetic", source, out, *options) == 0
    assert run("synthetic", source, whole, *options) == 0
    for path, written in shards.items():
        if path.stem[-5:] in recorded:
            assert path.stat().st_mtime_ns == written
    assert content(out) == content(whole)


def wait_for_end_of_group(group):
    """Workers end by themselves when their parent was killed."""
    for _ in range(100):
        if not alive(group):
            return
        time.sleep(0.1)
    raise AssertionError("workers outlive their parent")


def alive(group):
    """Processes of a group that are not just waiting to be collected."""
    found = []
    for path in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, process_group = path.read_text().rpartition(")")[2].split()[:3]
        except OSError:
            continue
        if int(process_group) == group and state not in "ZX":
            found.append(path)
    return found


@pytest.mark.slow
def test_interrupt_of_a_terminal_is_one_line(tmp_path):
    plant(tmp_path / "corpus", "train", "anna", 200, 200)
    out = tmp_path / "out"
    command = [sys.executable, "-m", "data_prep.prepare", "synthetic"]
    process = subprocess.Popen(
        [*command, tmp_path / "corpus", out, "--pitch"], cwd=ROOT, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
        # Where the tests run in the background of a shell, Ctrl-C is ignored, and
        # children inherit that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )  # fmt: skip
    while not list(out.glob("unfinished/piece-*.json")):
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGINT)
    printed, complaint = process.communicate(timeout=30)
    assert process.returncode == 130
    assert printed == ""
    assert complaint.splitlines() == ["prepare: interrupted; the same command goes on"]


def test_killed_worker_is_named(tmp_path):
    with pytest.raises(workers.WorkerError, match="same command again"):
        workers.run(os._exit, [1], 1, print)


# --- what was prepared before -------------------------------------------------------


def test_features_are_those_of_the_model_to_go_on_from(corpus, tmp_path):
    model = model_folder.SHIPPED
    assert run("synthetic", corpus, tmp_path / "like", "--like", model) == 0
    prepared = dataset.open_folder(tmp_path / "like")
    assert prepared.features == model_folder.load_description(model).features
    assert not prepared.features.deltas  # which are there without --like


def test_finished_folder_is_left_alone(corpus, prepared, capsys):
    before = {path: path.stat().st_mtime_ns for path in prepared.rglob("*")}
    assert run("synthetic", corpus, prepared) == 0
    assert "already prepared" in capsys.readouterr().out
    assert before == {path: path.stat().st_mtime_ns for path in prepared.rglob("*")}


def test_a_folder_older_than_an_option_was_prepared_with_its_default(
    corpus, prepared, capsys
):
    older = shutil.copytree(prepared, prepared.with_name("older"))
    config = json.loads((older / "config.json").read_text("utf-8"))
    assert config["features"].pop("deltas") is True
    (older / "config.json").write_text(json.dumps(config), encoding="utf-8")
    assert run("synthetic", corpus, older) == 0
    assert "already prepared" in capsys.readouterr().out
    assert run("synthetic", corpus, older, "--no-deltas") == 2
    assert "features.deltas = True, not False" in one_line(capsys)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--features", "log-mel"], "features.kind = mfcc, not log-mel"),
        (["--no-pitch"], "features.pitch = True, not False"),
        (["--split", "test"], "split = None, not test"),
    ],
)
def test_other_settings_are_not_mixed(corpus, prepared, capsys, options, said):
    before = content(prepared)
    assert run("synthetic", corpus, prepared, *options) == 2
    assert said in one_line(capsys)
    assert content(prepared) == before


@pytest.mark.slow
def test_changed_corpus_is_noticed(tmp_path, capsys):
    source, out = tmp_path / "corpus", tmp_path / "out"
    plant(source, "train", "anna", 3, 200)
    assert run("synthetic", source, out) == 0
    plant(source, "train", "bob", 1, 100)
    capsys.readouterr()
    assert run("synthetic", source, out) == 2
    assert "the corpus has changed" in one_line(capsys)


def test_other_process_at_work(tmp_path, capsys):
    plant(tmp_path / "corpus", "train", "anna", 3, 200)
    unfinished = tmp_path / "out/unfinished"
    unfinished.mkdir(parents=True)
    with open(unfinished / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert run("synthetic", tmp_path / "corpus", tmp_path / "out") == 2
    assert "another process is preparing it" in one_line(capsys)


# --- splits -------------------------------------------------------------------------


@pytest.mark.slow
def test_test_set_of_its_own(corpus, tmp_path, capsys):
    out = tmp_path / "out"
    assert run("synthetic", corpus, out, "--split", "test") == 0
    assert "no training split: no statistics" in capsys.readouterr().out
    assert len(manifest.read(out / "test.jsonl")) == 50
    absent = ("train.jsonl", "dev.jsonl", "statistics.json", "vocabulary")
    assert not [name for name in absent if (out / name).exists()]


# --- errors -------------------------------------------------------------------------


def one_line(capsys):
    printed = capsys.readouterr()
    assert printed.out == ""
    (line,) = printed.err.splitlines()
    assert line.startswith("prepare: ")
    return line


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("no-corpus {corpus} {new}", "unknown corpus 'no-corpus'; expected one of ais"),
        ("synthetic {corpus}/none {new}", "no such folder"),
        ("aishell {corpus} {new}", "aishell_transcript_v0.8.txt"),
        ("synthetic {corpus} {corpus}", "holds other files"),
        ("synthetic {corpus} {corpus}/train/bob_0.wav/x", "bob_0.wav/x"),
        ("synthetic {corpus} /proc/new", "/proc/new"),
        ("synthetic {corpus}", "required: out"),
        ("synthetic {corpus} {new} --features fft", "invalid choice: 'fft'"),
        ("synthetic {corpus} {new} --bands 40", "--bands needs --features log-mel"),
        ("synthetic {corpus} {new} --features log-mel --bands 300", "received 300"),
        ("synthetic {corpus} {new} --no-pitch --pitch-normalisation speaker", "no use"),
        ("synthetic {corpus} {new} --workers 0", "1 or more"),
        ("synthetic {corpus} {new} --like {corpus}", "config.json"),
        ("synthetic {corpus} {new} --split ../up", "received '../up'"),
        ("synthetic {corpus} {new} --split rejected", "received 'rejected'"),
    ],
)
def test_bad_commands(corpus, tmp_path, capsys, arguments, said):
    new = tmp_path / "new"
    assert run(*arguments.format(corpus=corpus, new=new).split()) == 2
    assert said in one_line(capsys)
    assert not new.exists()


# --- parts --------------------------------------------------------------------------


def entry(id="1", text="", syllables=None, path="1.wav", split="train"):
    return base.Entry(id, pathlib.Path(path), text, "anna", syllables, split)


@pytest.mark.parametrize(
    ("text", "syllables", "reason"),
    [
        ("", None, "no transcript"),
        (" \n", (), "no transcript"),
        ("……!", None, "nothing to score in the transcript: '……!'"),
        ("OK", None, "letters without a Mandarin reading in the transcript: 'OK'"),
        ("卡拉ok", ("ka3", "la1"), "'OK'"),
        ("你好", ("ni3",), "received 1 syllables and 2 hanzi"),
        ("你好", ("ni3", "xyz3"), "'xyz3'"),
        ("你好", ("ni3", "hao"), "'hao' has no tone"),
    ],
)
def test_unusable_transcripts(text, syllables, reason):
    with pytest.raises(transcripts.SetAside) as raised:
        transcripts.read(entry(text=text, syllables=syllables))
    assert reason in str(raised.value)


def test_transcripts():
    given = entry(text="绿 是!", syllables=("lü4", "shi4"))
    assert transcripts.read(given) == ("绿是", ("lv4", "shi4"))
    assert transcripts.read(entry(syllables=("zi0",))) == ("", ("zi5",))
    read_aloud = ("25%", ("bai3", "fen1", "zhi1", "er4", "shi2", "wu3"))
    assert transcripts.read(entry(text=read_aloud[0]))[1] == read_aloud[1]


def test_ids_that_cannot_be_stored(tmp_path, monkeypatch):
    names = ("1", "1", "__metadata__", " ", "ok", "bad\udcff")
    found = [entry(name, "好", path=f"{index}.wav") for index, name in enumerate(names)]
    adapter = type("Adapter", (), {"read": lambda _: base.Corpus(found, [])})
    monkeypatch.setitem(corpora.ADAPTERS, "planted", adapter)
    corpus = plan.read("planted", tmp_path, tmp_path / "out")
    assert [item.id for item in corpus.entries] == ["1", "ok"]
    reasons = {item.id: item.reason for item in corpus.rejected}
    assert "already that of" in reasons["1"]
    assert "cannot be an id" in reasons["__metadata__"]
    assert "cannot be an id" in reasons[" "]
    assert "not UTF-8" in reasons["bad\udcff"]
    row = pieces.rejection(corpus.rejected[-1], tmp_path, "reason")
    assert row["id"] == "bad\\udcff"


def test_pieces_hold_every_entry_once_and_one_split():
    entries = [entry(str(n), split="dev") for n in range(5)]
    entries += [entry(str(n)) for n in range(5, 10_000)]
    cut = pieces.cut(entries)
    assert [piece.number for piece in cut] == list(range(len(cut)))
    assert [item for piece in cut for item in piece.entries] == entries
    assert all({item.split for item in piece.entries} == {piece.split} for piece in cut)
    assert max(len(piece.entries) for piece in cut) == pieces.LARGEST_PIECE
    assert pieces.cut([]) == []





def test_short_utterances_are_counted_by_kind():
    """Two syllables are four initials and finals; ma ma needs a blank between."""
    item = manifest.Utterance("x", "x.wav", 0.1, "妈骂", "", ("ma1", "ma4"))
    text = summary.describe(
        "title", {"train": [item]}, {"train": 2}, {"x": 8}.get, [], ["a remark"]
    )
    assert "too short for syllable" not in text
    assert "too short for base-syllable labels, train: 1 (x)" in text
    assert "too short for initial-final labels, train: 1 (x)" in text
    assert "note: a remark" in text


def test_pinyin_only_corpus_has_no_characters():
    item = manifest.Utterance("x", "x.wav", 1.0, "", "", ("ma1",))
    splits = {"train": [item], "dev": [item]}
    sizes = {"train": 1, "dev": 1}
    text = summary.describe("title", splits, sizes, {"x": 98}.get, [], [])
    assert [line.split() for line in text.splitlines() if "character" in line] == [
        ["character", "0", "none"]
    ]


# --- real recordings ----------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.skipif(not DSPSPEECH.is_dir(), reason=f"no recordings in {DSPSPEECH}")
def test_real_speakers(tmp_path, capsys):
    speakers = ("15307110189", "15307110264")  # one for training, one for test
    (tmp_path / "speech_data").mkdir()
    for speaker in speakers:
        folder = DSPSPEECH / "speech_data" / speaker
        (tmp_path / "speech_data" / speaker).symlink_to(folder)
    out = tmp_path / "out"
    assert run("dspspeech", tmp_path, out, "--pitch") == 0
    utterances = {
        split: manifest.read(out / f"{split}.jsonl") for split in ("train", "test")
    }
    assert {item.speaker for item in utterances["train"]} == {speakers[0]}
    assert {item.speaker for item in utterances["test"]} == {speakers[1]}
    for items in utterances.values():
        manifest.check_audio(items)
    assert len(vocabulary.load(out / "vocabulary/character.txt")) == 1 + 23
    store = feature_store.FeatureStore(out / "features")
    item = utterances["test"][0]
    seconds = features.frames_to_seconds(store.frames(item.id))
    assert seconds == pytest.approx(item.duration, abs=0.03)
    assert "times real time" in capsys.readouterr().out
