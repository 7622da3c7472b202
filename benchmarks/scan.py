"""What `scan` costs beside what it cannot do without: decoding alone, and the network alone.

    python benchmarks/scan.py [PICTURES [SIDE [MODEL]]]

By default 1,000 JPEG pictures of 512 x 512 and models/efficientnet.keras. Each way runs on all
cores, a process for each: decoding (`images.open_picture`), the network on arrays that are ready
(`Runtime.run`), a verdict from path to score (`Detector.judge`), and the scan. They alternate, so
that a busy machine slows all of them. Printed, medians of the rounds: pictures a second of wall
time and processor time a picture, both without the start (of the scan: without the first tenth);
for the scan also when its first row was written, from nothing, and the largest memory of any of
its processes. Linux only.
"""

import itertools
import multiprocessing
import os
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.queues import SimpleQueue
from multiprocessing.synchronize import Barrier
from pathlib import Path

import numpy as np
from PIL import Image

from keras_detector import images
from keras_detector.detector import Detector
from keras_detector.model_file import read_model_file
from keras_detector.runtime import Runtime
from keras_detector.scan.plan import ScanCounts, ScanPlan
from keras_detector.scan.process_pool import Limits
from keras_detector.scan.run import run_scan
from keras_detector.scan.sources import ScanSources

ROOT = Path(__file__).parents[1]
ROUNDS = 3
READY = 64
"""Arrays that the network runs on, over and over: it takes the same time for each."""


Make = Callable[[Path], Callable[[Path], object]]
"""Makes, of a model, what is done to each picture."""


@dataclass(frozen=True)
class Measured:
    """One round of one way."""

    pictures_a_second: float
    busy: float
    first_row: float = 0.0


def draw(folder: Path, number: int, side: int) -> list[Path]:
    """Parts of a photograph, each its own, a thousand to a folder."""
    rng = np.random.default_rng(0)
    photograph = Image.open(ROOT / "samples" / "china.jpg").convert("RGB")
    paths = []
    for place in range(number):
        cut = int(rng.integers(min(side, 250), 400))
        left, top = rng.integers(photograph.width - cut), rng.integers(photograph.height - cut)
        part = photograph.crop((left, top, left + cut, top + cut)).resize((side, side))
        path = folder / f"{place // 1000:03}" / f"{place:06}.jpg"
        path.parent.mkdir(exist_ok=True)
        part.save(path, quality=90)
        paths.append(path)
    return paths


def decode(_: Path) -> Callable[[Path], object]:
    """Only what turns bytes into pixels."""
    return images.open_picture


def run_network(model: Path) -> Callable[[Path], object]:
    """Only the network."""
    file = read_model_file(model, weights=False)
    runtime = Runtime(file.twin, file.card.input, threads=1)
    size = file.card.input.size
    noise = np.random.default_rng(0).integers(0, 256, (READY, size, size, 3), np.uint8)
    ready = itertools.cycle(noise)
    return lambda _: runtime.run(next(ready))


def judge(model: Path) -> Callable[[Path], object]:
    """A verdict, with nothing around it."""
    return Detector(model, threads=1).judge


ALONE: dict[str, Make] = {"decoding": decode, "network": run_network, "verdict": judge}


def work(make: Make, model: Path, paths: list[Path], barrier: Barrier, busy: SimpleQueue) -> None:
    """One process's share."""
    do = make(model)
    do(paths[0])
    barrier.wait()
    began = time.process_time()
    for path in paths:
        do(path)
    busy.put(time.process_time() - began)


def run_alone(make: Make, model: Path, paths: list[Path], workers: int) -> Measured:
    """One of the ways without the scan around it."""
    context = multiprocessing.get_context("spawn")
    barrier, busy = context.Barrier(workers + 1), context.SimpleQueue()
    shares = [paths[n::workers] for n in range(workers)]
    processes = [
        context.Process(target=work, args=(make, model, share, barrier, busy)) for share in shares
    ]
    for process in processes:
        process.start()
    barrier.wait()
    began = time.perf_counter()
    for process in processes:
        process.join()
    seconds = time.perf_counter() - began
    return Measured(len(paths) / seconds, sum(busy.get() for _ in processes) / len(paths))


def run_as_scan(model: Path, paths: list[Path], folder: Path, workers: int) -> Measured:
    """The scan, as the command runs it."""
    out = folder / "rows.jsonl"
    first: list[float] = []
    started: list[tuple[float, float, int]] = []

    def tell(counts: ScanCounts) -> None:
        if counts.judged and not first:
            first.append(time.perf_counter())
        if counts.judged >= len(paths) / 10 and not started:
            started.append((time.perf_counter(), busy_seconds(), counts.judged))

    began = time.perf_counter()
    run_scan(ScanPlan(ScanSources([folder]), model, out, None, workers, Limits()), tell)
    ended, busy_at_end = time.perf_counter(), busy_seconds()
    out.unlink()
    ((at, busy, judged),) = started
    left = len(paths) - judged
    return Measured(left / (ended - at), (busy_at_end - busy) / left, first[0] - began)


def busy_seconds() -> float:
    """Processor time of this process and its children, those that ended and those that run."""
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = time.process_time() + ended.ru_utime + ended.ru_stime
    for child in multiprocessing.active_children():
        fields = Path(f"/proc/{child.pid}/stat").read_text().rpartition(")")[2].split()
        seconds += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return seconds


def main() -> None:
    """Run all ways in turn, and print them."""
    given = sys.argv[1:]
    number, side = (int(given[n]) if len(given) > n else (1000, 512)[n] for n in range(2))
    model = Path(given[2]) if len(given) > 2 else ROOT / "models" / "efficientnet.keras"
    workers = len(os.sched_getaffinity(0))
    print(f"{number:,} JPEG of {side} x {side}, {model.name}, {workers} processes")
    measured: dict[str, list[Measured]] = {}
    with tempfile.TemporaryDirectory() as name:
        paths = draw(Path(name), number, side)
        for _ in range(ROUNDS):
            for way, make in ALONE.items():
                measured.setdefault(way, []).append(run_alone(make, model, paths, workers))
            scanned = run_as_scan(model, paths, Path(name), workers)
            measured.setdefault("scan", []).append(scanned)
    for way, rounds in measured.items():
        speed = statistics.median(each.pictures_a_second for each in rounds)
        busy = statistics.median(each.busy for each in rounds)
        print(f"{way:14} {speed:9.1f} a second  {1000 * busy:8.3f} ms of processor time each")
    print("scan to each, median of the rounds' ratios, wall time (processor time):")
    for way in ALONE:
        pairs = list(zip(measured["scan"], measured[way], strict=True))
        speed = statistics.median(s.pictures_a_second / o.pictures_a_second for s, o in pairs)
        busy = statistics.median(o.busy / s.busy for s, o in pairs)
        print(f"{way:14} {speed:5.2f} ({busy:.2f})")
    first = [each.first_row for each in measured["scan"]]
    print(f"first row after {min(first):.2f} to {max(first):.2f} s, processes started anew")
    largest = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    print(f"largest memory of a process {largest:.0f} MiB")


if __name__ == "__main__":
    main()
