"""`fit --leave-one-source-out`: each source as it looks to a head that was trained without it.

The frozen backbone's features are there already; only the head is fitted again, once a source.
"""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from tqdm import tqdm

from keras_detector.errors import DataError, RecipeError
from keras_detector.labelled_directory import Split
from keras_detector.labels import Label
from keras_detector.printable import examples, printable
from training.cross_validation import source_folds
from training.dataset import Dataset
from training.feature_head import feature_logits, fit_head
from training.features import Features
from training.recipe import AnyRecipe, TransferRecipe
from training.run_directory import RunDirectory, run_identity
from training.seeding import make_deterministic
from training.train import UnseenSources


@dataclass(frozen=True)
class Rounds:
    """Which pictures are scored in which round, by a head that is trained without them.

    Attributes:
        rows: int64 (m,), the used rows of the data set.
        numbers: int64 (m,), the round of each: one for every source of a class that has several.
        left_out: bool (m,), whether the picture's whole source is left out in its round.
        findings: which source cannot be left out and why, a sentence each.
    """

    rows: npt.NDArray[np.int64]
    numbers: npt.NDArray[np.int64]
    left_out: npt.NDArray[np.bool_]
    findings: tuple[str, ...]


def refuse_no_frozen_head(recipe: AnyRecipe) -> None:
    """Refuse a recipe of which every source would mean training the whole network again.

    Raises:
        RecipeError: it has no head on a frozen backbone.
    """
    if isinstance(recipe, TransferRecipe):
        if recipe.head.kind != "none" and not recipe.fine_tune.epochs:
            return
        received = f"head.kind {recipe.head.kind} and fine_tune.epochs {recipe.fine_tune.epochs}"
    else:
        received = f"{recipe.name}, which trains the whole network"
    raise RecipeError(
        expected="a head on a frozen backbone, for --leave-one-source-out",
        received=received,
        advice="Hold sources out with --hold-out SOURCE, one training for each.",
    )


def plan_rounds(dataset: Dataset, seed: int) -> Rounds:
    """Decide which sources are left out one by one; a name in both classes is two sources.

    Args:
        dataset: what is trained on.
        seed: divides a class of one source, whose pictures are left out in parts.

    Raises:
        DataError: no class has two sources, or one has too few pictures; or without one source, a
            class is missing in training or validation.
    """
    rows = dataset.used
    labels, sources = dataset.labels[rows], dataset.sources_of(rows)
    numbers = source_folds(labels, dataset.groups[rows], sources, seed, one_by_one=True)
    if numbers is None:
        raise DataError(
            expected="at least two sources of a class, for --leave-one-source-out",
            received="one of each",
            advice="Put each generator's or camera's pictures into a folder inside its class.",
        )
    for number in np.unique(numbers):
        _rows_without(dataset, rows[numbers == number])
    left_out, findings = np.ones(len(rows), dtype=bool), []
    for label in Label:
        names = {source for source, of in zip(sources, labels, strict=True) if of == label}
        if len(names) == 1:
            left_out[labels == label] = False
            findings.append(
                f"No {label.text} source can be left out, as there is only "
                f"{printable(names.pop())}: its pictures were left out a part at a time."
            )
    return Rounds(rows, numbers, left_out, tuple(findings))


def leave_one_source_out(
    recipe: TransferRecipe,
    dataset: Dataset,
    features: Features,
    run: RunDirectory,
    rounds: Rounds,
) -> UnseenSources:
    """Score every used picture with the recipe's head, fitted without the picture's source.

    Near copies of a scored picture are left out too. The head is fitted as ever: on the training
    split, a trained one stopped by the validation split. A progress bar stands on stderr.

    Args:
        recipe: the head, and how it is fitted.
        dataset: on what.
        features: as `feature_head.fit_head` takes them.
        run: where the state of trained heads is kept.
        rounds: from `plan_rounds`.

    Raises:
        RunError: the loss is not finite, or `run` holds the state of another training.
        SaveError: the state cannot be written.
    """
    # A compact network's mirror images are not all there; its logits are fitted to what it says.
    mirror = recipe.network.mirror and recipe.export.twin == "float32"
    logits = np.empty(len(rounds.rows))
    numbers = np.unique(rounds.numbers)
    for number in tqdm(numbers, desc="Sources left out", unit="head", disable=None):
        scored = rounds.numbers == number
        without = _without(dataset, rounds.rows[scored])
        make_deterministic(recipe.train.seed)  # one beginning for all, whatever was drawn before
        head = fit_head(recipe, without, features, run.phase(f"without_{number}"))
        logits[scored] = feature_logits(head.layers, features, rounds.rows[scored], mirror=mirror)
    return UnseenSources(rounds.rows, logits, rounds.left_out)


def _without(dataset: Dataset, left_out: npt.NDArray[np.int64]) -> Dataset:
    """The data set with these rows as its test split, and training and validation without them."""
    return replace(
        dataset,
        rows=_rows_without(dataset, left_out) | {Split.TEST: left_out},
        fingerprint=run_identity([dataset.fingerprint, *map(str, left_out.tolist())]),
    )


def _rows_without(
    dataset: Dataset, left_out: npt.NDArray[np.int64]
) -> dict[Split, npt.NDArray[np.int64]]:
    copies = np.isin(dataset.groups, dataset.groups[left_out])
    rows = {split: dataset.rows[split] for split in (Split.TRAIN, Split.VALIDATION)}
    rows = {split: members[~copies[members]] for split, members in rows.items()}
    for split, members in rows.items():
        if len(np.unique(dataset.labels[members])) < len(Label):
            source = examples(sorted({dataset.sources[row] for row in left_out}))
            raise DataError(
                expected=f"pictures of both classes in {split.value} without any one source",
                received=f"one class, without {source}",
                advice="Add pictures or sources.",
            )
    return rows
