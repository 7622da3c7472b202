"""From nothing to the verdict of one picture, as a whole process: ours against plain Keras.

    uv run --all-extras python benchmarks/cold_start.py [MODEL]

Both start a fresh interpreter, read the same file, and score the same picture; they alternate, so
that a busy machine slows both. Printed: median, minimum and maximum in seconds, and the ratio.
"""

import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
PICTURE = ROOT / "samples" / "chelsea.png"
RUNS = 7

KERAS = """
import sys
import keras, numpy as np
from PIL import Image
model = keras.saving.load_model(sys.argv[1])
size = model.input_shape[1]
picture = Image.open(sys.argv[2]).convert("RGB").resize((size, size))
print(model.predict(np.asarray(picture, "float32")[None], verbose=0))
"""


def seconds(command: list[str]) -> float:
    """Wall-clock time of a whole process."""
    began = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - began


def main() -> None:
    """Run the comparison and print it."""
    model = sys.argv[1] if len(sys.argv) > 1 else str(ROOT / "models" / "cnn32-plus.keras")
    ours = [str(Path(sys.executable).with_name("keras-detector")), "predict", str(PICTURE)]
    ours += ["--model", model]
    keras = [sys.executable, "-c", KERAS, model, str(PICTURE)]
    times: dict[str, list[float]] = {"keras-detector predict": [], "plain Keras": []}
    for _ in range(RUNS):
        times["keras-detector predict"].append(seconds(ours))
        times["plain Keras"].append(seconds(keras))
    for name, values in times.items():
        print(
            f"{name:24} median {statistics.median(values):6.2f} s"
            f"   min {min(values):6.2f}   max {max(values):6.2f}   n {RUNS}"
        )
    ratio = statistics.median(times["plain Keras"]) / statistics.median(
        times["keras-detector predict"]
    )
    print(f"ratio {ratio:.1f}")


if __name__ == "__main__":
    main()
