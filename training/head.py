"""A head on frozen features: logistic regression, and how standardising is folded into a layer."""

import warnings

import numpy as np
import numpy.typing as npt

from training.backbone_network import Layers

Floats = npt.NDArray[np.floating]


def standardisation(features: Floats) -> tuple[Floats, Floats]:
    """Mean and standard deviation of each feature; 1 for one that never changes.

    Args:
        features: floats (n, d); may be a memory map.

    Returns:
        two arrays float64 (d,).
    """
    # In blocks, in 64 bits: features may not fit into memory twice.
    count, total = len(features), np.zeros(features.shape[1])
    squares = np.zeros_like(total)
    for start in range(0, count, 1024):
        total += features[start : start + 1024].sum(axis=0, dtype=np.float64)
    mean = total / count
    for start in range(0, count, 1024):
        squares += ((features[start : start + 1024] - mean) ** 2).sum(axis=0)
    scale = np.sqrt(squares / count)
    return mean, np.where(scale > 1e-9, scale, 1.0)


def solve_logistic(
    features: Floats, labels: npt.NDArray[np.integer], weights: Floats, c: float
) -> Layers:
    """Logistic regression on standardised features, as one layer on the features themselves.

    Args:
        features: floats (n, d).
        labels: integers (n,), `Label` values, both present.
        weights: floats (n,), how much each counts.
        c: inverse strength of the L2 penalty, as in scikit-learn.

    Returns:
        one layer: kernel (d, 1) and bias (1,), float64, that take features as they are.
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    mean, scale = standardisation(features)
    standard = ((features - mean) / scale).astype(np.float32)
    regression = LogisticRegression(C=c, max_iter=2000)
    with warnings.catch_warnings():
        # Weak penalties on separable features have no end to come to; where it stops is good.
        warnings.simplefilter("ignore", ConvergenceWarning)
        regression.fit(standard, labels, sample_weight=weights)
    kernel = regression.coef_.reshape(-1, 1).astype(np.float64)
    return fold([(kernel, regression.intercept_.astype(np.float64))], mean, scale)


def fold(layers: Layers, mean: Floats, scale: Floats) -> Layers:
    """Layers that do on features what `layers` do on standardised ones."""
    (kernel, bias), *rest = layers
    folded = np.asarray(kernel, np.float64) / scale[:, np.newaxis]
    return [(folded, bias - mean @ folded), *rest]


def head_logits(layers: Layers, features: Floats) -> npt.NDArray[np.float64]:
    """The logits (n,) of features (n, d): Dense layers with ReLU between them."""
    value = np.asarray(features, np.float64)
    for at, (kernel, bias) in enumerate(layers):
        value = value @ kernel + bias
        if at < len(layers) - 1:
            value = np.maximum(value, 0.0)
    return np.asarray(value[:, 0])
