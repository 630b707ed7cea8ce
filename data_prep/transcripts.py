"""A transcript as a corpus has it -> normalised hanzi and toned syllables.

An utterance whose transcript cannot be used is set aside with the reason, and the
others go on.
"""

from data_prep.corpora import base
from zhasr import pinyin

SHOWN = 20  # characters of a transcript in a reason


class SetAside(ValueError):
    """An utterance that cannot be used; the message is the reason."""


def read(entry: base.Entry) -> tuple[str, tuple[str, ...]]:
    """Normalise the transcript of an entry and find its syllables.

    Args:
        entry: One utterance of a corpus; its own syllables are preferred to those
            that the hanzi suggest.

    Returns:
        Hanzi ("" where the corpus gives pinyin only), and toned syllables as spoken.

    Raises:
        SetAside: There is no transcript, or nothing in it, or something in it that
            has no Mandarin reading, or its hanzi and syllables do not match.

    Example:
        >>> read(base.Entry("1", None, "你好!", "anna", None, "train"))
        ('你好', ('ni2', 'hao3'))
    """
    if not entry.text.strip() and not entry.syllables:
        raise SetAside("no transcript; write one or leave the recording out")
    text = _hanzi(entry.text)
    syllables = _given(entry.syllables) if entry.syllables else _read_aloud(entry.text)
    if text and len(text) != len(syllables):
        raise SetAside(
            f"expected one syllable for each hanzi, received {len(syllables)} "
            f"syllables and {len(text)} hanzi: {_short(text)}"
        )
    return text, syllables


def _hanzi(raw: str) -> str:
    """Return the normalised transcript, which may be empty only if `raw` is."""
    text = pinyin.normalise(raw)
    if raw.strip() and not text:
        raise SetAside(f"nothing to score in the transcript: {_short(raw)}")
    foreign = pinyin.unreadable(raw)
    if foreign:
        raise SetAside(
            f"letters without a Mandarin reading in the transcript: {_short(foreign)}; "
            "write in hanzi how they are said"
        )
    return text


def _given(names: tuple[str, ...]) -> tuple[str, ...]:
    """Return the syllables of the corpus in the notation of `zhasr.pinyin`."""
    try:
        syllables = tuple(pinyin.normalise_syllable(name) for name in names)
    except ValueError as error:
        raise SetAside(str(error)) from None
    for syllable in syllables:
        if pinyin.tone(syllable) == 0:
            raise SetAside(f"the syllable {syllable!r} has no tone")
    return syllables


def _read_aloud(raw: str) -> tuple[str, ...]:
    try:
        return tuple(pinyin.syllables(raw))
    except ValueError as error:
        raise SetAside(str(error)) from None


def _short(text: str) -> str:
    text = " ".join(text.split())
    return repr(text if len(text) <= SHOWN else text[:SHOWN] + "…")
