"""Answers to the exercises of lesson 06, right and typically wrong."""

import numpy as np


def merge(beam, prefix, frame):
    in_blank = in_label = 0.0
    for before, (blank, label) in beam.items():
        if before == prefix:
            in_blank += (blank + label) * frame[0]
            if prefix:
                in_label += label * frame[prefix[-1]]
        elif before == prefix[:-1]:
            same = before[-1:] == prefix[-1:]
            in_label += (blank if same else blank + label) * frame[prefix[-1]]
    return in_blank, in_label


def melted(beam, prefix, frame):
    blank, label = beam.get(prefix, (0, 0))
    last = frame[prefix[-1]] if prefix else 0
    shorter = sum(beam.get(prefix[:-1], (0, 0))) if prefix else 0
    return (blank + label) * frame[0], (label + shorter) * last


def forgets_shorter(beam, prefix, frame):
    blank, label = beam.get(prefix, (0, 0))
    return (blank + label) * frame[0], label * frame[prefix[-1]] if prefix else 0


def largest(beam, prefix, frame):
    blank, label = beam.get(prefix, (0, 0))
    ways = [label] if prefix else [0]
    if prefix:
        short = beam.get(prefix[:-1], (0, 0))
        ways += short[:1] if prefix[:-1][-1:] == prefix[-1:] else short
    return max(blank, label) * frame[0], max(ways) * frame[prefix[-1] if prefix else 0]


SMALLEST = [[0.6, 0.4], [0.6, 0.4]]
RIGHT = {
    "merge": [merge],
    "fooled": [
        SMALLEST,
        np.array([[0.52, 0.44, 0.04], [0.56, 0.4, 0.04], [0.1, 0.02, 0.88]]),
        [[0.4, 0.35, 0.25], [0.4, 0.35, 0.25], [0.4, 0.35, 0.25]],
    ],
}
WRONG = {
    "merge": [
        (forgets_shorter, "The shorter prefix is missing"),
        (melted, "only the paths that end in a blank lead there"),
        (largest, "You took the largest way"),
        (lambda b, p, f: sum(merge(b, p, f)), "so, and it ends in no label."),
        (lambda b, p, f: (b[p][0], b[p][1]), "only a blank keeps it so"),
        (
            lambda b, p, f: (
                merge(b, p, f)[0],
                sum(b.get(p, (0, 0))) * f[p[-1]]
                + merge(b, p, f)[1]
                - b.get(p, (0, 0))[1] * f[p[-1]]
                if p
                else 0.0,
            ),
            "After a blank the last label again is a new one",
        ),
    ],
    "fooled": [
        ([[0.9, 0.1], [0.9, 0.1]], "greedy reads nothing, and with 0.810 that"),
        ([[0.1, 0.9], [0.2, 0.8]], "greedy reads (1), and with"),
        ([[0.6, 0.3], [0.6, 0.4]], "of frame 0 add up to 0.900, not 1"),
        ([[0.5, 0.5], [0.6, 0.4]], "in frame 0 two labels are equally loud"),
        ([[0.6, 0.4]] * 5, "expected at most 4 frames of 2 to 5 labels"),
        ([0.6, 0.4], "expected a list of frames, each a list"),
        ([[1.5, -0.5]] * 2, "a probability is negative"),
    ],
}
