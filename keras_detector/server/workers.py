"""Detectors on threads of their own, and the bounded queue before them."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from queue import SimpleQueue
from typing import Any, Self, TypeVar

from keras_detector.detector import Detector
from keras_detector.server.refusal import overloaded

T = TypeVar("T")


class Workers:
    """As many threads as detectors: LiteRT and Pillow let go of Python's lock while they work.

    Args:
        detectors: one for each thread; a detector is never used by two at a time.
        queue: requests that may be inside, on their way in or waiting, beside one a detector.
    """

    def __init__(self, detectors: Sequence[Detector], queue: int) -> None:
        self.count = len(detectors)
        self._places = self.count + queue
        self._taken = 0
        self._idle: SimpleQueue[Detector] = SimpleQueue()
        for detector in detectors:
            self._idle.put(detector)
        self._threads = ThreadPoolExecutor(self.count, thread_name_prefix="verdict")
        self._jobs: set[Future[Any]] = set()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._threads.shutdown(wait=True, cancel_futures=True)

    @contextmanager
    def place(self) -> Iterator[None]:
        """A place for one request, taken before its body is read, so that memory stays bounded.

        Raises:
            RefusedError: all are taken.
        """
        if self._taken >= self._places:
            raise overloaded(f"request {self._taken + 1} of {self._places} at a time")
        self._taken += 1
        try:
            yield
        finally:
            self._taken -= 1

    async def run(self, job: Callable[[Detector], T]) -> T:
        """Do a job on the next thread that is free; cancelled while it waits, it is never begun."""

        def with_detector() -> T:
            detector = self._idle.get()
            try:
                return job(detector)
            finally:
                self._idle.put(detector)

        future = self._threads.submit(with_detector)
        self._jobs.add(future)
        future.add_done_callback(self._jobs.discard)
        return await asyncio.wrap_future(future)

    def waiting(self) -> int:
        """How many jobs wait for a thread."""
        return sum(not job.running() and not job.done() for job in list(self._jobs))
