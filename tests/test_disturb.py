"""Versions of a recording: changed, the same every time, still speech."""

import json

import numpy as np
import pytest
import test_prepare

from data_prep import disturb, prepare
from zhasr import audio, manifest

RATE = audio.SAMPLE_RATE


def sound():
    seconds = np.arange(RATE) / RATE
    swell = np.sin(2 * np.pi * 3 * seconds) ** 2
    return (0.3 * swell * np.sin(2 * np.pi * 220 * seconds)).astype(np.float32)


def test_name_and_version_alone_decide():
    plain = sound()
    np.testing.assert_array_equal(disturb.disturb(plain, "a", 0), plain)
    one = disturb.disturb(plain, "a", 1)
    np.testing.assert_array_equal(one, disturb.disturb(plain, "a", 1))
    for other in (disturb.disturb(plain, "a", 2), disturb.disturb(plain, "b", 1)):
        assert len(other) != len(one) or not np.allclose(other, one)
    with pytest.raises(ValueError, match="version 0 or more"):
        disturb.disturb(plain, "a", -1)


def test_changes_stay_within_what_they_promise():
    plain = sound()
    for number in range(60):
        changed = disturb.disturb(plain, f"name {number}", 1)
        assert changed.dtype == np.float32
        assert np.isfinite(changed).all()
        assert 1 / 1.13 < len(changed) / len(plain) < 1.13
        peak = np.abs(changed).max()
        assert 10 ** (-26.1 / 20) < peak <= 1.0001
        spectrum = np.abs(np.fft.rfft(changed))
        loudest = spectrum.argmax() / len(changed) * RATE
        assert 220 / 1.15 < loudest < 220 * 1.15, "the sound is still the loudest"


@pytest.mark.parametrize("samples", [0, 1, 50])
def test_next_to_nothing_is_no_error(samples):
    assert disturb.disturb(np.zeros(samples, np.float32), "a", 1).size == samples
    assert np.isfinite(disturb.disturb(np.ones(samples, np.float32), "a", 3)).all()


@pytest.mark.slow
def test_a_version_of_a_corpus_is_its_training_split_alone(tmp_path):
    source = test_prepare.plant_corpus(tmp_path / "corpus")
    outs = [tmp_path / name for name in ("plain", "one", "again")]
    for out, version in zip(outs, (0, 1, 1), strict=True):
        prepare.prepare("synthetic", source, out, worker_count=1, version=version)
    plain, one, again = (
        {item.id: item.duration for item in manifest.read(out / "train.jsonl")}
        for out in outs
    )
    assert plain.keys() == one.keys()
    assert plain != one
    assert one == again
    assert not list(outs[1].glob("dev.jsonl")) + list(outs[1].glob("test.jsonl"))
    assert json.loads((outs[1] / "config.json").read_text())["disturbed"] == 1
    with pytest.raises(ValueError, match="disturbed = 1, not 2"):
        prepare.prepare("synthetic", source, outs[1], worker_count=1, version=2)
