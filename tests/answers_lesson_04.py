"""Answers to the exercises of lesson 04, right and typically wrong."""


def collapse(frames):
    labels, before = [], 0
    for label in frames:
        if label != before and label != 0:
            labels.append(label)
        before = label
    return labels


def drop(frames):
    return [label for label in frames if label]


def drop_then_merge(frames):
    return collapse(drop(frames))


def may_skip(extended, position):
    label, before = extended[position], extended[position - 2]
    return label != 0 and label != before


def frames_needed(labels):
    needed = 0
    for place, label in enumerate(labels):
        needed += 1
        if place and labels[place - 1] == label:
            needed += 1
    return needed


RIGHT = {
    "collapse": [collapse],
    "may_skip": [may_skip, lambda row, place: row[place] != row[place - 2]],
    "frames_needed": [frames_needed],
}
WRONG = {
    "collapse": [
        (drop, "did not merge equal neighbours first"),
        (drop_then_merge, "You dropped the blanks before merging"),
        (lambda frames: sorted(set(drop(frames))), "A set forgets order and doubles"),
        (
            lambda frames: [a for a, b in zip(frames, frames[1:], strict=False) if a],
            "Equal neighbours are one label.",
        ),
        (
            lambda frames: collapse(frames) + frames[9],
            "IndexError: list index out of range",
        ),
    ],
    "may_skip": [
        (lambda row, place: row[place] != 0, "without the blank between, the two"),
        (lambda row, place: True, "the label between would be lost"),
        (lambda row, place: False, "the blank between may be left out"),
        (lambda row, place: row[place + 9] != 0, "IndexError: list index out"),
    ],
    "frames_needed": [
        (len, "are equal: they would be merged"),
        (
            lambda labels: 2 * len(labels) - 1 if labels else 0,
            "between equal neighbours, not everywhere",
        ),
        (lambda labels: 2 * len(labels) + 1, "Its blanks may be skipped"),
    ],
}
