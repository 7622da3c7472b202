"""What many rows come to: counts, how the scores lie, the most suspicious, the errors."""

import heapq
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from keras_detector.detector import Prediction
from keras_detector.errors import ErrorKind, ImageError
from keras_detector.labels import Label, Reason, Verdict
from keras_detector.object_store import Place
from keras_detector.rows import Row

BINS = 40
"""Bars of the histogram; each is 1 / `BINS` of a score wide."""

MOST_SUSPICIOUS = 48
"""How many pictures are shown."""

_EXAMPLES = 5


@dataclass
class Summary:
    """Of any number of rows, in memory that does not grow with them.

    Attributes:
        verdicts: how many pictures have each.
        reasons: how many undetermined ones name each; a picture can name several.
        histogram: pictures whose score is in [n / BINS, (n + 1) / BINS), 1.0 in the last.
        thresholds: of the models, and how many pictures each decided.
        models: names of the models, and how many pictures each judged.
        errors: how many files failed with each kind.
        error_examples: the first few files of each kind, and what each said.
    """

    verdicts: Counter[Verdict] = field(default_factory=Counter)
    reasons: Counter[Reason] = field(default_factory=Counter)
    histogram: list[int] = field(default_factory=lambda: [0] * BINS)
    thresholds: Counter[float] = field(default_factory=Counter)
    models: Counter[str] = field(default_factory=Counter)
    errors: Counter[ErrorKind] = field(default_factory=Counter)
    error_examples: dict[ErrorKind, list[tuple[Place, str]]] = field(default_factory=dict)
    _suspicious: list[tuple[float, int, Place, Prediction]] = field(default_factory=list)

    @classmethod
    def of(cls, rows: Iterable[Row]) -> "Summary":
        """Count the rows, one by one."""
        summary = cls()
        for number, row in enumerate(rows):
            if isinstance(row.result, ImageError):
                summary._add_error(row.path, row.result)
            else:
                summary._add_prediction(number, row.path, row.result)
        return summary

    @property
    def judged(self) -> int:
        """How many pictures have a verdict."""
        return self.verdicts.total()

    @property
    def total(self) -> int:
        """How many files there are, errors among them."""
        return self.judged + self.errors.total()

    @property
    def most_suspicious(self) -> list[tuple[Place, Prediction]]:
        """The pictures whose scores are at or above the threshold, the highest first."""
        return [(path, prediction) for *_, path, prediction in sorted(self._suspicious)[::-1]]

    def _add_error(self, path: Place, error: ImageError) -> None:
        self.errors[error.kind] += 1
        examples = self.error_examples.setdefault(error.kind, [])
        if len(examples) < _EXAMPLES:
            examples.append((path, error.received))

    def _add_prediction(self, number: int, path: Place, prediction: Prediction) -> None:
        self.verdicts[prediction.verdict] += 1
        self.reasons.update(prediction.reasons)
        self.histogram[min(int(prediction.score * BINS), BINS - 1)] += 1
        self.thresholds[prediction.threshold] += 1
        self.models[prediction.model] += 1
        if prediction.label is Label.FAKE:
            # Of equal scores the first one met stays; a number is never compared further.
            heapq.heappush(self._suspicious, (prediction.score, -number, path, prediction))
            if len(self._suspicious) > MOST_SUSPICIOUS:
                heapq.heappop(self._suspicious)
