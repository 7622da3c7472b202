"""The inside of one process of a `process_pool.ProcessPool`."""

import contextlib
import os
import queue
import signal
import sys
import threading
import time
from collections.abc import Callable
from ctypes import c_ulonglong
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Protocol

from keras_detector.errors import DetectorError

Task = Any
"""Whatever a handler takes; it must pickle."""

FLUSH_SECONDS = 0.02
"""Answers wait this long for company: a message for each would cost more than a tiny picture."""


class Handler(Protocol):
    """What a process does, made once in each.

    Attributes:
        greeting: what the process has to say of itself before its first task.
    """

    greeting: str

    def __call__(self, task: Task, /) -> bytes:
        """Do one task; an exception other than a `DetectorError` is a bug."""


def run_worker(
    connection: Connection,
    started: c_ulonglong,
    make_handler: Callable[[], Handler],
    memory: int,
    seconds: float,
) -> None:
    """Answer lists of tasks until the other side hangs up.

    Messages to the parent: `("ready", greeting)`, `("answers", [bytes, ...])` in the order of the
    tasks, and `("failed", DetectorError)`, after which the process ends.

    Args:
        connection: to the parent.
        started: memory shared with the parent; how many tasks were begun. By this it knows what a
            process that died was at.
        make_handler: makes the handler.
        memory: bytes of memory the process may take, where the system can hold it to that.
        seconds: a task takes less, or the parent ends the process.
    """
    # Ctrl+C, and the end of a service or a job, are for the parent, which lets the processes finish
    # what they have begun, and ends them with what nobody can ignore.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    _silence()
    _limit_memory(memory)
    tasks: queue.SimpleQueue[list[Task]] = queue.SimpleQueue()
    threading.Thread(target=_receive, args=(connection, tasks), daemon=True).start()
    with contextlib.suppress(OSError):  # the parent is gone: nobody is there to tell
        try:
            handler = make_handler()
            connection.send(("ready", handler.greeting))
            while True:
                _answer(connection, started, handler, tasks.get(), seconds)
        except DetectorError as error:
            connection.send(("failed", error))


def _receive(connection: Connection, tasks: "queue.SimpleQueue[list[Task]]") -> None:
    # In a thread, so that neither side ever waits for the other to read while the other waits too.
    try:
        while True:
            tasks.put(connection.recv())
    except (EOFError, OSError):
        os._exit(0)


def _answer(
    connection: Connection,
    started: c_ulonglong,
    handler: Handler,
    tasks: list[Task],
    seconds: float,
) -> None:
    answers: list[bytes] = []
    sent = time.monotonic()
    for task in tasks:
        started.value += 1
        _set_alarm(2 * seconds)
        answers.append(handler(task))
        now = time.monotonic()
        if now - sent >= FLUSH_SECONDS:
            connection.send(("answers", answers))
            answers, sent = [], now
    _set_alarm(0.0)
    if answers:
        connection.send(("answers", answers))


def _set_alarm(seconds: float) -> None:
    # The parent ends what takes too long. Should it be gone by then, the system does.
    if sys.platform != "win32":
        signal.setitimer(signal.ITIMER_REAL, seconds)


def _silence() -> None:
    """What native libraries print is neither data nor a message for people."""
    with Path(os.devnull).open("r+b") as nowhere:
        for descriptor in (0, 1, 2):
            os.dup2(nowhere.fileno(), descriptor)


def _limit_memory(memory: int) -> None:
    # Of all processes, a worker is the one that the system should end where memory runs out.
    with contextlib.suppress(OSError), Path("/proc/self/oom_score_adj").open("w") as file:
        file.write("1000")
    if sys.platform != "win32":
        import resource

        # Not the address space: networks and libraries are mapped there without taking memory.
        with contextlib.suppress(ValueError, OSError):
            hard = resource.getrlimit(resource.RLIMIT_DATA)[1]
            limit = memory if hard == resource.RLIM_INFINITY else min(memory, hard)
            resource.setrlimit(resource.RLIMIT_DATA, (limit, hard))
