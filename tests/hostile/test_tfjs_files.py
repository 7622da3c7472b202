"""TensorFlow.js folders: what is refused, and that it is refused with our error."""

import copy
from collections.abc import Callable
from pathlib import Path

import pytest

from keras_detector.errors import WeightsError
from tests.training.tiny_upscaler import description, layer, write_upscaler
from training.pretrained.tfjs_file import read_tfjs_model


def _config(model: dict) -> dict:
    return model["modelTopology"]["model_config"]["config"]


def _change_layer(at: int, **options: object) -> Callable[[dict], None]:
    return lambda model: _config(model)["layers"][at]["config"].update(options)


def _change_weight(at: int, **options: object) -> Callable[[dict], None]:
    return lambda model: model["weightsManifest"][0]["weights"][at].update(options)


def _set_paths(*paths: str) -> Callable[[dict], None]:
    return lambda model: model["weightsManifest"][0].update(paths=list(paths))


def _add_layer(*arguments: object, **config: object) -> Callable[[dict], None]:
    return lambda model: _config(model)["layers"].append(layer(*arguments, **config))


CHANGES = {
    "code": _add_layer("Lambda", "evil", ("last",), function="print"),
    "foreign class": lambda model: _config(model)["layers"][2].update(class_name="Dense"),
    "activation": _change_layer(2, activation="swish"),
    "convolution's activation": _change_layer(1, activation="tanh"),
    "strides": _change_layer(1, strides=[2, 2]),
    "dilation": _change_layer(1, dilation_rate=[2, 2]),
    "groups": _change_layer(1, groups=3),
    "padding": _change_layer(1, padding="causal"),
    "channels first": _change_layer(1, data_format="channels_first"),
    "half precision": _change_layer(1, dtype="float16"),
    "filters": _change_layer(1, filters=10**9),
    "kernel": _change_layer(1, kernel_size=[10**5, 10**5]),
    "bias lost": _change_layer(7, use_bias=True),
    "bias unused": _change_layer(1, use_bias=False),
    "axis": _change_layer(3, axis=1),
    "interpolation": _change_layer(6, interpolation="bilinear"),
    "enlarging": _change_layer(6, size=[10**9, 10**9]),
    "enlarging by a word": _change_layer(6, size=["2", "2"]),
    "fixed picture size": _change_layer(0, batch_input_shape=[None, 8, 8, 3]),
    "many channels": _change_layer(0, batch_input_shape=[None, None, None, 10**9]),
    "unequal terms": lambda model: _config(model)["layers"][5].update(
        inbound_nodes=[[["second", 0, 0, {}], ["in", 0, 0, {}]]]
    ),
    "from the future": lambda model: _config(model)["layers"][2].update(
        inbound_nodes=[[["last", 0, 0, {}]]]
    ),
    "second call": lambda model: _config(model)["layers"][2].update(
        inbound_nodes=[[["first", 1, 0, {}]]]
    ),
    "no source": lambda model: _config(model)["layers"][2].update(inbound_nodes=[]),
    "same name": _add_layer("Activation", "relu", ("last",), activation="relu"),
    "two outputs": lambda model: _config(model).update(
        output_layers=[["last", 0, 0], ["up", 0, 0]]
    ),
    "unknown output": lambda model: _config(model).update(output_layers=[["x", 0, 0]]),
    "graph model": lambda model: model.update(format="graph-model"),
    "no topology": lambda model: model.pop("modelTopology"),
    "layers as text": lambda model: _config(model).update(layers="InputLayer"),
    "too many layers": lambda model: _config(model)["layers"].extend([{}] * 1000),
    "way out": _set_paths("../one.bin", "two.bin"),
    "absolute": _set_paths("/dev/zero", "two.bin"),
    "Windows' way out": _set_paths("..\\one.bin", "two.bin"),
    "the folder itself": _set_paths(".", "two.bin"),
    "missing file": _set_paths("one.bin", "three.bin"),
    "too few bytes": _set_paths("two.bin"),
    "too many bytes": _set_paths("one.bin", "two.bin", "two.bin"),
    "integers": _change_weight(0, dtype="int32"),
    "quantised": _change_weight(0, quantization={"scale": 1, "min": 0, "dtype": "uint8"}),
    "negative": _change_weight(0, shape=[-3, -3, 3, 4]),
    "no numbers": _change_weight(1, shape=[0]),
    "huge": _change_weight(0, shape=[10**9, 10**9, 10**9]),
    "wrong shape": _change_weight(0, shape=[3, 3, 4, 3]),
    "other name": _change_weight(0, name="first/weights"),
    "name twice": _change_weight(3, name="first/bias"),
}


@pytest.mark.parametrize("name", CHANGES)
def test_refused(name: str, tmp_path: Path) -> None:
    model = copy.deepcopy(description())
    CHANGES[name](model)
    assert model != description()
    write_upscaler(tmp_path, model)
    with pytest.raises(WeightsError, match=r"layers model"):
        read_tfjs_model(tmp_path)


@pytest.mark.parametrize("content", [b"", b"[]", b"null", b"\xff\xfe", b"[" * 100_000])
def test_no_such_json(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "model.json").write_bytes(content)
    with pytest.raises(WeightsError):
        read_tfjs_model(tmp_path)


def test_a_file_too_large_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / "model.json").open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(WeightsError, match="more than"):
        read_tfjs_model(tmp_path)


def test_numbers_that_are_not_finite(tmp_path: Path) -> None:
    write_upscaler(tmp_path)
    (tmp_path / "one.bin").write_bytes(b"\xff" * 50)
    with pytest.raises(WeightsError, match="not finite"):
        read_tfjs_model(tmp_path)
