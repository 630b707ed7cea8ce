"""A network that gets used to a voice: less doubt, and no trace of it afterwards."""

import dataclasses
import json

import numpy as np
import pytest
from test_numpy_layers import random_features

from zhasr import (
    features,
    mel,
    model_folder,
    numpy_layers,
    recognizer,
    shape_layers,
    speaker_adaptation,
    vocabulary,
    wavenet,
)

CONFIG = features.FeatureConfig(pitch=True)
SPREAD = np.linspace(0.5, 4, 3 * mel.CEPSTRA, dtype=np.float32).reshape(3, -1)
LABELS = 7


def network(seed=0, **changes):
    """With random weights, large enough that it hears something."""
    sizes = {"channels": 8, "stacks": 1, "dilations": (1, 2)} | changes
    config, rng = wavenet.Config(**sizes), np.random.default_rng(seed)
    shapes = shape_layers.weights(config, CONFIG.dims, LABELS)
    weights = {
        name: (rng.normal(size=shape) * (3 if "logits" in name else 0.5)).astype("f")
        for name, shape in shapes.items()
    }
    return numpy_layers.Network(config, LABELS, weights)


def description(std=SPREAD, config=CONFIG):
    whole = np.ones(config.dims, np.float32)
    whole[: std.size] = std.ravel()[: config.dims]
    names = vocabulary.build("syllable", [["a1", "a2", "a3", "a4", "a5", "ba1"]])
    return model_folder.Description(
        network().config, config, np.zeros(config.dims, np.float32), whole, names, {}
    )


def hear(listening, *utterances):
    longest = max(map(len, utterances))
    padded = np.zeros((len(utterances), longest, CONFIG.dims), np.float32)
    for row, one in zip(padded, utterances, strict=True):
        row[: len(one)] = one
    frames = np.array(list(map(len, utterances)))
    logits = listening({"features": padded, "frames": frames})
    reduction = listening.config.reduction
    return [
        row[: wavenet.output_frames(len(one), reduction)]
        for row, one in zip(logits, utterances, strict=True)
    ]


@pytest.mark.parametrize("seed", range(4))
def test_every_step_leaves_less_doubt(seed):
    plain = network(seed)
    heard = random_features(60, CONFIG.dims, seed=seed)
    doubts = [speaker_adaptation.doubt(hear(plain, heard)[0])]
    for steps in (2, 20):
        adapted = speaker_adaptation.adaptive(plain, description(), steps)
        doubts.append(speaker_adaptation.doubt(hear(adapted, heard)[0]))
    assert doubts == sorted(doubts, reverse=True)
    assert doubts[0] - doubts[-1] > 0.01


@pytest.mark.parametrize("variety", [0, 0.7])
def test_the_slope_of_the_doubt(variety):
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(9, 5)) * 3
    slope = speaker_adaptation.doubt_slope(logits, variety)
    for place in np.ndindex(logits.shape):
        nudge = np.zeros_like(logits)
        nudge[place] = 1e-6
        above = speaker_adaptation.doubt(logits + nudge, variety)
        below = speaker_adaptation.doubt(logits - nudge, variety)
        assert slope[place] == pytest.approx((above - below) / 2e-6, abs=1e-6)
    silent = logits.copy()
    silent[:, 0] = 100
    assert speaker_adaptation.doubt(silent, variety) == 0
    assert (speaker_adaptation.doubt_slope(silent, variety) == 0).all()


@pytest.mark.parametrize("blocks", [1, 3])  # without and with Δ and ΔΔ
def test_the_slopes_of_a_voice(blocks):
    rng = np.random.default_rng(0)
    voice = speaker_adaptation.Voice(SPREAD[:blocks])
    for value in voice.values:
        value += rng.normal(0, 0.1, value.shape)
    heard = random_features(1, 20, blocks * mel.CEPSTRA + 3)
    weights = rng.normal(size=heard.shape)
    slopes = voice.slopes(heard, weights)
    changed = (voice.map(heard) != heard).any(axis=(0, 1))
    assert changed[:-3].all() and not changed[-3:].any()  # the pitch is not mapped
    before = (weights * np.float64(voice.map(heard))).sum()
    for value, slope in zip(voice.values, slopes, strict=True):
        direction = rng.normal(size=value.shape).astype("f")
        value += direction
        after = (weights * np.float64(voice.map(heard))).sum()
        assert after - before == pytest.approx((slope * direction).sum(), rel=1e-3)
        value -= direction


def test_slopes_in_time_are_those_of_mapped_cepstra():
    rng = np.random.default_rng(0)
    voice = speaker_adaptation.Voice(SPREAD)
    for value in voice.values:
        value += rng.normal(0, 0.2, value.shape)
    cepstra = rng.normal(size=(30, mel.CEPSTRA))
    mapped = voice.map(normalised(cepstra)[None])[0]
    own = mapped[:, : mel.CEPSTRA] * SPREAD[0]
    np.testing.assert_allclose(mapped, normalised(own), atol=1e-4)


def normalised(cepstra):
    """Cepstra, their differences and those of these, divided by SPREAD, and a pitch."""
    first = np.gradient(cepstra, axis=0)
    parts = np.stack([cepstra, first, np.gradient(first, axis=0)], axis=1)
    whole = np.ones((len(cepstra), CONFIG.dims), np.float32)
    whole[:, : SPREAD.size] = (parts / SPREAD).reshape(len(cepstra), -1)
    return whole


def test_utterances_do_not_disturb_each_other():
    adapted = speaker_adaptation.adaptive(network(), description(), 3)
    utterances = [random_features(n, CONFIG.dims, seed=n) for n in (50, 1, 33)]
    together = hear(adapted, *utterances)
    for one, logits in zip(utterances, together, strict=True):
        np.testing.assert_allclose(hear(adapted, one)[0], logits, atol=1e-5)
    padding = adapted(
        {"features": np.ones((1, 9, CONFIG.dims)), "frames": np.array([0])}
    )
    assert padding.shape == (1, 3, LABELS) and (padding == 0).all()


def test_weights_and_features_stay_as_they_are():
    plain = network()
    adapted = speaker_adaptation.adaptive(plain, description(), 4)
    kept = {name: value.copy() for name, value in plain.weights.items()}
    heard = random_features(40, CONFIG.dims)
    before = heard.copy()
    first, second = hear(adapted, heard)[0], hear(adapted, heard)[0]
    np.testing.assert_array_equal(first, second)  # no recording leaves a trace
    np.testing.assert_array_equal(heard, before)
    for name, value in kept.items():
        np.testing.assert_array_equal(plain.weights[name], value)
    assert np.abs(first - hear(plain, heard)[0]).max() > 0.01


def test_without_steps_it_is_the_network_itself():
    plain = network()
    assert speaker_adaptation.adaptive(plain, description(), 0) is plain


def test_other_features_are_refused():
    bands = description(config=features.FeatureConfig("log-mel"))
    assert speaker_adaptation.adaptive(network(), bands, 0)
    with pytest.raises(speaker_adaptation.AdaptationError, match="received log-mel"):
        speaker_adaptation.adaptive(network(), bands, 1)


def test_the_number_of_steps_is_kept_in_the_model_folder(tmp_path):
    assert speaker_adaptation.load_steps(tmp_path) == 0
    speaker_adaptation.save(tmp_path, 4, "dev.jsonl")
    assert speaker_adaptation.load_steps(tmp_path) == 4
    content = json.loads((tmp_path / speaker_adaptation.NAME).read_text())
    assert content["chosen_on"] == "dev.jsonl"


@pytest.mark.parametrize("steps", ["-1", "1.5", '"4"', "1e99", "null", "NaN", "true"])
def test_a_damaged_number_is_refused(tmp_path, steps):
    text = f'{{"format": "{speaker_adaptation.FORMAT}", "steps": {steps}}}'
    (tmp_path / speaker_adaptation.NAME).write_text(text)
    with pytest.raises(speaker_adaptation.AdaptationError, match=r"adaptation\.json"):
        speaker_adaptation.load_steps(tmp_path)


@pytest.mark.parametrize("deltas", [True, False])
def test_a_recognizer_does_as_its_folder_says(deltas, tmp_path):
    config = dataclasses.replace(CONFIG, deltas=deltas)
    made = description(SPREAD.ravel()[: config.spectral_dims], config)
    made = dataclasses.replace(
        made, architecture=wavenet.Config(channels=8, stacks=1, dilations=(1,))
    )
    model_folder.save(tmp_path, made.build(), made, "")
    assert type(recognizer.load(tmp_path).network) is numpy_layers.Network
    speaker_adaptation.save(tmp_path, 3)
    adapted = recognizer.load(tmp_path)
    assert adapted.network.steps == 3
    np.testing.assert_array_equal(adapted.network.spread, SPREAD[: 3 if deltas else 1])
    plain = recognizer.load(tmp_path, adapt=False)
    assert type(plain.network) is numpy_layers.Network
    samples = np.random.default_rng(0).normal(0, 0.1, 16_000).astype("f")
    log_probs = recognizer.log_probs(adapted, samples)
    assert log_probs.shape == recognizer.log_probs(plain, samples).shape
    assert np.allclose(np.exp(log_probs).sum(axis=1), 1, atol=1e-5)
