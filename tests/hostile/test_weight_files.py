"""PyTorch and ONNX files: what is read of them, and what nobody gets them to do."""

import io
import pickle
import struct
import sys
import types
import zipfile
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest

from keras_detector.errors import WeightsError
from training.pretrained.onnx_file import read_onnx
from training.pretrained.torch_file import read_state_dict


class FakeStorage:
    def __init__(self, key: str, kind: str, data: bytes, count: int) -> None:
        self.key, self.kind, self.data, self.count = key, kind, data, count


class FakeTensor:
    """Pickles as a PyTorch tensor does."""

    def __init__(self, storage: FakeStorage, offset: int, shape: tuple, strides: tuple) -> None:
        self.arguments = (storage, offset, shape, strides, False, OrderedDict())

    def __reduce__(self):
        return sys.modules["torch._utils"]._rebuild_tensor_v2, self.arguments


@pytest.fixture
def torch_names(monkeypatch: pytest.MonkeyPatch) -> None:
    """The few names a state dict mentions, as if PyTorch were there."""
    torch, utils = types.ModuleType("torch"), types.ModuleType("torch._utils")

    def _rebuild_tensor_v2(*_):
        pass

    _rebuild_tensor_v2.__module__, _rebuild_tensor_v2.__qualname__ = (
        "torch._utils",
        ("_rebuild_tensor_v2"),
    )
    utils._rebuild_tensor_v2 = _rebuild_tensor_v2
    for name in ("FloatStorage", "HalfStorage", "BFloat16Storage", "LongStorage"):
        setattr(torch, name, type(name, (), {"__module__": "torch"}))
    monkeypatch.setitem(sys.modules, "torch", torch)
    monkeypatch.setitem(sys.modules, "torch._utils", utils)


def _pickled(tree: object, *, storages: bool = True) -> bytes:
    class Pickler(pickle.Pickler):
        def persistent_id(self, obj):
            if isinstance(obj, FakeStorage):
                kind = getattr(sys.modules["torch"], obj.kind)
                rest = () if storages else (None,)
                return ("storage", kind, obj.key, "cpu", obj.count, *rest)
            return None

    file = io.BytesIO()
    Pickler(file, protocol=2).dump(tree)
    return file.getvalue()


def zip_file(tree: object, storages: list[FakeStorage]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("net/data.pkl", _pickled(tree))
        archive.writestr("net/byteorder", "little")
        for storage in storages:
            archive.writestr(f"net/data/{storage.key}", storage.data)
    return file.getvalue()


def legacy_file(tree: object, storages: list[FakeStorage]) -> bytes:
    header = [0x1950A86A20F9469CFC6C, 1001, {"little_endian": True, "protocol_version": 1001}]
    parts = [pickle.dumps(part, protocol=2) for part in header]
    parts += [_pickled(tree, storages=False), pickle.dumps([s.key for s in storages], protocol=2)]
    parts += [struct.pack("<q", storage.count) + storage.data for storage in storages]
    return b"".join(parts)


def some_tensors() -> tuple[dict, list[FakeStorage], dict[str, np.ndarray]]:
    numbers = np.arange(12, dtype="<f4")
    halves = np.array([1.5, -2.0], "<f2")
    brain = np.array([1.0, -3.5], "<f4")
    storages = [
        FakeStorage("0", "FloatStorage", numbers.tobytes(), 12),
        FakeStorage("1", "HalfStorage", halves.tobytes(), 2),
        FakeStorage("2", "BFloat16Storage", (brain.view("<u4") >> 16).astype("<u2").tobytes(), 2),
        FakeStorage("3", "LongStorage", np.array([7], "<i8").tobytes(), 1),
    ]
    tree = OrderedDict(
        whole=FakeTensor(storages[0], 0, (3, 4), (4, 1)),
        turned=FakeTensor(storages[0], 1, (2, 3), (1, 4)),
        half=FakeTensor(storages[1], 0, (2,), (1,)),
        brain=FakeTensor(storages[2], 0, (2,), (1,)),
        scalar=FakeTensor(storages[3], 0, (), ()),
        nothing=FakeTensor(storages[0], 0, (0, 4), (4, 1)),
    )
    table = numbers.reshape(3, 4)
    expected = {
        "whole": table,
        "turned": table[:, 1:3].T,
        "half": halves,
        "brain": brain,
        "scalar": np.array(7),
        "nothing": np.zeros((0, 4), np.float32),
    }
    return tree, storages, expected


@pytest.mark.usefixtures("torch_names")
@pytest.mark.parametrize("write", [zip_file, legacy_file])
def test_tensors_come_out_as_they_went_in(write, tmp_path: Path) -> None:
    tree, storages, expected = some_tensors()
    path = tmp_path / "weights.pth"
    path.write_bytes(write(tree, storages))
    found = read_state_dict(path)
    assert list(found) == list(expected)
    for name, array in expected.items():
        np.testing.assert_array_equal(found[name], array)
        assert found[name].dtype == array.dtype


@pytest.mark.usefixtures("torch_names")
@pytest.mark.parametrize("write", [zip_file, legacy_file])
def test_a_damaged_file_is_refused_wherever_it_ends(write) -> None:
    data = write(*some_tensors()[:2])
    for end in range(0, len(data) - 1, 7):
        with pytest.raises(WeightsError):
            read_state_dict(data[:end])


@pytest.mark.usefixtures("torch_names")
@pytest.mark.parametrize(
    ("offset", "shape", "strides"),
    [(0, (4, 4), (4, 1)), (12, (1,), (1,)), (-1, (2,), (1,)), (3, (2,), (-1,)), (0, (2,), (99,))],
)
def test_a_tensor_never_reads_outside_its_storage(offset, shape, strides) -> None:
    storage = FakeStorage("0", "FloatStorage", bytes(48), 12)
    data = zip_file({"a": FakeTensor(storage, offset, shape, strides)}, [storage])
    with pytest.raises(WeightsError):
        read_state_dict(data)


class Runs:
    """Unpickling this would make a directory."""

    def __init__(self, path: Path) -> None:
        self.path = str(path)

    def __reduce__(self):
        import os

        return os.mkdir, (self.path,)


@pytest.mark.usefixtures("torch_names")
@pytest.mark.parametrize("write", [zip_file, legacy_file])
def test_nothing_in_a_file_is_run(write, tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="mkdir"):
        read_state_dict(write({"a": Runs(tmp_path / "made")}, []))
    assert not (tmp_path / "made").exists()


@pytest.mark.usefixtures("torch_names")
@pytest.mark.parametrize("tree", [[1], {"a": 1}, {1: 2}, {"epoch": 3, "state": {}}])
def test_anything_but_tensors_by_name_is_refused(tree: object) -> None:
    with pytest.raises(WeightsError, match="tensor"):
        read_state_dict(zip_file(tree, []))


def _varint(number: int) -> bytes:
    out = b""
    while number > 0x7F:
        out, number = out + bytes([number & 0x7F | 0x80]), number >> 7
    return out + bytes([number])


def _field(number: int, value: bytes | int) -> bytes:
    if isinstance(value, int):
        return _varint(number << 3) + _varint(value)
    return _varint(number << 3 | 2) + _varint(len(value)) + value


def onnx_file() -> bytes:
    raw = _field(1, 2) + _field(1, 3) + _field(2, 3) + _field(8, b"matrix_quantized")
    raw += _field(9, np.arange(-3, 3, dtype=np.int8).tobytes())
    floats = _field(1, 2) + _field(2, 1) + _field(8, b"scale")
    floats += _field(4, np.array([0.5, 2], "<f4").tobytes())
    integers = _field(1, 2) + _field(2, 3) + _field(8, b"integers")
    integers += _field(5, _varint(5) + _varint(2**64 - 2))
    node = _field(1, b"x") + _field(1, b"matrix_quantized") + _field(2, b"y")
    node += _field(3, b"/layer.0/MatMul") + _field(4, b"MatMulInteger")
    graph = _field(1, node) + b"".join(_field(5, tensor) for tensor in (raw, floats, integers))
    return _field(1, 8) + _field(2, b"a producer") + _field(7, graph)


def test_an_onnx_file_gives_its_nodes_and_numbers() -> None:
    graph = read_onnx(onnx_file())
    (node,) = graph.nodes
    assert (node.operation, node.name) == ("MatMulInteger", "/layer.0/MatMul")
    assert node.inputs == ("x", "matrix_quantized")
    np.testing.assert_array_equal(
        graph.initializers["matrix_quantized"], np.arange(-3, 3).reshape(2, 3)
    )
    np.testing.assert_array_equal(graph.initializers["scale"], np.float32([0.5, 2]))
    np.testing.assert_array_equal(graph.initializers["integers"], np.int8([5, -2]))


def test_a_damaged_onnx_file_is_refused() -> None:
    data = onnx_file()
    for end in range(len(data) - 1):
        with pytest.raises(WeightsError):
            read_onnx(data[:end])
    with pytest.raises(WeightsError):
        read_onnx(b"\xff" * 40)
