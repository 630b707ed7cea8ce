"""Answers to the exercises of lesson 03, right and typically wrong."""

from zhasr import wavenet


def receptive_field(config):
    vectors = 1
    if config.reduction > 1:
        vectors += 2
    for _ in range(config.stacks):
        for dilation in config.dilations:
            vectors += (config.kernel_size - 1) * dilation
    return vectors * config.reduction


def without_stacks(config):
    return 1 + (config.kernel_size - 1) * sum(config.dilations)


def with_all_taps(config):
    return 1 + config.kernel_size * config.stacks * sum(config.dilations)


def config(kernel_size, dilations, channels=64, reduction=1):
    return wavenet.Config(channels, kernel_size, 1, dilations, reduction, causal=True)


def hears_the_future(network, frames, moment):
    changed = frames.copy()
    changed[moment:] = 100 - changed[moment:]
    return bool((network(frames)[:moment] != network(changed)[:moment]).any())


def compares_all(network, frames, moment):
    changed = frames.copy()
    changed[moment:] += 5
    return bool((network(frames) != network(changed)).any())


RIGHT = {
    "receptive_field": [receptive_field],
    "smallest": [config(4, (1, 4, 16)), config(4, (1, 4, 8))],
    "hears_the_future": [hears_the_future],
}
WRONG = {
    "receptive_field": [
        (without_stacks, "are run through config.stacks times"),
        (with_all_taps, "one tap is the frame itself"),
        (lambda c: receptive_field(c) - 1, "The frame itself is missing"),
        (lambda c: receptive_field(c) // c.reduction, "You counted vectors; each"),
        (lambda c: 3 ** len(c.dilations), "Every layer adds (taps − 1) × its dilation"),
        (lambda c: c.kernel, "AttributeError: 'Config' object has no"),
    ],
    "smallest": [
        (config(4, (1, 4)), "hears 160 ms; 400 are wanted"),
        (config(3, (1, 3, 9, 27)), "parameters; 140,497 are enough"),
        (config(4, (1, 8, 16)), "with gaps: no tap falls on some frames"),
        (config(4, (1, 4, 16), channels=16), "is to have channels=64 and reduction=1"),
        ({"kernel_size": 4}, "is to be a wavenet.Config(…), received"),
    ],
    "hears_the_future": [
        (compares_all, "only those before it must not: compare [:moment]"),
        (lambda *a: not hears_the_future(*a), "it hears the future, so True"),
        (lambda network, frames, moment: False, "Output 4 is input 5, and 5 was"),
        (lambda network, frames: False, "an error: TypeError: "),
    ],
}
