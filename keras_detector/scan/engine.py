"""Who judges the files of a scan, and how its rows are kept; here, the cores of this machine."""

import functools
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Protocol

from keras_detector.rows import Row
from keras_detector.scan.journal import ScanJournal
from keras_detector.scan.judge import ScanJudge
from keras_detector.scan.line import ScanLine
from keras_detector.scan.output import check_output, journal_path, write_outputs
from keras_detector.scan.plan import ScanPlan
from keras_detector.scan.process_pool import Lost, ProcessPool

Found = Callable[[ScanLine], bool]
"""Told each row that is there and counts; says whether its file had one before."""


class Pool(Protocol):
    """What judges; see `process_pool.ProcessPool`, which says more about each."""

    @property
    def greeting(self) -> str | None:
        """The `model_id` of the rows; None until it is known."""

    @property
    def wants(self) -> int:
        """How many more tasks would keep everybody busy for a moment."""

    @property
    def busy(self) -> bool:
        """Whether a task that was given has no answer yet."""

    def give(self, tasks: Iterable[Any]) -> None:
        """Take more tasks."""

    def answers(self) -> list[tuple[Any, bytes | Lost]]:
        """What was answered since the last call, after a moment's wait for something to come."""

    def close(self) -> None:
        """End everything."""


class Journal(Protocol):
    """What keeps rows; see `journal.ScanJournal`, which says more about each."""

    @property
    def broken(self) -> int:
        """How much was there that was not whole."""

    def begin(self) -> None:
        """Remove what is not to stay."""

    def append(self, lines: list[bytes]) -> None:
        """Write lines; called several times a second, also without any."""

    def sync(self) -> None:
        """Have everything written stand."""

    def note_replaced(self) -> None:
        """Note that a file which had a line was given another."""

    def compact(self) -> None:
        """Leave only the last line of each file."""

    def rows(self) -> Iterator[Row]:
        """Every row."""


class Engine(Protocol):
    """One way to scan."""

    def check(self, plan: ScanPlan) -> None:
        """Make sure that everything can be written, and nothing of the user's is, before the work.

        Raises:
            DetectorError: it cannot, or what it takes is not installed.
        """

    def open_pool(self, plan: ScanPlan) -> AbstractContextManager[Pool]:
        """Start what judges."""

    def open_journal(self, plan: ScanPlan, found: Found) -> AbstractContextManager[Journal]:
        """Open the rows, and read what is there."""

    def write_outputs(self, journal: Journal, plan: ScanPlan) -> None:
        """Write what is asked for besides the journal."""


class LocalEngine:
    """A process for each core, and one file of lines."""

    def check(self, plan: ScanPlan) -> None:
        """As `output.check_output`."""
        check_output(Path(plan.out), plan.report, overwrite=plan.overwrite)

    def open_pool(self, plan: ScanPlan) -> ProcessPool:
        """Start the processes."""
        make_judge = functools.partial(ScanJudge, plan.model, plan.strictness)
        return ProcessPool(make_judge, plan.workers or count_cores(), plan.limits)

    def open_journal(self, plan: ScanPlan, found: Found) -> ScanJournal:
        """As `ScanJournal`."""
        return ScanJournal(journal_path(Path(plan.out)), found, overwrite=plan.overwrite)

    def write_outputs(self, journal: Journal, plan: ScanPlan) -> None:
        """As `output.write_outputs`."""
        write_outputs(journal.rows, Path(plan.out), plan.report, plan.limits)


def count_cores() -> int:
    """Cores that this process may use."""
    if sys.platform == "linux":
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
