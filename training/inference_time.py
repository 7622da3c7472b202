"""How long a verdict takes on this machine's CPU."""

import os
import platform
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from keras_detector.runtime import Runtime

WARM_UP = 3
REPEATS = 50
MAX_SECONDS = 10.0
"""A slow network is run less often than `REPEATS`, but never less than twice."""


@dataclass(frozen=True)
class Duration:
    """A median with its 95 % interval, in milliseconds, over n runs.

    The interval is the binomial one of order statistics (Conover 1999, Practical Nonparametric
    Statistics, section 3.2), which asks nothing of the distribution.
    """

    median: float
    low: float
    high: float
    n: int


@dataclass(frozen=True)
class InferenceTime:
    """What was timed, and where.

    Attributes:
        cpu: the CPU's name and how many cores of it we may use.
        remark: that other programs kept it busy, a sentence; empty where it was idle.
        network: the compiled network alone, on one fitted picture, warm.
        verdict: from a picture's file to its verdict; None where no files were judged.
    """

    cpu: str
    remark: str
    network: Duration
    verdict: Duration | None


def time_inference(runtime: Runtime, size: int, verdict: Duration | None) -> InferenceTime:
    """Time the compiled network on this CPU; see `time_network`."""
    remark = busy_remark()  # before our own work is part of the load
    network = time_network(runtime, size)
    return InferenceTime(cpu=cpu_name(), remark=remark, network=network, verdict=verdict)


def time_network(
    runtime: Runtime, size: int, clock: Callable[[], float] = time.perf_counter
) -> Duration:
    """Time the compiled network on a picture of noise; what is in a picture makes no difference.

    Args:
        runtime: the loaded twin.
        size: side of its input.
        clock: seconds, rising.
    """
    noise = np.random.default_rng(0).integers(0, 256, (size, size, 3), dtype=np.uint8)
    for _ in range(WARM_UP):
        runtime.run(noise)
    seconds: list[float] = []
    while len(seconds) < REPEATS and (len(seconds) < 2 or sum(seconds) < MAX_SECONDS):
        began = clock()
        runtime.run(noise)
        seconds.append(clock() - began)
    return duration(np.array(seconds))


def duration(seconds: npt.NDArray[np.float64]) -> Duration:
    """Median and interval of n measured durations in seconds, n at least 1."""
    ranked = np.sort(seconds) * 1000
    half = 1.96 * np.sqrt(ranked.size) / 2
    low = max(int(np.floor(ranked.size / 2 - half)) - 1, 0)
    high = min(int(np.ceil(ranked.size / 2 + half)), ranked.size - 1)
    return Duration(
        median=float(np.median(ranked)),
        low=float(ranked[low]),
        high=float(ranked[high]),
        n=ranked.size,
    )


def cpu_name(cpuinfo: Path = Path("/proc/cpuinfo")) -> str:
    """The CPU as the system calls it, and the number of its cores that we may use."""
    name = platform.processor() or platform.machine() or "unknown CPU"
    try:
        lines = cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:  # not Linux
        lines = []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    cores = _cores()
    return f"{models[0] if models else name}, {cores} core{'s' if cores > 1 else ''}"


def busy_remark() -> str:
    """A sentence if more programs want to run than there are cores: times are too long then."""
    try:
        load = os.getloadavg()[0]
    except (AttributeError, OSError):  # Windows has none
        return ""
    if load <= _cores() + 0.5:
        return ""
    return f"Other programs kept this machine busy (load {load:.1f}): the times are too long."


def _cores() -> int:
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1
