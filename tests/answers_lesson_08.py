"""Answers to the exercises of lesson 08, right and typically wrong."""

import math


def bigram_score(text, probability):
    total, before = 0.0, "<s>"
    for character in list(text) + ["</s>"]:
        total += math.log(probability(before, character))
        before = character
    return total


def without_ends(text, probability):
    pairs = zip(text, text[1:], strict=False)
    return sum(math.log(probability(a, b)) for a, b in pairs)


def without_end(text, probability):
    return bigram_score(text, probability) - math.log(probability(text[-1], "</s>"))


SPOILT = "外面的门没有关好"  # it writes 门楣有
RIGHT = {
    "bigram_score": [bigram_score],
    "mended": [{"sentence": SPOILT, "text": ["门没有锁", "门没有开"]}],
}
WRONG = {
    "bigram_score": [
        (without_end, "The end is missing"[:20] + ": how likely is it"),
        (without_ends, "Beginning and end are missing"),
        (
            lambda text, p: math.exp(bigram_score(text, p)),
            "That is the product itself",
        ),
        (
            lambda text, p: bigram_score(text, p) / math.log(10),
            "the logarithm to base 10",
        ),
    ],
    "mended": [
        (
            {"sentence": "你好", "text": ["你们好"]},
            "writes 你好 rightly already. Look for",
        ),
        (
            {"sentence": SPOILT, "text": ["天气很好"]},
            "still writes 外面的门楣有关好. Let the text show",
        ),
        ({"sentence": SPOILT, "text": [f"我说{SPOILT}"]}, "itself stands in the text"),
        ({"sentence": SPOILT, "text": SPOILT}, "to be a list of sentences"),
        ({"sentence": "ni hao", "text": []}, "expected a sentence of hanzi"),
        ({"sentence": SPOILT, "text": ["好"] * 9}, "has more than 5 lines or 60"),
    ],
}
