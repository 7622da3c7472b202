"""One line of what a scan writes: a row, and by what its file is known again."""

import json
import os
from collections.abc import Mapping
from typing import Any, Self

import msgspec

from keras_detector.file_stamp import FileStamp
from keras_detector.rows import Row


class ScanLine(msgspec.Struct, frozen=True):
    """What the next scan must know of a line; the rest of it is the row.

    Attributes:
        path: the file.
        size: in bytes; None if the file could not be looked at.
        mtime_ns: when it was last written, in nanoseconds since 1970; None as `size`.
        sha256: of its content in hexadecimal; None for a file that has no verdict.
        model_id: which model judged it, at which strictness.
        error_kind: why there is no verdict, if there is none.
    """

    path: str
    size: int | None
    mtime_ns: int | None
    sha256: str | None
    model_id: str
    error_kind: str | None

    @classmethod
    def decode(cls, line: bytes) -> Self:
        """Read a line that is there to its end.

        Raises:
            ValueError: it is not, or it is no line of a scan.
        """
        if not line.endswith(b"\n"):
            raise ValueError("torn")
        try:
            try:
                return msgspec.json.decode(line, type=cls)
            except msgspec.DecodeError:
                # It refuses the halves of characters by which Python spells names not in UTF-8.
                decoded = msgspec.convert(json.loads(line), cls)
                os.fsencode(decoded.path)  # refuses all others
                return decoded
        except (msgspec.ValidationError, RecursionError) as error:
            raise ValueError(str(error)) from error

    @property
    def stamp(self) -> FileStamp | None:
        """The file's stamp when it was judged."""
        if self.size is None or self.mtime_ns is None:
            return None
        return FileStamp(self.size, self.mtime_ns)


def encode_line(row: Row, stamp: FileStamp | None, sha256: str | None, model_id: str) -> bytes:
    """The line of a row, with its line break.

    Args:
        row: the verdict, or why there is none.
        stamp: the file's, from before it was judged.
        sha256: of its content, if it is known.
        model_id: which model judged it, at which strictness.
    """
    values: dict[str, Any] = row.to_builtins()
    values["size"], values["mtime_ns"] = stamp or (None, None)
    values |= {"sha256": sha256, "model_id": model_id}
    return json.dumps(values).encode("ascii") + b"\n"


def decode_row(line: bytes) -> Row:
    """The row of a line that `ScanLine.decode` accepts.

    Raises:
        ValueError: it holds no row.
    """
    values = json.loads(line)
    if not isinstance(values, Mapping):
        raise ValueError("no object")  # noqa: TRY004  # as every other line that is none
    return Row.from_builtins(values)
