"""Writing a file so that a kill, a power cut or a full disk never costs what was there before."""

import contextlib
import hashlib
import os
import re
import stat
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from keras_detector.errors import SaveError
from keras_detector.printable import printable

_LONGEST = 50  # letters of a name that are kept in the temporary one, which may have 255 bytes
_umask_lock = threading.Lock()


@contextlib.contextmanager
def atomic_file(path: Path) -> Iterator[BinaryIO]:
    """Open a binary file that takes the place of `path` only when the block ends without error.

    The bytes go to a temporary file in the same directory, are flushed to the disk, and then
    renamed over `path`, which POSIX and Windows do in one step. Nobody may read the new file who
    might not have read the old one.

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
        descriptor, name = tempfile.mkstemp(prefix=_prefix(path), suffix=".part", dir=path.parent)
        temporary = Path(name)
        with os.fdopen(descriptor, "w+b") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(OSError):  # some file systems have no rights to give
            temporary.chmod(_rights(path, temporary))
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
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)


def write_atomically(path: Path, data: bytes) -> None:
    """Write `data` to `path`, wholly or not at all; see `atomic_file`."""
    with atomic_file(path) as file:
        file.write(data)


def remove_leftovers(path: Path) -> None:
    """Remove what a kill left of earlier tries to write `path`; nothing else may be writing it."""
    ours = re.compile(re.escape(_prefix(path)) + r"[a-z0-9_]{8}\.part")
    with contextlib.suppress(OSError):
        for file in list(path.parent.iterdir()):
            if ours.fullmatch(file.name):
                with contextlib.suppress(OSError):
                    file.unlink()


def _prefix(path: Path) -> str:
    """How temporary files of `path`, and of no other file, begin."""
    name = path.name
    if len(name) > _LONGEST:
        name = f"{name[: _LONGEST - 9]}-{hashlib.sha256(os.fsencode(name)).hexdigest()[:8]}"
    return f".{name}."


def _rights(path: Path, temporary: Path) -> int:
    """What the file gets that takes the place of `path`; mkstemp makes private ones."""
    try:
        before = path.stat()
    except FileNotFoundError:
        # A model or report is as readable as any other new file. To read the mask is to set it.
        with _umask_lock:
            mask = os.umask(0o077)
            os.umask(mask)
        return 0o666 & ~mask
    # Without its owner's right to write, Windows would neither rename nor remove it.
    rights = (stat.S_IMODE(before.st_mode) & 0o777) | stat.S_IWUSR
    if sys.platform != "win32" and before.st_gid != temporary.stat().st_gid:
        try:
            os.chown(temporary, -1, before.st_gid)
        except OSError:
            rights &= ~stat.S_IRWXG  # they would be another group's
    return rights


def _sync_directory(directory: Path) -> None:
    # Without this a power cut may undo the rename. Windows cannot open directories and needs none.
    with contextlib.suppress(OSError):
        descriptor = os.open(directory, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
