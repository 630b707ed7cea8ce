"""What `zhasr transcribe` must not wait for."""

import pathlib
import subprocess
import sys

import numpy as np
import pytest
import soundfile

from zhasr import (
    features,
    model_folder,
    recognizer,
    speaker_adaptation,
    vocabulary,
    wavenet,
)

ROOT = pathlib.Path(__file__).parents[1]
SLOW = {"tensorflow", "keras", "jax", "torch", "matplotlib", "jieba", "pypinyin"}
SLOW |= {"scipy.stats", "scipy.signal", "scipy.fft", "scipy.fftpack"}
SLOW |= {"python_speech_features", "pandas", "IPython", "tensorboard"}
PROGRAM = f"""
import sys
from zhasr import cli
status = cli.main(sys.argv[1:])
print("slow:", *sorted({SLOW} & sys.modules.keys()))
sys.exit(status)
"""


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """An untrained model and a recording."""
    folder = tmp_path_factory.mktemp("model")
    config = features.FeatureConfig()
    description = model_folder.Description(
        wavenet.Config(channels=8, stacks=1, dilations=(1, 2)),
        config,
        np.zeros(config.dims, np.float32),
        np.ones(config.dims, np.float32),
        vocabulary.build("syllable", [["ni3", "hao3", "ma5"]]),
        {},
    )
    model_folder.save(folder, description.build(), description, "")
    noise = np.random.default_rng(0).normal(0, 0.1, 16_000)
    soundfile.write(folder / "noise.wav", noise, 16_000)
    return folder


def run(*arguments):
    command = [sys.executable, "-c", PROGRAM, *map(str, arguments)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.mark.parametrize("steps", [0, 2])
def test_transcribe_imports_nothing_slow(model, steps):
    speaker_adaptation.save(model, steps)
    assert run("transcribe", model, model / "noise.wav", "--language", "none")[-1] == (
        "slow:"
    )


@pytest.mark.slow  # compiles the search, the first time
def test_nor_does_it_with_words(model):
    assert run("transcribe", model, model / "noise.wav")[-1] == "slow:"


def test_info_imports_nothing_slow(model):
    lines = run("info", model)
    assert lines[-1] == "slow:"
    network, _ = model_folder.load(model)
    assert f"{network.count_params() / 1e6:.2f} M parameters" in lines[0]


def test_both_engines_hear_the_same(model):
    samples = soundfile.read(model / "noise.wav", dtype="float32")[0]
    found = [
        recognizer.log_probs(recognizer.load(model, engine, adapt=False), samples)
        for engine in recognizer.ENGINES
    ]
    np.testing.assert_allclose(*found, rtol=0, atol=1e-4)
    with pytest.raises(ValueError, match="engine"):
        recognizer.load(model, "numba")
