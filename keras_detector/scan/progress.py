"""How far a scan is, on one line."""

import contextlib
import shutil
import time
from collections import deque
from collections.abc import Callable
from typing import TextIO

from keras_detector.scan.plan import ScanCounts

_ON_TERMINAL, _ELSEWHERE = 0.2, 30.0  # seconds between two lines
_WINDOW = 30.0  # seconds that the speed is measured over


class ScanProgress:
    """Writes how far a scan is: over and over on one line of a terminal, elsewhere now and then.

    Args:
        stream: where to, usually stderr.
        clock: seconds that only go up.
    """

    def __init__(self, stream: TextIO, clock: Callable[[], float] = time.monotonic) -> None:
        self._stream, self._clock = stream, clock
        self._is_terminal = stream.isatty()
        self._samples: deque[tuple[float, int]] = deque([(clock(), 0)])
        self._written = clock() if not self._is_terminal else -_ON_TERMINAL
        self._shown = ""

    def tell(self, counts: ScanCounts) -> None:
        """Show it, if it is time again."""
        now = self._clock()
        if now - self._written < (_ON_TERMINAL if self._is_terminal else _ELSEWHERE):
            return
        self._written = now
        self._samples.append((now, counts.judged))
        while len(self._samples) > 2 and now - self._samples[0][0] > _WINDOW:
            self._samples.popleft()
        line = self._line(counts)
        if self._is_terminal:
            line = line[: shutil.get_terminal_size().columns - 1]
            self._write(f"\r{line.ljust(len(self._shown))}")
            self._shown = line
        else:
            self._write(f"{line}\n")

    def clear(self) -> None:
        """Make the terminal's line free for what comes next."""
        if self._shown:
            self._write(f"\r{' ' * len(self._shown)}\r")
            self._shown = ""

    def _write(self, text: str) -> None:
        # Whoever watched may have left; that is no reason to stop.
        with contextlib.suppress(OSError):
            self._stream.write(text)
            self._stream.flush()

    def _line(self, counts: ScanCounts) -> str:
        (began, before), (now, judged) = self._samples[0], self._samples[-1]
        speed = (judged - before) / max(now - began, 1e-9)
        more = "" if counts.all_found else "+"
        parts = [
            f"{counts.done:,} / {counts.found:,}{more} files",
            f"{speed:,.1f} a second",
            f"{counts.all_errors:,} errors",
        ]
        if counts.all_found and speed > 0:
            parts.append(f"{_duration((counts.found - counts.done) / speed)} left")
        return ", ".join(parts)


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes:02} min"
    return f"{minutes} min {rest:02} s" if minutes else f"{rest} s"
