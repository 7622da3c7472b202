"""How other threads reach the main one: calls wait in a queue until the event loop has time."""

import queue
import time
from collections.abc import Callable


class Outbox:
    """Calls for the main thread, from any thread."""

    def __init__(self) -> None:
        self._calls: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()

    def put(self, call: Callable[[], None]) -> None:
        """Have the main thread make a call."""
        self._calls.put(call)

    @property
    def is_empty(self) -> bool:
        """Whether no call waits."""
        return self._calls.empty()

    def deliver(self, seconds: float = 0.008) -> None:
        """Make the calls that wait, until they are done or the time is up.

        Args:
            seconds: after which the next call has to wait for another turn.
        """
        until = time.perf_counter() + seconds
        while time.perf_counter() < until:
            try:
                call = self._calls.get_nowait()
            except queue.Empty:
                return
            call()
