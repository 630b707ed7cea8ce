"""THCHS-30: 30 hours of read news, with gold pinyin (OpenSLR 18, Apache-2.0).

    data_thchs30/
      data/A11_0.wav, A11_0.wav.trn, ...      every recording and transcript
      train/A11_0.wav, A11_0.wav.trn, ...     the .trn here holds one line:
      dev/                                      ../data/A11_0.wav.trn
      test/                                   (or is a symbolic link to that file)

`data/A11_0.wav.trn` in full, words / toned syllables / phones:

    绿 是 阳春 烟 景 大块 文章 的 底色 四月 的 林 峦 更是 绿 得 鲜活 秀媚 诗意 盎然
    lv4 shi4 yang2 chun1 yan1 jing3 da4 kuai4 wen2 zhang1 de5 di3 se4 si4 yue4 ...
    l v4 sh ix4 ii iang2 ch un1 ii ian1 j ing3 d a4 k uai4 uu un2 zh ang1 d e5 ...

The second line is how the sentence was spoken, tone sandhi included; it is what
`Entry.syllables` holds. The third line says the same in phones and is not read.
`B11_374` has a stray ` l =` in its first line.

Splits. Every sentence and every speaker of the official development split is also
in the training split: an error rate on it says nothing about new sentences. So
`dev` here is cut from the official training split: the sentences of group C whose
number is a multiple of 4, read by C17, C18 and C20. To keep it clean, training
loses these three speakers and these 63 sentences:

    official training split   10,000
      train                    8,553   remains
      dev                        172   no sentence and no speaker in common with train
      set aside                1,275   509 of the speakers, 766 of the sentences
    dev-official                 893   the official development split, as it is
    test                       2,495   the official test split, as it is

All held-out utterances come from one group, because only its 17 speakers read its
250 sentences: from all three groups the same would cost three times as much. The
three codes are the only ones of group C whose number (17, 18, 20) no code of the
groups A, B and D bears; should a number be a person, they are still unheard.
Source: Wang and Zhang, THCHS-30: A Free Chinese Speech Corpus, arXiv 1512.01882.
"""

import dataclasses
import pathlib
from collections import Counter
from collections.abc import Iterable

from data_prep.corpora import base
from zhasr import pinyin

NAME = "thchs30"
SOURCES = (
    base.Source(
        "THCHS-30",
        "Dong Wang, Xuewei Zhang, Zhiyong Zhang (CSLT, Tsinghua University)",
        "Apache-2.0 (https://www.apache.org/licenses/LICENSE-2.0)",
        "https://www.openslr.org/18",
    ),
)
SPLITS = ("train", "dev", "test")
EXPECTED = {"train": 10_000, "dev": 893, "test": 2_495}  # utterances
TEST_CHARACTERS = 81_139
MISSING_TEST = ("D11_784", "D12_807", "D12_808", "D32_978", "D7_999")  # never existed
TEST_SPEAKERS = ("D4", "D6", "D7", "D8", "D11", "D12", "D13", "D21", "D31", "D32")
TEST_SENTENCES = range(750, 1_000)

DEV_SPEAKERS = frozenset({"C17", "C18", "C20"})
DEV_SENTENCES = frozenset(range(500, 750, 4))
DEV_SPEAKER = "its speaker is in the clean development split, its sentence is not"
DEV_SENTENCE = "its sentence is in the clean development split, its speaker is not"
POINTER_SIZE = 200  # bytes; a file that only names another is smaller


def read(source: pathlib.Path, official: bool = False) -> base.Corpus:
    """Read THCHS-30.

    Args:
        source: The folder `data_thchs30`, or the folder that holds it.
        official: Keep the official splits (`dev` then shares every sentence and
            every speaker with `train`) instead of cutting a clean `dev`.

    Returns:
        Entries of the splits train, dev, dev-official and test.

    Raises:
        CorpusError: `source` is not THCHS-30.
    """
    entries, rejected = read_layout(source)
    notes = _missing(entries)
    if not official:
        entries, set_aside = clean_splits(entries)
        notes.append(_clean_note(entries, set_aside))
        rejected = rejected + set_aside
    return base.corpus(entries, rejected, notes)


def read_layout(source: pathlib.Path) -> tuple[list[base.Entry], list[base.Rejected]]:
    """Read train/, dev/ and test/ of a folder laid out as THCHS-30.

    Args:
        source: The top folder, or the folder that holds `data_thchs30`.

    Returns:
        Entries with the splits as they lie on disk, and what has no transcript.

    Raises:
        CorpusError: No split folder with `.trn` files is there.
    """
    root = base.locate(
        source,
        ["data_thchs30"],
        lambda folder: any(next((folder / split).glob("*.trn"), 0) for split in SPLITS),
        "train/, dev/ and test/ with .wav.trn files as in data_thchs30",
    )
    found = [
        _read_utterance(root, split, stem, path)
        for split in SPLITS
        for stem, path in _utterances(root / split)
    ]
    entries = [item for item in found if isinstance(item, base.Entry)]
    rejected = [item for item in found if isinstance(item, base.Rejected)]
    return entries, rejected


def clean_splits(
    entries: Iterable[base.Entry],
) -> tuple[list[base.Entry], list[base.Rejected]]:
    """Cut a development split that shares no speaker and no sentence with train.

    Args:
        entries: Utterances with the official splits.

    Returns:
        Entries of train, dev, dev-official and test, and the utterances of the
        official training split that had to go.
    """
    kept, set_aside = [], []
    for entry in entries:
        if entry.split == "dev":
            kept.append(_with_split(entry, "dev-official"))
        elif entry.split == "test":
            kept.append(entry)
        else:
            speaker = entry.speaker in DEV_SPEAKERS
            sentence = int(entry.id.rpartition("_")[2]) in DEV_SENTENCES
            if speaker == sentence:
                kept.append(_with_split(entry, "dev" if speaker else "train"))
            else:
                reason = DEV_SPEAKER if speaker else DEV_SENTENCE
                set_aside.append(base.Rejected(entry.id, entry.audio_filepath, reason))
    return kept, set_aside


def parse_transcript(text: str) -> tuple[str, tuple[str, ...]]:
    """Return words and toned syllables of a `.trn` file.

    Args:
        text: The three lines.

    Returns:
        The hanzi, words apart, and the syllables with ü as v.

    Raises:
        ValueError: The second line is missing or holds something else.

    Example:
        >>> parse_transcript("绿 是 阳春\\nlv4 shi4 yang2 chun1\\nl v4 sh ix4\\n")
        ('绿 是 阳春', ('lv4', 'shi4', 'yang2', 'chun1'))
    """
    lines = text.strip().splitlines()
    if len(lines) < 2:
        raise ValueError(f"expected words and pinyin in its .trn, found {lines}")
    words = lines[0].replace(" l =", "").strip()  # B11_374
    names = lines[1].split()
    return words, tuple(pinyin.normalise_syllable(name, neutral=True) for name in names)


def _utterances(folder: pathlib.Path) -> list[tuple[str, pathlib.Path]]:
    """List names and paths of recordings, with or without transcript, sorted."""
    found = {path.stem: path for path in base.audio_files(folder)}
    for transcript in folder.glob("*.trn"):
        audio = transcript.with_suffix("")
        found.setdefault(audio.stem, audio)
    return sorted(found.items())


def _read_utterance(
    root: pathlib.Path, split: str, stem: str, path: pathlib.Path
) -> base.Entry | base.Rejected:
    try:
        audio = _follow(path)
        transcript = _follow(_transcript_path(path))
        words, syllables = parse_transcript(base.read_text(transcript))
        speaker, _, sentence = stem.rpartition("_")
        if not (speaker and sentence.isdigit()):
            raise ValueError("expected a name such as A11_0 (speaker_sentence)")
    except ValueError as error:
        return base.Rejected(stem, path, str(error))
    return base.Entry(stem, audio, words, speaker, syllables, split)


def _transcript_path(audio: pathlib.Path) -> pathlib.Path:
    """Return A11_0.wav.trn, also for a recording re-encoded as A11_0.flac."""
    own = audio.with_name(audio.name + ".trn")
    return own if own.exists() else audio.with_name(audio.stem + ".wav.trn")


def _follow(path: pathlib.Path) -> pathlib.Path:
    """Return the file that a one-line text pointer names, else the path itself."""
    if not path.exists():
        link = f" (a link to {path.readlink()})" if path.is_symlink() else ""
        raise ValueError(f"{path.parent.name}/{path.name}{link} is missing")
    if path.stat().st_size > POINTER_SIZE:
        return path
    line = path.read_bytes().strip()
    if not line.startswith(b"../") or b"\n" in line:
        return path
    target = path.parent / line.decode()
    if not target.exists():
        raise ValueError(f"{path.name} points to {line.decode()}, which is missing")
    return target


def _with_split(entry: base.Entry, split: str) -> base.Entry:
    return dataclasses.replace(entry, split=split)


def _missing(entries: list[base.Entry]) -> list[str]:
    """Compare what was found with the official counts."""
    counts = Counter(entry.split for entry in entries)
    notes = [
        f"{split}: expected {expected:,} utterances, found {counts[split]:,}"
        for split, expected in EXPECTED.items()
        if counts[split] != expected
    ]
    test = [entry for entry in entries if entry.split == "test"]
    characters = sum(len(base.sentence_key(entry.text)) for entry in test)
    if characters != TEST_CHARACTERS:
        notes.append(
            f"test: expected {TEST_CHARACTERS:,} characters, found {characters:,}; "
            f"missing: {_missing_test(test)}. A rate on it is not a THCHS-30 result"
        )
    return notes


def _missing_test(test: list[base.Entry]) -> str:
    """Name the test utterances that are not there, the never recorded ones apart."""
    here = {entry.id for entry in test}
    missing = [
        f"{speaker}_{sentence}"
        for speaker in TEST_SPEAKERS
        for sentence in TEST_SENTENCES
        if f"{speaker}_{sentence}" not in here
    ]
    return base.some(sorted(set(missing) - set(MISSING_TEST))) or "no utterance"


def _clean_note(entries: list[base.Entry], set_aside: list[base.Rejected]) -> str:
    counts = Counter(entry.split for entry in entries)
    reasons = Counter(item.reason for item in set_aside)
    return (
        f"dev: clean, {counts['dev']:,} utterances cut from the official training "
        f"split (speakers {' '.join(sorted(DEV_SPEAKERS))}, every fourth sentence of "
        f"group C); training loses {len(set_aside):,} more: {reasons[DEV_SPEAKER]:,} "
        f"of these speakers, {reasons[DEV_SENTENCE]:,} of these sentences. "
        "dev-official: all its sentences and speakers are in the official training "
        "split"
    )
