"""A table on the disk that nobody else sees and that never stays behind."""

import contextlib
import sqlite3
from collections.abc import Iterator

from keras_detector.errors import SaveError


def open_scratch_table(schema: str) -> sqlite3.Connection:
    """A temporary database with one table.

    SQLite holds it in a few megabytes of memory and, from there on, in a file without a name. It
    may be used from several threads, one at a time.

    Args:
        schema: what makes the table.
    """
    table = sqlite3.connect("", check_same_thread=False, isolation_level=None)
    # Nothing in it outlives the process: there is nothing to roll back, or to wait for.
    for pragma in ("journal_mode = OFF", "synchronous = OFF", "cache_size = -8000"):
        table.execute(f"PRAGMA {pragma}")
    table.execute(schema)
    table.execute("BEGIN")
    return table


@contextlib.contextmanager
def scratch_errors() -> Iterator[None]:
    """Says what to do where the table cannot be used.

    Raises:
        SaveError: there is no room for temporary files.
    """
    try:
        yield
    except sqlite3.OperationalError as error:
        raise SaveError(
            expected="to keep a list of files in the folder for temporary files",
            received=str(error),
            advice="Free some space there, or name another folder in SQLITE_TMPDIR.",
        ) from error
