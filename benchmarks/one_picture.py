"""One picture, warm: a verdict from the file's bytes against the bare interpreter.

    uv run python benchmarks/one_picture.py PICTURE [MODEL ...]

The two alternate. Printed: medians in milliseconds, and what decoding, checking and fitting add to
the network itself, as a ratio.
"""

import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from keras_detector.detector import Detector, default_model_path
from keras_detector.images import decode, fit
from keras_detector.model_file import read_model_file
from keras_detector.runtime import threads_for

ROUNDS = 15


def seconds(call: Callable[[], object]) -> float:
    """Time of one call."""
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def compare(picture: Path, path: Path) -> None:
    """Print the comparison for one model file."""
    from ai_edge_litert.interpreter import Interpreter

    model = read_model_file(path, weights=False)
    detector = Detector(path)
    interpreter = Interpreter(model_content=model.twin, num_threads=threads_for(model.twin))
    interpreter.allocate_tensors()
    entry = interpreter.get_input_details()[0]["index"]
    shown = fit(decode(picture), model.card.input)[np.newaxis].astype(np.float32)

    def bare() -> None:
        interpreter.set_tensor(entry, shown)
        interpreter.invoke()

    content = picture.read_bytes()
    ways: dict[str, Callable[[], object]] = {
        "bare interpreter": bare,
        "verdict": lambda: detector.judge(content),
    }
    times: dict[str, list[float]] = {name: [] for name in ways}
    for call in ways.values():
        call()
    for _ in range(ROUNDS):
        for name, call in ways.items():
            times[name].append(seconds(call))
    ratio = statistics.median(
        judged / alone
        for alone, judged in zip(times["bare interpreter"], times["verdict"], strict=True)
    )
    print(f"{path.name} ({path.stat().st_size / 1e6:.1f} MB), median of {ROUNDS}")
    for name, values in times.items():
        print(
            f"  {name:18} {statistics.median(values) * 1e3:7.1f} ms   min {min(values) * 1e3:7.1f}"
        )
    print(f"  ratio {ratio:.2f}")


if __name__ == "__main__":
    for model_path in [Path(name) for name in sys.argv[2:]] or [default_model_path()]:
        compare(Path(sys.argv[1]), model_path)
