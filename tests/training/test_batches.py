"""Batches: every picture once an epoch, in an order of the seed's, changed as the recipe says."""

import numpy as np
import pytest

from training.augmentation import Augmentation
from training.batches import Batches, OrderedBatches
from training.recipe import load_recipe

NONE = ("augment.flip=false", "augment.rotation=0.0", "augment.zoom=0.0")
PIXELS = np.random.default_rng(0).integers(0, 256, (50, 32, 32, 3), dtype=np.uint8)
LABELS = (np.arange(50) % 2).astype(np.int8)
ROWS = np.arange(0, 50, 2)


def batches(*changes: str, seed: int = 1, rows: np.ndarray = ROWS, **arguments) -> Batches:
    recipe = load_recipe("cnn32", [*NONE, *changes])
    return Batches(
        PIXELS,
        LABELS,
        rows,
        batch_size=8,
        seed=seed,
        augmentation=Augmentation(recipe.augment, 32),
        **{"class_weights": (1.0, 1.0), **arguments},
    )


def epoch_of(source: Batches, epoch: int) -> list[tuple[np.ndarray, ...]]:
    source.epoch = epoch
    return [source[index] for index in range(len(source))]


def pictures(source: Batches, epoch: int) -> np.ndarray:
    return np.concatenate([batch[0] for batch in epoch_of(source, epoch)])


def test_an_epoch_holds_every_chosen_picture_once_and_no_other() -> None:
    seen = pictures(batches(), 0)
    expected = {PIXELS[row].astype(np.float32).tobytes() for row in ROWS}
    assert len(seen) == len(ROWS)
    assert {picture.tobytes() for picture in seen} == expected


def test_the_order_is_new_each_epoch_and_the_same_after_a_resume() -> None:
    first, second = pictures(batches(), 0), pictures(batches(), 1)
    assert not np.array_equal(first, second)
    used = batches()
    epoch_of(used, 0)
    np.testing.assert_array_equal(pictures(used, 1), second)
    assert not np.array_equal(pictures(batches(seed=2), 0), first)


def test_weights_follow_the_class() -> None:
    for _, targets, weights in epoch_of(batches(rows=np.arange(50), class_weights=(1.0, 8.0)), 0):
        np.testing.assert_array_equal(weights, np.where(targets[:, 0] == 1, 8.0, 1.0))


@pytest.mark.parametrize(
    "change",
    ["augment.flip=true", "augment.rotation=0.1", "augment.zoom=0.2", "augment.shift=3"],
)
def test_each_augmentation_changes_pictures_in_range_and_repeats_by_seed(change: str) -> None:
    plain, changed = pictures(batches(), 0), pictures(batches(change), 0)
    assert not np.array_equal(plain, changed)
    assert changed.min() >= 0
    assert changed.max() <= 255
    np.testing.assert_array_equal(pictures(batches(change), 0), changed)


def test_a_flip_is_a_mirror_image_or_nothing() -> None:
    plain, changed = pictures(batches(), 0), pictures(batches("augment.flip=true"), 0)
    mirrored = [not np.array_equal(a, b) for a, b in zip(plain, changed, strict=True)]
    assert 0 < sum(mirrored) < len(mirrored)
    for before, after, was_mirrored in zip(plain, changed, mirrored, strict=True):
        np.testing.assert_array_equal(after, before[:, ::-1] if was_mirrored else before)


def test_cutmix_mixes_targets_by_area() -> None:
    mixed = [
        target
        for _, targets, _ in epoch_of(batches("augment.cutmix=1.0", rows=np.arange(50)), 0)
        for target in targets[:, 0]
    ]
    assert all(0 <= target <= 1 for target in mixed)
    assert any(0.01 < target < 0.99 for target in mixed)


def test_ordered_batches_change_nothing() -> None:
    source = OrderedBatches(PIXELS, LABELS, ROWS)
    seen, targets = source[0]
    np.testing.assert_array_equal(seen, PIXELS[ROWS])
    np.testing.assert_array_equal(targets[:, 0], LABELS[ROWS])
