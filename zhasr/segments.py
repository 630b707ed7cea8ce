"""Where somebody speaks in a long recording: an energy detector.

    samples --levels--> dB per frame --noise_floor--> what stands out --find--> pieces

Speech is what stands out from the quietest sound around it, so a quiet microphone, or
noise that grows slowly, does not matter; music and loud noises that come and go are
taken for speech. A piece begins a little before what was found and ends a little after
it, because consonants are quieter than vowels. Pieces are short enough to be recognised
one by one: a long one is cut where it is quietest.

Example:
    >>> rng = np.random.default_rng(0)
    >>> samples = rng.normal(0, 0.001, 30 * audio.SAMPLE_RATE)
    >>> samples[10 * audio.SAMPLE_RATE : 12 * audio.SAMPLE_RATE] *= 100  # 10 to 12 s
    >>> [(round(each.start, 1), round(each.end, 1)) for each in find(samples)]
    [(9.7, 12.3)]
"""

import dataclasses

import numpy as np

from zhasr import audio

STEP = audio.SAMPLE_RATE // 100  # samples; frames of 10 ms
STEPS_PER_SECOND = audio.SAMPLE_RATE // STEP
PREEMPHASIS = 0.97  # hum and rumble are no speech
SMOOTHING = 5  # frames that a level is the mean power of
QUIETEST = -100.0  # dB of full scale: below the rounding of 16 bits
NOISE_SHARE = 0.1  # of the frames of a second that are below its noise level
NOISE_SECONDS = 8  # on either side, whose quietest second is the floor
RISE, FALL = 10.0, 6.0  # dB above the floor where speech begins, and where it ends
RANGE = 45.0  # dB below the loudest frames, which is too quiet for the same speakers
LOUDEST_SHARE = 0.98  # of the frames that are quieter than the "loudest"
BEFORE, AFTER = 0.25, 0.30  # seconds around what was found
SHORTEST = 0.10  # seconds; what is shorter is a click
LONGEST = 20.0  # seconds of a piece
EARLIEST_CUT = 0.5  # of the longest, from where on a piece may be cut
CUT_FRAMES = 21  # frames that are to be quiet where a piece is cut


@dataclasses.dataclass(frozen=True)
class Segment:
    """A piece of a recording.

    Args:
        first: int, sample.
        last: int, the sample after its last one.
    """

    first: int
    last: int

    @property
    def start(self):
        """Seconds."""
        return self.first / audio.SAMPLE_RATE

    @property
    def end(self):
        """Seconds."""
        return self.last / audio.SAMPLE_RATE


def find(samples):
    """Find where somebody speaks.

    Args:
        samples: float array (samples,), 16 kHz, full scale ±1.

    Returns:
        list of Segment in the order of time, of at most `LONGEST` seconds; they do not
        overlap, but may touch where one was cut.
    """
    level = levels(samples)
    if not len(level):
        return []
    loud = _runs(_is_loud(level, noise_floor(level)))
    loud = [run for run in loud if run[1] - run[0] >= SHORTEST * STEPS_PER_SECOND]
    pieces = []
    for start, end in _united(loud, len(level)):
        pieces += _cut(level, start, end)
    behind = len(samples)
    return [Segment(a * STEP, min(b * STEP, behind)) for a, b in pieces]


def levels(samples):
    """How loud each frame of 10 ms is.

    Args:
        samples: float array (samples,), 16 kHz, full scale ±1.

    Returns:
        float32 array (⌈samples / 160⌉,), dB of full scale, pre-emphasised and smoothed.
    """
    samples = np.asarray(samples, np.float32)
    frames = -(-len(samples) // STEP)
    if not frames:
        return np.zeros(0, np.float32)
    changes = np.zeros(frames * STEP, np.float32)
    changes[1 : len(samples)] = samples[1:] - PREEMPHASIS * samples[:-1]
    rows = changes.reshape(frames, STEP)
    power = np.einsum("fs,fs->f", rows, rows) / STEP
    power = _means(power, SMOOTHING)
    return 10 * np.log10(np.maximum(power, 10 ** (QUIETEST / 10))).astype(np.float32)


def _means(values, width):
    """Means of so many neighbours, at the ends of those that there are; width odd."""
    side = width // 2
    sums = np.concatenate([[0.0], np.cumsum(values, dtype=np.float64)])
    first = np.maximum(np.arange(len(values)) - side, 0)
    last = np.minimum(np.arange(len(values)) + side + 1, len(values))
    return (sums[last] - sums[first]) / (last - first)


def noise_floor(level):
    """How loud the noise is, which may change slowly: of each frame.

    In a second of speech there are pauses between syllables; in some seconds around it,
    one between sentences (minimum statistics: Martin 2001, section III).

    Args:
        level: float array (frames,), dB, of `levels`; at least one.

    Returns:
        float array (frames,), dB.
    """
    blocks = -(-len(level) // STEPS_PER_SECOND)
    quiet = np.array(
        [
            np.quantile(part, NOISE_SHARE)
            for part in np.array_split(level, blocks)  # of a second, or a little less
        ]
    )
    padded = np.pad(quiet, NOISE_SECONDS, constant_values=np.inf)
    views = np.lib.stride_tricks.sliding_window_view(padded, 2 * NOISE_SECONDS + 1)
    middles = (np.arange(blocks) + 0.5) * len(level) / blocks
    return np.interp(np.arange(len(level)), middles, views.min(axis=1))


def _is_loud(level, floor):
    """Frames that stand out: bool; once they do, until they hardly do any more."""
    least = np.quantile(level, LOUDEST_SHARE) - RANGE
    ends = level > np.maximum(floor + FALL, least)
    begins = level > np.maximum(floor + RISE, least)
    loud = np.zeros(len(level), bool)
    for start, end in _runs(ends):
        loud[start:end] = begins[start:end].any()
    return loud


def _runs(flags):
    """Where flags are true: list of (first, one after the last)."""
    changes = np.flatnonzero(np.diff(np.concatenate([[0], flags.astype(np.int8), [0]])))
    return list(zip(changes[::2].tolist(), changes[1::2].tolist(), strict=True))


def _united(runs, frames):
    """With what is around them; those that touch then are one."""
    before, after = round(BEFORE * STEPS_PER_SECOND), round(AFTER * STEPS_PER_SECOND)
    united = []
    for start, end in runs:
        start, end = max(0, start - before), min(frames, end + after)
        if united and start <= united[-1][1]:
            start = united.pop()[0]
        united.append((start, end))
    return united


def _cut(level, start, end):
    """Pieces of at most `LONGEST`, cut where it is quietest."""
    longest = round(LONGEST * STEPS_PER_SECOND)
    pieces = []
    while end - start > longest:
        # The rest is not to be a scrap that nobody can understand.
        last = min(start + longest, end - round(longest * EARLIEST_CUT / 2))
        first = start + round(longest * EARLIEST_CUT)
        quiet = _means(level[first:last], CUT_FRAMES)
        cut = first + int(quiet.argmin())
        pieces.append((start, cut))
        start = cut
    return [*pieces, (start, end)]
