"""Weights: classes and sources count the same where the recipe says so."""

import numpy as np
import pytest

from training.weighting import picture_weights

LABELS = np.array([0] * 6 + [1] * 2)
SOURCES = ["a"] * 5 + ["b"] + ["c", "mixed"]


def weights(balance: str, **source_weights: float) -> np.ndarray:
    return picture_weights(LABELS, SOURCES, balance=balance, source_weights=source_weights)


@pytest.mark.parametrize("balance", ["pictures", "classes", "sources"])
def test_weights_average_one(balance: str) -> None:
    assert weights(balance).mean() == pytest.approx(1.0)


def test_pictures_count_the_same() -> None:
    np.testing.assert_array_equal(weights("pictures"), np.ones(8))


def test_classes_count_the_same() -> None:
    found = weights("classes")
    assert found[LABELS == 0].sum() == pytest.approx(found[LABELS == 1].sum())
    assert len(set(found[LABELS == 0])) == 1


def test_sources_count_the_same_within_their_class_and_classes_too() -> None:
    found = weights("sources")
    assert found[:5].sum() == pytest.approx(found[5])
    assert found[6] == pytest.approx(found[7])
    assert found[:6].sum() == pytest.approx(found[6:].sum())


def test_a_source_of_both_classes_counts_in_each() -> None:
    labels, sources = np.array([0, 0, 1, 1]), ["x", "y", "x", "z"]
    found = picture_weights(labels, sources, balance="sources", source_weights={})
    np.testing.assert_allclose(found, np.ones(4))


def test_a_factor_on_a_source_comes_after_the_balance() -> None:
    plain, heavier = weights("sources"), weights("sources", b=3.0)
    assert heavier[5] / heavier[0] == pytest.approx(3 * plain[5] / plain[0])
