"""Several processes that work through a list, and that die with their parent.

New processes are started afresh ("spawn"), not forked: a fork of a process whose
libraries have started threads may hang, and starting afresh works alike on every
system. Each computes with one thread, so that they do not compete for the cores and
a sum does not depend on how many threads shared it.
"""

import contextlib
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterable
from concurrent import futures
from concurrent.futures import process
from multiprocessing import connection

THREAD_SETTINGS = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)


class WorkerError(ValueError):
    """A process ended that should not have."""


def count_cores() -> int:
    """Return the cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def run(
    function: Callable, items: Iterable, workers: int, done: Callable[[object], None]
) -> None:
    """Call a function for every item, in several processes.

    Args:
        function: A function of a module, of one item.
        items: What it is called with.
        workers: Processes to start.
        done: Called here with each result, in the order in which they come.

    Raises:
        WorkerError: A process was killed from outside, most often for its memory.
        Exception: What `function` raised.
    """
    before = set(multiprocessing.active_children())
    context = multiprocessing.get_context("spawn")
    executor = futures.ProcessPoolExecutor(workers, context, _die_with_parent)
    try:
        with _inherited_settings():
            waiting = [executor.submit(function, item) for item in items]
        for future in futures.as_completed(waiting):
            done(future.result())
    except process.BrokenProcessPool:
        raise WorkerError(
            "a worker process was killed (too little memory?); what is finished is "
            "kept: run the same command again, with --workers 1 if it happens again"
        ) from None
    except BaseException:
        # Not at the end of their items, which may be long: now.
        for child in set(multiprocessing.active_children()) - before:
            child.kill()
        raise
    finally:
        executor.shutdown(cancel_futures=True)


@contextlib.contextmanager
def _inherited_settings():
    """What new processes inherit: one thread each, and deaf ears for Ctrl-C.

    Ctrl-C reaches every process of a terminal; the parent alone answers it.
    """
    settings = {name: os.environ.get(name) for name in THREAD_SETTINGS}
    os.environ.update(dict.fromkeys(THREAD_SETTINGS, "1"))
    in_main_thread = threading.current_thread() is threading.main_thread()
    if in_main_thread:
        handler = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        if in_main_thread:
            signal.signal(signal.SIGINT, handler)
        for name, value in settings.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _die_with_parent() -> None:
    """End this process as soon as its parent has ended, however it ended."""

    def watch():
        connection.wait([multiprocessing.parent_process().sentinel])
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
