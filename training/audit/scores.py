"""How well features tell the label: scores of pictures that the model behind them has not seen."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from keras_detector.labels import Label
from training.audit.features import Feature, Floats, column_positions

Labels = npt.NDArray[np.int64]
Folds = list[tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]]
"""Pairs of rows to learn from and rows to score; every row is scored once."""

MAX_FOLDS = 5

_GUESS = 0.5
# Stands for "does not apply"; every measured number is 0 or more.
_NOTHING = -1.0


def make_folds(labels: Labels, groups: npt.NDArray[np.int64], seed: int) -> Folds:
    """Folds in which a group is never on both sides, and classes are as even as that allows.

    Args:
        labels: integers (n,), `Label` values.
        groups: integers (n,), at least two for each label.
        seed: shuffles the groups.
    """
    from sklearn.model_selection import StratifiedGroupKFold

    count = min(MAX_FOLDS, *(len(np.unique(groups[labels == label])) for label in Label))
    splitter = StratifiedGroupKFold(count, shuffle=True, random_state=seed)
    return list(splitter.split(np.zeros(len(labels)), labels, groups))


def model_scores(
    rows: Floats, labels: Labels, folds: Folds, features: Sequence[Feature], seed: int
) -> Floats:
    """Scores (n,) of gradient boosted trees on all of some features, each from its own fold."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    model = HistGradientBoostingClassifier(
        max_iter=80,
        max_leaf_nodes=15,
        min_samples_leaf=_leaf(len(labels), most=20),
        l2_regularization=1.0,
        early_stopping=False,
        class_weight="balanced",
        random_state=seed,
    )
    return _out_of_fold(model, rows[:, column_positions(features)], labels, folds)


def feature_scores(
    rows: Floats, labels: Labels, folds: Folds, feature: Feature, seed: int
) -> Floats:
    """Scores (n,) of a small decision tree on one feature, each from its own fold.

    A tree, not the value itself: a feature also tells when one class lies in the middle.
    """
    from sklearn.tree import DecisionTreeClassifier

    model = DecisionTreeClassifier(
        max_leaf_nodes=8,
        min_samples_leaf=_leaf(len(labels), most=50),
        class_weight="balanced",
        random_state=seed,
    )
    return _out_of_fold(model, rows[:, column_positions([feature])], labels, folds)


def shown_value(rows: Floats, feature: Feature) -> str:
    """What a feature usually is: its most common name with its share, or median and quartiles.

    Args:
        rows: what was measured of some pictures.
        feature: the feature.
    """
    values = rows[:, column_positions([feature])[0]]
    values = values[~np.isnan(values)]
    if not len(values):
        return "-"
    if feature.names:
        codes, counts = np.unique(values, return_counts=True)
        most = int(counts.argmax())
        # of all pictures: a PNG has no chroma subsampling
        return f"{feature.names[int(codes[most])]} {counts[most] / len(rows):.0%}"
    low, middle, high = np.percentile(values, [25, 50, 75])
    digits = feature.decimals
    if low == high:
        return f"{middle:.{digits}f}"
    return f"{middle:.{digits}f} ({low:.{digits}f} to {high:.{digits}f})"


def _leaf(n: int, most: int) -> int:
    return max(2, min(most, n // 20))


def _out_of_fold(model: Any, columns: Floats, labels: Labels, folds: Folds) -> Floats:
    scores = np.full(len(labels), _GUESS)
    columns = np.nan_to_num(columns, nan=_NOTHING)
    columns = columns[:, (columns != columns[0]).any(axis=0)]
    if not columns.shape[1]:
        return scores
    for learn, judge in folds:
        if len(np.unique(labels[learn])) == len(Label):
            model.fit(columns[learn], labels[learn])
            scores[judge] = model.predict_proba(columns[judge])[:, Label.FAKE]
    # what tells nothing gets equal scores in every fold, but for the last bits
    return np.round(scores, 9)
