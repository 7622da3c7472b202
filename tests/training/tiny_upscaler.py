"""A tiny upsampling network as TensorFlow.js writes it, with every layer that is read."""

import json
from pathlib import Path

import numpy as np


def layer(kind: str, name: str, sources: tuple[str, ...], **config: object) -> dict:
    nodes = [[[source, 0, 0, {}] for source in sources]] if sources else []
    config = {"name": name, "dtype": "float32", **config}
    return {"class_name": kind, "name": name, "config": config, "inbound_nodes": nodes}


def convolution(name: str, source: str, side: int, filters: int, **config: object) -> dict:
    plain = {
        "filters": filters,
        "kernel_size": [side, side],
        "strides": [1, 1],
        "padding": "same",
        "data_format": "channels_last",
        "dilation_rate": [1, 1],
        "activation": "linear",
        "use_bias": True,
    }
    return layer("Conv2D", name, (source,), **{**plain, **config})


def description(factor: int = 2) -> dict:
    """A `model.json`: RGB in, RGB of `factor` times the side out."""
    layers = [
        layer("InputLayer", "in", (), batch_input_shape=[None, None, None, 3]),
        convolution("first", "in", 3, 4),
        layer("Activation", "relu", ("first",), activation="relu"),
        layer("Concatenate", "both", ("in", "relu"), axis=3),
        convolution("second", "both", 1, 4, padding="valid", activation="relu"),
        layer("Add", "sum", ("second", "first")),
        layer(
            "UpSampling2D",
            "up",
            ("sum",),
            size=[factor, factor],
            data_format="channels_last",
            interpolation="nearest",
        ),
        convolution("last", "up", 5, 3, use_bias=False),
    ]
    config = {"layers": layers, "input_layers": [["in", 0, 0]], "output_layers": [["last", 0, 0]]}
    return {
        "format": "layers-model",
        "modelTopology": {"model_config": {"class_name": "Functional", "config": config}},
        "weightsManifest": [
            {
                "paths": ["one.bin", "two.bin"],
                "weights": [
                    {"name": name, "shape": shape, "dtype": "float32"}
                    for name, shape in (
                        ("first/kernel", [3, 3, 3, 4]),
                        ("first/bias", [4]),
                        ("second/kernel", [1, 1, 7, 4]),
                        ("second/bias", [4]),
                        ("last/kernel", [5, 5, 4, 3]),
                    )
                ],
            }
        ],
    }


def write_upscaler(folder: Path, model: dict | None = None, seed: int = 0) -> list[np.ndarray]:
    """Write `model.json` and weights that fit `description()`; returns the weights in order."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    shapes = [w["shape"] for w in description()["weightsManifest"][0]["weights"]]
    arrays = [rng.normal(0.02, 0.1, shape).astype("<f4") for shape in shapes]
    data = b"".join(array.tobytes() for array in arrays)
    (folder / "one.bin").write_bytes(data[:50])
    (folder / "two.bin").write_bytes(data[50:])
    (folder / "model.json").write_text(json.dumps(model or description()), encoding="utf-8")
    return arrays
