"""A model's figures on a labelled directory."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from keras_detector.card import Estimate, Figures, SourceFigures, Threshold
from keras_detector.detector import Detector
from keras_detector.errors import DataError, ImageError
from keras_detector.labelled_directory import LabelledPicture, read_labelled_directory
from keras_detector.labels import Verdict
from keras_detector.measure import measure, measure_sources, risk_coverage, worst_source


@dataclass(frozen=True)
class Evaluation:
    """What a model does on a labelled directory.

    Attributes:
        model: the model's name.
        threshold: the detector's, at which every readable picture is decided.
        figures: over all readable pictures.
        per_source: source name to its figures.
        risk_coverage: (coverage, error) at every width of the band; see `measure.risk_coverage`.
        unreadable: paths that could not be read, and why; they count in no figure.
        findings: what the directory held besides pictures, a sentence each.
    """

    model: str
    threshold: Threshold
    figures: Figures
    per_source: dict[str, SourceFigures]
    risk_coverage: list[tuple[float, float]]
    unreadable: dict[Path, str]
    findings: tuple[str, ...]

    def to_builtins(self) -> dict[str, Any]:
        """Plain numbers under the figures' names, their intervals beside them."""
        document: dict[str, Any] = {"model": self.model, "threshold": self.threshold.value}
        intervals: dict[str, list[float]] = {}
        for name in Figures.__struct_fields__:
            value = getattr(self.figures, name)
            if isinstance(value, Estimate):
                intervals[name] = [value.low, value.high]
                value = value.value
            document[name] = value
        document["confidence_intervals"] = intervals
        document["per_source"] = msgspec.to_builtins(self.per_source)
        document["worst_source"] = worst_source(self.per_source)
        document["risk_coverage"] = [list(point) for point in self.risk_coverage]
        document["unreadable"] = {str(path): why for path, why in self.unreadable.items()}
        document["findings"] = list(self.findings)
        return document


Watcher = Callable[[Iterable[LabelledPicture]], Iterable[LabelledPicture]]


def evaluate(detector: Detector, root: Path, watch: Watcher = iter) -> Evaluation:
    """Judge every picture of a labelled directory and measure the verdicts.

    Args:
        detector: the model.
        root: a labelled directory; splits in it are taken together.
        watch: wraps the pictures on their way, to show progress.

    Raises:
        DataError: the directory is not labelled as we expect, or nothing in it can be read.
    """
    directory = read_labelled_directory(root)
    labels, scores, sources, undetermined = [], [], [], []
    unreadable: dict[Path, str] = {}
    for picture in watch(directory.pictures):
        try:
            prediction = detector.judge(picture.path)
        except ImageError as error:
            unreadable[picture.path] = str(error)
            continue
        labels.append(picture.label)
        scores.append(prediction.score)
        sources.append(picture.source)
        undetermined.append(prediction.verdict is Verdict.UNDETERMINED)
    if not labels:
        raise DataError(
            expected="at least one readable picture",
            received=f"{len(unreadable)} unreadable ones in {root}",
            advice=f"The first says: {next(iter(unreadable.values()))}",
        )
    threshold = detector.threshold
    label_array, score_array = np.array(labels), np.array(scores)
    without_verdict = np.array(undetermined)
    return Evaluation(
        model=detector.card.name,
        threshold=threshold,
        figures=measure(label_array, score_array, threshold, without_verdict),
        per_source=measure_sources(label_array, score_array, sources, threshold, without_verdict),
        risk_coverage=risk_coverage(label_array, score_array, threshold),
        unreadable=unreadable,
        findings=directory.findings,
    )
