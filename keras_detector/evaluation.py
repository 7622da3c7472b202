"""A model's figures on a labelled directory."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from keras_detector.card import Estimate, Figures, Threshold
from keras_detector.detector import Detector
from keras_detector.judged_directory import JudgedDirectory, Watcher, judge_directory
from keras_detector.measure import risk_coverage, worst_source


@dataclass(frozen=True)
class Evaluation:
    """What a model does on a labelled directory.

    Attributes:
        model: the model's name.
        threshold: the detector's, at which every readable picture is decided.
        judged: scores and figures.
        risk_coverage: (coverage, error) at every width of the band; see `measure.risk_coverage`.
    """

    model: str
    threshold: Threshold
    judged: JudgedDirectory
    risk_coverage: list[tuple[float, float]]

    def to_builtins(self) -> dict[str, Any]:
        """Plain numbers under the figures' names, their intervals beside them."""
        document: dict[str, Any] = {"model": self.model, "threshold": self.threshold.value}
        intervals: dict[str, list[float]] = {}
        for name in Figures.__struct_fields__:
            value = getattr(self.judged.figures, name)
            if isinstance(value, Estimate):
                intervals[name] = [value.low, value.high]
                value = value.value
            document[name] = value
        document["confidence_intervals"] = intervals
        document["per_source"] = msgspec.to_builtins(self.judged.per_source)
        document["worst_source"] = worst_source(self.judged.per_source)
        document["risk_coverage"] = [list(point) for point in self.risk_coverage]
        document["unreadable"] = {str(path): why for path, why in self.judged.unreadable.items()}
        document["findings"] = list(self.judged.findings)
        return document


def evaluate(detector: Detector, root: Path, watch: Watcher = iter) -> Evaluation:
    """Judge every picture of a labelled directory and measure the verdicts.

    Args:
        detector: the model.
        root: a labelled directory; splits in it are taken together.
        watch: wraps the pictures on their way, to show progress.

    Raises:
        DataError: the directory is not labelled as we expect, or nothing in it can be read.
    """
    judged = judge_directory(detector, root, watch)
    threshold = detector.threshold
    return Evaluation(
        model=detector.card.name,
        threshold=threshold,
        judged=judged,
        risk_coverage=risk_coverage(judged.labels, judged.scores, threshold),
    )
