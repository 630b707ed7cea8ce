"""What both beam searches share: sums over paths, the times of labels, pruning.

A *token* stands for one hypothesis in the current frame. It holds the probability of
all its paths in two parts, those that end in a blank and those that end in its last
label ("spoken"): a label that follows may repeat the last one only after a blank.
Beside the sums it follows the best single path, which tells when each label was heard.

    beam (tokens of one frame) --stay, speak--> slots (of the next) --keep--> beam

Kernels for numba; natural logarithms, float64.
"""

import numpy as np

from zhasr import compiled, ctc

NONE = -1  # no record: nothing was heard before

# The fields of a token. *_before: record of the label before the last one on the best
# path, or, in a slot, where that record is still to be made (see `speak`); start and
# end: frames of the last label, end exclusive; mass: sum of its posteriors over them.
PATHS = [
    ("label", "i4"),  # the last one; 0 where nothing was heard yet
    ("blank", "f8"),
    ("spoken", "f8"),
    ("best_blank", "f8"),
    ("best_spoken", "f8"),
    ("blank_before", "i4"),
    ("blank_start", "i4"),
    ("blank_end", "i4"),
    ("blank_mass", "f4"),
    ("spoken_before", "i4"),
    ("spoken_start", "i4"),
    ("spoken_mass", "f4"),
]
# A label that has ended: its frames, mean posterior and the record of the one before.
RECORD = [
    ("before", "i4"),
    ("label", "i4"),
    ("start", "i4"),
    ("end", "i4"),
    ("probability", "f4"),
]


@compiled.njit
def log_add(first, second):
    """The logarithm of the sum of two probabilities given by their logarithms."""
    if first < second:
        first, second = second, first
    if second == -np.inf:
        return first
    return first + np.log1p(np.exp(second - first))


@compiled.njit
def total(token):
    """The log probability of all paths of a token."""
    return log_add(token.blank, token.spoken)


@compiled.njit
def begin(token):
    """Make a token that has heard nothing, before the first frame."""
    clear(token)
    token.label = ctc.BLANK
    token.blank = token.best_blank = 0.0


@compiled.njit
def clear(token):
    """Make a token that no path has reached."""
    token.blank = token.spoken = -np.inf
    token.best_blank = token.best_spoken = -np.inf
    token.blank_before = token.spoken_before = NONE
    token.blank_start = token.blank_end = token.spoken_start = 0
    token.blank_mass = token.spoken_mass = 0.0


@compiled.njit
def stay(old, new, frame, blank, spoken):
    """Go on for one frame without a new label: a blank, or the last label again.

    Args:
        old: token of the frame before.
        new: token to be filled in; fields that are not in PATHS are the caller's.
        frame: int.
        blank: float, log probability of the blank in this frame.
        spoken: float, that of the last label; -inf where nothing was heard yet.
    """
    new.label = old.label
    new.blank = total(old) + blank
    new.spoken = old.spoken + spoken
    new.best_spoken = old.best_spoken + spoken
    new.spoken_before = old.spoken_before
    new.spoken_start = old.spoken_start
    new.spoken_mass = old.spoken_mass + np.exp(spoken)
    if old.best_spoken > old.best_blank:  # the label ended before this frame
        new.best_blank = old.best_spoken + blank
        new.blank_before = old.spoken_before
        new.blank_start = old.spoken_start
        new.blank_end = frame
        new.blank_mass = old.spoken_mass
    else:
        new.best_blank = old.best_blank + blank
        new.blank_before = old.blank_before
        new.blank_start = old.blank_start
        new.blank_end = old.blank_end
        new.blank_mass = old.blank_mass


@compiled.njit
def unite(token, other):
    """Add the paths of another token that end in a blank, as those of this one do."""
    token.blank = log_add(token.blank, other.blank)
    if other.best_blank > token.best_blank:
        token.label = other.label
        token.best_blank = other.best_blank
        token.blank_before = other.blank_before
        token.blank_start = other.blank_start
        token.blank_end = other.blank_end
        token.blank_mass = other.blank_mass


@compiled.njit
def leave(old, label):
    """The paths of a token that may go on with a label.

    Returns:
        (log probability of all, of the best, whether the best ends spoken).
    """
    if label == old.label:
        return old.blank, old.best_blank, False
    if old.best_spoken > old.best_blank:
        return total(old), old.best_spoken, True
    return total(old), old.best_blank, False


@compiled.njit
def arrive(new, frame, paths, log_prob, origin):
    """Add paths whose label `new.label` begins in this frame.

    Args:
        new: token, cleared or with other paths in it.
        frame: int.
        paths: what `leave` returned for the token they come from.
        log_prob: float, of the label in this frame.
        origin: int, the token they come from, see `source`.
    """
    summed, best, _ = paths
    new.spoken = log_add(new.spoken, summed + log_prob)
    if best + log_prob > new.best_spoken:
        new.best_spoken = best + log_prob
        new.spoken_before = origin
        new.spoken_start = frame
        new.spoken_mass = np.exp(log_prob)


@compiled.njit
def source(old, index, spoken):
    """Name a token of the beam, of which no record is made unless it is needed."""
    if old.label == ctc.BLANK:
        return NONE
    return NONE - 1 - 2 * index - spoken


@compiled.njit
def finish(record, old, frame, spoken):
    """Write the record of the last label of a token, which ends before this frame."""
    record.label = old.label
    if spoken:
        record.before, record.start = old.spoken_before, old.spoken_start
        record.end, mass = frame, old.spoken_mass
    else:
        record.before, record.start = old.blank_before, old.blank_start
        record.end, mass = old.blank_end, old.blank_mass
    record.probability = min(1.0, mass / (record.end - record.start))


@compiled.njit
def likely_labels(row, least, most, chosen):
    """Choose the labels of a frame that are worth following; never the blank.

    Args:
        row: float32 array (labels,), log probabilities.
        least: float, log probability below which a label is not followed.
        most: int, number of labels at most; among equals the first.
        chosen: int32 array (labels,), receives them in rising order.

    Returns:
        int, how many.
    """
    count = 0
    for label in range(1, len(row)):
        if row[label] >= least and row[label] > -np.inf:
            chosen[count] = label
            count += 1
    if count <= most:
        return count
    values = np.empty(count)
    for index in range(count):
        values[index] = row[chosen[index]]
    return _best(values, most, chosen)


@compiled.njit
def _best(values, most, chosen):
    """Keep the `most` entries of `chosen` with the largest values, in order."""
    limit = _nth_largest(values.copy(), most)
    equal = most  # of those at the limit so many fit
    for value in values:
        equal -= value > limit
    kept = 0
    for index in range(len(values)):
        if values[index] > limit or (values[index] == limit and equal > 0):
            equal -= values[index] == limit
            chosen[kept] = chosen[index]
            kept += 1
    return kept


@compiled.njit
def _nth_largest(values, n):
    """Find by quickselect (Hoare 1961); the values lose their order.

    np.partition does the same, but numba needs 20 s to compile it.
    """
    first, last, wanted = 0, len(values) - 1, n - 1
    while first < last:
        pivot = values[(first + last) // 2]
        left, right = first, last
        while left <= right:
            while values[left] > pivot:
                left += 1
            while values[right] < pivot:
                right -= 1
            if left <= right:
                values[left], values[right] = values[right], values[left]
                left, right = left + 1, right - 1
        if wanted <= right:
            last = right
        elif wanted >= left:
            first = left
        else:
            break
    return values[wanted]


@compiled.njit
def keep(scores, width, margin, kept):
    """Prune hypotheses: the best `width`, and none too far behind the best one.

    Args:
        scores: float64 array (hypotheses,).
        width: int.
        margin: float, how far behind the best a score may be.
        kept: int32 array (at least hypotheses,), receives their indices, rising.

    Returns:
        int, how many.
    """
    best = -np.inf
    for score in scores:
        best = max(best, score)
    count = 0
    for index in range(len(scores)):
        if scores[index] >= best - margin and scores[index] > -np.inf:
            kept[count] = index
            count += 1
    if count <= width:
        return count
    values = np.empty(count)
    for index in range(count):
        values[index] = scores[kept[index]]
    return _best(values, width, kept)


@compiled.njit
def mark(marks, token):
    """Mark the records that a token has before its last label.

    Args:
        marks: int32 array (records + 1,), 0; the last takes what has no record.
        token: token of a beam.
    """
    marks[token.blank_before] = 1  # NONE is the last
    marks[token.spoken_before] = 1


@compiled.njit
def number(marks):
    """Turn marks into new numbers without gaps, in place, NONE where unmarked.

    Returns:
        int, how many are marked.
    """
    count = 0
    for index in range(len(marks)):
        if marks[index]:
            marks[index] = count
            count += 1
        else:
            marks[index] = NONE
    return count


@compiled.njit
def close_gaps(records, marks):
    """Move the marked records, and those before them, together.

    Args:
        records: RECORD array.
        marks: int32 array (records + 1,), see `mark`; becomes the new numbers.

    Returns:
        int, the records that are left.
    """
    for index in range(len(marks) - 2, -1, -1):  # what is before has a lower number
        if marks[index]:
            marks[records[index].before] = 1
    marks[-1] = 0
    count = number(marks)
    for index in range(len(marks) - 1):
        if marks[index] != NONE:
            records[index].before = marks[records[index].before]
            records[marks[index]] = records[index]
    return count


@compiled.njit
def renumber(numbers, token):
    """Put the new numbers of `close_gaps` into a token."""
    token.blank_before = numbers[token.blank_before]
    token.spoken_before = numbers[token.spoken_before]
