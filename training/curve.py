"""The curve of a card: what each threshold would cost."""

import math
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from keras_detector.figures import Curve, Estimate, OperatingPoint
from keras_detector.labels import Label
from keras_detector.measure import wilson

Judged = tuple[npt.NDArray[np.integer], npt.NDArray[np.floating]]
"""Labels, `Label` values, and calibrated scores, 0 to 1: both of shape (n,)."""

_ALARM_STEP, _RECALL_STEP = 0.1, 0.05


def measure_curve(collections: Mapping[str, Judged], validation: Judged, threshold: float) -> Curve:
    """Measure the curve on the pooled collections, or, where there are none, on validation data.

    A stranger's pictures are what a user has: pictures that others gathered say what to expect of
    those, validation pictures of known cameras and generators promise too much.

    Args:
        collections: name to what is judged of it. Pooled they count only if both classes are among
            them.
        validation: what the threshold was chosen on, both classes.
        threshold: the card's own; it becomes a point whatever it costs.

    Returns:
        the curve. Since the point before, recall has fallen by 0.05, or one in ten false alarms is
        gone: where they are few, each makes a point.

    Raises:
        ValueError: a class is missing from the validation data too.
    """
    measured_on, (labels, scores) = "validation", validation
    if collections:
        pooled = np.concatenate([labels for labels, _ in collections.values()])
        if set(pooled.tolist()) == set(Label):
            measured_on, labels = ", ".join(collections), pooled
            scores = np.concatenate([scores for _, scores in collections.values()])
    real, fake = (np.sort(scores[labels == label]) for label in Label)
    if not real.size or not fake.size:
        raise ValueError(f"{real.size} real and {fake.size} fake pictures: no curve")
    points: list[OperatingPoint] = []
    last_alarms = last_found = math.inf
    thresholds = _between(scores, threshold)
    for value in thresholds:
        alarms = real.size - int(np.searchsorted(real, value))
        found = fake.size - int(np.searchsorted(fake, value))
        if (
            value in (threshold, thresholds[-1])
            or last_alarms - alarms >= max(1, _ALARM_STEP * last_alarms)
            or last_found - found >= _RECALL_STEP * fake.size
        ):
            points.append(
                OperatingPoint(
                    threshold=float(value),
                    false_positive_rate=_share(alarms, real.size),
                    recall=_share(found, fake.size),
                )
            )
            last_alarms, last_found = alarms, found
    return Curve(measured_on=measured_on, n_real=real.size, n_fake=fake.size, points=tuple(points))


def _between(scores: npt.NDArray[np.floating], threshold: float) -> npt.NDArray[np.float64]:
    """0, the card's threshold, and one between any two neighbouring scores and above all of them.

    On no picture: a score that another processor rounds differently stays on its side.
    """
    distinct = np.unique(np.append(scores, 1.0))
    middles = (distinct[:-1] + distinct[1:]) / 2
    # Between neighbouring floats there is nothing: then it is the upper score itself.
    middles = np.where(middles > distinct[:-1], middles, distinct[1:])
    return np.unique(np.concatenate([[0.0, threshold], middles]))


def _share(part: int, whole: int) -> Estimate:
    estimate = wilson(part, whole)
    assert estimate is not None  # noqa: S101 - neither class is empty
    return estimate
