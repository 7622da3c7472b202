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

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from keras_detector.card import Threshold
from keras_detector.figures import Estimate, Figures, SourceFigures
from keras_detector.labels import LABEL_NAMES, Label
from keras_detector.ranking import Labels, Ranked, Scores

RESAMPLES = 1_000
POSTERIOR_DRAWS = 10_000
MIN_RESAMPLED = 10
"""With fewer pictures of a class, resampling says nothing: the interval is the whole range."""

Z95 = 1.959963984540054
"""Within so many standard deviations lie 95 % of the normal distribution."""

_PERCENTILES = (2.5, 97.5)
_SEED = 20170605
_BINARY_THRESHOLD = 0.5
_TINY = 1e-12  # keeps the log-odds of a score of 0 or 1 finite


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
    undetermined = _without_verdict(scores, threshold, undetermined)
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
    labels: Labels,
    scores: Scores,
    sources: Sequence[str],
    threshold: Threshold,
    undetermined: npt.NDArray[np.bool_] | None = None,
) -> dict[str, SourceFigures]:
    """Measure every source by itself.

    Args:
        labels: integers of shape (n,), `Label` values.
        scores: floats of shape (n,), 0 to 1.
        sources: the name of each picture's source, n of them.
        threshold: where a score becomes fake, and the band without a verdict.
        undetermined: as in `measure`.

    Returns:
        source name to its figures, in the order of the names.

    Raises:
        ValueError: as `measure`, or the number of sources is another one.
    """
    labels, scores = _validated(labels, scores)
    if len(sources) != labels.size:
        raise ValueError(f"{len(sources)} sources for {labels.size} labels")
    undetermined = _without_verdict(scores, threshold, undetermined)
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
        decided = ~undetermined[of_source]
        coverage = wilson(int(decided.sum()), of_source.size)
        # A source has at least one picture.
        assert accuracy is not None and coverage is not None  # noqa: S101, PT018
        figures[source] = SourceFigures(
            n=of_source.size,
            label="mixed" if present.size > 1 else LABEL_NAMES[present[0]],
            accuracy=accuracy,
            mean_score=float(scores[of_source].mean()),
            coverage=coverage,
            covered_error=wilson(int((~right[of_source] & decided).sum()), int(decided.sum())),
        )
    return figures


def worst_source(per_source: Mapping[str, SourceFigures]) -> str | None:
    """The source with the lowest accuracy, of equal ones the largest; None if there is none."""
    order = {name: (s.accuracy.value, -s.n, name) for name, s in per_source.items()}
    return min(order, key=order.__getitem__, default=None)


def risk_coverage(
    labels: Labels, scores: Scores, threshold: Threshold, points: int = 200
) -> list[tuple[float, float]]:
    """Error against coverage: what abstaining more, or less, would cost.

    Pictures get a verdict in the order of how far their log-odds are from the threshold's
    (Geifman & El-Yaniv 2017, arXiv:1705.08500); the card's own band is one point near the curve.

    Args:
        labels: integers of shape (n,), `Label` values.
        scores: floats of shape (n,), 0 to 1.
        threshold: where a score becomes fake.
        points: at most so many are given.

    Returns:
        (share of pictures with a verdict, share of wrong ones among those), rising coverage up to
        1; pictures of equal distance come together. Empty for no pictures.

    Raises:
        ValueError: as `measure`.
    """
    labels, scores = _validated(labels, scores)
    if not labels.size:
        return []
    odds = [np.clip(value, _TINY, 1 - _TINY) for value in (scores, threshold.value)]
    ours, theirs = (np.log(value / (1 - value)) for value in odds)
    distance = np.abs(ours - theirs)
    order = np.argsort(-distance, kind="stable")
    wrong = np.cumsum(((scores >= threshold.value) != (labels == Label.FAKE))[order])
    ends = np.flatnonzero(np.append(np.diff(distance[order]) != 0, True))
    if ends.size > points:
        ends = ends[np.unique(np.linspace(0, ends.size - 1, points).round().astype(np.int64))]
    return [(float((end + 1) / labels.size), float(wrong[end] / (end + 1))) for end in ends]


def wilson(successes: int, n: int) -> Estimate | None:
    """A share and its 95 % Wilson score interval; None if it is a share of nothing."""
    if n == 0:
        return None
    share = successes / n
    shrink = 1 + Z95**2 / n
    centre = (share + Z95**2 / (2 * n)) / shrink
    half = Z95 / shrink * np.sqrt(share * (1 - share) / n + Z95**2 / (4 * n**2))
    return _estimate(share, centre - half, centre + half)


def _estimate(value: float, low: float, high: float) -> Estimate:
    # An interval within 0 to 1 that holds its figure, whatever rounding or resampling gave.
    return Estimate(
        value=float(value),
        low=float(min(max(low, 0.0), value)),
        high=float(max(min(high, 1.0), value)),
    )


def _without_verdict(
    scores: npt.NDArray[np.float64],
    threshold: Threshold,
    undetermined: npt.NDArray[np.bool_] | None,
) -> npt.NDArray[np.bool_]:
    if undetermined is None:
        low, high = threshold.abstain
        return (scores > low) & (scores < high)
    if undetermined.shape != scores.shape or undetermined.dtype != np.bool_:
        raise ValueError(f"undetermined must be {scores.size} booleans")
    return undetermined


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
    ranked = Ranked(labels, scores)
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
