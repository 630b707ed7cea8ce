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


def test_many_likelihoods_equal_those_one_by_one():
    log_probs = np.log(softmax(random_logits(5, 4)))
    sequences = list(all_label_sequences())
    found = ctc.log_likelihoods(log_probs, sequences)
    expected = [ctc.log_likelihood(log_probs, each) for each in sequences]
    np.testing.assert_allclose(found, expected)
    assert ctc.log_likelihoods(log_probs, []).shape == (0,)


@pytest.mark.parametrize("labels", [(1,), (1, 2), (1, 1), (3, 2, 3)])
def test_the_aligned_path_is_the_best_of_all(labels):
    log_probs = np.log(softmax(random_logits(6, 4, seed=len(labels))))
    paths = [
        path
        for path in itertools.product(range(4), repeat=6)
        if tuple(ctc.collapse(path)) == labels
    ]
    best = max(paths, key=lambda path: log_probs[np.arange(6), list(path)].sum())
    heard = [
        (label, len(list(frames)))
        for label, frames in itertools.groupby(best)
        if label != ctc.BLANK
    ]
    spans = ctc.align(log_probs, labels)
    found = [
        (label, end - first) for label, (first, end) in zip(labels, spans, strict=True)
    ]
    assert found == heard
    for label, (first, end) in zip(labels, spans, strict=True):
        assert set(best[first:end]) == {label}


def test_too_few_frames_for_an_alignment():
    with pytest.raises(ValueError, match="expected 3 frames.*received 2"):
        ctc.align(np.zeros((2, 4)), [1, 1])


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


def loss_and_gradient(labels, logits, label_lengths, frame_lengths, loss=ctc.loss):
    """Loss and its gradient in whatever backend the tests run in."""
    lengths = np.array(label_lengths, np.int32), np.array(frame_lengths, np.int32)
    labels = np.array(labels, np.int32)

    def total(logits):
        losses = loss(labels, logits, *lengths)
        return ops.sum(losses), losses

    return GRADIENTS[keras.backend.backend()](total, logits)


def tensorflow_gradient(total, logits, jit=False):
    import tensorflow as tf

    @tf.function(jit_compile=jit)
    def both(variable):
        with tf.GradientTape() as tape:
            tape.watch(variable)
            value, losses = total(variable)
        return losses, tape.gradient(value, variable)

    return [array.numpy() for array in both(tf.constant(logits))]


def jax_gradient(total, logits, jit=True):  # step by step takes far longer
    import jax

    both = jax.grad(total, has_aux=True)
    gradient, losses = (jax.jit(both) if jit else both)(jax.numpy.asarray(logits))
    return np.asarray(losses), np.asarray(gradient)


def torch_gradient(total, logits):
    variable = ops.convert_to_tensor(logits).detach().requires_grad_(True)
    value, losses = total(variable)
    value.backward()
    return losses.detach().numpy(), variable.grad.numpy()


GRADIENTS = {
    "tensorflow": tensorflow_gradient,
    "jax": jax_gradient,
    "torch": torch_gradient,
}


def softmax_minus_shares(logits, labels):
    """Gradient of one utterance in float64, from equations 7 to 15 of the paper."""
    log_probs = np.log(softmax(logits.astype(np.float64)))
    extended = np.zeros(2 * len(labels) + 1, int)
    extended[1::2] = labels
    forward = log_forward(log_probs[:, extended], extended)
    backward = log_forward(log_probs[::-1, extended[::-1]], extended[::-1])
    joint = forward + backward[::-1, ::-1] - log_probs[:, extended]
    shares = np.exp(joint - np.logaddexp.reduce(joint, axis=1, keepdims=True))
    gradient = np.exp(log_probs)
    for position, label in enumerate(extended):
        gradient[:, label] -= shares[:, position]
    return gradient


def log_forward(emissions, extended):
    skips = np.full(len(extended), -np.inf)
    skips[2:][(extended[2:] != 0) & (extended[2:] != extended[:-2])] = 0
    variables = np.full_like(emissions, -np.inf)
    variables[0, :2] = emissions[0, :2]
    for time in range(1, len(emissions)):
        moved = np.full((3, len(extended)), -np.inf)
        for places in range(3):
            moved[places, places:] = variables[time - 1, : len(extended) - places]
        moved[2] += skips
        variables[time] = np.logaddexp.reduce(moved) + emissions[time]
    return variables


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
    used = [0, 1, 2]  # the stock loss is not defined for one frame or no labels
    batch = [array[used] for array in padded_batch()]
    losses, gradient = loss_and_gradient(*batch)
    stock, slopes = loss_and_gradient(*batch, loss=keras.ops.ctc_loss)
    np.testing.assert_allclose(losses, stock, rtol=1e-5)
    np.testing.assert_allclose(gradient, slopes, atol=1e-4)


@pytest.mark.slow
@pytest.mark.every_backend
@pytest.mark.skipif(keras.backend.backend() == "torch", reason="nothing is compiled")
def test_compiled_equals_uncompiled():
    labels, logits, label_lengths, frame_lengths = padded_batch()

    def total(logits):
        losses = ctc.loss(labels, logits, label_lengths, frame_lengths)
        return ops.sum(losses), losses

    gradient = GRADIENTS[keras.backend.backend()]
    both = gradient(total, logits, jit=True), gradient(total, logits, jit=False)
    for first, second in zip(*both, strict=True):
        np.testing.assert_allclose(first, second, rtol=1e-5, atol=1e-6)


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


def test_a_batch_without_labels():
    logits = random_logits(2, 5, 4)
    losses, gradient = loss_and_gradient(np.zeros((2, 0)), logits, [0, 0], [5, 3])
    narrow = loss_and_gradient(np.zeros((2, 1)), logits, [0, 0], [5, 3])
    np.testing.assert_array_equal(losses, narrow[0])
    np.testing.assert_array_equal(gradient, narrow[1])
    assert gradient[1].any(axis=1).tolist() == [True] * 3 + [False] * 2


@pytest.mark.slow
@pytest.mark.every_backend
@pytest.mark.parametrize(
    ("scale", "targets", "tolerance"), [(1, 40, 2e-3), (5, 200, 2e-3), (50, 400, 1e-2)]
)
def test_two_thousand_frames(scale, targets, tolerance):
    labels = np.arange(targets) % 11 + 1
    logits = scale * random_logits(2000, 13)
    losses, gradient = loss_and_gradient(labels[None], logits[None], [targets], [2000])
    log_probs = np.log(np.maximum(softmax(logits.astype(float)), 1e-300))
    expected = -ctc.log_likelihood(log_probs, labels)
    np.testing.assert_allclose(losses[0], expected, rtol=1e-5)
    exact = softmax_minus_shares(logits, labels)
    np.testing.assert_allclose(gradient[0], exact, atol=tolerance)


def test_the_exact_gradient_is_the_slope_of_the_likelihood():
    """So that the oracle above may be trusted."""
    logits, labels = random_logits(9, 5).astype(float), [1, 2, 2]
    exact = softmax_minus_shares(logits, labels)
    for place in np.ndindex(*logits.shape):
        slope = 0
        for sign in (1, -1):
            changed = logits.copy()
            changed[place] += sign * 1e-4
            slope -= sign * ctc.log_likelihood(np.log(softmax(changed)), labels) / 2e-4
        np.testing.assert_allclose(exact[place], slope, atol=1e-7)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_precision_logits(dtype):
    labels, logits, label_lengths, frame_lengths = padded_batch()
    rounded = ops.cast(ops.convert_to_tensor(logits), dtype)
    rounded = ops.convert_to_numpy(ops.cast(rounded, "float32"))

    def loss_of_half(labels, logits, *lengths):
        losses = ctc.loss(labels, ops.cast(logits, dtype), *lengths)
        assert keras.backend.standardize_dtype(losses.dtype) == "float32"
        return losses

    lengths = label_lengths, frame_lengths
    losses, gradient = loss_and_gradient(labels, rounded, *lengths, loss_of_half)
    exact, slopes = loss_and_gradient(labels, rounded, *lengths)
    np.testing.assert_allclose(losses, exact, rtol=1e-5)
    # The gradient of a half-precision number is one: 11 or 8 digits of 2.
    digits = {"float16": 11, "bfloat16": 8}[dtype]
    np.testing.assert_allclose(gradient, slopes, rtol=2.0**-digits, atol=1e-5)


@pytest.mark.parametrize(
    ("labels", "frames"), [("", 0), ("a", 1), ("aa", 3), ("aba", 3), ("aab", 4)]
)
def test_frames_needed(labels, frames):
    assert ctc.frames_needed(labels) == frames
