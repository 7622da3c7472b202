"""EfficientNet-Lite0 with maps of inner layers as its features."""

import keras
import numpy as np
import pytest
from keras import layers

from keras_detector.networks.activation_map import with_activation_map
from keras_detector.networks.efficientnet_lite0 import build_efficientnet_lite0

pytestmark = pytest.mark.usefixtures("seeded_networks")

TAPS = ("block_3_expand", "block_5_depthwise", "block_9", "block_12_expand")


@pytest.fixture(scope="module")
def pictures() -> np.ndarray:
    return np.random.default_rng(0).uniform(0, 255, (2, 64, 64, 3)).astype("float32")


@pytest.fixture(scope="module")
def tapped() -> keras.Model:
    keras.utils.set_random_seed(1)
    return build_efficientnet_lite0(size=64, taps=TAPS)


def test_averages_over_the_taps_are_those_of_the_layers(tapped, pictures) -> None:
    assert tapped.output_shape == (None, 2, 2, 144 + 240 + 112 + 1152)
    # Each tap by the layer that computes it: a ReLU6 follows a normalisation, none a block's sum.
    inner = [
        tapped.get_layer(name).output
        for name in (
            "block_3_expand_bn",
            "block_5_depthwise_bn",
            "block_9_add",
            "block_12_expand_bn",
        )
    ]
    maps = [np.asarray(one) for one in keras.Model(tapped.inputs, inner)(pictures, training=False)]
    expected = [
        np.mean(one if number == 2 else np.clip(one, 0, 6), axis=(1, 2))
        for number, one in enumerate(maps)
    ]
    found = np.mean(tapped(pictures, training=False), axis=(1, 2))
    np.testing.assert_allclose(found, np.concatenate(expected, axis=1), rtol=1e-4, atol=1e-5)


def test_layers_behind_the_last_tap_are_left_out(tapped) -> None:
    names = {layer.name for layer in tapped.layers}
    assert "block_12_expand_conv" in names
    assert not names & {"block_12_depthwise_conv", "head_conv"}


def test_the_activation_map_of_pooled_taps_sums_to_the_logit_without_bias(tapped, pictures) -> None:
    pooled = layers.GlobalAveragePooling2D()(tapped.output)
    network = keras.Model(tapped.inputs, layers.Dense(1, name="logit")(pooled))
    network.get_layer("logit").bias.assign([0.5])
    logits, maps = with_activation_map(network)(pictures, training=False)
    assert maps.shape == (2, 2, 2)
    np.testing.assert_allclose(
        np.sum(maps, axis=(1, 2)) + 0.5, np.ravel(logits), rtol=1e-4, atol=1e-4
    )


@pytest.mark.parametrize(
    ("size", "taps", "message"),
    [
        (64, ("block_16",), "block_16"),
        (64, ("block_0_expand",), "block_0_expand"),
        (64, (), "none"),
        (80, ("block_2", "head"), "multiple of 32"),
    ],
)
def test_taps_that_cannot_be_had_are_refused(size, taps, message) -> None:
    with pytest.raises(ValueError, match=message):
        build_efficientnet_lite0(size=size, taps=taps)
