"""Where pretrained weights come from, and what is said when they cannot be had."""

from pathlib import Path
from urllib.error import URLError

import keras
import numpy as np
import pytest

from keras_detector.errors import WeightsError
from keras_detector.networks.backbones import BACKBONES
from training.pretrained.weights import load_weights, weights_of
from training.pretrained.weights_cache import cached_weights
from training.pretrained.weights_file import SCALE, read_weights, save_weights

pytestmark = pytest.mark.usefixtures("seeded_networks")

CLIP = BACKBONES["clip-vit-b16"]


def run(network: keras.Model, pictures: np.ndarray) -> np.ndarray:
    return network(pictures, training=False).numpy()  # predict would compile it first


def clip(blocks: int = 2) -> keras.Model:
    return CLIP.build(32, width=64, blocks=blocks)


def test_a_shorter_tower_takes_its_blocks_from_the_file_of_the_whole(tmp_path: Path) -> None:
    whole, path = clip(3), tmp_path / "clip.npz"
    save_weights(path, weights_of(whole))
    short = clip(2)
    load_weights(short, "clip-vit-b16", str(path))
    for name, array in weights_of(short).items():
        np.testing.assert_array_equal(array, weights_of(whole)[name])


def test_int8_matrices_are_multiplied_out(tmp_path: Path) -> None:
    matrix = np.array([[127, -3], [5, 127]], np.int8)
    path = tmp_path / "weights.npz"
    save_weights(path, {"a": matrix, "a" + SCALE: np.array([0.5, 2.0], np.float32)})
    assert list(read_weights(path)) == ["a"]
    np.testing.assert_array_equal(read_weights(path)["a"], [[63.5, -6], [2.5, 254]])


def test_weights_of_another_network_are_refused_and_change_nothing(tmp_path: Path) -> None:
    arrays = weights_of(clip())
    arrays["block_1_fc2/bias"] = np.zeros(3, np.float32)
    save_weights(tmp_path / "other.npz", arrays)
    network = clip()
    before = network.get_weights()
    with pytest.raises(WeightsError, match=r"block_1_fc2/bias of shape \(64,\).*shape \(3,\)"):
        load_weights(network, CLIP, str(tmp_path / "other.npz"))
    for was, now in zip(before, network.get_weights(), strict=True):
        np.testing.assert_array_equal(was, now)
    save_weights(tmp_path / "short.npz", weights_of(clip()))
    with pytest.raises(WeightsError, match=r"block_2\S+ of shape .* nothing of that name"):
        load_weights(clip(3), CLIP, str(tmp_path / "short.npz"))


def test_a_file_that_holds_no_weights_is_refused(tmp_path: Path) -> None:
    for name, content in (("a.npz", b"no"), ("b.npz", b""), ("c.h5", b"no")):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(WeightsError, match=name):
            load_weights(clip(), CLIP, str(tmp_path / name))


def test_imported_weights_are_looked_for_where_the_import_puts_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KERAS_DETECTOR_CACHE", str(tmp_path))
    with pytest.raises(WeightsError, match="import-weights clip-vit-b16"):
        load_weights(clip(), CLIP, "clip")
    trained = clip()
    save_weights(cached_weights("clip-vit-b16"), weights_of(trained))
    network = clip()
    load_weights(network, CLIP, "clip")
    np.testing.assert_array_equal(network.get_weights()[0], trained.get_weights()[0])


@pytest.mark.parametrize(
    ("name", "source"), [("meso4", "imagenet"), ("clip-vit-b16", "imagenet"), ("meso4", "x.npz")]
)
def test_a_source_that_is_none_is_refused_with_those_there_are(name: str, source: str) -> None:
    with pytest.raises(WeightsError, match=r'the path of an .npz or .h5 file, or "none"'):
        load_weights(clip(), name, source)


def test_without_network_the_error_says_where_the_file_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from keras.src.utils import file_utils

    def refuse(*_, **__):
        raise URLError("no route to host")

    monkeypatch.setattr(file_utils, "urlretrieve", refuse)
    monkeypatch.setattr(file_utils.config, "keras_home", lambda: str(tmp_path))
    network = BACKBONES["mobilenet-v3-small"].build(32)
    with pytest.raises(WeightsError, match=r"https://.*no_top.*\.h5.*pass its path"):
        load_weights(network, "mobilenet-v3-small", "imagenet")


def test_options_that_the_published_weights_are_not_for_are_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    published = keras.applications.MobileNetV3Small

    def untrained(**given: object) -> keras.Model:
        return published(**{**given, "weights": None})

    monkeypatch.setattr(keras.applications, "MobileNetV3Small", untrained)
    network = BACKBONES["mobilenet-v3-small"].build(32, alpha=0.75)
    with pytest.raises(WeightsError, match=r"network\.options"):
        load_weights(network, "mobilenet-v3-small", "imagenet")


def test_a_path_that_the_system_refuses_is_no_file() -> None:
    with pytest.raises(WeightsError, match="no file"):
        load_weights(clip(), "clip-vit-b16", "n" * 300)


def test_efficientnet_scales_as_keras_does_with_imagenet_weights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Keras's network has one scaling layer more when it is built with ImageNet weights."""
    from keras.src.applications import efficientnet

    # one block is enough
    monkeypatch.setattr(efficientnet, "DEFAULT_BLOCKS_ARGS", efficientnet.DEFAULT_BLOCKS_ARGS[:1])
    published = keras.applications.EfficientNetB0(include_top=False, weights=None)
    scaling = next(x for x in published.layers if isinstance(x, keras.layers.Normalization))
    scaling.set_weights(
        [np.float32([0.485, 0.456, 0.406]), np.float32([0.05, 0.2, 0.4]), np.int32(0)]
    )
    path = tmp_path / "notop.weights.h5"
    published.save_weights(path)
    monkeypatch.setattr(efficientnet.file_utils, "get_file", lambda *_, **__: str(path))
    expected = keras.applications.EfficientNetB0(include_top=False, weights="imagenet")

    picture = np.random.default_rng(0).integers(0, 256, (1, 32, 32, 3)).astype("float32")
    for source in ("imagenet", str(path)):
        network = BACKBONES["efficientnet-b0"].build(32)
        load_weights(network, "efficientnet-b0", source)
        np.testing.assert_allclose(run(network, picture), run(expected, picture), atol=1e-5)
