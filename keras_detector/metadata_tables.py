"""Labels from `metadata.csv` tables, as ArtiFact has one in every folder.

ArtiFact: Rahman et al. 2023, "ArtiFact: A Large-Scale Dataset with Artificial and Factual Images",
arXiv:2302.11970. Columns: filename, image_path, target (0 is real, any other number a generator)
and category.
"""

import csv
from collections.abc import Sequence
from pathlib import Path

from keras_detector.errors import DataError
from keras_detector.labels import Label
from keras_detector.printable import printable

TABLE_NAME = "metadata.csv"
COLUMNS = frozenset({"filename", "image_path", "target", "category"})


def read_metadata_tables(
    root: Path, tables: Sequence[Path], files: Sequence[Path]
) -> dict[Path, tuple[Label, Path]]:
    """Labels of the files that the tables list.

    A table can only label files that were found below `root`: a path in it that leads elsewhere
    labels nothing.

    Args:
        root: the data directory.
        tables: `metadata.csv` files, relative to `root`; one without the columns is passed over.
        files: what may be a picture, relative to `root`.

    Returns:
        for each labelled file its label and the table's folder, both paths relative to `root`.

    Raises:
        DataError: a table cannot be read, a target is not a whole number, or a file is listed as
            both real and fake.
    """
    candidates = set(files)
    labelled: dict[Path, tuple[Label, Path]] = {}
    for table in tables:
        for row in _rows(root / table):
            label = _label(row["target"], table)
            # Tables name files from their own folder; some copies of the set from the one above.
            for start in (table.parent, table.parent.parent):
                path = start / row["image_path"]
                if path not in candidates:
                    continue
                if labelled.setdefault(path, (label, table.parent))[0] is not label:
                    raise DataError(
                        expected=f"one label for {printable(path)}",
                        received="a real one and a fake one",
                        advice="Correct the metadata.csv tables that list it.",
                    )
                break
    return labelled


def _rows(table: Path) -> list[dict[str, str]]:
    try:
        with table.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
            reader = csv.DictReader(file, restval="")
            if not COLUMNS.issubset(reader.fieldnames or ()):
                return []
            return list(reader)
    except (OSError, csv.Error) as error:
        raise DataError(
            expected=f"a readable table {printable(table)}",
            received=str(error),
            advice="Repair or remove the table, or sort the pictures into real/ and fake/.",
        ) from error


def _label(target: str, table: Path) -> Label:
    try:
        return Label.REAL if int(target) == 0 else Label.FAKE
    except ValueError as error:
        raise DataError(
            expected=f"a whole number in column target of {printable(table)}",
            received=repr(target),
            advice="Write 0 for a real picture and 1 for a fake one.",
        ) from error
