"""One 32x32 score with everything loaded: the compiled twin against Keras on the same network.

    uv run --all-extras python benchmarks/warm_score.py [MODEL ...]

The three ways alternate in rounds. Printed: the median over rounds, in milliseconds a picture.
"""

import os
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np

from keras_detector.model_file import read_model_file
from keras_detector.runtime import Runtime

ROOT = Path(__file__).parents[1]
ROUNDS = 9


def milliseconds(call: Callable[[], object], repeat: int) -> float:
    """Mean time of one call."""
    began = time.perf_counter()
    for _ in range(repeat):
        call()
    return (time.perf_counter() - began) / repeat * 1000


def compare(path: Path) -> None:
    """Print the comparison for one model file."""
    model = read_model_file(path)
    runtime = Runtime(model.twin, model.card.input)
    network = keras.saving.load_model(path)
    size = model.card.input.size
    pixels = np.random.default_rng(0).integers(0, 256, (size, size, 3), dtype=np.uint8)
    batch = pixels[np.newaxis].astype(np.float32)
    ways: dict[str, tuple[Callable[[], object], int]] = {
        "runtime (LiteRT twin)": (lambda: runtime.run(pixels), 300),
        "Keras predict_on_batch": (lambda: network.predict_on_batch(batch), 30),
        "Keras predict": (lambda: network.predict(batch, verbose=0), 10),
    }
    times: dict[str, list[float]] = {name: [] for name in ways}
    for call, _ in ways.values():
        call()
    for _ in range(ROUNDS):
        for name, (call, repeat) in ways.items():
            times[name].append(milliseconds(call, repeat))
    ours = statistics.median(times["runtime (LiteRT twin)"])
    print(path.name)
    for name, values in times.items():
        median = statistics.median(values)
        print(
            f"  {name:24} {median:8.3f} ms   min {min(values):8.3f}   max {max(values):8.3f}"
            f"   x {median / ours:.0f}"
        )


def main() -> None:
    """Compare every model named, or the shipped ones that see 32x32 pixels."""
    named = [Path(name) for name in sys.argv[1:]]
    for path in named or sorted((ROOT / "models").glob("cnn32*.keras")):
        compare(path)


if __name__ == "__main__":
    main()
