"""Which rows of a scan stay when it is tidied up."""

import contextlib
import os
from collections.abc import Callable, Iterable, Iterator

from keras_detector.errors import ErrorKind
from keras_detector.scan.line import ScanLine
from keras_detector.scan.scratch_table import open_scratch_table, scratch_errors

_SCHEMA = "CREATE TABLE last (path BLOB PRIMARY KEY, number INTEGER) WITHOUT ROWID"
_OF_FOLDERS = {ErrorKind.NO_PERMISSION, ErrorKind.NOT_READ, ErrorKind.NOT_A_FILE}


@contextlib.contextmanager
def last_rows(
    rows: Iterable[tuple[int, ScanLine]],
) -> Iterator[Callable[[int, ScanLine], bool]]:
    """Look through rows, to tell of each of them whether it stays.

    The last row of each file stays, unless it says of a folder that it could not be opened, and it
    can be by now.

    Args:
        rows: each with a number of its own; any number of them, as they are kept on the disk.

    Yields:
        tells of one of these rows, by its number and its line, whether it stays.

    Raises:
        SaveError: there is no room for temporary files.
    """
    with scratch_errors(), contextlib.closing(open_scratch_table(_SCHEMA)) as table:
        for number, line in rows:
            path = os.fsencode(line.path)
            table.execute("INSERT OR REPLACE INTO last VALUES (?, ?)", (path, number))

        def stays(number: int, line: ScanLine) -> bool:
            query = "SELECT number FROM last WHERE path = ?"
            (last,) = table.execute(query, (os.fsencode(line.path),)).fetchone()
            return bool(number == last) and not is_of_opened_folder(line)

        yield stays


def is_of_opened_folder(line: ScanLine) -> bool:
    """Whether a line says of a folder that it could not be opened, and it can be by now."""
    if line.error_kind not in _OF_FOLDERS:
        return False
    with contextlib.suppress(OSError, ValueError):
        os.scandir(line.path).close()
        return True
    return False
