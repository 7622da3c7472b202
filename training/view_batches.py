"""Fine-tuning's batches: each picture decoded and changed anew every epoch, as the web does."""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import numpy.typing as npt

from keras_detector.card import InputSpec
from keras_detector.errors import DetectorError
from keras_detector.images import fit
from keras_detector.pixels import Pixels
from training.batches import Batches
from training.dataset import Dataset
from training.reread import reread
from training.web_augmentation import WebAugmentation


class ViewBatches(Batches):
    """`Batches` of changed views; the same seed and epoch give the same ones.

    Args:
        dataset: the pictures.
        rows: which of them; int (m,).
        spec: what the network sees.
        change: how a view differs from its picture.
        batch_size: pictures a batch; the last one may be smaller.
        seed: decides order and views, together with the epoch.
        class_weights: weight of `real` and of `fake` in the loss.
        weights: float (n,), a factor on that for each picture.
    """

    def __init__(
        self,
        dataset: Dataset,
        rows: npt.NDArray[np.int64],
        *,
        spec: InputSpec,
        change: WebAugmentation,
        batch_size: int,
        seed: int,
        class_weights: Sequence[float],
        weights: npt.NDArray[np.floating],
    ) -> None:
        super().__init__(
            dataset.pixels,
            dataset.labels,
            rows,
            batch_size=batch_size,
            seed=seed,
            augmentation=None,
            class_weights=class_weights,
            weights=weights,
        )
        self._paths, self._spec, self._change = dataset.paths, spec, change
        # Pillow and OpenCV let other threads run while they work.
        self._pool = ThreadPoolExecutor(os.cpu_count() or 1)

    def _pictures(self, chosen: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
        try:
            views = list(self._pool.map(self._view, chosen))
        except DetectorError as error:
            self.error = error
            raise
        return np.stack(views).astype(np.float32)

    def _view(self, row: np.int64) -> Pixels:
        pixels = reread(self._paths[row])
        return fit(self._change(pixels, [self._seed, self.epoch, int(row)]), self._spec)
