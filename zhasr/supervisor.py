"""Start the processes of a data-parallel run and end all when one of them fails.

The engine itself ends a process that lost another with an abort and pages of native
stack. Here the processes write to logs, and the command says in one line what
happened and how to go on.
"""

import contextlib
import importlib.util
import os
import pathlib
import signal
import socket
import subprocess
import sys
import threading
import time

# Keras' own variables; see keras.distribution.initialize.
ADDRESSES = "KERAS_DISTRIBUTION_JOB_ADDRESSES"
COUNT = "KERAS_DISTRIBUTION_NUM_PROCESSES"
INDEX = "KERAS_DISTRIBUTION_PROCESS_ID"
WORKER = "ZHASR_WORKER"  # set in the environment of a supervised process
POLL = 0.2  # seconds
GRACE = 5  # seconds between asking a process to end and ending it


class WorkerError(ValueError):
    """A process of the run failed; the message says which, why, and what to do."""


def wanted(workers):
    """Whether this process has to supervise instead of training itself.

    Args:
        workers: int, of the command line.
    """
    several = workers > 1 or int(os.environ.get(COUNT, 1)) > 1
    return several and WORKER not in os.environ


def run(arguments, workers, out):
    """Run `zhasr ARGUMENTS` in several processes, or in this machine's one of several.

    Args:
        arguments: list of str, the command line.
        workers: int, processes on this machine. With Keras' variables for a run over
            several machines (see `workers.join`) in the environment, one is started.
        out: path of the model folder; logs go to `training/worker-N.log` in it.

    Raises:
        WorkerError: no JAX, or a process failed.
    """
    if importlib.util.find_spec("jax") is None:
        raise WorkerError(
            "training in several processes needs JAX: pip install --editable '.[jax]'"
        )
    places = _places(workers)
    logs = pathlib.Path(out) / "training"
    logs.mkdir(parents=True, exist_ok=True)
    children = {}
    try:
        for place in places:
            index = int(place[INDEX])
            children[index] = _start(arguments, place, logs / f"worker-{index}.log")
        _watch(children, logs)
    finally:
        _stop(children.values())


def _places(workers):
    """The environment variables of every process to start on this machine."""
    if int(os.environ.get(COUNT, 1)) > 1:
        missing = [name for name in (ADDRESSES, INDEX) if name not in os.environ]
        if missing:
            raise WorkerError(f"{COUNT} is set; set {' and '.join(missing)} as well")
        return [{name: os.environ[name] for name in (ADDRESSES, COUNT, INDEX)}]
    address = f"127.0.0.1:{_free_port()}"
    return [
        {ADDRESSES: address, COUNT: str(workers), INDEX: str(index)}
        for index in range(workers)
    ]


def _free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def _start(arguments, place, log):
    environment = {**os.environ, **place, WORKER: "1", "KERAS_BACKEND": "jax"}
    with log.open("wb") as file:
        return subprocess.Popen(
            [sys.executable, "-m", "zhasr", *arguments],
            env=environment,
            stdin=subprocess.PIPE,  # closes when this process dies; see end_with_parent
            stdout=None if place[INDEX] == "0" else file,
            stderr=file,
        )


def _watch(children, logs):
    """Wait for all; raise as soon as one has failed."""
    while any(child.poll() is None for child in children.values()):
        if any(child.poll() for child in children.values()):
            break
        time.sleep(POLL)
    failed = {index: child.returncode for index, child in children.items()}
    failed = {index: code for index, code in failed.items() if code}
    if not failed:
        return
    for index, code in failed.items():
        if code == 2:  # bad input, which the process has put into words
            text = (logs / f"worker-{index}.log").read_text(errors="replace")
            raise WorkerError(text.strip().splitlines()[-1].partition(": ")[2])
    how = ", ".join(f"worker {index} {_ending(code)}" for index, code in failed.items())
    raise WorkerError(
        f"{how}; the run was stopped. Epochs that were finished are kept: go on with "
        f"--resume. Details: {logs}/worker-{min(failed)}.log"
    )


def _ending(code):
    if code < 0:
        return f"was ended by {signal.Signals(-code).name}"
    return f"failed with status {code}"


def _stop(children):
    for child in children:
        if child.poll() is None:
            child.terminate()
    for child in children:
        try:
            child.wait(GRACE)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
        with contextlib.suppress(OSError):
            child.stdin.close()


def end_with_parent():
    """In a supervised process: end when the supervisor has died, however it did."""

    def watch():
        os.read(sys.stdin.fileno(), 1)  # nothing is ever written: waits for the end
        os._exit(1)

    if WORKER in os.environ:
        threading.Thread(target=watch, daemon=True).start()
