"""A labelled directory as one model judges it, picture by picture."""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from keras_detector.detector import Detector
from keras_detector.errors import DataError, ImageError
from keras_detector.figures import Figures, SourceFigures
from keras_detector.labelled_directory import LabelledPicture, read_labelled_directory
from keras_detector.labels import Verdict
from keras_detector.measure import measure, measure_sources
from keras_detector.printable import printable


@dataclass(frozen=True)
class JudgedDirectory:
    """What a model says of a labelled directory.

    Attributes:
        name: the directory's, printable.
        pictures: those that could be read, n of them.
        labels: int64 (n,), `Label` values.
        scores: float64 (n,), 0 to 1.
        seconds: float64 (n,), from file to verdict.
        figures: over all of them; splits in the directory are taken together.
        per_source: source name to its figures.
        unreadable: paths that could not be read, and why; they count in no figure.
        findings: what the directory held besides pictures, a sentence each.
    """

    name: str
    pictures: tuple[LabelledPicture, ...]
    labels: npt.NDArray[np.int64]
    scores: npt.NDArray[np.float64]
    seconds: npt.NDArray[np.float64]
    figures: Figures
    per_source: dict[str, SourceFigures]
    unreadable: dict[Path, str]
    findings: tuple[str, ...]


Watcher = Callable[[Iterable[LabelledPicture]], Iterable[LabelledPicture]]


def judge_directory(detector: Detector, root: Path, watch: Watcher = iter) -> JudgedDirectory:
    """Judge every picture of a labelled directory with the compiled twin.

    Args:
        detector: the model.
        root: a labelled directory.
        watch: wraps the pictures on their way, to show progress.

    Raises:
        DataError: the directory is not labelled as we expect, or nothing in it can be read.
    """
    directory = read_labelled_directory(root)
    judged, scores, seconds, undetermined = [], [], [], []
    unreadable: dict[Path, str] = {}
    for picture in watch(directory.pictures):
        began = time.perf_counter()
        try:
            prediction = detector.judge(picture.path)
        except ImageError as error:
            unreadable[picture.path] = str(error)
            continue
        seconds.append(time.perf_counter() - began)
        judged.append(picture)
        scores.append(prediction.score)
        undetermined.append(prediction.verdict is Verdict.UNDETERMINED)
    if not judged:
        raise DataError(
            expected="at least one readable picture",
            received=f"{len(unreadable)} unreadable ones in {printable(root)}",
            advice=f"The first says: {next(iter(unreadable.values()))}",
        )
    threshold = detector.threshold
    labels, score_array = np.array([p.label for p in judged], np.int64), np.array(scores)
    abstained = np.array(undetermined)
    return JudgedDirectory(
        name=printable(root.resolve().name) or "directory",
        pictures=tuple(judged),
        labels=labels,
        scores=score_array,
        seconds=np.array(seconds),
        figures=measure(labels, score_array, threshold, abstained),
        per_source=measure_sources(
            labels, score_array, [p.source for p in judged], threshold, abstained
        ),
        unreadable=unreadable,
        findings=directory.findings,
    )
