"""Judging mutants in processes, with an eye on time, memory and errors.

    python -m tests.hostile.mutant_run [NUMBER]

The first numbers are the bombs, polyglots and cut files of `tests.hostile.bombs`, the others are
`tests.hostile.mutants`. The exit code is 1 if any of them crashed, raised what is no error of ours,
took too long, or if the memory of a process grew.
"""

import os
import resource
import sys
import time
from collections import Counter, defaultdict
from pathlib import Path

import msgspec

from keras_detector.detector import Detector
from keras_detector.errors import ImageError
from keras_detector.scan.process_pool import Limits, Lost, ProcessPool
from tests.hostile.bombs import BOMBS, special
from tests.hostile.mutants import mutant

MODEL = Path(__file__).parents[2] / "models" / "cnn32.keras"
SECONDS = 2.0
"""Of processor time without the kernel's. Handing out the memory of a hundred megapixels takes the
kernel of one virtual machine 0.2 to 3.4 seconds for the same file, by who had it before."""

GROWTH = 128.0
"""Megabytes by which the last tenth may differ from the second: what allocators keep."""


class Seen(msgspec.Struct):
    """What one of them came to.

    Attributes:
        name: what it was.
        outcome: a verdict, the kind of an error, or what was raised that is none of ours.
        foreign: whether it is the last.
        seconds: of processor time, without the kernel's.
        kernel_seconds: the kernel's.
        process: which process judged it.
        memory: megabytes that the process has afterwards.
    """

    name: str
    outcome: str
    foreign: bool
    seconds: float
    kernel_seconds: float
    process: int
    memory: float


class MutantJudge:
    """Makes the picture of a number and judges it."""

    greeting = ""

    def __init__(self) -> None:
        self._process = os.getpid()
        self._detector = Detector(MODEL, threads=1)

    def __call__(self, number: int) -> bytes:
        name, data = picture(number)
        began, foreign = os.times(), False
        try:
            outcome = self._detector.judge(data).verdict.value
        except ImageError as error:
            outcome = error.kind.value
        except Exception as error:  # noqa: BLE001  # those are looked for
            outcome, foreign = f"{type(error).__name__}: {error}", True
        ended = os.times()
        seconds, kernel_seconds = ended.user - began.user, ended.system - began.system
        return msgspec.json.encode(
            Seen(name, outcome, foreign, seconds, kernel_seconds, self._process, resident())
        )


def picture(number: int) -> tuple[str, bytes]:
    if number < len(special()):
        name, make = special()[number]
        return name, make()
    return mutant(number)


def resident() -> float:
    """Megabytes of memory that this process has."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1e6


class Result(msgspec.Struct):
    """What became of all.

    Attributes:
        outcomes: how many there were of each.
        wrong: what must not be: a sentence each.
        slowest: the most processor time without the kernel's, and of which.
        slowest_small: the same without the bombs.
        slowest_kernel: the most time of the kernel, and of which.
        growth: megabytes by which a process grew, the worst.
    """

    outcomes: dict[str, int]
    wrong: list[str]
    slowest: tuple[float, str]
    slowest_small: tuple[float, str]
    slowest_kernel: tuple[float, str]
    growth: float


def judge_mutants(numbers: list[int], workers: int) -> Result:
    """Judge them all."""
    outcomes: Counter[str] = Counter()
    wrong: list[str] = []
    slowest = slowest_small = slowest_kernel = (0.0, "")
    memory: dict[int, list[float]] = defaultdict(list)
    # Another allocator may keep for good what one large picture took; the system's gives it back.
    os.environ.pop("LD_PRELOAD", None)
    left = list(reversed(numbers))
    # Making one of a hundred million pixels takes longest, on a busy machine a minute.
    with ProcessPool(MutantJudge, workers, Limits(seconds=120.0)) as pool:
        while left or pool.busy:
            pool.give([left.pop() for _ in range(min(pool.wants, len(left)))])
            for number, answer in pool.answers():
                if isinstance(answer, Lost):
                    wrong.append(f"{picture(number)[0]}: {answer.loss.value} ({answer.detail})")
                    continue
                seen = msgspec.json.decode(answer, type=Seen)
                outcomes["not ours" if seen.foreign else seen.outcome] += 1
                memory[seen.process].append(seen.memory)
                slowest = max(slowest, (seen.seconds, seen.name))
                slowest_kernel = max(slowest_kernel, (seen.kernel_seconds, seen.name))
                if seen.name not in BOMBS:
                    slowest_small = max(slowest_small, (seen.seconds, seen.name))
                if seen.foreign:
                    wrong.append(f"{seen.name}: {seen.outcome}")
                if seen.seconds > SECONDS:
                    wrong.append(f"{seen.name}: {seen.seconds:.2f} seconds")
    growth = max(map(grown, memory.values()))
    if growth > GROWTH:
        wrong.append(f"the memory of a process grew by {growth:.0f} MB")
    return Result(dict(outcomes), wrong, slowest, slowest_small, slowest_kernel, growth)


def grown(memory: list[float]) -> float:
    """By how much the last tenth is above the second, of which a bomb may be the largest."""
    tenth = max(len(memory) // 10, 1)
    return max(memory[-tenth:]) - max(memory[: 2 * tenth])


def main() -> int:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    began = time.monotonic()
    result = judge_mutants(list(range(count)), os.cpu_count() or 1)
    took = time.monotonic() - began
    for outcome, number in sorted(result.outcomes.items(), key=lambda each: -each[1]):
        print(f"{number:>9,}  {outcome}")
    most = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1e3
    print(f"{count:>9,}  mutants in {took:.0f} s, {len(special()):,} of them made by hand")
    for (seconds, name), of in (
        (result.slowest, "all"),
        (result.slowest_small, "all but bombs"),
        (result.slowest_kernel, "all, the kernel's time"),
    ):
        print(f"slowest of {of}: {seconds:.2f} s of processor time, {name}")
    print(f"memory: {result.growth:+.0f} MB at the end, {most:.0f} MB at the most")
    for each in result.wrong:
        print("WRONG:", each)
    return int(bool(result.wrong))


if __name__ == "__main__":
    sys.exit(main())
