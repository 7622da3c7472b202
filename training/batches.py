"""Feeding packed pictures or features to `fit`, in an order that only the seed decides."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from keras_detector.errors import DetectorError
from keras_detector.labels import Label
from training.augmentation import Augmentation


class Batches(keras.utils.PyDataset):
    """Training batches: shuffled anew each epoch, augmented, weighted by class.

    Set `epoch` before each epoch (`EpochOrder` does). What kept a batch from being made is `error`,
    None while nothing did.

    Args:
        pixels: uint8 (n, s, s, 3), or features of any shape (n, ...); may be a memory map larger
            than memory.
        labels: int (n,), `Label` values.
        rows: which pictures; int (m,).
        batch_size: pictures a batch; the last one may be smaller.
        seed: decides order and augmentation, together with the epoch.
        augmentation: applied to every batch; None changes nothing.
        class_weights: weight of `real` and of `fake` in the loss; mixed targets get the mix.
        weights: float (n,), a factor on that for each picture; None for 1.
    """

    def __init__(
        self,
        pixels: npt.NDArray[Any],
        labels: npt.NDArray[np.int8],
        rows: npt.NDArray[np.int64],
        *,
        batch_size: int,
        seed: int,
        augmentation: Augmentation | None,
        class_weights: Sequence[float],
        weights: npt.NDArray[np.floating] | None = None,
    ) -> None:
        super().__init__()
        self._pixels, self._labels, self._rows = pixels, labels, rows
        self._batch_size = batch_size
        self._seed = seed
        self._augmentation = augmentation
        self._class_weights = np.asarray(class_weights, dtype=np.float32)
        self._weights = None if weights is None else np.asarray(weights, dtype=np.float32)
        self.epoch = 0
        # TensorFlow, which asks for the batches, makes errors of its own of what is raised here.
        self.error: DetectorError | None = None
        self._order = (-1, self._rows)

    def __len__(self) -> int:
        return -(-len(self._rows) // self._batch_size)

    def __getitem__(self, index: int) -> tuple[Any, ...]:
        epoch, order = self._order
        if epoch != self.epoch:
            order = np.random.default_rng([self._seed, self.epoch]).permutation(self._rows)
            self._order = (self.epoch, order)
        chosen = order[index * self._batch_size : (index + 1) * self._batch_size]
        targets = self._labels[chosen, np.newaxis].astype(np.float32)
        pictures = self._pictures(chosen)
        if self._augmentation is not None:
            seed = [self._seed, self.epoch, index]
            pictures, targets = self._augmentation(pictures, targets, seed=seed)
        real, fake = self._class_weights[Label.REAL], self._class_weights[Label.FAKE]
        weights = real + (fake - real) * targets[:, 0]
        return (
            pictures,
            targets,
            weights if self._weights is None else weights * self._weights[chosen],
        )

    def _pictures(self, chosen: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
        return self._pixels[chosen].astype(np.float32)


class OrderedBatches(keras.utils.PyDataset):
    """Pictures in the order of `rows`, unchanged: for validation and for scoring.

    Args:
        pixels: uint8 (n, s, s, 3), or features (n, ...); may be a memory map larger than memory.
        labels: int (n,), `Label` values.
        rows: which pictures; int (m,).
    """

    MAX_BATCH_SIZE = 256
    BATCH_PIXELS = 2**20
    """Values a batch of large pictures holds at the most, of one colour: memory is bounded."""

    def __init__(
        self,
        pixels: npt.NDArray[Any],
        labels: npt.NDArray[np.int8],
        rows: npt.NDArray[np.int64],
    ) -> None:
        super().__init__()
        self._pixels, self._labels, self._rows = pixels, labels, rows
        size = int(np.prod(pixels.shape[1:3]))
        self.batch_size = max(1, min(self.MAX_BATCH_SIZE, self.BATCH_PIXELS // size))

    def __len__(self) -> int:
        return -(-len(self._rows) // self.batch_size)

    def __getitem__(self, index: int) -> tuple[Any, ...]:
        chosen = self._rows[index * self.batch_size : (index + 1) * self.batch_size]
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
