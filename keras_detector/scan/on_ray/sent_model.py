"""A model on its way to the machines of a cluster."""

import tempfile
from pathlib import Path
from typing import NamedTuple, Self

import numpy as np
import numpy.typing as npt

from keras_detector.card import Card
from keras_detector.model_file import ModelFile, write_detector_file
from keras_detector.scan.judge import ScanJudge
from keras_detector.strictness import Strictness


class SentModel(NamedTuple):
    """What a verdict needs of a model.

    Attributes:
        card: the model's card.
        twin: the bytes of its twin, uint8 of shape (n,); as an array, so that those who judge on
            one machine can share it in memory.
    """

    card: Card
    twin: npt.NDArray[np.uint8]

    @classmethod
    def of(cls, model: ModelFile) -> Self:
        """Of a verified model; nothing is copied."""
        return cls(model.card, np.frombuffer(model.twin, np.uint8))

    def make_judge(self, strictness: Strictness) -> ScanJudge:
        """A judge, which verifies the model again.

        Raises:
            SaveError: there is no room for the file that it is read from.
            ModelFileError: it did not arrive as it was.
        """
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "model.detector"
            write_detector_file(path, ModelFile(path, self.card, self.twin.tobytes()))
            return ScanJudge(path, strictness)
