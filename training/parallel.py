"""Work on many items in worker processes: in their order, in chunks, in bounded memory."""

import multiprocessing
import os
import signal
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from threading import Thread
from typing import TypeVar

import cv2

from keras_detector.errors import RunError

Item = TypeVar("Item")
Result = TypeVar("Result")

FEW = 400
"""Starting worker processes takes longer than reading this many small pictures."""

MAX_WORKERS = 32


def in_order(
    task: Callable[[Sequence[Item]], Result],
    items: Sequence[Item],
    *,
    step: int,
    few: int = FEW,
    max_workers: int = MAX_WORKERS,
) -> Iterator[tuple[int, int, Result]]:
    """Give items to `task`, some at a time.

    Args:
        task: can be pickled; gets up to `step` items that follow each other.
        items: can be pickled.
        step: items a call.
        few: up to so many items are worked on in this process.
        max_workers: worker processes at the most; there is one a core.

    Yields:
        the first position of a chunk in `items`, the one after its last, and the task's result.

    Raises:
        RunError: a worker process was killed, most likely for lack of memory.
    """
    spans = [(start, min(start + step, len(items))) for start in range(0, len(items), step)]
    if len(items) <= few:
        for start, stop in spans:
            yield start, stop, task(items[start:stop])
        return
    workers = min(os.cpu_count() or 1, max_workers)
    # "spawn": a forked copy of a process that has TensorFlow's threads may hang.
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(workers, mp_context=context, initializer=_become_worker)
    waiting: deque[tuple[int, int, Future[Result]]] = deque()
    done = 0
    try:
        for start, stop in spans:
            waiting.append((start, stop, pool.submit(task, items[start:stop])))
            # Few chunks are under way at any time: this is what bounds the memory.
            if len(waiting) > 3 * workers:
                done = waiting[0][1]
                yield _finished(waiting)
        while waiting:
            done = waiting[0][1]
            yield _finished(waiting)
    except BrokenProcessPool as error:
        raise RunError(
            expected="worker processes that live until every picture is read",
            received=f"one died near picture {done:,} of {len(items):,}",
            advice="Most likely memory ran out: close other programs, and look for huge pictures.",
        ) from error
    finally:
        pool.shutdown(cancel_futures=True)


def _finished(waiting: deque[tuple[int, int, Future[Result]]]) -> tuple[int, int, Result]:
    start, stop, future = waiting.popleft()
    return start, stop, future.result()


def _become_worker() -> None:
    # Ctrl+C reaches every process of the terminal; the parent decides what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    cv2.setNumThreads(1)  # there is a worker on every core already

    # Without this, workers wait for ever when the parent is killed.
    def watch() -> None:
        parent = multiprocessing.parent_process()
        if parent is not None:
            parent.join()
            os._exit(1)

    Thread(target=watch, daemon=True).start()
