"""Twins of anything but LiteRT's own operations, and bytes that are no twin at all."""

import random

import pytest

from keras_detector.detector import shipped_models
from keras_detector.model_file import read_model_file
from keras_detector.twin_operations import foreign_operation
from tests.hostile.evil_twins import endless_loop, named_operation
from tests.hostile.evil_twins import foreign_operation as foreign


def twin_of(name: str) -> bytes:
    return read_model_file(shipped_models()[name], weights=False).twin


@pytest.mark.parametrize("name", sorted(shipped_models()))
def test_shipped_twins_are_fine(name: str) -> None:
    assert foreign_operation(twin_of(name)) is None


def test_others_are_not() -> None:
    twin = twin_of("cnn32")
    assert "LiteRT's own" in str(foreign_operation(foreign(twin)))
    assert "LiteRT's own" in str(foreign_operation(named_operation(twin)))
    assert "one graph" in str(foreign_operation(endless_loop(twin)))


@pytest.mark.parametrize("data", [b"", b"\0", bytes(100), b"\xff" * 100, b"\x08\0\0\0TFL3"])
def test_bytes_that_are_no_flatbuffer(data: bytes) -> None:
    assert foreign_operation(data) is not None


def test_any_bytes_are_answered() -> None:
    rng, twin = random.Random(5), bytearray(twin_of("cnn32"))
    for _ in range(2_000):
        changed = bytearray(twin[:20_000])
        for _ in range(rng.randint(1, 40)):
            changed[rng.randrange(len(changed) if rng.random() < 0.5 else 60)] = rng.randrange(256)
        found = foreign_operation(bytes(changed))
        assert found is None or isinstance(found, str)
