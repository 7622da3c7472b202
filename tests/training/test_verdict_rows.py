"""Which pictures a verdict is fitted on, before training and after it."""

from types import SimpleNamespace

import msgspec
import numpy as np
import pytest

from keras_detector.labelled_directory import Split
from training.recipe import load_recipe
from training.verdict_rows import SERVED_PICTURES, measured_rows, spread, verdict_rows

RECIPE = load_recipe("ai_imageclassifier")


def lines(validation: str, twin: str) -> tuple:
    return (
        msgspec.structs.replace(RECIPE.verdict, validation=validation),
        msgspec.structs.replace(RECIPE.export, twin=twin),
    )


def test_a_compact_network_is_promised_the_pictures_that_it_will_score() -> None:
    """Of 3,000 validation pictures 500 are scored: no policy may count on 600 real ones."""
    rows = {Split.TRAIN: np.arange(3000), Split.VALIDATION: np.arange(3000, 6000)}
    dataset = SimpleNamespace(rows=rows, labels=np.arange(6000) % 3 == 0)
    fitted = verdict_rows(dataset, *lines("split", "int8"))
    assert len(fitted) == SERVED_PICTURES
    assert abs(dataset.labels[fitted].mean() - 1 / 3) < 0.002
    np.testing.assert_array_equal(
        fitted, measured_rows(dataset, Split.VALIDATION, lines("split", "int8")[1])
    )
    assert len(verdict_rows(dataset, *lines("split", "float32"))) == 3000
    assert len(verdict_rows(dataset, *lines("sources", "int8"))) == 6000


@pytest.mark.parametrize("n_fake", [0, 1, 50, 99, 100])
def test_every_class_that_is_there_is_among_a_few(n_fake: int) -> None:
    labels = np.zeros(100, np.int8)
    labels[:n_fake] = 1
    few = spread(np.arange(100), labels, 10)
    assert len(set(few.tolist())) == 10
    assert (np.diff(few) > 0).all()
    assert set(labels[few]) == set(labels)
