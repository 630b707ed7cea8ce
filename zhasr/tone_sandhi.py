"""Tone sandhi: from the tones of the dictionary to the tones that are spoken.

The rules are those of Duanmu, The Phonology of Standard Chinese (2nd edition, 2007),
chapter 11 (third tone), and Chao, A Grammar of Spoken Chinese (1968), chapter 1
(一, 不), made simple enough to be computed from words alone:

- 不 is bu2 before a fourth tone: bu2 shi4.
- 一 is yi2 before a fourth tone and yi4 before a first, second or third: yi2 ding4,
  yi4 qi3. It stays yi1 at the end of a word or phrase (统一, 第一, 星期一), in a row
  of digits (一九九一), after 第, 初, 十 and as a rank (一月, 一号, 一级); it is neutral
  in 看一看.
- A third tone before a third tone becomes a second one: ni2 hao3. First within each
  foot, from left to right; a foot is a word, or two syllables of a long word (the odd
  one joins the last two). Then from left to right where a foot of one syllable leans
  on a next one that still begins with a third tone: wo2 | hen2 | hao3, but
  wo3 | lao2 ban3. A longer foot keeps its last tone: xiang1 gang3 | yan3 yuan2.

Speakers differ where words meet; this is one careful reading of them. (The gold pinyin
of THCHS-30 stops at the word: wo3 | hen3 | hao3.)
"""

DIGITS = frozenset("零〇一二三四五六七八九")
LARGE_UNITS = frozenset("百千万亿")
RANK_BEFORE = frozenset("第初十")  # 第一个, 初一, 十一万
RANK_AFTER = frozenset("月号级")  # 一月 is January
POINTERS = frozenset("同任")  # 同一 个 is tong2 yi2 ge4


def spoken(words):
    """Applies the rules to one phrase: words between two pauses.

    Args:
        words: list of (word, syllables): hanzi and as many toned syllables, with the
            tones of the dictionary.

    Returns:
        list of str, the syllables as spoken.

    Example:
        >>> spoken([("我", ["wo3"]), ("买", ["mai3"]), ("水果", ["shui3", "guo3"])])
        ['wo2', 'mai3', 'shui2', 'guo3']
        >>> spoken([("不是", ["bu4", "shi4"]), ("一样", ["yi1", "yang4"])])
        ['bu2', 'shi4', 'yi2', 'yang4']
    """
    characters = "".join(word for word, _ in words)
    syllables = [syllable for _, readings in words for syllable in readings]
    tones = "".join(syllable[-1] for syllable in syllables)
    ends = _ends_of_long_words(words)
    for position, character in enumerate(characters):
        following = tones[position + 1 : position + 2]
        if character == "不" and following == "4":
            syllables[position] = "bu2"
        elif character == "一":
            tone = _yi(characters, position, following, position in ends)
            syllables[position] = f"yi{tone}"
    return _third_tones(syllables, [foot for word, _ in words for foot in _feet(word)])


def _ends_of_long_words(words):
    """The positions of the last syllables of words of two and more."""
    ends, position = set(), 0
    for word, _ in words:
        position += len(word)
        if len(word) > 1:
            ends.add(position - 1)
    return ends


def _yi(characters, position, following, ends_word):
    """The tone of 一 before a syllable with the tone `following` ("" at the end)."""
    before = characters[position - 1 : position]
    after = characters[position + 1 : position + 2]
    if _is_number_or_rank(before, after) or (ends_word and before not in POINTERS):
        return 1
    if before and before == after and characters[position - 2 : position - 1] != "一":
        return 5  # 看一看; but 一天一天 is yi4 tian1 yi4 tian1
    if following == "4" or after == "个":
        return 2
    return 4 if following in ("1", "2", "3") else 1


def _is_number_or_rank(before, after):
    """Whether 一 is said as a figure between these two characters."""
    return (
        before in RANK_BEFORE
        or before in DIGITS
        or (before in LARGE_UNITS and after == "十")
        or (before == "月" and after == "日")
        or after in RANK_AFTER
        or after in DIGITS
    )


def _feet(word):
    """Lengths of the feet of a word: 2, 3, 2 + 2, 2 + 3, 2 + 2 + 2 syllables."""
    pairs, odd = divmod(len(word), 2)
    if not pairs:
        return [1]
    return [2] * (pairs - 1) + [2 + odd]


def _third_tones(syllables, feet):
    """Third tone sandhi, in place: within the feet, then between them."""
    starts = [sum(feet[:number]) for number in range(len(feet))]
    for start, length in zip(starts, feet, strict=True):
        for position in range(start, start + length - 1):
            _raise_third_tone(syllables, position)
    for start, length in zip(starts[:-1], feet, strict=False):
        if length == 1:
            _raise_third_tone(syllables, start)
    return syllables


def _raise_third_tone(syllables, position):
    """Makes a third tone before a third tone a second one, in place."""
    if syllables[position][-1] == "3" == syllables[position + 1][-1]:
        syllables[position] = syllables[position][:-1] + "2"
