"""Hanzi to syllables, and syllables to initials, finals and tones.

A syllable is written as in THCHS-30: pinyin in lower case, ü as v, the tone as a
digit at the end, 5 for the neutral tone: `lv4 shi4 yang2 chun1`. Its phones are
the initial and the toned final, in the notation of the third line of a THCHS-30
transcript: `l v4 sh ix4 ii iang2 ch un1`.

    raw text --normalise--> hanzi --syllables--> syllables --targets--> labels
                                                 syllables <--syllables_from_labels--

jieba finds the words and pypinyin their readings; the tones that change in
connected speech (tone sandhi) are in `zhasr.tone_sandhi`, numbers in `zhasr.numerals`.
"""

import functools
import re
import unicodedata
import warnings

from zhasr import neutral_tone, numerals, tone_sandhi

KINDS = ("syllable", "base-syllable", "initial-final", "character")

# The syllable chart: the finals that each initial takes. `iy` is the vowel of zi,
# `ix` that of zhi; a syllable without a consonant has a zero initial, the first
# vowel doubled. Rare but legal: cei dei dia eng fiao kei lo nia nou nun rua tei yai
# yo zei zhei. Hesitations (n, ng, m, hm, hng) are no syllables.
FINALS_OF = {
    "b": "a ai an ang ao ei en eng i ian iao ie in ing o u",
    "p": "a ai an ang ao ei en eng i ian iao ie in ing o ou u",
    "m": "a ai an ang ao e ei en eng i ian iao ie in ing iu o ou u",
    "f": "a an ang ei en eng iao o ou u",
    "d": "a ai an ang ao e ei en eng i ia ian iao ie ing iu ong ou u uan ui un uo",
    "t": "a ai an ang ao e ei eng i ian iao ie ing ong ou u uan ui un uo",
    "n": "a ai an ang ao e ei en eng i ia ian iang iao ie in ing iu ong ou u uan un"
    " uo v ve",
    "l": "a ai an ang ao e ei eng i ia ian iang iao ie in ing iu o ong ou u uan un uo"
    " v ve",
    "g": "a ai an ang ao e ei en eng ong ou u ua uai uan uang ui un uo",
    "k": "a ai an ang ao e ei en eng ong ou u ua uai uan uang ui un uo",
    "h": "a ai an ang ao e ei en eng ong ou u ua uai uan uang ui un uo",
    "j": "i ia ian iang iao ie in ing iong iu v van ve vn",
    "q": "i ia ian iang iao ie in ing iong iu v van ve vn",
    "x": "i ia ian iang iao ie in ing iong iu v van ve vn",
    "zh": "a ai an ang ao e ei en eng ix ong ou u ua uai uan uang ui un uo",
    "ch": "a ai an ang ao e en eng ix ong ou u ua uai uan uang ui un uo",
    "sh": "a ai an ang ao e ei en eng ix ou u ua uai uan uang ui un uo",
    "r": "an ang ao e en eng ix ong ou u ua uan ui un uo",
    "z": "a ai an ang ao e ei en eng iy ong ou u uan ui un uo",
    "c": "a ai an ang ao e ei en eng iy ong ou u uan ui un uo",
    "s": "a ai an ang ao e en eng iy ong ou u uan ui un uo",
    "aa": "a ai an ang ao",
    "oo": "o ou",
    "ee": "e ei en eng er",
    "ii": "i ia iai ian iang iao ie in ing io iong iu",
    "uu": "u ua uai uan uang ueng ui un uo",
    "vv": "v van ve vn",
}
ZERO_INITIALS = ("aa", "oo", "ee", "ii", "uu", "vv")
INITIALS = frozenset(FINALS_OF)
FINALS = frozenset(final for row in FINALS_OF.values() for final in row.split())

HANZI = "〇㐀-䶿一-鿿\U00020000-\U000323af"  # unified ideographs, inside [ ]
SYMBOLS = {"°C": "摄氏度", "°": "度", "〇": "零", "_": " "}  # after NFKC, upper case
TONE_MARKS = {"\u0304": "1", "\u0301": "2", "\u030c": "3", "\u0300": "4"}
# Where jieba leaves one of these alone it is a particle; pypinyin reads it full.
PARTICLES = {"得": "de5", "着": "zhe5"}
# Syllables without a vowel have no place in the chart: the nearest that has one.
VOWELLESS = {"n": "en", "ng": "en", "m": "mu", "hm": "heng", "hng": "heng"}
UNKNOWN = "?"  # begins a syllable that no legal spelling fits

_NOT_HANZI = re.compile(f"[^{HANZI}]")
_PAUSE = re.compile(r"[^\w\s]+")
_ADVERB = re.compile(r"(.)\1地$")  # 慢慢地
_SYLLABLE = re.compile(r"([a-z]+)([0-5]?)")


def _spell(initial, final):
    """The pinyin spelling of an initial and a final: sh, ix -> shi."""
    if initial in ("aa", "oo", "ee"):
        return final
    if initial in ("j", "q", "x"):
        return initial + final.replace("v", "u")
    if initial == "vv":
        return "yu" + final[1:]
    if initial == "uu":
        special = {"u": "wu", "ui": "wei", "un": "wen"}
        return special.get(final, "w" + final[1:])
    if initial == "ii":
        special = {"i": "yi", "in": "yin", "ing": "ying", "iu": "you"}
        return special.get(final, "y" + final[1:])
    return initial + ("i" if final in ("ix", "iy") else final)


_PARTS = {
    _spell(initial, final): (initial, final)
    for initial, row in FINALS_OF.items()
    for final in row.split()
}
_SPELLINGS = {parts: spelling for spelling, parts in _PARTS.items()}
SYLLABLES = frozenset(_PARTS)


def normalise(text):
    """Brings a transcript to the form that is scored. Never raises.

    Unicode form NFKC (full-width letters become plain), Latin letters in upper case,
    digits as they are read (see `zhasr.numerals`), no spaces, no punctuation.

    Args:
        text: str, any text.

    Returns:
        str of hanzi and whatever other letters there were; "" if nothing is left.

    Example:
        >>> normalise("我 有2个 ＡＢc，25%。")
        '我有两个ABC百分之二十五'
    """
    return "".join(_phrases(text))


def has_only_hanzi(text):
    """Whether a normalised text is hanzi throughout, and not empty."""
    return bool(text) and not unreadable(text)


def unreadable(text):
    """The characters of a transcript that have no syllable: Latin letters and such.

    An utterance can be scored if this is "" and `normalise` leaves something.

    Example:
        >>> unreadable("买 apple 的")
        'APPLE'
    """
    return "".join(_NOT_HANZI.findall(normalise(text)))


def syllables(text, sandhi=True):
    """Reads hanzi: the toned syllables that a speaker says.

    Pass the raw transcript where there is one: punctuation is a pause, and tone
    sandhi does not reach over it.

    Args:
        text: str, hanzi; it is normalised first.
        sandhi: bool, the tones as spoken (`zhasr.tone_sandhi`), otherwise those of
            the dictionary.

    Returns:
        list of str, one toned syllable for each hanzi, ü as v, neutral tone 5.

    Raises:
        ValueError: a character has no Mandarin reading.

    Example:
        >>> syllables("你好，我不是女老师")
        ['ni2', 'hao3', 'wo3', 'bu2', 'shi4', 'nv2', 'lao3', 'shi1']
    """
    spoken = []
    for phrase in _phrases(text):
        if _NOT_HANZI.search(phrase):
            raise ValueError(
                f"{unreadable(text)!r} in {text!r} has no Mandarin reading: expected "
                "hanzi, digits and punctuation. Write it in hanzi or leave it out."
            )
        pairs = _read_words(words(phrase))
        if sandhi:
            spoken += tone_sandhi.spoken(pairs)
        else:
            spoken += [syllable for _, readings in pairs for syllable in readings]
    return spoken


def words(phrase):
    """Cuts hanzi into the words of jieba's dictionary; none are guessed.

    Args:
        phrase: str of hanzi without punctuation.

    Returns:
        list of str.

    Example:
        >>> words("我们学习语音识别")
        ['我们', '学习', '语音', '识别']
    """
    return list(_tokenizer().cut(phrase, HMM=False))




def _phrases(text):
    """The normalised pieces of a text between its punctuation marks."""
    text = numerals.spell(unicodedata.normalize("NFKC", text).upper())
    for symbol, hanzi in SYMBOLS.items():
        text = text.replace(symbol, hanzi)
    pieces = ("".join(piece.split()) for piece in _PAUSE.split(text))
    return [piece for piece in pieces if piece]


@functools.cache
def _tokenizer():
    """jieba's word segmentation, without its messages and without its cache file.

    Building the dictionary takes 0.7 s, hardly longer than reading the cache, and a
    cache in a shared temporary folder may be another version's, or not writable.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pkg_resources, invalid escapes
        import jieba
    tokenizer = jieba.Tokenizer()
    tokenizer.FREQ, tokenizer.total = tokenizer.gen_pfdict(tokenizer.get_dict_file())
    tokenizer.initialized = True
    return tokenizer


def _read_words(found):
    """Pairs of each word and its syllables. 地 is de5 after an adverb, else di4."""
    pairs = []
    for before, word, after in zip(["", *found], found, [*found[1:], ""], strict=False):
        adverb = word == "地" and len(before) > 1 and after not in ("", "王")
        pairs.append((word, ["de5"] if adverb else _readings(word)))
    return pairs


@functools.cache
def _readings(word):
    """The syllables of one word with the tones of the dictionary."""
    import pypinyin

    if word in PARTICLES:
        return [PARTICLES[word]]
    readings = pypinyin.lazy_pinyin(
        word,
        style=pypinyin.Style.TONE3,
        v_to_u=False,
        neutral_tone_with_five=True,
        errors=list,
    )
    found = [_legal_reading(*pair) for pair in zip(word, readings, strict=True)]
    if neutral_tone.ends_lightly(word):
        found[-1] = base(found[-1]) + "5"
    if _ADVERB.search(word):
        found[-1] = "de5"
    return found


def _legal_reading(hanzi, reading):
    """One syllable of pypinyin's, made legal; 一 and 不 without their sandhi."""
    if hanzi in "一不":
        return {"一": "yi1", "不": "bu4"}[hanzi]
    spelling = VOWELLESS.get(reading[:-1])
    if spelling:
        return spelling + reading[-1]
    try:
        return normalise_syllable(reading)
    except ValueError:
        raise ValueError(f"{hanzi!r} has no Mandarin reading in pypinyin") from None


def normalise_syllable(text, neutral=False):
    """Brings one syllable, however it is written, to the form used here.

    Args:
        text: str: "lü4", "lu:4", "LV4", "lǜ", "lue4", "ma0", "r5" (er alone).
        neutral: bool, give a syllable without a tone the neutral tone 5; otherwise
            it stays without.

    Returns:
        str such as "lv4".

    Raises:
        ValueError: it is no legal syllable.

    Example:
        >>> [normalise_syllable(text) for text in ("lǜ", "Lu:4", "nue4", "ma0", "r5")]
        ['lv4', 'lv4', 'nve4', 'ma5', 'er5']
    """
    spelling, tones = "", ""
    for character in unicodedata.normalize("NFD", text.strip().lower()):
        if character in TONE_MARKS:
            tones += TONE_MARKS[character]
        elif character == "\u0308":  # the two dots of ü
            spelling = spelling[:-1] + "v"
        elif character.isdigit():
            tones += character.replace("0", "5")
        elif character != "\u0302":  # ê is written e: ê1 is ei1
            spelling += character
        else:
            spelling += "i"
    spelling = _usual_spelling(spelling.replace("u:", "v"))
    tones = tones or ("5" if neutral else "")
    if not is_syllable(spelling + tones):
        raise ValueError(
            f"{text!r} is no syllable of Mandarin: expected pinyin with the tone as a "
            "digit, such as 'lv4'"
        )
    return spelling + tones


def _usual_spelling(spelling):
    """Other ways to write the same base syllable: nue, jv, r."""
    if spelling == "r":
        return "er"
    if spelling in ("lue", "nue"):
        return spelling.replace("u", "v")
    if spelling[:1] in ("j", "q", "x", "y"):
        return spelling.replace("v", "u")
    return spelling


def is_syllable(text):
    """Whether a text is a legal syllable as written here, with a tone 1-5 or none."""
    match = _SYLLABLE.fullmatch(text)
    return bool(match) and match[1] in _PARTS and match[2] != "0"


def base(syllable):
    """The syllable without its tone: "shi4" is "shi"."""
    return syllable.rstrip("012345")


def tone(syllable):
    """The tone as an int, 5 for neutral, 0 if none is written: "shi4" is 4."""
    return int(syllable[len(base(syllable)) :] or 0)


@functools.cache
def split_syllable(syllable):
    """Splits a syllable as the third line of a THCHS-30 transcript does.

    Args:
        syllable: str, "shi4"; "shi" has tone 0.

    Returns:
        (initial, final, tone): str, str, int, such as ("sh", "ix", 4).

    Raises:
        ValueError: it is no legal syllable.

    Example:
        >>> split_syllable("yuan2"), split_syllable("ju4"), split_syllable("er5")
        (('vv', 'van', 2), ('j', 'v', 4), ('ee', 'er', 5))
    """
    if not is_syllable(syllable):
        raise ValueError(
            f"{syllable!r} is no syllable of Mandarin: expected one such as 'shi4'"
        )
    return (*_PARTS[base(syllable)], tone(syllable))


def join_syllable(initial, final, tone):
    """The inverse of `split_syllable`.

    Args:
        initial: str, "sh", or a zero initial such as "ii".
        final: str without tone, "ix".
        tone: int, 1-5; 0 writes no tone.

    Returns:
        str, "shi4".

    Raises:
        ValueError: Mandarin has no such syllable.
    """
    if (initial, final) not in _SPELLINGS or tone not in range(6):
        raise ValueError(
            f"Mandarin has no syllable of initial {initial!r}, final {final!r} and "
            f"tone {tone!r}"
        )
    return _SPELLINGS[initial, final] + (str(tone) if tone else "")


def targets(kind, syllables, text=""):
    """The labels that a network of one kind learns for an utterance.

    Args:
        kind: str, one of `KINDS`.
        syllables: sequence of str, toned syllables; those that
            `syllables_from_labels` could not spell are taken apart again.
        text: str, the normalised hanzi; only kind "character" needs it.

    Returns:
        list of str.

    Raises:
        ValueError: unknown kind, no such syllable, or no text where it is needed.

    Example:
        >>> targets("initial-final", ["lv4", "shi4"])
        ['l', 'v4', 'sh', 'ix4']
    """
    if kind == "syllable":
        return list(syllables)
    if kind == "base-syllable":
        return [base(syllable) for syllable in syllables]
    if kind == "initial-final":
        return [label for syllable in syllables for label in _phones(syllable)]
    _check_kind(kind)
    if not text and syllables:
        raise ValueError("character labels need the hanzi, and the text is empty")
    return list(text)


def syllables_from_labels(kind, labels):
    """Syllables from what a network wrote; never fails on its mistakes.

    Initials and finals: every final makes one syllable. An initial that no final
    follows is dropped; a final alone takes its zero initial; the variants of i
    (i, ix, iy) and of u (u, v) follow the initial; what no spelling fits becomes
    "?b+iang4". Characters are read by `syllables`; others stand as "?A".

    Args:
        kind: str, one of `KINDS`.
        labels: sequence of str, without blanks.

    Returns:
        list of str; toneless for kind "base-syllable".

    Raises:
        ValueError: unknown kind.

    Example:
        >>> syllables_from_labels("initial-final", ["n", "i3", "h", "ao3", "ang1"])
        ['ni3', 'hao3', 'ang1']
    """
    _check_kind(kind)
    if kind == "character":
        return _syllables_from_characters("".join(labels))
    if kind != "initial-final":
        return list(labels)
    found, initial = [], ""
    for label in labels:
        if label in INITIALS:
            initial = label
        else:
            found.append(_nearest_syllable(initial, label))
            initial = ""
    return found


def _check_kind(kind):
    if kind not in KINDS:
        raise ValueError(f"expected a kind of label in {KINDS}, received {kind!r}")


def _phones(syllable):
    """The labels of one syllable: initial and toned final, or those of "?b+iang4"."""
    if syllable.startswith(UNKNOWN):
        return syllable[len(UNKNOWN) :].split("+")
    initial, final, _ = split_syllable(syllable)
    return [initial, final + syllable[len(base(syllable)) :]]


@functools.cache
def _nearest_syllable(initial, label):
    """The syllable of an initial ("" if there was none) and a toned final."""
    final, digit = base(label), label[len(base(label)) :]
    initials = [initial] if initial else []
    if initial in ("", *ZERO_INITIALS):
        initials += ZERO_INITIALS
    alike = {"i": ("ix", "iy"), "ix": ("iy", "i"), "iy": ("ix", "i")}.get(final, ())
    swapped = {"u": "v", "v": "u"}.get(final[:1], final[:1]) + final[1:]
    for candidate in (final, *alike, swapped):
        for beginning in initials:
            if (beginning, candidate) in _SPELLINGS:
                return _SPELLINGS[beginning, candidate] + digit
    return UNKNOWN + "+".join(filter(None, (initial, label)))


def _syllables_from_characters(text):
    """Reads a hypothesis of hanzi and, it may be, letters that have no reading."""
    found = []
    for piece in re.findall(f"[{HANZI}]+|[^{HANZI}]", text):
        found += [UNKNOWN + piece] if _NOT_HANZI.match(piece) else syllables(piece)
    return found
