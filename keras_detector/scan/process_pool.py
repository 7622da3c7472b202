"""Tasks in processes of their own: one that kills, fills or hangs its process costs only itself.

`concurrent.futures` gives its whole pool up when a process dies. pebble does not, but hands out
tasks one by one, which takes longer than a tiny picture does (docs/adr/0016). Here each process has
a few tasks before it, counts in shared memory what it has begun, and answers in order. So it is
known what a dead one was at, what it had answered, and what another must do in its place.
"""

import contextlib
import enum
import multiprocessing
import multiprocessing.resource_tracker
import os
import signal
import sys
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from ctypes import c_ulonglong
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from typing import Any, Self, cast

from keras_detector.errors import RunError
from keras_detector.scan.worker_process import Handler, Task, run_worker

_AHEAD_SECONDS, _MOST_AHEAD = 0.5, 256  # what lies before a process, in time and in number
_LOOK_SECONDS = 0.1
_START_SECONDS, _FAILED_STARTS = 300.0, 3
_KEPT_BLOCKS = "4"  # of 16 MB: a picture of 16 megapixels
_MOST_PROCESSES = 60 if sys.platform == "win32" else sys.maxsize  # Windows waits for 63 at most
_END_SECONDS = 5.0  # one that waits for a dead network drive cannot be ended at all


class Loss(enum.Enum):
    """Why a task has no answer."""

    DIED = "the process that did it died"
    TOO_SLOW = "it took longer than the limit"


@dataclass(frozen=True, slots=True)
class Lost:
    """Stands where the answer of a task would, which cost its process.

    Attributes:
        loss: in which way.
        detail: how the process ended.
    """

    loss: Loss
    detail: str


Answer = tuple[Task, bytes | Lost]


@dataclass(frozen=True, slots=True)
class Limits:
    """What one task may take.

    Attributes:
        seconds: of time; a process that takes longer is ended.
        memory: bytes that a process may have, where the system can hold it to that.
    """

    seconds: float = 60.0
    memory: int = 4 * 2**30


@dataclass(eq=False)
class _Process:
    """One of them, and what lies before it.

    `last_started` is what was last seen of `started`, and `waited` the seconds since it moved.
    """

    process: Any
    connection: Connection
    started: c_ulonglong
    ready: bool = False
    tasks: deque[Task] = field(default_factory=deque)
    answered: int = 0
    heard: float = 0.0
    last_started: int = 0
    waited: float = 0.0


class ProcessPool:
    """A number of processes that are replaced when they die.

    Args:
        make_handler: makes a handler in each process; it must pickle.
        workers: how many processes.
        limits: what one task may take.

    Attributes:
        greeting: what the handlers say of themselves; None until the first process is ready.

    Example:
        >>> with ProcessPool(make_handler, 2, Limits()) as pool:
        ...     pool.give(["a", "b"])
        ...     while pool.busy:
        ...         for task, answer in pool.answers():
        ...             print(task, answer)
    """

    def __init__(self, make_handler: Callable[[], Handler], workers: int, limits: Limits) -> None:
        self._make_handler = make_handler
        self._limits = limits
        self._context = multiprocessing.get_context("spawn")
        self._waiting: deque[Task] = deque()
        self._seconds = _AHEAD_SECONDS  # what a task takes, estimated
        self._failed_starts = 0
        self._looked = time.monotonic()
        self._spared: list[Task] = []  # what an alarm ended once, see `_replace`
        self.greeting: str | None = None
        self._processes: list[_Process] = []
        try:
            for _ in range(min(workers, _MOST_PROCESSES)):
                self._processes.append(self._start())
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the processes, whatever they are at."""
        for each in self._processes:
            _end(each)
        self._processes = []

    @property
    def wants(self) -> int:
        """How many more tasks would keep every process busy for a moment."""
        room = sum(max(self._ahead - len(each.tasks), 0) for each in self._processes)
        return max(room - len(self._waiting), 0)

    @property
    def busy(self) -> bool:
        """Whether a task that was given has no answer yet."""
        return bool(self._waiting) or any(each.tasks for each in self._processes)

    def give(self, tasks: Iterable[Task]) -> None:
        """Take more tasks; how many do good, `wants` says."""
        self._waiting.extend(tasks)
        self._hand_out()

    def answers(self) -> list[Answer]:
        """What was answered since the last call, after a moment's wait for something to come.

        Raises:
            DetectorError: a handler raised it, no process can be started, or one that was greets
            otherwise than the first.
        """
        connections = {each.connection: each for each in self._processes}
        heard: list[Answer] = []
        for connection in wait(list(connections), _LOOK_SECONDS):
            heard += self._hear(connections[cast("Connection", connection)])
        for each in self._hanging():
            heard += self._replace(each, Loss.TOO_SLOW)
        self._hand_out()
        return heard

    @property
    def _ahead(self) -> int:
        return max(2, min(round(_AHEAD_SECONDS / self._seconds), _MOST_AHEAD))

    def _start(self) -> _Process:
        limits = self._limits
        try:
            ours, theirs = self._context.Pipe()
            started = self._context.RawValue(c_ulonglong, 0)
            process = self._context.Process(
                target=run_worker,
                args=(theirs, started, self._make_handler, limits.memory, limits.seconds),
                daemon=True,
            )
            with _as_children_need_it():
                process.start()
        except OSError as error:
            raise _cannot_start(error.strerror or str(error)) from error
        theirs.close()
        return _Process(process, ours, started)

    def _hand_out(self) -> None:
        for each in self._processes:
            if not each.ready or len(each.tasks) > self._ahead // 2:
                continue
            number = min(self._ahead - len(each.tasks), len(self._waiting))
            if not number:
                continue
            tasks = [self._waiting.popleft() for _ in range(number)]
            if not each.tasks:
                each.heard = time.monotonic()
            each.tasks.extend(tasks)
            # One that has died is noticed when it is next heard, and its tasks are done elsewhere.
            with contextlib.suppress(OSError):
                each.connection.send(tasks)

    def _hear(self, each: _Process) -> Iterator[Answer]:
        try:
            while each.connection.poll():
                kind, content = each.connection.recv()
                if kind == "answers":
                    yield from self._take(each, content)
                elif kind == "ready":
                    each.ready, self._failed_starts = True, 0
                    if self.greeting not in (None, content):
                        raise _changed()
                    self.greeting = content
                else:
                    raise content
        except (EOFError, OSError):
            yield from self._replace(each, Loss.DIED)

    def _take(self, each: _Process, answers: list[bytes]) -> Iterator[Answer]:
        now = time.monotonic()
        self._seconds += 0.3 * ((now - each.heard) / len(answers) - self._seconds)
        each.heard = now
        each.answered += len(answers)
        for answer in answers:
            yield each.tasks.popleft(), answer

    def _hanging(self) -> list[_Process]:
        now = time.monotonic()
        # A machine that slept, or a run that was stopped with Ctrl+Z, made no task slow.
        step, self._looked = min(now - self._looked, 1.0), now
        hanging = []
        for each in self._processes:
            started = each.started.value
            if started != each.last_started or (each.ready and not each.tasks):
                each.last_started, each.waited = started, 0.0
            else:
                each.waited += step
            if each.waited > (self._limits.seconds if each.ready else _START_SECONDS):
                hanging.append(each)
        return hanging

    def _replace(self, each: _Process, loss: Loss) -> Iterator[Answer]:
        """Start another in place of one that died or hangs, and blame what it was at."""
        detail = _end(each)
        if not each.ready:
            self._failed_starts += 1
            if self._failed_starts == _FAILED_STARTS:
                raise _cannot_start(f"{self._failed_starts} that ended as they started ({detail})")
        self._processes[self._processes.index(each)] = self._start()
        begun = each.started.value - each.answered
        if begun and not self._is_spared(each, each.tasks[begun - 1]):
            culprit = each.tasks[begun - 1]
            del each.tasks[begun - 1]
            yield culprit, Lost(loss, detail)
        # Those before it were done, but what they gave died with the process.
        self._waiting.extendleft(reversed(each.tasks))

    def _is_spared(self, each: _Process, task: Task) -> bool:
        """Whether a task is done again, as it was not at fault for the end of its process.

        A process has an alarm, for when nobody is there to see that it hangs. It goes off as well
        when both were stopped (Ctrl+Z) for a long time.
        """
        if sys.platform == "win32" or each.process.exitcode != -signal.SIGALRM:
            return False
        if task in self._spared:
            return False
        self._spared.append(task)
        return True


def _changed() -> RunError:
    return RunError(
        expected="the model file as it was when the work began",
        received="another",
        advice="What was written before stands. To go on from there put the old file back; to judge"
        " with the new one write into another file.",
    )


def _cannot_start(received: str) -> RunError:
    return RunError(
        expected="a process that is ready to work",
        received=received,
        advice="Free some memory and disk space, allow more of it, or use fewer workers; what was "
        "written before is unharmed.",
    )


def _end(each: _Process) -> str:
    each.process.kill()
    each.process.join(_END_SECONDS)
    each.connection.close()
    code = each.process.exitcode
    if code is None:
        return "it cannot be ended"
    if code >= 0:
        return f"exit code {code}"
    with contextlib.suppress(ValueError):
        return f"killed by {signal.Signals(-code).name}"
    return f"killed by signal {-code}"


@contextlib.contextmanager
def _as_children_need_it() -> Iterator[None]:
    """Where the system can, neither Ctrl+C nor SIGTERM reaches a process that is starting.

    Its libraries use one thread each.

    Pillow keeps the memory of a picture for the next one: getting fresh memory from the kernel each
    time made a scan of 12-megapixel photographs take 7 % longer.
    """
    variables = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    variables["PILLOW_BLOCKS_MAX"] = _KEPT_BLOCKS
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    if sys.platform != "win32":
        # It is started with the first process, and opens what is closed here.
        multiprocessing.resource_tracker.ensure_running()
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    try:
        yield
    finally:
        if sys.platform != "win32":
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
