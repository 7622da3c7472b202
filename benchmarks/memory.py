"""Memory of one verdict: `python benchmarks/memory.py MODEL PICTURE`.

Prints the resident memory (MiB) of a process that gives one verdict, after each of its steps, and
its peak. Linux only: read from /proc.
"""

import resource
import sys
import time
from pathlib import Path


def resident() -> float:
    """Resident memory of this process in MiB."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmRSS")).split()[1]) / 1024


def main() -> None:
    """Give one verdict and say what each step of it took."""
    model, picture = map(Path, sys.argv[1:3])
    start = time.perf_counter()

    def step(name: str) -> None:
        print(f"{name:<12} {resident():7.1f} MiB  {time.perf_counter() - start:6.3f} s")

    step("Python")
    from keras_detector.detector import Detector

    step("imports")
    detector = Detector(model)
    step("model")
    prediction = detector.judge(picture)
    step("verdict")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"peak         {peak:7.1f} MiB  ({prediction.verdict.value}, {prediction.score:.3f})")


if __name__ == "__main__":
    main()
