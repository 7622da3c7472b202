"""A folder of Parquet files, here or in an object store, that one scan after the other adds to."""

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path
from secrets import token_hex
from typing import Any, BinaryIO

from keras_detector.atomic_file import write_atomically
from keras_detector.errors import RunError, SaveError
from keras_detector.file_lock import lock_file
from keras_detector.object_store import Place, open_store
from keras_detector.printable import printable

_PART = re.compile(r"part-(\d{6,})-[0-9a-f]{8}\.parquet")
_LEFT_BEHIND = re.compile(r"\.part-.*\.part")  # of a part that was being written
_NOT_ROWS = (".", "_")  # what readers of Parquet pass over


class PartFolder:
    """The folder; its parts are named so that later ones come later.

    Args:
        place: the folder, which need not be there.

    Raises:
        DataError: the URL is none that pyarrow knows.
        RunError: there is something else in its place or in it.
        SaveError: it cannot be looked at.
    """

    def __init__(self, place: Place) -> None:
        from pyarrow import fs

        self.place = place
        if isinstance(place, Path):
            self._system, self._root = fs.LocalFileSystem(), str(place.absolute())
        else:
            with self._saving("to look at"):
                self._system, self._root = open_store(place)
        self._is_local = isinstance(self._system, fs.LocalFileSystem)
        self._token = token_hex(4)
        self._left_behind: list[str] = []
        self._lock: BinaryIO | None = None
        self.parts = sorted(self._list(fs), key=_number)

    def lock(self) -> None:
        """Keep other scans of this machine from writing here; a store has no locks.

        Raises:
            RunError: another one does.
            SaveError: the folder cannot be made.
        """
        if not self._is_local:
            return
        root = Path(self._root)
        with self._saving("to write"):
            root.mkdir(parents=True, exist_ok=True)
            # Beside the folder: whoever reads that takes everything in it for rows.
            self._lock = root.with_name(f".{root.name}.lock").open("ab")
        if not lock_file(self._lock):
            self.close()
            raise self._refused("a folder that nothing else writes", "another scan writes it")

    def close(self) -> None:
        """Let others write."""
        if self._lock is not None:
            self._lock.close()

    def read(self, part: str) -> bytes:
        """The content of a part.

        Raises:
            SaveError: it cannot be read.
        """
        with self._saving("to read"), self._system.open_input_stream(f"{self._root}/{part}") as it:
            content: bytes = it.read()
            return content

    def add(self, data: bytes) -> None:
        """Write one more part.

        Raises:
            SaveError: it cannot be written; there is no part of it then.
        """
        number = _number(self.parts[-1]) + 1 if self.parts else 0
        part = f"part-{number:06}-{self._token}.parquet"
        self.write(part, data)
        self.parts.append(part)

    def write(self, part: str, data: bytes) -> None:
        """Write a part wholly or not at all, also in the place of one that is there.

        Raises:
            SaveError: it cannot be written; what was there before is unharmed.
        """
        name = f"{self._root}/{part}"
        if self._is_local:
            write_atomically(Path(name), data)
            return
        # A store shows a file when it has all of it.
        with self._saving("to write"), self._system.open_output_stream(name) as file:
            file.write(data)

    def remove(self, part: str) -> None:
        """Remove a part.

        Raises:
            SaveError: it cannot be removed.
        """
        with self._saving("to remove a part of"):
            self._system.delete_file(f"{self._root}/{part}")
        self.parts.remove(part)

    def tidy(self) -> None:
        """Remove what a scan that was killed left of a part that it was writing."""
        for name in self._left_behind:
            with self._saving("to tidy"), contextlib.suppress(FileNotFoundError):
                self._system.delete_file(f"{self._root}/{name}")

    def _list(self, fs: Any) -> Iterator[str]:
        with self._saving("to look at"):
            info = self._system.get_file_info(self._root)
            if info.type is fs.FileType.File:
                raise self._refused("a folder for the rows", "a file")
            selector = fs.FileSelector(self._root, allow_not_found=True)
            entries = self._system.get_file_info(selector)
        for entry in entries:
            name = entry.base_name
            if _PART.fullmatch(name):
                yield name
            elif _LEFT_BEHIND.fullmatch(name):
                self._left_behind.append(name)
            elif not name.startswith(_NOT_ROWS):
                raise self._refused("nothing but rows of a scan", printable(name))

    @contextlib.contextmanager
    def _saving(self, what: str) -> Iterator[None]:
        try:
            yield
        # What pyarrow makes of a store's answer is either.
        except (OSError, ValueError) as error:
            raise SaveError(
                expected=f"{what} {printable(self.place)}",
                received=str(error),
                advice="What was written before is unharmed: see to the place or to the"
                " permissions, and run the same command again, without --overwrite. It goes on from"
                " there.",
            ) from error

    def _refused(self, expected: str, received: str) -> RunError:
        return RunError(
            expected=f"{expected} in {printable(self.place)}",
            received=received,
            advice="Name another folder with --out.",
        )


def _number(part: str) -> int:
    match = _PART.fullmatch(part)
    assert match is not None, part  # noqa: S101  # no other names are kept
    return int(match[1])
