"""Logits of pictures by models that never saw them, nor their near copies, nor their source."""

from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from keras_detector.errors import DataError
from keras_detector.labels import Label
from training.head import head_logits, solve_logistic
from training.weighting import picture_weights

Rows = npt.NDArray[np.int64]

FOLDS = 5


def group_folds(labels: npt.NDArray[np.integer], groups: Rows, seed: int) -> Rows:
    """The fold (n,) of each picture; groups stay whole, classes are spread evenly.

    Raises:
        DataError: too few pictures.
    """
    from sklearn.model_selection import StratifiedGroupKFold

    least = min(len(np.unique(groups[labels == label])) for label in Label)
    if least < FOLDS:
        raise DataError(
            expected=f"at least {FOLDS} different pictures of each class",
            received=f"{least}",
            advice="Add pictures; near copies count once.",
        )
    folds = np.zeros(len(labels), dtype=np.int64)
    splitter = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=seed)
    for number, (_, tested) in enumerate(
        splitter.split(np.zeros((len(labels), 1)), labels, groups)
    ):
        folds[tested] = number
    return folds


def source_folds(
    labels: npt.NDArray[np.integer],
    groups: Rows,
    sources: Sequence[str],
    seed: int,
    *,
    one_by_one: bool,
) -> Rows | None:
    """The fold (n,) of each picture; a source is never in two.

    A class of one source cannot lose it: it is divided by groups.

    Args:
        labels: integers (n,), `Label` values.
        groups: int64 (n,), numbers that near copies share.
        sources: the source of each picture.
        seed: divides classes of one source.
        one_by_one: a fold for every source, instead of at most `FOLDS` of about one size.

    Returns:
        the folds, or None where no class has two sources.
    """
    folds = group_folds(labels, groups, seed)
    used = 0
    for label in Label:
        members = np.flatnonzero(labels == label)
        names = [sources[row] for row in members.tolist()]
        counted = sorted({name: names.count(name) for name in names}.items(), key=lambda c: -c[1])
        if len(counted) < 2:
            continue
        if one_by_one:
            fold_of = {name: used + at for at, (name, _) in enumerate(counted)}
            used += len(counted)
        else:
            sizes = np.zeros(min(FOLDS, len(counted)), dtype=np.int64)
            fold_of = {}
            for name, count in counted:  # the largest first, each to the emptiest fold
                fold_of[name] = int(sizes.argmin())
                sizes[fold_of[name]] += count
            used = max(used, len(sizes))
        folds[members] = [fold_of[name] for name in names]
    return folds if used else None


def outside_of_fold(
    labels: npt.NDArray[np.integer], groups: Rows, tested: npt.NDArray[np.bool_]
) -> Rows:
    """The positions that are trained on while those of bool (n,) `tested` are scored.

    Raises:
        DataError: they are of one class.
    """
    trained = np.flatnonzero(~tested & ~np.isin(groups, groups[tested]))
    if len(np.unique(labels[trained])) < len(Label):
        raise DataError(
            expected="pictures of both classes outside of every fold",
            received="a fold without which one class is missing",
            advice="Add pictures or sources.",
        )
    return trained


def held_out_logits(
    features: npt.NDArray[np.floating],
    labels: npt.NDArray[np.integer],
    groups: Rows,
    sources: Sequence[str],
    folds: Rows,
    *,
    c: float,
    source_weights: Mapping[str, float],
    watch: Callable[[Sequence[int]], Iterator[int]] = iter,
) -> npt.NDArray[np.float64]:
    """The logit of every picture by logistic regression on the other folds.

    What shares a group or, in a fold of whole sources, a source with a tested picture is not
    trained on either. Both classes, and within them all sources, weigh the same but for
    `source_weights`.

    Args:
        features: floats (n, d).
        labels: integers (n,), `Label` values.
        groups: int64 (n,), numbers that near copies share.
        sources: the source of each picture.
        folds: int64 (n,).
        c: of the regression; see `head.solve_logistic`.
        source_weights: source to a factor.
        watch: wraps the folds on their way, to show progress.

    Returns:
        float64 (n,): logits; positive speaks for `Label.FAKE`.

    Raises:
        DataError: without one fold, a class is missing.
    """
    logits = np.full(len(labels), np.nan)
    for fold in watch(np.unique(folds).tolist()):
        tested = folds == fold
        trained = outside_of_fold(labels, groups, tested)
        weights = picture_weights(
            labels[trained],
            [sources[row] for row in trained.tolist()],
            balance="sources",
            source_weights=source_weights,
        )
        layers = solve_logistic(features[trained], labels[trained], weights, c)
        logits[tested] = head_logits(layers, features[tested])
    return logits
