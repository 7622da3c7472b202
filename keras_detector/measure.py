"""Every figure of a set of labelled, scored pictures, with its 95 % interval.

How each interval is made:

- shares (accuracy, binary accuracy, precision, recall, coverage, covered error): Wilson's score
  interval over the pictures the share is of (Wilson 1927, J. Am. Stat. Assoc. 22, p. 209)
- balanced accuracy and F1: 10,000 draws of the true and false positive rate from their Jeffreys
  posteriors (Brown, Cai & DasGupta 2001, Statistical Science 16, p. 108), class sizes as they are.
  Resampling would call 20 right verdicts of 20 certain; this does not.
- ROC AUC, PR AUC (average precision) and Brier score: percentile bootstrap, stratified by class
  (Efron & Tibshirani 1993, chapter 13), 1,000 resamples
- expected calibration error, over 15 bins of equal mass (pictures of equal score share a bin):
  noise only ever adds to this figure, in a resample twice. The basic bootstrap takes that off again
  (Davison & Hinkley 1997, section 5.2), and the low end is 0 where as much error is likely without
  any, over labels drawn from the scores (Broecker & Smith 2007, Weather and Forecasting 22, p. 651)

All draws have a fixed seed: the same scores give the same intervals.
"""

from collections.abc import Sequence
from typing import Literal

import msgspec
import numpy as np
import numpy.typing as npt

from keras_detector.card import Count, Estimate, Figures, Threshold
from keras_detector.labels import LABEL_NAMES, Label

Labels = npt.NDArray[np.integer]
"""One `Label` value per picture: shape (n,)."""
Scores = npt.NDArray[np.floating]
"""One score per picture: shape (n,), 0 to 1."""

RESAMPLES = 1_000
POSTERIOR_DRAWS = 10_000
CALIBRATION_BINS = 15
MIN_RESAMPLED = 10
"""With fewer pictures of a class, resampling says nothing: the interval is the whole range."""

Z95 = 1.959963984540054
"""Within so many standard deviations lie 95 % of the normal distribution."""

_PERCENTILES = (2.5, 97.5)
_SEED = 20170605
_BINARY_THRESHOLD = 0.5


class SourceFigures(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The figures of one source (a generator or a camera).

    Attributes:
        n: its pictures.
        label: what they are; `"mixed"` if the source has both.
        accuracy: share of right decisions at the threshold.
        mean_score: their mean score.
    """

    n: Count
    label: Literal["real", "fake", "mixed"]
    accuracy: Estimate
    mean_score: float


def measure(
    labels: Labels,
    scores: Scores,
    threshold: Threshold,
    undetermined: npt.NDArray[np.bool_] | None = None,
) -> Figures:
    """Measure a set of pictures; every one counts, decided as fake where `score >= value`.

    Args:
        labels: integers of shape (n,), `Label` values.
        scores: floats of shape (n,), 0 to 1, the calibrated probability of `Label.FAKE`.
        threshold: where a score becomes fake, and the band without a verdict.
        undetermined: bool of shape (n,): pictures that got no verdict, for whatever reason. None
            takes those whose score lies strictly inside `threshold.abstain`.

    Returns:
        the figures. None stands for what the set does not define: balanced accuracy and the AUCs
        of one class, precision without a decision for fake, recall and F1 without a fake, the
        error of no verdicts, everything of no pictures.

    Raises:
        ValueError: the arrays do not have one length, a label is not 0 or 1, or a score is not
            finite or not within 0 to 1.
    """
    labels, scores = _validated(labels, scores)
    if undetermined is None:
        low, high = threshold.abstain
        undetermined = (scores > low) & (scores < high)
    if undetermined.shape != labels.shape or undetermined.dtype != np.bool_:
        raise ValueError(f"undetermined must be {labels.size} booleans")
    n, n_fake = labels.size, int(labels.sum())
    is_fake, called_fake = labels == Label.FAKE, scores >= threshold.value
    right = called_fake == is_fake
    tp, fp = int((called_fake & is_fake).sum()), int((called_fake & ~is_fake).sum())
    tn, fn = n - n_fake - fp, n_fake - tp
    balanced_accuracy, f1 = _from_rates(tn, fp, fn, tp)
    roc_auc, pr_auc, brier, ece = _from_ranking(labels, scores)
    decided = int((~undetermined).sum())
    return Figures(
        n=n,
        n_real=n - n_fake,
        n_fake=n_fake,
        confusion_matrix=((tn, fp), (fn, tp)),
        accuracy=wilson(tp + tn, n),
        balanced_accuracy=balanced_accuracy,
        binary_accuracy=wilson(int(((scores >= _BINARY_THRESHOLD) == is_fake).sum()), n),
        precision=wilson(tp, tp + fp),
        recall=wilson(tp, n_fake),
        f1=f1,
        roc_auc=roc_auc,
        pr_auc=pr_auc,
        brier=brier,
        ece=ece,
        coverage=wilson(decided, n),
        covered_error=wilson(int((~right & ~undetermined).sum()), decided),
    )


def measure_sources(
    labels: Labels, scores: Scores, sources: Sequence[str], threshold: Threshold
) -> dict[str, SourceFigures]:
    """Measure every source by itself.

    Args:
        labels: integers of shape (n,), `Label` values.
        scores: floats of shape (n,), 0 to 1.
        sources: the name of each picture's source, n of them.
        threshold: where a score becomes fake.

    Returns:
        source name to its figures, in the order of the names.

    Raises:
        ValueError: as `measure`, or the number of sources is another one.
    """
    labels, scores = _validated(labels, scores)
    if len(sources) != labels.size:
        raise ValueError(f"{len(sources)} sources for {labels.size} labels")
    right = (scores >= threshold.value) == (labels == Label.FAKE)
    # Not an array of str: numpy drops trailing NULs, and names come from other people's disks.
    members: dict[str, list[int]] = {}
    for index, source in enumerate(sources):
        members.setdefault(source, []).append(index)
    figures = {}
    for source in sorted(members):
        of_source = np.array(members[source])
        present = np.unique(labels[of_source])
        accuracy = wilson(int(right[of_source].sum()), of_source.size)
        assert accuracy is not None  # noqa: S101 - a source has at least one picture
        figures[source] = SourceFigures(
            n=of_source.size,
            label="mixed" if present.size > 1 else LABEL_NAMES[present[0]],
            accuracy=accuracy,
            mean_score=float(scores[of_source].mean()),
        )
    return figures


def wilson(successes: int, n: int) -> Estimate | None:
    """A share and its 95 % Wilson score interval; None if it is a share of nothing."""
    if n == 0:
        return None
    share = successes / n
    shrink = 1 + Z95**2 / n
    centre = (share + Z95**2 / (2 * n)) / shrink
    half = Z95 / shrink * np.sqrt(share * (1 - share) / n + Z95**2 / (4 * n**2))
    return _estimate(share, centre - half, centre + half)


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


def _estimate(value: float, low: float, high: float) -> Estimate:
    # An interval within 0 to 1 that holds its figure, whatever rounding or resampling gave.
    return Estimate(
        value=float(value),
        low=float(min(max(low, 0.0), value)),
        high=float(max(min(high, 1.0), value)),
    )


def _validated(
    labels: Labels, scores: Scores
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    labels, scores = np.asarray(labels), np.asarray(scores)
    if labels.ndim != 1 or labels.shape != scores.shape:
        raise ValueError(f"labels of shape {labels.shape} and scores of shape {scores.shape}")
    if not np.isin(labels, list(Label)).all():
        raise ValueError(f"labels must be 0 or 1, not {np.setdiff1d(labels, list(Label))}")
    if not ((scores >= 0) & (scores <= 1)).all():
        raise ValueError("scores must be finite numbers from 0 to 1")
    return labels.astype(np.int64), scores.astype(np.float64)


def _from_rates(tn: int, fp: int, fn: int, tp: int) -> tuple[Estimate | None, Estimate | None]:
    """Balanced accuracy and F1."""
    real, fake = tn + fp, fn + tp
    if not fake:
        return None, None
    rng = np.random.default_rng(_SEED)
    found = rng.beta(tp + 0.5, fn + 0.5, POSTERIOR_DRAWS)
    accused = rng.beta(fp + 0.5, tn + 0.5, POSTERIOR_DRAWS)
    drawn_f1 = 2 * found * fake / (found * fake + accused * real + fake)
    f1 = _estimate(2 * tp / (tp + fp + fake), *np.percentile(drawn_f1, _PERCENTILES))
    if not real:
        return None, f1
    balanced = (tp / fake + tn / real) / 2
    return _estimate(balanced, *np.percentile((found + 1 - accused) / 2, _PERCENTILES)), f1


def _from_ranking(
    labels: npt.NDArray[np.int64], scores: npt.NDArray[np.float64]
) -> tuple[Estimate | None, Estimate | None, Estimate | None, Estimate | None]:
    """ROC AUC, PR AUC, Brier score and expected calibration error."""
    if not labels.size:
        return None, None, None, None
    from sklearn.metrics import average_precision_score, brier_score_loss, roc_auc_score

    order = np.argsort(-scores, kind="stable")
    labels, scores = labels[order], scores[order]
    sizes = [int(size) for size in np.bincount(labels) if size]
    ranked = _Ranked(labels, scores)
    rng = np.random.default_rng(_SEED)
    drawn = np.array([ranked.figures(ranked.resample(rng)) for _ in range(RESAMPLES)])
    low, high = np.percentile(drawn, _PERCENTILES, axis=0)
    ece = ranked.figures(np.ones(labels.size))[3]
    low[3], high[3] = 2 * ece - high[3], 2 * ece - low[3]
    if ece <= np.percentile([ranked.error_by_chance(rng) for _ in range(RESAMPLES)], 95):
        low[3] = 0.0
    if min(sizes) < MIN_RESAMPLED:
        low, high = np.zeros(4), np.ones(4)
    # Where every resample agrees (a perfect ranking), the spread is what the smaller class hides.
    unseen = wilson(0, min(sizes))
    assert unseen is not None  # noqa: S101 - its class is not empty
    agree = high - low < 1e-12
    low, high = low - agree * unseen.high, high + agree * unseen.high

    both = len(sizes) == len(Label)
    return (
        _estimate(roc_auc_score(labels, scores), low[0], high[0]) if both else None,
        _estimate(average_precision_score(labels, scores), low[1], high[1]) if both else None,
        _estimate(brier_score_loss(labels, scores, pos_label=Label.FAKE), low[2], high[2]),
        _estimate(ece, low[3], high[3]),
    )


class _Ranked:
    """Pictures by falling score, ready to be measured under many weightings."""

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
