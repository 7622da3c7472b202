import subprocess
import sys
import time

import numpy as np
import pytest
from sklearn import metrics

from keras_detector.card import Estimate, Figures, Threshold
from keras_detector.measure import (
    measure,
    measure_sources,
    risk_coverage,
    wilson,
    worst_source,
)

HALF = Threshold(value=0.5, policy="youden", abstain=(0.5, 0.5))
BAND = Threshold(value=0.4, policy="youden", abstain=(0.3, 0.6))


def noisy(n: int, seed: int = 0, tied: bool = False) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 2, n)
    scores = 1 / (1 + np.exp(-(2 * labels - 1 + rng.normal(0, 1.5, n))))
    return labels, np.round(scores, 1) if tied else scores


@pytest.mark.parametrize(
    ("successes", "n", "low", "high"),
    [
        (8, 10, 0.4902, 0.9433),
        (0, 10, 0.0, 0.2775),
        (10, 10, 0.7225, 1.0),
        (50, 100, 0.4038, 0.5962),
    ],
)
def test_wilson_agrees_with_published_intervals(successes, n, low, high):
    estimate = wilson(successes, n)
    assert estimate.value == successes / n
    assert (estimate.low, estimate.high) == pytest.approx((low, high), abs=5e-5)


def test_share_of_nothing_is_undefined():
    assert wilson(0, 0) is None


def test_figures_of_a_set_counted_by_hand():
    labels = np.array([0, 0, 0, 0, 1, 1, 1, 1, 1])
    scores = np.array([0.1, 0.2, 0.45, 0.9, 0.35, 0.45, 0.7, 0.8, 0.2])
    figures = measure(labels, scores, BAND)
    assert (figures.n, figures.n_real, figures.n_fake) == (9, 4, 5)
    assert figures.confusion_matrix == ((2, 2), (2, 3))
    assert figures.accuracy.value == pytest.approx(5 / 9)
    assert figures.balanced_accuracy.value == pytest.approx((2 / 4 + 3 / 5) / 2)
    assert figures.binary_accuracy.value == pytest.approx(5 / 9)
    assert figures.precision.value == pytest.approx(3 / 5)
    assert figures.recall.value == pytest.approx(3 / 5)
    assert figures.f1.value == pytest.approx(3 / 5)
    # 0.45, 0.35 and 0.45 lie in the band; of the other six, 0.9 and the fake 0.2 are wrong.
    assert figures.coverage.value == pytest.approx(6 / 9)
    assert figures.covered_error.value == pytest.approx(2 / 6)
    # Pairs ranked right: 0.35 beats 2, 0.45 2 and a tie, 0.7 and 0.8 beat 3, 0.2 1 and a tie.
    assert figures.roc_auc.value == pytest.approx((2 + 2.5 + 3 + 3 + 1.5) / 20)


@pytest.mark.parametrize("tied", [False, True])
def test_points_agree_with_sklearn(tied):
    labels, scores = noisy(500, tied=tied)
    figures, called = measure(labels, scores, BAND), scores >= 0.4
    expected = {
        "accuracy": metrics.accuracy_score(labels, called),
        "balanced_accuracy": metrics.balanced_accuracy_score(labels, called),
        "binary_accuracy": metrics.accuracy_score(labels, scores >= 0.5),
        "precision": metrics.precision_score(labels, called),
        "recall": metrics.recall_score(labels, called),
        "f1": metrics.f1_score(labels, called),
        "roc_auc": metrics.roc_auc_score(labels, scores),
        "pr_auc": metrics.average_precision_score(labels, scores),
        "brier": metrics.brier_score_loss(labels, scores),
    }
    assert {name: getattr(figures, name).value for name in expected} == pytest.approx(expected)
    assert figures.confusion_matrix == tuple(
        map(tuple, metrics.confusion_matrix(labels, called).tolist())
    )


@pytest.mark.parametrize("tied", [False, True])
def test_resampled_intervals_agree_with_a_plain_bootstrap(tied):
    labels, scores = noisy(300, seed=1, tied=tied)
    figures = measure(labels, scores, HALF)
    rng = np.random.default_rng(9)
    of_class = [np.flatnonzero(labels == label) for label in (0, 1)]
    drawn = []
    for _ in range(250):
        rows = np.concatenate([rng.choice(members, members.size) for members in of_class])
        drawn.append(
            (
                metrics.roc_auc_score(labels[rows], scores[rows]),
                metrics.average_precision_score(labels[rows], scores[rows]),
                metrics.brier_score_loss(labels[rows], scores[rows]),
                metrics.f1_score(labels[rows], scores[rows] >= 0.5),
                metrics.balanced_accuracy_score(labels[rows], scores[rows] >= 0.5),
            )
        )
    names = ("roc_auc", "pr_auc", "brier", "f1", "balanced_accuracy")
    for name, low, high in zip(names, *np.percentile(drawn, [2.5, 97.5], axis=0), strict=True):
        estimate, tolerance = getattr(figures, name), 0.2 * (high - low)
        assert estimate.low == pytest.approx(low, abs=tolerance), name
        assert estimate.high == pytest.approx(high, abs=tolerance), name


def test_calibration_error_counted_by_hand():
    # 15 bins of two: 14 with one fake at 0.5 (no error), one with two fakes at 0.9 (error 0.1)
    labels = np.array([0, 1] * 14 + [1, 1])
    scores = np.array([0.5 - i / 100 for i in range(14) for _ in range(2)] + [0.9, 0.9])
    gaps = sum(2 * i / 100 for i in range(14)) + 2 * 0.1
    assert measure(labels, scores, HALF).ece.value == pytest.approx(gaps / 30)


def test_pictures_of_equal_score_share_a_bin_whatever_their_order():
    labels = np.array([0] * 50 + [1] * 50)
    assert measure(labels, np.full(100, 0.5), HALF).ece.value == pytest.approx(0)


def test_calibration_error_of_calibrated_scores_may_be_zero_and_of_others_may_not():
    rng = np.random.default_rng(3)
    scores = rng.random(400)
    labels = (rng.random(400) < scores).astype(int)
    calibrated, overconfident = (measure(labels, s, HALF).ece for s in (scores, scores > 0.5))
    assert calibrated.low == 0
    assert overconfident.low > 0.15
    assert overconfident.value == pytest.approx(np.mean((scores > 0.5) != labels), abs=0.02)


def test_intervals_hold_the_truth_about_as_often_as_they_say():
    # Class means one standard deviation apart: the truths follow from the normal distribution.
    z = np.linspace(-8, 8, 4001)
    density = np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi)
    brier = np.trapezoid(density / (1 + np.exp(2 * (0.5 + z))) ** 2, z)
    truths = {"roc_auc": 0.76025, "balanced_accuracy": 0.69146, "f1": 0.69146, "brier": brier}
    held = dict.fromkeys(truths, 0)
    for seed in range(40):
        figures = measure(*logistic(120, seed), HALF)
        for name, truth in truths.items():
            held[name] += getattr(figures, name).low <= truth <= getattr(figures, name).high
    # 38 of 40 are expected; fewer than 34 happen to a right interval once in 70 times
    assert min(held.values()) >= 34, held


def logistic(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % 2
    return labels, 1 / (1 + np.exp(-2 * (labels - 0.5 + rng.normal(0, 1, n))))


def test_intervals_hold_their_figure_and_stay_within_0_and_1():
    for seed in range(5):
        for figures in (
            measure(*noisy(25, seed), HALF),
            measure(*noisy(60, seed, tied=True), BAND),
        ):
            for estimate in estimates(figures):
                assert 0 <= estimate.low <= estimate.value <= estimate.high <= 1


def test_twenty_right_verdicts_are_not_certainty():
    figures = measure(np.array([0, 1] * 20), np.array([0.1, 0.9] * 20), HALF)
    for name in ("accuracy", "balanced_accuracy", "f1", "roc_auc", "pr_auc"):
        estimate = getattr(figures, name)
        assert (estimate.value, estimate.high) == (1, 1), name
        assert 0.8 < estimate.low < 0.96, name


def test_resampling_few_pictures_claims_nothing():
    figures = measure(np.array([0, 0, 1, 1]), np.array([0.1, 0.2, 0.8, 0.9]), HALF)
    for estimate in (figures.roc_auc, figures.pr_auc, figures.brier, figures.ece):
        assert (estimate.low, estimate.high) == (0, 1)


def test_one_class_leaves_undefined_what_needs_two():
    real = measure(np.zeros(20, int), np.linspace(0, 0.8, 20), HALF)
    fake = measure(np.ones(20, int), np.linspace(0, 0.8, 20), HALF)
    for figures in (real, fake):
        assert figures.balanced_accuracy is figures.roc_auc is figures.pr_auc is None
    assert real.recall is real.f1 is None
    assert real.precision.value == 0
    assert fake.recall.value == pytest.approx(0.4)
    assert fake.brier.value == pytest.approx(np.mean((1 - np.linspace(0, 0.8, 20)) ** 2))


def test_precision_without_a_decision_for_fake_is_undefined():
    figures = measure(np.array([0, 1]), np.array([0.1, 0.2]), HALF)
    assert figures.precision is None
    assert (figures.recall.value, figures.f1.value) == (0, 0)


def test_one_picture():
    figures = measure(np.array([1]), np.array([0.7]), HALF)
    assert figures.accuracy == wilson(1, 1)
    assert figures.brier.value == pytest.approx(0.09)


def test_no_pictures_leave_everything_undefined():
    figures = measure(np.array([], int), np.array([]), HALF)
    assert figures.n == 0
    assert estimates(figures) == []


def test_no_verdicts_leave_their_error_undefined():
    figures = measure(np.array([0, 1]), np.array([0.4, 0.5]), BAND)
    assert figures.coverage.value == 0
    assert figures.covered_error is None


def test_edges_of_the_band_get_a_verdict():
    figures = measure(np.array([0, 1, 1]), np.array([0.3, 0.6, 0.45]), BAND)
    assert figures.coverage.value == pytest.approx(2 / 3)


def test_undetermined_pictures_are_named_by_the_caller():
    labels, scores = np.array([0, 1, 1, 0]), np.array([0.1, 0.9, 0.1, 0.9])
    figures = measure(labels, scores, HALF, np.array([False, False, True, False]))
    assert figures.coverage.value == pytest.approx(3 / 4)
    assert figures.covered_error.value == pytest.approx(1 / 3)
    assert figures.accuracy.value == pytest.approx(1 / 2)


def test_same_scores_give_the_same_intervals():
    assert measure(*noisy(100), HALF) == measure(*noisy(100), HALF)


@pytest.mark.parametrize(
    ("labels", "scores"),
    [
        ([0, 1], [0.5]),
        ([[0, 1]], [[0.5, 0.5]]),
        ([0, 2], [0.5, 0.5]),
        ([0, 1], [0.5, np.nan]),
        ([0, 1], [0.5, 1.1]),
        ([0, 1], [-0.1, 0.5]),
    ],
)
def test_bad_arrays_are_refused(labels, scores):
    with pytest.raises(ValueError, match=r"labels|scores"):
        measure(np.array(labels), np.array(scores), HALF)


def test_undetermined_of_another_length_is_refused():
    with pytest.raises(ValueError, match="2 booleans"):
        measure(np.array([0, 1]), np.array([0.1, 0.9]), HALF, np.array([True]))


def test_sources_are_measured_one_by_one():
    labels = np.array([0, 0, 1, 1, 1, 0])
    scores = np.array([0.1, 0.7, 0.9, 0.2, 0.8, 0.4])
    sources = ["phone", "phone", "adm", "adm", "web", "web"]
    figures = measure_sources(labels, scores, sources, HALF)
    assert list(figures) == ["adm", "phone", "web"]
    assert [f.label for f in figures.values()] == ["fake", "real", "mixed"]
    assert [f.n for f in figures.values()] == [2, 2, 2]
    assert figures["phone"].accuracy == wilson(1, 2)
    assert figures["web"].accuracy == wilson(2, 2)
    assert figures["adm"].mean_score == pytest.approx(0.55)


def test_sources_of_another_number_are_refused():
    with pytest.raises(ValueError, match="1 sources for 2"):
        measure_sources(np.array([0, 1]), np.array([0.1, 0.9]), ["a"], HALF)


def test_forty_thousand_pictures_are_measured_in_seconds():
    labels, scores = noisy(40_000)
    start = time.process_time()
    measure(labels, scores, HALF)
    assert time.process_time() - start < 10


def test_importing_it_does_not_import_sklearn():
    code = "import sys, keras_detector.measure; sys.exit('sklearn' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def estimates(figures: Figures) -> list[Estimate]:
    values = (getattr(figures, name) for name in figures.__struct_fields__)
    return [value for value in values if isinstance(value, Estimate)]


# --- sources and abstention


def test_sources_have_coverage_and_error_with_abstention() -> None:
    labels = np.array([0, 0, 0, 0, 1, 1])
    scores = np.array([0.1, 0.2, 0.9, 0.48, 0.52, 0.95])
    band = Threshold(value=0.5, policy="youden", abstain=(0.45, 0.55))
    figures = measure_sources(labels, scores, list("aaaabb"), band)
    assert figures["a"].coverage == wilson(3, 4)
    assert figures["a"].covered_error == wilson(1, 3)
    assert figures["b"].coverage == wilson(1, 2)
    assert worst_source(figures) == "a"
    assert worst_source({}) is None
    nothing = measure_sources(labels, scores, list("aaaabb"), band, np.ones(6, bool))
    assert nothing["a"].covered_error is None


def test_risk_coverage_orders_by_distance_from_the_threshold() -> None:
    labels, scores = np.array([0, 1, 1, 0]), np.array([0.01, 0.9, 0.3, 0.6])
    threshold = Threshold(value=0.5, policy="youden", abstain=(0.4, 0.6))
    assert risk_coverage(labels, scores, threshold) == [
        (0.25, 0.0), (0.5, 0.0), (0.75, 1 / 3), (1.0, 0.5),
    ]  # fmt: skip
    same = risk_coverage(labels, np.full(4, 0.7), threshold)
    assert same == [(1.0, 0.5)]
    assert risk_coverage(np.empty(0, int), np.empty(0), threshold) == []


def test_risk_coverage_is_thinned_and_ends_with_everything() -> None:
    rng = np.random.default_rng(0)
    labels, scores = rng.integers(0, 2, 5000), rng.random(5000)
    scores[:2] = 0.0, 1.0
    curve = risk_coverage(labels, scores, HALF)
    assert len(curve) <= 200
    assert curve[-1] == (1.0, np.mean((scores >= HALF.value) != labels))
    assert [point[0] for point in curve] == sorted({point[0] for point in curve})
