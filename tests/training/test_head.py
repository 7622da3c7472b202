"""Logistic regression folded into one layer, and scores of what was never seen."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from keras_detector.errors import DataError
from training.cross_validation import group_folds, held_out_logits, source_folds
from training.head import head_logits, solve_logistic, standardisation

RNG = np.random.default_rng(0)
LABELS = np.repeat([0, 1], 150)
FEATURES = (
    RNG.normal(size=(300, 20)) * RNG.uniform(0.1, 50, 20)
    + RNG.normal(size=20) * 100
    + LABELS[:, np.newaxis] * RNG.uniform(0, 10, 20)
).astype(np.float32)
WEIGHTS = RNG.uniform(0.5, 1.5, 300)


def test_the_folded_layer_is_scikit_learns_pipeline() -> None:
    layers = solve_logistic(FEATURES, LABELS, WEIGHTS, c=0.01)
    pipeline = make_pipeline(StandardScaler(), LogisticRegression(C=0.01, max_iter=2000))
    wide = FEATURES.astype(np.float64)
    pipeline.fit(wide, LABELS, logisticregression__sample_weight=WEIGHTS)
    expected = pipeline.decision_function(wide)
    np.testing.assert_allclose(head_logits(layers, FEATURES), expected, atol=2e-3)


def test_a_feature_that_never_changes_plays_no_part() -> None:
    constant = np.concatenate([FEATURES, np.full((300, 1), 7.0, np.float32)], axis=1)
    _, scale = standardisation(constant)
    assert scale[-1] == 1.0
    kernel, _ = solve_logistic(constant, LABELS, WEIGHTS, c=0.01)[0]
    assert abs(kernel[-1, 0]) < 1e-6


def test_group_folds_keep_near_copies_together() -> None:
    groups = np.arange(300) // 3
    folds = group_folds(LABELS, groups, 0)
    assert len(np.unique(folds)) == 5
    assert all(len(np.unique(folds[groups == group])) == 1 for group in range(100))


@pytest.mark.parametrize(("one_by_one", "count"), [(False, 5), (True, 7)])
def test_source_folds_never_divide_a_source(one_by_one: bool, count: int) -> None:
    sources = [f"r{i % 7}" if i < 150 else "fakes" for i in range(300)]
    folds = source_folds(LABELS, np.arange(300), sources, 0, one_by_one=one_by_one)
    assert folds is not None
    for name in set(sources) - {"fakes"}:
        of_source = [folds[i] for i in range(300) if sources[i] == name]
        assert len(set(of_source)) == 1
    assert len(np.unique(folds[:150])) == count
    assert len(np.unique(folds[150:])) == 5  # a class of one source is divided by groups


def test_without_sources_there_are_no_source_folds() -> None:
    sources = ["real"] * 150 + ["fake"] * 150
    assert source_folds(LABELS, np.arange(300), sources, 0, one_by_one=False) is None


def test_held_out_logits_do_not_know_what_they_score() -> None:
    """On noise they are worth nothing, however well the noise could be learned by heart."""
    noise = RNG.normal(size=(300, 400)).astype(np.float32)
    groups, sources = np.arange(300), ["s"] * 300
    folds = group_folds(LABELS, groups, 0)
    logits = held_out_logits(noise, LABELS, groups, sources, folds, c=1.0, source_weights={})
    assert abs(np.mean((logits > 0) == LABELS) - 0.5) < 0.12
    logits = held_out_logits(FEATURES, LABELS, groups, sources, folds, c=0.1, source_weights={})
    assert np.mean((logits > 0) == LABELS) > 0.7


def test_copies_of_a_tested_picture_in_other_folds_are_not_learned_from() -> None:
    noise = np.tile(RNG.normal(size=(150, 400)), (2, 1)).astype(np.float32)
    labels = np.tile(np.repeat([0, 1], 75), 2)
    groups, folds = np.tile(np.arange(150), 2), np.repeat([0, 1], 150)
    folds[::2] = 1 - folds[::2]
    with pytest.raises(DataError, match="both classes"):
        held_out_logits(noise, labels, groups, ["s"] * 300, folds, c=1.0, source_weights={})


def test_too_few_pictures_are_refused() -> None:
    with pytest.raises(DataError, match="near copies count once"):
        group_folds(LABELS, np.zeros(300, np.int64), 0)
