"""One model of a comparison: what its card says, what it costs, what it does on a directory."""

from dataclasses import dataclass
from pathlib import Path

from keras_detector.card import Card
from keras_detector.detector import Detector
from keras_detector.judged_directory import JudgedDirectory, Watcher, judge_directory
from keras_detector.model_file import read_model_file
from keras_detector.runtime import Runtime
from training.inference_time import Duration, time_network


@dataclass(frozen=True)
class Experiment:
    """One model of a comparison.

    Attributes:
        path: its file.
        card: what the file says.
        n_bytes: size of the file, with the twin beside it where there is one.
        network: the compiled network's time for one picture, alone and warm.
        judged: what it says of the directory that all are measured on; None for none.
    """

    path: Path
    card: Card
    n_bytes: int
    network: Duration
    judged: JudgedDirectory | None


def examine(path: Path, root: Path | None, watch: Watcher = iter) -> Experiment:
    """Read a model, time it, and measure it on a directory.

    Args:
        path: the model file.
        root: a labelled directory, or None for none.
        watch: wraps the pictures on their way, to show progress.

    Raises:
        ModelFileError: the file is not ours, was changed, or is broken.
        DataError: the directory is not labelled as we expect, or nothing in it can be read.
    """
    model = read_model_file(path)
    beside = path.with_suffix(".tflite")
    is_beside = model.card.twin.place == "beside"
    network = time_network(Runtime(model.twin, model.card.input), model.card.input.size)
    return Experiment(
        path=path,
        card=model.card,
        n_bytes=path.stat().st_size + (beside.stat().st_size if is_beside else 0),
        network=network,
        judged=None if root is None else judge_directory(Detector(path), root, watch),
    )
