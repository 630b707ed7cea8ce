"""AISHELL-1: 178 hours of read commands, places and news (OpenSLR 33, Apache-2.0).

    data_aishell/
      transcript/aishell_transcript_v0.8.txt
      wav/train/S0002/BAC009S0002W0122.wav      dev/ and test/ likewise

The archive holds one more archive for each speaker, `wav/S0002.tar.gz`;
`python -m data_prep.download aishell` unpacks these too. Transcript lines, from
the corpus and from the 1,000-sentence sample of it:

    BAC009S0002W0122 而 对 楼市 成交 抑制 作用 最 大 的 限 购
    BAC009S0150W0013 星巴克咖啡(虹桥西航二店)
    BAC009S0150W0048 想听歌曲Let It Go
    BAC009S0252W0035 时代奥特莱斯1号门
    BAC009S0252W0475 [n]一辆黑色小轿车在华威桥上发生自燃

What is in brackets is read aloud, and digits are read as numbers:
`data_prep.prepare` normalises both, and sets sentences with Latin letters aside,
because nobody wrote down how the speaker said them. `[n]` marks a noise and is
taken out here. Some 300 recordings have no transcript.

The splits are the official ones. Where there is no dev/ (the sample), every
twentieth sentence of the training speakers becomes `dev`: no shared sentences, but
shared speakers.
"""

import pathlib
import re
import unicodedata
from collections import Counter

from data_prep.corpora import base

NAME = "aishell"
SOURCES = (
    base.Source(
        "AISHELL-1",
        "Hui Bu, Jiayu Du, Xingyu Na, Bengu Wu, Hao Zheng (Beijing Shell Shell "
        "Technology)",
        "Apache-2.0 (https://www.apache.org/licenses/LICENSE-2.0); its sample of 1,000 "
        "sentences (QianZ423/kaldi-asr-aishell-sample on GitHub) states none of its "
        "own",
        "https://www.openslr.org/33",
    ),
)
SPLITS = ("train", "dev", "test")
EXPECTED = {"train": 120_098, "dev": 14_326, "test": 7_176}  # utterances
TRANSCRIPT = pathlib.PurePath("transcript", "aishell_transcript_v0.8.txt")
DEV_SHARE = 0.05  # of the training sentences, where the corpus has no dev/
NOISE = re.compile(r"\[[a-z]+\]")


def read(source: pathlib.Path) -> base.Corpus:
    """Read AISHELL-1 or a sample of it.

    Args:
        source: The folder `data_aishell`, or the folder that holds it.

    Returns:
        Entries of the splits train, dev and test.

    Raises:
        CorpusError: `source` is not AISHELL-1, or its speakers are still packed.
    """
    root = base.locate(
        source,
        ["data_aishell"],
        lambda folder: (folder / TRANSCRIPT).is_file() and (folder / "wav").is_dir(),
        f"{TRANSCRIPT} and wav/ as in data_aishell",
    )
    _check_unpacked(root / "wav")
    texts = read_transcript(root / TRANSCRIPT)
    entries, rejected, seen = [], [], set()
    for split in SPLITS:
        for path in sorted((root / "wav" / split).glob("*/*")):
            if not base.is_audio(path):
                continue
            seen.add(path.stem)
            if path.stem in texts:
                text, speaker = texts[path.stem], path.parent.name
                entry = base.Entry(path.stem, path, text, speaker, None, split)
                entries.append(entry)
            else:
                reason = f"no transcript in {TRANSCRIPT.name}"
                rejected.append(base.Rejected(path.stem, path, reason))
    notes = _notes(entries, rejected, texts.keys() - seen)
    if not any(entry.split == "dev" for entry in entries):
        entries = base.hold_out_sentences(entries, DEV_SHARE)
        notes.append(_dev_note(entries))
    return base.corpus(entries, rejected, notes)


def read_transcript(path: pathlib.Path) -> dict[str, str]:
    """Read `aishell_transcript_v0.8.txt`.

    Args:
        path: The file: id, space, sentence on each line.

    Returns:
        id -> sentence, full-width letters as plain ones, noise marks taken out.
    """
    lines = unicodedata.normalize("NFKC", base.read_text(path)).split("\n")
    pairs = (line.strip().partition(" ") for line in lines if line.strip())
    return {name: NOISE.sub("", text).strip() for name, _, text in pairs}


def _check_unpacked(wav: pathlib.Path) -> None:
    """Raise where a speaker's archive lies packed beside the split folders."""
    speakers = {path.name for path in wav.glob("*/S*")}
    packed = sorted(
        path.name
        for path in wav.glob("*.tar.gz")
        if path.name.removesuffix(".tar.gz") not in speakers
    )
    if packed:
        command = f"python -m data_prep.download aishell {wav.parent.parent}"
        raise base.CorpusError(
            f"{wav}: expected wav/train/S0002 and so on, found {len(packed)} speakers "
            f"still packed ({base.some(packed)}); unpack them: {command}"
        )


def _notes(
    entries: list[base.Entry], rejected: list[base.Rejected], unheard: set[str]
) -> list[str]:
    counts = Counter(entry.split for entry in entries)
    notes = [
        f"{split}: the whole of AISHELL-1 has {expected:,} utterances, "
        f"here are {counts[split]:,}"
        for split, expected in EXPECTED.items()
        if counts[split] != expected
    ]
    if rejected:
        notes.append(f"{len(rejected):,} recordings have no transcript")
    if unheard:
        notes.append(
            f"{len(unheard):,} transcripts have no recording: "
            f"{base.some(sorted(unheard))}"
        )
    return notes


def _dev_note(entries: list[base.Entry]) -> str:
    dev = [entry for entry in entries if entry.split == "dev"]
    speakers = sorted({entry.speaker for entry in dev})
    return (
        f"dev: there is no official one here; {len(dev):,} utterances of the training "
        f"speakers ({base.some(speakers) or 'none'}) were held out by sentence, so it "
        "shares its speakers with train"
    )
