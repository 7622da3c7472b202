"""Fitting the calibration of a network's logits on validation data."""

from typing import Literal

import numpy as np
import numpy.typing as npt

from keras_detector.card import Calibration
from keras_detector.errors import DataError
from keras_detector.labels import LABEL_NAMES, Label

_SLOPES = (1e-3, 1e3)  # on logits scaled to unit spread


def fit_calibration(
    logits: npt.NDArray[np.floating],
    labels: npt.NDArray[np.integer],
    method: Literal["temperature", "platt"],
    weights: npt.NDArray[np.floating] | None = None,
) -> Calibration:
    """Fit `sigmoid(slope * logit + intercept)` to validation data by maximum likelihood.

    `"temperature"` fits the slope alone (Guo et al. 2017, arXiv:1706.04599, section 4.2), `"platt"`
    the intercept as well (Platt 1999, Advances in Large Margin Classifiers, p. 61). Both are fitted
    to Platt's smoothed targets, (n_fake + 1) / (n_fake + 2) for a fake and 1 / (n_real + 2) for a
    real picture (his section 2.2): plain labels would drive the slope to infinity where the logits
    separate the classes. The slope is kept positive, so that calibration never turns the order of
    two pictures around; logits that rank worse than chance get scores that hardly differ.

    Args:
        logits: floats of shape (n,), the network's own output before any sigmoid.
        labels: integers of shape (n,), `Label` values.
        method: what to fit.
        weights: floats of shape (n,), how much each picture counts; None for all the same.

    Returns:
        the calibration, ready for the card.

    Raises:
        DataError: a class is missing, or a logit is not finite.
        ValueError: the arrays do not have one length, or a label is not 0 or 1.
    """
    from scipy.optimize import minimize

    logits, labels = np.asarray(logits, dtype=np.float64), np.asarray(labels)
    if logits.ndim != 1 or logits.shape != labels.shape or not np.isin(labels, list(Label)).all():
        raise ValueError(f"{logits.shape} logits with {labels.shape} labels of 0 and 1")
    counts = np.bincount(labels.astype(np.int64), minlength=len(Label))
    if not counts.all():
        missing = " and ".join(LABEL_NAMES[label] for label in Label if not counts[label])
        raise DataError(
            expected="real and fake pictures in the validation data",
            received=f"no {missing} picture among {labels.size}",
            advice="Add pictures, or give the validation split a larger share.",
        )
    if not np.isfinite(logits).all():
        raise DataError(
            expected="finite logits on the validation data",
            received=f"{np.count_nonzero(~np.isfinite(logits))} of {logits.size} are not",
            advice="The network diverged: train again with a lower learning rate.",
        )
    targets = np.where(
        labels == Label.FAKE,
        (counts[Label.FAKE] + 1) / (counts[Label.FAKE] + 2),
        1 / (counts[Label.REAL] + 2),
    )
    # Scaled, both parameters are of the order of 1, whatever the network's own scale is.
    centre = float(logits.mean()) if method == "platt" else 0.0
    scale = float(np.sqrt(np.mean((logits - centre) ** 2))) or 1.0
    scaled = (logits - centre) / scale

    def loss(parameters: npt.NDArray[np.float64]) -> tuple[float, npt.NDArray[np.float64]]:
        margin = parameters[0] * scaled + parameters[1]
        miss = 0.5 * (1.0 + np.tanh(0.5 * margin)) - targets
        nll = np.average(np.logaddexp(0.0, margin) - targets * margin, weights=weights)
        gradient = [np.average(part, weights=weights) for part in (miss * scaled, miss)]
        return float(nll), np.array(gradient)

    # The likelihood is concave in both parameters: the start does not matter, only its place
    # within the bounds does.
    free = (None, None) if method == "platt" else (0.0, 0.0)
    fitted = minimize(
        loss, x0=(1.0, 0.0), jac=True, bounds=(_SLOPES, free), options={"ftol": 1e-14, "gtol": 1e-9}
    )
    slope = float(fitted.x[0]) / scale
    intercept = float(fitted.x[1]) - slope * centre if method == "platt" else 0.0
    return Calibration(method=method, slope=slope, intercept=intercept)
