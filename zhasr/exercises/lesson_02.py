"""The exercises of lesson 02, What should the machine write?"""

import random
from collections.abc import Mapping

from zhasr import exercises, pinyin

SEED = 2
PERCENT = 0.06  # how far a percentage may be off: it was read from a table


# --- split_syllable -------------------------------------------------------------------

_HINTS = {
    "ma3": "The simplest case: m, a, 3.",
    "zhang1": "Try the initials with two letters first: zh, ch, sh.",
    "xue2": "After j, q and x, u is written and ü is said: write v.",
    "lv4": "Here v is written already.",
    "shi4": "After zh, ch, sh and r the final i is not the one of ji: write ix.",
    "zi3": "After z, c and s the final i is another one again: write iy.",
    "an1": "No consonant: the initial is the first vowel, doubled.",
    "er2": "No consonant: the initial is the first vowel, doubled.",
    "yi1": "y is no consonant: before i the initial is ii and the final stays.",
    "ye3": "y without i stands for i: ie.",
    "you3": "y without i stands for i; and iou is written iu.",
    "wu3": "w is no consonant: before u the initial is uu and the final stays.",
    "wai4": "w without u stands for u: uai.",
    "wen4": "w without u stands for u; uen is written un, and uei is written ui.",
    "yuan2": "yu stands for ü: the initial is vv, the final begins with v.",
    "ma": "No digit, no tone: 0.",
}


def _syllables():
    others = sorted(pinyin.SYLLABLES)
    shuffled = random.Random(SEED)
    shuffled.shuffle(others)
    toned = [f"{each}{shuffled.randint(1, 5)}" for each in others]
    hinted = [exercises.Case((name,), hint=hint) for name, hint in _HINTS.items()]
    return hinted + [exercises.Case((name,)) for name in toned]


def _with_letters_of(syllable, rules):
    """A split that forgets some of the rules."""
    initial, final, tone = pinyin.split_syllable(syllable)
    for wrong in rules:
        initial, final = wrong(initial, final)
    return initial, final, tone


def _plain_i(initial, final):
    return initial, "i" if final in ("ix", "iy") else final


def _plain_u(initial, final):
    special = initial in "jqx" and final.startswith("v")
    return initial, "u" + final[1:] if special else final


def _tone_as_text(syllable):
    initial, final, tone = pinyin.split_syllable(syllable)
    return initial, final, str(tone)


def _tone_on_final(syllable):
    initial, final, tone = pinyin.split_syllable(syllable)
    return initial, f"{final}{tone}"


def _without_zero_initials(syllable):
    initial, _, tone = pinyin.split_syllable(syllable)
    if initial in pinyin.ZERO_INITIALS:
        return "", pinyin.base(syllable), tone
    return pinyin.split_syllable(syllable)


def _first_letter(syllable):
    initial, final, tone = pinyin.split_syllable(syllable)
    return (initial[0], initial[1:] + final, tone) if initial[1:] == "h" else None


check_split_syllable = exercises.Exercise(
    name="split_syllable",
    task="Return (initial, final, tone), such as ('zh', 'ang', 1) for 'zhang1', by "
    "the table of rules above; the tone is an int.",
    examine=exercises.by_cases(
        pinyin.split_syllable,
        _syllables,
        mistakes=[
            exercises.Mistake(
                _tone_as_text, "The tone is to be a number: 3, not the text '3'."
            ),
            exercises.Mistake(
                _tone_on_final,
                "Three things are wanted: initial, final and, by itself, the tone.",
            ),
            exercises.Mistake(
                lambda syllable: _with_letters_of(syllable, [_plain_i]),
                "The i of zi and that of zhi are two other vowels than that of ji: "
                "write iy and ix.",
            ),
            exercises.Mistake(
                lambda syllable: _with_letters_of(syllable, [_plain_u]),
                "After j, q and x the letter u means ü: write v.",
            ),
            exercises.Mistake(
                _without_zero_initials,
                "A syllable without a consonant gets a zero initial, its first vowel "
                "doubled, so that every syllable has two labels.",
            ),
            exercises.Mistake(
                _first_letter,
                "You took one letter as the initial; zh, ch and sh have two.",
            ),
        ],
    ),
    praise=f"All {len(pinyin.SYLLABLES)} syllables of Mandarin, in a dozen lines.",
    following="Which pairs of syllables would look alike if i, ix and iy were one "
    "label, and would that harm a recogniser?",
)


# --- tones as spoken ------------------------------------------------------------------

PHRASES = {
    "不好": "不 changes only before a fourth tone, and 好 has the third.",
    "不是": "不 before a fourth tone is bu2.",
    "一天": "一 before a first, second or third tone is yi4.",
    "一样": "一 before a fourth tone is yi2.",
    "第一": "As a number in a row 一 keeps its first tone.",
    "你好": "A third tone before a third tone becomes a second.",
    "好吃": "A third tone changes only before another third tone.",
}


def _spoken(phrase):
    return " ".join(pinyin.syllables(phrase))


check_spoken = exercises.Exercise(
    name="spoken_by_me",
    task="Give each phrase its syllables as spoken, such as 'ni2 hao3'.",
    examine=exercises.by_cases(
        _spoken,
        lambda: [exercises.Case((name,), hint=hint) for name, hint in PHRASES.items()],
        mistakes=[
            exercises.Mistake(
                lambda phrase: " ".join(pinyin.syllables(phrase, sandhi=False)),
                "These are the tones of the dictionary; in this phrase one of them "
                "changes.",
            )
        ],
    ),
    praise="You hear what the dictionary does not say.",
    following="A pupil reads each word alone with a pause between: which of these "
    "changes disappear?",
)


# --- the choice of a target -----------------------------------------------------------


def _examine_choice(attempt, name):
    if not isinstance(attempt, Mapping) or "table" not in attempt:
        return (
            f"Not yet: {name} is to be a dict with kind, labels, unheard and table; "
            f"received {exercises.text(attempt)}."
        )
    kind, table = attempt.get("kind"), attempt["table"]
    if kind is ... or attempt.get("labels") is ... or attempt.get("unheard") is ...:
        raise exercises.Unwritten
    if kind not in table:
        return (
            f"Not yet: {name}['kind'] is {exercises.text(kind)}; expected one of the "
            f"rows of the table: {', '.join(table)}."
        )
    labels, unheard = table[kind]
    if not exercises.same(labels, attempt.get("labels")):
        return (
            f"Not yet: {name}['labels']: expected how many labels training has for "
            f"{kind}, received {exercises.text(attempt.get('labels'))}. The first "
            "number of its row is the one."
        )
    if not exercises.same(unheard, attempt.get("unheard"), tolerance=PERCENT):
        return (
            f"Not yet: {name}['unheard']: expected the percentage of the test labels "
            f"that training never had, for {kind}, received "
            f"{exercises.text(attempt.get('unheard'))}. A share of 0.02 is 2 percent."
        )
    return ""


check_choice = exercises.Exercise(
    name="choice",
    task="Choose a kind of label and give the two numbers that speak for it or against "
    "it: how many labels there are, and the percentage of the test labels unheard.",
    examine=_examine_choice,
    praise="The numbers are right; whether they convince is for the class to say.",
    following="What does your choice leave to somebody else: the tone, the character, "
    "or a syllable that was never taught?",
)
