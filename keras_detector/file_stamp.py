"""By what a file is known to be the one that was judged before."""

import hashlib
import os
import stat
from typing import NamedTuple

SMALL = 64 * 2**20
"""Bytes up to which a file is read whole."""


class FileStamp(NamedTuple):
    """What changes when a file is written.

    Attributes:
        size: in bytes.
        mtime_ns: when it was last written, in nanoseconds since 1970.
    """

    size: int
    mtime_ns: int


class Content(NamedTuple):
    """A file's bytes, and its stamp from after they were read."""

    data: bytes
    stamp: FileStamp


def stamp_of(path: str) -> FileStamp | None:
    """A file's stamp, or None if it is not there or cannot be looked at."""
    try:
        return _stamp(os.stat(path))
    except (OSError, ValueError):
        return None


def read_small(path: str) -> Content | None:
    """A whole file; None if it is no regular file, larger than `SMALL`, or cannot be read."""
    try:
        with open(path, "rb", buffering=0, opener=_without_waiting) as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode) or status.st_size > SMALL:
                return None
            return Content(file.readall(), _stamp(os.fstat(file.fileno())))
    except (OSError, ValueError, MemoryError):
        return None


def sha256_of(path: str) -> str | None:
    """SHA-256 of a file's content in hexadecimal, or None if it is no file that can be read."""
    try:
        with open(path, "rb", opener=_without_waiting) as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                return None
            return hashlib.file_digest(file, "sha256").hexdigest()
    except (OSError, ValueError):
        return None


def _stamp(status: os.stat_result) -> FileStamp:
    return FileStamp(status.st_size, status.st_mtime_ns)


def _without_waiting(path: str, flags: int) -> int:
    # A pipe in the file's place would wait for a writer.
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))
