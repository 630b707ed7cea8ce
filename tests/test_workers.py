"""Several processes that share every batch, for real: on the loopback."""

import csv
import importlib.util
import os
import subprocess
import sys
import textwrap
import time

import conftest
import numpy as np
import pytest

from zhasr import batches, checkpoint, supervisor, workers

TIME_LIMIT = 600  # seconds
COMMAND = (sys.executable, "-m", "zhasr", "train")
needs_jax = pytest.mark.skipif(
    importlib.util.find_spec("jax") is None,
    reason="needs JAX: pip install --editable '.[jax]'",
)


def test_shares_make_up_the_batch():
    rows = [batches.Share(index, 3).rows(12) for index in range(3)]
    assert rows == [slice(0, 4), slice(4, 8), slice(8, 12)]


def test_a_batch_is_the_same_in_one_piece_and_in_two(tmp_path):
    rng = np.random.default_rng(0)
    arrays = [rng.normal(size=(size, 3)).astype(np.float32) for size in (9, 5, 7)]
    examples = [
        batches.Example(str(len(array)), len(array), np.array([1]), array.copy)
        for array in arrays
    ]
    (bucket,) = batches.make_buckets(examples, 1, 200, multiple=2)
    assert bucket.size == 2

    def epoch(share):
        return list(batches.batches_of_epoch([bucket], 0, 0, share=share))

    halves = zip(epoch(batches.Share(0, 2)), epoch(batches.Share(1, 2)), strict=True)
    for whole, parts in zip(epoch(batches.WHOLE), halves, strict=True):
        for name in ("features", "frames", "labels", "label_lengths"):
            joined = np.concatenate([getattr(part, name) for part in parts])
            np.testing.assert_array_equal(joined, getattr(whole, name))


def test_every_batch_is_evaluated_by_one_process():
    examples = [
        batches.Example(str(index), 5, np.array([1]), lambda: np.zeros((5, 2)))
        for index in range(7)
    ]
    buckets = batches.make_buckets(examples, 1, 64)
    seen = [
        example.id
        for index in range(2)
        for _, some in batches.batches_in_order(buckets, batches.Share(index, 2))
        for example in some
    ]
    assert sorted(seen) == [example.id for example in examples]


def test_alone_nothing_is_added_up():
    assert workers.total(workers.ALONE, [1, 2]).tolist() == [1, 2]


@pytest.mark.parametrize(
    "code, text",
    [
        ("raise SystemExit(3)", "worker 1 failed with status 3"),
        ("import os; os.kill(os.getpid(), 9)", "worker 1 was ended by SIGKILL"),
        ("import sys; sys.exit('zhasr train: no such folder')", "status 1"),
        (
            "import os; os.write(2, b'zhasr train: no such folder'); os._exit(2)",
            "^no such folder$",
        ),
    ],
)
def test_one_that_fails_ends_all(tmp_path, code, text):
    log = tmp_path / "worker-1.log"
    with log.open("wb") as file:
        children = {
            0: subprocess.Popen(
                [sys.executable, "-c", "import time; time.sleep(600)"],
                stdin=subprocess.PIPE,
            ),
            1: subprocess.Popen(
                [sys.executable, "-c", code], stdin=subprocess.PIPE, stderr=file
            ),
        }
    with pytest.raises(supervisor.WorkerError, match=text):
        supervisor._watch(children, tmp_path)
    supervisor._stop(children.values())
    assert all(child.poll() is not None for child in children.values())


def test_a_supervised_process_ends_when_its_supervisor_has_died():
    code = """
        import time
        from zhasr import supervisor
        supervisor.end_with_parent()
        time.sleep(600)
    """
    child = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code)],
        stdin=subprocess.PIPE,
        env={**os.environ, supervisor.WORKER: "1"},
    )
    child.stdin.close()
    assert child.wait(60) == 1


def test_incomplete_environment_is_refused(monkeypatch):
    monkeypatch.setenv(supervisor.COUNT, "2")
    with pytest.raises(supervisor.WorkerError, match=supervisor.ADDRESSES):
        supervisor._places(1)


def _losses(model):
    with (model / checkpoint.LOG).open() as file:
        return [float(row["loss"]) for row in csv.DictReader(file)]


def _kill_second_worker_after_an_epoch(process, model):
    deadline = time.monotonic() + TIME_LIMIT
    while not (model / checkpoint.LOG).exists():
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.05)
    listing = subprocess.run(
        ["ps", "-o", "pid=", "--ppid", str(process.pid)], capture_output=True, text=True
    )
    os.kill(max(int(line) for line in listing.stdout.split()), 9)


@needs_jax
@pytest.mark.slow
def test_two_processes_train_as_one_and_go_on_after_one_was_killed(tmp_path):
    data = conftest.write_prepared(tmp_path / "data", lengths=(4, 5))
    options = "--preset small --epochs 4 --batch-seconds 8 --augment full".split()

    def command(name, *more):
        return [*COMMAND, str(data), "--out", str(tmp_path / name), *options, *more]

    alone = {**os.environ, "KERAS_BACKEND": "jax"}
    subprocess.run(command("alone"), env=alone, check=True, timeout=TIME_LIMIT)

    killed = subprocess.Popen(
        command("shared", "--workers", "2"), stderr=subprocess.PIPE, text=True
    )
    _kill_second_worker_after_an_epoch(killed, tmp_path / "shared")
    said = killed.communicate(timeout=TIME_LIMIT)[1].strip()
    assert killed.returncode == 2
    assert "SIGKILL" in said and "--resume" in said and "\n" not in said
    before = _losses(tmp_path / "shared")
    assert 1 <= len(before) < 4

    subprocess.run(
        command("shared", "--workers", "2", "--resume"), check=True, timeout=TIME_LIMIT
    )
    losses = _losses(tmp_path / "shared")
    assert losses[: len(before)] == before
    np.testing.assert_allclose(losses, _losses(tmp_path / "alone"), rtol=1e-3)
