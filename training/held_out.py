"""`verdict.validation = "sources"`: every picture's logit by a head that never saw its source."""

import numpy as np
import numpy.typing as npt
from tqdm import tqdm

from keras_detector.errors import DataError
from training.cross_validation import held_out_logits, outside_of_fold, source_folds
from training.dataset import Dataset
from training.features import PLAIN, Features
from training.recipe import TransferRecipe
from training.train import HeldOut
from training.verdict_rows import verdict_rows
from training.weighting import picture_weights


def source_plan(dataset: Dataset, rows: npt.NDArray[np.int64], seed: int) -> npt.NDArray[np.int64]:
    """Decide which sources are held out together; it takes no features.

    Args:
        dataset: what is trained on.
        rows: int64 (m,), from `verdict_rows`.
        seed: divides a class of one source.

    Returns:
        int64 (m,), the fold of each row: its pictures are scored by a head that is fitted without
        them.

    Raises:
        DataError: no class has two sources, or without one fold too little is left of a class.
    """
    labels, groups = dataset.labels[rows], dataset.groups[rows]
    folds = source_folds(labels, groups, dataset.sources_of(rows), seed, one_by_one=False)
    if folds is None:
        raise DataError(
            expected="at least two sources of a class, for verdict.validation = sources",
            received="one of each",
            advice="Put each generator's or camera's pictures into a folder inside its class, or "
            "use --set verdict.validation=split.",
        )
    for fold in np.unique(folds):
        outside_of_fold(labels, groups, folds == fold)
    return folds


def held_out_sources(recipe: TransferRecipe, dataset: Dataset, features: Features) -> HeldOut:
    """Fit the recipe's head once a fold, and score what it was fitted without.

    Args:
        recipe: `recipe_check` sees to it that its own head is fitted as these are.
        dataset: on what.
        features: of the plain training and validation splits.

    Raises:
        DataError: as `source_plan`.
    """
    settings = recipe.train
    rows = verdict_rows(dataset, recipe.verdict, recipe.export)
    folds = source_plan(dataset, rows, settings.seed)
    labels, sources = dataset.labels[rows], dataset.sources_of(rows)
    logits = held_out_logits(
        features.of(rows, PLAIN),
        labels,
        dataset.groups[rows],
        sources,
        folds,
        c=recipe.head.c,
        source_weights=settings.source_weights,
        watch=lambda numbers: iter(tqdm(numbers, desc="Held-out sources", disable=None)),
    )
    weights = picture_weights(
        labels, sources, balance=settings.balance, source_weights=settings.source_weights
    )
    return HeldOut(rows, logits, weights)
