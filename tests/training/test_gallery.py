"""The gallery: the right pictures, in the right order, and none that cannot be read."""

import base64
import io

import numpy as np
import pytest
from PIL import Image

from keras_detector.card import Threshold
from keras_detector.errors import UnreadableImageError
from keras_detector.labels import Label
from keras_detector.pixels import Pixels
from training.report.gallery import EACH, SIDE, Gallery, hang_gallery

THRESHOLD = Threshold(value=0.6, policy="youden", abstain=(0.5, 0.7))
LABELS = np.array([0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1])
SCORES = np.array([0.1, 0.0, 0.3, 0.2, 0.9, 0.61, 0.99, 0.7, 0.59, 0.2, 0.4])


def load(index: int) -> Pixels:
    return np.full((40, 30 + index, 3), 20 * index, np.uint8)


def hang(load=load, heatmap=lambda pixels: 255 - pixels) -> Gallery:
    n = LABELS.size
    return hang_gallery(
        LABELS, SCORES, THRESHOLD,
        paths=[f"folder/{i}.jpg" for i in range(n)], sources=["camera"] * n,
        load=load, heatmap=heatmap,
    )  # fmt: skip


def opened(jpeg: str) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(jpeg)))


def test_rows_hold_the_surest_hits_and_the_worst_misses_of_both_classes() -> None:
    rows = [[shown.name for shown in row.pictures] for row in hang().rows]
    assert rows == [
        ["1.jpg", "0.jpg", "3.jpg"],
        ["6.jpg", "7.jpg"],
        ["4.jpg", "5.jpg"],
        ["9.jpg", "10.jpg", "8.jpg"],
    ]
    assert all(len(row) <= EACH for row in rows)


def test_most_wrong_ranks_both_classes_by_how_far_past_the_threshold() -> None:
    names = [shown.name for shown in hang().most_wrong]
    # 0.9 is 3/4 of the way from 0.6 to 1; 0.2 is 2/3 of the way from 0.6 to 0
    assert names == ["4.jpg", "9.jpg", "10.jpg", "5.jpg", "8.jpg"]
    assert hang().most_wrong[0].label is Label.REAL


def test_pictures_are_small_jpegs_of_their_own_shape_with_their_heatmap() -> None:
    shown = hang().rows[0].pictures[0]
    picture, heatmap = opened(shown.picture), opened(shown.heatmap)
    assert picture.format == "JPEG"
    assert max(picture.size) == max(heatmap.size) == SIDE
    assert picture.size == (round(31 * SIDE / 40), SIDE)
    assert np.asarray(picture).mean() == pytest.approx(20, abs=3)
    assert np.asarray(heatmap).mean() == pytest.approx(235, abs=3)
    assert hang().most_wrong[0].heatmap is None


def test_a_file_that_has_gone_is_left_out() -> None:
    def gone(index: int) -> Pixels:
        if index == 4:
            raise UnreadableImageError(expected="a picture", received="nothing", advice="Look.")
        return load(index)

    gallery = hang(gone)
    assert [shown.name for shown in gallery.rows[2].pictures] == ["5.jpg"]
    assert gallery.most_wrong[0].name == "9.jpg"


def test_a_row_without_pictures_is_left_out() -> None:
    perfect = np.where(LABELS == 1, 0.9, 0.1)
    gallery = hang_gallery(
        LABELS, perfect, THRESHOLD, paths=["a"] * 11, sources=["b"] * 11,
        load=load, heatmap=lambda pixels: pixels,
    )  # fmt: skip
    assert len(gallery.rows) == 2
    assert gallery.most_wrong == ()


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_a_threshold_at_either_end_divides_by_nothing(value: float) -> None:
    threshold = Threshold(value=value, policy="f1", abstain=(value, value))
    with np.errstate(all="raise"):
        hang_gallery(
            LABELS, SCORES, threshold, paths=["a"] * 11, sources=["b"] * 11,
            load=load, heatmap=lambda pixels: pixels,
        )  # fmt: skip
