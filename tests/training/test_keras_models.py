"""What Keras really saves is accepted, and what we make of it Keras opens."""

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from keras_detector.card import Card
from keras_detector.errors import ModelFileError
from keras_detector.keras_config import refuse_foreign_code
from keras_detector.model_file import read_model_file, write_model_file

keras = pytest.importorskip("keras")
layers = keras.layers
TWIN = b"\0\0\0\0TFL3"


def plain_cnn() -> Any:
    model = keras.Sequential(
        [
            keras.Input((16, 16, 3)),
            layers.Rescaling(1 / 255),
            layers.RandomFlip("horizontal"),
            layers.RandomRotation(0.1),
            layers.RandomZoom(0.1),
            layers.Conv2D(4, 3, activation="relu", kernel_regularizer=keras.regularizers.L2(1e-4)),
            layers.BatchNormalization(),
            layers.MaxPooling2D(),
            layers.Dropout(0.25),
            layers.Flatten(),
            layers.Dense(4, activation="relu", kernel_constraint=keras.constraints.MaxNorm()),
            layers.Dense(1),
        ]
    )
    model.compile(
        keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(1e-3, 100)),
        keras.losses.BinaryCrossentropy(from_logits=True),
        metrics=["accuracy", keras.metrics.AUC(), keras.metrics.BinaryAccuracy()],
    )
    return model


def functional_with_operations() -> Any:
    start = keras.Input((16, 16, 3), dtype="uint8")
    x = layers.Rescaling(1 / 127.5, offset=-1)(start)
    x = layers.Normalization(mean=[0.0, 0, 0], variance=[1.0, 1, 1])(x)
    x = keras.ops.flip(x, axis=1)
    y = layers.DepthwiseConv2D(3, padding="same", use_bias=False)(x)
    y = layers.Activation("gelu")(layers.ReLU(6.0)(layers.BatchNormalization()(y)))
    x = layers.Add()([x, y])
    z = keras.ops.concatenate([x * 2.0 + 1.0, x], axis=-1)
    z = keras.ops.mean(keras.ops.cast(z, "float32"), axis=[1, 2], keepdims=True)
    t = layers.LayerNormalization()(layers.Reshape((-1, 6))(z))
    t = layers.GlobalAveragePooling1D()(layers.MultiHeadAttention(2, 3)(t, t))
    h = layers.Dense(6, activation=keras.activations.silu, kernel_initializer="he_normal")(t)
    h = z[..., 0, 0, :] + h + keras.ops.square(np.ones((1, 6), "float32"))
    model = keras.Model(start, layers.Dense(1, dtype="float32")(h))
    model.compile(
        keras.optimizers.AdamW(clipnorm=1.0),
        loss=keras.losses.binary_crossentropy,
        metrics=["acc", keras.metrics.binary_accuracy, keras.metrics.Precision()],
    )
    return model


def nested_with_wrappers() -> Any:
    inner = keras.Sequential(
        [
            keras.Input((16, 16, 3)),
            layers.RandAugment(),
            layers.RandomErasing(),
            layers.Pipeline([layers.RandomContrast(0.1), layers.RandomBrightness(0.1)]),
            layers.CenterCrop(8, 8),
            layers.Resizing(16, 16),
            layers.SpectralNormalization(layers.Conv2D(4, 3)),
            layers.GroupNormalization(2),
            layers.SpatialDropout2D(0.1),
            layers.SeparableConv2D(4, 3, activation=layers.LeakyReLU()),
        ]
    )
    start = keras.Input((16, 16, 3))
    x = layers.Reshape((-1, 4))(inner(start))
    x = layers.Bidirectional(layers.GRU(2, return_sequences=True))(x)
    x = layers.TimeDistributed(layers.Dense(2))(x)
    return keras.Model(start, layers.Dense(1)(layers.Flatten()(x)))


def embedding() -> Any:
    start = keras.Input((8,), dtype="int32")
    return keras.Model(start, layers.Dense(1)(layers.LSTM(2)(layers.Embedding(10, 4)(start))))


def mixed_precision() -> Any:
    keras.config.set_dtype_policy("mixed_float16")
    try:
        return plain_cnn()
    finally:
        keras.config.set_dtype_policy("float32")


def backbone(name: str) -> Callable[[], Any]:
    def build() -> Any:
        return getattr(keras.applications, name)(weights=None, input_shape=(32, 32, 3))

    return build


MODELS: dict[str, Callable[[], Any]] = {
    "plain cnn": plain_cnn,
    "functional": functional_with_operations,
    "nested": nested_with_wrappers,
    "embedding": embedding,
    "mixed precision": mixed_precision,
    "MobileNetV3Small": backbone("MobileNetV3Small"),
    "EfficientNetV2B0": backbone("EfficientNetV2B0"),
    "ConvNeXtTiny": lambda: keras.applications.ConvNeXtTiny(
        weights=None, include_top=False, input_shape=(32, 32, 3)
    ),
}


@pytest.mark.parametrize("name", MODELS)
def test_configurations_that_keras_writes_are_accepted(name: str) -> None:
    config = keras.saving.serialize_keras_object(MODELS[name]())
    refuse_foreign_code(json.dumps(config).encode())


@pytest.mark.parametrize("name", ["plain cnn", "functional", "nested", "mixed precision"])
def test_keras_opens_a_model_file_with_equal_outputs(name: str, tmp_path: Path, card: Card) -> None:
    model = MODELS[name]()
    plain = tmp_path / "plain.keras"
    model.save(plain)
    path = tmp_path / "ours.keras"
    write_model_file(path, keras_archive=plain.read_bytes(), twin=TWIN, card=card)
    assert read_model_file(path).twin == TWIN
    loaded = keras.saving.load_model(path)
    pixels = np.random.default_rng(0).integers(0, 256, (2, 16, 16, 3), dtype=np.uint8)
    # without training=False the augmentation layers would turn the pictures
    expected = np.asarray(model(pixels, training=False))
    np.testing.assert_array_equal(np.asarray(loaded(pixels, training=False)), expected)


def test_keras_writes_three_stored_members(tmp_path: Path) -> None:
    """What the reader relies on; a Keras that does otherwise must be noticed."""
    for number, name in enumerate(["plain cnn", "functional"]):
        path = tmp_path / f"{number}.keras"
        MODELS[name]().save(path)
        with zipfile.ZipFile(path) as archive:
            assert {entry.compress_type for entry in archive.infolist()} == {zipfile.ZIP_STORED}
            assert archive.namelist() == ["metadata.json", "config.json", "model.weights.h5"]


def test_a_lambda_that_keras_saved_is_refused(tmp_path: Path, card: Card) -> None:
    model = keras.Sequential([keras.Input((2,)), layers.Lambda(lambda x: x + 1)])
    model.save(tmp_path / "plain.keras")
    with pytest.raises(ModelFileError, match=r"Lambda|__lambda__"):
        write_model_file(
            tmp_path / "ours.keras",
            keras_archive=(tmp_path / "plain.keras").read_bytes(),
            twin=TWIN,
            card=card,
        )


def test_an_own_layer_is_refused() -> None:
    class Own(layers.Layer):  # type: ignore[misc]
        pass

    model = keras.Sequential([keras.Input((2,)), Own()])
    with pytest.raises(ModelFileError, match="Own"):
        refuse_foreign_code(json.dumps(keras.saving.serialize_keras_object(model)).encode())
