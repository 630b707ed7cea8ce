"""The exercises of lesson 05, Watch it learn."""

import math
import numbers

import numpy as np

from zhasr import ctc, exercises, training

SEED = 5
LABELS = 4  # of the small random posteriors


# --- blank_share ----------------------------------------------------------------------


def _blank_share(logits, frames):
    """Share of the real frames whose best label is the blank."""
    best = [
        row[:count].argmax(axis=1) for row, count in zip(logits, frames, strict=True)
    ]
    return float(np.mean(np.concatenate(best) == ctc.BLANK))


def _of_padding_too(logits, frames):
    return float(np.mean(logits.argmax(axis=2) == ctc.BLANK))


def _mean_of_shares(logits, frames):
    rows = zip(logits, frames, strict=True)
    return float(np.mean([_blank_share(row[None], [count]) for row, count in rows]))


def _of_positive(logits, frames):
    rows = zip(logits, frames, strict=True)
    return float(np.mean(np.concatenate([row[:n, 0] > 0 for row, n in rows])))


def _blank_cases():
    """One-hot logits of the planted paths, then random ones."""
    planted = [
        (["00"], [2], "Both frames are blank."),
        (["01"], [2], "One of two frames is blank."),
        (["0100"], [2], "Two frames are real; behind them is padding."),
        (["0000", "1220"], [4, 1], "Five real frames, four of them blank."),
        (["120"], [2], "No real frame is blank."),
    ]
    cases = [
        exercises.Case(
            (
                np.eye(LABELS)[[list(map(int, path)) for path in paths]],
                np.array(frames),
            ),
            hint=hint,
            shown=f"best labels {', '.join(paths)}, real frames {frames}",
        )
        for paths, frames, hint in planted
    ]
    generator = np.random.default_rng(SEED)
    for _ in range(10):
        logits, frames = (
            generator.normal(size=(3, 9, LABELS)),
            generator.integers(1, 10, 3),
        )
        cases.append(
            exercises.Case(
                (logits, frames), "Random logits.", "random logits (3, 9, 4)"
            )
        )
    return cases


check_blank_share = exercises.Exercise(
    name="blank_share",
    task="Return the share (0 to 1) of the real frames whose best label is 0, the "
    "blank; logits (batch, frames, labels), frames: the true length of each row.",
    examine=exercises.by_cases(
        _blank_share,
        _blank_cases,
        mistakes=[
            exercises.Mistake(
                _of_padding_too,
                "You counted the padding, too: only the first frames[row] of a row "
                "are real.",
            ),
            exercises.Mistake(
                _mean_of_shares,
                "That is the mean of the shares of the rows; a long row has more "
                "frames and weighs more.",
            ),
            exercises.Mistake(
                lambda logits, frames: 1 - _blank_share(logits, frames),
                "Those are the frames that are not blank.",
            ),
            exercises.Mistake(
                _of_positive,
                "A logit above 0 is not yet the best one: compare with the others.",
            ),
        ],
    ),
    praise="Padding does not fool you.",
    following="What share must be left at the end, if a sentence of 20 labels has 75 "
    "frames?",
)


# --- learning_rate --------------------------------------------------------------------


def _rate_cases():
    planted = [
        (0.05, 1.0, "At the end of the warm-up it is the highest."),
        (1.0, 1.0, "At the end of the run it is zero."),
        (0.525, 1.0, "In the middle of the fall the cosine is at half height."),
        (0.025, 1.0, "In the middle of the warm-up it is half of the highest."),
        (0.0, 1.0, "It begins at 0.02 of the highest, not at zero."),
        (0.05, 3e-3, "All is a multiple of the highest."),
    ]
    cases = [exercises.Case(each[:2], hint=each[2]) for each in planted]
    values = np.linspace(0, 1, 21)
    return cases + [exercises.Case((float(each), 3e-3)) for each in values]


def _fall(progress, highest, shape, warm_up=training.WARM_UP):
    if progress < warm_up:
        return highest * max(0.02, progress / warm_up)
    return highest * shape((progress - warm_up) / (1 - warm_up))


def _half_cosine(rest):
    return 0.5 * (1 + math.cos(math.pi * rest))


check_learning_rate = exercises.Exercise(
    name="learning_rate",
    task="Return the learning rate at `progress` (0 to 1): up to 0.05 rise in a line, "
    "highest × progress / 0.05 but at least 0.02 × highest; then fall along half a "
    "cosine, highest × ½ (1 + cos(π · rest)), where rest goes from 0 to 1.",
    examine=exercises.by_cases(
        training.learning_rate,
        _rate_cases,
        mistakes=[
            exercises.Mistake(
                lambda progress, highest: highest * _half_cosine(progress),
                "The warm-up is missing: the first steps go in unknown directions.",
            ),
            exercises.Mistake(
                lambda progress, highest: _fall(progress, highest, lambda r: 1 - r),
                "You fall in a straight line; a cosine falls slowly at both ends.",
            ),
            exercises.Mistake(
                lambda progress, highest: _fall(
                    progress, highest, lambda r: math.cos(math.pi * r)
                ),
                "That cosine goes down to −1: add 1 and take half.",
            ),
            exercises.Mistake(
                lambda progress, highest: (
                    highest * max(0.02, progress / 0.05)
                    if progress < 0.05
                    else highest * _half_cosine(progress)
                ),
                "After the warm-up the cosine begins anew: rest is 0 at 0.05, 1 at 1.",
            ),
        ],
        tolerance=1e-9,
    ),
    praise="Every update of the runs above was made with it.",
    following="Why would a constant rate leave the loss trembling at the end?",
)


# --- the log --------------------------------------------------------------------------


def _examine_log(attempt, name):
    """A row of one's own: one thing changed, a prediction, a result."""
    if not isinstance(attempt, list) or not all(
        isinstance(row, dict) for row in attempt
    ):
        return f"Not yet: {name} is to be the list of rows that `run` fills."
    if not attempt:
        return f"Not yet: {name} is empty; `run` writes its rows."
    own = [row for row in attempt if row.get("change")]
    if len(own) < 2:
        raise exercises.Unwritten
    for number, row in enumerate(own[1:], 2):
        wrong = _wrong_row(row)
        if wrong:
            return f"Not yet: {name}, changed run {number}: {wrong}"
    if own[-1]["change"] == own[0]["change"]:
        return (
            f"Not yet: {name}: your run repeats the one above; change something else."
        )
    return ""


def _wrong_row(row):
    change, guess, error = (row.get(key) for key in ("change", "prediction", "error"))
    if len(change) > 1:
        names = " and ".join(change)
        return (
            f"it changed {names} at once, so that nobody knows which of them did it; "
            "change one thing."
        )
    if not isinstance(guess, numbers.Real) or isinstance(guess, bool):
        return (
            "write your prediction before you run: the error that you expect, a number."
        )
    if not 0 < guess < 2:
        return f"the prediction {guess:g} is no error rate; 0.3 means 30 %."
    if not isinstance(error, numbers.Real) or not math.isfinite(error):
        return "there is no measured error in it; use `run`, which writes the row."
    return ""


check_log = exercises.Exercise(
    name="log",
    task="Call run(your prediction, one option=new value), for example "
    'run(0.35, augmentation="light"); it trains and writes a row in the log.',
    examine=_examine_log,
    praise="One change, one prediction, one result: this is an experiment.",
    following="How far were you off, and would another seed have moved it as much?",
)
