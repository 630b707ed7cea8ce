"""What a syllable that was heard, or written, may stand for in the lexicon.

The lexicon has every word once, with the tones of the dictionary. What is looked up may
be spoken (ni2 hao3, yi2 ge5, bu2 shi4, dong1 xi5) or written (ni3 hao3, yi1 ge4, bu4
shi4, dong1 xi1), with tones or without, of a recogniser that errs. Each way in which
the two differ is a *kind* with its own penalty (`zhasr.hanzi.Weights`):

    EXACT    as in the dictionary; of a syllable without a tone, any tone
    SANDHI   third tone before third tone; 一 and 不 before the tones that change them
    NEUTRAL  neutral tone for a full one, or the other way round
    TONE     another tone
    NEAREST  another syllable, the nearest by edit distance, for one that no word has

Erhua in one syllable (huar1) is taken apart: hua1 er5. The rules of sandhi are those
of `zhasr.tone_sandhi`.
"""

import functools

from zhasr import pinyin, readings

KINDS = EXACT, SANDHI, NEUTRAL, TONE, NEAREST = range(5)
TONES = range(1, 6)
FARTHEST = 2  # edits, of the nearest syllable; and no more than half its letters


def split_erhua(syllables):
    """Takes merged erhua apart and brings the spelling to the usual form.

    Args:
        syllables: sequence of str, however they are written.

    Returns:
        list of str, and list of as many int: the syllable each comes from.

    Example:
        >>> split_erhua(["wanr2", "lü4", "?ang4"])
        (['wan2', 'er5', 'lv4', '?ang4'], [0, 0, 1, 2])
    """
    found, sources = [], []
    for index, syllable in enumerate(syllables):
        parts = _parts(syllable)
        found += parts
        sources += [index] * len(parts)
    return found, sources


@functools.lru_cache(maxsize=100_000)
def _parts(syllable):
    try:
        return [pinyin.normalise_syllable(syllable)]
    except ValueError:
        toneless = syllable.rstrip("012345")
    if toneless in pinyin.VOWELLESS:
        return [pinyin.VOWELLESS[toneless] + syllable[len(toneless) :]]
    if toneless[-1:] in ("r", "R"):
        try:
            whole = pinyin.normalise_syllable(toneless[:-1] + syllable[len(toneless) :])
            return [whole, "er5"]
        except ValueError:
            pass
    return [syllable]


def alternatives(syllable, following=""):
    """The symbols of the lexicon that a syllable may stand for.

    Args:
        syllable: str of `split_erhua`.
        following: str, the syllable after it, "" at the end.

    Returns:
        dict of symbol (str) to kind; empty for what is no syllable.

    Example:
        >>> alternatives("bu2", "shi4")["不"], alternatives("ni2", "hao3")["ni3"]
        (1, 1)
    """
    if not pinyin.is_syllable(syllable):
        return {}
    after = pinyin.tone(following) if pinyin.is_syllable(following) else 0
    base, tone = pinyin.base(syllable), pinyin.tone(syllable)
    found = {f"{base}{one}": _kind(tone, one, after) for one in TONES}
    for hanzi, own_base in readings.OWN_SYMBOLS.items():
        if own_base == base:
            found[hanzi] = _OWN_KINDS[hanzi](tone, after)
    return found


def _kind(heard, tone, after):
    """How a tone was heard: 0 if none was written. `after` is the next one heard."""
    if heard in (0, tone):
        return EXACT
    if 5 in (heard, tone):
        return NEUTRAL
    if (heard, tone) == (2, 3) and after in (0, 2, 3):  # 2 may be a third tone as well
        return SANDHI
    return TONE


def _kind_of_yi(heard, after):
    """一: yi2 before a fourth or neutral tone (个), yi4 before another."""
    if heard in (2, 4) and after in {2: (0, 4, 5), 4: (0, 1, 2, 3)}[heard]:
        return SANDHI
    return _kind(heard, 1, after)


def _kind_of_bu(heard, after):
    """不: bu2 before a fourth tone."""
    return SANDHI if heard == 2 and after in (0, 4) else _kind(heard, 4, after)


def _kind_of_er(heard, after):
    """儿: er2, er5."""
    return EXACT if heard in (0, 2, 5) else TONE


_OWN_KINDS = {"一": _kind_of_yi, "不": _kind_of_bu, "儿": _kind_of_er}


@functools.lru_cache(maxsize=10_000)
def nearest(syllable, bases):
    """The bases nearest to what no word has, by edit distance.

    Args:
        syllable: str, such as "?b+iang4" (an initial and a final that do not go
            together) or "zzz".
        bases: frozenset of str, base syllables.

    Returns:
        list of str with the tone of the syllable, sorted; empty if none is near.

    Example:
        >>> nearest("?ang4", pinyin.SYLLABLES), nearest("shrui4", pinyin.SYLLABLES)
        (['ang4'], ['shui4'])
    """
    toneless = syllable.rstrip("012345")
    tone = syllable[len(toneless) :].replace("0", "")[-1:]
    letters = "".join(one for one in toneless if one.isalpha())
    distances = {base: _edits(letters, base) for base in bases}
    least = min(distances.values(), default=0)
    if least > FARTHEST or 2 * least > len(letters):
        return []
    return sorted(base + tone for base in bases if distances[base] == least)


def _edits(one, other):
    """Levenshtein distance of two short texts."""
    row = list(range(len(other) + 1))
    for index, letter in enumerate(one, start=1):
        diagonal, row[0] = row[0], index
        for place, another in enumerate(other, start=1):
            diagonal, row[place] = (
                row[place],
                min(diagonal + (letter != another), row[place] + 1, row[place - 1] + 1),
            )
    return row[-1]
