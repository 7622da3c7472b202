"""Smaller `.keras` files: weights stored as INT8 or float16, opened by plain Keras all the same.

INT8: every large Dense matrix is quantised with one scale a column, and multiplied back as it is
used; activations stay float32 (Keras's weight-only quantisation). A matrix that was INT8 with one
scale a column before, as the imported CLIP tower's are, comes out as it was.

float16: kernels are stored with half the bits and become float32 again when the file is opened, so
nothing is computed in float16.
"""

import io
import tempfile
import zipfile
from pathlib import Path
from typing import Any, Literal

import h5py
import keras
import numpy as np

Weights = Literal["float32", "float16", "int8"]

_LARGE = 64
"""Sides of the smallest matrix worth storing as INT8; the verdict's own layer is not."""


def keras_archive(network: keras.Model, weights: Weights = "float32") -> bytes:
    """The network as plain Keras saves it: the bytes of a `.keras` file.

    Args:
        network: never compiled, at any depth: an optimizer's state would double the file, and
            metrics of ours would need our code to be opened. It is not changed.
        weights: how they are stored. Scores of the stored network are those of `open_archive`.
    """
    archive = _saved(network)
    if weights == "float16":
        return _with_halved_kernels(archive)
    if weights == "int8":
        copy = open_archive(archive)
        copy.quantize(
            "int8",
            config=keras.quantizers.Int8QuantizationConfig(activation_quantizer=None),
            filters=_is_large_matrix,
        )
        return _saved(copy)
    return archive


def open_archive(archive: bytes) -> keras.Model:
    """The network in the bytes of a `.keras` file that `keras_archive` made."""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "network.keras"
        path.write_bytes(archive)
        return keras.saving.load_model(path, compile=False)


def _saved(network: keras.Model) -> bytes:
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "network.keras"
        network.save(path)
        return path.read_bytes()


def _is_large_matrix(layer: keras.layers.Layer) -> bool:
    return isinstance(layer, keras.layers.Dense) and min(layer.kernel.shape) >= _LARGE


def _with_halved_kernels(archive: bytes) -> bytes:
    written = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(archive)) as source,
        zipfile.ZipFile(written, "w", zipfile.ZIP_STORED) as target,
    ):
        for name in source.namelist():
            data = source.read(name)
            target.writestr(name, _halved(data) if name == "model.weights.h5" else data)
    return written.getvalue()


def _halved(weights: bytes) -> bytes:
    written = io.BytesIO()
    with h5py.File(io.BytesIO(weights), "r") as source, h5py.File(written, "w") as target:
        target.attrs.update(source.attrs)

        def copy(name: str, entry: Any) -> None:
            if isinstance(entry, h5py.Group):
                copied = target.require_group(name)
            else:
                copied = target.create_dataset(name, data=_half(entry[()]))
            copied.attrs.update(entry.attrs)

        source.visititems(copy)
    return written.getvalue()


def _half(values: Any) -> Any:
    # Vectors are few, and some of them (variances) need the range.
    if values.dtype != np.float32 or values.ndim < 2:
        return values
    with np.errstate(over="ignore"):
        halved = values.astype(np.float16)
    return halved if np.isfinite(halved).all() else values
