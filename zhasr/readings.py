"""How words are read, with weights: what a lexicon is built from.

pypinyin gives the main reading of a word, from its dictionary of phrases or character
by character. A character that has several readings gives further ones of less weight
to every word it is in, because speakers and dictionaries differ (成绩 is cheng2 ji4 or
cheng2 ji1, 一场 yi1 chang3 or yi1 chang2), and because pypinyin errs.

A reading is a tuple of *symbols*: toned syllables, but 一, 不 and 儿 stand for
themselves, since their tones depend on what is said around them (`zhasr.variants`).
"""

import collections
import functools

from zhasr import neutral_tone, pinyin

OWN_SYMBOLS = {"一": "yi", "不": "bu", "儿": "er"}  # to their base syllable
# Readings as words of one character; pypinyin has others first.
COMMON = {"地": "de5", "得": "de5", "着": "zhe5", "谁": "shei2", "个": "ge5"}
COMMON |= {"那": "nei4", "这": "zhei4", "哪": "nei3"}
COMMON_SHARE = 0.5  # of the readings of such a character
SEEN_SHARE = 0.1  # of the readings of a character, for those that words have
OTHER_SHARE = 0.04  # for all that pypinyin lists
LEAST_SHARE = 0.001  # rarer ones are left out
MOST_READINGS = 4  # of a word of two and more characters
FREQUENT = 20_000  # words that have more than their main reading


def of_words(words, counts):
    """Weighs the readings of all words of a vocabulary.

    Args:
        words: sequence of str, hanzi; others have no reading.
        counts: sequence of numbers, how often each word occurs in the text.

    Returns:
        list over the words of dict: reading (tuple of symbols) to its probability
        given the word, the main one first; empty where there is no reading.

    Example:
        >>> readings = of_words(["行长", "不大", "OK"], [1, 1, 1])
        >>> [next(iter(found), None) for found in readings]
        [('hang2', 'zhang3'), ('不', 'da4'), None]
    """
    mains = [_main_reading(word) for word in words]
    seen = collections.defaultdict(collections.Counter)
    for word, main, count in zip(words, mains, counts, strict=True):
        for character, symbol in zip(word, main, strict=False):
            seen[character][symbol] += count * (len(word) > 1)
    shares = {character: _shares(character, seen[character]) for character in seen}
    least = sorted(counts)[-FREQUENT] if len(counts) > FREQUENT else 0
    return [
        _weigh(word, main, shares, count >= least) if main else {}
        for word, main, count in zip(words, mains, counts, strict=True)
    ]


def _main_reading(word):
    """The symbols of pypinyin's reading, or () where there is none."""
    import pypinyin

    if not word or not all(map(pinyin.has_only_hanzi, word)):
        return ()
    found = pypinyin.lazy_pinyin(
        word,
        style=pypinyin.Style.TONE3,
        neutral_tone_with_five=True,
        errors=lambda text: list(text),
    )
    symbols = tuple(map(_symbol, word, found))
    return symbols if all(symbols) else ()


def _symbol(character, spelling):
    """The symbol of one of pypinyin's spellings, None if it is no syllable."""
    toneless = spelling.rstrip("12345")
    vowelless = pinyin.VOWELLESS.get(toneless)
    if vowelless:
        spelling = vowelless + spelling[len(toneless) :]
    try:
        return symbol(character, pinyin.normalise_syllable(spelling, neutral=True))
    except ValueError:
        return None


def symbol(character, syllable):
    """The symbol of a syllable: itself, except of 一, 不 and 儿.

    Example:
        >>> symbol("一", "yi2"), symbol("壹", "yi1")
        ('一', 'yi1')
    """
    own = OWN_SYMBOLS.get(character) == pinyin.base(syllable)
    return character if own else syllable


@functools.cache
def _character_symbols(character):
    """All symbols of a character that pypinyin lists, the commonest first."""
    import pypinyin

    [spellings] = pypinyin.pinyin(
        character,
        style=pypinyin.Style.TONE3,
        heteronym=True,
        neutral_tone_with_five=True,
    )
    symbols = [_symbol(character, spelling) for spelling in spellings]
    return tuple(dict.fromkeys(symbol for symbol in symbols if symbol))


def _shares(character, seen):
    """Reading to share of one character, as a word by itself; they sum to one."""
    symbols = dict.fromkeys([*_character_symbols(character), *seen])
    shares = dict.fromkeys(symbols, OTHER_SHARE / len(symbols))
    total = sum(seen.values())
    for symbol, count in seen.items():
        shares[symbol] += SEEN_SHARE * count / total if total else 0
    if character in COMMON:
        shares[COMMON[character]] = COMMON_SHARE
    shares[next(iter(symbols))] += 1 - sum(shares.values())
    return shares


def _weigh(word, main, shares, frequent):
    """The readings of one word: the main one, and others in one character."""
    if len(word) == 1:
        readings = {(symbol,): share for symbol, share in shares[word].items()}
        return _pruned(readings)
    others = collections.Counter()
    if neutral_tone.ends_lightly(word) and main[-1] not in OWN_SYMBOLS:
        others[(*main[:-1], pinyin.base(main[-1]) + "5")] = COMMON_SHARE
    for place, character in enumerate(word if frequent else ""):
        for symbol, share in shares[character].items():
            if symbol != main[place]:
                other = (*main[:place], symbol, *main[place + 1 :])
                others[other] += min(share, OTHER_SHARE)
    best = dict(others.most_common(MOST_READINGS - 1))
    return _pruned({main: 1.0, **best})


def _pruned(readings):
    """Without rare readings, summing to one again."""
    total = sum(readings.values())
    kept = {one: share / total for one, share in readings.items()}
    kept = {one: share for one, share in kept.items() if share >= LEAST_SHARE}
    total = sum(kept.values())
    return {one: share / total for one, share in kept.items()}
