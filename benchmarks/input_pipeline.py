"""What feeding pictures costs an epoch: our packed pictures against arrays already in memory.

    uv run --all-extras python benchmarks/input_pipeline.py DIR [--limit N]

DIR is a labelled directory (real/ and fake/). The same network (`cnn32`) trains one epoch on the
same pictures: from our packed file, without augmentation; from arrays in memory with plain
`model.fit`; and from `image_dataset_from_directory`, as plain Keras users do. They alternate.
Packing, done once before the first epoch, is timed apart.
"""

import argparse
import os
import statistics
import tempfile
import time
from pathlib import Path

import training  # noqa: F401  sets TensorFlow's switches before it is imported

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np

from keras_detector.labelled_directory import Split
from training.augmentation import Augmentation
from training.batches import Batches
from training.dataset import prepare_dataset
from training.network import build_trunk, compile_network
from training.recipe import load_recipe

ROUNDS = 5


def main() -> None:
    """Run the comparison and print it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("directory", type=Path)
    parser.add_argument("--limit", type=int, default=None, help="pictures to use, balanced")
    options = parser.parse_args()
    recipe = load_recipe(
        "cnn32", ["augment.flip=false", "augment.rotation=0.0", "augment.zoom=0.0"]
    )
    with tempfile.TemporaryDirectory() as cache:
        began = time.perf_counter()
        dataset = prepare_dataset(
            options.directory,
            spec=recipe.input,
            ratios=recipe.data.split,
            dataset_size=options.limit,
            seed=1,
            cache=Path(cache),
        )
        packing = time.perf_counter() - began
        print(f"packing and checking {len(dataset.labels)} pictures, once: {packing:.1f} s")
        rows = dataset.rows[Split.TRAIN]
        size = recipe.train.batch_size
        packed = Batches(
            dataset.pixels,
            dataset.labels,
            rows,
            batch_size=size,
            seed=1,
            augmentation=Augmentation(recipe.augment, recipe.input.size),
            class_weights=(1.0, 1.0),
        )
        pictures = dataset.pixels[rows].astype(np.float32)
        targets = dataset.labels[rows, np.newaxis].astype(np.float32)
        files = keras.utils.image_dataset_from_directory(
            options.directory,
            image_size=(recipe.input.size,) * 2,
            batch_size=size,
            verbose=False,
        ).take(len(packed))
        ways = {
            "packed pictures (ours)": {"x": packed},
            "arrays in memory": {"x": pictures, "y": targets, "batch_size": size},
            "image_dataset_from_directory": {"x": files},
        }
        networks = {}
        for name in ways:
            networks[name] = build_trunk(recipe)
            compile_network(networks[name], recipe.train, len(packed))
        times: dict[str, list[float]] = {name: [] for name in ways}
        for turn in range(ROUNDS + 1):
            for name, source in ways.items():
                began = time.perf_counter()
                networks[name].fit(**source, epochs=1, verbose=0)
                if turn:  # the first round traces the graphs
                    times[name].append(time.perf_counter() - began)
    memory = statistics.median(times["arrays in memory"])
    for name, values in times.items():
        median = statistics.median(values)
        print(
            f"{name:30} {median:7.2f} s an epoch   {len(rows) / median:7.0f} pictures/s"
            f"   x {median / memory:.3f} of arrays in memory"
        )


if __name__ == "__main__":
    main()
