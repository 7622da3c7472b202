"""A thread that does one job after the other and hands each result back to the main thread."""

import heapq
import itertools
import logging
import threading
from collections.abc import Callable
from typing import TypeVar

from keras_detector.errors import Cancelled, DetectorError

T = TypeVar("T")

Deliver = Callable[[Callable[[], None]], None]
"""Takes a call that the main thread shall make, from any thread."""

SOON, LATER = 0, 1
"""How urgent a job is: what a person waits for, and what fills the time between."""

_LOG = logging.getLogger(__name__)


class Task:
    """A submitted job, as both sides see it; once cancelled, nothing of it is delivered."""

    def __init__(self) -> None:
        self._cancelled = threading.Event()

    def cancel(self) -> None:
        """Ask the job to stop; one that has not begun never does."""
        self._cancelled.set()

    @property
    def is_cancelled(self) -> bool:
        """Whether somebody asked the job to stop."""
        return self._cancelled.is_set()


class Worker:
    """A thread with a queue of jobs.

    Args:
        name: of the thread, for the log.
        deliver: how a result reaches the main thread.
    """

    def __init__(self, name: str, deliver: Deliver) -> None:
        self._deliver = deliver
        self._jobs: list[tuple[int, int, Task, Callable[[], None]]] = []
        self._order = itertools.count()
        self._wake = threading.Condition()
        self._closed = False
        self._running: Task | None = None
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def submit(
        self,
        work: Callable[[Task], T],
        done: Callable[[T], None],
        failed: Callable[[DetectorError], None],
        *,
        urgency: int = SOON,
    ) -> Task:
        """Queue a job.

        Args:
            work: what the thread runs; it may look at its task to see whether to stop.
            done: what the main thread calls with the result.
            failed: what the main thread calls with the error in its place. What is none of our
                errors is logged with its traceback and arrives as one that says so.
            urgency: `SOON` jobs go before all `LATER` ones.
        """
        task = Task()

        def finish(call: Callable[[], None]) -> None:
            def unless_cancelled() -> None:
                if not task.is_cancelled:
                    call()

            self._deliver(unless_cancelled)

        def job() -> None:
            try:
                result = work(task)
            except Cancelled:
                return
            except DetectorError as error:
                finish(lambda error=error: failed(error))  # type: ignore[misc]
            # Whatever a library raises must not end the thread, or the app would wait for ever.
            except Exception as error:  # noqa: BLE001
                _LOG.exception("a job failed")
                finish(lambda error=error: failed(_unforeseen(error)))  # type: ignore[misc]
            else:
                finish(lambda: done(result))

        with self._wake:
            heapq.heappush(self._jobs, (urgency, next(self._order), task, job))
            self._wake.notify()
        return task

    def close(self, seconds: float = 1.0) -> bool:
        """Cancel everything and wait for the thread to end.

        Returns:
            whether it ended within `seconds`. One that did not is stuck in a library's call, and
            ends with the process.
        """
        with self._wake:
            self._closed = True
            for *_, task, _job in self._jobs:
                task.cancel()
            if self._running is not None:
                self._running.cancel()
            self._jobs.clear()
            self._wake.notify()
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def _run(self) -> None:
        while True:
            with self._wake:
                while not self._jobs and not self._closed:
                    self._wake.wait()
                if self._closed:
                    return
                *_, task, job = heapq.heappop(self._jobs)
                self._running = task
            if not task.is_cancelled:
                job()
            with self._wake:
                self._running = None
            # A finished picture's pixels must not stay until the next job comes.
            del job, task


def _unforeseen(error: Exception) -> DetectorError:
    return DetectorError(
        expected="this to work",
        received=f"{type(error).__name__}: {error}",
        advice="Please report it, with the log file.",
    )
