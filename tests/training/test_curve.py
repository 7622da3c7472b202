"""The curve that training writes into a card."""

from itertools import pairwise

import numpy as np
import pytest

from keras_detector.measure import wilson
from training.curve import Judged, measure_curve


def judged(n_real: int, n_fake: int, seed: int = 0) -> Judged:
    rng = np.random.default_rng(seed)
    scores = np.append(rng.beta(1, 3, n_real), rng.beta(3, 1, n_fake))
    return np.repeat([0, 1], [n_real, n_fake]), scores


def test_each_point_says_what_its_threshold_costs() -> None:
    labels, scores = judged(286, 412)
    curve = measure_curve({}, (labels, scores), 0.456)
    assert (curve.measured_on, curve.n_real, curve.n_fake) == ("validation", 286, 412)
    assert 0.456 in [point.threshold for point in curve.points]
    for point in curve.points:
        called = scores >= point.threshold
        assert point.false_positive_rate == wilson(int(called[labels == 0].sum()), 286)
        assert point.recall == wilson(int(called[labels == 1].sum()), 412)
    last = curve.points[-1]
    assert (last.false_positive_rate.value, last.recall.value) == (0.0, 0.0)


def test_rare_false_alarms_are_told_apart_one_by_one_at_the_lowest_threshold() -> None:
    labels, scores = judged(286, 412)
    points = measure_curve({}, (labels, scores), 0.5).points
    highest_real = np.sort(scores[labels == 0])[::-1]
    for alarms in range(10):
        first = next(p for p in points if round(p.false_positive_rate.value * 286) <= alarms)
        # Just above the photograph that it no longer accuses, below whatever comes next.
        assert first.threshold > highest_real[alarms]
        assert not ((scores > highest_real[alarms]) & (scores < first.threshold)).any()


def test_no_point_but_the_card_s_own_lies_on_a_picture() -> None:
    labels, scores = judged(50, 50)
    points = measure_curve({}, (labels, scores), float(scores[3])).points
    assert {p.threshold for p in points} & set(scores.tolist()) == {scores[3]}


@pytest.mark.parametrize(("n_real", "n_fake"), [(1, 1), (30, 2_000), (20_000, 20_000)])
def test_a_curve_has_about_a_hundred_points_at_most(n_real: int, n_fake: int) -> None:
    points = measure_curve({}, judged(n_real, n_fake), 0.5).points
    assert 2 <= len(points) <= 110
    for rate, step in (("false_positive_rate", 0.101), ("recall", 0.05 + 1 / n_fake)):
        values = [getattr(point, rate).value for point in points]
        if n_real > 1:
            assert max(a - b for a, b in pairwise(values)) <= step


def test_collections_are_pooled_and_named_and_validation_stands_in_where_there_are_none() -> None:
    web, art, validation = judged(30, 5, 1), judged(10, 40, 2), judged(20, 20, 3)
    curve = measure_curve({"web": web, "art": art}, validation, 0.5)
    assert (curve.measured_on, curve.n_real, curve.n_fake) == ("web, art", 40, 45)
    accused = sum(int((s[y == 0] >= 0.5).sum()) for y, s in (web, art))
    (own,) = [point for point in curve.points if point.threshold == 0.5]
    assert own.false_positive_rate == wilson(accused, 40)
    only_fakes = (np.ones(9, np.int64), np.linspace(0, 1, 9))
    assert measure_curve({"fakes": only_fakes}, validation, 0.5).measured_on == "validation"


def test_scores_at_the_very_ends_still_make_a_curve() -> None:
    curve = measure_curve({}, (np.array([0, 0, 1, 1]), np.array([0.0, 1.0, 0.0, 1.0])), 1.0)
    points = [(p.threshold, p.false_positive_rate.value, p.recall.value) for p in curve.points]
    assert points == [(0.0, 1.0, 1.0), (0.5, 0.5, 0.5), (1.0, 0.5, 0.5)]


def test_neighbouring_floats_are_told_apart() -> None:
    above = float(np.nextafter(0.5, 1.0))
    curve = measure_curve({}, (np.array([0, 1]), np.array([0.5, above])), 0.5)
    (at,) = [p for p in curve.points if p.threshold == above]
    assert (at.false_positive_rate.value, at.recall.value) == (0.0, 1.0)


def test_one_class_makes_no_curve() -> None:
    with pytest.raises(ValueError, match="0 fake"):
        measure_curve({}, (np.zeros(3, np.int64), np.full(3, 0.1)), 0.5)
