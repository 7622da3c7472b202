"""A backbone small enough for tests, put into the registry under a name of its own."""

from typing import TYPE_CHECKING

import pytest

from keras_detector.networks.backbones import BACKBONES, Backbone

if TYPE_CHECKING:
    import keras


LINES = (
    "network.backbone=tiny",
    "network.weights=none",
    "input.size=32",
    "stands.min_side=32",
    "data.split=[0.6, 0.2, 0.2]",
    "head.c=0.1",
)
"""Changes to the recipe `transfer` that make it one of the tiny backbone and small pictures."""


def build_tiny(*, size: int, width: int = 6) -> "keras.Model":
    """Two convolutions, a batch normalisation between them."""
    import keras

    layers = keras.layers
    picture = keras.Input((size, size, 3))
    tensor = layers.Rescaling(1 / 127.5, offset=-1)(picture)
    tensor = layers.Conv2D(width, 3, padding="same", activation="relu", name="block1_conv")(tensor)
    tensor = layers.BatchNormalization(name="block1_bn")(tensor)
    tensor = layers.Conv2D(width, 3, strides=2, activation="relu", name="block2_conv")(tensor)
    return keras.Model(picture, tensor)


def register(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make `tiny` a backbone while the test runs."""
    monkeypatch.setitem(BACKBONES, "tiny", Backbone("tiny", build_tiny, 32, 8, None))
