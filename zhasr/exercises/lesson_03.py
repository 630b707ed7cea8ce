"""The exercises of lesson 03, How far can it hear?"""

import dataclasses
import itertools

import numpy as np

from zhasr import exercises, features, wavenet

SEED = 3
STEM_TAPS = 3  # of the first convolution, where it reduces the frames
NEEDED = 0.4  # seconds that the smallest network must hear
CHANNELS, DIMS, LABELS = 64, 42, 209  # of that network; the last as in lesson 00
MOST_TAPS, MOST_LAYERS = 64, 12  # beyond them nothing is cheap


# --- receptive_field ------------------------------------------------------------------


def _configs():
    one = wavenet.Config(kernel_size=3, stacks=1, dilations=(1,), reduction=1)
    change = dataclasses.replace
    generator = np.random.default_rng(SEED)
    planted = [
        (one, "One layer of three taps sees the frame and one on either side."),
        (change(one, dilations=(1, 2)), "Every layer adds (taps − 1) × its dilation."),
        (change(one, kernel_size=2, dilations=(1, 2, 4)), "The tree of the picture."),
        (change(one, stacks=3), "The dilations are run through once for each stack."),
        (
            change(one, reduction=4),
            "With a reduction the stem adds 2, and a vector is 4 frames wide.",
        ),
        *((config, name) for name, config in wavenet.PRESETS.items()),
    ]
    for _ in range(20):
        kernel_size, stacks, reduction = (int(n) for n in generator.integers(1, 6, 3))
        dilations = tuple(int(n) for n in generator.integers(1, 9, 3))
        config = wavenet.Config(8, kernel_size, stacks, dilations, reduction)
        planted.append((config, "A random network."))
    return [
        exercises.Case((config,), hint=hint, shown=_config_text(config))
        for config, hint in planted
    ]


def _config_text(config):
    names = ("kernel_size", "stacks", "dilations", "reduction")
    return ", ".join(f"{name} {getattr(config, name)}" for name in names)


def _field(config, start=1, stem=True, stacks=True, reduction=True, taps=-1):
    """The receptive field, or what is left of it when a part is forgotten."""
    sides = config.kernel_size + taps
    layers = sum(config.dilations) * sides * (config.stacks if stacks else 1)
    added = STEM_TAPS - 1 if stem and config.reduction > 1 else 0
    return (start + added + layers) * (config.reduction if reduction else 1)


check_receptive_field = exercises.Exercise(
    name="receptive_field",
    task="Count the input frames that one output sees, from config.kernel_size, "
    ".dilations, .stacks and .reduction; the stem adds 2 if reduction is above 1.",
    examine=exercises.by_cases(
        wavenet.receptive_field,
        _configs,
        mistakes=[
            exercises.Mistake(
                lambda config: _field(config, start=0),
                "The frame itself is missing: add 1.",
            ),
            exercises.Mistake(
                lambda config: _field(config, taps=0),
                "A layer of 3 taps adds 2 frames, not 3: one tap is the frame itself.",
            ),
            exercises.Mistake(
                lambda config: _field(config, stacks=False),
                "The dilations are run through config.stacks times.",
            ),
            exercises.Mistake(
                lambda config: _field(config, reduction=False),
                "You counted vectors; each is made of config.reduction frames.",
            ),
            exercises.Mistake(
                lambda config: _field(config, stem=False),
                "The stem has 3 taps where the reduction is above 1, and adds 2.",
            ),
            exercises.Mistake(
                lambda config: int(np.prod(config.dilations)) * 2 + 1,
                "Layers add to the field, they do not multiply it: take the sum.",
            ),
        ],
    ),
    praise="It counts every network of this project.",
    following="Which is cheaper for a field twice as long: another stack, or one more "
    "dilation at the end?",
)


# --- fewest parameters ----------------------------------------------------------------


def parameters(config):
    """Count the parameters of a network: int."""
    return wavenet.build(config, DIMS, LABELS).count_params()


def has_gaps(config):
    """Whether there are frames inside the receptive field that nothing hears."""
    heard = {0}
    for rate in config.dilations * config.stacks:
        steps = range(0, config.kernel_size * rate, rate)
        heard = {place + step for place in heard for step in steps}
    return len(heard) < max(heard) + 1


def smallest():
    """The smallest network of CHANNELS that hears NEEDED without gaps.

    A layer of k taps hears k times as much at best, so k taps need n layers where
    kⁿ is enough; all with the same k and n have the same number of parameters.
    """
    frames = features.seconds_to_frames(NEEDED)
    best = None
    for taps, layers in itertools.product(range(2, frames + 1), range(1, 7)):
        size = layers * (taps + 1)  # of the layers, in units of 128 × 64, about
        if taps**layers >= frames and (best is None or size < best[0]):
            best = size, taps, layers
    _, taps, layers = best
    dilations = tuple(taps**layer for layer in range(layers))
    return wavenet.Config(CHANNELS, taps, 1, dilations, reduction=1)


def _examine_smallest(attempt, name):
    if not isinstance(attempt, wavenet.Config):
        return (
            f"Not yet: {name} is to be a wavenet.Config(…), received "
            f"{exercises.text(attempt)}."
        )
    if (attempt.channels, attempt.reduction) != (CHANNELS, 1):
        return (
            f"Not yet: {name} is to have channels={CHANNELS} and reduction=1, received "
            f"channels={attempt.channels} and reduction={attempt.reduction}."
        )
    field = wavenet.receptive_field(attempt)
    needed = features.seconds_to_frames(NEEDED)
    if field < needed:
        return (
            f"Not yet: {name} hears {10 * field} ms; {10 * needed} are wanted. "
            "Add layers, taps, or longer dilations."
        )
    layers = attempt.stacks * len(attempt.dilations)
    if attempt.kernel_size > MOST_TAPS or layers > MOST_LAYERS:
        return f"Not yet: {name} hears enough, but is far too large: build a tree."
    if has_gaps(attempt):
        return (
            f"Not yet: {name} hears over {10 * field} ms, but with gaps: no tap falls "
            "on some frames in between. A dilation may be as long as what lies below "
            "it hears, not longer."
        )
    mine, best = parameters(attempt), parameters(smallest())
    if mine > best:
        return (
            f"Not yet: {name} hears {10 * field} ms without gaps, with {mine:,} "
            f"parameters; {best:,} are enough. Three taps are usual, not cheapest."
        )
    return ""


check_smallest = exercises.Exercise(
    name="smallest",
    task=f"Make a wavenet.Config with channels={CHANNELS}, reduction=1 and causal=True "
    "that hears 400 ms (40 frames) without gaps, with as few parameters as possible: "
    "choose kernel_size, stacks and dilations.",
    examine=_examine_smallest,
    praise="No network of this family hears 400 ms for less.",
    following="Is the smallest also the best, or what do more and thinner layers buy?",
)


# --- causality ------------------------------------------------------------------------


def _hears_the_future(network, frames, moment):
    changed = np.array(frames, float)
    changed[moment:] += 1
    before, after = network(np.array(frames, float)), network(changed)
    return not np.allclose(before[:moment], after[:moment])


def _ahead(steps):
    return lambda frames: np.append(frames[steps:], np.zeros(steps))


def _delayed(frames):
    return np.append(np.zeros(2), frames[:-2])


_NETWORKS = (
    (
        "one frame ahead",
        _ahead(1),
        "Output 4 is input 5, and 5 was changed: it hears the future, so True.",
    ),
    ("the frame itself", lambda frames: 2 * frames, ""),
    ("the frame before", _delayed, "It hears the past only, however far."),
    ("running sum", np.cumsum, "It hears all of the past, and nothing behind."),
    ("three frames ahead", _ahead(3), "Only the outputs near the moment tell."),
    (
        "mean of all",
        lambda frames: frames * 0 + frames.mean(),
        "A mean over all knows.",
    ),
    (
        "nothing",
        lambda frames: frames * 0,
        "It hears nothing at all: no future either.",
    ),
)


def _networks():
    frames = np.random.default_rng(SEED).standard_normal(12).round(2)
    return [
        exercises.Case(
            (network, frames, 5),
            hint=hint,
            shown=f"hears_the_future(network, frames, 5), network: {name}",
        )
        for name, network, hint in _NETWORKS
    ]


def _looks_everywhere(network, frames, moment):
    changed = np.array(frames, float)
    changed[moment:] += 1
    return not np.allclose(network(np.array(frames, float)), network(changed))


check_hears_the_future = exercises.Exercise(
    name="hears_the_future",
    task="Run network(frames), change the frames from `moment` on in a copy, run it "
    "again, and return whether an output *before* the moment changed: True or False.",
    examine=exercises.by_cases(
        _hears_the_future,
        _networks,
        mistakes=[
            exercises.Mistake(
                _looks_everywhere,
                "Outputs from the moment on may change, of course; only those before "
                "it must not: compare [:moment].",
            ),
        ],
    ),
    praise="You can now test a network without reading its code.",
    following="How many milliseconds must a listener wait for a network that hears the "
    "future?",
)
