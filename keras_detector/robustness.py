"""How much of a model is left when pictures were compressed, scaled or blurred before it saw them.

Intervals are those of `measure`. Where sources are given, whole sources are also drawn with
replacement, within each class (the cluster bootstrap: Davison & Hinkley 1997, section 3.8), and an
interval spans both: pictures of one generator fail together, and counting them as independent would
promise too much.
"""

from collections.abc import Callable, Iterable, Sequence

import numpy as np
import numpy.typing as npt

from keras_detector.card import Condition, Estimate, Threshold
from keras_detector.degrade import CONDITIONS
from keras_detector.labels import Label
from keras_detector.measure import RESAMPLES, measure, wilson
from keras_detector.pixels import Pixels
from keras_detector.ranking import Labels, Ranked, Scores

MIN_SOURCES = 3
"""A class of fewer sources is drawn from picture by picture."""

_SEED = 20170605


def measure_robustness(
    labels: Labels,
    score: Callable[[Pixels], float],
    pictures: Iterable[Pixels],
    threshold: Threshold,
    sources: Sequence[str] | None = None,
) -> dict[str, Condition]:
    """Measure a model under every condition of `degrade.CONDITIONS`.

    Args:
        labels: integers of shape (n,), `Label` values.
        score: the calibrated score, 0 to 1, of a decoded picture of any size; it makes its own
            input of it (`images.fit`).
        pictures: the n pictures, decoded (uint8, height x width x 3), in the order of `labels`;
            gone through once, one in memory at a time, as they may be large.
        threshold: where a score becomes fake.
        sources: the name of each picture's source, to let the intervals know of them.

    Returns:
        condition name to its figures, in the order of `CONDITIONS`.

    Raises:
        ValueError: labels, pictures and sources are not of one number, or as `measure`.
    """
    gathered: dict[str, list[float]] = {name: [] for name in CONDITIONS}
    for pixels in pictures:
        for name, change in CONDITIONS.items():
            gathered[name].append(score(change(pixels)))
    return {
        name: measure_condition(labels, np.array(scores, np.float64), threshold, sources)
        for name, scores in gathered.items()
    }


def measure_condition(
    labels: Labels, scores: Scores, threshold: Threshold, sources: Sequence[str] | None = None
) -> Condition:
    """The figures of pictures under one condition, from their scores; see `measure_robustness`."""
    figures = measure(labels, scores, threshold)
    (tn, fp), (_, _) = figures.confusion_matrix
    condition = Condition(
        n=figures.n,
        n_real=figures.n_real,
        n_fake=figures.n_fake,
        balanced_accuracy=figures.balanced_accuracy,
        roc_auc=figures.roc_auc,
        false_positive_rate=wilson(fp, tn + fp),
        recall=figures.recall,
        ece=figures.ece,
    )
    if sources is None or not figures.n:
        return condition
    if len(sources) != figures.n:
        raise ValueError(f"{len(sources)} sources for {figures.n} labels")
    drawn = _drawn_by_source(
        np.asarray(labels, np.int64), np.asarray(scores, np.float64), threshold.value, sources
    )
    return Condition(
        n=figures.n,
        n_real=figures.n_real,
        n_fake=figures.n_fake,
        **{name: _spanning(getattr(condition, name), values) for name, values in drawn.items()},
    )


def _drawn_by_source(
    labels: npt.NDArray[np.int64],
    scores: npt.NDArray[np.float64],
    threshold: float,
    sources: Sequence[str],
) -> dict[str, npt.NDArray[np.float64]]:
    """Every figure in each resample of sources; NaN where it is not defined."""
    order = np.argsort(-scores, kind="stable")
    labels, scores = labels[order], scores[order]
    names = {name: index for index, name in enumerate(dict.fromkeys(sources))}
    source = np.array([names[name] for name in sources])[order]
    called_fake = scores >= threshold
    ranked = Ranked(labels, scores)
    classes = [np.flatnonzero(labels == label) for label in Label]
    clusters = []
    for members in classes:
        _, cluster = np.unique(source[members], return_inverse=True)
        few = cluster.max(initial=-1) + 1 < MIN_SOURCES
        clusters.append(np.arange(members.size) if few else cluster)
    rng = np.random.default_rng(_SEED)
    rows = []
    for _ in range(RESAMPLES):
        weights = np.zeros(labels.size)
        rates = []
        for members, cluster in zip(classes, clusters, strict=True):
            count = cluster.max(initial=-1) + 1
            times = np.bincount(rng.integers(max(count, 1), size=count), minlength=count)
            weights[members] = times[cluster]
            total = weights[members].sum()
            rates.append((weights * called_fake)[members].sum() / total if total else np.nan)
        roc_auc, _, _, ece = ranked.figures(weights)
        accused, found = rates
        rows.append(((found + 1 - accused) / 2, roc_auc, accused, found, ece))
    fields = ("balanced_accuracy", "roc_auc", "false_positive_rate", "recall", "ece")
    return dict(zip(fields, np.array(rows).T, strict=True))


def _spanning(estimate: Estimate | None, drawn: npt.NDArray[np.float64]) -> Estimate | None:
    if estimate is None or np.isnan(drawn).any():
        return estimate
    low, high = np.percentile(drawn, (2.5, 97.5))
    return Estimate(
        value=estimate.value,
        low=float(min(estimate.low, low)),
        high=float(max(estimate.high, high)),
    )
