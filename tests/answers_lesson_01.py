"""Answers to the exercises of lesson 01, right and typically wrong."""

import math

import numpy as np

READ = {"A": "sa4", "B": "ma1", "C": "ma4", "D": "sa1"}


def last_step(power, filters):
    energies = np.zeros((len(power), len(filters)))
    for frame, spectrum in enumerate(power):
        for band, weights in enumerate(filters):
            energies[frame, band] = (spectrum * weights).sum()
    return np.log(energies)


def cepstra(bands, count):
    frames, size = bands.shape
    found = np.zeros((frames, count))
    for k in range(count):
        scale = math.sqrt((1 if k == 0 else 2) / size)
        wave = [math.cos(math.pi * k * (n + 0.5) / size) for n in range(size)]
        found[:, k] = scale * (bands * wave).sum(axis=1)
    return found


def same_factor(bands, count):
    found = cepstra(bands, count)
    found[:, 0] *= math.sqrt(2)
    return found


def shifted(bands, count):
    size = bands.shape[1]
    waves = np.cos(np.pi * np.outer(np.arange(count), np.arange(size)) / size)
    scale = np.array([math.sqrt((1 if k == 0 else 2) / size) for k in range(count)])
    return bands @ waves.T * scale


RIGHT = {
    "reading": [READ],
    "last_step": [last_step, lambda p, f: np.log(f @ p.T).T],
    "cepstra_of": [cepstra],
}
WRONG = {
    "reading": [
        (READ | {"B": "sa1"}, "tone is right, the consonant is not. Look at the begin"),
        (READ | {"C": "ma1"}, "consonant is right, the tone is not. Follow one of"),
        (READ | {"D": "ma4"}, "Neither consonant nor tone is right"),
        ({"A": "sa4"}, "there is no answer for 'B'"),
    ],
    "last_step": [
        (lambda p, f: np.log10(last_step(p, f)), "of weight 1: ln(1 × 1) is 0"),
        (lambda p, f: np.exp(last_step(p, f)), "the logarithm is missing"),
        (lambda p, f: last_step(p, f) / np.log(10), "zhasr takes the natural one"),
        (lambda p, f: np.log(p) @ f.T, "took the logarithm first: add up energies"),
        (lambda p, f: np.log(p @ f), "received  an error: ValueError: matmul"),
    ],
    "cepstra_of": [
        (same_factor, "Cepstrum 0 has another factor than the others"),
        (shifted, "all is in cepstrum 0, √(1/4) × 4 = 2, and nothing"),
        (lambda bands, count: cepstra(bands, bands.shape[1]), "only the first `count`"),
        (lambda bands, count: cepstra(bands, count).T, "one row for each frame"),
    ],
}
