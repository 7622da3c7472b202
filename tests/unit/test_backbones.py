"""The registry of backbones: what each builds, scales and saves."""

import math
import zipfile
from pathlib import Path

import keras
import numpy as np
import pytest

from keras_detector.keras_config import refuse_foreign_code
from keras_detector.networks.backbones import BACKBONES
from keras_detector.networks.clip_tower import MEAN, STANDARD_DEVIATION, build_clip_tower

pytestmark = pytest.mark.usefixtures("seeded_networks")


def run(network: keras.Model, pictures: np.ndarray) -> np.ndarray:
    return network(pictures, training=False).numpy()  # predict would compile it first


SMALL = {
    "clip-vit-b16": {"width": 64, "blocks": 3, "tokens": (1, 2)},
    "vit-b16": {"width": 64, "blocks": 2},
    "efficientnet-lite0": {},
    "mobilenet-v3-small": {},
    "resnet18": {"base_channels": 8},
    "meso4": {},
    "seed-cnn": {"conv_blocks": 2},
}
"""Backbones that are built in a moment, with options that make them small."""


@pytest.fixture(scope="module")
def pictures() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (2, 64, 64, 3)).astype("float32")


@pytest.mark.parametrize("name", SMALL)
def test_a_backbone_gives_the_features_it_promises_and_opens_in_plain_keras(
    name: str, pictures: np.ndarray, tmp_path: Path
) -> None:
    backbone = BACKBONES[name]
    network = backbone.build(64, **SMALL[name])
    assert network.input_shape == (None, 64, 64, 3)
    assert len(network.output_shape) == (4 if backbone.features == "map" else 2)
    # flat, so that a block can be named to unfreeze from
    assert not any(isinstance(layer, keras.Model) for layer in network.layers)

    network.save(tmp_path / "network.keras")
    with zipfile.ZipFile(tmp_path / "network.keras") as archive:
        refuse_foreign_code(archive.read("config.json"))
    loaded = keras.saving.load_model(tmp_path / "network.keras")
    expected = run(network, pictures)
    assert np.isfinite(expected).all()
    np.testing.assert_array_equal(run(loaded, pictures), expected)


def test_every_name_stands_for_a_network() -> None:
    for name, backbone in BACKBONES.items():
        assert backbone.name == name
        assert name == name.lower()
        if backbone.application:
            assert hasattr(keras.applications, backbone.application)


@pytest.mark.parametrize(("name", "module"), [("vgg16", "vgg16"), ("inception-v3", "inception_v3")])
def test_scaling_is_what_the_publisher_prescribes(name: str, module: str) -> None:
    network = BACKBONES[name].build(96)
    scaling = keras.Model(network.inputs, network.get_layer("scaling").output)
    picture = np.random.default_rng(0).integers(0, 256, (1, 96, 96, 3)).astype("float32")
    prescribed = getattr(keras.applications, module).preprocess_input(picture.copy())
    np.testing.assert_allclose(run(scaling, picture), prescribed, atol=1e-4)


def test_a_picture_that_is_too_small_or_no_whole_patches_is_refused() -> None:
    with pytest.raises(ValueError, match=r"at least 75 pixels. Received: 64"):
        BACKBONES["inception-v3"].build(64)
    with pytest.raises(ValueError, match=r"multiple of 16 pixels. Received: 40"):
        BACKBONES["clip-vit-b16"].build(40, **SMALL["clip-vit-b16"])


@pytest.mark.parametrize("tokens", [(), (2, 1), (-1, 2), (1,), (1, 3), (2, 2)])
def test_tokens_of_blocks_that_are_not_there_are_refused(tokens: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="blocks"):
        build_clip_tower(size=32, width=64, blocks=3, tokens=tokens)


def test_the_clip_tower_computes_what_clip_does(pictures: np.ndarray) -> None:
    """Against a plain NumPy transcription of the published network, all tokens of all blocks."""
    network = build_clip_tower(size=64, width=128, blocks=3, tokens=(0, 2))
    rng = np.random.default_rng(1)
    network.set_weights(
        [w + rng.normal(0, 0.1, w.shape).astype("float32") for w in network.get_weights()]
    )
    weights = {v.path: v.numpy().astype("float64") for v in network.weights}
    after = _clip_in_numpy(pictures, weights, blocks=3)
    expected = np.concatenate([after[0][:, 0], after[2][:, 0]], axis=1)
    np.testing.assert_allclose(run(network, pictures), expected, atol=2e-4)


def _clip_in_numpy(pictures: np.ndarray, weights: dict[str, np.ndarray], blocks: int) -> list:
    def dense(x: np.ndarray, name: str) -> np.ndarray:
        return x @ weights[f"{name}/kernel"] + weights[f"{name}/bias"]

    def norm(x: np.ndarray, name: str) -> np.ndarray:
        x = x - x.mean(-1, keepdims=True)
        x = x / np.sqrt(x.var(-1, keepdims=True) + 1e-5)
        return x * weights[f"{name}/gamma"] + weights[f"{name}/beta"]

    def heads(x: np.ndarray) -> np.ndarray:
        return x.reshape(len(x), -1, x.shape[-1] // 64, 64).transpose(0, 2, 1, 3)

    x = (pictures / 255 - MEAN) / STANDARD_DEVIATION
    side = x.shape[1] // 16
    x = x.reshape(-1, side, 16, side, 16, 3).transpose(0, 1, 3, 2, 4, 5).reshape(-1, side**2, 768)
    kernel = weights["patch_embedding/kernel"]
    x = x @ kernel.reshape(768, -1)
    x = np.concatenate([np.zeros_like(x[:, :1]), x], axis=1)
    x = norm(x + weights["position_embedding/embeddings"], "pre_norm")
    after = []
    for b in range(blocks):
        h = norm(x, f"block_{b}_norm1")
        q, k, v = (heads(dense(h, f"block_{b}_{part}")) for part in ("query", "key", "value"))
        a = np.exp(q @ k.transpose(0, 1, 3, 2) / math.sqrt(64))
        a = a / a.sum(-1, keepdims=True)
        x = x + dense((a @ v).transpose(0, 2, 1, 3).reshape(x.shape), f"block_{b}_out")
        h = dense(norm(x, f"block_{b}_norm2"), f"block_{b}_fc1")
        x = x + dense(h / (1 + np.exp(-1.702 * h)), f"block_{b}_fc2")
        after.append(x)
    return after
