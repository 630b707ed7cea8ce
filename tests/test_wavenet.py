"""The encoder: sizes, receptive field, gate, and padding that changes nothing."""

import numpy as np
import pytest

from zhasr import keras_layers, wavenet
from zhasr.backend import keras

TINY = {
    "reduced": wavenet.Config(channels=8, stacks=1, dilations=(1, 2)),
    "dropout": wavenet.Config(channels=8, stacks=1, dilations=(1,), dropout=0.3),
    "causal": wavenet.Config(channels=8, stacks=2, dilations=(1, 2), causal=True),
    "batch norm": wavenet.Config(
        channels=8, stacks=1, dilations=(1, 2), reduction=1, normalization="batch"
    ),
}


def run(network, features, frames, training=False):
    inputs = {"features": features, "frames": np.array(frames, np.int32)}
    return keras.ops.convert_to_numpy(network(inputs, training=training))


def random_features(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


@pytest.mark.parametrize(
    ("preset", "labels", "least", "most"),
    [
        ("classic", 2_882, 4.3e6, 4.4e6),  # 4.36 M in the notebooks it follows
        ("small", 250, 0.3e6, 0.5e6),
        ("base", 250, 2e6, 3e6),
    ],
)
def test_presets_have_their_size(preset, labels, least, most):
    network = wavenet.build(wavenet.PRESETS[preset], 39, labels)
    assert least <= network.count_params() <= most


def test_classic_is_the_published_architecture():
    network = wavenet.build(wavenet.PRESETS["classic"], 13, 2_882)
    gates = [layer for layer in network.layers if layer.name.endswith("_gates")]
    assert [layer.dilation_rate[0] for layer in gates] == [1, 2, 4, 8, 16] * 3
    assert {layer.kernel_size[0] for layer in gates} == {7}
    assert {layer.filters for layer in gates} == {256}
    norms = [
        layer
        for layer in network.layers
        if isinstance(layer, keras.layers.BatchNormalization)
    ]
    # Stem, head and logits, and in every block gates (both halves), residual, skip;
    # nothing comes after the residual of the last block.
    assert len(norms) == 3 + 3 * 15 - 1


@pytest.mark.slow
@pytest.mark.parametrize("name", ["reduced", "causal"])
def test_receptive_field_is_what_an_output_reacts_to(name):
    config = TINY[name]
    network = wavenet.build(config, 3, 5)
    features = random_features(1, 160, 3)
    before = run(network, features, [160])
    middle = 20  # output frame
    heard = []
    for frame in range(160):
        changed = features.copy()
        changed[0, frame] += 3
        after = run(network, changed, [160])
        if np.abs(after - before)[0, middle].max() > 0:
            heard.append(frame)
    assert len(heard) == wavenet.receptive_field(config)
    assert heard == list(range(heard[0], heard[-1] + 1))
    if config.causal:
        assert heard[-1] == (middle + 1) * config.reduction - 1


@pytest.mark.slow
def test_receptive_field_agrees_with_the_gradient():
    if keras.backend.backend() != "tensorflow":
        pytest.skip("takes the gradient with TensorFlow")
    import tensorflow as tf

    for preset in wavenet.PRESETS:
        config = wavenet.PRESETS[preset]
        network = wavenet.build(config, 2, 3)
        frames = 2 * wavenet.receptive_field(config)
        frames -= frames % config.reduction
        features = tf.constant(random_features(1, frames, 2))
        with tf.GradientTape() as tape:
            tape.watch(features)
            inputs = {"features": features, "frames": tf.constant([frames])}
            output = network(inputs, training=False)
            middle = output.shape[1] // 2 if not config.causal else output.shape[1] - 1
            target = tf.reduce_sum(output[0, middle] ** 2)
        slope = np.abs(tape.gradient(target, features).numpy()[0]).max(axis=1)
        assert (slope > 0).sum() == wavenet.receptive_field(config), preset


@pytest.mark.parametrize("name", TINY)
@pytest.mark.parametrize("training", [False, True])
def test_padding_never_changes_a_real_frame(name, training):
    if name == "dropout" and training:
        pytest.skip("dropout draws differently for other shapes")
    config = TINY[name]
    network = wavenet.build(config, 3, 5)
    lengths = [23, 40, 7]
    features = random_features(3, 40, 3)
    padded = np.full((4, 61, 3), 1e3, np.float32)  # and a row that is all padding
    padded[:3, :40] = features
    for row, length in enumerate(lengths):
        padded[row, length:] = np.nan if training else 1e3
    for row, length in enumerate(lengths):
        features[row, length:] = 0
    alone = run(network, features, lengths, training)
    together = run(network, padded, [*lengths, 0], training)
    for row, length in enumerate(lengths):
        real = wavenet.output_frames(length, config.reduction)
        np.testing.assert_allclose(
            together[row, :real], alone[row, :real], rtol=1e-4, atol=1e-5
        )


def test_batch_statistics_are_those_of_the_real_frames():
    config = TINY["batch norm"]
    moving = []
    for padding in (0, 30):
        keras.utils.set_random_seed(0)
        network = wavenet.build(config, 3, 5)
        features = np.pad(
            random_features(2, 20, 3), ((0, 0), (0, padding), (0, 0)), mode="wrap"
        )
        run(network, features, [20, 20], training=True)
        moving.append([w.numpy() for w in network.non_trainable_weights])
    for alone, padded in zip(*moving, strict=True):
        np.testing.assert_allclose(padded, alone, rtol=1e-4, atol=1e-6)


def test_gate_equals_numpy():
    gates = random_features(2, 3, 8)
    expected = np.tanh(gates[..., :4]) / (1 + np.exp(-gates[..., 4:]))
    got = keras.ops.convert_to_numpy(keras_layers.GatedUnit()(gates))
    np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("frames", [1, 2, 3, 4, 5, 9])
def test_odd_numbers_of_frames(frames):
    network = wavenet.build(TINY["reduced"], 3, 5)
    logits = run(network, random_features(1, frames, 3), [frames])
    assert logits.shape == (1, wavenet.output_frames(frames, 4), 5)
    assert np.isfinite(logits).all()


def test_a_mistyped_config_is_refused():
    with pytest.raises(ValueError, match="normalization"):
        wavenet.Config(normalization="layr")
    with pytest.raises(ValueError, match="1 or more"):
        wavenet.Config(dilations=(1, 0))
