"""Labels to numbers and back, and files that are no vocabulary."""

import dataclasses

import numpy as np
import pytest

from zhasr import pinyin, vocabulary

SEQUENCES = [["sh", "ix4"], ["l", "v4", "sh", "ix4"], []]


@pytest.fixture
def labels():
    return vocabulary.build("initial-final", SEQUENCES)


def test_build_sorts_and_puts_the_blank_first(labels):
    assert labels.labels == ("<blank>", "ix4", "l", "sh", "v4")
    assert len(labels) == 5
    assert labels == vocabulary.build("initial-final", reversed(SEQUENCES))
    assert vocabulary.build("syllable", []).labels == ("<blank>",)


def test_encode_and_decode(labels):
    ids = labels.encode(["l", "v4", "sh", "ix4"])
    assert ids.dtype == np.int32 and ids.tolist() == [2, 4, 3, 1]
    assert labels.decode(ids) == ["l", "v4", "sh", "ix4"]
    assert labels.decode([0]) == ["<blank>"]
    empty = labels.encode([])
    assert empty.shape == (0,) and empty.dtype == np.int32
    assert labels.decode(empty) == []


def test_unknown_labels_and_numbers_are_named(labels):
    with pytest.raises(vocabulary.VocabularyError, match="'ang4'"):
        labels.encode(["l", "ang4"])
    for outside in (5, -1):
        with pytest.raises(vocabulary.VocabularyError, match=f"0 to 4.*{outside}"):
            labels.decode([0, outside])


@pytest.mark.parametrize("kind", pinyin.KINDS)
def test_saved_and_loaded(kind, tmp_path):
    path = tmp_path / "vocabulary.txt"
    saved = vocabulary.build(kind, [["ni3", "好"], ["#", "A"]])
    vocabulary.save(path, saved)
    loaded = vocabulary.load(path)
    assert loaded == saved and loaded.fingerprint == saved.fingerprint
    lines = path.read_bytes().decode().split("\n")
    assert lines == [f"# kind: {kind}", "<blank>", "#", "A", "ni3", "好", ""]
    assert [file.name for file in tmp_path.iterdir()] == ["vocabulary.txt"]


def test_fingerprint_depends_on_kind_labels_and_order(labels):
    others = [
        dataclasses.replace(labels, kind="syllable"),
        dataclasses.replace(labels, labels=labels.labels[:-1]),
        dataclasses.replace(labels, labels=(labels.labels[0], *labels.labels[:0:-1])),
    ]
    found = {each.fingerprint for each in (labels, *others)}
    assert len(found) == 4
    assert all(len(each) == 16 and int(each, 16) for each in found)


def test_windows_line_ends_and_a_byte_order_mark_are_tolerated(tmp_path):
    path = tmp_path / "vocabulary.txt"
    path.write_bytes(b"\xef\xbb\xbf# kind: syllable\r\n<blank>\r\nni3\r\n")
    assert vocabulary.load(path).labels == ("<blank>", "ni3")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "first line"),
        (b"<blank>\nni3\n", "first line"),
        (b"# kind: phoneme\n<blank>\nni3\n", "'phoneme'"),
        (b"# kind: syllable\n", "'<blank>'"),
        (b"# kind: syllable\nni3\n<blank>\n", "'<blank>'"),
        (b"# kind: syllable\n<blank>\nni3\nhao3\nni3\n", "'ni3' stands twice"),
        (b"# kind: syllable\n<blank>\nni3\n<blank>\n", "'<blank>' stands twice"),
        (b"# kind: syllable\n<blank>\n\nni3\n", "empty"),
        (b"# kind: syllable\n<blank>\nni3 hao3\n", "'ni3 hao3'"),
        (b"\xff\xfe\x00", "cannot read"),
    ],
)
def test_files_that_are_no_vocabulary(content, reason, tmp_path):
    path = tmp_path / "vocabulary.txt"
    path.write_bytes(content)
    with pytest.raises(vocabulary.VocabularyError, match=reason) as error:
        vocabulary.load(path)
    assert str(error.value).startswith(f"{path}: ")
    assert "\n" not in str(error.value)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(vocabulary.VocabularyError, match="absent.txt"):
        vocabulary.load(tmp_path / "absent.txt")
