"""Activation maps against gradients that TensorFlow computes, for every kind of backbone."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_detector.networks import token_map
from keras_detector.networks.activation_map import with_activation_map
from keras_detector.networks.backbones import BACKBONES
from keras_detector.networks.gradients import back_through
from keras_detector.networks.mirror import average_mirrored
from tests.unit.test_networks import randomised

pytestmark = pytest.mark.usefixtures("seeded_networks")

layers = keras.layers
SIZE = 32


@pytest.fixture(scope="module")
def pictures() -> np.ndarray:
    return np.random.default_rng(0).uniform(0, 255, (3, SIZE, SIZE, 3)).astype("float32")


def run(network: keras.Model, pictures: np.ndarray) -> list[np.ndarray]:
    return [output.numpy() for output in network(pictures, training=False)]


def head_of(features: object, kind: str) -> object:
    if kind == "pooled":
        features = layers.GlobalAveragePooling2D()(features)
    elif kind == "flattened":
        features = layers.Flatten()(features)
    elif kind == "standardised":
        width = features.shape[-1]
        rng = np.random.default_rng(4)
        features = layers.Normalization(
            mean=rng.normal(0, 1, width), variance=rng.uniform(0.5, 2, width)
        )(features)
    features = layers.Dropout(0.2)(features)
    hidden = layers.LeakyReLU(0.1)(layers.Dense(6)(features))
    return layers.Dense(1, name="logit")(layers.Dense(5, activation="relu")(hidden))


def nested(backbone: keras.Model, kind: str) -> keras.Model:
    picture = keras.Input((SIZE, SIZE, 3))
    return keras.Model(picture, head_of(backbone(picture), kind))


def flat(backbone: keras.Model, kind: str) -> keras.Model:
    return keras.Model(backbone.inputs, head_of(backbone.output, kind))


def sequential(backbone: keras.Model, kind: str) -> keras.Model:
    inner = nested(backbone, kind)
    return keras.Sequential([keras.Input((SIZE, SIZE, 3)), inner])


def convolutional() -> keras.Model:
    return randomised(BACKBONES["seed-cnn"].build(SIZE, conv_blocks=2, base_channels=4))


def clip() -> keras.Model:
    return near(BACKBONES["clip-vit-b16"].build(SIZE, width=128, blocks=3, tokens=(0, 2)))


def plain_vit() -> keras.Model:
    return near(BACKBONES["vit-b16"].build(SIZE, width=64, blocks=2))


def near(network: keras.Model) -> keras.Model:
    rng = np.random.default_rng(1)
    network.set_weights([w + rng.normal(0, 0.1, w.shape) for w in network.get_weights()])
    return network


@pytest.mark.parametrize("kind", ["pooled", "flattened"])
@pytest.mark.parametrize("join", [nested, flat, sequential])
def test_a_convolutional_map_is_features_times_gradient(kind, join, pictures) -> None:
    backbone = convolutional()
    network = join(backbone, kind)
    features = tf.Variable(backbone(pictures))
    head = keras.Model(entry := keras.Input(backbone.output_shape[1:]), head_of(entry, kind))
    head.set_weights(network.get_weights()[-6:])
    with tf.GradientTape() as tape:
        total = tf.reduce_sum(head(features))
    expected = tf.reduce_sum(features * tape.gradient(total, features), axis=-1).numpy()

    logits, maps = run(with_activation_map(network), pictures)
    np.testing.assert_allclose(maps, expected, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(logits, network(pictures).numpy(), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(("build", "kind"), [(clip, "standardised"), (plain_vit, "plain")])
@pytest.mark.parametrize(("join", "explained"), [(nested, 1), (flat, 2)])
def test_a_vit_map_is_messages_to_the_class_token_times_gradient(
    build, kind, join, explained, pictures, monkeypatch
) -> None:
    monkeypatch.setattr(token_map, "EXPLAINED_BLOCKS", explained)
    backbone = build()
    network = join(backbone, kind)
    head = network.layers[network.layers.index(backbone) + 1 :] if join is nested else None
    if head is None:
        names = [layer.name for layer in backbone.layers]
        head = [layer for layer in network.layers if layer.name not in names]
    expected, logits = _messages_times_gradient(backbone, head, pictures)

    found, maps = run(with_activation_map(network), pictures)
    np.testing.assert_allclose(found, network(pictures).numpy(), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(found, logits, rtol=1e-4, atol=1e-5)
    assert np.abs(expected).max() > 1e-3
    np.testing.assert_allclose(maps, expected, rtol=1e-3, atol=1e-5)


def _messages_times_gradient(backbone, head, pictures):
    """The definition in `token_map`, in NumPy's and TensorFlow's own terms."""
    by_name = {layer.name: layer for layer in backbone.layers}
    tokens = [int(name.split("_")[-1]) for name in by_name if name.startswith("class_token_")]
    start = "pre_norm" if "pre_norm" in by_name else "block_0_norm1"
    tensor = by_name[start].output if start == "pre_norm" else by_name[start].input
    stream = keras.Model(backbone.inputs, tensor)(pictures)[:, 0]
    messages = []
    for b in range(tokens[-1] + 1):
        parts = [by_name[f"block_{b}_weights"].output, by_name[f"block_{b}_value"].output]
        weights, value = keras.Model(backbone.inputs, parts)(pictures)
        n, count, width = value.shape
        value = value.numpy().reshape(n, count, -1, 64)
        spoken = weights.numpy()[:, :, 0].transpose(0, 2, 1)[..., None] * value
        kernel = by_name[f"block_{b}_out"].kernel.numpy()
        messages.append(tf.Variable(spoken.reshape(n, count, width) @ kernel))
    with tf.GradientTape() as tape:
        read = []
        for b, message in enumerate(messages):
            stream = stream + tf.reduce_sum(message, axis=1) + by_name[f"block_{b}_out"].bias
            hidden = by_name[f"block_{b}_fc1"](by_name[f"block_{b}_norm2"](stream))
            if f"block_{b}_gelu" in by_name:
                hidden = tf.nn.gelu(hidden)
            else:
                hidden = hidden * tf.sigmoid(1.702 * hidden)
            stream = stream + by_name[f"block_{b}_fc2"](hidden)
            if b in tokens:
                read.append(stream)
        value = tf.concat(read, axis=-1)
        if "post_norm" in by_name:
            value = by_name["post_norm"](value)
        for layer in head:
            value = layer(value)
        total = tf.reduce_sum(value)
    gradients = tape.gradient(total, messages)
    by_place = sum(
        tf.reduce_sum(message * gradient, axis=-1).numpy()
        for message, gradient in list(zip(messages, gradients, strict=True))[
            -token_map.EXPLAINED_BLOCKS :
        ]
    )
    return by_place[:, 1:].reshape(len(pictures), SIZE // 16, SIZE // 16), value.numpy()


@pytest.mark.parametrize(("build", "kind"), [(clip, "standardised"), (convolutional, "pooled")])
def test_the_map_of_a_mirrored_network_is_mirrored_with_the_picture(build, kind, pictures) -> None:
    mapped = with_activation_map(average_mirrored(nested(build(), kind)))
    logits, maps = run(mapped, pictures)
    mirrored_logits, mirrored_maps = run(mapped, pictures[:, :, ::-1])
    np.testing.assert_allclose(logits, mirrored_logits, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(maps, mirrored_maps[:, :, ::-1], rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize(
    "layer",
    [
        layers.Dense(3),
        layers.Dense(3, activation="relu"),
        layers.Dense(3, activation="leaky_relu"),
        layers.ReLU(),
        layers.LeakyReLU(0.3),
        layers.Activation("relu"),
        layers.Rescaling(0.5, offset=1),
        layers.Normalization(mean=[1.0, 2, 3, 4], variance=[1.0, 2, 3, 4]),
        layers.BatchNormalization(),
        layers.BatchNormalization(scale=False),
        layers.LayerNormalization(),
        layers.Dropout(0.5),
    ],
    ids=lambda layer: layer.name,
)
def test_gradients_through_a_layer_are_tensorflows(layer) -> None:
    rng = np.random.default_rng(2)
    start = tf.Variable(rng.normal(0, 1, (5, 4)).astype("float32"))
    layer(start)
    layer.set_weights([rng.uniform(0.5, 2, w.shape).astype("float32") for w in layer.get_weights()])
    with tf.GradientTape() as tape:
        end = layer(start)
        towards = tf.constant(rng.normal(0, 1, end.shape).astype("float32"))
        total = tf.reduce_sum(end * towards)
    expected = tape.gradient(total, start).numpy()
    np.testing.assert_allclose(back_through(layer, start, end, towards), expected, atol=1e-5)


@pytest.mark.parametrize(
    "head",
    [
        [layers.GlobalMaxPooling2D(), layers.Dense(1)],
        [layers.Flatten(), layers.Dense(3, activation="tanh"), layers.Dense(1)],
        [layers.Reshape((-1, 3)), layers.LSTM(2), layers.Dense(1)],
    ],
    ids=["max pooling", "tanh", "lstm"],
)
def test_a_head_without_closed_form_is_refused(head) -> None:
    network = keras.Sequential([keras.Input((8, 8, 3)), layers.Conv2D(2, 3), *head])
    with pytest.raises(TypeError, match="no "):
        with_activation_map(network)
