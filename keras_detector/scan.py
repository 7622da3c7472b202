"""Judging any number of files on all cores, so that nothing is lost and nothing done twice."""

import contextlib
import functools
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from keras_detector.errors import ErrorKind, ImageError, RunError
from keras_detector.printable import printable
from keras_detector.process_pool import Limits, Loss, Lost, ProcessPool
from keras_detector.rows import Row
from keras_detector.scan_journal import ScanJournal
from keras_detector.scan_judge import ScanJudge, ScanTask
from keras_detector.scan_line import ScanLine, encode_line
from keras_detector.scan_output import check_output, journal_path, write_outputs
from keras_detector.scan_sources import ScanSources
from keras_detector.scan_worklist import ScanWorklist
from keras_detector.strictness import Strictness

_STOP_SECONDS = 1.0  # a list through a pipe may never say that it has ended


@dataclass(frozen=True)
class ScanPlan:
    """What to scan, with what, and where to write it.

    Attributes:
        sources: where the files are.
        model: the model file.
        out: the rows: `.jsonl`, `.csv` or `.parquet`. A scan that finds rows of an earlier one
            there goes on with them.
        report: the page to write at the end, if one is wanted.
        workers: how many processes judge.
        limits: what one picture may take.
        strictness: how readily a picture is called fake.
        verify: know unchanged files by their content, not by size and time.
        retry_errors: judge files again that could not be read before.
        overwrite: begin anew, and replace files that are in the way.
    """

    sources: ScanSources
    model: Path
    out: Path
    report: Path | None
    workers: int
    limits: Limits
    strictness: Strictness = Strictness.BALANCED
    verify: bool = False
    retry_errors: bool = False
    overwrite: bool = False


@dataclass
class ScanCounts:
    """How far a scan is.

    Attributes:
        found: files found so far.
        all_found: whether these are all.
        unchanged: of them, those that were judged by an earlier scan and are as they were.
        unchanged_errors: of these, those that could not be read.
        judged: files this scan has written a row of.
        errors: of these, those that could not be read, by kind.
        broken_rows: rows of an earlier scan that were not whole, and do not count.
        stopped: whether it was asked to stop before the end.
    """

    found: int = 0
    all_found: bool = False
    unchanged: int = 0
    unchanged_errors: int = 0
    judged: int = 0
    errors: Counter[ErrorKind] = field(default_factory=Counter)
    broken_rows: int = 0
    stopped: bool = False

    @property
    def done(self) -> int:
        """Files that have a row, whichever scan wrote it."""
        return self.unchanged + self.judged

    @property
    def all_errors(self) -> int:
        """Files without a verdict, whichever scan found that."""
        return self.unchanged_errors + self.errors.total()


def run_scan(
    plan: ScanPlan,
    tell: Callable[[ScanCounts], None] = lambda _: None,
    stopping: Callable[[], bool] = lambda: False,
) -> ScanCounts:
    """Scan, and write rows while it goes and the other files at its end.

    Args:
        plan: what to do.
        tell: told how far it is, several times a second.
        stopping: asked as often; from when it says yes, what was begun is finished and written, and
            nothing else is begun.

    Returns:
        how far it came.

    Raises:
        DetectorError: the model, a source or an output is not as it must be, or the disk is full.
            What was written before stands, and the same scan goes on from there.
    """
    plan.sources.check()
    check_output(plan.out, plan.report, overwrite=plan.overwrite)
    counts, model_ids = ScanCounts(), set[str]()
    make_judge = functools.partial(ScanJudge, plan.model, plan.strictness)
    with contextlib.ExitStack() as opened:
        # While the processes start, the journal is read.
        pool = opened.enter_context(ProcessPool(make_judge, plan.workers, plan.limits))
        worklist = ScanWorklist(verify=plan.verify, retry_errors=plan.retry_errors)
        opened.callback(worklist.close)

        def note(line: ScanLine) -> None:
            worklist.add_judged(line)
            model_ids.add(line.model_id)

        journal = opened.enter_context(
            ScanJournal(journal_path(plan.out), note, overwrite=plan.overwrite)
        )
        counts.broken_rows = journal.broken
        model_id = _wait_for_greeting(pool)
        if model_ids - {model_id}:
            raise RunError(
                expected=f"rows of the same model and strictness in {printable(plan.out)}",
                received="rows of another",
                advice="Name another file with --out, or replace this one with --overwrite.",
            )
        journal.begin()
        finder = _Finder(plan.sources, worklist)
        finder.start()
        try:
            _Judging(pool, worklist, finder, journal, counts, plan.limits).run(tell, stopping)
            pool.close()
        finally:
            finder.stop()
            journal.sync()
        if finder.error is not None:
            raise finder.error
        journal.compact()
        write_outputs(journal, plan.out, plan.report, plan.limits)
    return counts


class _Finder(threading.Thread):
    """Fills the worklist, so that a slow folder or list keeps nobody from judging."""

    def __init__(self, sources: ScanSources, worklist: ScanWorklist) -> None:
        super().__init__(daemon=True)
        self._sources, self._worklist = sources, worklist
        self._stopped = False
        self.finished = False
        self.error: Exception | None = None

    def run(self) -> None:
        try:
            for path in self._sources.files():
                if self._stopped:
                    return
                self._worklist.offer(path)
            self.finished = True
        except Exception as error:  # noqa: BLE001  # raised where the scan runs
            self.error = error

    def stop(self) -> None:
        """Find no more."""
        self._stopped = True
        self.join(_STOP_SECONDS)


@dataclass
class _Judging:
    """Tasks to the processes, lines to the journal."""

    pool: ProcessPool
    worklist: ScanWorklist
    finder: _Finder
    journal: ScanJournal
    counts: ScanCounts
    limits: Limits
    same_content: int = 0

    def run(self, tell: Callable[[ScanCounts], None], stopping: Callable[[], bool]) -> None:
        """Judge until everything found is judged, or until it is to stop."""
        while True:
            stop = stopping()
            # Looked at first: what is found after that is not taken below.
            all_found = self.finder.finished or self.finder.error is not None
            tasks = [] if stop else self.worklist.take(self.pool.wants)
            self.pool.give(tasks)
            if not self.pool.busy and (stop or (all_found and not tasks)):
                break
            self._write(self.pool.answers())
            self._count(all_found)
            tell(self.counts)
        self._count(all_found)
        self.counts.stopped = not (all_found and self.counts.done == self.counts.found)
        tell(self.counts)

    def _write(self, answers: list[tuple[ScanTask, bytes | Lost]]) -> None:
        lines = []
        for task, answer in answers:
            line = self._line_of_lost(task, answer) if isinstance(answer, Lost) else answer
            if not line:
                self.same_content += 1
                continue
            lines.append(line)
            kind = ScanLine.decode(line).error_kind
            if kind is not None:
                self.counts.errors[ErrorKind(kind)] += 1
            if task.replaces:
                self.journal.note_replaced()
        if lines:
            self.journal.append(lines)
        self.counts.judged += len(lines)

    def _count(self, all_found: bool) -> None:
        counts, worklist = self.counts, self.worklist
        counts.found, counts.all_found = worklist.found, all_found
        counts.unchanged = worklist.unchanged + self.same_content
        counts.unchanged_errors = worklist.unchanged_errors

    def _line_of_lost(self, task: ScanTask, lost: Lost) -> bytes:
        if lost.loss is Loss.TOO_SLOW:
            kind, received = ErrorKind.TOO_SLOW, f"none within {self.limits.seconds:g} seconds"
        else:
            kind, received = ErrorKind.CRASHED, f"the end of the process judging it ({lost.detail})"
        error = ImageError(
            expected="a verdict",
            received=received,
            advice="Look at the file with care; --retry-errors judges it again.",
            kind=kind,
        )
        assert self.pool.greeting is not None  # noqa: S101  # known before the first task
        return encode_line(Row(Path(task.path), error), task.stamp, None, self.pool.greeting)


def _wait_for_greeting(pool: ProcessPool) -> str:
    while pool.greeting is None:
        pool.answers()
    return pool.greeting
