"""From where a cluster pays: the same scan by `--engine local` and `--engine ray`.

    python benchmarks/scale.py [--model MODEL] [--side SIDE] [--workers N] [PICTURES ...]

By default 1,000, 10,000 and 100,000 JPEG pictures of 64 x 64 and models/cnn32.keras; a picture of
512 x 512 and models/efficientnet.keras are what people have. Both engines judge the same files on
the cores of this machine, one after the other, for each number of pictures. Printed of each scan:
pictures a second from start to end, when its first row was known, pictures a second from its first
tenth on, and what this process, which lists the files and writes the rows, took of processor time
for a picture meanwhile. The last says how many pictures a second one cluster can be given at most.
"""

import argparse
import os
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from scan import draw

from keras_detector.scan.engine import Engine, LocalEngine, count_cores
from keras_detector.scan.on_ray.engine import RayEngine
from keras_detector.scan.plan import ScanCounts, ScanPlan
from keras_detector.scan.process_pool import Limits
from keras_detector.scan.run import run_scan
from keras_detector.scan.sources import ScanSources

ROOT = Path(__file__).parents[1]
ENGINES: dict[str, tuple[Engine, str]] = {
    "local": (LocalEngine(), "rows.jsonl"),
    "ray": (RayEngine(None), "rows.parquet"),
}
"""Each engine, and where it writes."""


@dataclass(frozen=True)
class Measured:
    """One scan: pictures a second, seconds, and seconds of processor time for a picture."""

    overall: float
    first_row: float
    steady: float
    given_out: float


def measure(name: str, folder: Path, number: int, model: Path, workers: int) -> Measured:
    """One scan of all pictures by one engine."""
    engine, file = ENGINES[name]
    first: list[float] = []
    tenth: list[tuple[float, float, int]] = []

    def tell(counts: ScanCounts) -> None:
        if counts.judged and not first:
            first.append(time.perf_counter())
        if counts.judged >= number / 10 and not tenth:
            tenth.append((time.perf_counter(), time.process_time(), counts.judged))

    with tempfile.TemporaryDirectory() as out:
        sources = ScanSources([folder], remote=name == "ray")
        plan = ScanPlan(sources, model, Path(out) / file, None, workers, Limits())
        began = time.perf_counter()
        counts = run_scan(plan, tell, engine=engine)
        ended, busy_at_end = time.perf_counter(), time.process_time()
    if counts.judged != number or counts.all_errors:
        raise SystemExit(f"{name}: {counts}")
    ((at, busy, judged),) = tenth
    left = max(number - judged, 1)
    return Measured(
        overall=number / (ended - began),
        first_row=first[0] - began,
        steady=left / max(ended - at, 1e-9),
        given_out=(busy_at_end - busy) / left,
    )


def main() -> None:
    """Measure all sizes in turn, and print them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("pictures", nargs="*", type=int, default=[1_000, 10_000, 100_000])
    parser.add_argument("--model", type=Path, default=ROOT / "models" / "cnn32.keras")
    parser.add_argument("--side", type=int, default=64)
    parser.add_argument("--workers", type=int, default=count_cores())
    options = parser.parse_args()
    print(f"JPEG of {options.side} x {options.side}, {options.model.name}, {options.workers} cores")
    print("pictures  engine   a second  first row s  then a second  given out ms each  load")
    for number in options.pictures:
        with tempfile.TemporaryDirectory() as name:
            draw(Path(name), number, options.side)
            for engine in ENGINES:
                load = os.getloadavg()[0]
                m = measure(engine, Path(name), number, options.model, options.workers)
                print(
                    f"{number:8,}  {engine:6} {m.overall:10.1f} {m.first_row:12.1f} "
                    f"{m.steady:14.1f} {1000 * m.given_out:18.3f} {load:5.1f}",
                    flush=True,
                )


if __name__ == "__main__":
    main()
