"""Keeping two runs from writing the same file."""

import errno
import sys
from typing import BinaryIO

_TAKEN = {errno.EACCES, errno.EAGAIN, errno.EDEADLK}
_FAR = 2**62  # Windows locks bytes against reading too; nobody reads these


def lock_file(file: BinaryIO) -> bool:
    """Lock an open file until it is closed, also by the end of the process, however it comes.

    Returns:
        False if another process holds the lock. A file system without locks counts as not locked.
    """
    try:
        if sys.platform == "win32":
            import msvcrt

            place = file.tell()
            file.seek(_FAR)
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
            file.seek(place)
        else:
            import fcntl

            fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        return error.errno not in _TAKEN
    return True
