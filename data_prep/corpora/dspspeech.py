"""DSPSpeech-20: twelve words, recorded by students in their browsers (MIT).

    speech_data/15307110189/15307110189-00-01.wav     speaker-label-take

The label is the word, in the order of `WORDS`; there is no transcript file. Real
rooms, real microphones: some takes are cut or clipped.

Six speakers are `test`, always. `dev` are two others, 17307130106 and 16307130023:
of the rest they have the smallest SHA-256 of the name, so nobody chose them. All
speakers say the same twelve words: the test is one of voices, not of sentences.
"""

import pathlib
import re

from data_prep.corpora import base

NAME = "dspspeech"
SOURCES = (
    base.Source(
        "DSPSpeech-20",
        "34 students of Digital Signal Processing, Spring 2019; published by "
        "zhongyuchen",
        "MIT (https://mit-license.org)",
        "https://github.com/zhongyuchen/DSPSpeech-20",
    ),
)
TEST_SPEAKERS = frozenset(
    "15307110264 15307130233 16307130025 16307130194 16307130322 17307130162".split()
)
DEV_SPEAKERS = frozenset({"17307130106", "16307130023"})
WORDS = (  # label, word, as spoken
    ("数字", ("shu4", "zi4")),
    ("语音", ("yu3", "yin1")),
    ("语言", ("yu3", "yan2")),
    ("识别", ("shi2", "bie2")),
    ("中国", ("zhong1", "guo2")),
    ("总工", ("zong3", "gong1")),
    ("北京", ("bei3", "jing1")),
    ("背景", ("bei4", "jing3")),
    ("上海", ("shang4", "hai3")),
    ("商行", ("shang1", "hang2")),
    ("复旦", ("fu4", "dan4")),
    ("饭店", ("fan4", "dian4")),
)
TAKE = re.compile(r"(?P<speaker>\d+)-(?P<label>\d\d)-(?P<take>\d\d)")


def read(source: pathlib.Path) -> base.Corpus:
    """Read DSPSpeech-20.

    Args:
        source: The folder `speech_data`, or one of the two above it.

    Returns:
        Entries of the splits train, dev and test, by speaker.

    Raises:
        CorpusError: `source` is not DSPSpeech-20.
    """
    root = base.locate(
        source,
        ["speech_data", "DSPSpeech-20/speech_data"],
        lambda folder: any(TAKE.match(path.name) for path in folder.glob("*/*")),
        "SPEAKER/SPEAKER-LABEL-TAKE.wav as in DSPSpeech-20/speech_data",
    )
    paths = sorted(path for path in root.glob("*/*") if base.is_audio(path))
    found = [_entry(path) for path in paths]
    entries = [item for item in found if isinstance(item, base.Entry)]
    rejected = [item for item in found if isinstance(item, base.Rejected)]
    return base.corpus(entries, rejected, [_note(entries)])


def _entry(path: pathlib.Path) -> base.Entry | base.Rejected:
    match = TAKE.fullmatch(path.stem)
    if not match or int(match["label"]) >= len(WORDS):
        reason = f"expected a name SPEAKER-LABEL-TAKE with label 00-{len(WORDS) - 1}"
        return base.Rejected(path.stem, path, reason)
    word, syllables = WORDS[int(match["label"])]
    speaker = match["speaker"]
    return base.Entry(path.stem, path, word, speaker, syllables, split_of(speaker))


def split_of(speaker: str) -> str:
    """Return the split that a speaker belongs to.

    Example:
        >>> split_of("15307110264"), split_of("17307130106"), split_of("15307110189")
        ('test', 'dev', 'train')
    """
    if speaker in TEST_SPEAKERS:
        return "test"
    return "dev" if speaker in DEV_SPEAKERS else "train"


def _note(entries: list[base.Entry]) -> str:
    speakers = {split: set() for split in ("train", "dev", "test")}
    for entry in entries:
        speakers[entry.split].add(entry.speaker)
    return (
        "speakers: "
        + ", ".join(f"{len(names)} {split}" for split, names in speakers.items())
        + "; the same twelve words in every split"
    )
