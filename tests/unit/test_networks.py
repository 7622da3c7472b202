"""The networks: their shape, and the closed form of their activation maps."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_detector.networks.activation_map import with_activation_map
from keras_detector.networks.mirror import average_mirrored
from keras_detector.networks.residual_cnn import build_residual_cnn
from keras_detector.networks.sequential_cnn import build_sequential_cnn


def randomised(network: keras.Model) -> keras.Model:
    rng = np.random.default_rng(3)
    network.set_weights(
        [
            rng.uniform(0.5, 1.5, w.shape) if w.ndim == 1 else rng.normal(0, 0.2, w.shape)
            for w in network.get_weights()
        ]
    )
    return network


def sequential(dense_units: tuple[int, ...] = (8, 5)) -> keras.Model:
    return randomised(
        build_sequential_cnn(
            size=16, conv_blocks=2, base_channels=4, dense_units=dense_units, dropout=0.25
        )
    )


def residual() -> keras.Model:
    return randomised(
        build_residual_cnn(size=16, channels=(4, 6, 8), residual_blocks=(1, 0), dropout=0.1)
    )


@pytest.fixture
def pictures() -> np.ndarray:
    return np.random.default_rng(0).uniform(0, 255, (5, 16, 16, 3)).astype("float32")


def test_the_seed_network_has_the_layers_the_seed_describes() -> None:
    network = build_sequential_cnn(
        size=32, conv_blocks=3, base_channels=16, dense_units=[64], dropout=0.25
    )
    layers = keras.layers
    assert isinstance(network, keras.Sequential)
    kinds = [type(layer) for layer in network.layers]
    assert kinds[0] is layers.Rescaling
    assert [x.filters for x in network.layers if isinstance(x, layers.Conv2D)] == [16, 32, 64]
    assert kinds.count(layers.MaxPooling2D) == kinds.count(layers.BatchNormalization) == 3
    assert {x.rate for x in network.layers if isinstance(x, layers.Dropout)} == {0.25}
    assert kinds.count(layers.Flatten) == 1
    assert kinds.count(layers.Dense) == 2
    assert network.output_shape == (None, 1)


@pytest.mark.parametrize("build", [sequential, residual])
def test_the_map_is_the_feature_map_times_its_gradient(build, pictures) -> None:
    network = build()
    last = max(i for i, layer in enumerate(network.layers) if len(layer.output.shape) == 4)
    body = keras.Model(network.inputs, network.layers[last].output)
    features = tf.Variable(body(pictures))
    with tf.GradientTape() as tape:
        value = features
        for layer in network.layers[last + 1 :]:
            value = layer(value)
        total = tf.reduce_sum(value)
    gradient = tape.gradient(total, features)
    expected = tf.reduce_sum(features * gradient, axis=-1).numpy()

    logits, maps = with_activation_map(network).predict(pictures, verbose=0)

    np.testing.assert_allclose(maps, expected, rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(logits, network.predict(pictures, verbose=0), rtol=1e-5, atol=1e-5)


def test_the_map_of_a_pooled_network_sums_to_the_logit_without_its_bias(pictures) -> None:
    network = residual()
    logits, maps = with_activation_map(network).predict(pictures, verbose=0)
    bias = float(network.get_layer("logit").bias.numpy()[0])
    np.testing.assert_allclose(maps.sum(axis=(1, 2)) + bias, logits[:, 0], rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("build", [sequential, residual])
def test_a_mirrored_network_says_the_same_of_the_mirror_image(build, pictures) -> None:
    network = average_mirrored(build())
    mirror = pictures[:, :, ::-1]
    logits, maps = with_activation_map(network).predict(pictures, verbose=0)
    mirrored_logits, mirrored_maps = with_activation_map(network).predict(mirror, verbose=0)
    np.testing.assert_allclose(logits, mirrored_logits, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(maps, mirrored_maps[:, :, ::-1], rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(logits, network.predict(pictures, verbose=0), rtol=1e-4, atol=1e-5)


def test_a_head_without_closed_form_is_refused() -> None:
    layers = keras.layers
    network = keras.Sequential(
        [
            layers.Input((8, 8, 3)),
            layers.Conv2D(2, 3),
            layers.Flatten(),
            layers.UnitNormalization(),
            layers.Dense(1),
        ]
    )
    with pytest.raises(TypeError, match="UnitNormalization"):
        with_activation_map(network)
