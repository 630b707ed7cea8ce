"""Manifests: what is written comes back, bad lines are named, leaks are found."""

import json
import os

import pytest

from zhasr import manifest

FIELDS = {
    "id": "A11_0",
    "audio_filepath": "wav/A11_0.wav",
    "duration": 9.5,
    "text": "绿是",
    "speaker": "A11",
    "syllables": ["lv4", "shi4"],
}


def utterance(name="A11_0", **changes):
    values = FIELDS | {"id": name, "syllables": ("lv4", "shi4")} | changes
    return manifest.Utterance(**values)


def many(*pairs):
    """Utterances of pairs of speaker and text."""
    return [
        utterance(f"u{number}", speaker=speaker, text=text)
        for number, (speaker, text) in enumerate(pairs)
    ]


def write_lines(tmp_path, *lines):
    path = tmp_path / "train.jsonl"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_what_is_written_comes_back(tmp_path):
    path = tmp_path / "train.jsonl"
    wanted = [
        utterance("a", audio_filepath=str(tmp_path / "a.wav")),
        utterance("b", audio_filepath="/else/b.wav", text="", speaker="", duration=0.0),
        utterance(
            "c", audio_filepath=str(tmp_path / "c.wav"), syllables=(), text='"\\'
        ),
    ]
    manifest.write(path, wanted)
    assert manifest.read(path) == wanted
    manifest.write(path, [])
    assert manifest.read(path) == []
    assert os.listdir(tmp_path) == ["train.jsonl"]


def test_the_file_is_json_lines_with_the_agreed_fields(tmp_path):
    path = tmp_path / "train.jsonl"
    manifest.write(path, [utterance(), utterance("A11_1")])
    first, second, rest = path.read_bytes().decode().split("\n")
    assert list(json.loads(first).items()) == list(FIELDS.items())
    assert json.loads(second)["id"] == "A11_1" and rest == ""
    assert "绿是" in first


def test_relative_paths_are_those_of_the_manifest(tmp_path, monkeypatch):
    (tmp_path / "data").mkdir()
    manifest.write(tmp_path / "data/train.jsonl", [utterance()])
    monkeypatch.chdir(tmp_path)
    for path in ("data/train.jsonl", tmp_path / "data/train.jsonl"):
        found = manifest.read(path)[0].audio_filepath
        assert found == str(tmp_path / "data/wav/A11_0.wav")


def test_windows_line_ends_byte_order_mark_empty_lines_and_more_fields(tmp_path):
    path = tmp_path / "train.jsonl"
    line = json.dumps(FIELDS | {"accent": "north"}).encode()
    path.write_bytes(b"\xef\xbb\xbf" + line + b"\r\n\r\n")
    assert [item.id for item in manifest.read(path)] == ["A11_0"]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"id": ""}, "id is empty"),
        ({"id": 7}, "int for id"),
        ({"audio_filepath": " "}, "audio_filepath is empty"),
        ({"duration": -0.1}, "duration.*-0.1"),
        ({"duration": float("nan")}, "duration.*nan"),
        ({"duration": float("inf")}, "duration.*inf"),
        ({"duration": "9.5"}, "str for duration"),
        ({"duration": True}, "bool for duration"),
        ({"duration": 10**400}, "duration"),
        ({"text": None}, "NoneType for text"),
        ({"syllables": "lv4 shi4"}, "str for syllables"),
        ({"syllables": ["lv4", 4]}, "syllables"),
    ],
)
def test_bad_values_are_refused_with_file_and_line(changes, reason, tmp_path):
    good = json.dumps(FIELDS | {"id": "other"})
    path = write_lines(tmp_path, good, json.dumps(FIELDS | changes))
    with pytest.raises(manifest.ManifestError, match=f"train.jsonl:2: .*{reason}"):
        manifest.read(path)
    values = FIELDS | changes
    with pytest.raises(manifest.ManifestError, match=reason):
        manifest.write(tmp_path / "new.jsonl", [manifest.Utterance(**values)])
    assert not (tmp_path / "new.jsonl").exists()


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("{", "one JSON object"),
        ("[]", "JSON object"),
        ("wav/A11_0.wav", "one JSON object"),
        ("[" * 100_000, "JSON object"),
        ('{"id": "a", "text": "", "speaker": ""}', "audio_filepath, duration, syll"),
    ],
)
def test_lines_that_are_no_utterance(line, reason, tmp_path):
    path = write_lines(tmp_path, "", line)
    with pytest.raises(manifest.ManifestError, match=f"train.jsonl:2: .*{reason}"):
        manifest.read(path)


def test_an_id_that_stands_twice_is_named_with_both_lines(tmp_path):
    path = write_lines(tmp_path, json.dumps(FIELDS), json.dumps(FIELDS))
    with pytest.raises(manifest.ManifestError, match="jsonl:2: .*'A11_0'.*jsonl:1"):
        manifest.read(path)
    with pytest.raises(manifest.ManifestError, match="'A11_0'"):
        manifest.write(tmp_path / "new.jsonl", [utterance(), utterance()])


def test_a_write_that_fails_leaves_the_old_manifest(tmp_path):
    path = tmp_path / "train.jsonl"
    manifest.write(path, [utterance()])
    before = path.read_bytes()
    with pytest.raises(manifest.ManifestError):
        manifest.write(path, [utterance("b"), utterance("c", duration=-1.0)])
    assert path.read_bytes() == before


def test_files_that_cannot_be_read(tmp_path):
    for path in (tmp_path / "absent.jsonl", tmp_path):
        with pytest.raises(manifest.ManifestError, match=path.name):
            manifest.read(path)
    (tmp_path / "noise.jsonl").write_bytes(b"\xff\xfe\x00\x01")
    with pytest.raises(manifest.ManifestError, match="noise.jsonl"):
        manifest.read(tmp_path / "noise.jsonl")


def test_missing_audio_is_named_and_counted(tmp_path):
    (tmp_path / "there.wav").write_bytes(b"")
    there = utterance("a", audio_filepath=str(tmp_path / "there.wav"))
    gone = [utterance(name, audio_filepath=f"{name}.wav") for name in ("b", "c")]
    manifest.check_audio([there])
    with pytest.raises(
        manifest.ManifestError, match=r"'b'.* b\.wav.*others missing: 1"
    ):
        manifest.check_audio([there, *gone])
    with pytest.raises(manifest.ManifestError, match="c.wav") as error:
        manifest.check_audio(gone[1:])
    assert "other" not in str(error.value)


def test_leaks_are_found_between_every_pair():
    splits = {
        "train": many(("A", "一"), ("B", "二"), ("C", "三"), ("D", "四"), ("E", "五")),
        "dev": many(("A", "六"), ("B", "七"), ("C", "八"), ("D", "二"), ("D", "二")),
        "test": many(("F", "二"), ("", "九")),
    }
    assert manifest.leaks(splits) == [
        manifest.Leak("train", "dev", "speaker", 4, ("A", "B", "C")),
        manifest.Leak("train", "dev", "sentence", 1, ("二",)),
        manifest.Leak("train", "test", "sentence", 1, ("二",)),
        manifest.Leak("dev", "test", "sentence", 1, ("二",)),
    ]
    speakers, sentences, *_ = manifest.leaks(splits)
    assert str(speakers) == "train and dev share 4 speakers: A, B, C, …"
    assert str(sentences) == "train and dev share 1 sentence: 二"


def test_clean_splits_unknown_speakers_and_sentences_of_syllables():
    clean = {"train": many(("A", "一"), ("", "二")), "test": many(("", "三"))}
    assert manifest.leaks(clean) == []
    assert manifest.leaks({}) == []
    spoken = {"train": many(("A", "")), "test": many(("B", ""))}
    assert [leak.examples for leak in manifest.leaks(spoken)] == [("lv4 shi4",)]
