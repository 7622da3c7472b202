"""By what a file is known to be the one that was judged before."""

import hashlib
import os
from typing import NamedTuple


class FileStamp(NamedTuple):
    """What changes when a file is written.

    Attributes:
        size: in bytes.
        mtime_ns: when it was last written, in nanoseconds since 1970.
    """

    size: int
    mtime_ns: int


def stamp_of(path: str) -> FileStamp | None:
    """A file's stamp, or None if it is not there or cannot be looked at."""
    try:
        status = os.stat(path)
    except (OSError, ValueError):
        return None
    return FileStamp(status.st_size, status.st_mtime_ns)


def sha256_of(path: str) -> str | None:
    """SHA-256 of a file's content in hexadecimal, or None if it is no file that can be read."""
    try:
        with open(path, "rb", opener=_without_waiting) as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except (OSError, ValueError):
        return None


def _without_waiting(path: str, flags: int) -> int:
    # A pipe in the file's place would wait for a writer.
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))
