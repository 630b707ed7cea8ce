"""The exercises of lesson 07, How wrong is it?, and what was heard in it."""

import json
import pathlib

import jiwer
import numpy as np

from zhasr import exercises, scoring

HEARD = pathlib.Path(__file__).with_name("heard.json")
SEED = 7
LETTERS = "abcd"


def heard():
    """What a small model heard of voices that it had never learned.

    Returns:
        (list of scoring.Scored, str: where they come from, str: the command that made
        them). The speech is synthetic.

    Example:
        >>> utterances, note, _ = heard()
        >>> len({each.speaker for each in utterances}), note[:16]
        (4, 'synthetic speech')
    """
    stored = json.loads(HEARD.read_text(encoding="utf-8"))
    utterances = [
        scoring.Scored(id, speaker, tuple(spoken.split()), tuple(written.split()))
        for id, speaker, spoken, written in stored["heard"]
    ]
    return utterances, stored["note"], stored["command"]


# --- edit_table ---------------------------------------------------------------------


def edit_table(spoken, heard):
    """Fewest errors between all beginnings of two rows of labels.

    Args:
        spoken: sequence of labels.
        heard: sequence of labels.

    Returns:
        int array (len(spoken) + 1, len(heard) + 1): entry [i, j] for the first i labels
        spoken and the first j heard.

    Source: Wagner & Fischer (1974), The string-to-string correction problem.

    Example:
        >>> edit_table("ab", "b").tolist()
        [[0, 1], [1, 1], [2, 1]]
    """
    return _table(spoken, heard)


def _table(spoken, heard, edges=True, different=1, steps=(1, 1)):
    """The table, or what becomes of it when a part is forgotten."""
    table = np.zeros((len(spoken) + 1, len(heard) + 1), int)
    if edges:
        table[:, 0], table[0] = np.arange(len(spoken) + 1), np.arange(len(heard) + 1)
    for row, said in enumerate(spoken, 1):
        for column, written in enumerate(heard, 1):
            table[row, column] = min(
                table[row - 1, column - 1] + different * (said != written),
                table[row - 1, column] + steps[0],
                table[row, column - 1] + steps[1],
            )
    return table


def _cases_of_the_table():
    planted = [
        ("a", "a", "Nothing is wrong: the corner is 0, and so is where all begins."),
        ("a", "b", "One label for another is one error: a diagonal step of 1."),
        ("ab", "b", "A label that was not heard: a step down, which costs 1."),
        ("b", "ab", "A label that nobody spoke: a step to the right, which costs 1."),
        ("ab", "", "Nothing heard: every label spoken is an error."),
        ("", "ab", "Nothing spoken: every label heard is an error."),
        ("", "", "No labels at all: a table of one entry, 0."),
        ("abcd", "bcda", "Shifted by one: two errors are enough, not four."),
    ]
    generator = np.random.default_rng(SEED)
    for _ in range(20):
        rows = (generator.choice(list(LETTERS), generator.integers(1, 9)),) * 2
        drawn = "".join(rows[0]), "".join(generator.permutation(rows[1])[:6])
        planted.append((*drawn, "Two random rows."))
    return [
        exercises.Case((list(spoken), list(written)), hint=hint)
        for spoken, written, hint in planted
    ]


def _examine_table(attempt, name):
    """By cases, and then by jiwer, which knows nothing of this project."""
    wrong = exercises.by_cases(edit_table, _cases_of_the_table, _TABLE_MISTAKES)(
        attempt, name
    )
    if wrong:
        return wrong
    for case in _cases_of_the_table():
        spoken, written = case.arguments
        errors = attempt(spoken, written)[-1][-1]
        if spoken and errors != _jiwer_errors(spoken, written):
            return f"Not yet: {name}({spoken}, {written}) does not agree with jiwer."
    return ""


def _jiwer_errors(spoken, written):
    found = jiwer.process_words(" ".join(spoken), " ".join(written))
    return found.substitutions + found.deletions + found.insertions


_TABLE_MISTAKES = [
    exercises.Mistake(
        lambda spoken, heard: _table(spoken, heard, edges=False),
        "The first row and column are not 0: without labels on one side, every label "
        "of the other is an error.",
    ),
    exercises.Mistake(
        lambda spoken, heard: _table(spoken, heard, different=2),
        "A substitution is one error, not a deletion and an insertion.",
    ),
    exercises.Mistake(
        lambda spoken, heard: _table(spoken, heard, different=0),
        "The diagonal step costs 1 where the two labels differ.",
    ),
    exercises.Mistake(
        lambda spoken, heard: edit_table(heard, spoken),
        "Rows and columns are exchanged: the labels spoken go down.",
    ),
    exercises.Mistake(
        lambda spoken, heard: edit_table(spoken, heard)[-1, -1],
        "That is the corner; return the whole table.",
    ),
]

check_edit_table = exercises.Exercise(
    name="edit_table",
    task="Return the table of fewest errors, an array of len(spoken) + 1 rows and "
    "len(heard) + 1 columns: first row and column count up from 0, every other entry "
    "is the smallest of its three neighbours plus what the step costs. No recursion.",
    examine=_examine_table,
    praise="The corner agrees with jiwer on all rows.",
    following="Which entries would you need to keep if only the corner were wanted?",
)


# --- error_rate ---------------------------------------------------------------------


def _error_rate(spoken, heard):
    pairs = zip(spoken, heard, strict=True)
    return sum(
        (scoring.count(scoring.align(*pair)) for pair in pairs), scoring.ErrorCounts()
    ).rate


def _mean_of_rates(spoken, heard):
    pairs = zip(spoken, heard, strict=True)
    return np.mean([scoring.count(scoring.align(*pair)).rate for pair in pairs])


def _one_row(spoken, heard):
    return _error_rate([sum(spoken, [])], [sum(heard, [])])


def _over_heard(spoken, heard):
    errors = _error_rate(spoken, heard) * sum(map(len, spoken))
    return errors / sum(map(len, heard))


def _cases_of_rates():
    planted = [
        (["ab"], ["ac"], "One of two labels is wrong."),
        (["abcd", "a"], ["abcd", "b"], "One error in five labels, in two sentences."),
        (["ab"], ["ddddd"], "Two substitutions and three insertions in two labels."),
        (["ab", "cd"], ["abc", "d"], "A label must not move to the next sentence."),
        (["ab", "cd"], ["", "cd"], "A sentence of which nothing was heard counts."),
    ]
    generator = np.random.default_rng(SEED)
    for _ in range(10):
        drawn = [
            ["".join(generator.choice(list(LETTERS), size)) for size in sizes]
            for sizes in generator.integers(1, 8, (2, 3))
        ]
        planted.append((*drawn, "Three random sentences."))
    return [
        exercises.Case((list(map(list, spoken)), list(map(list, heard))), hint=hint)
        for spoken, heard, hint in planted
    ]


check_error_rate = exercises.Exercise(
    name="error_rate",
    task="Return the error rate of a test set (0.25, not 25): spoken and heard are "
    "lists of sentences, each a list of labels; use edit_table or scoring.align.",
    examine=exercises.by_cases(
        _error_rate,
        _cases_of_rates,
        mistakes=[
            exercises.Mistake(
                _mean_of_rates,
                "That is the mean of the rates of the sentences, in which short ones "
                "weigh too much: add up errors and labels first, divide once.",
            ),
            exercises.Mistake(
                lambda spoken, heard: min(1.0, _error_rate(spoken, heard)),
                "A rate above 1 is no mistake of yours: do not cut it off.",
            ),
            exercises.Mistake(
                _one_row,
                "You joined the sentences; align each with its own reference.",
            ),
            exercises.Mistake(
                _over_heard, "Divide by the labels spoken, not by those heard."
            ),
            exercises.Mistake(
                lambda spoken, heard: 100 * _error_rate(spoken, heard),
                "That is per cent; return the share, 1 for 100 %.",
            ),
        ],
    ),
    praise="This is the number that papers print.",
    following="By how much does it change if every sentence is scored twice?",
)


# --- above 100 % --------------------------------------------------------------------


def _examine_worse(attempt, name):
    if isinstance(attempt, tuple) and ... in attempt:
        raise exercises.Unwritten
    try:
        spoken, written = (list(map(str, row)) for row in attempt)
    except (TypeError, ValueError):
        return (
            f"Not yet: {name} is to be two lists of syllables, (spoken, heard), "
            f"received {exercises.text(attempt)}."
        )
    if not spoken:
        return f"Not yet: {name} has nothing spoken, so that there is no rate."
    counts = scoring.count(scoring.align(spoken, written))
    if counts.rate > 1 and counts.insertions < 2 and len(spoken) > 1:
        return ""
    if counts.rate > 1:
        return (
            f"Not yet: {name} comes to {counts.rate:.0%}, but with {len(spoken)} "
            f"spoken and {counts.insertions} inserted; do it with a single insertion "
            "and at least two syllables spoken."
        )
    longer = "more syllables heard than spoken" if counts.insertions == 0 else "more"
    return (
        f"Not yet: {name} comes to {counts.rate:.0%}: {counts.substitutions} "
        f"substituted, {counts.deletions} deleted, {counts.insertions} inserted in "
        f"{len(spoken)} spoken. It takes {longer} that are wrong."
    )


check_worse_than_nothing = exercises.Exercise(
    name="worse_than_nothing",
    task="Give (spoken, heard), two lists of syllables with at least two spoken, whose "
    "error rate is above 100 % with a single insertion.",
    examine=_examine_worse,
    praise="An empty sheet would have scored exactly 100 %.",
    following="Is a recogniser at 100 % worse or better than one that says nothing?",
)
