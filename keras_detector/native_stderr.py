"""Keeping what native libraries print away from what a person reads."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def without_native_stderr() -> Iterator[None]:
    """Discard what is written to file descriptor 2 within the block.

    For libraries in C++ that announce themselves and offer no switch. Errors reach us as exceptions
    all the same. What other threads write there meanwhile is lost as well: keep the block short.
    """
    try:
        kept = os.dup(2)
    except OSError:  # a windowed program on Windows has no stderr
        yield
        return
    with Path(os.devnull).open("wb") as nowhere:
        os.dup2(nowhere.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(kept, 2)
            os.close(kept)
