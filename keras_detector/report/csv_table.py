"""Rows as CSV that a spreadsheet shows and never runs.

Names of files are attackers' text. A cell that a spreadsheet would take for a formula gets an
apostrophe in front (OWASP, "CSV Injection"), every text is quoted, and what does not show becomes
an escape (`printable`). Who needs the names byte for byte reads the JSON lines.
"""

import csv
import io
from collections.abc import Iterable
from pathlib import Path

from keras_detector.atomic_file import atomic_file
from keras_detector.printable import printable
from keras_detector.rows import COLUMNS, Row

_FORMULA_BEGINS = tuple("=+-@＝＋－＠")  # noqa: RUF001  # full-width ones count as well


def write_csv(path: Path, rows: Iterable[Row]) -> None:
    """Write a header and one line a row; `path` is replaced wholly or not at all.

    Args:
        path: the file to write, UTF-8.
        rows: taken one by one, so that any number fits.

    Raises:
        SaveError: it cannot be written; what was there before is unharmed.
    """
    with atomic_file(path) as file:
        text = io.TextIOWrapper(file, encoding="utf-8", newline="", write_through=True)
        writer = csv.writer(text, quoting=csv.QUOTE_NONNUMERIC)
        writer.writerow(COLUMNS)
        for row in rows:
            cells = row.to_builtins()
            cells["reasons"] = "; ".join(cells["reasons"])
            writer.writerow([_cell(value) for value in cells.values()])
        text.detach()


def _cell(value: str | float | None) -> str | float:
    if value is None:
        return ""
    if not isinstance(value, str):
        return value
    shown = printable(value)
    return f"'{shown}" if shown.lstrip(" '\"").startswith(_FORMULA_BEGINS) else shown
