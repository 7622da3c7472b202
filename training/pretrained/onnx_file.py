"""Reading weights out of an ONNX file, without the `onnx` package.

ONNX is a protocol buffer (onnx.proto3, Apache-2.0). Of it this reads what a weight import needs:
the initializers, and which node uses which.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from keras_detector.errors import WeightsError

# Field numbers of onnx.proto3.
_MODEL_GRAPH = 7
_GRAPH_NODE, _GRAPH_INITIALIZER = 1, 5
_NODE_INPUT, _NODE_NAME, _NODE_OPERATION = 1, 3, 4
_TENSOR_DIMS, _TENSOR_TYPE, _TENSOR_FLOATS, _TENSOR_INTS, _TENSOR_NAME, _TENSOR_RAW = (
    1,
    2,
    4,
    5,
    8,
    9,
)
_DTYPES = {1: "<f4", 2: "<u1", 3: "<i1", 6: "<i4", 7: "<i8", 10: "<f2", 11: "<f8"}
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


@dataclass(frozen=True)
class OnnxNode:
    """One operation of the graph: its type, its name, and the names of its inputs."""

    operation: str
    name: str
    inputs: tuple[str, ...]


@dataclass(frozen=True)
class OnnxGraph:
    """Nodes in the file's order, and the initializers by name."""

    nodes: tuple[OnnxNode, ...]
    initializers: dict[str, npt.NDArray[Any]]


def read_onnx(data: bytes) -> OnnxGraph:
    """Read the nodes and initializers of an ONNX file.

    Raises:
        WeightsError: the bytes are no such file, or hold numbers of a kind not read here.
    """
    try:
        graph = next(value for field, value in _fields(memoryview(data)) if field == _MODEL_GRAPH)
        nodes, initializers = [], {}
        for field, value in _fields(graph):
            if field == _GRAPH_NODE:
                nodes.append(_node(value))
            elif field == _GRAPH_INITIALIZER:
                name, array = _tensor(value)
                initializers[name] = array
    except (IndexError, KeyError, StopIteration, TypeError, ValueError) as error:
        raise WeightsError(
            expected="an ONNX file",
            received=f"other bytes ({type(error).__name__}: {error})",
            advice="Fetch the file again.",
        ) from error
    return OnnxGraph(tuple(nodes), initializers)


def _fields(message: Any) -> Iterator[tuple[int, Any]]:
    """Field numbers and raw values of one protocol-buffer message."""
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        kind = key & 7
        value: Any
        if kind == _VARINT:
            value, at = _varint(message, at)
        else:
            if kind == _BYTES:
                length, at = _varint(message, at)
            else:
                length = {_FIXED64: 8, _FIXED32: 4}[kind]
            if at + length > len(message):
                raise ValueError("a field ends behind its message")
            value, at = message[at : at + length], at + length
        yield key >> 3, value


def _varint(message: Any, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = message[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at
        if shift > 63:
            raise ValueError("a number of more than 64 bits")


def _varints(value: Any) -> list[int]:
    if isinstance(value, int):
        return [value]
    numbers, at = [], 0
    while at < len(value):
        number, at = _varint(value, at)
        numbers.append(number)
    return numbers


def _node(message: Any) -> OnnxNode:
    inputs, name, operation = [], "", ""
    for field, value in _fields(message):
        if field == _NODE_INPUT:
            inputs.append(str(value, "utf-8"))
        elif field == _NODE_NAME:
            name = str(value, "utf-8")
        elif field == _NODE_OPERATION:
            operation = str(value, "utf-8")
    return OnnxNode(operation, name, tuple(inputs))


def _tensor(message: Any) -> tuple[str, npt.NDArray[Any]]:
    shape: list[int] = []
    integers: list[int] = []
    dtype, name, raw = "", "", b""
    for field, value in _fields(message):
        if field == _TENSOR_DIMS:
            shape += _varints(value)
        elif field == _TENSOR_TYPE:
            dtype = _DTYPES[value]
        elif field == _TENSOR_NAME:
            name = str(value, "utf-8")
        elif field in (_TENSOR_FLOATS, _TENSOR_RAW):
            raw += bytes(value)
        elif field == _TENSOR_INTS:
            integers += _varints(value)
    if integers:  # two's complement of 64 bits
        return name, np.array(integers, np.uint64).astype(np.int64).astype(dtype).reshape(shape)
    return name, np.frombuffer(raw, dtype).reshape(shape)
