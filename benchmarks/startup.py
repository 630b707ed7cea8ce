"""How long `zhasr transcribe` takes from a cold start, and the network in it.

    python benchmarks/startup.py [MODEL] [--speech FOLDER]

Each command is a process of its own, with the search compiled and the tree of words
laid out before, as after the first use. A hum of five seconds is transcribed with the
decoder `words` and the language that comes with zhasr: what is heard does not matter.
The processor's time is that of all threads; other jobs on the machine change it less
than the time on the clock. Then the network alone, in numpy and in Keras in turn, all
on one thread.

Without a model, one of the size of `base` is used, untrained.

How far the log probabilities of numpy, of Keras and of Keras traced are from those in
double precision, and numpy from Keras: the largest difference of all frames and labels.
With a trained model it should be looked for in speech, since a hum is one sound:
`--speech` takes a folder of recordings, joined to 10 minutes, a minute at a time.
"""

import argparse
import dataclasses
import importlib.metadata
import json
import os
import pathlib
import resource
import statistics
import subprocess
import sys
import tempfile
import time

import figures
import numpy as np
import soundfile
from features import humming

from zhasr import (
    audio,
    features,
    model_folder,
    pinyin,
    recognizer,
    speaker_adaptation,
    vocabulary,
    wavenet,
)

SECONDS = 5.0  # of the recording
LENGTHS = (5, 60)  # seconds of audio, for the network alone
MINUTES = 10  # of speech, at most
PAIRS = (
    ("numpy", "Keras"),
    ("numpy", "double"),
    ("Keras", "double"),
    ("Keras, traced", "double"),
)
LIBRARIES = ("OMP", "OPENBLAS", "MKL")
ONE_THREAD = {f"{library}_NUM_THREADS": "1" for library in LIBRARIES}
ONE_THREAD |= {"TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1"}
ROOT = pathlib.Path(__file__).parents[1]
COMMANDS = {
    "python alone": ["-c", "pass"],
    "import numpy": ["-c", "import numpy"],
    "import tensorflow": ["-c", "import tensorflow"],
    "transcribe, greedy, no language": [
        *("-m", "zhasr", "transcribe", "MODEL", "AUDIO"),
        *("--language", "none"),
    ],
    "transcribe": ["-m", "zhasr", "transcribe", "MODEL", "AUDIO"],
}


def main():
    """Measure, print the tables and the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", nargs="?", type=pathlib.Path)
    parser.add_argument("--repetitions", type=int, default=7)
    parser.add_argument("--speech", type=pathlib.Path, help="folder of recordings")
    parser.add_argument("--network", action="store_true", help="alone, as JSON")
    options = parser.parse_args()
    if options.network:
        rows = measure_network(options.model, options.repetitions)
        print(json.dumps([rows, measure_precision(options.model, options.speech)]))
        return
    with tempfile.TemporaryDirectory() as folder:
        model = options.model or write_model(pathlib.Path(folder) / "model")
        recording = pathlib.Path(folder) / "hum.wav"
        hum = humming(SECONDS, np.random.default_rng(0))
        soundfile.write(recording, hum, audio.SAMPLE_RATE)
        names = {"MODEL": str(model), "AUDIO": str(recording)}
        commands = {
            label: [sys.executable, *(names.get(one, one) for one in command)]
            for label, command in COMMANDS.items()
        }
        times = measure_commands(commands, options.repetitions)
        rows, errors = in_one_thread(model, options.repetitions, options.speech)
    report(times, rows, errors)


def write_model(folder):
    """An untrained model of the size of `base` for initials and finals."""
    config = features.FeatureConfig(pitch=True)
    syllables = [
        pinyin.join_syllable(initial, final, tone)
        for initial, finals in pinyin.FINALS_OF.items()
        for final in finals.split()
        for tone in range(1, 6)
    ]
    names = vocabulary.build(
        "initial-final", [pinyin.targets("initial-final", syllables)]
    )
    description = model_folder.Description(
        wavenet.PRESETS["base"],
        config,
        np.zeros(config.dims, np.float32),
        np.full(config.dims, 10, np.float32),
        names,
        {},
    )
    model_folder.save(folder, description.build(), description, "")
    return folder


def measure_commands(commands, repetitions):
    """Seconds on the clock and of the processor: dict of label to list of pairs."""
    times = {label: [] for label in commands}
    for repetition in range(repetitions + 1):
        for label, command in commands.items():
            before = children_seconds()
            start = time.perf_counter()
            subprocess.run(
                command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )  # fmt: skip
            taken = time.perf_counter() - start, children_seconds() - before
            if repetition:  # the first one compiles and fills caches
                times[label].append(taken)
    return times


def children_seconds():
    """The processor's time of all processes that have ended, in seconds."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def in_one_thread(model, repetitions, speech):
    """Time and precision, in a process whose libraries have one thread."""
    arguments = [str(model), "--network", "--repetitions", str(repetitions)]
    arguments += ["--speech", str(speech.resolve())] if speech else []
    done = subprocess.run(
        [sys.executable, __file__, *arguments],
        env=os.environ | ONE_THREAD,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    return json.loads(done.stdout.splitlines()[-1])


def measure_network(model, repetitions):
    """Rows of seconds, and of milliseconds by engine."""
    description, networks = load(model)
    rows = []
    for seconds in LENGTHS:
        hum = humming(seconds, np.random.default_rng(1))
        normalised = description.normalise(features.extract(hum, description.features))
        taken = {label: [] for label in networks}
        for _ in range(repetitions + 1):
            for label, network in networks.items():
                start = time.process_time()
                recognizer.run_network(network, [normalised])
                taken[label].append(1000 * (time.process_time() - start))
        middle = {label: statistics.median(one[1:]) for label, one in taken.items()}
        rows.append((seconds, middle))
    return rows


def load(model):
    """The description, and the network of each engine by its label."""
    engines = {
        engine: recognizer.load(model, engine, adapt=False)
        for engine in recognizer.ENGINES
    }
    networks = {
        "numpy": engines["numpy"].network,
        "Keras": engines["keras"].network,
        "Keras, traced": recognizer.compiled(recognizer.load(model, "keras").network),
    }
    if speaker_adaptation.load_steps(model):
        networks["numpy, adapted"] = recognizer.load(model).network
    return engines["numpy"].description, networks


def measure_precision(model, speech):
    """The largest differences of log probabilities: dict of label to float."""
    description, networks = load(model)
    plain = networks["numpy"]
    double = {name: np.float64(value) for name, value in plain.weights.items()}
    networks["double"] = dataclasses.replace(plain, weights=double)
    worst = dict.fromkeys(PAIRS, 0.0)
    for samples in minutes_of(speech):
        raw = features.extract(samples, description.features)
        normalised = description.normalise(raw)
        frames = wavenet.output_frames(len(raw), description.architecture.reduction)
        found = {
            label: log_softmax(recognizer.run_network(network, [normalised])[0])
            for label, network in networks.items()
        }
        for pair in PAIRS:
            one, other = (found[label][:frames] for label in pair)
            worst[pair] = max(worst[pair], float(np.abs(one - other).max()))
    return {" to ".join(pair): value for pair, value in worst.items()}


def log_softmax(logits):
    """As the recogniser's, but in double precision: here it is not what is measured."""
    shifted = np.float64(logits) - logits.max(axis=-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))


def minutes_of(speech):
    """Arrays of a minute of recordings, as many as MINUTES; one hum without them."""
    minute = 60 * audio.SAMPLE_RATE
    if speech is None:
        yield humming(60, np.random.default_rng(1))
        return
    samples = np.zeros(0, np.float32)
    paths = iter(sorted(path for path in speech.rglob("*") if path.is_file()))
    for _ in range(MINUTES):
        while len(samples) < minute and (path := next(paths, None)):
            samples = np.concatenate([samples, audio.read(path)])
        if len(samples):
            yield samples[:minute]
        samples = samples[minute:]


def report(times, rows, errors):
    """Print what was measured."""
    load = os.getloadavg()[0]
    versions = [
        f"{name} {importlib.metadata.version(name)}"
        for name in ("numpy", "numba", "tensorflow")
    ]
    print(f"load {load:.1f}; {', '.join(versions)}\n")
    middle = {
        label: [statistics.median(column) for column in zip(*pairs, strict=True)]
        for label, pairs in times.items()
    }
    figures.table(
        ("command", "clock, s", "processor, s"),
        [(label, *pair) for label, pair in middle.items()],
    )
    print()
    figures.table(
        ("audio, s", *(f"{label}, ms" for label in rows[0][1])),
        [(row[0], *row[1].values()) for row in rows],
    )
    print()
    figures.table(("largest difference", "nats"), errors.items())
    print()
    figures.figure("startup_transcribe", middle["transcribe"][0], "s")
    figures.figure("startup_transcribe_processor", middle["transcribe"][1], "s")
    for seconds, taken in rows:
        ratio = taken["Keras"] / taken["numpy"]
        figures.figure(f"startup_network_speedup_{seconds}s", ratio, "x")
    for label, difference in errors.items():
        name = "_".join(label.lower().replace(",", "").split())
        figures.figure(f"startup_{name}", difference, "nats")


if __name__ == "__main__":
    main()
