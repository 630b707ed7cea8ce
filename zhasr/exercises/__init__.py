"""Exercises that check themselves: what every lesson's checks are made of.

A notebook hands a student's function to a check, which compares it with the project's
own function, case by case, and prints what it found. Nothing is returned and nothing
is raised, so "restart and run all" reaches the end whatever the student has written.

    from zhasr.exercises import lesson_02

    def split_syllable(syllable):
        return ...

    lesson_02.check_split_syllable(split_syllable)

The exercises of a lesson are the `Exercise`s in its module `lesson_NN`.

Example:
    >>> check_double = Exercise(
    ...     name="double",
    ...     task="Return twice the number.",
    ...     examine=by_cases(lambda n: 2 * n, lambda: [Case((0,)), Case((3,))]),
    ...     praise="Twice as good.",
    ...     following="What is twice infinity?",
    ... )
    >>> check_double(lambda n: ...)
    Not written yet: double
    To write: Return twice the number.
    >>> check_double(lambda n: n)
    Not yet: double, case 2 of 2 is the first that differs.
      double(3)
      expected  6
      received  3
    >>> check_double(lambda n: n + n)
    Right! Twice as good.
    Next question: What is twice infinity?
"""

import contextlib
import copy
import dataclasses
import importlib
import numbers
import pkgutil
import textwrap
import warnings
from collections.abc import Callable, Mapping

import numpy as np

TOLERANCE = 1e-5  # relative to the expected number, or absolute below 1
SHOWN = 8  # entries of an array that are printed in full
LONGEST = 72  # characters of one value in a message
WIDTH = 88  # characters of a line
INDENT = 12  # characters before a value


class Unwritten(Exception):
    """The attempt is still the stub."""


@dataclasses.dataclass(frozen=True)
class Case:
    """One input on which an attempt is compared.

    Args:
        arguments: tuple, what the function is called with; of a dict of answers, the
            key; of a single value, ().
        hint: str, what is special in this case; printed if it is the first to differ.
        shown: str, printed in place of the arguments where these are long.
    """

    arguments: tuple = ()
    hint: str = ""
    shown: str = ""


@dataclasses.dataclass(frozen=True)
class Mistake:
    """A typical wrong answer and what to say to it.

    Args:
        function: takes what the right function takes; where an attempt gives the same
            wrong result, the sentence is printed.
        sentence: str.
    """

    function: Callable
    sentence: str


@dataclasses.dataclass(frozen=True)
class Exercise:
    """One exercise; called with an attempt, it prints how far that is right.

    Args:
        name: str, of the function (or the answer) to write.
        task: str, what to write, in a sentence or two.
        examine: function from an attempt and the name to "" where it is right, or
            what to print, see `by_cases`; raises Unwritten for a stub.
        praise: str, what the right answer means.
        following: str, the next question.
    """

    name: str
    task: str
    examine: Callable
    praise: str
    following: str

    def __call__(self, attempt=...):
        """Print what is right or wrong in an attempt; never raises."""
        try:
            wrong = None if attempt is ... else self.examine(attempt, self.name)
        except Unwritten:
            wrong = None
        except Exception as error:  # whatever was handed in
            wrong = f"Not yet: {self.name} could not be checked: {sentence_of(error)}"
        if wrong is None:
            print(
                f"Not written yet: {self.name}",
                _fill(f"To write: {self.task}"),
                sep="\n",
            )
        elif wrong:
            print(*map(_fill, wrong.splitlines()), sep="\n")
        else:
            print(_fill(f"Right! {self.praise}"))
            print(_fill(f"Next question: {self.following}"))


def find():
    """All exercises of all lessons: dict from "lesson_02.split_syllable" on."""
    names = [each.name for each in pkgutil.iter_modules(__path__)]
    modules = {
        name: importlib.import_module(f"{__name__}.{name}") for name in sorted(names)
    }
    return {
        f"{lesson}.{value.name}": value
        for lesson, module in modules.items()
        for value in vars(module).values()
        if isinstance(value, Exercise)
    }


# --- comparing ----------------------------------------------------------------------


def by_cases(answer, cases, mistakes=(), tolerance=TOLERANCE):
    """Make the `examine` of an exercise that compares with a function.

    Lists, tuples and arrays of equal numbers are equal, and so are 1 and 1.0.

    Args:
        answer: function, the project's own.
        cases: function without arguments that returns a list of Case, made when the
            exercise is checked: simple ones first, then edges, then random ones.
        mistakes: sequence of Mistake.
        tolerance: float, for numbers.

    Returns:
        function for `Exercise.examine`. The attempt may be a function, a dict of
        answers (then the argument of a case is a key), or one value (arguments ()).
    """

    def examine(attempt, name):
        function, listed = _as_function(attempt), cases()
        for number, case in enumerate(listed, 1):
            expected = answer(*copy.deepcopy(case.arguments))
            received, error = _call(function, case)
            if error is None and same(expected, received, tolerance):
                continue
            where = f"{number} of {len(listed)}"
            lines = [
                f"Not yet: {name}, case {where} is the first that differs.",
                f"  {_call_text(attempt, name, case)}",
                f"  expected  {text(expected)}",
                f"  received  {error or text(received)}",
                _difference(expected, received, tolerance) if not error else "",
                _sentence(mistakes, case, received, error, tolerance),
            ]
            return "\n".join(filter(None, lines))
        return ""

    return examine


def _as_function(attempt):
    if callable(attempt):
        return attempt
    if isinstance(attempt, Mapping):
        return lambda key: _look_up(attempt, key)
    return lambda: attempt


def _look_up(answers, key):
    if key not in answers:
        raise LookupError(f"there is no answer for {key!r}")
    return answers[key]


def _call(function, case):
    """The result of an attempt and None, or None and what went wrong."""
    try:
        with _quiet():
            received = function(*copy.deepcopy(case.arguments))
    except Exception as error:
        if "ellipsis" in str(error).lower():  # computed with the stub's dots
            raise Unwritten from None
        return None, f"an error: {sentence_of(error)}"
    if _has_dots(received):
        raise Unwritten
    return received, None


def _has_dots(value):
    if isinstance(value, (list, tuple)):
        return any(_has_dots(each) for each in value)
    return value is ...


def same(expected, received, tolerance=TOLERANCE):
    """Whether two results are equal; numbers up to a tolerance, nan equals nan.

    Example:
        >>> same([1, 2], (1.0, 2.0)), same("a", "b"), same(1, None)
        (True, False, False)
    """
    if isinstance(expected, Mapping):
        return (
            isinstance(received, Mapping)
            and expected.keys() == received.keys()
            and all(same(expected[key], received[key], tolerance) for key in expected)
        )
    first, second = _array(expected), _array(received)
    if first is not None and second is not None:
        return first.shape == second.shape and bool(
            np.allclose(second, first, tolerance, tolerance, equal_nan=True)
        )
    if isinstance(expected, (list, tuple)) and isinstance(received, (list, tuple)):
        return len(expected) == len(received) and all(
            same(*pair, tolerance) for pair in zip(expected, received, strict=True)
        )
    with contextlib.suppress(Exception):
        return bool(expected == received)
    return False


def _array(value):
    """A numeric array of a value, or None where it is none (text, None, a mixture)."""
    if isinstance(value, (str, bytes)) or value is None:
        return None
    with contextlib.suppress(Exception):
        array = np.asarray(value)
        if array.dtype.kind in "biufc":
            return array
    return None


# --- messages -----------------------------------------------------------------------


def _fill(line):
    """A long line as several; those of a case are indented below their names."""
    indent = " " * INDENT if line.startswith(" ") else ""
    return textwrap.fill(line, WIDTH, subsequent_indent=indent, break_long_words=False)


def sentence_of(error):
    """An exception as a sentence, with the line of the student's code.

    Example:
        >>> sentence_of(KeyError("x"))
        "KeyError: 'x'"
    """
    line, trace = "", error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_globals.get("__name__") == "__main__":
            line = f" (line {trace.tb_lineno} of the cell)"
        trace = trace.tb_next
    words = " ".join(str(error).split())
    return f"{type(error).__name__}: {words}{line}".replace(": (", " (")


def text(value):
    """A value in one short line.

    Example:
        >>> text([1, 2]), text(np.zeros((20, 3)))
        ('[1, 2]', 'array of shape (20, 3): 0 0 0 0 0 0 0 0 …')
    """
    if isinstance(value, np.ndarray) and value.size > SHOWN:
        first = " ".join(f"{each:.4g}" for each in value.ravel()[:SHOWN])
        return f"array of shape {value.shape}: {first} …"
    if isinstance(value, np.ndarray):
        with np.printoptions(precision=4, suppress=True):
            return " ".join(str(value).split())
    if isinstance(value, numbers.Real) and not isinstance(value, (int, bool)):
        return f"{float(value):.6g}"
    if value is None:
        return "None (is a `return` missing?)"
    written = repr(value)
    return written if len(written) <= LONGEST else written[: LONGEST - 1] + "…"


def _call_text(attempt, name, case):
    if case.shown:
        return case.shown
    written = ", ".join(text(argument) for argument in case.arguments)
    if callable(attempt):
        return f"{name}({written})"
    return f"{name}[{written}]" if case.arguments else name


def _difference(expected, received, tolerance):
    """Where two arrays differ first, or how their shapes do."""
    first, second = _array(expected), _array(received)
    if first is None or second is None or first.size <= SHOWN:
        return ""
    if first.shape != second.shape:
        return f"  shapes    expected {first.shape}, received {second.shape}"
    close = np.isclose(second, first, tolerance, tolerance, equal_nan=True)
    place = tuple(np.argwhere(~close)[0])
    index = ", ".join(map(str, place))
    wanted, found = first[place], second[place]
    return f"  first at  [{index}]: expected {wanted:.6g}, received {found:.6g}"


def _sentence(mistakes, case, received, error, tolerance):
    """What to say: of a known mistake with the same result, or of the case."""
    if error is None:
        for mistake in mistakes:
            with contextlib.suppress(Exception), _quiet():
                result = mistake.function(*copy.deepcopy(case.arguments))
                if same(result, received, tolerance):
                    return mistake.sentence
    return case.hint


@contextlib.contextmanager
def _quiet():
    """Whoever divides by zero sees it in the result; a warning would only distract."""
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
