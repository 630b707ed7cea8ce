"""Exercises: right answers are accepted, typical wrong ones get a useful sentence.

The answers to the exercises of lesson NN are in `answers_lesson_NN.py`: RIGHT, dict
from the name of an exercise to a list of attempts; WRONG, dict from the name to a list
of (attempt, part of the sentence that it is to be told), at least two. An attempt is
written as a student would, not taken from the module that checks it.
"""

import importlib
import inspect
import pathlib

import numpy as np
import pytest

from zhasr import exercises, features, mel, wavenet
from zhasr.exercises import lesson_01, lesson_03

EXERCISES = exercises.find()
FEWEST_WRONG = 2
SLOW = {"lesson_08.mended"}  # compiles the search for characters
every_exercise = pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=pytest.mark.slow if name in SLOW else ())
        for name in EXERCISES
    ],
)


def answers(name):
    """The right and the wrong attempts at an exercise."""
    lesson, _, exercise = name.partition(".")
    try:
        module = importlib.import_module(f"answers_{lesson}")
        return module.RIGHT[exercise], module.WRONG[exercise]
    except (ImportError, KeyError) as error:
        pytest.fail(f"{name} has no answers in answers_{lesson}.py: {error!r}")


def said(exercise, attempt, capsys):
    """What the check prints; it returns nothing."""
    capsys.readouterr()
    assert exercise(attempt) is None
    printed = capsys.readouterr()
    assert printed.err == ""
    return printed.out


def flat(printed):
    """The same in one line: long sentences are printed on several."""
    return " ".join(printed.split())


@every_exercise
def test_right_answers_are_accepted(name, capsys):
    exercise = EXERCISES[name]
    right, _ = answers(name)
    assert right
    for attempt in right:
        assert flat(said(exercise, attempt, capsys)) == (
            f"Right! {exercise.praise} Next question: {exercise.following}"
        )
    assert exercise.praise and exercise.following.endswith("?")


@every_exercise
def test_wrong_answers_are_refused_with_a_useful_sentence(name, capsys):
    _, wrong = answers(name)
    assert len(wrong) >= FEWEST_WRONG
    for attempt, sentence in wrong:
        printed = said(EXERCISES[name], attempt, capsys)
        assert printed.startswith("Not yet")
        assert flat(sentence) in flat(printed) and len(sentence) > 20
        assert max(map(len, printed.splitlines())) < 160


@every_exercise
def test_a_stub_is_told_what_to_write(name, capsys):
    exercise = EXERCISES[name]
    right, _ = answers(name)
    stubs = [...]
    if callable(right[0]):
        stubs += [lambda *arguments: ..., lambda *arguments: ... + 1]
    if isinstance(right[0], dict):
        stubs += [dict.fromkeys(right[0], ...)]
    for stub in stubs:
        assert flat(said(exercise, stub, capsys)) == (
            f"Not written yet: {exercise.name} To write: {exercise.task}"
        )


@every_exercise
def test_nothing_that_is_handed_in_raises(name, capsys):
    def broken(*arguments):
        raise KeyError("of the student")

    nothing = {}
    for attempt in (None, "text", 3, [], nothing, broken, len, lambda: 1, np.zeros(3)):
        assert said(EXERCISES[name], attempt, capsys).startswith("Not yet")


# --- the machinery itself ------------------------------------------------------------


def largest(numbers):
    return max(numbers)


def cases():
    return [
        exercises.Case(([3],)),
        exercises.Case(([1, 2],), hint="The order must not matter."),
        exercises.Case(([2, 1],)),
    ]


CHECK = exercises.Exercise(
    name="largest",
    task="Return the largest number.",
    examine=exercises.by_cases(
        largest,
        cases,
        [exercises.Mistake(min, "That is the smallest one.")],
    ),
    praise="Found.",
    following="And of none?",
)


def test_the_first_differing_case_is_shown(capsys):
    assert said(CHECK, lambda numbers: numbers[0], capsys).splitlines()[:4] == [
        "Not yet: largest, case 2 of 3 is the first that differs.",
        "  largest([1, 2])",
        "  expected  2",
        "  received  1",
    ]


def test_a_known_mistake_is_named_and_else_the_case_gives_the_hint(capsys):
    assert "That is the smallest" in said(CHECK, lambda numbers: numbers[0], capsys)
    assert "The order must not" in said(CHECK, lambda numbers: 3, capsys)


def test_an_error_is_a_sentence_and_no_traceback(capsys):
    printed = said(CHECK, lambda numbers: numbers["x"], capsys)
    assert "received  an error: TypeError: list indices must be" in printed
    assert "Traceback" not in printed


def test_a_line_of_the_cell_is_named(capsys):
    cell = {"__name__": "__main__"}
    exec("def largest(numbers):\n    return numbers + 1\n", cell)  # as IPython does
    assert "(line 2 of the cell)" in flat(said(CHECK, cell["largest"], capsys))


def test_a_missing_return_is_named(capsys):
    assert "is a `return` missing?" in said(CHECK, lambda numbers: None, capsys)


def test_an_attempt_that_empties_its_argument_is_shown_what_it_was_given(capsys):
    def empty(numbers):
        first = numbers[0]
        numbers.clear()
        return first

    printed = said(CHECK, empty, capsys)
    assert "largest([1, 2])" in printed and "smallest" in printed


def test_a_broken_check_is_a_sentence_too(capsys):
    broken = exercises.Exercise("x", "", lambda attempt, name: 1 / 0, "", "")
    assert "ZeroDivisionError: division by zero" in said(broken, 1, capsys)


@pytest.mark.parametrize(
    "first, second, equal",
    [
        (1, 1.0, True),
        (1, 1 + 1e-9, True),
        (1, 1.01, False),
        ([1, 2], np.array([1, 2]), True),
        ([1, 2], [1, 2, 3], False),
        (np.zeros((2, 3)), np.zeros((3, 2)), False),
        ([1, 2], [[1], [2]], False),
        (float("nan"), np.nan, True),
        (-np.inf, -np.inf, True),
        (-np.inf, -1e30, False),
        (("sh", 4), ["sh", 4], True),
        (("sh", 4), ("sh", 5), False),
        ({"a": [1]}, {"a": (1,)}, True),
        ({"a": 1}, {"b": 1}, False),
        ([], (), True),
        ("ab", ["a", "b"], False),
        (0, None, False),
        ([[1], [2, 3]], [[1], [2, 3]], True),
    ],
)
def test_same(first, second, equal):
    assert exercises.same(first, second) is equal


def test_long_arrays_are_compared_where_they_differ(capsys):
    case = exercises.Case((np.arange(20.0),))
    check = exercises.Exercise(
        "double", "", exercises.by_cases(lambda x: 2 * x, lambda: [case]), "", ""
    )
    off = said(check, lambda x: np.where(x == 7, 0, 2 * x), capsys)
    assert "first at  [7]: expected 14, received 0" in off
    row = said(check, lambda x: 2 * x[None], capsys)
    assert "expected (20,), received (1, 20)" in row


def test_find_knows_every_module_of_a_lesson():
    lessons = {name.partition(".")[0] for name in EXERCISES}
    folder = inspect.getfile(exercises).rpartition("__init__")[0]
    modules = {path.stem for path in pathlib.Path(folder).glob("lesson_*.py")}
    assert lessons == modules


# --- exercises whose right answer is computed ----------------------------------------


def test_the_last_step_is_all_that_log_mel_does_after_the_spectrum():
    samples = np.random.default_rng(0).standard_normal(4_000) / 10
    energies = lesson_01.power_spectrum(samples) @ mel.filters(80).T
    finished = features.log_mel(samples)[: len(energies)]
    np.testing.assert_allclose(np.log(energies), finished, rtol=1e-5)


@pytest.mark.slow
def test_no_network_without_gaps_is_smaller_than_the_smallest():
    smallest = lesson_03.smallest()
    assert not lesson_03.has_gaps(smallest)
    assert wavenet.receptive_field(smallest) >= 40
    fewest = lesson_03.parameters(smallest)
    for taps in range(2, 41):
        layers = next(n for n in range(1, 7) if taps**n >= 40)
        rates = tuple(taps**layer for layer in range(layers))
        other = wavenet.Config(lesson_03.CHANNELS, taps, 1, rates, reduction=1)
        assert lesson_03.parameters(other) >= fewest


@pytest.mark.parametrize(
    "taps, dilations, gaps",
    [(2, (1, 2, 4), False), (2, (1, 3), True), (3, (1, 3), False), (3, (2,), True)],
)
def test_gaps_are_found(taps, dilations, gaps):
    config = wavenet.Config(8, taps, 1, dilations, reduction=1)
    assert lesson_03.has_gaps(config) is gaps
