"""Reading a TensorFlow.js layers model into Keras, without TensorFlow.js and without running it.

Such a model is a folder with a `model.json`, which lists layers and weights, and the weights as
raw little-endian numbers beside it. Keras would rebuild whatever classes the list names; this
reader knows the few that upsampling networks are made of, builds those itself, and refuses the
rest.
"""

import json
import math
from collections.abc import Callable, Mapping
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from keras_detector.errors import WeightsError
from keras_detector.printable import printable

if TYPE_CHECKING:
    import keras

Arrays = dict[str, npt.NDArray[np.float32]]

_ADVICE = "Use a folder with the model.json and .bin files of an upsampling network, as published."
_MAX_JSON_BYTES, _MAX_WEIGHT_BYTES, _MAX_LAYERS = 4 << 20, 256 << 20, 1000
_MAX_ENLARGED = 8


def read_tfjs_model(folder: Path) -> "keras.Model":
    """Build the network of a folder: float32 (n, h, w, c) in, float32 (n, h', w', c') out.

    Args:
        folder: holds `model.json` and the files that it names.

    Raises:
        WeightsError: a file is missing or damaged, sizes do not agree, numbers are not float32,
            or the network has a layer, or an option of one, that is not read here.
    """
    try:
        description = json.loads(_read(folder / "model.json", _MAX_JSON_BYTES))
        if description["format"] != "layers-model":
            raise _refused(f"the format {description['format']!r:.50}")
        arrays = _arrays(folder, description["weightsManifest"])
        return _build(description["modelTopology"]["model_config"]["config"], arrays)
    except WeightsError:
        raise
    except OSError as error:
        raise _refused(f"{printable(folder)} ({error.strerror})") from error
    except (AttributeError, LookupError, RecursionError, TypeError, ValueError) as error:
        raise _refused(f"{type(error).__name__}: {error!s:.200}") from error


def _read(path: Path, limit: int) -> bytes:
    with path.open("rb") as file:
        data = file.read(limit + 1)
    if len(data) > limit:
        raise _refused(f"{path.name} of more than {limit:,} bytes")
    return data


def _arrays(folder: Path, manifest: Any) -> Arrays:
    arrays: Arrays = {}
    for group in manifest:
        names = [str(name) for name in group["paths"]]
        for name in names:
            # Both spellings: what is a plain name on one system is a way out on another.
            if {PurePosixPath(name).name, PureWindowsPath(name).name} != {name}:
                raise _refused(f"the path {name!r:.100}, which is no plain file name")
        data = b"".join(_read(folder / name, _MAX_WEIGHT_BYTES) for name in names)
        start = 0
        for weight in group["weights"]:
            name, shape = str(weight["name"]), tuple(weight["shape"])
            if weight["dtype"] != "float32" or "quantization" in weight:
                raise _refused(f"{name!r:.100} with numbers that are not plain float32")
            if not all(type(side) is int and side > 0 for side in shape) or name in arrays:
                raise _refused(f"{name!r:.100} of shape {shape!r:.100}, or twice")
            end = start + 4 * math.prod(shape)
            if end > len(data):
                raise _refused(f"{len(data):,} bytes of weights where {name!r:.100} ends at {end}")
            numbers = np.frombuffer(data[start:end], "<f4").astype(np.float32)
            if not np.isfinite(numbers).all():
                raise _refused(f"{name!r:.100} with numbers that are not finite")
            arrays[name] = numbers.reshape(shape)
            start = end
        if start != len(data):
            raise _refused(f"{len(data):,} bytes of weights for the {start:,} of model.json")
    return arrays


def _build(config: Mapping[str, Any], arrays: Arrays) -> "keras.Model":
    import keras

    if len(config["layers"]) > _MAX_LAYERS:
        raise _refused(f"{len(config['layers']):,} layers")
    values: dict[str, Any] = {}
    for layer in config["layers"]:
        name, kind = str(layer["name"]), str(layer["class_name"])
        if kind not in _LAYERS:
            raise _refused(f"a layer {kind!r:.50}; read are {', '.join(_LAYERS)}")
        if name in values:
            raise _refused(f"the layer {name!r:.100} twice")
        _require(layer["config"], name, dtype="float32")
        inputs = [values[source] for source in _inbound(layer["inbound_nodes"])]
        values[name] = _LAYERS[kind](name, layer["config"], inputs, arrays)
    if arrays:
        raise _refused(f"weights that no layer has: {', '.join(sorted(arrays))[:200]}")
    ((start, *_),), ((end, *_),) = config["input_layers"], config["output_layers"]
    return keras.Model(values[start], values[end])


def _inbound(nodes: Any) -> list[str]:
    """Names of the layers that one layer takes its values from."""
    if not nodes:
        return []
    (node,) = nodes
    for _, call, output, options in node:
        if (call, output, options) != (0, 0, {}):
            raise _refused("a layer that is used in another way than once")
    return [str(source) for source, *_ in node]


def _input(name: str, config: Any, inputs: list[Any], _: Arrays) -> Any:
    import keras

    batch, height, width, channels = config["batch_input_shape"]
    if inputs or (batch, height, width) != (None, None, None) or channels not in range(1, 65):
        raise _refused(f"{name!r:.100}, which does not take pictures of any size")
    return keras.Input((None, None, int(channels)))


def _conv2d(name: str, config: Any, inputs: list[Any], arrays: Arrays) -> Any:
    import keras

    (value,) = inputs
    _require(
        config,
        name,
        strides=[1, 1],
        dilation_rate=[1, 1],
        groups=1,
        data_format="channels_last",
    )
    if config["padding"] not in ("same", "valid") or config["activation"] not in ("linear", "relu"):
        raise _refused(f"{name!r:.100} with {config['padding']!r:.50} {config['activation']!r:.50}")
    kernel = arrays.pop(f"{name}/kernel")
    bias = [arrays.pop(f"{name}/bias")] if config["use_bias"] else []
    # Compared before the layer is made, which would take memory for what the list says.
    if kernel.shape != (*config["kernel_size"], value.shape[-1], config["filters"]) or any(
        array.shape != kernel.shape[3:] for array in bias
    ):
        raise _refused(f"{name!r:.100} with weights {kernel.shape}, which do not fit it")
    layer = keras.layers.Conv2D(
        kernel.shape[3],
        kernel.shape[:2],
        padding=config["padding"],
        activation=config["activation"],
        use_bias=bool(bias),
    )
    output = layer(value)
    layer.set_weights([kernel, *bias])
    return output


def _activation(name: str, config: Any, inputs: list[Any], _: Arrays) -> Any:
    import keras

    (value,) = inputs
    if config["activation"] != "relu":
        raise _refused(f"{name!r:.100} with the activation {config['activation']!r:.50}")
    return keras.layers.Activation("relu")(value)


def _concatenate(name: str, config: Any, inputs: list[Any], _: Arrays) -> Any:
    import keras

    if config["axis"] not in (3, -1):
        raise _refused(f"{name!r:.100} along another axis than the channels")
    return keras.layers.Concatenate()(inputs)


def _add(name: str, _: Any, inputs: list[Any], __: Arrays) -> Any:
    import keras

    if len({value.shape[-1] for value in inputs}) != 1:
        raise _refused(f"{name!r:.100} of values with different numbers of channels")
    return keras.layers.Add()(inputs)


def _up_sampling(name: str, config: Any, inputs: list[Any], _: Arrays) -> Any:
    import keras

    (value,) = inputs
    _require(config, name, data_format="channels_last", interpolation="nearest")
    down, across = config["size"]
    if not all(type(by) is int and 0 < by <= _MAX_ENLARGED for by in (down, across)):
        raise _refused(f"{name!r:.100}, which enlarges by {config['size']!r:.50}")
    return keras.layers.UpSampling2D((down, across))(value)


_LAYERS: dict[str, Callable[[str, Any, list[Any], Arrays], Any]] = {
    "InputLayer": _input,
    "Conv2D": _conv2d,
    "Activation": _activation,
    "Concatenate": _concatenate,
    "Add": _add,
    "UpSampling2D": _up_sampling,
}


def _require(config: Mapping[str, Any], name: str, **wanted: object) -> None:
    """Refuse options that are there and mean something else; old files leave some out."""
    for option, value in wanted.items():
        if config.get(option, value) != value:
            raise _refused(f"{name!r:.100} with {option} {config[option]!r:.50}")


def _refused(received: str) -> WeightsError:
    return WeightsError(
        expected="a TensorFlow.js layers model of plain convolutions",
        received=received,
        advice=_ADVICE,
    )
