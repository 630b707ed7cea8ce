"""How much faster the CTC loss of zhasr is than `keras.ops.ctc_loss`.

    python benchmarks/ctc.py         # every backend that is installed
    python benchmarks/ctc.py jax     # one

Value and gradient for one batch, both sides in turn. Before they are timed they must
agree. On JAX both are compiled; on TensorFlow both are timed as a graph and compiled
with XLA, and the figure compares like with like: it is the smaller of the two ratios.
TensorFlow's own kernel for sparse labels, which Keras does not use, is there for
reference. Every backend has a process of its own.
"""

import argparse
import importlib.util
import os
import statistics
import subprocess
import sys
import time

import figures
import numpy as np

BACKENDS = ("tensorflow", "jax", "torch")
BATCH, FRAMES, LABELS, TARGETS = 16, 250, 1_300, 30
REPETITIONS, CALLS = 3, 5  # the time of a repetition is the median of its calls
STOCK, SPARSE = "keras.ops.ctc_loss", "tf.nn.ctc_loss, sparse"


def main():
    """Measure the backends that are named, or all in turn."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("backend", nargs="?", choices=BACKENDS)
    options = parser.parse_args()
    if options.backend:
        os.environ["KERAS_BACKEND"] = options.backend  # before Keras is imported
        report(options.backend, CONTESTS[options.backend](*make_batch()))
        return
    print(f"batch {BATCH}, {FRAMES} frames, {LABELS} labels, {TARGETS} targets")
    last = []
    for name in BACKENDS:
        lines = in_process(name)
        print(*(line for line in lines if not line.startswith("figure ")), sep="\n")
        last += [line for line in lines if line.startswith("figure ")]
    print(*last, sep="\n")


def in_process(backend):
    """Lines that this script prints for one backend, or why there are none."""
    if importlib.util.find_spec(backend) is None:
        return [f"\n{backend}: not installed; pip install --editable '.[{backend}]'"]
    command = [sys.executable, __file__, backend]
    result = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    if result.returncode:
        raise SystemExit(f"{backend}: failed, see above")
    return result.stdout.splitlines()


def make_batch():
    """Random labels (batch, targets) and logits (batch, frames, labels)."""
    generator = np.random.default_rng(0)
    labels = generator.integers(1, LABELS, size=(BATCH, TARGETS)).astype(np.int32)
    logits = generator.normal(size=(BATCH, FRAMES, LABELS)).astype(np.float32)
    return labels, logits


def losses_of(labels):
    """The two sides: functions of logits, on whatever backend Keras has."""
    from zhasr import ctc
    from zhasr.backend import keras

    lengths = np.full(BATCH, TARGETS, np.int32), np.full(BATCH, FRAMES, np.int32)
    return (
        lambda logits: ctc.loss(labels, logits, *lengths),
        lambda logits: keras.ops.ctc_loss(labels, logits, *lengths),
    )


def tensorflow_contests(labels, logits):
    """Graph and XLA; the sparse kernel has no XLA form."""
    from zhasr.backend import tensorflow as tf

    variable, sparse = tf.constant(logits), tf.sparse.from_dense(labels)
    frame_lengths = np.full(BATCH, FRAMES, np.int32)

    def prepared(loss, jit):
        @tf.function(jit_compile=jit)
        def both(variable):
            with tf.GradientTape() as tape:
                tape.watch(variable)
                losses = loss(variable)
            return losses, tape.gradient(losses, variable)

        return lambda: [array.numpy() for array in both(variable)]

    def native(logits):
        return tf.nn.ctc_loss(
            sparse, logits, None, frame_lengths, logits_time_major=False, blank_index=0
        )

    ours, stock = losses_of(labels)
    graph = prepared(ours, False)
    return [
        ("graph", STOCK, *contest(graph, prepared(stock, False))),
        ("XLA", STOCK, *contest(prepared(ours, True), prepared(stock, True))),
        ("graph", SPARSE, *contest(graph, prepared(native, False))),
    ]


def jax_contests(labels, logits):
    """Both compiled, as `zhasr train` does."""
    import jax

    array = jax.numpy.asarray(logits)

    def prepared(loss):
        def total(logits):
            losses = loss(logits)
            return losses.sum(), losses

        both = jax.jit(jax.grad(total, has_aux=True))

        def call():
            gradient, losses = jax.block_until_ready(both(array))
            return np.asarray(losses), np.asarray(gradient)

        return call

    return [("compiled", STOCK, *contest(*map(prepared, losses_of(labels))))]


def torch_contests(labels, logits):
    """Both step by step, as Keras trains on torch; the stock loss is torch's own."""
    import torch

    from zhasr.backend import keras

    variable = keras.ops.convert_to_tensor(logits).detach().requires_grad_()

    def prepared(loss):
        def call():
            losses = loss(variable)
            (gradient,) = torch.autograd.grad(losses.sum(), variable)
            return losses.detach().cpu().numpy(), gradient.cpu().numpy()

        return call

    return [("eager", STOCK, *contest(*map(prepared, losses_of(labels))))]


CONTESTS = {
    "tensorflow": tensorflow_contests,
    "jax": jax_contests,
    "torch": torch_contests,
}


def contest(ours, theirs):
    """Check that both agree, then time both: ours, theirs (seconds) and the ratio."""
    check_agreement(ours(), theirs())  # and compile
    rows = [repetition(ours, theirs) for _ in range(REPETITIONS)]
    ratio = statistics.median(their / our for our, their in rows)
    return *map(statistics.median, zip(*rows, strict=True)), ratio


def check_agreement(ours, theirs):
    """Compare losses and gradients; the stock ones are rounded in the fourth digit."""
    for what, mine, other in zip(("losses", "gradients"), ours, theirs, strict=True):
        difference = np.linalg.norm(mine - other) / np.linalg.norm(other)
        if not difference < 1e-3:
            raise SystemExit(f"the {what} differ by {difference:.2g} of their size")


def repetition(*functions):
    """Median seconds of a call of each function; they take turns."""
    seconds = [[] for _ in functions]
    for _ in range(CALLS):
        for function, taken in zip(functions, seconds, strict=True):
            began = time.perf_counter()
            function()
            taken.append(time.perf_counter() - began)
    return [statistics.median(taken) for taken in seconds]


def report(backend, rows):
    """Print the table of one backend and its figure."""
    print()
    figures.table(
        (backend, "against", "ours, ms", "theirs, ms", "ratio"),
        [(how, other, 1e3 * our, 1e3 * their, r) for how, other, our, their, r in rows],
    )
    ratio = min(ratio for _, other, _, _, ratio in rows if other == STOCK)
    figures.figure(f"ctc_{backend}_speedup", ratio, "x")


if __name__ == "__main__":
    main()
