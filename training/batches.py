"""Feeding packed pictures to `fit`, batch by batch, in an order that only the seed decides."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from keras_detector.labels import Label
from training.augmentation import Augmentation


class Batches(keras.utils.PyDataset):
    """Training batches: shuffled anew each epoch, augmented, weighted by class.

    Set `epoch` before each epoch (`EpochOrder` does).

    Args:
        pixels: uint8 (n, s, s, 3); may be a memory map larger than memory.
        labels: int (n,), `Label` values.
        rows: which pictures; int (m,).
        batch_size: pictures a batch; the last one may be smaller.
        seed: decides order and augmentation, together with the epoch.
        augmentation: applied to every batch.
        class_weights: weight of `real` and of `fake` in the loss; mixed targets get the mix.
    """

    def __init__(
        self,
        pixels: npt.NDArray[np.uint8],
        labels: npt.NDArray[np.int8],
        rows: npt.NDArray[np.int64],
        *,
        batch_size: int,
        seed: int,
        augmentation: Augmentation,
        class_weights: Sequence[float],
    ) -> None:
        super().__init__()
        self._pixels, self._labels, self._rows = pixels, labels, rows
        self._batch_size = batch_size
        self._seed = seed
        self._augmentation = augmentation
        self._weights = np.asarray(class_weights, dtype=np.float32)
        self.epoch = 0
        self._order = (-1, self._rows)

    def __len__(self) -> int:
        return -(-len(self._rows) // self._batch_size)

    def __getitem__(self, index: int) -> tuple[Any, ...]:
        epoch, order = self._order
        if epoch != self.epoch:
            order = np.random.default_rng([self._seed, self.epoch]).permutation(self._rows)
            self._order = (self.epoch, order)
        chosen = order[index * self._batch_size : (index + 1) * self._batch_size]
        pictures, targets = self._augmentation(
            self._pixels[chosen].astype(np.float32),
            self._labels[chosen, np.newaxis].astype(np.float32),
            seed=[self._seed, self.epoch, index],
        )
        real, fake = self._weights[Label.REAL], self._weights[Label.FAKE]
        return pictures, targets, real + (fake - real) * targets[:, 0]


class OrderedBatches(keras.utils.PyDataset):
    """Pictures in the order of `rows`, unchanged: for validation and for scoring.

    Args:
        pixels: uint8 (n, s, s, 3); may be a memory map larger than memory.
        labels: int (n,), `Label` values.
        rows: which pictures; int (m,).
    """

    BATCH_SIZE = 256

    def __init__(
        self,
        pixels: npt.NDArray[np.uint8],
        labels: npt.NDArray[np.int8],
        rows: npt.NDArray[np.int64],
    ) -> None:
        super().__init__()
        self._pixels, self._labels, self._rows = pixels, labels, rows

    def __len__(self) -> int:
        return -(-len(self._rows) // self.BATCH_SIZE)

    def __getitem__(self, index: int) -> tuple[Any, ...]:
        chosen = self._rows[index * self.BATCH_SIZE : (index + 1) * self.BATCH_SIZE]
        return (
            self._pixels[chosen].astype(np.float32),
            self._labels[chosen, np.newaxis].astype(np.float32),
        )


class EpochOrder(keras.callbacks.Callback):
    """Tells `Batches` which epoch begins."""

    def __init__(self, batches: Batches) -> None:
        super().__init__()
        self._batches = batches

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Called by Keras."""
        self._batches.epoch = epoch
