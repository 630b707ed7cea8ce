"""Answers to the exercises of lesson 02, right and typically wrong."""

TWO_LETTERS = ("zh", "ch", "sh")


def split_syllable(syllable):
    tone = int(syllable[-1]) if syllable[-1].isdigit() else 0
    letters = syllable.rstrip("12345")
    if letters[0] in "yw":
        return (*without_consonant(letters), tone)
    if letters[0] in "aoe":
        return letters[0] * 2, letters, tone
    length = 2 if letters.startswith(TWO_LETTERS) else 1
    initial, final = letters[:length], letters[length:]
    if initial in ("j", "q", "x") and final[0] == "u":
        final = "v" + final[1:]
    if final == "i" and initial in ("zh", "ch", "sh", "r"):
        final = "ix"
    if final == "i" and initial in ("z", "c", "s"):
        final = "iy"
    return initial, final, tone


def without_consonant(letters):
    rest = letters[1:]
    if letters[0] == "y" and rest[0] == "u":
        return "vv", "v" + rest[1:]
    vowel = "i" if letters[0] == "y" else "u"
    final = rest if rest[0] == vowel else vowel + rest
    return vowel * 2, {"iou": "iu", "uei": "ui", "uen": "un"}.get(final, final)


def one_letter(syllable):
    return syllable[0], syllable[1:-1], int(syllable[-1])


def with_plain_i(syllable):
    initial, final, tone = split_syllable(syllable)
    return initial, {"ix": "i", "iy": "i"}.get(final, final), tone


def with_written_u(syllable):
    initial, final, tone = split_syllable(syllable)
    if initial in ("j", "q", "x"):
        final = final.replace("v", "u")
    return initial, final, tone


def with_letters_y_and_w(syllable):
    if syllable[0] in "yw":
        return syllable[0], syllable[1:-1], int(syllable[-1])
    return split_syllable(syllable)


def with_consonants_only(syllable):
    initial, final, tone = split_syllable(syllable)
    if initial[0] in "aoeiuv":
        return "", syllable.rstrip("12345"), tone
    return initial, final, tone


SPOKEN = {
    "不好": "bu4 hao3",
    "不是": "bu2 shi4",
    "一天": "yi4 tian1",
    "一样": "yi2 yang4",
    "第一": "di4 yi1",
    "你好": "ni2 hao3",
    "好吃": "hao3 chi1",
}
TABLE = {"syllable": (791, 2.3), "initial-final": (192, 0.0)}
CHOICE = {"kind": "initial-final", "labels": 192, "unheard": 0, "table": TABLE}

RIGHT = {
    "split_syllable": [split_syllable],
    "spoken_by_me": [SPOKEN],
    "choice": [
        CHOICE,
        CHOICE | {"kind": "syllable", "labels": 791, "unheard": 2.29},
    ],
}
WRONG = {
    "split_syllable": [
        (one_letter, "one letter as the initial; zh, ch and sh have two"),
        (with_plain_i, "two other vowels than that of ji"),
        (with_written_u, "the letter u means ü: write v"),
        (with_consonants_only, "gets a zero initial, its first vowel doubled"),
        (with_letters_y_and_w, "y is no consonant: before i the initial is ii"),
        (
            lambda name: (*split_syllable(name)[:2], name[-1]),
            "to be a number: 3, not the text",
        ),
        (lambda name: split_syllable(name)[:2], "The simplest case: m, a, 3."),
    ],
    "spoken_by_me": [
        (SPOKEN | {"你好": "ni3 hao3"}, "These are the tones of the dictionary"),
        (SPOKEN | {"不好": "bu2 hao3"}, "不 changes only before a fourth tone"),
        (SPOKEN | {"第一": "di4 yi4"}, "As a number in a row 一 keeps its first"),
    ],
    "choice": [
        (CHOICE | {"labels": 791}, "how many labels training has for initial-final"),
        (
            CHOICE | {"kind": "syllable", "labels": 791, "unheard": 0.023},
            "A share of 0.02 is 2 percent",
        ),
        (CHOICE | {"kind": "pinyin"}, "expected one of the rows of the table"),
    ],
}
