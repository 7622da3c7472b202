"""The lines of a scan on the disk: what is in the file is done, what is not is still to do.

Lines are only appended, and only whole ones count: a kill or a power cut costs the lines that were
being written, and the next scan judges those files again. A file that was judged again, because it
had changed, has its new line further down until `compact`, which leaves the last line of each file.
"""

import contextlib
import os
import stat
import sys
import time
from collections.abc import Callable, Iterator
from io import FileIO
from pathlib import Path
from typing import Self

from keras_detector.atomic_file import atomic_file, remove_leftovers
from keras_detector.errors import RunError, SaveError
from keras_detector.file_lock import lock_file
from keras_detector.printable import printable
from keras_detector.rows import Row
from keras_detector.scan.last_rows import is_of_opened_folder, last_rows
from keras_detector.scan.line import ScanLine, decode_row

_BEGINNING = b'{"path": "'
_LONGEST_LINE = 2**20
_SYNC_SECONDS = 0.5


class ScanJournal:
    """An open journal; a context manager. Only one process has it open at a time.

    Args:
        path: of the file, which is made if it is missing.
        found: told each line that is there and counts; says whether its file had one before.
        overwrite: begin anew, whatever the file holds.

    Attributes:
        broken: how many lines were there that are not whole.

    Raises:
        RunError: it holds something else, or another scan is writing it.
        SaveError: it cannot be opened for writing.
    """

    def __init__(
        self, path: Path, found: Callable[[ScanLine], bool], *, overwrite: bool = False
    ) -> None:
        self.path = Path(os.path.realpath(path))
        self.broken = 0
        self._untidy = False
        self._end = 0
        self._synced = 0.0
        with self._saving("to open"):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self._open()
        try:
            self._check_and_lock()
            if not overwrite:
                self._read(found)
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def begin(self) -> None:
        """Cut off what is not to stay: half a line at the end, or with `overwrite` everything.

        Raises:
            SaveError: the disk refuses.
        """
        remove_leftovers(self.path)
        with self._saving("to write"):
            self._file.truncate(self._end)

    def append(self, lines: list[bytes]) -> None:
        """Write whole lines; what is written stands from now on, also after a kill.

        A power cut costs at most what was written within the last half second.

        Raises:
            SaveError: the disk is full or the like; the file holds what it held.
        """
        data = memoryview(b"".join(lines))
        with self._saving(f"to write {len(lines):,} rows to"):
            try:
                self._file.seek(self._end)
                rest = data
                while rest:
                    rest = rest[self._file.write(rest) :]
                if time.monotonic() - self._synced > _SYNC_SECONDS:
                    self._sync()
            except OSError:
                with contextlib.suppress(OSError):
                    self._file.truncate(self._end)
                raise
        self._end += len(data)

    def sync(self) -> None:
        """Have everything written reach the disk.

        Raises:
            SaveError: the disk refuses.
        """
        with self._saving("to write"):
            self._sync()

    def note_replaced(self) -> None:
        """Note that a file which had a line was given another."""
        self._untidy = True

    def compact(self) -> None:
        """Leave only the last line of each file, and none of folders that can be opened by now.

        Raises:
            RunError: another scan began to write it in this very moment; the lines are there.
            SaveError: the disk is full or the like; the file holds what it held, every line valid.
        """
        if not self._untidy:
            return
        numbered = ((place, line) for place, _, line in self._lines())
        with last_rows(numbered) as stays, atomic_file(self.path) as file:
            for place, data, line in self._lines():
                if stays(place, line):
                    file.write(data)
            end = file.tell()
            if sys.platform == "win32":
                self._file.close()  # a file that is open cannot be replaced there
        # What is open and locked is the old file; the lock is of no use on one without a name.
        with self._saving("to open"):
            opened = self._open()
        self._file.close()
        self._file, self._end = opened, end
        self._check_and_lock()
        self._untidy = False

    def rows(self) -> Iterator[Row]:
        """Every row, in the order they were judged.

        Raises:
            RunError: somebody wrote a line that is none.
        """
        for _, data, _ in self._lines():
            try:
                yield decode_row(data)
            except ValueError as error:
                raise self._refused("rows of a scan", "a line that is none") from error

    def _open(self) -> FileIO:
        return open(self.path, "r+b", buffering=0, opener=_open_or_make)

    def _check_and_lock(self) -> None:
        if not stat.S_ISREG(os.fstat(self._file.fileno()).st_mode):
            raise self._refused("a regular file", "a pipe, a device or the like")
        if not lock_file(self._file):
            raise self._refused("a file that nothing else writes", "another scan writes it")

    def _lines(self) -> Iterator[tuple[int, bytes, ScanLine]]:
        """Where each whole line begins, its bytes, and what it says."""
        place = 0
        with self.path.open("rb") as file:
            while data := file.readline(_LONGEST_LINE):
                with contextlib.suppress(ValueError):
                    yield place, data, ScanLine.decode(data)
                place += len(data)

    def _read(self, found: Callable[[ScanLine], bool]) -> None:
        advice = "Name another file, or replace this one with --overwrite."
        with self.path.open("rb") as file:
            head = file.read(len(_BEGINNING))
        if not _BEGINNING.startswith(head) and not head.startswith(b"\0"):
            raise self._refused("rows of a scan", "something else", advice)
        place = 0
        with self.path.open("rb") as file:
            while data := file.readline(_LONGEST_LINE):
                place += len(data)
                try:
                    line = ScanLine.decode(data)
                except ValueError as error:
                    # A torn line ends nowhere, or in what a power cut left of the disk's blocks.
                    if self._end == 0 and data.endswith(b"\n") and b"\0" not in data:
                        raise self._refused("rows of a scan", "something else", advice) from error
                    self.broken += 1
                    continue
                opened = is_of_opened_folder(line)
                self._untidy |= place - len(data) > self._end or opened
                self._end = place
                if not opened:
                    # A scan that was killed may have left two lines of a file that had changed.
                    self._untidy |= found(line)

    def _sync(self) -> None:
        os.fsync(self._file.fileno())
        self._synced = time.monotonic()

    @contextlib.contextmanager
    def _saving(self, what: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise SaveError(
                expected=f"{what} {printable(self.path)}",
                received=error.strerror or str(error),
                advice="What was written before is unharmed: make room, or see to the permissions,"
                " and run the same command again, without --overwrite. It goes on from there.",
            ) from error

    def _refused(
        self, expected: str, received: str, advice: str = "Name another file with --out."
    ) -> RunError:
        return RunError(
            expected=f"{expected} in {printable(self.path)}", received=received, advice=advice
        )


def _open_or_make(path: str, flags: int) -> int:
    # Not waiting where there is a pipe; it is refused after a look at what was opened.
    return os.open(path, flags | os.O_CREAT | getattr(os, "O_NONBLOCK", 0), 0o666)
