"""The user's files of words and text: what is read, and what is refused by line."""

import pytest

from zhasr import user_files


def write(tmp_path, content):
    path = tmp_path / "mine.txt"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def test_words_have_weights(tmp_path):
    path = write(tmp_path, "\ufeff张三丰 5\n\n# 名字\n  武当山\t-1.5 \n太极\n")
    assert user_files.read_words(path) == {
        "张三丰": 5.0,
        "武当山": -1.5,
        "太极": user_files.WEIGHT,
    }


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("好\n张三 李四", r"mine.txt:2: expected `word \[weight\]`.*'张三 李四'"),
        ("好 1 2", "'好 1 2'"),
        ("好 nan", "'好 nan'"),
        ("好 inf", "'好 inf'"),
        ("好 1e308", "'好 1e308'"),
        ("Zhang 3", r"mine.txt:1: expected a word of hanzi, received 'Zhang'"),
        ("3", "received '3'"),
        ("# 好", "received none"),
        ("", "received none"),
        (b"\xff\xfe", "expected UTF-8"),
    ],
)
def test_bad_words_are_refused(tmp_path, content, message):
    with pytest.raises(user_files.UserFileError, match=message):
        user_files.read_words(write(tmp_path, content))


def test_text_is_lines_with_hanzi(tmp_path):
    path = write(tmp_path, "他姓赵。\n\nHello.\nOK 好\n")
    assert user_files.read_text(path) == ["他姓赵。", "OK 好"]


def test_bad_text_is_refused(tmp_path):
    with pytest.raises(user_files.UserFileError, match="mine.txt: .*hanzi"):
        user_files.read_text(write(tmp_path, "Hello."))
    with pytest.raises(user_files.UserFileError, match="missing.txt: .*UTF-8"):
        user_files.read_text(tmp_path / "missing.txt")
