"""The files a scan writes besides its journal: CSV, Parquet and the page."""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from keras_detector.atomic_file import remove_leftovers
from keras_detector.errors import RunError, UsageError
from keras_detector.object_store import Place
from keras_detector.printable import printable
from keras_detector.report.csv_table import write_csv
from keras_detector.report.html_page import is_report, write_html
from keras_detector.report.parquet_table import check_parquet, write_parquet
from keras_detector.report.thumbnails import draw_thumbnails
from keras_detector.rows import Row
from keras_detector.scan.process_pool import Limits, Lost, ProcessPool

WRITERS = {".jsonl": None, ".csv": write_csv, ".parquet": write_parquet}
"""Suffix of `--out` to what makes it of the rows; JSON lines are the journal itself."""


def journal_path(out: Path) -> Path:
    """Where the lines of a scan lie: in `out` itself, or beside a file of another format."""
    return out if out.suffix.lower() == ".jsonl" else out.with_name(f"{out.name}.jsonl")


def check_output(out: Path, report: Path | None, *, overwrite: bool) -> None:
    """Make sure that everything can be written, and nothing of the user's is, before the work.

    Raises:
        RunError: it would take the place of somebody's file.
        UsageError: it would be a format we do not write, or both the same file.
        MissingPackageError: Parquet is asked for, and pyarrow is not installed.
    """
    if out.suffix.lower() not in WRITERS:
        raise UsageError(
            expected=f"--out to end in {', '.join(WRITERS)}",
            received=printable(out),
            advice="The ending says which format to write.",
        )
    if out.suffix.lower() == ".parquet":
        check_parquet()
    journal = journal_path(out)
    files = [path for path in (out, journal, report) if path is not None]
    if report is not None and os.path.realpath(report) in map(os.path.realpath, (out, journal)):
        raise UsageError(
            expected="a file of its own for --report",
            received=f"{printable(report)}: the file of the rows",
            advice="Name another file with --report.",
        )
    for path in files:
        refuse_folder(path)
    if overwrite:
        return
    if journal != out and out.exists() and not journal.exists():
        raise _in_the_way(out, "no file yet, or one that a scan wrote", "some other file")
    check_report(report)


def refuse_folder(path: Path) -> None:
    """Make sure that what is to be written is no folder.

    Raises:
        RunError: it is.
    """
    if path.is_dir():
        raise _in_the_way(path, "a file to write", "a folder")


def check_report(report: Path | None) -> None:
    """Make sure that the page takes the place of no file of the user's.

    Raises:
        RunError: it would.
    """
    if report is not None and report.exists() and not is_report(report):
        raise _in_the_way(report, "no file yet, or a page of ours", "some other file")


def write_outputs(
    rows: Callable[[], Iterable[Row]], out: Path, report: Path | None, limits: Limits
) -> None:
    """Write what is asked for besides the journal, each wholly or not at all.

    Args:
        rows: begins to read them, from the first on.
        out: the file of the rows.
        report: the page, if one is wanted.
        limits: what drawing one picture may take.

    Raises:
        SaveError: the disk is full or the like; the journal stands.
    """
    write = WRITERS[out.suffix.lower()]
    if write is not None:
        remove_leftovers(out)
        write(out, rows())
    if report is not None:
        write_report(report, rows(), limits)


def write_report(report: Path, rows: Iterable[Row], limits: Limits) -> None:
    """Write the page; its pictures are drawn in a process of their own.

    Raises:
        SaveError: the disk is full or the like.
    """
    remove_leftovers(report)
    write_html(report, rows, lambda paths: _draw_apart(paths, limits))


class ThumbnailHandler:
    """What a process does that draws thumbnails: a picture may have become one that kills."""

    greeting = ""

    def __call__(self, path: Place) -> bytes:
        """The thumbnail, or nothing."""
        (small,) = draw_thumbnails([path])
        return small or b""


def _draw_apart(paths: Sequence[Place], limits: Limits) -> Iterator[bytes | None]:
    drawn: dict[Place, bytes | Lost] = {}
    with ProcessPool(ThumbnailHandler, 1, limits) as pool:
        pool.give(paths)
        while pool.busy:
            drawn.update(pool.answers())
    for path in paths:
        small = drawn[path]
        yield small if isinstance(small, bytes) and small else None


def _in_the_way(path: Path, expected: str, received: str) -> RunError:
    return RunError(
        expected=expected,
        received=f"{printable(path)}: {received}",
        advice="Name another file, or replace this one with --overwrite.",
    )
