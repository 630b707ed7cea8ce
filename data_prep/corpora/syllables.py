"""Single syllables, the toned pinyin in the file name: audio-cmn and HanTTS.

    audio-cmn/64k/syllabs/cmn-zi4.mp3      Chen Wang, CC BY-SA (also 18k-abr, 24k-abr)
    HanTTS/syllables/zi4.wav               one male voice, MIT

Names are understood so:

    cmn-zi4, zi4, lv4      the syllable
    ba (HanTTS)            neutral tone, ba5: the voice was recorded with five tones
                           of each syllable and its program asks for `ba` where
                           pypinyin says neutral; the clips are a third shorter
                           (0.29 s, others 0.38-0.51 s in the middle)
    cmn-ba5                set aside: 19 files of up to 5 s with several syllables
    cmn-_hm1, m, hm        set aside: hesitations and dialect, no syllables
    bai2-old1              set aside: a take that the corpus has in a better cut

There is no text, so these recordings serve all kinds of labels but `character`.
`dev` is 5 % of the toned syllables, the same ones for both voices. There is no
`test`: leave one voice out as a whole.
"""

import pathlib

from data_prep.corpora import base
from zhasr import pinyin

NAME = "syllables"
FOLDERS = (
    "syllabs",
    "64k/syllabs",
    "24k-abr/syllabs",
    "18k-abr/syllabs",
    "audio-cmn/64k/syllabs",
    "audio-cmn/24k-abr/syllabs",
    "audio-cmn/18k-abr/syllabs",
    "syllables",
    "HanTTS/syllables",
)
PREFIX = "cmn-"
VOICES = {True: "audio-cmn-chen-wang", False: "hantts"}  # with PREFIX, without
SOURCES = (
    base.Source(
        "audio-cmn, syllables",
        "Chen Wang (voice), Hugo Lopez (collection)",
        "CC BY-SA, no version is named (https://creativecommons.org/licenses/by-sa/4.0/"
        " is the newest)",
        "https://github.com/hugolpz/audio-cmn",
        frozenset({VOICES[True]}),
    ),
    base.Source(
        "HanTTS, syllables",
        "junzew",
        "MIT (https://opensource.org/license/mit)",
        "https://github.com/junzew/HanTTS",
        frozenset({VOICES[False]}),
    ),
)
DEV_SHARE = 0.05  # of the toned syllables


def read(source: pathlib.Path) -> base.Corpus:
    """Read one voice.

    Args:
        source: The folder with the recordings, or the top folder of audio-cmn or
            HanTTS.

    Returns:
        Entries without text, of the splits train and dev.

    Raises:
        CorpusError: `source` holds no recordings named by a syllable.
    """
    root = base.locate(
        source,
        FOLDERS,
        lambda folder: any(map(_is_syllable, base.audio_files(folder))),
        "recordings named by syllable (cmn-zi4.mp3, zi4.wav) as in audio-cmn/64k/"
        "syllabs or HanTTS/syllables",
    )
    entries, rejected = [], []
    for path in base.audio_files(root):
        prefixed = path.name.startswith(PREFIX)
        name = f"{VOICES[prefixed]}-{path.stem.removeprefix(PREFIX)}"
        try:
            syllable = parse_name(path.stem)
        except ValueError as error:
            rejected.append(base.Rejected(name, path, str(error)))
            continue
        split = "dev" if base.share(syllable) < DEV_SHARE else "train"
        entries.append(base.Entry(name, path, "", VOICES[prefixed], (syllable,), split))
    voices = sorted({entry.speaker for entry in entries})
    notes = [f"voice {' and '.join(voices)} from {root.parent.name}/{root.name}"]
    return base.corpus(entries, rejected, notes)


def parse_name(stem: str) -> str:
    """Return the toned syllable that a recording is named by.

    Args:
        stem: File name without its ending.

    Returns:
        The syllable, ü as v, neutral tone 5.

    Raises:
        ValueError: The name stands for no single syllable; says why.

    Example:
        >>> parse_name("cmn-lü4"), parse_name("ba")
        ('lv4', 'ba5')
    """
    name = stem.removeprefix(PREFIX)
    if "-old" in name:
        raise ValueError("a take that the corpus has in a better cut")
    if name != stem and name.endswith("5"):
        raise ValueError("the recordings of neutral tones hold several syllables")
    if name != stem and not name[-1:].isdigit():
        raise ValueError("its name carries no tone")
    try:
        return pinyin.normalise_syllable(name, neutral=True)
    except ValueError:
        raise ValueError("its name is no syllable of Mandarin") from None


def _is_syllable(path: pathlib.Path) -> bool:
    try:
        return bool(parse_name(path.stem))
    except ValueError:
        return False
