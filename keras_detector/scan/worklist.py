"""What a scan has to do: every file once, except those judged before and unchanged since."""

import contextlib
import os
import threading
from collections.abc import Iterator

from keras_detector.file_stamp import FileStamp
from keras_detector.scan.judge import ScanTask
from keras_detector.scan.line import ScanLine
from keras_detector.scan.scratch_table import open_scratch_table, scratch_errors

_TABLE = """
CREATE TABLE files (
    id INTEGER PRIMARY KEY,
    path BLOB NOT NULL UNIQUE,
    size INTEGER, mtime_ns INTEGER, -- when it was found or, before that, when it was judged
    sha256 TEXT, -- of the content that was judged
    failed INTEGER NOT NULL, -- whether it was judged and could not be read
    state INTEGER NOT NULL
)
"""
_JUDGED, _NEW, _AGAIN, _UNCHANGED = range(4)


class ScanWorklist:
    """Files to judge; may be filled in one thread while another takes from it.

    Args:
        verify: hold a judged file's content against what was judged, not its size and time.
        retry_errors: judge files again that could not be read before.

    Attributes:
        found: files found so far, each counted once.
        unchanged: how many of them were judged before and need not be again.
        unchanged_errors: how many of these could not be read when they were judged.
    """

    def __init__(self, *, verify: bool = False, retry_errors: bool = False) -> None:
        self.found = self.unchanged = self.unchanged_errors = 0
        self._verify, self._retry_errors = verify, retry_errors
        self._lock = threading.Lock()
        self._last_id = self._last_taken = 0
        self._table = open_scratch_table(_TABLE)

    def close(self) -> None:
        """Give the room back."""
        self._table.close()

    def add_judged(self, line: ScanLine) -> bool:
        """Note a file that was judged before; of several lines for one the last counts.

        Returns:
            whether there was one for it already.

        Raises:
            SaveError: there is no room for temporary files.
        """
        failed, key = line.error_kind is not None, os.fsencode(line.path)
        with self._used():
            known = self._table.execute("SELECT 1 FROM files WHERE path = ?", (key,)).fetchone()
            self._put(key, line.stamp, line.sha256, _JUDGED, failed=failed)
            self._last_taken = self._last_id
        return known is not None

    def offer(self, path: str, stamp: FileStamp | None) -> None:
        """Note a file that was found.

        Args:
            path: of the file, or its URL.
            stamp: what it is like; None if it cannot be looked at.

        Raises:
            SaveError: there is no room for temporary files.
        """
        key = os.fsencode(path)
        with self._used():
            known = self._table.execute(
                "SELECT size, mtime_ns, sha256, failed, state FROM files WHERE path = ?", (key,)
            ).fetchone()
            if known is None:
                self.found += 1
                self._put(key, stamp, None, _NEW)
                return
            size, mtime_ns, sha256, failed, state = known
            if state != _JUDGED:
                return
            self.found += 1
            compared = self._verify and sha256 is not None
            same = not compared and (size, mtime_ns) == (stamp or (None, None))
            if same and not (failed and self._retry_errors):
                self.unchanged += 1
                self.unchanged_errors += failed
                self._table.execute("UPDATE files SET state = ? WHERE path = ?", (_UNCHANGED, key))
            else:
                self._put(key, stamp, sha256 if compared else None, _AGAIN)

    def take(self, number: int) -> list[ScanTask]:
        """Up to so many files to judge, in the order they were found; each is given once."""
        with self._used():
            rows = self._table.execute(
                "SELECT id, path, size, mtime_ns, sha256, state FROM files"
                " WHERE id > ? AND state IN (?, ?) ORDER BY id LIMIT ?",
                (self._last_taken, _NEW, _AGAIN, number),
            ).fetchall()
        if rows:
            self._last_taken = rows[-1][0]
        return [
            ScanTask(
                os.fsdecode(path),
                None if size is None else FileStamp(size, mtime_ns),
                known_sha256=sha256,
                replaces=state == _AGAIN,
            )
            for _, path, size, mtime_ns, sha256, state in rows
        ]

    def _put(
        self,
        key: bytes,
        stamp: FileStamp | None,
        sha256: str | None,
        state: int,
        *,
        failed: bool = False,
    ) -> None:
        # Always with a higher number, so that what is found goes behind what was taken.
        self._last_id += 1
        size, mtime_ns = stamp or (None, None)
        self._table.execute(
            "INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?, ?, ?, ?)",
            (self._last_id, key, size, mtime_ns, sha256, failed, state),
        )

    @contextlib.contextmanager
    def _used(self) -> Iterator[None]:
        with self._lock, scratch_errors():
            yield
