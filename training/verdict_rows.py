"""Which pictures calibration, threshold and band are fitted on, and which ones are measured."""

import numpy as np
import numpy.typing as npt

from keras_detector.labelled_directory import Split
from keras_detector.labels import Label
from training.dataset import Dataset
from training.recipe_lines import ExportLines, VerdictLines

Rows = npt.NDArray[np.int64]

SERVED_PICTURES = 500
"""A compact network scores every picture itself: at most so many of a split, evenly spread."""


def verdict_rows(dataset: Dataset, verdict: VerdictLines, export: ExportLines) -> Rows:
    """The rows that a recipe's verdict is fitted on, ascending."""
    if verdict.validation == "sources":
        return np.sort(np.concatenate([dataset.rows[Split.TRAIN], dataset.rows[Split.VALIDATION]]))
    return measured_rows(dataset, Split.VALIDATION, export)


def measured_rows(dataset: Dataset, split: Split, export: ExportLines) -> Rows:
    """The rows of a split that the finished network scores."""
    rows = dataset.rows[split]
    return rows if export.twin == "float32" else spread(rows, dataset.labels, SERVED_PICTURES)


def spread(rows: Rows, labels: npt.NDArray[np.integer], at_most: int) -> Rows:
    """Some of the rows, evenly spread over each class, the classes in proportion.

    Args:
        rows: int64 (m,), ascending.
        labels: integers, the label of every row there is.
        at_most: how many; 2 at the least.

    Returns:
        int64, ascending; of a class that is among `rows`, one at the least.
    """
    if len(rows) <= at_most:
        return rows
    reals, fakes = (rows[labels[rows] == label] for label in (Label.REAL, Label.FAKE))
    n_real = round(at_most * len(reals) / len(rows))
    n_real = min(max(n_real, bool(len(reals))), at_most - bool(len(fakes)))
    kept = [
        members[np.linspace(0, len(members) - 1, count).astype(np.int64)]
        for members, count in ((reals, n_real), (fakes, at_most - n_real))
    ]
    return np.sort(np.concatenate(kept))
