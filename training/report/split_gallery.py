"""The pictures that the report of a training run shows, out of one split."""

import numpy as np
import numpy.typing as npt

from keras_detector import images
from keras_detector.card import Threshold
from keras_detector.printable import printable
from keras_detector.ranking import Scores
from training.dataset import Dataset
from training.report.gallery import Gallery, Heatmap, hang_gallery

_SHOWN_PARTS = 3
"""Of a path: the file, its source, its class."""


def hang_split(
    dataset: Dataset,
    rows: npt.NDArray[np.int64],
    scores: Scores,
    threshold: Threshold,
    heatmap: Heatmap,
) -> Gallery:
    """Choose pictures of a split and make them small.

    Args:
        dataset: holds the pictures' paths, labels and sources.
        rows: the split's rows in it, n of them.
        scores: floats of shape (n,), 0 to 1.
        threshold: where a score becomes fake.
        heatmap: draws the network's activation map over the pixels.
    """
    paths = [dataset.paths[row] for row in rows]
    return hang_gallery(
        dataset.labels[rows],
        scores,
        threshold,
        paths=[printable("/".join(path.parts[-_SHOWN_PARTS:])) for path in paths],
        sources=[dataset.sources[row] for row in rows],
        load=lambda index: images.decode(paths[index]),
        heatmap=heatmap,
    )
