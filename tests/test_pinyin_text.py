"""Transcripts with their pinyin: what is read, and what is refused."""

import pathlib

import pytest

from data_prep import pinyin_text

LINES = [
    "a/A1.wav\tni3 hao3 ma\t你好吗",
    "a/A2.wav\tlu:4 se4 de\t绿色的",
    "b/A1.wav\tni3 hao3 ma5\t你好吗",
    "b/B1.wav\tk ge1\tＫ歌",
]


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "dev.txt"
    path.write_text("\n".join([*LINES, ""]), encoding="utf-8")
    return path


def test_every_row_and_every_text(path):
    sentences = pinyin_text.read(path)
    assert [one.text for one in sentences] == ["你好吗", "绿色的", "你好吗", "K歌"]
    assert sentences[0].syllables == ("ni3", "hao3", "ma5")  # neutral without a digit
    assert sentences[1].syllables == ("lv4", "se4", "de5")
    assert sentences[3].syllables == ("?K", "ge1")
    once = pinyin_text.distinct(sentences)
    assert [one.text for one in once] == ["你好吗", "绿色的", "K歌"]
    assert once[0] is sentences[0]
    assert pinyin_text.distinct([]) == []


def test_toneless():
    sentence = pinyin_text.Sentence(("lv4", "se4", "de5"), "绿色的")
    assert pinyin_text.toneless(sentence) == ("lv", "se", "de")


def test_spoken():
    sentence = pinyin_text.Sentence(("ni3", "hao3", "yi1", "ge4"), "你好一个")
    assert pinyin_text.spoken(sentence)[:3] == ("ni2", "hao3", "yi2")
    # A base syllable of the file wins, and letters stay.
    odd = pinyin_text.Sentence(("xing2", "zhang3"), "行长")
    assert pinyin_text.spoken(odd) == ("xing2", "zhang3")
    letters = pinyin_text.Sentence(("?K", "ge1"), "K歌")
    assert pinyin_text.spoken(letters) == ("?K", "ge1")


@pytest.mark.parametrize(
    "line",
    [
        "a.wav\tni3 hao3",
        "a.wav\tni3 hao3\t你好吗",
        "a.wav\t\t",
        "a.wav ni3 hao3 你好",
        "",
        "a.wav\tni3 hao3\t你好\tmore",
    ],
)
def test_foreign_lines(line, path):
    path.write_text("\n".join([LINES[0], line, ""]), encoding="utf-8")
    with pytest.raises(pinyin_text.TranscriptError) as caught:
        pinyin_text.read(path)
    message = str(caught.value)
    assert f"{path}:2: expected" in message and "\n" not in message


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", None])
def test_foreign_files(content, tmp_path):
    path = tmp_path / "absent.txt"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(pinyin_text.TranscriptError, match="absent.txt: expected"):
        pinyin_text.read(path)


def test_real_transcripts():
    folder = pathlib.Path(__file__).parents[2] / "shared" / "text" / "transcripts"
    if not folder.is_dir():
        pytest.skip("needs the Chinese text beside the checkout")
    sentences = pinyin_text.distinct(pinyin_text.read(folder / "thchs_test.txt"))
    assert len(sentences) == 250
    assert all(len(one.syllables) == len(one.text) for one in sentences)
