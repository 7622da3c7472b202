"""Dividing pictures into train, validation and test, whole groups of near copies at a time."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from keras_detector.errors import DataError
from keras_detector.labelled_directory import Split
from keras_detector.labels import Label

Groups = npt.NDArray[np.int64]
"""One group number per picture: shape (n,)."""

SPLITS = tuple(Split)
"""Train, validation, test: from the least to the most protected; a code is a position here."""

_TRAIN, _VALIDATION, _TEST = range(3)


def choose_subset(
    labels: npt.NDArray[np.int8], groups: Groups, size: int, seed: int
) -> npt.NDArray[np.int64]:
    """A balanced subset of `size` pictures: half of each class, drawn group by group.

    Returns:
        int64 (size,): the chosen positions, ascending.

    Raises:
        DataError: `size` is odd, or a class has too few pictures.
    """
    refuse_size(labels, size)
    chosen = []
    for label in Label:
        members = _shuffled(np.flatnonzero(labels == label), groups, [seed, label])
        chosen.append(members[: size // 2])
    return np.sort(np.concatenate(chosen))


def refuse_size(labels: npt.NDArray[np.integer], size: int) -> None:
    """Refuse a subset that pictures of these labels cannot give.

    Raises:
        DataError: `size` is odd, or a class has too few pictures.
    """
    if size % 2:
        raise DataError(
            expected="an even data.dataset_size, half of it a class",
            received=f"{size}",
            advice="Use an even number.",
        )
    for label in Label:
        there = int((labels == label).sum())
        if there < size // 2:
            raise DataError(
                expected=f"{size // 2:,} usable {label.text} pictures for data.dataset_size {size}",
                received=f"{there:,}",
                advice='Lower data.dataset_size, or use "all".',
            )


def assign_splits(
    labels: npt.NDArray[np.int8],
    groups: Groups,
    given: Sequence[Split | None],
    ratios: tuple[float, float, float],
    seed: int,
    *,
    held_out: npt.NDArray[np.bool_] | None = None,
) -> tuple[npt.NDArray[np.int8], int]:
    """Give each picture its split; a group never stands in two.

    Splits that the directory gives are kept; what is missing of validation and test is taken out of
    train, in the proportion of `ratios`. A group that spans given splits moves as a whole to the
    most protected of them: test before validation before train.

    Args:
        labels: int8 (n,), `Label` values; each class is divided by itself.
        groups: int64 (n,).
        given: the split folder of each picture, or None.
        ratios: shares of train, validation and test; they sum to 1.
        seed: the same seed gives the same splits.
        held_out: bool (n,), pictures that go to test whatever the directory says, with their
            groups; the others are divided as if these were not there. None for none.

    Returns:
        int8 (n,), positions in `SPLITS`; and how many pictures moved to another split than given.

    Raises:
        DataError: a split would lack a class.
    """
    wished = np.array([_TRAIN if s is None else SPLITS.index(s) for s in given], dtype=np.int8)
    # of each group the most protected split
    protected = np.zeros(groups.max() + 1, dtype=np.int8)
    np.maximum.at(protected, groups, wished)
    shares = np.array([0.0 if code in wished[wished > 0] else ratios[code] for code in range(3)])
    if held_out is not None:
        wished[held_out] = _TEST
        np.maximum.at(protected, groups, wished)
    splits = protected[groups]
    moved = int((splits != wished).sum())

    shares[_TRAIN] = ratios[_TRAIN]
    bounds = np.cumsum(shares / shares.sum())[:-1]
    # A group of mixed labels goes with its first member, so that it stays whole.
    _, first, inverse = np.unique(groups, return_index=True, return_inverse=True)
    leading = labels[first][inverse]
    for label in Label:
        own = np.flatnonzero((labels == label) & (leading == label) & (splits == _TRAIN))
        members = _shuffled(own, groups, [seed, label, 1])
        sizes = np.bincount(groups[members], minlength=len(protected))
        order = groups[members][np.sort(np.unique(groups[members], return_index=True)[1])]
        middle = (np.cumsum(sizes[order]) - sizes[order] / 2) / max(len(members), 1)
        protected[order] = np.searchsorted(bounds, middle, side="right")
    splits = protected[groups]
    _refuse_lacking(labels, splits)
    return splits, moved


def _shuffled(
    members: npt.NDArray[np.int64], groups: Groups, seed: Sequence[int]
) -> npt.NDArray[np.int64]:
    """Positions in random order of their groups, each group's pictures side by side."""
    names, inverse = np.unique(groups[members], return_inverse=True)
    rank = np.random.default_rng(seed).permutation(len(names))
    return members[np.argsort(rank[inverse], kind="stable")]


def _refuse_lacking(labels: npt.NDArray[np.int8], splits: npt.NDArray[np.int8]) -> None:
    for code, split in enumerate(SPLITS):
        for label in Label:
            if not np.any((splits == code) & (labels == label)):
                raise DataError(
                    expected=f"{label.text} pictures in every split",
                    received=f"none in {split.value}, of {len(labels):,} pictures in all",
                    advice="Add pictures (near copies count once), or change data.split.",
                )
