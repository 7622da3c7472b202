"""Writing a file so that a kill, a power cut or a full disk never costs what was there before."""

import contextlib
import os
import re
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from keras_detector.errors import SaveError
from keras_detector.printable import printable

_PREFIX = 50  # letters of its name; with more, the temporary one might be too long


@contextlib.contextmanager
def atomic_file(path: Path) -> Iterator[BinaryIO]:
    """Open a binary file that takes the place of `path` only when the block ends without error.

    The bytes go to a temporary file in the same directory, are flushed to the disk, and then
    renamed over `path`, which POSIX and Windows do in one step. Who may read `path` stays as it is.

    Args:
        path: the file to write; its directory is made if it is missing.

    Yields:
        a writable, seekable binary file.

    Raises:
        SaveError: the disk is full, the directory cannot be written, or the like. `path` still
            holds what it held.
    """
    temporary: Path | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(
            prefix=f".{path.name[:_PREFIX]}.", suffix=".part", dir=path.parent
        )
        temporary = Path(name)
        with os.fdopen(descriptor, "w+b") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(_mode(path))
        temporary.replace(path)
        _sync_directory(path.parent)
    except OSError as error:
        raise SaveError(
            expected=f"to write {printable(path)}",
            received=error.strerror or str(error),
            advice="Free some space or choose another place; what was there before is unharmed.",
        ) from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


def write_atomically(path: Path, data: bytes) -> None:
    """Write `data` to `path`, wholly or not at all; see `atomic_file`."""
    with atomic_file(path) as file:
        file.write(data)


def remove_leftovers(path: Path) -> None:
    """Remove what a kill left of earlier tries to write `path`; nothing else may be writing it."""
    ours = re.compile(rf"\.{re.escape(path.name[:_PREFIX])}\.[a-z0-9_]{{8}}\.part")
    with contextlib.suppress(OSError):
        for file in path.parent.iterdir():
            if ours.fullmatch(file.name):
                file.unlink()


def _mode(path: Path) -> int:
    try:
        return stat.S_IMODE(path.stat().st_mode)
    except FileNotFoundError:
        # mkstemp makes private files; a model or report is as readable as any other new file.
        current = os.umask(0o077)
        os.umask(current)
        return 0o666 & ~current


def _sync_directory(directory: Path) -> None:
    # Without this a power cut may undo the rename. Windows cannot open directories and needs none.
    with contextlib.suppress(OSError):
        descriptor = os.open(directory, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
