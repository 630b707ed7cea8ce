"""The exercises of lesson 04, How can it learn without knowing when?"""

import itertools

import numpy as np

from zhasr import ctc, exercises

SEED = 4
LOST = "Which label would be lost, or which two would become one?"


# --- collapse -------------------------------------------------------------------------


def _paths():
    generator = np.random.default_rng(SEED)
    planted = [
        exercises.Case(([1, 1, 2],), hint="Equal neighbours are one label."),
        exercises.Case(([2, 1, 2],), hint="Only neighbours are merged."),
        exercises.Case(([0, 1, 0, 2, 0],), hint="Blanks are dropped."),
        exercises.Case(
            ([1, 1, 0, 1, 2],),
            hint="A blank between two equal labels keeps them apart: merge first, drop "
            "the blanks after.",
        ),
        exercises.Case(([],), hint="No frames have no labels."),
        exercises.Case(([0, 0],), hint="Blanks alone are no label."),
    ]
    random = [[int(n) for n in generator.integers(0, 3, 9)] for _ in range(20)]
    return planted + [exercises.Case((path,)) for path in random]


def _without_merging(path):
    return [label for label in path if label != ctc.BLANK]


def _blanks_first(path):
    return [label for label, _ in itertools.groupby(_without_merging(path))]


def _without_dropping(path):
    return [label for label, _ in itertools.groupby(path)]


check_collapse = exercises.Exercise(
    name="collapse",
    task="Merge neighbours that are equal, then drop the blanks (0); return a list.",
    examine=exercises.by_cases(
        ctc.collapse,
        _paths,
        mistakes=[
            exercises.Mistake(
                _without_merging,
                "You dropped the blanks, but did not merge equal neighbours first.",
            ),
            exercises.Mistake(
                _blanks_first,
                "You dropped the blanks before merging, so a doubled label is lost: a "
                "blank between two equal labels keeps them apart.",
            ),
            exercises.Mistake(
                _without_dropping, "Merged, but the blanks (0) are still there."
            ),
            exercises.Mistake(
                lambda path: sorted(set(path) - {ctc.BLANK}),
                "A set forgets order and doubles: go through the path from left to "
                "right.",
            ),
        ],
    ),
    praise="Doubled syllables survive.",
    following="Two paths of five frames both collapse to [1, 1]; how many are there in "
    "all?",
)


# --- the skip rule --------------------------------------------------------------------


def may_skip(extended, position):
    """Whether a path may come from two positions before: the finished rule.

    Args:
        extended: sequence of int, labels with a blank before, between and behind.
        position: int, at least 2.

    Returns:
        bool.
    """
    return extended[position] != extended[position - 2]


def _places():
    cases = []
    for target in ([1, 2], [1, 1, 2], [2, 2], [3, 1, 3, 3]):
        extended = [ctc.BLANK]
        for label in target:
            extended += [label, ctc.BLANK]
        for position in range(2, len(extended)):
            cases.append(exercises.Case((extended, position), hint=LOST))
    return cases


def _to_blank(extended, position):
    return True if extended[position] == ctc.BLANK else None


def _too_few(extended, position):
    return False if may_skip(extended, position) else None


def _to_equal(extended, position):
    return None if extended[position] == ctc.BLANK else True


check_may_skip = exercises.Exercise(
    name="may_skip",
    task="Return True where a path may jump from extended[position - 2] straight to "
    "extended[position], else False; position is at least 2, and 0 is the blank.",
    examine=exercises.by_cases(
        may_skip,
        _places,
        mistakes=[
            exercises.Mistake(
                _to_blank,
                "From a blank to the next blank the label between would be lost: "
                "compare with what stands two positions before.",
            ),
            exercises.Mistake(
                _to_equal,
                "From a label to an equal one, without the blank between, the two "
                "would be merged into one.",
            ),
            exercises.Mistake(
                _too_few,
                "A way is missing: where the two labels differ, the blank between may "
                "be left out.",
            ),
        ],
    ),
    praise="That one line is all that CTC knows about doubled syllables.",
    following="Why is there no jump over three positions, or back?",
)


# --- the impossible utterance ---------------------------------------------------------


def _targets():
    generator = np.random.default_rng(SEED)
    planted = [
        (["ni3", "hao3"], "One frame for each label is enough where all differ."),
        (["tian1", "tian1", "jian4"], "Equal neighbours need a blank between them."),
        (["bu4", "shi4", "bu4"], "Only neighbours need a blank between them."),
        (["ma1", "ma5"], "Another tone is another label."),
        (["yi1"] * 3, "Three equal labels in a row have two gaps."),
        ([], "Silence needs no frame."),
    ]
    cases = [exercises.Case((labels,), hint=hint) for labels, hint in planted]
    random = [[int(n) for n in generator.integers(1, 3, 7)] for _ in range(20)]
    return cases + [exercises.Case((labels,)) for labels in random]


def _repeated_anywhere(labels):
    return len(labels) + len(labels) - len(set(labels))


check_frames_needed = exercises.Exercise(
    name="frames_needed",
    task="Return how many frames the shortest path of these labels has.",
    examine=exercises.by_cases(
        ctc.frames_needed,
        _targets,
        mistakes=[
            exercises.Mistake(
                len,
                "One frame for each label is too few where neighbours are equal: they "
                "would be merged.",
            ),
            exercises.Mistake(
                lambda labels: max(0, 2 * len(labels) - 1),
                "A blank is needed only between equal neighbours, not everywhere.",
            ),
            exercises.Mistake(
                lambda labels: 2 * len(labels) + 1,
                "That is the length of the extended row. Its blanks may be skipped.",
            ),
            exercises.Mistake(
                _repeated_anywhere,
                "Labels that come again later are no neighbours.",
            ),
        ],
    ),
    praise="With this number zhasr sets impossible utterances aside by name, before "
    "they can spoil a batch.",
    following="At 40 ms for each vector, how many syllables can a person say in a "
    "second before training breaks down, and does anybody?",
)
