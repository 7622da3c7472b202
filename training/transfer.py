"""Training a head on a backbone: features once, the head on them, then both together."""

import time
from dataclasses import dataclass

import keras
import msgspec
import numpy as np
import numpy.typing as npt
from tqdm import tqdm

from keras_detector.errors import DataError
from keras_detector.labelled_directory import Split
from training.backbone_network import Layers, attach_head, build_extractor, set_head
from training.batches import Batches, OrderedBatches
from training.cross_validation import held_out_logits, source_folds
from training.dataset import Dataset
from training.epochs import run_epochs
from training.features import MIRRORED, PLAIN, Features, extract_features
from training.fine_tuning import fine_tune
from training.head import fold, head_logits, solve_logistic, standardisation
from training.network import compile_network
from training.recipe import TransferRecipe
from training.run_directory import RunDirectory, run_identity
from training.seeding import make_deterministic
from training.stopping import AccuracyTargetStopping
from training.strategy import arithmetic
from training.train import HeldOut, Trained, package_versions
from training.web_augmentation import WebAugmentation
from training.weighting import picture_weights

History = dict[str, list[float]]


@dataclass(frozen=True)
class _Head:
    layers: Layers
    history: History
    best_epoch: int
    logits: npt.NDArray[np.float64]


def train_transfer(recipe: TransferRecipe, dataset: Dataset, run: RunDirectory) -> Trained:
    """Train, or go on training, the recipe's head, and the backbone if it says so.

    Args:
        recipe: what to train.
        dataset: on what.
        run: where features and the state of each finished epoch are kept.

    Raises:
        RecipeError: the backbone does not exist or does not fit the recipe.
        RunError: the loss is not finite, or `run` holds the state of another training.
        SaveError: features or state cannot be written.
    """
    began = time.monotonic()
    make_deterministic(recipe.train.seed)
    extractor = build_extractor(recipe.network, recipe.input.size)
    trunk = attach_head(extractor, recipe.head)
    history: History = {name: [] for name in ("loss", "accuracy", "val_loss", "val_accuracy")}
    best_epoch, logits, held_out = 0, None, None
    if recipe.head.kind != "none":
        features = _features(recipe, extractor, dataset, run)
        head = _fit_head(recipe, dataset, features, run)
        set_head(trunk, head.layers)
        history, best_epoch, logits = head.history, head.best_epoch, head.logits
        if recipe.verdict.validation == "sources":
            held_out = _held_out(recipe, dataset, features)
    seconds = time.monotonic() - began
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


def _fit_head(
    recipe: TransferRecipe, dataset: Dataset, features: Features, run: RunDirectory
) -> _Head:
    settings = recipe.train
    weights = dataset.weights(settings.balance, settings.source_weights)
    in_train = np.zeros(len(dataset.labels), dtype=bool)
    in_train[dataset.rows[Split.TRAIN]] = True
    shown = in_train[features.rows] & (recipe.views.plain | (features.views > MIRRORED))
    members = np.flatnonzero(shown)
    history: History
    if recipe.head.kind == "logistic":
        class_weights = np.asarray(settings.class_weights)
        # Each view counts for its share of the picture: `c` means the same for any number of them.
        share = len(dataset.rows[Split.TRAIN]) / len(members)
        rows = features.rows[members]
        labels = dataset.labels[rows]
        layers = solve_logistic(
            features.values[members],
            labels,
            weights[rows] * class_weights[labels] * share,
            recipe.head.c,
        )
        history, best_epoch = {}, 1
    else:
        layers, history, best_epoch = _trained_head(
            recipe, dataset, features, members, weights, run
        )
    used = dataset.used
    logits = np.full(len(dataset.labels), np.nan)
    logits[used] = head_logits(layers, features.of(used, PLAIN))
    if not history:
        for split, prefix in ((Split.TRAIN, ""), (Split.VALIDATION, "val_")):
            rows = dataset.rows[split]
            targets, margin = dataset.labels[rows], logits[rows]
            loss = np.logaddexp(0.0, margin) - targets * margin
            history[f"{prefix}loss"] = [float(loss.mean())]
            history[f"{prefix}accuracy"] = [float(((margin > 0) == targets).mean())]
    if recipe.network.mirror:
        mirrored = np.unique(features.rows[features.views == MIRRORED])
        other = head_logits(layers, features.of(mirrored, MIRRORED))
        logits[mirrored] = (logits[mirrored] + other) / 2
        logits[np.setdiff1d(used, mirrored)] = np.nan  # known of one side only
    return _Head(layers, history, best_epoch, logits)


def _held_out(recipe: TransferRecipe, dataset: Dataset, features: Features) -> HeldOut:
    rows = np.sort(np.concatenate([dataset.rows[Split.TRAIN], dataset.rows[Split.VALIDATION]]))
    labels, groups = dataset.labels[rows], dataset.groups[rows]
    sources = [dataset.sources[row] for row in rows.tolist()]
    seed = recipe.train.seed
    folds = source_folds(labels, groups, sources, seed, one_by_one=False)
    if folds is None:
        raise DataError(
            expected="at least two sources of a class, for verdict.validation = sources",
            received="one of each",
            advice="Put each generator's or camera's pictures into a folder inside its class, or "
            "use --set verdict.validation=split.",
        )
    logits = held_out_logits(
        features.of(rows, PLAIN),
        labels,
        groups,
        sources,
        folds,
        c=recipe.head.c,
        source_weights=recipe.train.source_weights,
        watch=lambda numbers: iter(tqdm(numbers, desc="Held-out sources", disable=None)),
    )
    settings = recipe.train
    weights = picture_weights(
        labels, sources, balance=settings.balance, source_weights=settings.source_weights
    )
    return HeldOut(rows, logits, weights)


def _trained_head(
    recipe: TransferRecipe,
    dataset: Dataset,
    features: Features,
    members: npt.NDArray[np.int64],
    weights: npt.NDArray[np.float64],
    run: RunDirectory,
) -> tuple[Layers, History, int]:
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
    return fold(layers, mean, scale), ended.history, ended.best_epoch


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
