"""Where somebody speaks in a long recording: an energy detector in bands.

    samples --levels--> dB per frame and band --noise_floor--> what stands out --find-->
    pieces

Speech is what stands out from the quietest sound around it in some of the bands: a
vowel has its energy in a few of them, and is heard in noise that is louder than it in
the others. A quiet microphone, a hum, or noise that changes slowly, does not matter;
music and noises that come and go are taken for speech. A piece begins a little before
what was found and ends a little after it, because consonants are quieter than vowels.
Pieces are short enough to be recognised one by one: a long one is cut where it is
quietest.

Example:
    >>> rng = np.random.default_rng(0)
    >>> samples = rng.normal(0, 0.001, 30 * audio.SAMPLE_RATE)
    >>> samples[10 * audio.SAMPLE_RATE : 12 * audio.SAMPLE_RATE] *= 100  # 10 to 12 s
    >>> [(round(each.start, 1), round(each.end, 1)) for each in find(samples)]
    [(9.7, 12.3)]
"""

import dataclasses

import numpy as np

from zhasr import audio, features

STEP = features.STEP_SAMPLES
STEPS_PER_SECOND = audio.SAMPLE_RATE // STEP
BANDS = 16  # on the mel scale; hum and rumble are in the lowest
HEARD_BANDS = 5  # those that stand out most: one or two formants
SMOOTHING = 7  # frames that a level is the mean power of
NOISE_SHARE = 0.1  # of the frames of a second that are below its noise level
NOISE_SECONDS = 10  # of which the quietest is the floor
RISE = 6.0  # dB above the floor where speech begins; noise alone stays below 3.7
FALL = 4.0  # dB above the floor where it ends
RANGE = 45.0  # dB below the loudest frames, which is too quiet for the same speakers
LOUDEST_SHARE = 0.98  # of the frames that are quieter than the "loudest"
BEFORE, AFTER = 0.25, 0.30  # seconds around what was found
SHORTEST = 0.15  # seconds, with the smoothing; what is shorter is a click
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
    if len(samples) == 0:
        return []
    excess = _excess(levels(samples))
    loud = _runs(_is_loud(excess))
    loud = [run for run in loud if run[1] - run[0] >= SHORTEST * STEPS_PER_SECOND]
    behind = len(samples)
    pieces = []
    for start, end in _united(loud, -(-behind // STEP)):
        pieces += _cut(excess, start, end)
    return [Segment(a * STEP, min(b * STEP, behind)) for a, b in pieces]


def levels(samples):
    """How loud each frame is, band by band.

    Args:
        samples: float array (samples,), 16 kHz, full scale ±1; at least one.

    Returns:
        float array (frames, BANDS), dB, smoothed; frames as of `zhasr.features`.
    """
    power = np.exp(features.log_mel(samples, BANDS))
    return 10 * np.log10(_means(power, SMOOTHING))


def _means(values, width):
    """Means of so many neighbours, at the ends of those that there are; width odd."""
    side = width // 2
    sums = np.cumsum(values, axis=0, dtype=np.float64)
    sums = np.concatenate([np.zeros_like(sums[:1]), sums])
    first = np.maximum(np.arange(len(values)) - side, 0)
    last = np.minimum(np.arange(len(values)) + side + 1, len(values))
    return ((sums[last] - sums[first]).T / (last - first)).T


def noise_floor(level):
    """How loud the noise is, which may change: of each frame and band.

    In a second of speech there are pauses between syllables; in some seconds, one
    between sentences (minimum statistics: Martin 2001, section III). Of all stretches
    of `NOISE_SECONDS` around a frame, the one counts whose quietest second is loudest:
    where a fan is switched on, the seconds before are not those to compare with.

    Args:
        level: float array (frames, bands), dB, of `levels`; at least one frame.

    Returns:
        float array (frames, bands), dB.
    """
    blocks = -(-len(level) // STEPS_PER_SECOND)  # of a second, or a little less
    parts = np.array_split(level, blocks)
    quiet = np.array([np.quantile(part, NOISE_SHARE, axis=0) for part in parts])
    width = min(NOISE_SECONDS, blocks)
    view = np.lib.stride_tricks.sliding_window_view
    quietest = view(quiet, width, axis=0).min(axis=-1)
    around = ((width - 1, width - 1), (0, 0))
    quietest = np.pad(quietest, around, constant_values=-np.inf)
    floor = view(quietest, width, axis=0).max(axis=-1)
    middles = (np.arange(blocks) + 0.5) * len(level) / blocks
    frames = np.arange(len(level))
    return np.stack([np.interp(frames, middles, band) for band in floor.T], axis=1)


def _excess(level):
    """How far each frame stands out, in the bands where it does most: dB (frames,)."""
    least = np.quantile(level, LOUDEST_SHARE, axis=0).max() - RANGE
    excess = np.maximum(level - np.maximum(noise_floor(level), least), 0)
    excess.partition(BANDS - HEARD_BANDS, axis=1)
    return excess[:, -HEARD_BANDS:].mean(axis=1)


def _is_loud(excess):
    """Frames that stand out: bool; once they do, until they hardly do any more."""
    loud = np.zeros(len(excess), bool)
    for start, end in _runs(excess > FALL):
        loud[start:end] = (excess[start:end] > RISE).any()
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


def _cut(excess, start, end):
    """Pieces of at most `LONGEST`, cut where it is quietest."""
    longest = round(LONGEST * STEPS_PER_SECOND)
    pieces = []
    while end - start > longest:
        # The rest is not to be a scrap that nobody can understand.
        last = min(start + longest, end - round(longest * EARLIEST_CUT / 2))
        first = start + round(longest * EARLIEST_CUT)
        quiet = _means(excess[first:last], CUT_FRAMES)
        cut = first + int(quiet.argmin())
        pieces.append((start, cut))
        start = cut
    return [*pieces, (start, end)]
