"""Pictures in the order of their scores, measured under many weightings of them."""

import numpy as np
import numpy.typing as npt

from keras_detector.labels import Label

Labels = npt.NDArray[np.integer]
"""One `Label` value per picture: shape (n,)."""
Scores = npt.NDArray[np.floating]
"""One score per picture: shape (n,), 0 to 1."""

CALIBRATION_BINS = 15


def equal_mass_bins(ranked_scores: npt.NDArray[np.floating]) -> npt.NDArray[np.int64]:
    """Where the bins of the calibration error start, in scores sorted by falling score.

    Args:
        ranked_scores: floats of shape (n,), n at least 1.

    Returns:
        rising indices, at most `CALIBRATION_BINS`, the first one 0; equal scores share a bin.
    """
    runs = np.flatnonzero(np.append(True, np.diff(ranked_scores) != 0))
    quantiles = np.arange(CALIBRATION_BINS) * ranked_scores.size // CALIBRATION_BINS
    return np.unique(runs[np.searchsorted(runs, quantiles, side="right") - 1])


class Ranked:
    """Pictures by falling score, ready to be measured under many weightings.

    Args:
        labels: integers of shape (n,), `Label` values.
        scores: floats of shape (n,), falling.
    """

    def __init__(self, labels: npt.NDArray[np.int64], scores: npt.NDArray[np.float64]) -> None:
        self._scores, self._gaps, self._squares = scores, labels - scores, (labels - scores) ** 2
        starts = np.flatnonzero(np.append(True, np.diff(scores) != 0))
        self._bins = equal_mass_bins(scores)
        self._classes = [np.flatnonzero(labels == label) for label in Label]
        # Per fake: how many pictures, and how many fakes, score above it, and at least as high.
        fakes, run = self._classes[Label.FAKE], np.append(starts, labels.size)
        of_fake = np.searchsorted(starts, fakes, side="right")
        self._above, self._from = run[of_fake - 1], run[of_fake]
        self._fakes_above = np.searchsorted(fakes, self._above)
        self._fakes_from = np.searchsorted(fakes, self._from)

    def resample(self, rng: np.random.Generator) -> npt.NDArray[np.float64]:
        """How often each picture is drawn, each class drawn from with replacement."""
        weights = np.empty(self._gaps.size)
        for members in self._classes:
            drawn = rng.integers(max(members.size, 1), size=members.size)
            weights[members] = np.bincount(drawn, minlength=members.size)
        return weights

    def figures(self, weights: npt.NDArray[np.float64]) -> tuple[float, float, float, float]:
        """ROC AUC, average precision (NaN for one class), Brier score, calibration error."""
        total = weights.sum()
        # Sums, not dot products: those wake every BLAS thread, 20 times slower on a busy machine.
        brier = (weights * self._squares).sum() / total
        ece = self._summed_error(weights * self._gaps) / total
        fakes = weights[self._classes[Label.FAKE]]
        n_fake = fakes.sum()
        if n_fake in (0, total):
            return np.nan, np.nan, brier, ece
        called, tp = np.append(0.0, np.cumsum(weights)), np.append(0.0, np.cumsum(fakes))
        called_from, tp_from = called[self._from], tp[self._fakes_from]
        # Not drawn, a picture at the top has nothing above it: 0 of 1 then, with weight 0.
        pr_auc = (fakes * tp_from / np.maximum(called_from, 1.0)).sum() / n_fake
        # A real above a fake is a pair ranked wrong, one beside it half a pair.
        wrong = called_from - tp_from + called[self._above] - tp[self._fakes_above]
        roc_auc = 1 - (fakes * wrong).sum() / (2 * n_fake * (total - n_fake))
        return roc_auc, pr_auc, brier, ece

    def error_by_chance(self, rng: np.random.Generator) -> float:
        """The calibration error when every score is exactly the chance of its label."""
        labels = rng.random(self._scores.size) < self._scores
        return self._summed_error(labels - self._scores) / self._scores.size

    def _summed_error(self, gaps: npt.NDArray[np.float64]) -> float:
        return float(np.abs(np.add.reduceat(gaps, self._bins)).sum())
