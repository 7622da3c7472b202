"""Judging any number of files on all cores, so that nothing is lost and nothing done twice."""

import contextlib
import threading
from collections.abc import Callable
from dataclasses import dataclass

from keras_detector.errors import ErrorKind, ImageError, RunError
from keras_detector.object_store import to_place
from keras_detector.printable import printable
from keras_detector.rows import Row
from keras_detector.scan.engine import Engine, Journal, LocalEngine, Pool
from keras_detector.scan.judge import ScanTask
from keras_detector.scan.line import ScanLine, encode_line
from keras_detector.scan.plan import ScanCounts, ScanPlan
from keras_detector.scan.process_pool import Limits, Loss, Lost
from keras_detector.scan.sources import ScanSources
from keras_detector.scan.worklist import ScanWorklist

_STOP_SECONDS = 1.0  # a list through a pipe may never say that it has ended


def run_scan(
    plan: ScanPlan,
    tell: Callable[[ScanCounts], None] = lambda _: None,
    stopping: Callable[[], bool] = lambda: False,
    engine: Engine | None = None,
) -> ScanCounts:
    """Scan, and write rows while it goes and the other files at its end.

    Args:
        plan: what to do.
        tell: told how far it is, several times a second.
        stopping: asked as often; from when it says yes, what was begun is finished and written, and
            nothing else is begun. Before anything was, what is there stays as it is.
        engine: who judges, and how rows are kept; None for the cores of this machine.

    Returns:
        how far it came.

    Raises:
        DetectorError: the model, a source or an output is not as it must be, or the disk is full.
            What was written before stands, and the same scan goes on from there.
    """
    engine = engine or LocalEngine()
    engine.check(plan)
    plan.sources.check()
    counts, model_ids = ScanCounts(), set[str]()
    with contextlib.ExitStack() as opened:
        # While the processes start, the journal is read.
        pool = opened.enter_context(engine.open_pool(plan))
        worklist = ScanWorklist(verify=plan.verify, retry_errors=plan.retry_errors)
        opened.callback(worklist.close)

        def note(line: ScanLine) -> bool:
            model_ids.add(line.model_id)
            return worklist.add_judged(line)

        journal = opened.enter_context(engine.open_journal(plan, note))
        counts.broken = journal.broken
        model_id = _wait_for_greeting(pool, stopping)
        if model_id is None or stopping():
            counts.stopped = True
            return counts
        if model_ids - {model_id}:
            raise RunError(
                expected=f"rows of the same model and strictness in {printable(plan.out)}",
                received="rows of another",
                advice="Name another file with --out, or replace this one with --overwrite.",
            )
        counts.begun = True
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
        engine.write_outputs(journal, plan)
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
            for path, stamp in self._sources.files():
                if self._stopped:
                    return
                self._worklist.offer(path, stamp)
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

    pool: Pool
    worklist: ScanWorklist
    finder: _Finder
    journal: Journal
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
        # Also of none: what waits to be written may have waited long enough.
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
        return encode_line(Row(to_place(task.path), error), task.stamp, None, self.pool.greeting)


def _wait_for_greeting(pool: Pool, stopping: Callable[[], bool]) -> str | None:
    while pool.greeting is None and not stopping():
        pool.answers()
    return pool.greeting
