"""Single words, the hanzi in the file name: audio-cmn (HSK words) and seedlingo.

    audio-cmn/64k/hsk/cmn-名字.mp3           8,596 words, Yue Tan, CC BY-SA
    seedlingo/content/audio/名字.mp3         some 200 words, CC BY-SA 4.0

Names are understood so:

    cmn-名字, 名字         the word
    教4                    seedlingo: the character with the tone that was spoken
    cmn-玩儿               儿 is a syllable of its own (er), as in THCHS-30, although
                           the speaker joins it to the one before
    cmn-长                 set aside: one character with two readings, and the
                           recording does not say which (see `AMBIGUOUS`)
    cmn-一_也_             set aside: a pattern with gaps (一…也…)
    他她它                 set aside: three spellings of one spoken word
    短文12-1-q1            set aside: a sentence that the name does not give

Words of several characters are read as the dictionary has them.

`dev` is 5 % of the words, the same ones in both corpora; no training recording has
the same word. One voice: there is no `test`.
"""

import functools
import pathlib
import re

from data_prep.corpora import base
from zhasr import pinyin

NAME = "words"
PREFIX = "cmn-"
FOLDERS = (
    "hsk",
    "96k/hsk",
    "64k/hsk",
    "24k-abr/hsk",
    "18k-abr/hsk",
    "audio-cmn/96k/hsk",
    "audio-cmn/64k/hsk",
    "audio-cmn/24k-abr/hsk",
    "audio-cmn/18k-abr/hsk",
    "content/audio",
    "seedlingo/content/audio",
)
VOICES = {True: "audio-cmn-yue-tan", False: "seedlingo"}  # with PREFIX, without
SOURCES = (
    base.Source(
        "audio-cmn, words of the HSK list",
        "Yue Tan (voice), Hugo Lopez (collection), Nicolas Vion (recording)",
        "CC BY-SA, as http://packs.shtooka.net/cmn-caen-tan/readme.txt says",
        "https://github.com/hugolpz/audio-cmn",
        frozenset({VOICES[True]}),
    ),
    base.Source(
        "seedlingo (Li Ai Shizi), audio",
        "nodepa",
        "CC BY-SA 4.0 (https://creativecommons.org/licenses/by-sa/4.0/)",
        "https://github.com/nodepa/seedlingo",
        frozenset({VOICES[False]}),
    ),
)
DEV_SHARE = 0.05  # of the words
WORD = re.compile(r"[\u4e00-\u9fff]+|[\u4e00-\u9fff][1-5]")
SEVERAL_READINGS = "a single character with several readings"
SPOKEN_ONCE = frozenset({"他她它", "他们她们"})

# Characters that, standing alone, have two readings in use, or one that pypinyin does
# not put first (嚼 脏 掺). Drawn up from those with several readings in pypinyin whose
# first reading makes up less than 95 % of the words of jieba's dictionary (weighted
# by frequency) that contain them; taken out of the list: characters whose other
# readings never stand alone (给 gei3, its ji3 only in 给予); added: those whose
# second reading is a word but in few compounds (教 数 种), and particles.
AMBIGUOUS = frozenset(
    "为乐了似供倒假兴刨削剥劈劲勒卜卷只吐吗吧呀呢咋咽哄哇哦啦嘛处奔尽差干应当"
    "弹待得扎扒折担拧拽挑挣挨掺撇撒散斗晃晕更杆框溜漂爪率的相着磨禁空粘糊累缝翘"
    "脏舍薄血觉调谁豁转轧载还重量钉钻铺长间阿闷露颇蒙场子切嚼"
    "中冲划地教数旋涨熟盛系种结绷背炸"
    "们啊嗯噢呐哟唉喽嘿哼呵"
)


def read(source: pathlib.Path) -> base.Corpus:
    """Read the words of one voice.

    Args:
        source: The folder with the recordings, or the top folder of audio-cmn or
            seedlingo.

    Returns:
        Entries of the splits train and dev.

    Raises:
        CorpusError: `source` holds no recordings named by a word in hanzi.
    """
    root = base.locate(
        source,
        FOLDERS,
        lambda folder: any(
            WORD.fullmatch(path.stem.removeprefix(PREFIX))
            for path in base.audio_files(folder)
        ),
        "recordings named by word (cmn-名字.mp3) as in audio-cmn/64k/hsk or "
        "seedlingo/content/audio",
    )
    entries, rejected = [], []
    for path in base.audio_files(root):
        voice = VOICES[path.name.startswith(PREFIX)]
        name = f"{voice}-{path.stem.removeprefix(PREFIX)}"
        try:
            word, syllables = parse_name(path.stem)
        except ValueError as error:
            rejected.append(base.Rejected(name, path, str(error)))
            continue
        split = "dev" if base.share(word) < DEV_SHARE else "train"
        entries.append(base.Entry(name, path, word, voice, syllables, split))
    return base.corpus(entries, rejected, _notes(root, rejected))


def parse_name(stem: str) -> tuple[str, tuple[str, ...] | None]:
    """Return the word that a recording is named by.

    Args:
        stem: File name without its ending.

    Returns:
        The hanzi, and the syllable where the name gives its tone, else None.

    Raises:
        ValueError: The name does not say what was spoken; says why.

    Example:
        >>> parse_name("cmn-名字"), parse_name("教4")
        (('名字', None), ('教', ('jiao4',)))
    """
    name = stem.removeprefix(PREFIX)
    if "_" in name:
        raise ValueError("a pattern with gaps")
    if not WORD.fullmatch(name):
        raise ValueError("its name is no word in hanzi")
    if name[-1].isdigit():
        return name[0], (_reading(name[0], name[1]),)
    if name in SPOKEN_ONCE:
        raise ValueError("several spellings of one spoken word")
    if name in AMBIGUOUS:
        raise ValueError(SEVERAL_READINGS)
    return name, None


def _reading(character: str, tone: str) -> str:
    """Return the one reading of a character that has the tone."""
    readings = [name for name in _readings(character) if name.endswith(tone)]
    if len(readings) != 1:
        raise ValueError("no single reading of the character has this tone")
    return readings[0]


@functools.cache
def _readings(character: str) -> list[str]:
    import pypinyin  # takes 0.4 s, and few names need it

    style = pypinyin.Style.TONE3
    found = pypinyin.pinyin(character, style=style, heteronym=True)[0]
    return [pinyin.normalise_syllable(name, neutral=True) for name in found]


def _notes(root: pathlib.Path, rejected: list[base.Rejected]) -> list[str]:
    single = sum(item.reason == SEVERAL_READINGS for item in rejected)
    return [
        f"words from {root.parent.name}/{root.name}",
        f"{single:,} single characters have several readings and were set aside",
    ]
