"""Training a head on a backbone: features once, the head on them, then both together."""

import time

import keras
import msgspec
import numpy as np
import numpy.typing as npt

from keras_detector.labelled_directory import Split
from training.backbone_network import attach_head, build_extractor, refuse_unexplained, set_head
from training.dataset import Dataset
from training.feature_head import History, feature_logits, fit_head
from training.features import MIRRORED, PLAIN, Features, extract_features
from training.fine_tuning import fine_tune, first_unfrozen
from training.held_out import held_out_sources
from training.leave_one_source_out import Rounds, leave_one_source_out
from training.recipe import TransferRecipe
from training.run_directory import RunDirectory
from training.seeding import make_deterministic
from training.strategy import arithmetic
from training.train import Trained, package_versions
from training.web_augmentation import WebAugmentation


def train_transfer(
    recipe: TransferRecipe, dataset: Dataset, run: RunDirectory, rounds: Rounds | None
) -> Trained:
    """Train, or go on training, the recipe's head, and the backbone if it says so.

    Args:
        recipe: what to train.
        dataset: on what.
        run: where features and the state of each finished epoch are kept.
        rounds: which sources are left out one by one, each from a head of its own; None for none.

    Raises:
        RecipeError: the backbone does not exist or does not fit the recipe, has no layer of the
            name to unfreeze from, or could not be saved.
        RunError: the loss is not finite, or `run` holds the state of another training.
        SaveError: features or state cannot be written.
    """
    make_deterministic(recipe.train.seed)
    extractor = build_extractor(recipe.network, recipe.input.size)
    trunk = attach_head(extractor, recipe.head)
    refuse_unexplained(trunk)
    if recipe.fine_tune.epochs:  # a layer that is not there is no matter for after the first phase
        first_unfrozen(trunk, recipe.fine_tune)
    history: History = {name: [] for name in ("loss", "accuracy", "val_loss", "val_accuracy")}
    best_epoch, logits, held_out, unseen, seconds = 0, None, None, None, 0.0
    if recipe.head.kind != "none":
        features = _features(recipe, extractor, dataset, run)
        head = fit_head(recipe, dataset, features, run)
        set_head(trunk, head.layers)
        history, best_epoch = head.history, head.best_epoch
        logits, used = np.full(len(dataset.labels), np.nan), dataset.used
        logits[used] = feature_logits(head.layers, features, used, mirror=recipe.network.mirror)
        seconds += features.seconds + head.seconds
        if recipe.verdict.validation == "sources":
            began = time.monotonic()
            held_out = held_out_sources(recipe, dataset, features)
            seconds += time.monotonic() - began
    if recipe.head.kind != "none" and rounds is not None:  # measures; trains nothing that is kept
        unseen = leave_one_source_out(recipe, dataset, features, run, rounds)
    if recipe.fine_tune.epochs:
        tuned = fine_tune(trunk, recipe, recipe.input, dataset, run, package_versions())
        if tuned.best_epoch:
            best_epoch, logits = len(history["loss"]) + tuned.best_epoch, None
        history = {name: [*history[name], *tuned.history[name]] for name in history}
        seconds += tuned.seconds
    return Trained(
        trunk=trunk,
        history=history,
        epochs=len(history["loss"]),
        best_epoch=best_epoch,
        seconds=seconds,
        logits=logits,
        held_out=held_out,
        unseen=unseen,
        precision=recipe.train.precision,
    )


def training_views(
    recipe: TransferRecipe, dataset: Dataset
) -> list[tuple[int, npt.NDArray[np.int64]]]:
    """Which rows the frozen backbone is shown in which view; see `features.extract_features`."""
    views = [(PLAIN, dataset.used)]
    if recipe.network.mirror:
        # A compiled network of fewer bits scores every picture itself: of the kept features only
        # the validation split's are compared with it.
        served = recipe.export.twin != "float32"
        views.append((MIRRORED, dataset.rows[Split.VALIDATION] if served else dataset.used))
    changed = range(MIRRORED + 1, MIRRORED + 1 + recipe.views.augmented)
    return views + [(number, dataset.rows[Split.TRAIN]) for number in changed]


def _features(
    recipe: TransferRecipe, extractor: keras.Model, dataset: Dataset, run: RunDirectory
) -> Features:
    computing = extractor
    if recipe.train.precision != "float32":
        with arithmetic(recipe.train.precision):
            unread = msgspec.structs.replace(recipe.network, weights="none")
            computing = build_extractor(unread, recipe.input.size)
        # Read once: where they were drawn, a second drawing would be another network.
        computing.set_weights(extractor.get_weights())
    return extract_features(
        computing,
        dataset,
        training_views(recipe, dataset),
        spec=recipe.input,
        augmentation=WebAugmentation(recipe.views),
        seed=recipe.train.seed,
        cache=run.features,
    )
