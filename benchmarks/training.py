"""How near training and inference of `base` come to the machine's matrix products.

    python benchmarks/training.py WORK

Trains on an hour of synthetic speech as `zhasr train` does, batches, augmentation and
all, on every backend that is installed, each in a process of its own. Times are taken
when every shape has been compiled; the seconds of compiling stand beside them.

Operations are counted from the weights: two for every weight of a convolution or a
matrix product and output frame, three times that for a training step. Only frames of
speech count, not their padding. The peak is the fastest square matrix product in
float32, by numpy or by the backend, measured before and after each repetition.
"""

import argparse
import importlib.util
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

import figures

BACKENDS = ("tensorflow", "jax", "torch")
REPETITIONS = 3
SECONDS = 20  # of training in each repetition
SIDES = (1024, 2048, 3072)  # of the square matrices of the peak
EPOCHS = 6  # of the run whose memory and compilations are counted


def main():
    """Measure every backend in turn; print the tables and the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("work", type=pathlib.Path)
    parser.add_argument("--preset", default="base")
    parser.add_argument("--measure", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        print(json.dumps(measure(options.work / "data", options.preset)))
        return
    make_corpus(options.work)
    results = {name: in_process(name, options) for name in BACKENDS}
    report({name: result for name, result in results.items() if result})


def make_corpus(work):
    """Synthesize and prepare an hour of speech; what is there already stays."""
    corpus, data = str(work / "corpus"), str(work / "data")
    for command in (
        ["data_prep.synthesize", corpus, "--hours", "1"],
        ["data_prep.prepare", "synthetic", corpus, data],
    ):
        subprocess.run([sys.executable, "-m", *command], check=True)


def in_process(backend, options):
    """Measure one backend in a process of its own; None where it is not installed."""
    if importlib.util.find_spec(backend) is None:
        print(f"{backend}: not installed; pip install --editable '.[backends]'")
        return None
    command = [sys.executable, __file__, str(options.work), "--measure"]
    result = subprocess.run(
        [*command, "--preset", options.preset],
        env={**os.environ, "KERAS_BACKEND": backend},
        stdout=subprocess.PIPE,
        check=True,
    )
    return json.loads(result.stdout.splitlines()[-1])


def report(results):
    """Print the tables, then the figures of the default backend."""
    header = ("backend", "training × real time", "share of peak")
    header += ("inference × real time", "share of peak", "peak GFLOP/s")
    header += ("compiling a shape, s",)
    figures.table(header, [row(name, one) for name, one in results.items()])
    default = next(iter(results.values()))
    print(f"\n{EPOCHS} epochs on the default backend: {default['summary']}")
    figures.table(("epoch", "peak GiB"), list(enumerate(default["memory"], start=1)))
    figures.figure("training_compilations", float(default["compilations"]), "times")
    figures.figure("training_waited", 100 * default["waited"], "%")
    growth = default["memory"][-1] / default["memory"][1]
    figures.figure("training_memory_growth", growth, "x")
    figures.figure("inference_base_realtime", default["inference_realtime"], "x")
    figures.figure("inference_gemm_share", 100 * default["inference_share"], "%")
    figures.figure("training_base_realtime", default["training_realtime"], "x")
    figures.figure("training_gemm_share", 100 * default["training_share"], "%")


def row(name, result):
    """A row of the table of backends."""
    return (
        name,
        result["training_realtime"],
        f"{100 * result['training_share']:.0f} %",
        result["inference_realtime"],
        f"{100 * result['inference_share']:.0f} %",
        result["peak"],
        result["compile_seconds"],
    )


# --- in the process of one backend ---------------------------------------------------


def measure(data, preset):
    """Everything about the backend that KERAS_BACKEND names, as a dict for JSON."""
    from zhasr import dataset, recognizer, training, training_run

    loaded = dataset.load([data], training.Options.kind)
    with tempfile.TemporaryDirectory() as folder:
        options = training.Options(preset=preset, epochs=EPOCHS, patience=EPOCHS)
        run = training_run.Run(loaded, pathlib.Path(folder), options, log)
        began = time.monotonic()
        warm_up(run)
        compile_seconds = (time.monotonic() - began) / len(run.train)
        infer = recognizer.compiled(run.trainable.network)
        inference_batches = batches_for_inference(run)
        for arrays in inference_batches:
            recognizer.run_network(infer, arrays)
        rows = [measure_once(run, infer, inference_batches) for _ in range(REPETITIONS)]
        result = {
            name: statistics.median(row[name] for row in rows) for name in rows[0]
        }
        result["compile_seconds"] = compile_seconds
        if os.environ["KERAS_BACKEND"] == BACKENDS[0]:
            result |= whole_run(loaded, pathlib.Path(folder) / "run", options)
    return result


def log(line):
    """Standard output is for the result."""
    print(line, file=sys.stderr, flush=True)


def warm_up(run):
    """Compile every shape of batch."""
    seen = set()
    for batch in epoch(run):
        if batch.features.shape not in seen:
            float(run.step(batch.inputs, batch.targets))
        seen.add(batch.features.shape)
        if len(seen) == len(run.train):
            return


def epoch(run):
    """The batches of an epoch, as training makes them."""
    from zhasr import batches

    dims = run.description.features.spectral_dims
    return batches.prefetch(
        batches.batches_of_epoch(run.train, 0, 0, run.augmentation, dims)
    )


def batches_for_inference(run):
    """Development utterances by length, as many at once as `zhasr evaluate` takes."""
    from zhasr import evaluation

    examples = sorted(run.data.dev, key=lambda example: -example.frames)
    groups, seconds = [[]], 0.0
    for example in examples:
        if seconds >= evaluation.BATCH_SECONDS:
            groups.append([])
            seconds = 0.0
        groups[-1].append(example.load())
        seconds += example.frames / 100
    return groups


def measure_once(run, infer, inference_batches):
    """Speed and share of the peak of training and of inference."""
    operations = operations_per_second_of_audio(run)
    before = peak()
    training_speed = time_training(run)
    inference_speed = time_inference(infer, inference_batches)
    highest = max(before, peak())
    return {
        "peak": highest / 1e9,
        "training_realtime": training_speed,
        "training_share": 3 * operations * training_speed / highest,
        "inference_realtime": inference_speed,
        "inference_share": operations * inference_speed / highest,
    }


def operations_per_second_of_audio(run):
    """Floating-point operations of the forward pass, from the kernels' sizes."""
    import math

    weights = sum(
        math.prod(variable.shape)
        for variable in run.trainable.network.trainable_variables
        if variable.name == "kernel"
    )
    return 2 * weights * 100 / run.trainable.reduction


def peak():
    """Operations a second of the fastest square matrix product."""
    import numpy as np

    from zhasr.backend import ops

    rates = []
    for side in SIDES:
        matrix = np.random.default_rng(0).normal(size=(side, side)).astype("float32")
        tensor = ops.convert_to_tensor(matrix)
        for product in (
            lambda matrix=matrix: matrix @ matrix,
            lambda tensor=tensor: ops.convert_to_numpy(ops.matmul(tensor, tensor)),
        ):
            product()
            seconds = []
            for _ in range(5):
                began = time.monotonic()
                product()
                seconds.append(time.monotonic() - began)
            rates.append(2 * side**3 / statistics.median(seconds))
    return max(rates)


def time_training(run):
    """Seconds of speech learned in a second, the input pipeline included."""
    frames, began = 0, time.monotonic()
    while time.monotonic() - began < SECONDS:
        source = epoch(run)
        for batch in source:
            float(run.step(batch.inputs, batch.targets))
            frames += int(batch.frames.sum())
            if time.monotonic() - began >= SECONDS:
                break
        source.close()
    return frames / 100 / (time.monotonic() - began)


def time_inference(infer, inference_batches):
    """Seconds of speech turned to logits in a second, features being there."""
    from zhasr import recognizer

    frames, began = 0, time.monotonic()
    for arrays in inference_batches:
        recognizer.run_network(infer, arrays)
        frames += sum(map(len, arrays))
    return frames / 100 / (time.monotonic() - began)


def whole_run(loaded, out, options):
    """A run of several epochs: compilations, waiting, memory after every epoch."""
    from zhasr import training_run

    run = training_run.Run(loaded, out, options, lambda line: None)
    while not run.finished():
        run.epoch()
    return {
        "summary": run.summary().partition("; ")[2],
        "compilations": run.trainable.traces,
        "waited": run.waited / (run.elapsed - run.evaluating),
        "memory": [row["peak_gib"] for row in run.history],
    }


if __name__ == "__main__":
    main()
