"""Splits: by group, by class, in the wished shares, as the directory says."""

import numpy as np
import pytest

from keras_detector.errors import DataError
from keras_detector.labelled_directory import Split
from training.split import SPLITS, assign_splits, choose_subset

RATIOS = (0.7, 0.2, 0.1)
NOT_GIVEN = [None]


def labels_of(real: int, fake: int) -> np.ndarray:
    return np.array([0] * real + [1] * fake, np.int8)


def shares(splits: np.ndarray) -> list[float]:
    return [float((splits == code).mean()) for code in range(3)]


def test_the_shares_are_as_wished_in_each_class() -> None:
    labels = labels_of(1000, 500)
    splits, moved = assign_splits(labels, np.arange(1500), NOT_GIVEN * 1500, RATIOS, 1)
    assert moved == 0
    for label in (0, 1):
        np.testing.assert_allclose(shares(splits[labels == label]), RATIOS, atol=0.002)


def test_groups_are_never_divided_and_the_shares_still_hold() -> None:
    rng = np.random.default_rng(0)
    labels = labels_of(2000, 2000)
    groups = np.concatenate([rng.integers(0, 400, 2000), rng.integers(400, 800, 2000)])
    splits, _ = assign_splits(labels, groups, NOT_GIVEN * 4000, RATIOS, 3)
    for group in range(800):
        assert len(np.unique(splits[groups == group])) <= 1
    np.testing.assert_allclose(shares(splits), RATIOS, atol=0.02)


def test_a_group_with_both_labels_stays_whole() -> None:
    labels = labels_of(50, 50)
    groups = np.arange(100)
    groups[50:60] = np.arange(10)
    splits, _ = assign_splits(labels, groups, NOT_GIVEN * 100, RATIOS, 0)
    assert (splits[50:60] == splits[:10]).all()


def test_the_seed_decides() -> None:
    labels = labels_of(200, 200)

    def split(seed: int) -> list[int]:
        return assign_splits(labels, np.arange(400), NOT_GIVEN * 400, RATIOS, seed)[0].tolist()

    assert split(1) == split(1)
    assert split(1) != split(2)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ((Split.TRAIN, Split.VALIDATION, Split.TEST), [100, 100, 100]),
        ((Split.TRAIN, Split.TRAIN, Split.TEST), [156, 44, 100]),
        ((Split.TRAIN, Split.TRAIN, Split.VALIDATION), [175, 100, 25]),
        ((Split.TRAIN, Split.TRAIN, Split.TRAIN), [210, 60, 30]),
    ],
)
def test_given_splits_are_kept_and_the_missing_ones_come_out_of_train(
    given: tuple[Split, ...], expected: list[int]
) -> None:
    labels = np.tile([0, 1], 150).astype(np.int8)
    wished = [split for split in given for _ in range(100)]
    splits, moved = assign_splits(labels, np.arange(300), wished, RATIOS, 0)
    assert moved == 0
    counts = [int((splits == code).sum()) for code in range(3)]
    np.testing.assert_allclose(counts, expected, atol=2)
    for code, split in enumerate(SPLITS):
        if split is not Split.TRAIN:
            assert all(splits[i] == code for i, s in enumerate(wished) if s is split)


def test_a_copy_across_given_splits_moves_to_the_protected_one_and_is_counted() -> None:
    labels = np.tile([0, 1], 30).astype(np.int8)
    given = [Split.TRAIN] * 40 + [Split.TEST] * 20
    groups = np.arange(60)
    groups[0], groups[1] = groups[40], groups[41]
    splits, moved = assign_splits(labels, groups, given, RATIOS, 0)
    assert moved == 2
    assert SPLITS[splits[0]] is SPLITS[splits[1]] is Split.TEST


@pytest.mark.parametrize("real", [1, 2])
def test_too_few_pictures_for_three_splits_are_refused(real: int) -> None:
    with pytest.raises(DataError, match="real pictures in every split"):
        assign_splits(labels_of(real, 50), np.arange(real + 50), NOT_GIVEN * (real + 50), RATIOS, 0)


def test_many_copies_of_one_picture_are_one_picture() -> None:
    groups = np.concatenate([np.zeros(50, int), np.arange(1, 51)])
    with pytest.raises(DataError, match="near copies count once"):
        assign_splits(labels_of(50, 50), groups, NOT_GIVEN * 100, RATIOS, 0)


def test_a_subset_is_balanced_and_the_seed_decides() -> None:
    labels = labels_of(300, 100)
    first = choose_subset(labels, np.arange(400), 60, 1)
    assert labels[first].sum() == 30
    assert len(first) == 60
    assert first.tolist() == choose_subset(labels, np.arange(400), 60, 1).tolist()
    assert first.tolist() != choose_subset(labels, np.arange(400), 60, 2).tolist()


@pytest.mark.parametrize("size", [202, 31])
def test_a_subset_that_cannot_be_drawn_is_refused(size: int) -> None:
    with pytest.raises(DataError, match="dataset_size"):
        choose_subset(labels_of(300, 100), np.arange(400), size, 1)


def test_what_is_held_out_is_tested_on_with_its_copies_and_the_rest_is_divided_as_ever() -> None:
    labels = np.tile([0, 1], 150).astype(np.int8)
    groups = np.arange(300)
    groups[250] = groups[0]
    held_out = np.arange(300) >= 240
    splits, moved = assign_splits(labels, groups, NOT_GIVEN * 300, RATIOS, 0, held_out=held_out)
    assert all(SPLITS[code] is Split.TEST for code in splits[held_out])
    assert SPLITS[splits[0]] is Split.TEST
    assert moved == 1
    np.testing.assert_allclose(shares(splits[1:240]), RATIOS, atol=0.01)
