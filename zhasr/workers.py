"""Data-parallel training: several processes or devices share every batch.

Keras' distribution on the JAX backend does the work: weights are copies on every
device, each process loads its rows of a batch, and the gradient is that of the whole
batch. Keras has no such training for other backends that worked when it was tried, so
on those a run uses one device. `supervisor` starts the processes and watches them.
"""

import dataclasses
import os

import numpy as np

from zhasr import backend, batches, supervisor
from zhasr.backend import keras


@dataclasses.dataclass(frozen=True)
class Worker:
    """This process among those that train together.

    Args:
        share: batches.Share, of every batch.
        devices: int, of all processes together.
    """

    share: batches.Share = batches.WHOLE
    devices: int = 1

    @property
    def first(self):
        """Whether this process speaks and writes files for all."""
        return self.share.index == 0


ALONE = Worker()


def join():
    """Meet the other processes, and let Keras copy every variable to all devices.

    Returns:
        Worker; alone where the environment names no other process.

    Raises:
        ValueError: several processes on another backend than JAX.
    """
    jax = keras.backend.backend() == "jax"
    count = int(os.environ.get(supervisor.COUNT, 1))
    if count > 1 and not jax:
        raise ValueError(
            f"several processes train with KERAS_BACKEND=jax only, received "
            f"{keras.backend.backend()}"
        )
    with backend.quiet(1):  # the engine announces its connections
        if count > 1:
            keras.distribution.initialize()
        devices = keras.distribution.list_devices() if jax else [None]
    if len(devices) > 1:
        keras.distribution.set_distribution(
            keras.distribution.DataParallel(devices=devices, auto_shard_dataset=False)
        )
    index = int(os.environ.get(supervisor.INDEX, 0)) if count > 1 else 0
    return Worker(batches.Share(index, count), len(devices))


def total(worker, counts):
    """Add up what every process counted.

    Args:
        worker: Worker.
        counts: int array, at most 2³¹ in all; every process calls this at the same
            point of the run.

    Returns:
        int array of the same shape.
    """
    counts = np.asarray(counts, np.int32)
    if worker.share.count == 1:
        return counts
    from jax.experimental import multihost_utils

    return np.asarray(multihost_utils.process_allgather(counts)).sum(axis=0)


class Reader:
    """The network for inference in this process alone, without the others.

    Args:
        worker: Worker.
        trainable: training.Trainable.
    """

    def __init__(self, worker, trainable):
        """See the class."""
        self._network, self._alone = trainable.network, worker.devices == 1
        self._predict = trainable.predict_on_batch
        if not self._alone:
            import jax

            self._apply = jax.jit(
                lambda *state: self._network.stateless_call(*state, training=False)[0]
            )

    def refresh(self):
        """Take the present weights; call it after training, before reading."""
        if not self._alone:
            self._weights = [
                [keras.ops.convert_to_numpy(variable) for variable in variables]
                for variables in (
                    self._network.trainable_variables,
                    self._network.non_trainable_variables,
                )
            ]

    def __call__(self, inputs):
        """Logits (batch, frames, labels) as a numpy array; see `wavenet.build`."""
        if self._alone:
            return np.asarray(self._predict(inputs))
        return np.asarray(self._apply(*self._weights, inputs))
