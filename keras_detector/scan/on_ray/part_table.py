"""Lines of a scan as the content of one Parquet file, and back."""

import io
import json
import os
from collections.abc import Iterator, Sequence
from typing import Any

from keras_detector.report.parquet_table import path_text, row_fields
from keras_detector.rows import COLUMNS, Row
from keras_detector.scan.line import ScanLine

_KNOWN_BY = ("size", "mtime_ns", "sha256", "model_id", "error_kind")


class PartTable:
    """The rows of one file.

    Besides the columns of a row there are those by which a file is known again, and `path_bytes`:
    the path itself where it is not UTF-8, and `path` only shows it.

    Args:
        data: the content of a Parquet file.

    Attributes:
        is_ours: whether it has the columns that a scan writes.

    Raises:
        ValueError: it is no whole Parquet file.
    """

    def __init__(self, data: bytes) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        try:
            self._table = pq.read_table(io.BytesIO(data), page_checksum_verification=True)
        # Damage is found as an ArrowInvalid, or as an OSError by whatever unpacks a page.
        except (OSError, pa.ArrowException, MemoryError) as error:
            raise ValueError(str(error)) from error
        self.is_ours: bool = self._table.schema.equals(_schema())

    def lines(self) -> Iterator[ScanLine]:
        """What the next scan must know of each row."""
        columns = self._table.select(["path", "path_bytes", *_KNOWN_BY])
        for batch in columns.to_batches():
            for values in batch.to_pylist():
                yield ScanLine(_path(values), **{name: values[name] for name in _KNOWN_BY})

    def rows(self) -> Iterator[Row]:
        """Every row.

        Raises:
            ValueError: somebody wrote one that is none.
        """
        for batch in self._table.select(["path_bytes", *COLUMNS]).to_batches():
            for values in batch.to_pylist():
                yield Row.from_builtins(values | {"path": _path(values)})

    def only(self, keep: Sequence[bool]) -> bytes:
        """The content of a file of some of the rows; there is a word on each in `keep`."""
        return _encode(self._table.filter(list(keep)))


def encode_part(lines: Sequence[bytes]) -> bytes:
    """The content of a Parquet file with a row for each line."""
    import pyarrow as pa

    return _encode(pa.Table.from_pylist([_values(line) for line in lines], _schema()))


def _values(line: bytes) -> dict[str, Any]:
    values: dict[str, Any] = json.loads(line)
    path = values["path"]
    try:
        path.encode("utf-8")
    except UnicodeEncodeError:
        values |= {"path": path_text(path), "path_bytes": os.fsencode(path)}
    return values


def _path(values: dict[str, Any]) -> str:
    return values["path"] if values["path_bytes"] is None else os.fsdecode(values["path_bytes"])


def _schema() -> Any:
    import pyarrow as pa

    text, number = pa.string(), pa.int64()
    known_by = {"size": number, "mtime_ns": number, "sha256": text, "model_id": text}
    return pa.schema(row_fields() | known_by | {"path_bytes": pa.binary()})


def _encode(table: Any) -> bytes:
    import pyarrow.parquet as pq

    file = io.BytesIO()
    pq.write_table(table, file, compression="zstd", write_page_checksum=True)
    return file.getvalue()
