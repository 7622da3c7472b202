"""Rows as Parquet, for those who go on in pandas, DuckDB or Spark."""

import importlib.util
import itertools
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from keras_detector.atomic_file import atomic_file
from keras_detector.errors import MissingPackageError
from keras_detector.object_store import Place
from keras_detector.rows import Row

_ROWS_A_GROUP = 20_000


def check_parquet() -> None:
    """Make sure that Parquet can be written, before any work is done for it.

    Raises:
        MissingPackageError: pyarrow is not installed.
    """
    if importlib.util.find_spec("pyarrow") is None:
        raise MissingPackageError(
            expected="the package pyarrow, which writes Parquet",
            received="an installation without it",
            advice="Install keras-detector[parquet], or write .jsonl or .csv.",
        )


def write_parquet(path: Path, rows: Iterable[Row]) -> None:
    r"""Write one line a row; `path` is replaced wholly or not at all.

    Parquet's texts are UTF-8: bytes of a path that are not become `\xNN`, all others are kept.

    Args:
        path: the file to write.
        rows: taken some thousands at a time, so that any number fits.

    Raises:
        MissingPackageError: pyarrow is not installed.
        SaveError: it cannot be written; what was there before is unharmed.
    """
    check_parquet()
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = pa.schema(row_fields())
    with atomic_file(path) as file, pq.ParquetWriter(file, schema) as writer:
        values = map(_values, rows)
        while group := list(itertools.islice(values, _ROWS_A_GROUP)):
            writer.write_table(pa.Table.from_pylist(group, schema))


def row_fields() -> dict[str, Any]:
    """The columns that a row is in Parquet, and pyarrow's type of each."""
    import pyarrow as pa

    text, number = pa.string(), pa.float64()
    return {
        "path": text,
        "verdict": text,
        "label": text,
        "score": number,
        "threshold": number,
        "model": text,
        "reasons": pa.list_(text),
        "error": text,
        "error_kind": text,
    }


def path_text(path: Place) -> str:
    r"""A path as Parquet can hold it: bytes that are not UTF-8 become `\xNN`."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def _values(row: Row) -> dict[str, Any]:
    return row.to_builtins() | {"path": path_text(row.path)}
