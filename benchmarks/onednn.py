"""Training with and without oneDNN, which TensorFlow leaves off on many processors.

    uv run --all-extras python benchmarks/onednn.py

Each way runs in a process of its own, as the switch is read when TensorFlow is imported; they
alternate. Printed: batches a second of `cnn32-plus`, and the ratio of the medians.
"""

import os
import statistics
import subprocess
import sys
import time

ROUNDS = 3
STEPS = 8


def measure() -> None:
    """Print the training speed in this process."""
    import numpy as np

    import training  # noqa: F401  respects the switch that is already set
    from training.network import build_trunk, compile_network
    from training.recipe import load_recipe

    recipe = load_recipe("cnn32-plus")
    network = build_trunk(recipe)
    compile_network(network, recipe.train, steps_per_epoch=100)
    rng = np.random.default_rng(0)
    pictures = rng.uniform(0, 255, (recipe.train.batch_size, 32, 32, 3)).astype(np.float32)
    targets = rng.integers(0, 2, (recipe.train.batch_size, 1)).astype(np.float32)
    for _ in range(3):
        network.train_on_batch(pictures, targets)
    began = time.perf_counter()
    for _ in range(STEPS):
        network.train_on_batch(pictures, targets)
    print(STEPS / (time.perf_counter() - began))


def main() -> None:
    """Run the comparison and print it."""
    if "--measure" in sys.argv:
        measure()
        return
    speeds: dict[str, list[float]] = {"0": [], "1": []}
    for _ in range(ROUNDS):
        for switch, values in speeds.items():
            done = subprocess.run(
                [sys.executable, __file__, "--measure"],
                env={**os.environ, "TF_ENABLE_ONEDNN_OPTS": switch, "PYTHONPATH": "."},
                capture_output=True,
                text=True,
                check=True,
            )
            values.append(float(done.stdout))
    without, with_it = (statistics.median(values) for values in speeds.values())
    print(f"without oneDNN {without:.2f} batches/s   with {with_it:.2f}   n {ROUNDS} each")
    print(f"ratio {with_it / without:.2f}")


if __name__ == "__main__":
    main()
