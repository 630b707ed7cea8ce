"""The voices of the synthetic corpus: who speaks, and in what room.

Each voice is a voice file for espeak-ng (pitch, formants, roughness) and what happens
to the sound afterwards (a vocal tract of another length, a tilt of the spectrum, a
room, noise). The voices of the development and test splits lie between the training
voices, but none is one of them.
"""

import dataclasses

# In espeak-ng's Mandarin the top of the tones is 0.53 of the way from the first to the
# second number of a voice's pitch line, the bottom 0.10 (its tone table, phsource).
TOP_OF_TONES, BOTTOM_OF_TONES = 0.60, 0.10

HIGHER_FORMANTS = (4, 5, 6, 7, 8)


@dataclasses.dataclass(frozen=True)
class Voice:
    """One speaker.

    Attributes:
        name: speaker code, the first part of an utterance id.
        split: "train", "dev" or "test".
        kind: "man", "woman", "child" or "old", for people to read.
        floor: F0 of the lowest tones, Hz.
        top: F0 of the first tone, Hz.
        formants: frequencies of formants 1, 2 and 3 and above, percent of the
            standard voice.
        tract: factor on all frequencies, consonants included (a shorter vocal tract
            is above 1), made by resampling.
        widths: band widths of the formants, percent: wide sounds dull, narrow clear.
        rate: espeak-ng words per minute, before the tract factor.
        joined: share of utterances with the syllables of a word run together.
        tilt: slope of the spectrum, dB per octave above 500 Hz.
        noise: kind of background noise, see `acoustics.NOISES`.
        reverberation: decay time of the room, seconds for 60 dB; 0 is none.
        extra: more lines of the espeak-ng voice file. Never `breath`: its noise
            comes from the C library's random numbers and is never the same twice.
    """

    name: str
    split: str
    kind: str
    floor: int
    top: int
    formants: tuple[int, int, int]
    tract: float
    widths: int
    rate: int
    joined: float
    tilt: float
    noise: str
    reverberation: float
    extra: tuple[str, ...] = ()


def voice_file(voice):
    """Write the espeak-ng voice file of a voice.

    The pitch is divided by the tract factor, which multiplies it again later.

    Args:
        voice: Voice.

    Returns:
        The text of the file.
    """
    width = (voice.top - voice.floor) / (TOP_OF_TONES - BOTTOM_OF_TONES)
    low = (voice.floor - BOTTOM_OF_TONES * width) / voice.tract
    high = low + width / voice.tract
    first, second, third = voice.formants
    frequencies = {1: first, 2: second, 3: third}
    frequencies |= {number: third for number in HIGHER_FORMANTS}
    lines = [
        f"name {voice.name}",
        "language cmn",
        "phonemes cmn",
        "dictionary cmn",
        "words 1",
        f"pitch {low:.0f} {high:.0f}",
        *(
            f"formant {number} {frequency} 100 {voice.widths}"
            for number, frequency in frequencies.items()
        ),
        *voice.extra,
    ]
    return "\n".join(lines) + "\n"


VOICES = (
    # Training: nine men, eight women, four children, three old people
    Voice("A01", "train", "man", 85, 150, (100, 100, 100), 1.00, 100, 170, 0.5, 0.0,
          "white", 0.0),
    Voice("A02", "train", "man", 75, 125, (96, 95, 96), 0.97, 110, 155, 0.3, -2.0,
          "pink", 0.15, ("flutter 4", "roughness 3")),
    Voice("A03", "train", "man", 100, 185, (103, 104, 102), 1.02, 90, 190, 0.7, 1.0,
          "hum", 0.0, ("consonants 80 100",)),
    Voice("A04", "train", "man", 92, 160, (92, 98, 103), 0.94, 120, 165, 0.5, -1.0,
          "babble", 0.2, ("voicing 130",)),
    Voice("A05", "train", "man", 80, 145, (104, 96, 94), 1.00, 85, 180, 0.5, -3.0,
          "pink", 0.1, ("flutter 6", "roughness 4")),
    Voice("A06", "train", "woman", 150, 260, (115, 112, 112), 1.05, 120, 175, 0.5, 0.0,
          "white", 0.0),
    Voice("A07", "train", "woman", 165, 300, (110, 110, 114), 1.08, 130, 165, 0.4, -2.0,
          "pink", 0.2, ("roughness 3",)),
    Voice("A08", "train", "woman", 140, 245, (118, 120, 118), 1.00, 110, 190, 0.6, 1.0,
          "babble", 0.1, ("consonants 120 120",)),
    Voice("A09", "train", "woman", 175, 290, (112, 118, 110), 1.10, 140, 155, 0.3, -1.0,
          "hum", 0.15, ("flutter 5",)),
    Voice("A10", "train", "woman", 155, 285, (120, 110, 108), 1.03, 100, 185, 0.7, -3.0,
          "pink", 0.0, ("voicing 80", "roughness 1")),
    Voice("A11", "train", "child", 220, 370, (128, 126, 124), 1.10, 140, 160, 0.3, 0.0,
          "babble", 0.15),
    Voice("A12", "train", "child", 200, 330, (122, 124, 126), 1.14, 120, 170, 0.5, -1.0,
          "white", 0.0, ("flutter 6",)),
    Voice("A13", "train", "child", 240, 400, (124, 130, 120), 1.12, 130, 155, 0.4, -2.0,
          "pink", 0.25, ("voicing 80",)),
    Voice("A14", "train", "old", 95, 155, (99, 102, 98), 0.96, 130, 140, 0.3, -3.0,
          "hum", 0.2, ("flutter 14", "roughness 5")),
    Voice("A15", "train", "old", 130, 215, (108, 106, 106), 1.00, 140, 145, 0.4, -2.0,
          "pink", 0.1, ("flutter 16", "roughness 4", "voicing 80")),
    Voice("A16", "train", "man", 110, 200, (105, 102, 106), 1.05, 100, 180, 0.5, 0.0,
          "white", 0.0, ("klatt 2",)),
    Voice("A17", "train", "man", 70, 118, (94, 93, 95), 0.95, 90, 160, 0.4, -1.0,
          "hum", 0.1, ("roughness 1",)),
    Voice("A18", "train", "man", 98, 170, (102, 106, 100), 1.03, 110, 185, 0.6, 1.0,
          "babble", 0.0, ("klatt 4",)),
    Voice("A19", "train", "woman", 145, 235, (108, 114, 116), 1.02, 105, 170, 0.5, -2.0,
          "white", 0.15, ("roughness 3",)),
    Voice("A20", "train", "woman", 180, 320, (116, 116, 120), 1.09, 120, 180, 0.6, 0.0,
          "pink", 0.0, ("flutter 1",)),
    Voice("A21", "train", "woman", 168, 270, (113, 108, 118), 1.06, 100, 160, 0.4, -1.0,
          "hum", 0.1, ("klatt 4",)),
    Voice("A22", "train", "child", 230, 360, (130, 122, 128), 1.08, 120, 175, 0.5, 0.0,
          "pink", 0.1, ("flutter 4",)),
    Voice("A23", "train", "man", 120, 210, (107, 104, 110), 1.04, 120, 185, 0.6, -2.0,
          "babble", 0.15, ("consonants 110 110",)),
    Voice("A24", "train", "old", 150, 235, (110, 112, 104), 1.01, 130, 150, 0.3, -1.0,
          "white", 0.2, ("flutter 12", "roughness 3")),
    # Development
    Voice("B01", "dev", "man", 88, 155, (98, 100, 98), 0.98, 105, 170, 0.5, -1.0,
          "white", 0.1, ("flutter 3",)),
    Voice("B02", "dev", "woman", 160, 275, (114, 115, 112), 1.05, 115, 175, 0.5, -1.0,
          "pink", 0.1, ("roughness 3",)),
    Voice("B03", "dev", "child", 215, 355, (124, 125, 122), 1.11, 130, 165, 0.4, -1.0,
          "hum", 0.0),
    # Test
    Voice("D01", "test", "man", 82, 140, (101, 98, 99), 0.99, 95, 175, 0.5, -1.5,
          "pink", 0.12, ("flutter 3", "roughness 3")),
    Voice("D02", "test", "man", 105, 190, (99, 103, 104), 1.01, 110, 165, 0.4, 0.5,
          "babble", 0.0, ("consonants 90 100",)),
    Voice("D03", "test", "woman", 158, 270, (116, 114, 110), 1.06, 125, 180, 0.6, -1.5,
          "hum", 0.15, ("flutter 4",)),
    Voice("D04", "test", "child", 205, 345, (123, 122, 124), 1.12, 125, 160, 0.4, -0.5,
          "white", 0.1, ("roughness 3",)),
)  # fmt: skip


def of_split(split):
    """List the voices of a split.

    Args:
        split: "train", "dev" or "test".

    Returns:
        list of Voice.
    """
    return [voice for voice in VOICES if voice.split == split]
