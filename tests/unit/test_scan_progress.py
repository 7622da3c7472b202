"""What people see of how far a scan is."""

import io
from collections import Counter

from keras_detector.errors import ErrorKind
from keras_detector.scan.plan import ScanCounts
from keras_detector.scan.progress import ScanProgress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_terminal_has_one_line_that_is_written_over() -> None:
    stream, clock = Terminal(), Clock()
    progress = ScanProgress(stream, clock)
    progress.tell(ScanCounts(found=1000))
    clock.now += 10
    counts = ScanCounts(
        found=1300,
        all_found=True,
        unchanged=300,
        judged=500,
        errors=Counter({ErrorKind.DAMAGED: 2}),
    )
    progress.tell(counts)
    progress.tell(counts)  # too soon
    first, second = stream.getvalue().split("\r")[1:]
    assert first.startswith("0 / 1,000+ files, 0.0 a second, 0 errors")
    assert second.startswith("800 / 1,300 files, 50.0 a second, 2 errors, 10 s left")
    assert "\n" not in stream.getvalue()
    progress.clear()
    assert stream.getvalue().endswith("\r" + " " * len(second.rstrip()) + "\r")


def test_a_shorter_line_leaves_nothing_of_the_longer_one() -> None:
    stream, clock = Terminal(), Clock()
    progress = ScanProgress(stream, clock)
    progress.tell(ScanCounts(found=10**9))
    clock.now += 1
    progress.tell(ScanCounts(found=1))
    first, second = stream.getvalue().split("\r")[1:]
    assert len(second) == len(first)


def test_a_log_has_a_line_now_and_then() -> None:
    stream, clock = io.StringIO(), Clock()
    progress = ScanProgress(stream, clock)
    for _ in range(100):
        progress.tell(ScanCounts(found=7200 * 3, all_found=True, judged=round(clock.now - 100)))
        clock.now += 1
    lines = stream.getvalue().splitlines()
    assert len(lines) == 3
    assert lines[-1] == "90 / 21,600 files, 1.0 a second, 0 errors, 5 h 58 min left"
    progress.clear()
    assert stream.getvalue().splitlines() == lines


def test_the_time_left_follows_the_speed_of_now() -> None:
    stream, clock = Terminal(), Clock()
    progress = ScanProgress(stream, clock)
    judged = 0
    for second in range(100):
        judged += 100 if second < 50 else 10
        clock.now += 1
        progress.tell(ScanCounts(found=judged + 650, all_found=True, judged=judged))
    assert stream.getvalue().rstrip().endswith("10.0 a second, 0 errors, 1 min 05 s left")
