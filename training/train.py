"""Training from scratch: from a dataset and a recipe to the best epoch's weights."""

from dataclasses import dataclass
from importlib.metadata import version

import keras
import msgspec
import numpy as np
import numpy.typing as npt

from keras_detector.labelled_directory import Split
from training.augmentation import Augmentation
from training.batches import Batches, OrderedBatches
from training.dataset import Dataset
from training.epochs import run_epochs
from training.network import build_trunk, compile_network
from training.recipe import Recipe
from training.recipe_lines import Precision
from training.run_directory import RunDirectory, run_identity
from training.seeding import make_deterministic
from training.stopping import AccuracyTargetStopping
from training.strategy import arithmetic, training_strategy

PACKAGES = ("keras-detector", "keras", "tensorflow", "numpy", "pillow")
"""The packages whose versions a card names and a resumed run must share."""


@dataclass(frozen=True)
class HeldOut:
    """Logits of pictures by heads that never saw their source.

    Attributes:
        rows: int64 (m,), rows of the data set.
        logits: float64 (m,).
        weights: float64 (m,), how much each counts: classes, and their sources, as in training.
    """

    rows: npt.NDArray[np.int64]
    logits: npt.NDArray[np.float64]
    weights: npt.NDArray[np.float64]


@dataclass(frozen=True)
class UnseenSources:
    """Logits of every used picture by heads that did without its source.

    Attributes:
        rows: int64 (m,), rows of the data set.
        logits: float64 (m,).
        left_out: bool (m,), false where the class has no other source: there, the head did without
            the picture and its near copies only.
    """

    rows: npt.NDArray[np.int64]
    logits: npt.NDArray[np.float64]
    left_out: npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Trained:
    """A trained network.

    Attributes:
        trunk: the network, with the best epoch's weights.
        history: Keras's history: `loss`, `accuracy`, `val_loss`, `val_accuracy`.
        epochs: epochs run.
        best_epoch: the epoch whose weights were kept, from 1.
        seconds: time spent training, over all resumed parts.
        logits: float64 (n,), the finished network's logit of each used row of the data set where
            features on the disk already give it; None where the network must be run.
        held_out: of the training and validation pictures, the logit by a head that saw nothing of
            their source; None where the recipe's verdict does not ask for it.
        unseen: what is known of sources left out one by one; None where that was not asked for.
        precision: how the features behind `logits` were computed.
    """

    trunk: keras.Model
    history: dict[str, list[float]]
    epochs: int
    best_epoch: int
    seconds: float
    logits: npt.NDArray[np.float64] | None
    held_out: HeldOut | None = None
    unseen: UnseenSources | None = None
    precision: Precision = "float32"


def package_versions() -> dict[str, str]:
    """Installed versions of `PACKAGES`."""
    return {name: version(name) for name in PACKAGES}


def train(recipe: Recipe, dataset: Dataset, run: RunDirectory) -> Trained:
    """Train, or go on training, the recipe's network.

    Args:
        recipe: what to train.
        dataset: on what.
        run: where the state of each finished epoch is kept.

    Raises:
        RunError: the loss is not finite, or `run` holds the state of another training.
        SaveError: the state cannot be written.
    """
    settings = recipe.train
    make_deterministic(settings.seed)
    strategy = training_strategy()
    train_rows = dataset.rows[Split.TRAIN]
    batches = Batches(
        dataset.pixels,
        dataset.labels,
        train_rows,
        batch_size=settings.batch_size,
        seed=settings.seed,
        augmentation=Augmentation(recipe.augment, recipe.input.size),
        class_weights=settings.class_weights,
        weights=dataset.weights(settings.balance, settings.source_weights),
    )
    with strategy.scope(), arithmetic(settings.precision):
        trunk = build_trunk(recipe)
        compile_network(trunk, settings, len(batches))
    target = None if settings.target_accuracy == "none" else settings.target_accuracy
    ended = run_epochs(
        trunk,
        batches,
        OrderedBatches(dataset.pixels, dataset.labels, dataset.rows[Split.VALIDATION]),
        epochs=settings.epochs,
        stopping=AccuracyTargetStopping(target, patience=settings.patience),
        seed=settings.seed,
        run=run,
        identity=_identity(recipe, dataset),
    )
    # A fresh network: what trained it (optimizer, metrics) has no place in a model file.
    trained = build_trunk(recipe)
    trained.set_weights(ended.best_weights)
    return Trained(
        trunk=trained,
        history=ended.history,
        epochs=len(ended.history["loss"]),
        best_epoch=ended.best_epoch,
        seconds=ended.seconds,
        logits=None,
    )


def _identity(recipe: Recipe, dataset: Dataset) -> str:
    # Not the name, the texts or the verdict lines: they may change without training anew.
    decides = [recipe.input, recipe.network, recipe.data, recipe.augment, recipe.train]
    return run_identity(
        [
            *(msgspec.json.encode(part).decode() for part in decides),
            dataset.fingerprint,
            msgspec.json.encode(package_versions(), order="sorted").decode(),
        ]
    )
