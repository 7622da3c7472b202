"""Enhancing a large picture: `uv run python benchmarks/enhance.py [WIDTH HEIGHT]`.

Denoises and doubles a noisy picture of that size (4000 x 3000 unless said) and prints how long it
takes, when progress is first heard of, the peak memory of the process (the picture made included),
and, of a second time that is stopped on the way, how long stopping takes. Not on Windows.
"""

import resource
import sys
import time
from itertools import pairwise

import cv2
import numpy as np

from keras_detector.enhance import enhance
from keras_detector.errors import Cancelled
from keras_detector.pixels import Pixels

STOPPED = 5
"""Times that enhancing is begun and stopped."""


def noisy_picture(width: int, height: int) -> Pixels:
    """Smooth colours with noise, a strip at a time, so that making it needs little memory."""
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 256, (8, 8, 3), dtype=np.uint8)
    pixels = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    for top in range(0, height, 100):
        strip = pixels[top : top + 100]
        noise = rng.standard_normal(strip.shape, dtype=np.float32)
        strip[:] = np.clip(strip + 12 * noise, 0, 255)
    return np.asarray(pixels, dtype=np.uint8)


def peak() -> float:
    """Peak resident memory of this process in MiB."""
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return used / (1024 if sys.platform == "linux" else 1024**2)


def whole(pixels: Pixels) -> None:
    """Enhance all of it and print the figures."""
    told: list[tuple[float, float]] = []
    before, began, worked = peak(), time.perf_counter(), time.process_time()
    enhance(pixels, progress=lambda share: told.append((time.perf_counter() - began, share)))
    seconds, processor = time.perf_counter() - began, time.process_time() - worked
    moved = next(when for when, share in told if share > 0)
    height, width = pixels.shape[:2]
    print(f"{width} x {height}, {cv2.getNumThreads()} threads")
    print(f"  seconds          {seconds:8.1f}  (of processor time {processor:.1f})")
    print(f"  first progress   {told[0][0]:8.3f} s, above 0 after {moved:.3f} s")
    longest = max(later - earlier for (earlier, _), (later, _) in pairwise(told))
    print(f"  longest silence  {longest:8.3f} s")
    print(f"  peak memory      {peak():8.0f} MiB, of which {before:.0f} before")


def stopped(pixels: Pixels) -> float:
    """Begin, ask to stop when some tiles are done, and return the seconds until it does."""
    asked: list[float] = []
    reached: list[float] = []

    def cancelled() -> bool:
        # Asked for at a moment of its own, as a person does: not right when it is looked for.
        return bool(asked) and time.perf_counter() >= asked[0]

    def progress(share: float) -> None:
        reached.append(share)
        if len(reached) == 4:
            asked.append(time.perf_counter() + 0.02)

    try:
        enhance(pixels, progress=progress, cancelled=cancelled)
    except Cancelled:
        return time.perf_counter() - asked[0]
    raise SystemExit("The picture is too small to be stopped on the way.")


def main() -> None:
    """Print the figures."""
    width, height = (int(side) for side in sys.argv[1:3]) if sys.argv[1:] else (4000, 3000)
    pixels = noisy_picture(width, height)
    whole(pixels)
    waits = [stopped(pixels) for _ in range(STOPPED)]
    print(f"  stopping takes   {max(waits):8.3f} s at the most, of {STOPPED} times")


if __name__ == "__main__":
    main()
