"""Training a head on kept features: seconds an epoch, and for logistic regression as a whole.

    python benchmarks/head_training.py [PICTURES [DIMENSIONS [VIEWS]]]

By default 5,000 pictures in one view, 3,840 features each (five class tokens of CLIP ViT-B/16),
from a file on the disk, as `fit` keeps them.
"""

import sys
import tempfile
import time
from pathlib import Path

import keras
import numpy as np

from training.backbone_network import attach_head
from training.batches import Batches, EpochOrder
from training.head import solve_logistic
from training.network import compile_network
from training.recipe import TransferRecipe, load_recipe

EPOCHS = 3


def main() -> None:
    """Print both."""
    pictures, dimensions, views = [*map(int, sys.argv[1:]), *(5000, 3840, 1)[len(sys.argv) - 1 :]]
    rows = pictures * views
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, rows).astype(np.int8)
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "features.npy"
        np.save(path, rng.normal(size=(rows, dimensions)).astype(np.float32))
        features = np.load(path, mmap_mode="r")

        began, busy = time.perf_counter(), time.process_time()
        solve_logistic(np.asarray(features), labels, np.full(rows, 1 / views), 1e-4)
        print(
            f"logistic regression: {time.perf_counter() - began:.1f} s "
            f"({time.process_time() - busy:.1f} s of processor time)"
        )
        recipe = load_recipe("clip-vit-b16", ["head.kind=trained", "head.hidden_units=[256]"])
        assert isinstance(recipe, TransferRecipe)
        lines = recipe.train
        batches = Batches(
            features,
            labels,
            np.arange(rows),
            batch_size=lines.batch_size,
            seed=1,
            augmentation=None,
            class_weights=lines.class_weights,
        )
        picture = keras.Input((dimensions,))
        standard = keras.layers.Normalization(
            mean=np.zeros(dimensions), variance=np.ones(dimensions)
        )
        head = attach_head(keras.Model(picture, standard(picture)), recipe.head)
        compile_network(head, lines, len(batches))
        for epoch in range(EPOCHS):
            began, busy = time.perf_counter(), time.process_time()
            head.fit(
                batches,
                initial_epoch=epoch,
                epochs=epoch + 1,
                verbose=0,
                shuffle=False,
                callbacks=[EpochOrder(batches)],
            )
            print(
                f"epoch {epoch + 1} of a head of 256 units: {time.perf_counter() - began:.1f} s "
                f"({time.process_time() - busy:.1f} s of processor time)"
            )


if __name__ == "__main__":
    main()
