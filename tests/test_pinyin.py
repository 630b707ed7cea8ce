"""Readings, sandhi, numbers and phones: THCHS-30, pypinyin and planted answers."""

import os
import pathlib
import random
import re
import subprocess
import sys
import unicodedata

import pypinyin
import pytest
from pypinyin.contrib import tone_convert

from zhasr import neutral_tone, numerals, pinyin, tone_sandhi

AISHELL = (
    pathlib.Path(__file__).parents[2]
    / "shared/corpora/data_aishell/transcript/aishell_transcript_v0.8.txt"
)

# Sentence A11_0 of THCHS-30: the three lines of its transcript.
WORDS = (
    "绿 是 阳春 烟 景 大块 文章 的 底色 四月 的 林 峦 更是 绿 得 鲜活 秀媚 诗意 盎然"
)
SYLLABLES = (
    "lv4 shi4 yang2 chun1 yan1 jing3 da4 kuai4 wen2 zhang1 de5 di3 se4 si4 yue4 de5 "
    "lin2 luan2 geng4 shi4 lv4 de5 xian1 huo2 xiu4 mei4 shi1 yi4 ang4 ran2"
).split()
PHONES = (
    "l v4 sh ix4 ii iang2 ch un1 ii ian1 j ing3 d a4 k uai4 uu un2 zh ang1 d e5 d i3 "
    "s e4 s iy4 vv ve4 d e5 l in2 l uan2 g eng4 sh ix4 l v4 d e5 x ian1 h uo2 x iu4 "
    "m ei4 sh ix1 ii i4 aa ang4 r an2"
).split()

# More gold pinyin of THCHS-30, with every rule of sandhi inside words.
GOLD = {
    "他仅凭腰部的力量在泳道上下翻腾蛹动蛇行状如海豚一直以一头的优势领先": (
        "ta1 jin3 ping2 yao1 bu4 de5 li4 liang4 zai4 yong3 dao4 shang4 xia4 fan1 teng2 "
        "yong3 dong4 she2 xing2 zhuang4 ru2 hai3 tun2 yi4 zhi2 yi3 yi4 tou2 de5 you1 "
        "shi4 ling3 xian1"
    ),
    "一进门我被惊呆了这户名叫庞吉的老农是抗美援朝负伤回乡的老兵妻子长年有病家徒四壁"
    "一贫如洗": (
        "yi2 jin4 men2 wo3 bei4 jing1 dai1 le5 zhe4 hu4 ming2 jiao4 pang2 ji2 de5 lao3 "
        "nong2 shi4 kang4 mei3 yuan2 chao2 fu4 shang1 hui2 xiang1 de5 lao3 bing1 qi1 "
        "zi5 chang2 nian2 you3 bing4 jia1 tu2 si4 bi4 yi4 pin2 ru2 xi3"
    ),
    "亚硝胺类在变质的食物中含量比较多所以应少吃些腌肉腌菜熏鱼之类的食品": (
        "ya4 xiao1 an4 lei4 zai4 bian4 zhi4 de5 shi2 wu4 zhong1 han2 liang4 bi3 jiao4 "
        "duo1 suo2 yi3 ying1 shao3 chi1 xie1 yan1 rou4 yan1 cai4 xun1 yu2 zhi1 lei4 "
        "de5 shi2 pin3"
    ),
    "工厂和厂房依山而建全部配备排污系统你见不到黑烟听不到噪声也看不到污水": (
        "gong1 chang3 he2 chang3 fang2 yi1 shan1 er2 jian4 quan2 bu4 pei4 bei4 pai2 "
        "wu1 xi4 tong3 ni3 jian4 bu2 dao4 hei1 yan1 ting1 bu2 dao4 zao4 sheng1 ye3 "
        "kan4 bu2 dao4 wu1 shui3"
    ),
    "据加拿大广播公司报道说加拿大一艘武装巡逻艇今天傍晚已经出海": (
        "ju4 jia1 na2 da4 guang3 bo1 gong1 si1 bao4 dao4 shuo1 jia1 na2 da4 yi4 sou1 "
        "wu3 zhuang1 xun2 luo2 ting3 jin1 tian1 bang4 wan3 yi3 jing1 chu1 hai3"
    ),
}


def test_phones_are_the_third_line_of_thchs30():
    assert pinyin.targets("initial-final", SYLLABLES) == PHONES
    assert pinyin.syllables_from_labels("initial-final", PHONES) == SYLLABLES


def test_readings_are_the_second_line_of_thchs30():
    assert pinyin.syllables(WORDS) == SYLLABLES
    assert pinyin.targets("character", SYLLABLES, pinyin.normalise(WORDS)) == list(
        WORDS.replace(" ", "")
    )


@pytest.mark.parametrize("text", GOLD)
def test_readings_are_the_gold_ones(text):
    assert pinyin.syllables(text) == GOLD[text].split()


# The phone chart


@pytest.mark.parametrize("tone", range(6))
def test_every_syllable_splits_and_joins(tone):
    for base in pinyin.SYLLABLES:
        syllable = base + (str(tone) if tone else "")
        initial, final, found = pinyin.split_syllable(syllable)
        assert initial in pinyin.INITIALS and final in pinyin.FINALS
        assert found == tone == pinyin.tone(syllable)
        assert pinyin.join_syllable(initial, final, tone) == syllable
        assert pinyin.base(syllable) == base
        labels = pinyin.targets("initial-final", [syllable])
        assert pinyin.syllables_from_labels("initial-final", labels) == [syllable]


def test_phones_agree_with_pypinyin():
    renamed = {"iou": "iu", "uei": "ui", "uen": "un"}
    for base in pinyin.SYLLABLES - {"yo", "yai", "lo"}:
        initial, final, _ = pinyin.split_syllable(base)
        expected = tone_convert.to_finals(base, strict=True, v_to_u=False)
        assert re.sub("i[xy]", "i", final) == renamed.get(expected, expected), base
        consonant = tone_convert.to_initials(base, strict=True)
        assert consonant == ("" if initial in pinyin.ZERO_INITIALS else initial), base


def test_chart_holds_what_pypinyin_reads_and_nothing_else():
    read = set()
    for readings in pypinyin.pinyin_dict.pinyin_dict.values():
        for reading in readings.split(","):
            read.add(tone_convert.to_normal(reading, v_to_u=False))
    hesitations = {"n", "ng", "m", "hm", "hng"}
    dialect = {"biang", "bong", "din", "len", "wong"}  # one or two odd characters
    assert read - pinyin.SYLLABLES == hesitations | dialect | {"ê"}
    assert pinyin.SYLLABLES - read == {"yai"}
    assert 400 <= len(pinyin.SYLLABLES) <= 420


@pytest.mark.parametrize(
    ("syllable", "parts"),
    [
        ("er2", ("ee", "er", 2)),
        ("wen2", ("uu", "un", 2)),
        ("wei4", ("uu", "ui", 4)),
        ("weng1", ("uu", "ueng", 1)),
        ("you3", ("ii", "iu", 3)),
        ("yong4", ("ii", "iong", 4)),
        ("yun2", ("vv", "vn", 2)),
        ("xue2", ("x", "ve", 2)),
        ("lve4", ("l", "ve", 4)),
        ("lu4", ("l", "u", 4)),
        ("zi5", ("z", "iy", 5)),
        ("ri4", ("r", "ix", 4)),
        ("ou3", ("oo", "ou", 3)),
    ],
)
def test_split(syllable, parts):
    assert pinyin.split_syllable(syllable) == parts


@pytest.mark.parametrize(
    "wrong", ["", "shi6", "shi0", "shi44", "SHI4", "ng2", "hm1", "bua1", "4", "lü4"]
)
def test_what_is_no_syllable(wrong):
    assert not pinyin.is_syllable(wrong)
    with pytest.raises(ValueError, match=re.escape(repr(wrong))):
        pinyin.split_syllable(wrong)


def test_join_refuses_what_mandarin_does_not_have():
    with pytest.raises(ValueError, match="'b'.*'iang'"):
        pinyin.join_syllable("b", "iang", 4)
    with pytest.raises(ValueError, match="tone 6"):
        pinyin.join_syllable("sh", "ix", 6)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("lü4", "lv4"),
        ("lu:4", "lv4"),
        ("LV4", "lv4"),
        ("lǜ", "lv4"),
        ("lǚ", "lv3"),
        ("lüè", "lve4"),
        ("nue4", "nve4"),
        ("jv2", "ju2"),
        ("yü2", "yu2"),
        ("ma0", "ma5"),
        ("hǎo", "hao3"),
        ("r5", "er5"),
        ("r2", "er2"),
        ("ê4", "ei4"),
        ("ế", "ei2"),
        (" ni3 ", "ni3"),
        ("ma", "ma"),
    ],
)
def test_normalise_syllable(written, expected):
    assert pinyin.normalise_syllable(written) == expected
    assert pinyin.normalise_syllable(unicodedata.normalize("NFD", written)) == expected


def test_normalise_syllable_gives_the_neutral_tone_where_asked():
    assert pinyin.normalise_syllable("de", neutral=True) == "de5"
    assert pinyin.normalise_syllable("de2", neutral=True) == "de2"


@pytest.mark.parametrize("wrong", ["", "hm1", "ni3hao3", "ni34", "old1", "你", "hǎo3"])
def test_normalise_syllable_names_what_it_refuses(wrong):
    with pytest.raises(ValueError, match=repr(wrong)):
        pinyin.normalise_syllable(wrong)


# Targets and back


@pytest.mark.parametrize("kind", pinyin.KINDS)
def test_labels_become_the_syllables_again(kind):
    text = pinyin.normalise(WORDS)
    labels = pinyin.targets(kind, SYLLABLES, text)
    toneless = [pinyin.base(syllable) for syllable in SYLLABLES]
    expected = toneless if kind == "base-syllable" else SYLLABLES
    assert pinyin.syllables_from_labels(kind, labels) == expected
    assert pinyin.targets(kind, [], "") == []
    assert pinyin.syllables_from_labels(kind, []) == []


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ("sh", []),  # an initial alone
        ("n h ao3", ["hao3"]),
        ("ang4", ["ang4"]),  # finals alone
        ("ian1 u4 v3 iu2 er2", ["yan1", "wu4", "yu3", "you2", "er2"]),
        ("uu ian1", ["yan1"]),  # another zero initial
        ("sh i4 z ix4 j iy1", ["shi4", "zi4", "ji1"]),
        ("j u4 x uan1 l uo4", ["ju4", "xuan1", "luo4"]),
        ("b iang4", ["?b+iang4"]),
        ("ong1", ["?ong1"]),
        ("n i3 h ao", ["ni3", "hao"]),
    ],
)
def test_mistakes_of_a_network_become_one_syllable_per_final(labels, expected):
    assert pinyin.syllables_from_labels("initial-final", labels.split()) == expected


def test_what_no_spelling_fits_keeps_its_phones():
    assert pinyin.targets("initial-final", ["?b+iang4", "?ong1"]) == [
        "b",
        "iang4",
        "ong1",
    ]
    assert (pinyin.base("?b+iang4"), pinyin.tone("?b+iang4")) == ("?b+iang", 4)


def test_characters_without_a_reading_stand_for_themselves():
    labels = list("你好A")
    assert pinyin.syllables_from_labels("character", labels) == ["ni2", "hao3", "?A"]


def test_any_row_of_phones_can_be_joined():
    chance = random.Random(0)
    initials, finals = sorted(pinyin.INITIALS), sorted(pinyin.FINALS)
    toned = [final + tone for final in finals for tone in "12345"]
    for _ in range(300):
        labels = chance.choices(initials + toned, k=chance.randrange(12))
        found = pinyin.syllables_from_labels("initial-final", labels)
        assert len(found) == sum(label in toned for label in labels)
        assert pinyin.targets("initial-final", found) is not None


def test_targets_refuse_an_unknown_kind_and_a_missing_text():
    with pytest.raises(ValueError, match="'phoneme'"):
        pinyin.targets("phoneme", ["ni3"])
    with pytest.raises(ValueError, match="'phoneme'"):
        pinyin.syllables_from_labels("phoneme", ["ni3"])
    with pytest.raises(ValueError, match="text is empty"):
        pinyin.targets("character", ["ni3"])
    with pytest.raises(ValueError, match="'ng2'"):
        pinyin.targets("initial-final", ["ng2"])


# Text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ""),
        ("，。！？…—— \t\n", ""),
        ("你 好，世界！", "你好世界"),
        ("Ｌｅｔ　it Go", "LETITGO"),
        ("\ufeff二〇一五", "二零一五"),
        ("25℃", "二十五摄氏度"),
        ("⼀⼆", "一二"),  # Kangxi radicals
        ("１００％", "百分之一百"),
        ("_你_好_", "你好"),
        ("Привет", "ПРИВЕТ"),
    ],
)
def test_normalise(text, expected):
    assert pinyin.normalise(text) == expected


def test_normalise_never_fails_and_has_no_more_to_do():
    chance = random.Random(0)
    for _ in range(2000):
        limit = chance.choice((128, 0x3000, 0xFFFF, 0x10FFFF))
        text = "".join(chr(chance.randrange(limit)) for _ in range(12))
        once = pinyin.normalise(text)
        assert pinyin.normalise(once) == once, repr(text)
    assert pinyin.normalise("9" * 5000) == "九" * 5000


def test_only_hanzi():
    assert pinyin.has_only_hanzi("你好") and pinyin.has_only_hanzi("𠮷㐂")
    assert not pinyin.has_only_hanzi("")
    assert not pinyin.has_only_hanzi("买APPLE")
    assert pinyin.unreadable("买 apple 的, Я") == "APPLEЯ"
    assert pinyin.unreadable("5 个。") == ""


def test_latin_letters_are_named():
    with pytest.raises(ValueError, match="'LETITGO'"):
        pinyin.syllables("想听歌曲Let It Go")
    with pytest.raises(ValueError, match="瓧"):
        pinyin.syllables("瓧")
    assert pinyin.syllables("。。。") == []


VALUES = {"两": 2} | {hanzi: value for value, hanzi in enumerate(numerals.DIGITS)}


def value_of(text):
    """Reads a hanzi number back, by the sum of its parts."""
    total = group = digit = 0
    for hanzi in text:
        if hanzi in VALUES:
            digit = VALUES[hanzi]
        elif hanzi in "十百千":
            group += (digit or 1) * {"十": 10, "百": 100, "千": 1000}[hanzi]
            digit = 0
        else:
            total += (group + digit) * {"万": 10**4, "亿": 10**8}[hanzi]
            group = digit = 0
    return total + group + digit


def test_numbers_can_be_read_back():
    chance = random.Random(0)
    numbers = list(range(2000))
    numbers += [chance.randrange(10 ** chance.randrange(1, 13)) for _ in range(2000)]
    for number in numbers:
        text = numerals.number(number)
        assert value_of(text) == number, text
        assert "零零" not in text and not (number and text.endswith("零")), text


@pytest.mark.parametrize(
    ("written", "spoken"),
    [
        ("0", "零"),
        ("10", "十"),
        ("15个", "十五个"),
        ("110", "一百一十"),
        ("1001", "一千零一"),
        ("2个", "两个"),
        ("2月2日", "二月二日"),
        ("12个", "十二个"),
        ("200", "二百"),
        ("2000", "两千"),
        ("20000", "两万"),
        ("100010", "十万零一十"),
        ("100,001,000", "一亿零一千"),
        ("2024年", "二零二四年"),
        ("2015-2016年", "二零一五-二零一六年"),
        ("2000多年", "两千多年"),
        ("3.14", "三点一四"),
        ("0.5%", "百分之零点五"),
        ("007", "零零七"),
        ("999999", "九十九万九千九百九十九"),
        ("1234567", "一二三四五六七"),
        ("13812345678", "一三八一二三四五六七八"),
        ("1,000,000", "一百万"),
        ("1,23", "一,二十三"),
        ("2分之1", "二分之一"),
        ("3亿", "三亿"),
    ],
)
def test_digits_are_read(written, spoken):
    assert numerals.spell(written) == spoken


# Tones as spoken


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("不是", "bu2 shi4"),
        ("不好", "bu4 hao3"),
        ("不能不去", "bu4 neng2 bu2 qu4"),
        ("全部在", "quan2 bu4 zai4"),  # 部 is not 不
        ("一定", "yi2 ding4"),
        ("一个", "yi2 ge4"),
        ("一起", "yi4 qi3"),
        ("一年", "yi4 nian2"),
        ("一天一天", "yi4 tian1 yi4 tian1"),
        ("统一的", "tong3 yi1 de5"),
        ("第一个", "di4 yi1 ge4"),
        ("星期一上课", "xing1 qi1 yi1 shang4 ke4"),
        ("另一个", "ling4 yi2 ge4"),
        ("同一问题", "tong2 yi2 wen4 ti2"),
        ("一九九一", "yi1 jiu2 jiu3 yi1"),
        ("一月一日", "yi1 yue4 yi1 ri4"),
        ("十一万", "shi2 yi1 wan4"),
        ("一百一十一", "yi4 bai3 yi1 shi2 yi1"),
        ("看一看", "kan4 yi5 kan4"),
        ("他有一", "ta1 you3 yi1"),
        ("你好", "ni2 hao3"),
        ("老师", "lao3 shi1"),
        ("我很好", "wo2 hen2 hao3"),
        ("我买水果", "wo2 mai3 shui2 guo3"),
        ("我喜欢老板", "wo2 xi3 huan5 lao2 ban3"),
        ("展览馆", "zhan2 lan2 guan3"),
        ("岂有此理", "qi2 you3 ci2 li3"),
        ("香港演员", "xiang1 gang3 yan3 yuan2"),
        ("你好，我走", "ni2 hao3 wo2 zou3"),  # no sandhi over the comma
        ("我，你", "wo3 ni3"),
    ],
)
def test_sandhi(text, expected):
    assert pinyin.syllables(text) == expected.split()


def test_without_sandhi_the_tones_are_those_of_the_dictionary():
    text = "你好，一个，不是，一起，不客气"
    expected = "ni3 hao3 yi1 ge4 bu4 shi4 yi1 qi3 bu4 ke4 qi5"
    assert pinyin.syllables(text, sandhi=False) == expected.split()


def test_sandhi_changes_tones_only():
    text = pinyin.normalise("".join(GOLD))
    plain, spoken = pinyin.syllables(text, sandhi=False), pinyin.syllables(text)
    assert [pinyin.base(each) for each in plain] == [
        pinyin.base(each) for each in spoken
    ]
    assert plain != spoken


def test_sandhi_of_nothing():
    assert tone_sandhi.spoken([]) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("妈妈的朋友", "ma1 ma5 de5 peng2 you5"),
        ("大学生", "da4 xue2 sheng1"),
        ("吃得香", "chi1 de5 xiang1"),
        ("取得", "qu3 de2"),
        ("愉快地笑", "yu2 kuai4 de5 xiao4"),
        ("冷冷地看着", "leng2 leng3 de5 kan4 zhe5"),
        ("优质地王", "you1 zhi4 di4 wang2"),
        ("拿地很难", "na2 di4 hen3 nan2"),
        ("重庆银行", "chong2 qing4 yin2 hang2"),
        ("嗯", "en2"),
        ("女儿", "nv3 er2"),
    ],
)
def test_readings(text, expected):
    assert pinyin.syllables(text) == expected.split()


def test_neutral_words_have_two_characters():
    assert all(len(word) == 2 for word in neutral_tone.WORDS)


def test_every_syllable_of_a_text_is_legal():
    if not AISHELL.is_file():
        pytest.skip(f"no {AISHELL.name} beside the project")
    lines = AISHELL.read_text(encoding="utf-8").splitlines()
    for line in lines:
        text = pinyin.normalise(line.split(maxsplit=1)[1])
        if pinyin.has_only_hanzi(text):
            found = pinyin.syllables(text)
            assert len(found) == len(text), line
            assert all(map(pinyin.is_syllable, found)), line
            assert all(map(pinyin.tone, found)), line


@pytest.mark.slow
def test_silent_and_lazy_without_a_temporary_folder(tmp_path):
    program = (
        "import sys; from zhasr import pinyin\n"
        "assert not {'jieba', 'pypinyin'} & set(sys.modules)\n"
        "print(pinyin.syllables('你好'))"
    )
    found = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        capture_output=True,
        text=True,
        env=os.environ
        | {"TMPDIR": str(tmp_path / "absent"), "PYTHONPYCACHEPREFIX": str(tmp_path)},
        cwd=pathlib.Path(__file__).parents[1],
    )
    assert (found.stdout, found.stderr) == ("['ni2', 'hao3']\n", "")
