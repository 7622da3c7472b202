"""Reading the weights in a PyTorch file without PyTorch, and without running anything in it.

Both layouts are read: the zip archive that PyTorch writes since 1.6, and the stream of pickles it
wrote before. A pickle names functions to call; this reader knows the four a state dict needs,
answers each with code of its own, and refuses every other name.
"""

import io
import math
import pickle
import struct
import zipfile
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from keras_detector.errors import WeightsError

Array = npt.NDArray[Any]

_ADVICE = "Use a file that torch.save wrote of a model's state_dict()."
_MAGIC, _PROTOCOL = 0x1950A86A20F9469CFC6C, 1001
_BFLOAT16 = "bfloat16"
_STORAGES = {
    "FloatStorage": "<f4",
    "DoubleStorage": "<f8",
    "HalfStorage": "<f2",
    "BFloat16Storage": _BFLOAT16,
    "LongStorage": "<i8",
    "IntStorage": "<i4",
    "ShortStorage": "<i2",
    "CharStorage": "<i1",
    "ByteStorage": "<u1",
    "BoolStorage": "?",
}


@dataclass
class _Storage:
    dtype: str
    count: int
    data: bytes = b""


@dataclass
class _Tensor:
    storage: _Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


class _StateUnpickler(pickle.Unpickler):
    """Knows tensors, storages and ordered dictionaries, and no other name."""

    def __init__(self, file: Any) -> None:
        super().__init__(file)
        self.storages: dict[str, _Storage] = {}

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return lambda storage, offset, shape, strides, *_: _Tensor(
                storage, offset, tuple(shape), tuple(strides)
            )
        if (module, name) == ("torch._utils", "_rebuild_parameter"):
            return lambda tensor, *_: tensor
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if module == "torch" and name in _STORAGES:
            return _STORAGES[name]
        raise _refused(f"the name {module}.{name}")

    def persistent_load(self, pid: Any) -> _Storage:
        _, dtype, key, _, count, *_ = pid
        return self.storages.setdefault(str(key), _Storage(str(dtype), int(count)))


def read_state_dict(source: bytes | Path) -> dict[str, Array]:
    """Read a state dict.

    Args:
        source: the file, or its bytes.

    Returns:
        name to array, in the file's order; bfloat16 comes as float32, everything else as stored.

    Raises:
        WeightsError: the file is missing, damaged, or holds anything but tensors by name.
    """
    try:
        return _read(source.read_bytes() if isinstance(source, Path) else source)
    except WeightsError:
        raise
    except OSError as error:
        raise _refused(f"{source!r:.200} ({error.strerror})") from error
    # What a damaged pickle raises has no end: any of it means that this is no state dict.
    except Exception as error:
        raise _refused(f"{type(error).__name__}: {error}") from error


def _read(data: bytes) -> dict[str, Array]:
    tree = _from_zip(data) if zipfile.is_zipfile(io.BytesIO(data)) else _from_pickles(data)
    if not isinstance(tree, dict) or not all(isinstance(name, str) for name in tree):
        raise _refused(f"a {type(tree).__name__}")
    return {name: _array(tensor) for name, tensor in tree.items()}


def _from_zip(data: bytes) -> Any:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        (listing,) = [name for name in archive.namelist() if name.endswith("/data.pkl")]
        root = listing.removesuffix("data.pkl")
        if (
            f"{root}byteorder" in archive.namelist()
            and archive.read(f"{root}byteorder") != b"little"
        ):
            raise _refused("big-endian numbers")
        unpickler = _StateUnpickler(io.BytesIO(archive.read(listing)))
        tree = unpickler.load()
        for key, storage in unpickler.storages.items():
            storage.data = archive.read(f"{root}data/{key}")
    return tree


def _from_pickles(data: bytes) -> Any:
    file = io.BytesIO(data)
    header = [_StateUnpickler(file).load() for _ in range(3)]
    if header[:2] != [_MAGIC, _PROTOCOL] or header[2]["little_endian"] is not True:
        raise _refused("another kind of pickle")
    unpickler = _StateUnpickler(file)
    tree = unpickler.load()
    for key in _StateUnpickler(file).load():
        storage = unpickler.storages[key]
        (count,) = struct.unpack("<q", file.read(8))
        if count != storage.count:
            raise _refused("a storage of another length")
        storage.data = file.read(count * _itemsize(storage.dtype))
    return tree


def _array(tensor: Any) -> Array:
    if not isinstance(tensor, _Tensor):
        raise _refused(f"a {type(tensor).__name__} where a tensor should stand")
    stored = np.frombuffer(
        tensor.storage.data, "<u2" if tensor.storage.dtype == _BFLOAT16 else tensor.storage.dtype
    )
    if tensor.storage.dtype == _BFLOAT16:  # the upper half of a float32
        stored = (stored.astype(np.uint32) << 16).view(np.float32)
    count = math.prod(tensor.shape)
    if min((tensor.offset, *tensor.shape, *tensor.strides)) < 0:
        raise _refused("a negative length")
    last = tensor.offset + sum(
        (side - 1) * stride for side, stride in zip(tensor.shape, tensor.strides, strict=True)
    )
    if count and last >= len(stored):
        raise _refused("a tensor that ends behind its storage")
    strides = [stride * stored.itemsize for stride in tensor.strides]
    view = np.lib.stride_tricks.as_strided(
        stored[tensor.offset :], tensor.shape, strides, writeable=False
    )
    return np.array(view)


def _itemsize(dtype: str) -> int:
    return 2 if dtype == _BFLOAT16 else np.dtype(dtype).itemsize


def _refused(received: str) -> WeightsError:
    return WeightsError(
        expected="a PyTorch file that holds tensors by name", received=received, advice=_ADVICE
    )
