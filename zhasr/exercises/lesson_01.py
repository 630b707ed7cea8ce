"""The exercises of lesson 01, What does a tone look like?"""

import numpy as np
import scipy.fft

from zhasr import exercises, features, mel

SEED = 1
LETTERS = "ABCD"
SECRET = ("sa4", "ma1", "ma4", "sa1")  # what the unlabelled spectrograms show, A to D


# --- reading spectrograms ------------------------------------------------------------


def _secret(letter):
    return dict(zip(LETTERS, SECRET, strict=True))[letter]


_NOISE = "Look at the beginning: is there noise high up (s), or only low lines (m)?"
_LINES = "Follow one of the stripes in the vowel: does it stay level (1) or fall (4)?"

check_reading = exercises.Exercise(
    name="reading",
    task="Give each letter A to D one of 'ma1', 'ma4', 'sa1' and 'sa4'.",
    examine=exercises.by_cases(
        _secret,
        lambda: [exercises.Case((letter,)) for letter in LETTERS],
        mistakes=[
            exercises.Mistake(
                lambda letter: (
                    {"s": "m", "m": "s"}[_secret(letter)[0]] + _secret(letter)[1:]
                ),
                f"The tone is right, the consonant is not. {_NOISE}",
            ),
            exercises.Mistake(
                lambda letter: (
                    _secret(letter)[:2] + {"1": "4", "4": "1"}[_secret(letter)[2]]
                ),
                f"The consonant is right, the tone is not. {_LINES}",
            ),
            exercises.Mistake(
                lambda letter: (
                    {"s": "m", "m": "s"}[_secret(letter)[0]]
                    + "a"
                    + {"1": "4", "4": "1"}[_secret(letter)[2]]
                ),
                f"Neither consonant nor tone is right. {_NOISE} {_LINES}",
            ),
        ],
    ),
    praise="You read sounds that you have not heard.",
    following="Which was easier to see, the consonant or the tone, and in which rows?",
)


# --- the last step of log_mel ---------------------------------------------------------


def power_spectrum(samples):
    """Power of the spectrum of every frame, as `features.log_mel` computes it.

    Args:
        samples: float array (samples,), 16 kHz.

    Returns:
        float array (frames, 257); without a last frame that is not full.
    """
    scaled = features.to_16_bit_scale(samples)
    emphasised = np.append(scaled[0], scaled[1:] - features.PREEMPHASIS * scaled[:-1])
    views = np.lib.stride_tricks.sliding_window_view(emphasised, features.FRAME_SAMPLES)
    frames = views[:: features.STEP_SAMPLES] * np.hamming(features.FRAME_SAMPLES)
    return np.abs(np.fft.rfft(frames, mel.FFT_SIZE)) ** 2 / mel.FFT_SIZE


def _last_step(power, filters):
    return np.log(power @ filters.T)


def _spectra():
    generator = np.random.default_rng(SEED)
    noise = power_spectrum(0.1 * generator.standard_normal(4_000))
    silence = power_spectrum(np.zeros(2_000))
    small = np.array([[1.0, 3.0, 2.0], [np.e, 5.0, 4.0]])
    pair = np.array([[1.0, 0.0, 0.0], [0.0, 0.5, 1.0]])
    return [
        exercises.Case(
            (np.array([[1.0]]), np.array([[1.0]])),
            hint="One frame, one bin, one filter of weight 1: ln(1 × 1) is 0.",
        ),
        exercises.Case((small, pair), hint="Two frames of three bins, two filters."),
        exercises.Case(
            (noise, mel.filters(80)),
            hint="24 frames of noise and the 80 filters of zhasr.",
            shown="last_step(power of noise (24, 257), mel filters (80, 257))",
        ),
        exercises.Case(
            (silence, mel.filters(40)),
            hint="Silence: with its tiny noise no energy is zero, so ln works.",
            shown="last_step(power of silence (11, 257), mel filters (40, 257))",
        ),
    ]


check_last_step = exercises.Exercise(
    name="last_step",
    task="Weigh the power of every frame with every filter (a matrix product, "
    "filters.T), then take the natural logarithm; the shape is (frames, bands).",
    examine=exercises.by_cases(
        _last_step,
        _spectra,
        mistakes=[
            exercises.Mistake(
                lambda power, filters: power @ filters.T,
                "These are the energies themselves: the logarithm is missing.",
            ),
            exercises.Mistake(
                lambda power, filters: np.log10(power @ filters.T),
                "That is the logarithm to base 10; zhasr takes the natural one, "
                "np.log.",
            ),
            exercises.Mistake(
                lambda power, filters: 10 * np.log10(power @ filters.T),
                "These are decibels; zhasr takes the natural logarithm, np.log.",
            ),
            exercises.Mistake(
                lambda power, filters: np.log(power) @ filters.T,
                "You took the logarithm first: add up energies, then take it.",
            ),
            exercises.Mistake(
                lambda power, filters: np.log(power @ filters.T).T,
                "Rows and columns are exchanged: one row for each frame.",
            ),
        ],
    ),
    praise="That is all that stood between the bands and features.log_mel.",
    following="A voice twice as far away has a quarter of the energy: by how much do "
    "all log-mel bands change, and which later step removes that?",
)


# --- MFCC from log-mel ----------------------------------------------------------------


def _cepstra(bands, count):
    return scipy.fft.dct(bands, norm="ortho", axis=1)[:, :count]


def _cosines(bands, count, offset=0.5):
    size = bands.shape[1]
    waves = np.outer(np.arange(count), np.arange(size) + offset) * np.pi / size
    return bands @ np.cos(waves).T


def _without_the_exception(bands, count):
    return _cosines(bands, count) * np.sqrt(2 / bands.shape[1])


def _bands():
    generator = np.random.default_rng(SEED)
    wave = np.cos(np.pi * 2 * (np.arange(8) + 0.5) / 8)[None]
    random = [
        exercises.Case(
            (generator.standard_normal((3, size)), 13), hint=f"{size} random bands."
        )
        for size in (26, 40, 80)
    ]
    return [
        exercises.Case(
            (np.ones((1, 4)), 2),
            hint="Level bands: all is in cepstrum 0, √(1/4) × 4 = 2, and nothing in 1.",
        ),
        exercises.Case(
            (wave, 4), hint="The bands are cosine 2 itself, so only cepstrum 2 is left."
        ),
        *random,
    ]


check_cepstra = exercises.Exercise(
    name="cepstra_of",
    task="For each k below count: multiply the bands with cos(π k (n + ½) / N), "
    "add up over the bands n, multiply by √(2/N), and by √(1/N) for k = 0.",
    examine=exercises.by_cases(
        _cepstra,
        _bands,
        mistakes=[
            exercises.Mistake(
                _cosines,
                "The sums are right, the factor is missing: √(2/N), and √(1/N) for "
                "k = 0.",
            ),
            exercises.Mistake(
                _without_the_exception,
                "Cepstrum 0 has another factor than the others: √(1/N), not √(2/N).",
            ),
            exercises.Mistake(
                lambda bands, count: _cepstra(bands, bands.shape[1]),
                "You kept all cepstra; only the first `count` are wanted.",
            ),
            exercises.Mistake(
                lambda bands, count: _cepstra(bands, count).T,
                "Rows and columns are exchanged: one row for each frame.",
            ),
        ],
    ),
    praise="You can now make MFCC out of any log-mel picture.",
    following="Why are 13 of 26 enough, and what would change if you kept all 26?",
)
