"""Keras and its backend, imported without their start-up chatter.

TensorFlow writes to file descriptor 2 that it found no GPU, whatever its log level.
In a notebook or behind a progress bar that reads like an error. Modules of this
package import Keras from here.
"""

import contextlib
import importlib
import os
import sys
import tempfile


@contextlib.contextmanager
def quiet(descriptor=2):
    """Keep what native code writes to stderr; show it only if the block fails.

    Args:
        descriptor: int, 1 for what it writes to stdout.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    with tempfile.TemporaryFile() as kept:
        saved = os.dup(descriptor)
        os.dup2(kept.fileno(), descriptor)
        try:
            yield
        except BaseException:
            kept.seek(0)
            os.write(saved, kept.read())
            raise
        finally:
            os.dup2(saved, descriptor)
            os.close(saved)


def __getattr__(name):
    """Import at first use: `backend.keras`, and `backend.tensorflow` where it is."""
    if name not in ("keras", "tensorflow"):
        raise AttributeError(name)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with quiet():
        keras = importlib.import_module("keras")
        globals()["keras"] = keras
        if keras.backend.backend() == "tensorflow":
            tensorflow = importlib.import_module("tensorflow")
            globals()["tensorflow"] = tensorflow
            # Looking for devices once is what starts the second half of the chatter.
            tensorflow.config.list_physical_devices()
    return globals()[name]


def has_gpu():
    """Whether the backend in use sees a GPU."""
    name = __getattr__("keras").backend.backend()
    if name == "tensorflow":
        return bool(__getattr__("tensorflow").config.list_physical_devices("GPU"))
    module = importlib.import_module(name)
    if name == "jax":
        return module.default_backend() == "gpu"
    return module.cuda.is_available()


class _Operations:
    """keras.ops, imported at first use: much of `ctc` needs no network."""

    def __getattr__(self, name):
        return getattr(__getattr__("keras").ops, name)


ops = _Operations()
