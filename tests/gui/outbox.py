"""Stands for the main thread of a window: runs what workers deliver."""

import queue
import time
from collections.abc import Callable


class Outbox:
    def __init__(self) -> None:
        self._calls: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self.deliver = self._calls.put

    def drain(self) -> None:
        while True:
            try:
                self._calls.get_nowait()()
            except queue.Empty:
                return

    def run_until(self, condition: Callable[[], bool], seconds: float = 20.0) -> None:
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, "it did not come about in time"
            try:
                self._calls.get(timeout=0.05)()
            except queue.Empty:
                continue
