"""Measured figures, each with its 95 % interval: the parts of a card that say how good it is.

Nothing here has a default: a figure that a set of pictures does not define is None, and says so.
"""

from itertools import pairwise
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

Count = Annotated[int, Meta(ge=0)]
Fraction = Annotated[float, Meta(ge=0.0, le=1.0)]


class Estimate(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A measured figure with its 95 % interval."""

    value: float
    low: float
    high: float


class Figures(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The figures of one set of labelled pictures; `fake` is the positive class.

    `accuracy`, `balanced_accuracy`, `precision`, `recall`, `f1` and the confusion matrix are at
    the card's threshold; `binary_accuracy` is Keras's metric of that name, at 0.5. A figure that
    the set does not define (AUC of one class, precision without an accusation) is None.

    Attributes:
        n: pictures; `n_real` and `n_fake` of them by label.
        confusion_matrix: `[[tn, fp], [fn, tp]]`.
        coverage: share of pictures that get a verdict other than `undetermined`.
        covered_error: share of wrong verdicts among those.
    """

    n: Count
    n_real: Count
    n_fake: Count
    confusion_matrix: tuple[tuple[Count, Count], tuple[Count, Count]]
    accuracy: Estimate | None
    balanced_accuracy: Estimate | None
    binary_accuracy: Estimate | None
    precision: Estimate | None
    recall: Estimate | None
    f1: Estimate | None
    roc_auc: Estimate | None
    pr_auc: Estimate | None
    brier: Estimate | None
    ece: Estimate | None
    coverage: Estimate | None
    covered_error: Estimate | None


class SourceFigures(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The figures of one source (a generator or a camera).

    Attributes:
        n: its pictures.
        label: what they are; `"mixed"` if the source has both.
        accuracy: share of right decisions at the threshold, over all its pictures.
        mean_score: their mean score.
        coverage: share of its pictures that get a verdict other than `undetermined`.
        covered_error: share of wrong verdicts among those; None if there are none.
    """

    n: Count
    label: Literal["real", "fake", "mixed"]
    accuracy: Estimate
    mean_score: float
    coverage: Estimate
    covered_error: Estimate | None


class Condition(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is left of a model on pictures that went through something first.

    At the card's threshold, every picture decided; see `robustness.measure_robustness`.

    Attributes:
        n: pictures; `n_real` and `n_fake` of them by label.
        false_positive_rate: share of the real pictures that are called fake.
        recall: share of the fake ones that are called fake.
        ece: expected calibration error.
    """

    n: Count
    n_real: Count
    n_fake: Count
    balanced_accuracy: Estimate | None
    roc_auc: Estimate | None
    false_positive_rate: Estimate | None
    recall: Estimate | None
    ece: Estimate | None


class OperatingPoint(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a threshold costs, and what it finds.

    Attributes:
        threshold: on the calibrated score; `score >= threshold` is called fake.
        false_positive_rate: share of the real pictures that are called fake, 0 to 1.
        recall: share of the fake ones that are called fake, 0 to 1.
    """

    threshold: Fraction
    false_positive_rate: Estimate
    recall: Estimate


class Curve(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What each threshold would cost: the operating points of one set of labelled pictures.

    Every picture counts, decided at the threshold, also where a person is told "cannot tell".

    Attributes:
        measured_on: `"validation"`, or the names of the card's collections, separated by commas:
            pictures gathered by others say best what a stranger's pictures will meet.
        n_real: real pictures of the set; `n_fake`: its fake ones.
        points: rising thresholds from 0 on, about a hundred at most, with rates that never rise.

    Raises:
        ValueError: the points are not as above.
    """

    measured_on: Annotated[str, Meta(min_length=1)]
    n_real: Annotated[int, Meta(ge=1)]
    n_fake: Annotated[int, Meta(ge=1)]
    points: tuple[OperatingPoint, ...]

    def __post_init__(self) -> None:
        if not self.points or self.points[0].threshold != 0.0:
            raise ValueError("the curve does not begin at the threshold 0")
        for rate in (r for p in self.points for r in (p.false_positive_rate, p.recall)):
            if not 0.0 <= rate.low <= rate.value <= rate.high <= 1.0 or rate.high == 0.0:
                raise ValueError(f"the curve has a rate of {rate}")
        for before, point in pairwise(self.points):
            if not before.threshold < point.threshold:
                raise ValueError("the thresholds of the curve do not rise")
            if (
                before.false_positive_rate.value < point.false_positive_rate.value
                or before.recall.value < point.recall.value
            ):
                raise ValueError("a rate of the curve rises with the threshold")


class AuditNote(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How well the label of the training data can be told without looking at the pictures.

    Attributes:
        roc_auc: of a model that sees only file format, size, compression, greyness and the like.
        strongest: the fact that gives most away, as a person reads it.
    """

    roc_auc: Estimate
    strongest: str
