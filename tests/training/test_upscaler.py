import json
from pathlib import Path

import numpy as np
import pytest

from keras_detector.errors import WeightsError
from tests.training.tiny_upscaler import description, write_upscaler
from training.pairs.upscaler import load_upscalers
from training.pretrained.tfjs_file import read_tfjs_model


def convolve(value: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    border = kernel.shape[0] // 2
    padded = np.pad(value, ((border, border), (border, border), (0, 0)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, kernel.shape[:2], axis=(0, 1))
    return np.einsum("hwcij,ijcf->hwf", windows, kernel)


def test_the_network_computes_what_its_file_says(tmp_path: Path) -> None:
    first, first_bias, second, second_bias, last = write_upscaler(tmp_path)
    picture = np.random.default_rng(1).random((6, 9, 3)).astype(np.float32)
    low = convolve(picture, first) + first_bias
    both = np.concatenate([picture, np.maximum(low, 0)], axis=-1)
    total = np.maximum(convolve(both, second) + second_bias, 0) + low
    expected = convolve(total.repeat(2, axis=0).repeat(2, axis=1), last)
    received = np.asarray(read_tfjs_model(tmp_path).predict_on_batch(picture[np.newaxis]))[0]
    np.testing.assert_allclose(received, expected, atol=1e-5)


def test_a_package_gives_all_its_networks_that_are_read(tmp_path: Path) -> None:
    for factor in (4, 2, 3, 8):
        write_upscaler(tmp_path / "models" / f"x{factor}", description(factor))
    package = {"name": "@somebody/tiny", "version": "1.2.3"}
    (tmp_path / "package.json").write_text(json.dumps(package), encoding="utf-8")
    upscalers = load_upscalers(tmp_path)
    assert [upscaler.factor for upscaler in upscalers] == [2, 3, 4]
    assert [upscaler.name for upscaler in upscalers] == [
        f"@somebody/tiny@1.2.3 x{factor}" for factor in (2, 3, 4)
    ]
    for upscaler in upscalers:
        enlarged = upscaler.enlarge(np.full((8, 12, 3), 200, np.uint8))
        assert enlarged.shape == (8 * upscaler.factor, 12 * upscaler.factor, 3)
        assert enlarged.dtype == np.uint8


def test_one_of_a_packages_networks_can_be_given(tmp_path: Path) -> None:
    folder = tmp_path / "models" / "x3"
    write_upscaler(folder, description(3))
    (direct,), (inside,) = load_upscalers(folder), load_upscalers(tmp_path)
    assert (direct.name, direct.factor) == ("x3", 3)
    assert inside.factor == 3


@pytest.mark.parametrize("size", [[1, 1], [5, 5], [2, 3]])
def test_a_network_that_does_not_enlarge_by_a_whole_factor_is_refused(
    tmp_path: Path, size: list[int]
) -> None:
    model = description()
    model["modelTopology"]["model_config"]["config"]["layers"][6]["config"]["size"] = size
    write_upscaler(tmp_path / "models" / "x2", model)
    write_upscaler(tmp_path / "models" / "x3", description(3))
    with pytest.raises(WeightsError, match="two to four times"):
        load_upscalers(tmp_path)


def test_a_network_of_other_channels_is_refused(tmp_path: Path) -> None:
    model = description()
    config = model["modelTopology"]["model_config"]["config"]
    config["output_layers"] = [["up", 0, 0]]
    config["layers"].pop()
    model["weightsManifest"][0]["weights"].pop()
    write_upscaler(tmp_path, model)
    weights = (tmp_path / "two.bin").read_bytes()
    (tmp_path / "two.bin").write_bytes(weights[: -5 * 5 * 4 * 3 * 4])
    with pytest.raises(WeightsError, match="two to four times"):
        load_upscalers(tmp_path)


def test_a_folder_without_networks_is_refused(tmp_path: Path) -> None:
    (tmp_path / "models" / "x2").mkdir(parents=True)
    for folder in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(WeightsError, match=r"layers model.*none of these"):
            load_upscalers(folder)


def test_the_name_shows_no_terminal_escapes(tmp_path: Path) -> None:
    write_upscaler(tmp_path)
    package = {"name": "\x1b[31m\ud800", "version": 1}
    (tmp_path / "package.json").write_text(json.dumps(package), encoding="utf-8")
    (upscaler,) = load_upscalers(tmp_path)
    assert upscaler.name.isprintable()
