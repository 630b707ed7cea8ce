"""CTC against brute force over all paths, against Keras, and at its edges."""

import itertools

import numpy as np
import pytest

from zhasr import ctc
from zhasr.backend import keras

ops = keras.ops


@pytest.mark.parametrize(
    ("path", "labels"),
    [
        ([], []),
        ([0, 0], []),
        ([1, 1], [1]),
        ([1, 0, 1], [1, 1]),
        ([0, 2, 2, 1, 0, 0, 1], [2, 1, 1]),
    ],
)
def test_collapse(path, labels):
    assert ctc.collapse(path) == labels
    assert ctc.collapse(np.array(path, int)) == labels


def all_label_sequences(labels=3, longest=3):
    for length in range(longest + 1):
        yield from itertools.product(range(1, labels + 1), repeat=length)


def brute_force(probabilities):
    """Sum the probability of every path under the labels that it collapses to."""
    totals = {}
    frames, width = probabilities.shape
    for path in itertools.product(range(width), repeat=frames):
        labels = tuple(ctc.collapse(path))
        share = np.prod(probabilities[np.arange(frames), list(path)])
        totals[labels] = totals.get(labels, 0.0) + share
    return totals


def random_logits(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def softmax(logits):
    shifted = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return shifted / shifted.sum(axis=-1, keepdims=True)


@pytest.mark.parametrize("frames", range(1, 7))
def test_likelihood_and_loss_equal_brute_force(frames):
    logits = random_logits(frames, 4, seed=frames)
    probabilities = softmax(logits.astype(np.float64))
    truth = brute_force(probabilities)
    sequences = list(all_label_sequences())
    labels = np.zeros((len(sequences), 3), np.int32)
    for row, sequence in enumerate(sequences):
        labels[row, : len(sequence)] = sequence
    losses = ops.convert_to_numpy(
        ctc.loss(
            labels,
            np.repeat(logits[None], len(sequences), axis=0),
            np.array([len(sequence) for sequence in sequences]),
            np.full(len(sequences), frames),
        )
    )
    for sequence, loss in zip(sequences, losses, strict=True):
        expected = truth.get(sequence, 0.0)
        assert ctc.frames_needed(sequence) <= frames or expected == 0
        got = ctc.log_likelihood(np.log(probabilities), sequence)
        np.testing.assert_allclose(np.exp(got), expected, rtol=1e-9)
        np.testing.assert_allclose(np.exp(-loss), expected, rtol=1e-4)


def test_probabilities_of_all_label_sequences_add_up_to_one():
    log_probs = np.log(softmax(random_logits(3, 4).astype(np.float64)))
    sequences = all_label_sequences(longest=3)
    total = sum(np.exp(ctc.log_likelihood(log_probs, item)) for item in sequences)
    np.testing.assert_allclose(total, 1)


def padded_batch():
    """Five utterances of different lengths with noise where the padding is."""
    rng = np.random.default_rng(1)
    logits = rng.normal(scale=2, size=(5, 40, 12)).astype(np.float32)
    labels = rng.integers(1, 12, size=(5, 8)).astype(np.int32)
    labels[2, 1] = labels[2, 0]
    return labels, logits, np.array([8, 3, 5, 1, 0]), np.array([40, 17, 25, 1, 6])


def loss_and_gradient(labels, logits, label_lengths, frame_lengths):
    """Loss and its gradient in whatever backend the tests run in."""
    backend = keras.backend.backend()
    if backend == "tensorflow":
        import tensorflow as tf

        variable = tf.constant(logits)
        with tf.GradientTape() as tape:
            tape.watch(variable)
            losses = ctc.loss(labels, variable, label_lengths, frame_lengths)
            total = tf.reduce_sum(losses)
        return losses.numpy(), tape.gradient(total, variable).numpy()
    if backend == "jax":
        import jax

        def total(logits):
            losses = ctc.loss(labels, logits, label_lengths, frame_lengths)
            return losses.sum(), losses

        gradient, losses = jax.grad(total, has_aux=True)(ops.convert_to_tensor(logits))
        return np.asarray(losses), np.asarray(gradient)
    variable = ops.convert_to_tensor(logits).detach().requires_grad_(True)
    losses = ctc.loss(labels, variable, label_lengths, frame_lengths)
    losses.sum().backward()
    return losses.detach().numpy(), variable.grad.numpy()


def test_loss_of_padded_utterances_equals_the_forward_algorithm():
    labels, logits, label_lengths, frame_lengths = padded_batch()
    losses, _ = loss_and_gradient(*padded_batch())
    for row in range(len(labels)):
        log_probs = np.log(softmax(logits[row, : frame_lengths[row]].astype(float)))
        expected = -ctc.log_likelihood(log_probs, labels[row, : label_lengths[row]])
        np.testing.assert_allclose(losses[row], expected, rtol=1e-5)


def test_gradient_equals_finite_differences():
    labels, logits, label_lengths, frame_lengths = padded_batch()
    _, gradient = loss_and_gradient(*padded_batch())

    def exact(row, changed):
        log_probs = np.log(softmax(changed[row, : frame_lengths[row]]))
        return -ctc.log_likelihood(log_probs, labels[row, : label_lengths[row]])

    rng = np.random.default_rng(2)
    for _ in range(60):
        place = tuple(rng.integers(0, size) for size in logits.shape)
        higher, lower = logits.astype(np.float64), logits.astype(np.float64)
        higher[place] += 1e-4
        lower[place] -= 1e-4
        slope = (exact(place[0], higher) - exact(place[0], lower)) / 2e-4
        np.testing.assert_allclose(gradient[place], slope, atol=2e-5)


def test_padding_gets_no_gradient_and_changes_nothing():
    labels, logits, label_lengths, frame_lengths = padded_batch()
    losses, gradient = loss_and_gradient(*padded_batch())
    behind = np.arange(40)[None, :] >= frame_lengths[:, None]
    assert not gradient[behind].any()
    logits[behind] = 1e4
    labels[np.arange(8)[None, :] >= label_lengths[:, None]] = 7
    again, _ = loss_and_gradient(labels, logits, label_lengths, frame_lengths)
    np.testing.assert_array_equal(again, losses)


def test_equal_to_the_stock_loss():
    labels, logits, label_lengths, frame_lengths = padded_batch()
    used = [0, 1, 2]  # the stock loss is not defined for one frame or no labels
    stock = keras.ops.ctc_loss(
        labels[used], logits[used], label_lengths[used], frame_lengths[used]
    )
    losses, _ = loss_and_gradient(*padded_batch())
    np.testing.assert_allclose(losses[used], ops.convert_to_numpy(stock), rtol=1e-4)


def test_impossible_utterance_is_infinite_and_harmless():
    labels = np.array([[1, 1], [1, 2]])
    logits = random_logits(2, 2, 4)
    losses, gradient = loss_and_gradient(labels, logits, [2, 2], [2, 2])
    assert losses[0] == np.inf
    assert np.isfinite(losses[1])
    assert not gradient[0].any()
    assert np.isfinite(gradient).all()


def test_filler_rows_cost_nothing():
    losses, gradient = loss_and_gradient(
        np.zeros((2, 3), np.int32), random_logits(2, 5, 4), [0, 0], [0, 5]
    )
    assert losses[0] == 0
    assert not gradient[0].any()
    blanks = np.log(softmax(random_logits(2, 5, 4)))[1, :, 0]
    np.testing.assert_allclose(losses[1], -blanks.sum(), rtol=1e-5)


def test_two_thousand_frames_and_extreme_logits_stay_finite():
    labels = np.arange(1, 401)[None] % 11 + 1
    logits = 50 * random_logits(1, 2000, 13)
    losses, gradient = loss_and_gradient(labels, logits, [400], [2000])
    expected = -ctc.log_likelihood(
        np.log(np.maximum(softmax(logits[0].astype(float)), 1e-300)), labels[0]
    )
    np.testing.assert_allclose(losses[0], expected, rtol=1e-4)
    assert np.isfinite(gradient).all()
    # Probabilities minus posteriors: every frame's gradient adds up to nothing.
    np.testing.assert_allclose(gradient.sum(axis=2), 0, atol=1e-3)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_precision_logits(dtype):
    labels, logits, label_lengths, frame_lengths = padded_batch()
    half = ops.cast(ops.convert_to_tensor(logits), dtype)
    losses = ctc.loss(labels, half, label_lengths, frame_lengths)
    exact = ctc.loss(labels, ops.cast(half, "float32"), label_lengths, frame_lengths)
    assert keras.backend.standardize_dtype(losses.dtype) == "float32"
    np.testing.assert_allclose(
        ops.convert_to_numpy(losses), ops.convert_to_numpy(exact), rtol=1e-5
    )


@pytest.mark.parametrize(
    ("labels", "frames"), [("", 0), ("a", 1), ("aa", 3), ("aba", 3), ("aab", 4)]
)
def test_frames_needed(labels, frames):
    assert ctc.frames_needed(labels) == frames
