"""Answers to the exercises of lesson 05, right and typically wrong."""

import math

import numpy as np


def blank_share(logits, frames):
    blank = total = 0
    for row, count in zip(logits, frames, strict=True):
        for frame in row[:count]:
            blank += frame[0] == max(frame)
            total += 1
    return blank / total


def with_padding(logits, frames):
    return (np.argmax(logits, axis=-1) == 0).mean()


def mean_of_rows(logits, frames):
    pairs = zip(logits, frames, strict=True)
    return np.mean([np.mean(row[:count].argmax(-1) == 0) for row, count in pairs])


def learning_rate(progress, highest):
    if progress < 0.05:
        return highest * max(0.02, progress / 0.05)
    rest = (progress - 0.05) / 0.95
    return highest * (1 + math.cos(math.pi * rest)) / 2


def in_a_line(progress, highest):
    if progress < 0.05:
        return learning_rate(progress, highest)
    return highest * (1 - progress) / 0.95


def row(change, prediction=0.3, error=0.25):
    return {"change": change, "prediction": prediction, "error": error}


BEFORE = [row({}), row({"learning_rate": 3e-4})]

RIGHT = {
    "blank_share": [blank_share],
    "learning_rate": [learning_rate],
    "log": [[*BEFORE, row({"augmentation": "light"})]],
}
WRONG = {
    "blank_share": [
        (with_padding, "You counted the padding, too: only the first"),
        (mean_of_rows, "a long row has more frames and weighs"),
        (lambda *a: 1 - blank_share(*a), "Those are the frames that are not blank"),
        (lambda logits, frames: 0.5, "Both frames are blank."),
    ],
    "learning_rate": [
        (in_a_line, "You fall in a straight line; a cosine falls slowly"),
        (
            lambda p, highest: highest * (1 + math.cos(math.pi * p)) / 2,
            "The warm-up is missing: the first steps go",
        ),
        (lambda p, highest: highest, "At the end of the run it is zero."),
    ],
    "log": [
        (
            [*BEFORE, row({"augmentation": "light", "seed": 1})],
            "augmentation and seed at once, so that nobody knows",
        ),
        ([*BEFORE, row({"seed": 1}, "lower")], "write your prediction before you run"),
        ([*BEFORE, row({"seed": 1}, 35)], "the prediction 35 is no error rate; 0.3"),
        ([*BEFORE, row({"learning_rate": 3e-4})], "your run repeats the one above"),
        ([*BEFORE, row({"seed": 1}, error=None)], "there is no measured error in it"),
        (0.3, "is to be the list of rows that `run` fills"),
    ],
}
