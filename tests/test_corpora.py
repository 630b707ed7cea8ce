"""Adapters on tiny corpora made from raw lines, and on the real recordings."""

import collections
import pathlib

import pytest

from data_prep import corpora, plan
from data_prep.corpora import (
    aishell,
    base,
    dspspeech,
    folder,
    syllables,
    synthetic,
    thchs30,
    words,
)

SHARED = pathlib.Path(__file__).parents[2] / "shared"
REAL = SHARED / "corpora"
real = pytest.mark.skipif(not REAL.is_dir(), reason=f"no recordings in {REAL}")

A11_0 = """\
绿 是 阳春 烟 景 大块 文章 的 底色 四月 的 林 峦 更是 绿 得 鲜活 秀媚 诗意 盎然
lv4 shi4 yang2 chun1 yan1 jing3 da4 kuai4 wen2 zhang1 de5 di3 se4 si4 yue4 de5 \
lin2 luan2 geng4 shi4 lv4 de5 xian1 huo2 xiu4 mei4 shi1 yi4 ang4 ran2
l v4 sh ix4 ii iang2 ch un1 ii ian1 j ing3 d a4 k uai4 uu un2 zh ang1 d e5 d i3 s e4
"""


def write(path, content=b"RIFF" * 100):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def splits(corpus):
    return dict(collections.Counter(entry.split for entry in corpus.entries))


def names(corpus, split):
    return [entry.id for entry in corpus.entries if entry.split == split]


def reasons(corpus):
    return {item.id: item.reason for item in corpus.rejected}


def check_sorted_and_unique(corpus):
    keys = [(entry.split, entry.id) for entry in corpus.entries]
    assert keys == sorted(set(keys))
    assert len({entry.id for entry in corpus.entries}) == len(corpus.entries)


# -- what all adapters share


def test_every_adapter_refuses_what_is_not_its_corpus(tmp_path):
    empty = tmp_path / "empty"
    empty.mkdir()
    write(tmp_path / "other/notes/readme.md", "hello")
    for name, adapter in corpora.ADAPTERS.items():
        assert adapter.NAME == name
        for source in (empty, tmp_path / "other", tmp_path / "nothing"):
            with pytest.raises(corpora.CorpusError, match="expected .* found") as error:
                adapter.read(source)
            assert "\n" not in str(error.value)
            assert str(source) in str(error.value)


def test_share_is_even_and_never_changes():
    values = [base.share(str(number)) for number in range(10_000)]
    assert abs(sum(value < 0.05 for value in values) - 500) < 70
    assert base.share("") == int("e3b0c44298fc1c14", 16) / 2**64  # sha256 of nothing


# -- THCHS-30


def make_thchs30(root, utterances, transcript=A11_0):
    """Write a THCHS-30 with text pointers, as the official archive has them."""
    for split, stem in utterances:
        write(root / "data" / f"{stem}.wav")
        write(root / "data" / f"{stem}.wav.trn", transcript)
        write(root / split / f"{stem}.wav")
        write(root / split / f"{stem}.wav.trn", f"../data/{stem}.wav.trn\n")
    return root


UTTERANCES = [
    ("train", "A11_0"),
    ("train", "C4_501"),
    ("train", "C4_500"),  # a sentence of the clean development split
    ("train", "C17_501"),  # a speaker of it
    ("train", "C17_500"),  # both: this is the clean development split
    ("dev", "A11_1"),
    ("dev", "C17_504"),
    ("test", "D4_750"),
]


@pytest.mark.parametrize("source", [".", "data_thchs30"])
def test_thchs30(tmp_path, source):
    make_thchs30(tmp_path / "data_thchs30", UTTERANCES)
    corpus = thchs30.read(tmp_path / source)
    check_sorted_and_unique(corpus)
    assert names(corpus, "train") == ["A11_0", "C4_501"]
    assert names(corpus, "dev") == ["C17_500"]
    assert names(corpus, "dev-official") == ["A11_1", "C17_504"]
    assert names(corpus, "test") == ["D4_750"]
    assert reasons(corpus) == {
        "C4_500": thchs30.DEV_SENTENCE,
        "C17_501": thchs30.DEV_SPEAKER,
    }
    entry = next(entry for entry in corpus.entries if entry.id == "A11_0")
    assert entry.speaker == "A11"
    assert entry.text == A11_0.splitlines()[0]
    assert entry.syllables == tuple(A11_0.splitlines()[1].split())
    assert len(entry.syllables) == len(entry.text.replace(" ", "")) == 30
    assert entry.audio_filepath == tmp_path / "data_thchs30/train/A11_0.wav"


def test_thchs30_official_splits_on_demand(tmp_path):
    corpus = thchs30.read(make_thchs30(tmp_path, UTTERANCES), official=True)
    assert splits(corpus) == {"train": 5, "dev": 2, "test": 1}
    assert corpus.rejected == []


def test_thchs30_symbolic_links_and_other_formats(tmp_path):
    root = make_thchs30(tmp_path, [("train", "A11_0"), ("train", "A11_1")])
    (root / "train/A11_0.wav.trn").unlink()
    (root / "train/A11_0.wav.trn").symlink_to("../data/A11_0.wav.trn")
    (root / "train/A11_1.wav").rename(root / "train/A11_1.flac")
    corpus = thchs30.read(root)
    assert names(corpus, "train") == ["A11_0", "A11_1"]
    assert {len(entry.syllables) for entry in corpus.entries} == {30}


def test_thchs30_takes_out_the_stray_letter_and_spells_as_elsewhere():
    text, spoken = thchs30.parse_transcript(
        "他 说 l = 绿 了\nta1 shuo1 lü4 le0\nt a1\n"
    )
    assert text == "他 说 绿 了"
    assert spoken == ("ta1", "shuo1", "lv4", "le5")


def test_thchs30_sets_aside_what_it_cannot_read(tmp_path):
    root = make_thchs30(tmp_path, [("train", f"A11_{i}") for i in range(7)])
    (root / "train/A11_1.wav.trn").unlink()
    (root / "data/A11_2.wav.trn").unlink()
    (root / "train/A11_3.wav").unlink()
    write(root / "data/A11_4.wav.trn", "只有 一 行\n")
    write(root / "data/A11_5.wav.trn", "你 好\nni2 hallo\n")
    (root / "train/A11_6.wav.trn").unlink()
    (root / "train/A11_6.wav.trn").symlink_to("../data/gone.trn")
    corpus = thchs30.read(root)
    assert names(corpus, "train") == ["A11_0"]
    found = reasons(corpus)
    assert "A11_1.wav.trn is missing" in found["A11_1"]
    assert "points to ../data/A11_2.wav.trn" in found["A11_2"]
    assert "A11_3.wav is missing" in found["A11_3"]
    assert "expected words and pinyin" in found["A11_4"]
    assert "'hallo'" in found["A11_5"]
    assert "a link to ../data/gone.trn" in found["A11_6"]


def test_thchs30_says_what_is_missing_from_the_test(tmp_path):
    test = [
        ("test", f"{speaker}_{sentence}")
        for speaker in thchs30.TEST_SPEAKERS
        for sentence in thchs30.TEST_SENTENCES
    ]
    entries = [
        base.Entry(stem, tmp_path, "字" * 40, "", (), split)
        for split, stem in test
        if stem not in ("D4_760", *thchs30.MISSING_TEST)
    ]
    note = thchs30._missing(entries)[-1]
    assert "expected 81,139 characters, found 99,760; missing: D4_760." in note


def official(split):
    """Return the entries of an official split, from the list of transcripts."""
    path = SHARED / "text/transcripts" / f"thchs_{split}.txt"
    if not path.exists():
        pytest.skip(f"no {path}")
    for line in path.read_text(encoding="utf-8").splitlines():
        wav, _, text = line.split("\t")
        stem = pathlib.PurePosixPath(wav).stem
        speaker = stem.partition("_")[0]
        yield base.Entry(stem, pathlib.Path(wav), text, speaker, (), split)


def test_thchs30_clean_split_of_the_whole_corpus_is_as_documented():
    entries = [entry for split in thchs30.SPLITS for entry in official(split)]
    assert thchs30._missing(entries) == []  # 81,139 test characters and all counts
    kept, set_aside = thchs30.clean_splits(entries)
    counts = collections.Counter(entry.split for entry in kept)
    assert counts == {"train": 8_553, "dev": 172, "dev-official": 893, "test": 2_495}
    why = collections.Counter(item.reason for item in set_aside)
    assert why == {thchs30.DEV_SPEAKER: 509, thchs30.DEV_SENTENCE: 766}
    for first, second in (("train", "dev"), ("train", "test"), ("dev", "test")):
        for field in ("speaker", "text"):
            parts = [
                {getattr(entry, field) for entry in kept if entry.split == split}
                for split in (first, second)
            ]
            assert not parts[0] & parts[1]
    assert len({entry.id for entry in kept}) == len(kept)


def test_synthetic_keeps_its_splits(tmp_path):
    utterances = [("train", "C4_500"), ("dev", "C17_501"), ("test", "D4_750")]
    corpus = synthetic.read(make_thchs30(tmp_path, utterances))
    assert splits(corpus) == {"train": 1, "dev": 1, "test": 1}
    assert corpus.rejected == []
    assert "synthetic" in corpus.notes[0]


# -- AISHELL

AISHELL_LINES = """\
BAC009S0002W0122 而 对 楼市 成交 抑制 作用 最 大 的 限 购
BAC009S0724W0121 广州市 房地产 中介 协会 分析
BAC009S0252W0475 [n]一辆黑色小轿车在华威桥上发生自燃
BAC009S0252W0153 相关公司股票走势万科Ａ保利地产
BAC009S0252W0999 没有录音
"""


def make_aishell(root, files):
    write(root / "transcript/aishell_transcript_v0.8.txt", AISHELL_LINES)
    for name in files:
        write(root / "wav" / name)
    return root


def test_aishell(tmp_path):
    make_aishell(
        tmp_path / "data_aishell",
        [
            "train/S0002/BAC009S0002W0122.wav",
            "train/S0002/BAC009S0002W0123.wav",
            "dev/S0724/BAC009S0724W0121.flac",
            "test/S0252/BAC009S0252W0475.opus",
            "test/S0252/BAC009S0252W0153.WAV",
        ],
    )
    corpus = aishell.read(tmp_path)
    check_sorted_and_unique(corpus)
    assert splits(corpus) == {"train": 1, "dev": 1, "test": 2}
    text = {entry.id: entry.text for entry in corpus.entries}
    assert text["BAC009S0002W0122"] == "而 对 楼市 成交 抑制 作用 最 大 的 限 购"
    assert text["BAC009S0252W0475"] == "一辆黑色小轿车在华威桥上发生自燃"
    assert text["BAC009S0252W0153"] == "相关公司股票走势万科A保利地产"
    assert {entry.speaker for entry in corpus.entries} == {"S0002", "S0724", "S0252"}
    assert list(reasons(corpus)) == ["BAC009S0002W0123"]
    assert "1 recordings have no transcript" in corpus.notes
    assert "1 transcripts have no recording: BAC009S0252W0999" in corpus.notes


def test_aishell_still_packed(tmp_path):
    make_aishell(tmp_path, ["train/S0002/BAC009S0002W0122.wav", "S0002.tar.gz"])
    assert splits(aishell.read(tmp_path)) == {"train": 1}  # was unpacked, archive kept
    write(tmp_path / "wav/S0003.tar.gz")
    with pytest.raises(corpora.CorpusError, match="S0003.*data_prep.download aishell"):
        aishell.read(tmp_path)


@real
def test_aishell_sample():
    corpus = aishell.read(REAL / "data_aishell")
    check_sorted_and_unique(corpus)
    assert splits(corpus) == {"train": 466, "dev": 34, "test": 500}
    assert {entry.speaker for entry in corpus.entries if entry.split == "test"} == {
        "S0252"
    }
    text = {
        split: {e.text for e in corpus.entries if e.split == split}
        for split in ("train", "dev")
    }
    assert not text["train"] & text["dev"]
    assert "shares its speakers with train" in corpus.notes[-1]
    assert not any("[n]" in entry.text for entry in corpus.entries)


# -- DSPSpeech-20


def test_dspspeech(tmp_path):
    for name in (
        "15307110189-04-01.wav",
        "15307110264-00-01.opus",
        "17307130106-09-01.mp3",
        "15307110189-12-01.wav",
        "noise.wav",
    ):
        write(tmp_path / "speech_data" / name.partition("-")[0] / name)
    corpus = dspspeech.read(tmp_path)
    found = {e.id: (e.split, e.speaker, e.text, e.syllables) for e in corpus.entries}
    assert found == {
        "15307110189-04-01": ("train", "15307110189", "中国", ("zhong1", "guo2")),
        "15307110264-00-01": ("test", "15307110264", "数字", ("shu4", "zi4")),
        "17307130106-09-01": ("dev", "17307130106", "商行", ("shang1", "hang2")),
    }
    assert set(reasons(corpus)) == {"15307110189-12-01", "noise"}


@real
def test_dspspeech_real():
    corpus = dspspeech.read(REAL / "DSPSpeech-20")
    check_sorted_and_unique(corpus)
    assert splits(corpus) == {"train": 6_023, "dev": 480, "test": 1_440}
    test = {entry.speaker for entry in corpus.entries if entry.split == "test"}
    assert test == {
        "15307110264",
        "15307130233",
        "16307130025",
        "16307130194",
        "16307130322",
        "17307130162",
    }
    rest = {entry.speaker for entry in corpus.entries} - test
    assert len(rest) == 28
    assert set(sorted(rest, key=base.share)[:2]) == dspspeech.DEV_SPEAKERS
    assert corpus.rejected == []


# -- syllables


def test_syllables(tmp_path):
    for name in ("cmn-zi4.mp3", "cmn-lü4.mp3", "cmn-_hm1.mp3", "cmn-ba5.mp3"):
        write(tmp_path / "audio-cmn/64k/syllabs" / name)
    for name in ("zi4.wav", "ba.wav", "lve2.wav", "m1.wav", "bai2-old1.wav", "x.txt"):
        write(tmp_path / "HanTTS/syllables" / name)
    chen = syllables.read(tmp_path / "audio-cmn")
    assert {entry.id: entry.syllables for entry in chen.entries} == {
        "audio-cmn-chen-wang-zi4": ("zi4",),
        "audio-cmn-chen-wang-lü4": ("lv4",),
    }
    assert len(chen.rejected) == 2
    han = syllables.read(tmp_path / "HanTTS")
    spoken = [entry.syllables for entry in sorted(han.entries, key=lambda e: e.id)]
    assert spoken == [("ba5",), ("lve2",), ("zi4",)]
    assert set(reasons(han)) == {"hantts-m1", "hantts-bai2-old1"}
    assert {(entry.text, entry.speaker) for entry in han.entries} == {("", "hantts")}


@real
def test_syllables_real():
    chen = syllables.read(REAL / "audio-cmn")
    han = syllables.read(REAL / "HanTTS/syllables")
    check_sorted_and_unique(chen)
    check_sorted_and_unique(han)
    assert splits(chen) == {"train": 1_582, "dev": 74}
    assert splits(han) == {"train": 1_952, "dev": 89}
    assert (len(chen.rejected), len(han.rejected)) == (51, 21)
    held_out = {
        split: {e.syllables for c in (chen, han) for e in c.entries if e.split == split}
        for split in ("train", "dev")
    }
    assert not held_out["train"] & held_out["dev"]
    tones = collections.Counter(entry.syllables[0][-1] for entry in han.entries)
    assert tones == {"1": 408, "2": 408, "3": 408, "4": 409, "5": 408}


# -- words


def test_words(tmp_path):
    for name in ("名字", "名字儿", "长", "人", "一_也_", "越来越_", "不_"):
        write(tmp_path / "audio-cmn/64k/hsk" / f"cmn-{name}.opus")
    write(tmp_path / "audio-cmn/64k/hsk/._cmn-人.opus")  # left there by macOS
    corpus = words.read(tmp_path / "audio-cmn/64k")
    found = [entry.text for entry in corpus.entries]
    assert sorted(found) == sorted(["名字", "名字儿", "人"])
    assert {entry.speaker for entry in corpus.entries} == {"audio-cmn-yue-tan"}
    assert {entry.syllables for entry in corpus.entries} == {None}
    found = collections.Counter(reasons(corpus).values())
    assert found == {words.SEVERAL_READINGS: 1, "a pattern with gaps": 3}
    assert "1 single characters" in corpus.notes[1]


def test_words_of_seedlingo(tmp_path):
    for name in ("教1", "教4", "数学", "短文12-1-q1", "短文介绍4", "他她它", "教3"):
        write(tmp_path / "content/audio" / f"{name}.mp3")
    corpus = words.read(tmp_path)
    assert {entry.id: entry.syllables for entry in corpus.entries} == {
        "seedlingo-教1": ("jiao1",),
        "seedlingo-教4": ("jiao4",),
        "seedlingo-数学": None,
    }
    assert len(corpus.rejected) == 4


@real
def test_words_real():
    hsk = words.read(REAL / "audio-cmn")
    seedlingo = words.read(REAL / "seedlingo")
    check_sorted_and_unique(hsk)
    assert splits(hsk) == {"train": 8_023, "dev": 418}
    assert splits(seedlingo) == {"train": 195, "dev": 8}
    assert (len(hsk.rejected), len(seedlingo.rejected)) == (155, 33)
    assert sum(r.reason == words.SEVERAL_READINGS for r in hsk.rejected) == 128
    held_out = {
        split: {e.text for c in (hsk, seedlingo) for e in c.entries if e.split == split}
        for split in ("train", "dev")
    }
    assert not held_out["train"] & held_out["dev"]


# Characters that the rule behind `words.AMBIGUOUS` also catches, although standing
# alone they have one reading, which pypinyin puts first (given here from a dictionary).
STANDING_ALONE = dict(
    pair.split(":")
    for pair in "一:yi1 不:bu4 与:yu3 便:bian4 俩:lia3 几:ji3 分:fen1 勾:gou1 厦:sha4 "
    "叉:cha1 吓:xia4 喝:he1 嚷:rang3 埋:mai2 塞:sai1 壳:ke2 夹:jia1 好:hao3 寻:xun2 "
    "将:jiang1 少:shao3 巷:xiang4 弄:nong4 强:qiang2 恶:e4 扁:bian3 扛:kang2 扫:sao3 "
    "抡:lun1 抹:mo3 搂:lou3 攒:zan3 朝:chao2 横:heng2 汗:han4 片:pian4 磅:bang4 "
    "筒:tong3 答:da2 给:gei3 绿:lv4 藏:cang2 虾:xia1 行:xing2 要:yao4 角:jiao3 "
    "趟:tang4 蹬:deng1 都:dou1 降:jiang4 难:nan2 颈:jing3 颤:chan4 鲜:xian1 龟:gui1 "
    "粥:zhou1 铅:qian1 卡:ka3".split()
)


@real
def test_ambiguous_characters_are_all_those_with_two_readings_in_use():
    import jieba
    from pypinyin import Style, constants, pinyin
    from pypinyin.contrib.tone_convert import to_tone3

    from zhasr import pinyin as syllable_names

    def spelt(reading):
        reading = to_tone3(reading, neutral_tone_with_five=True, v_to_u=False)
        return syllable_names.normalise_syllable(reading, neutral=True)

    share = collections.defaultdict(collections.Counter)
    for line in jieba.get_dict_file():
        word, frequency, _ = line.decode().split(" ")
        if len(word) > 1 and word in constants.PHRASES_DICT:
            readings = constants.PHRASES_DICT[word]
            for character, reading in zip(word, readings, strict=False):
                share[character][reading[0]] += int(frequency)
    kept = [e.text for e in words.read(REAL / "audio-cmn").entries if len(e.text) == 1]
    for character in kept:
        options = pinyin(character, style=Style.TONE3, heteronym=True)[0]
        if character in STANDING_ALONE:
            read = syllable_names.syllables(character)
            assert read == [STANDING_ALONE[character]], character
        elif len(options) > 1 and share[character]:
            full = collections.Counter()
            for reading, frequency in share[character].items():
                if not spelt(reading).endswith("5"):
                    full[spelt(reading)] += frequency
            first = syllable_names.normalise_syllable(options[0], neutral=True)
            assert full[first] >= 0.95 * full.total(), (character, full)


# -- your own data


def test_folder_of_pairs(tmp_path):
    for speaker in ("anna", "博 文", "carl"):
        for number in range(4):
            write(tmp_path / speaker / f"lesson {number}.WAV")
            text = f"\ufeff第{number}课。\r\n".encode()
            write(tmp_path / speaker / f"lesson {number}.txt", text)
    write(tmp_path / "anna/._lesson 0.WAV")  # what macOS leaves on other disks
    write(tmp_path / ".trash/old.wav")
    corpus = folder.read(tmp_path)
    check_sorted_and_unique(corpus)
    assert splits(corpus) == {"train": 4, "dev": 4, "test": 4}
    of_split = collections.defaultdict(set)
    for entry in corpus.entries:
        of_split[entry.split].add(entry.speaker)
    assert sorted(map(len, of_split.values())) == [1, 1, 1]
    assert {entry.text for entry in corpus.entries} == {f"第{n}课。" for n in range(4)}
    assert "博 文/lesson 0" in {entry.id for entry in corpus.entries}
    assert corpus.notes == ["splits: 1 of 3 speakers are test, 1 are dev"]
    assert folder.read(tmp_path) == corpus
    given = plan.read("folder", tmp_path, tmp_path / "out", "test")
    assert splits(given) == {"test": 12} and given.notes == []


def test_folder_of_one_speaker_is_split_by_sentence(tmp_path):
    for number in range(40):
        write(tmp_path / f"{number:02}.mp3")
        write(tmp_path / f"{number:02}.txt", f"句子{number // 2}")
    corpus = folder.read(tmp_path)
    assert splits(corpus) == {"train": 32, "dev": 4, "test": 4}
    sentences = [
        {e.text for e in corpus.entries if e.split == s} for s in splits(corpus)
    ]
    assert sum(map(len, sentences)) == 20


def test_folder_sets_aside_what_it_cannot_read(tmp_path):
    for name in ("good", "silent", "empty", "gbk"):
        write(tmp_path / f"{name}.wav")
    write(tmp_path / "good.flac")
    write(tmp_path / "good.txt", "好的")
    write(tmp_path / "empty.txt", "\r\n")
    write(tmp_path / "gbk.txt", "你好吗".encode("gbk"))
    corpus = folder.read(tmp_path)
    assert names(corpus, "train") == ["good.flac", "good.wav"]
    found = reasons(corpus)
    assert set(found) == {"silent", "empty", "gbk"}
    assert "silent.txt is missing" in found["silent"]
    assert "iconv -f GBK -t UTF-8 gbk.txt" in found["gbk"]


def test_folder_with_named_splits(tmp_path):
    for name in ("train/a/1", "train/b/2", "test/c/3"):
        write(tmp_path / f"{name}.ogg")
        write(tmp_path / f"{name}.txt", "好")
    corpus = folder.read(tmp_path)
    assert splits(corpus) == {"train": 2, "test": 1}
    assert [entry.speaker for entry in corpus.entries] == ["c", "a", "b"]


def test_folder_with_a_table(tmp_path):
    for name in ("a/1.wav", "a/2.wav", "b/3.wav"):
        write(tmp_path / "audio" / name)
    rows = [
        "\ufeffPath, Text,speaker,split",
        'audio/a/1.wav,"你好, 世界",,train',
        "audio/a/2.wav,再见,zoe,dev",
        "audio/b/3.wav,,,train",
        "audio/b/4.wav,没有,,train",
        "audio/a/1.wav,你好,,train",
        "audio/b/3.wav,好,,training",
    ]
    write(tmp_path / "list.csv", "\r\n".join(rows))
    corpus = folder.read(tmp_path)
    found = [(e.split, e.id, e.speaker, e.text) for e in corpus.entries]
    assert found == [
        ("dev", "audio/a/2", "zoe", "再见"),
        ("train", "audio/a/1", "a", "你好, 世界"),
    ]
    assert sorted(item.reason for item in corpus.rejected) == [
        "list.csv:4: the text is empty",
        "list.csv:5: no such recording",
        "list.csv:6: listed twice",
        "list.csv:7: listed twice",
    ]
    assert folder.read(tmp_path / "list.csv") == corpus


def test_folder_with_a_tsv_and_composed_names(tmp_path):
    write(tmp_path / "cafe\u0301.wav")  # as macOS stores it
    write(tmp_path / "x.tsv", 'path\ttext\ncaf\u00e9.wav\t他说"好\n')
    corpus = folder.read(tmp_path)
    assert [entry.text for entry in corpus.entries] == ['他说"好']
    assert corpus.entries[0].audio_filepath.exists()


@pytest.mark.parametrize(
    "table, message",
    [
        ("file;sentence\na.wav;好\n", "columns path and text"),
        ("", "columns path and text"),
        ("path,text\n", "expected recordings"),
        ("path,text\n1.wav,你好\n".encode("utf-16"), "expected UTF-8"),
    ],
)
def test_folder_with_a_wrong_table(tmp_path, table, message):
    write(tmp_path / "list.csv", table)
    with pytest.raises(corpora.CorpusError, match=message):
        folder.read(tmp_path)
