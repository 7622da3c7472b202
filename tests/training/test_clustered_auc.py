"""The area under the ROC curve and its interval, with and without clusters."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from training.audit.clustered_auc import clustered_auc


def drawn(seed: int, n: int, shift: float) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % 2
    return labels, np.round(rng.normal(shift * labels, 1.0), 1)  # rounded: with ties


def test_the_area_is_that_of_scikit_learn() -> None:
    labels, scores = drawn(0, 301, 0.7)
    area = clustered_auc(labels, scores, np.arange(301)).value
    assert area == pytest.approx(roc_auc_score(labels, scores))


def test_the_interval_holds_the_truth_about_95_times_of_100() -> None:
    held = 0
    for seed in range(300):
        labels, scores = drawn(seed, 120, 0.0)
        auc = clustered_auc(labels, scores, np.arange(120))
        held += auc.low <= 0.5 <= auc.high
    assert 0.91 <= held / 300 <= 0.985


def test_copies_do_not_narrow_the_interval() -> None:
    labels, scores = drawn(1, 120, 0.7)
    once = clustered_auc(labels, scores, np.arange(120))
    copied = [np.repeat(values, 4) for values in (labels, scores, np.arange(120))]
    as_clusters = clustered_auc(*copied)
    as_pictures = clustered_auc(copied[0], copied[1], np.arange(480))
    assert as_clusters.value == pytest.approx(once.value)
    assert as_clusters.high - as_clusters.low == pytest.approx(once.high - once.low, rel=0.05)
    assert as_pictures.high - as_pictures.low < 0.6 * (once.high - once.low)


def test_a_perfect_ranking_is_not_certain() -> None:
    labels = np.arange(80) % 2
    auc = clustered_auc(labels, labels.astype(float), np.arange(80))
    assert (auc.value, auc.high) == (1.0, 1.0)
    assert 0.85 < auc.low < 0.95
    nearly = labels + 0.0
    nearly[0] = 1.5
    assert clustered_auc(labels, nearly, np.arange(80)).low <= auc.low


def test_errors_that_cancel_within_clusters_leave_no_variance() -> None:
    """Each cluster's fake and real have one score: what the one loses the other wins."""
    for n in range(20, 60):
        labels, pairs = np.repeat([0, 1], n), np.tile(np.arange(n), 2)
        auc = clustered_auc(labels, pairs.astype(float), pairs)
        assert (auc.low, auc.value, auc.high) == pytest.approx((0.5, 0.5, 0.5), abs=1e-6)


def test_few_pictures_or_a_single_source_say_nothing() -> None:
    labels, scores = drawn(2, 10, 3.0)
    few = clustered_auc(labels, scores, np.arange(10))
    assert (few.low, few.high) == (0.0, 1.0)
    labels, scores = drawn(2, 100, 3.0)
    single = clustered_auc(labels, scores, labels)
    assert (single.low, single.high) == (0.0, 1.0)
