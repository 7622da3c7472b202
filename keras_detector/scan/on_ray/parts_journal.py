"""The rows of a scan as Parquet files: what is in a whole one is done, the rest is still to do.

Parts are only added. One that is not whole does not count, and its files are judged again. A file
that was judged again, because it had changed, has its new row in a later part until `compact`,
which leaves the last row of each file.
"""

import itertools
import time
from collections.abc import Callable, Iterator
from typing import Self

from keras_detector.errors import RunError
from keras_detector.object_store import Place
from keras_detector.printable import printable
from keras_detector.rows import Row
from keras_detector.scan.last_rows import is_of_opened_folder, last_rows
from keras_detector.scan.line import ScanLine
from keras_detector.scan.on_ray.part_folder import PartFolder
from keras_detector.scan.on_ray.part_table import PartTable, encode_part

_ROWS = 50_000
_SECONDS = 10.0  # of work that a kill may cost; a part for every second would make too many


class PartsJournal:
    """An open folder of rows; a context manager.

    Args:
        out: the folder.
        found: told each row that is there and counts; says whether its file had one before.
        overwrite: begin anew, whatever parts there are.

    Attributes:
        broken: how many parts were there that are not whole.

    Raises:
        DetectorError: as `PartFolder`; or a part is of something else, or another scan adds to it.
    """

    def __init__(
        self, out: Place, found: Callable[[ScanLine], bool], *, overwrite: bool = False
    ) -> None:
        self._out = out
        self._folder = PartFolder(out)
        self._folder.lock()
        self._dropped = list(self._folder.parts) if overwrite else []
        self._waiting: list[bytes] = []
        self._since = 0.0
        self._untidy = False
        self.broken = 0
        try:
            if not overwrite:
                self._read(found)
        except BaseException:
            self._folder.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._folder.close()

    def begin(self) -> None:
        """Remove what is not to stay: parts that are not whole, or with `overwrite` all.

        Raises:
            SaveError: it cannot be removed.
        """
        self._folder.tidy()
        for part in self._dropped:
            self._folder.remove(part)
        self._dropped = []

    def append(self, lines: list[bytes]) -> None:
        """Take rows, and write a part when there are enough of them or they have waited.

        Raises:
            SaveError: it cannot be written; the parts that are there stand.
        """
        if not self._waiting:
            self._since = time.monotonic()
        self._waiting += lines
        if len(self._waiting) >= _ROWS or time.monotonic() - self._since >= _SECONDS:
            self.sync()

    def sync(self) -> None:
        """Write a part of what was taken since the last one.

        Raises:
            SaveError: it cannot be written; the parts that are there stand.
        """
        waiting, self._waiting = self._waiting, []
        if waiting:
            self._folder.add(encode_part(waiting))

    def note_replaced(self) -> None:
        """Note that a file which had a row was given another."""
        self._untidy = True

    def compact(self) -> None:
        """Leave only the last row of each file, and none of folders that can be opened by now.

        Raises:
            SaveError: it cannot be written; every row that counts is still there.
        """
        if not self._untidy:
            return
        lines = (line for part in self._folder.parts for line in self._table(part).lines())
        with last_rows(enumerate(lines)) as stays:
            numbers = itertools.count()
            for part in list(self._folder.parts):
                content = self._table(part)
                numbered = zip(content.lines(), numbers, strict=False)
                keep = [stays(number, line) for line, number in numbered]
                if not any(keep):
                    self._folder.remove(part)
                elif not all(keep):
                    self._folder.write(part, content.only(keep))
        self._untidy = False

    def rows(self) -> Iterator[Row]:
        """Every row, in the order of the parts.

        Raises:
            RunError: somebody wrote one that is none.
        """
        for part in self._folder.parts:
            try:
                yield from self._table(part).rows()
            except ValueError as error:
                raise self._refused(part) from error

    def _read(self, found: Callable[[ScanLine], bool]) -> None:
        for part in self._folder.parts:
            try:
                content = PartTable(self._folder.read(part))
            except ValueError:
                self.broken += 1
                self._dropped.append(part)
                continue
            if not content.is_ours:
                raise self._refused(part)
            for line in content.lines():
                if is_of_opened_folder(line):
                    self._untidy = True
                else:
                    # A scan that was killed may have left two rows of a file that had changed.
                    self._untidy |= found(line)

    def _table(self, part: str) -> PartTable:
        try:
            return PartTable(self._folder.read(part))
        except ValueError as error:
            raise self._refused(part) from error

    def _refused(self, part: str) -> RunError:
        return RunError(
            expected=f"rows of a scan in {printable(self._out)}",
            received=f"something else in {part}",
            advice="Name another folder, or replace its parts with --overwrite.",
        )
