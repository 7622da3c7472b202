"""The first phase of transfer learning: a head on what a frozen backbone makes of pictures."""

import time
from dataclasses import dataclass

import keras
import msgspec
import numpy as np
import numpy.typing as npt

from keras_detector.labelled_directory import Split
from training.backbone_network import Layers, attach_head
from training.batches import Batches, OrderedBatches
from training.dataset import Dataset
from training.epochs import run_epochs
from training.features import MIRRORED, PLAIN, Features
from training.head import fold, head_logits, solve_logistic, standardisation
from training.network import compile_network
from training.recipe import TransferRecipe
from training.run_directory import RunDirectory, run_identity
from training.stopping import AccuracyTargetStopping
from training.strategy import arithmetic
from training.train import package_versions

History = dict[str, list[float]]


@dataclass(frozen=True)
class Head:
    """A head that was solved or trained.

    Attributes:
        layers: take features as they are.
        history: Keras's history; of a solved head, one epoch.
        best_epoch: the epoch whose weights these are, from 1.
        seconds: what finding it took, over all resumed parts.
    """

    layers: Layers
    history: History
    best_epoch: int
    seconds: float


def fit_head(
    recipe: TransferRecipe, dataset: Dataset, features: Features, run: RunDirectory
) -> Head:
    """Solve or train the recipe's head on the training split's views.

    Args:
        recipe: its `head.kind` is not `"none"`.
        dataset: whose splits are used.
        features: of every view of the training split, and the plain validation split.
        run: where the state of each finished epoch of a trained head is kept.

    Raises:
        RunError: the loss is not finite, or `run` holds the state of another training.
        SaveError: the state cannot be written.
    """
    began = time.monotonic()
    in_train = np.isin(features.rows, dataset.rows[Split.TRAIN])
    shown = in_train & ((features.views > MIRRORED) | recipe.views.plain)
    members = np.flatnonzero(shown)
    weights = dataset.weights(recipe.train.balance, recipe.train.source_weights)
    if recipe.head.kind == "trained":
        return _trained_head(recipe, dataset, features, members, weights, run)
    # Each view counts for its share of the picture: `c` means the same for any number of them.
    share = len(dataset.rows[Split.TRAIN]) / len(members)
    rows = features.rows[members]
    labels = dataset.labels[rows]
    class_weights = np.asarray(recipe.train.class_weights)
    layers = solve_logistic(
        features.values[members],
        labels,
        weights[rows] * class_weights[labels] * share,
        recipe.head.c,
    )
    history: History = {}
    for split, prefix in ((Split.TRAIN, ""), (Split.VALIDATION, "val_")):
        rows = dataset.rows[split]
        targets, margin = dataset.labels[rows], feature_logits(layers, features, rows, mirror=False)
        loss = np.logaddexp(0.0, margin) - targets * margin
        history[f"{prefix}loss"] = [float(loss.mean())]
        history[f"{prefix}accuracy"] = [float(((margin > 0) == targets).mean())]
    return Head(layers, history, 1, time.monotonic() - began)


def feature_logits(
    layers: Layers, features: Features, rows: npt.NDArray[np.int64], *, mirror: bool
) -> npt.NDArray[np.float64]:
    """The logits (n,) of `rows`, each of which must be there in the plain view.

    Args:
        layers: the head.
        features: of a frozen backbone.
        rows: int64 (n,).
        mirror: average over picture and mirror image; NaN where no mirror image is there.
    """
    logits = head_logits(layers, features.of(rows, PLAIN))
    if not mirror:
        return logits
    mirrored = np.isin(rows, features.rows[features.views == MIRRORED])
    other = head_logits(layers, features.of(rows[mirrored], MIRRORED))
    logits[mirrored] = (logits[mirrored] + other) / 2
    logits[~mirrored] = np.nan
    return logits


def _trained_head(
    recipe: TransferRecipe,
    dataset: Dataset,
    features: Features,
    members: npt.NDArray[np.int64],
    weights: npt.NDArray[np.float64],
    run: RunDirectory,
) -> Head:
    settings = recipe.train
    mean, scale = standardisation(features.values[members])
    labels = dataset.labels[features.rows].astype(np.int8)
    batches = Batches(
        features.values,
        labels,
        members,
        batch_size=settings.batch_size,
        seed=settings.seed,
        augmentation=None,
        class_weights=settings.class_weights,
        weights=weights[features.rows],
    )
    in_validation = np.isin(features.rows, dataset.rows[Split.VALIDATION])
    validation = np.flatnonzero(in_validation & (features.views == PLAIN))
    with arithmetic(settings.precision):
        picture = keras.Input((features.values.shape[1],))
        standard = keras.layers.Normalization(mean=mean, variance=scale**2, dtype="float32")
        head = attach_head(keras.Model(picture, standard(picture)), recipe.head)
        compile_network(head, settings, len(batches))
    target = None if settings.target_accuracy == "none" else settings.target_accuracy
    ended = run_epochs(
        head,
        batches,
        OrderedBatches(features.values, labels, validation),
        epochs=settings.epochs,
        stopping=AccuracyTargetStopping(target, patience=settings.patience),
        seed=settings.seed,
        run=run,
        identity=_identity(recipe, dataset),
    )
    head.set_weights(ended.best_weights)
    dense = [layer for layer in head.layers if isinstance(layer, keras.layers.Dense)]
    found = [tuple(np.asarray(w, np.float64) for w in layer.get_weights()) for layer in dense]
    layers = [(kernel, bias) for kernel, bias in found]
    return Head(fold(layers, mean, scale), ended.history, ended.best_epoch, ended.seconds)


def _identity(recipe: TransferRecipe, dataset: Dataset) -> str:
    # Not the texts, the verdict or the fine-tuning lines: they play no part in the head.
    decides = [
        recipe.input,
        recipe.network,
        recipe.data,
        recipe.views,
        recipe.head,
        recipe.train,
    ]
    return run_identity(
        [
            *(msgspec.json.encode(part).decode() for part in decides),
            dataset.fingerprint,
            msgspec.json.encode(package_versions(), order="sorted").decode(),
        ]
    )
