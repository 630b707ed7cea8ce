"""The exercises of lesson 06, Is the loudest path the best word?"""

import collections
import itertools

import numpy as np

from zhasr import ctc, decoding, exercises

SEED = 6
MOST_FRAMES, MOST_LABELS = 4, 5  # of posteriors that fool greedy
CLEAR = 1e-6  # by how much one probability must exceed another to be larger


# --- merge ----------------------------------------------------------------------------


def merge(beam, prefix, frame):
    """Add up all that leads to a prefix in one frame: the finished function.

    Args:
        beam: dict from prefix (tuple of int) to (probability of its paths that end in
            a blank, of those that end in its last label).
        prefix: tuple of int.
        frame: float array (labels,), the posteriors of the next frame.

    Returns:
        tuple (ends in a blank, ends in the last label) of float, after the frame.
    """
    blank, label = beam.get(prefix, (0.0, 0.0))
    ends_in_blank = (blank + label) * frame[ctc.BLANK]
    if not prefix:
        return float(ends_in_blank), 0.0
    last, shorter = prefix[-1], prefix[:-1]
    short_blank, short_label = beam.get(shorter, (0.0, 0.0))
    if shorter and shorter[-1] == last:  # without a blank they would be one
        short_label = 0.0
    return (
        float(ends_in_blank),
        float((label + short_blank + short_label) * frame[last]),
    )


def _beams():
    frame = np.array([0.5, 0.25, 0.25])
    only = {(): (0.5, 0.0)}
    both = {(): (0.25, 0.0), (1,): (0.125, 0.5)}
    three = both | {(1, 1): (0.0, 0.25), (1, 2): (0.25, 0.25)}
    planted = [
        (only, (), "No label yet: only a blank keeps it so, and it ends in no label."),
        (only, (1,), "The first label comes to the empty prefix."),
        ({(1,): (0.125, 0.5)}, (1,), "A blank or the same label again: nothing new."),
        (both, (1,), "Both arrive here: (1,) that stays, and () with a label more."),
        (both, (1, 2), "The prefix is new in the beam; it comes from (1,)."),
        (
            both,
            (1, 1),
            "The same label twice: only paths that end in a blank lead there.",
        ),
        (three, (1, 1), "It stays, and comes from (1,) where that ends in a blank."),
        (three, (1, 2), "It stays, and comes from all paths of (1,)."),
        (only, (1, 2), "Nothing in the beam leads there in one frame: zero."),
    ]
    cases = [
        exercises.Case((beam, prefix, frame), hint=hint, shown=_call(beam, prefix))
        for beam, prefix, hint in planted
    ]
    return cases + [_random_case(seed) for seed in range(20)]


def _call(beam, prefix):
    beam = {key: tuple(round(value, 3) for value in beam[key]) for key in beam}
    return f"merge({beam}, {prefix}, [0.5, 0.25, 0.25])"


def _random_case(seed):
    generator = np.random.default_rng(SEED + seed)
    prefixes = [(), (1,), (2,), (1, 1), (1, 2), (1, 2, 2)]
    beam = {prefix: tuple(generator.uniform(0, 0.2, 2).tolist()) for prefix in prefixes}
    beam[()] = (beam[()][0], 0.0)
    prefix = prefixes[int(generator.integers(len(prefixes)))]
    frame = generator.dirichlet(np.ones(3))
    return exercises.Case((beam, prefix, frame), shown=f"a random beam, {prefix}")


def _parts(beam, prefix, frame):
    blank, label = beam.get(prefix, (0.0, 0.0))
    shorter = beam.get(prefix[:-1], (0.0, 0.0)) if prefix else (0.0, 0.0)
    last = frame[prefix[-1]] if prefix else 0.0
    return (blank, label), shorter, frame[ctc.BLANK], last


def _largest(beam, prefix, frame):
    (blank, label), shorter, stays, last = _parts(beam, prefix, frame)
    if prefix[:-1][-1:] == prefix[-1:]:
        shorter = shorter[:1]
    return max(blank, label) * stays, max(label, *shorter) * last


def _melted(beam, prefix, frame):
    (blank, label), shorter, stays, last = _parts(beam, prefix, frame)
    return (blank + label) * stays, (label + sum(shorter)) * last


def _without_longer(beam, prefix, frame):
    (blank, label), _, stays, last = _parts(beam, prefix, frame)
    return (blank + label) * stays, label * last


def _without_staying(beam, prefix, frame):
    right = merge(beam, prefix, frame)
    return right[0], right[1] - _without_longer(beam, prefix, frame)[1]


def _after_blank(beam, prefix, frame):
    (blank, _), _, _, last = _parts(beam, prefix, frame)
    right = merge(beam, prefix, frame)
    return (right[0], right[1] + blank * last) if prefix else None


check_merge = exercises.Exercise(
    name="merge",
    task="Return (ends in a blank, ends in its last label) of one prefix after a frame:"
    " add up all ways that lead to it from the beam.",
    examine=exercises.by_cases(
        merge,
        _beams,
        mistakes=[
            exercises.Mistake(
                _without_longer,
                "The shorter prefix is missing: beam[prefix[:-1]] with one label more.",
            ),
            exercises.Mistake(
                _without_staying,
                "The last label may also be heard once more: then the prefix stays as "
                "it is.",
            ),
            exercises.Mistake(
                _after_blank,
                "After a blank the last label again is a new one, so it makes a longer "
                "prefix; only paths that end in the label stay.",
            ),
            exercises.Mistake(
                _melted,
                "From a label to the same label, without a blank between, nothing is "
                "added: only the paths that end in a blank lead there.",
            ),
            exercises.Mistake(
                _largest, "You took the largest way; all ways are to be added."
            ),
        ],
    ),
    praise="Equal prefixes are one now, and their paths count together.",
    following="What would happen to the beam if equal prefixes were kept apart?",
)


# --- posteriors that fool greedy ------------------------------------------------------


def _examine_fooled(attempt, name):
    rows = [attempt] if not isinstance(attempt, (list, tuple)) else attempt
    if any(row is ... or (isinstance(row, list) and ... in row) for row in rows):
        raise exercises.Unwritten
    try:
        posteriors = np.array(attempt, dtype=float)
    except (TypeError, ValueError):
        posteriors = np.zeros(0)
    wrong = _no_posteriors(posteriors)
    if wrong:
        return f"Not yet: {name}: {wrong}"
    ordered = np.sort(posteriors, axis=1)
    if (ordered[:, -1] - ordered[:, -2] < CLEAR).any():
        frame = int((ordered[:, -1] - ordered[:, -2] < CLEAR).argmax())
        return (
            f"Not yet: {name}: in frame {frame} two labels are equally loud; make one "
            "of them a little louder."
        )
    heard = _greedy(posteriors)
    totals = collections.Counter()
    for path in itertools.product(range(posteriors.shape[1]), repeat=len(posteriors)):
        probability = posteriors[np.arange(len(posteriors)), path].prod()
        totals[tuple(ctc.collapse(path))] += float(probability)
    best = max(totals, key=totals.get)
    if totals[best] - totals[heard] < CLEAR:
        return (
            f"Not yet: greedy reads {_read(heard)}, and with {totals[heard]:.3f} that "
            "is the best there is. Give another sequence many paths, each of them not "
            "quite as loud."
        )
    return ""


def _no_posteriors(posteriors):
    """Why an array is none that can be checked: str, "" if it is one."""
    if posteriors.ndim != 2 or not posteriors.size:
        return "expected a list of frames, each a list of probabilities."
    frames, labels = posteriors.shape
    if frames > MOST_FRAMES or not 2 <= labels <= MOST_LABELS:
        return (
            f"expected at most {MOST_FRAMES} frames of 2 to {MOST_LABELS} labels, "
            f"received {frames} frames of {labels}."
        )
    if not (posteriors >= 0).all():
        return "a probability is negative, or no number."
    total = posteriors.sum(axis=1)
    if not np.allclose(total, 1, atol=CLEAR):
        frame = int(np.abs(total - 1).argmax())
        return f"the probabilities of frame {frame} add up to {total[frame]:.3f}, not 1"
    return ""


def _greedy(posteriors):
    with np.errstate(divide="ignore"):
        decoded = decoding.greedy(np.log(posteriors))
    return tuple(one.label for one in decoded)


def _read(labels):
    return f"({', '.join(map(str, labels))})" if labels else "nothing"


check_fooled = exercises.Exercise(
    name="fooled",
    task=f"Give a list of at most {MOST_FRAMES} frames, each a list of probabilities "
    "that add up to 1, the blank first, so that the loudest path reads something else "
    "than the likeliest label sequence.",
    examine=_examine_fooled,
    praise="All paths were tried: greedy is wrong here.",
    following="How few frames and labels are enough, and how likely can a sequence be "
    "that greedy misses?",
)
