"""How many threads a network runs on."""

import pytest

from keras_detector import runtime
from keras_detector.runtime import LARGE, threads_for


class Sized(bytes):
    """Says it is long without being so."""

    length = 0

    def __len__(self) -> int:
        return self.length


def twin_of(length: int) -> bytes:
    twin = Sized()
    twin.length = length
    return twin


@pytest.mark.parametrize(
    ("cores", "length", "threads"),
    [
        (8, LARGE, 4),
        (8, LARGE - 1, 1),
        (8, 0, 1),
        (2, LARGE, 2),
        (1, LARGE, 1),
        (None, LARGE, 1),
    ],
)
def test_only_large_networks_use_several_threads(cores, length, threads, monkeypatch) -> None:
    monkeypatch.setattr(runtime.os, "cpu_count", lambda: cores)
    assert threads_for(twin_of(length)) == threads
