"""Degradations, and what is measured of a model under them."""

import weakref

import numpy as np
import pytest
from PIL import Image

from keras_detector.card import Threshold
from keras_detector.degrade import BLUR_SIGMA, CONDITION_TEXTS, CONDITIONS
from keras_detector.measure import measure, wilson
from keras_detector.pixels import Pixels
from keras_detector.robustness import measure_condition, measure_robustness
from tests.conftest import draw_picture

HALF = Threshold(value=0.5, policy="youden", abstain=(0.5, 0.5))


@pytest.fixture
def picture() -> Pixels:
    return draw_picture(np.random.default_rng(1), fake=False, size=100)[:60]


SHAPES = {"half": (30, 50, 3), "double": (120, 200, 3)}


@pytest.mark.parametrize("name", CONDITIONS)
def test_a_condition_gives_a_picture_and_leaves_its_own_alone(name: str, picture: Pixels) -> None:
    before = picture.copy()
    changed = CONDITIONS[name](picture)
    assert changed.dtype == np.uint8
    assert changed.shape == SHAPES.get(name, picture.shape)
    assert (picture == before).all()
    assert (changed.shape == picture.shape and (changed == picture).all()) == (name == "clean")


@pytest.mark.parametrize("name", CONDITIONS)
def test_a_picture_of_one_pixel_passes(name: str) -> None:
    changed = CONDITIONS[name](np.full((1, 1, 3), 90, np.uint8))
    assert abs(changed.astype(int) - 90).max() <= 3


def test_stronger_compression_costs_more(picture: Pixels) -> None:
    lost = [
        np.abs(CONDITIONS[q](picture).astype(int) - picture).mean() for q in ("q70", "q50", "q30")
    ]
    assert lost == sorted(lost)


@pytest.mark.parametrize(("name", "side"), [("web_768_q60", 768), ("web_512_q40", 512)])
def test_the_web_shrinks_what_is_larger(name: str, side: int) -> None:
    large = np.zeros((500, 1000, 3), np.uint8)
    assert CONDITIONS[name](large).shape == (side // 2, side, 3)
    tall = np.zeros((1000, 500, 3), np.uint8)
    assert CONDITIONS[name](tall).shape == (side, side // 2, 3)


def test_blur_spreads_a_point_as_its_gaussian_does() -> None:
    point = np.zeros((41, 41, 3), np.uint8)
    point[20, 20] = 255
    blurred = CONDITIONS["blur"](point)[..., 0].astype(float)
    offsets = np.arange(41) - 20.0
    variance = (blurred.sum(axis=0) * offsets**2).sum() / blurred.sum()
    assert np.sqrt(variance) == pytest.approx(BLUR_SIGMA, rel=0.15)  # 8 bits cut the tails off


def test_every_condition_has_a_text() -> None:
    assert list(CONDITION_TEXTS) == list(CONDITIONS)


def smoothness(pixels: Pixels) -> float:
    return 1 / (1 + np.abs(np.diff(pixels.astype(float), axis=1)).mean() / 10)


def test_robustness_is_measured_picture_by_picture() -> None:
    rng = np.random.default_rng(0)
    labels = np.arange(67) % 2
    pictures = [draw_picture(rng, fake=bool(label), size=64) for label in labels]
    result = measure_robustness(labels, smoothness, iter(pictures), HALF)
    assert list(result) == list(CONDITIONS)
    clean = result["clean"]
    assert (clean.n, clean.n_real, clean.n_fake) == (67, 34, 33)
    figures = measure(labels, np.array([smoothness(pixels) for pixels in pictures]), HALF)
    assert clean.roc_auc == figures.roc_auc
    assert clean.recall == figures.recall
    assert clean.balanced_accuracy == figures.balanced_accuracy
    assert clean.ece == figures.ece
    assert clean.false_positive_rate == wilson(figures.confusion_matrix[0][1], 34)
    assert clean.false_positive_rate.value == 0.0
    assert result["blur"].false_positive_rate.value > 0.5  # what is rough looks smooth then


def test_one_picture_is_held_at_a_time() -> None:
    """A hundred photographs of 50 megapixels, and their doubled copies, fit into no memory."""
    held: list[weakref.ref[Pixels]] = []

    def picture(number: int) -> Pixels:
        # when the next one is asked for, the loop still has the last
        assert sum(there() is not None for there in held) <= 1
        pixels = np.full((20, 20, 3), number, np.uint8)
        held.append(weakref.ref(pixels))
        return pixels

    measure_robustness(np.arange(40) % 2, smoothness, map(picture, range(40)), HALF)
    assert len(held) == 40


def test_another_number_of_pictures_is_refused() -> None:
    pictures = [draw_picture(np.random.default_rng(0), fake=True)]
    with pytest.raises(ValueError, match="shape"):
        measure_robustness(np.array([0, 1]), smoothness, pictures, HALF)
    with pytest.raises(ValueError, match="1 sources for 2 labels"):
        measure_condition(np.array([0, 1]), np.array([0.1, 0.9]), HALF, ["a"])


def test_sources_that_fail_together_widen_the_interval() -> None:
    """Six sources of fakes, one of them missed whole: a seventh may be missed as well."""
    labels = np.repeat([0, 1], 300)
    scores = np.concatenate([np.linspace(0.0, 0.4, 300), np.linspace(0.6, 1.0, 300)])
    scores[300:350] = 0.3
    sources = [f"r{i % 6}" for i in range(300)] + [f"f{i // 50}" for i in range(300)]
    plain, by_source = (measure_condition(labels, scores, HALF, s) for s in (None, sources))
    assert plain.recall.value == by_source.recall.value == 250 / 300
    assert plain.recall.low > 0.78
    assert by_source.recall.low < 0.65
    assert by_source.balanced_accuracy.low < plain.balanced_accuracy.low
    assert by_source.roc_auc.low < plain.roc_auc.low
    assert by_source.false_positive_rate == plain.false_positive_rate  # never narrower


def test_one_source_a_class_is_measured_by_its_pictures() -> None:
    rng = np.random.default_rng(3)
    labels = np.repeat([0, 1], 100)
    scores = np.clip(labels * 0.3 + rng.random(200) * 0.7, 0, 1)
    sources = ["camera"] * 100 + ["generator"] * 100
    plain, by_source = (measure_condition(labels, scores, HALF, s) for s in (None, sources))
    assert by_source.recall.low == pytest.approx(plain.recall.low, abs=0.03)
    assert by_source.recall.low <= plain.recall.low


def test_one_class_alone_has_the_figures_it_defines() -> None:
    condition = measure_condition(np.zeros(20, int), np.full(20, 0.2), HALF, ["a"] * 20)
    assert condition.roc_auc is condition.balanced_accuracy is condition.recall is None
    assert condition.false_positive_rate == wilson(0, 20)


def test_the_conditions_are_what_a_viewer_would_make(picture: Pixels) -> None:
    image = Image.fromarray(picture).resize((50, 30), Image.Resampling.BICUBIC)
    assert (CONDITIONS["half"](picture) == np.asarray(image)).all()
