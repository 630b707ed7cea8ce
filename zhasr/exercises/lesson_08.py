"""The exercises of lesson 08, From syllables to characters."""

import functools
import math
from collections.abc import Mapping
from itertools import pairwise

from zhasr import exercises, hanzi, language_model, pinyin

LINES = ("你好", "你们好", "他们好吗", "好吗")
LONGEST = 20  # characters of a sentence to spoil
MOST_LINES, MOST_CHARACTERS = 5, 60  # of the text that mends it
SHOWN_IN_LESSON = "河里的鱼比以前少了"


# --- bigram score ---------------------------------------------------------------------


def bigram_score(text, probability):
    """How likely a sentence is: the finished function.

    Args:
        text: str.
        probability: function of two str, as of `language_model.bigram`.

    Returns:
        float, natural logarithm.
    """
    pairs = pairwise(["<s>", *text, "</s>"])
    return sum(math.log(probability(before, after)) for before, after in pairs)


def _texts():
    probability = language_model.bigram(LINES)
    planted = [
        ("好", "Three characters make four pairs with <s> and </s>; one makes two."),
        ("你好", "From <s> to 你, from 你 to 好, from 好 to </s>."),
        ("好你", "The order counts."),
        ("", "Nothing said: from <s> straight to </s>."),
        ("他们好吗", "Add up logarithms over all pairs."),
        ("吗吗吗", "Rare is not impossible."),
    ]
    return [
        exercises.Case(
            (text, probability), hint=hint, shown=f"bigram_score({text!r}, probability)"
        )
        for text, hint in planted
    ]


def _over(text, probability, begin=True, end=True):
    row = [*(["<s>"] if begin else []), *text, *(["</s>"] if end else [])]
    return [probability(before, after) for before, after in pairwise(row)]


def _sum_of_logs(values, logarithm=math.log):
    return sum(map(logarithm, values))


check_bigram_score = exercises.Exercise(
    name="bigram_score",
    task="Return the sum of the natural logarithms of probability(before, after) over "
    "all pairs of neighbours, with '<s>' before the text and '</s>' behind it.",
    examine=exercises.by_cases(
        bigram_score,
        _texts,
        mistakes=[
            exercises.Mistake(
                lambda text, p: _sum_of_logs(_over(text, p, begin=False)),
                "The beginning is missing: how likely is the first character after "
                "<s>?",
            ),
            exercises.Mistake(
                lambda text, p: _sum_of_logs(_over(text, p, end=False)),
                "The end is missing: how likely is it that the sentence stops, </s>?",
            ),
            exercises.Mistake(
                lambda text, p: _sum_of_logs(_over(text, p, False, False)),
                "Beginning and end are missing: put '<s>' and '</s>' around the text.",
            ),
            exercises.Mistake(
                lambda text, p: math.prod(_over(text, p)),
                "That is the product itself; return its logarithm, a sum of "
                "logarithms.",
            ),
            exercises.Mistake(
                lambda text, p: sum(_over(text, p)),
                "Probabilities of a chain are multiplied: add their logarithms, not "
                "themselves.",
            ),
            exercises.Mistake(
                lambda text, p: _sum_of_logs(_over(text, p), math.log10),
                "That is the logarithm to base 10; zhasr takes the natural one, "
                "math.log.",
            ),
            exercises.Mistake(
                lambda text, p: -bigram_score(text, p),
                "The sign is wrong: logarithms of probabilities are below 0.",
            ),
        ],
    ),
    praise="That sum is what the best path makes as large as it can be.",
    following="Which of two sentences does it prefer if one is longer, and is that "
    "fair?",
)


# --- spoil and mend -------------------------------------------------------------------


@functools.cache
def language():
    """The language that comes with the package, opened once: hanzi.Language."""
    return hanzi.load()


def _examine_mended(attempt, name):
    if not isinstance(attempt, Mapping) or {"sentence", "text"} - set(attempt):
        return (
            f"Not yet: {name} is to be a dict with sentence and text; received "
            f"{exercises.text(attempt)}."
        )
    sentence, lines = attempt["sentence"], attempt["text"]
    if sentence is ... or lines is ... or (isinstance(lines, list) and ... in lines):
        raise exercises.Unwritten
    wrong = _unusable(sentence, lines)
    if wrong:
        return f"Not yet: {name}: {wrong}"
    heard = pinyin.syllables(sentence)
    written = hanzi.convert(heard, language()).text
    if written == sentence:
        return (
            f"Not yet: the model writes {sentence} rightly already. Look for one that "
            "it spoils: unusual words, or short ones that are read alike."
        )
    mended = hanzi.convert(heard, hanzi.add_text(language(), lines)).text
    if mended == sentence:
        return ""
    again = "still" if mended == written else "now"
    return (
        f"Not yet: the model writes {written}, so it spoils the sentence; with your "
        f"text it {again} writes {mended}. Let the text show the words that are wrong, "
        "beside the same neighbours."
    )


def _unusable(sentence, lines):
    """Why a sentence or a text cannot be taken: str, "" if they can."""
    if not isinstance(sentence, str) or not pinyin.has_only_hanzi(sentence):
        return f"expected a sentence of hanzi, received {exercises.text(sentence)}."
    if len(sentence) > LONGEST:
        return f"the sentence is longer than {LONGEST} characters."
    if isinstance(lines, str):
        return "the text is to be a list of sentences, such as ['你好']."
    if not all(isinstance(line, str) for line in lines):
        return f"expected a list of str as text, received {exercises.text(lines)}."
    if len(lines) > MOST_LINES or len("".join(lines)) > MOST_CHARACTERS:
        return (
            f"the text has more than {MOST_LINES} lines or {MOST_CHARACTERS} "
            "characters; a short one is enough."
        )
    if sentence == SHOWN_IN_LESSON:
        return "that sentence is mended in the lesson; find one of your own."
    if any(sentence in line for line in lines):
        return "the sentence itself stands in the text; that is learning by heart."
    return ""


check_mended = exercises.Exercise(
    name="mended",
    task="Give a sentence of hanzi that the model spoils when it hears its syllables, "
    "and as text a list of a few other sentences after which it does not.",
    examine=_examine_mended,
    praise="A few lines of the right text, and the model writes what was said.",
    following="Which sentence that was right before does your text spoil now?",
)
