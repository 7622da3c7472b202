"""The heatmap: where it lies, and what its colours mean."""

import numpy as np
import pytest

from gui.texts import LANGUAGES, read_texts
from keras_detector.card import InputSpec
from keras_detector.detector import Examination, Prediction
from keras_detector.explain import COLOURS, MAX_SIDE, MIN_SIDE, Legend, draw_explanation
from keras_detector.labels import Label, Reason, Verdict
from keras_detector.pixels import Pixels


def spec(view: str = "whole") -> InputSpec:
    return InputSpec(size=32, view=view, resample="bicubic", enhance=False)


def examined(values: object, reasons: tuple[Reason, ...] = ()) -> Examination:
    prediction = Prediction(Verdict.FAKE, Label.FAKE, 0.9, 0.5, "tiny", reasons)
    return Examination(prediction, np.array(values, np.float32))


def grey(height: int, width: int) -> Pixels:
    return np.full((height, width, 3), 128, np.uint8)


def coloured(drawn: Pixels) -> np.ndarray:
    return drawn.max(axis=2).astype(int) - drawn.min(axis=2) > 8


def test_the_colours_say_which_class_a_place_speaks_for() -> None:
    drawn = draw_explanation(grey(400, 400), examined([[1.0, -1.0]]), spec(), opacity=1.0)
    assert tuple(drawn[200, 10]) == COLOURS[Label.FAKE]
    assert tuple(drawn[200, 390]) == COLOURS[Label.REAL]
    assert abs(drawn[200, 199].astype(int) - 128).max() < 8  # between them, neither


def test_opacity_is_that_of_the_strongest_place() -> None:
    drawn = draw_explanation(grey(400, 400), examined([[4.0, 2.0]]), spec(), opacity=0.5)
    full = np.array(COLOURS[Label.FAKE]) - 128.0
    assert drawn[200, 5] == pytest.approx(128 + 0.5 * full, abs=1)
    assert drawn[200, 395] == pytest.approx(128 + 0.25 * full, abs=1)
    plain = draw_explanation(grey(400, 400), examined([[4.0, 2.0]]), spec(), opacity=0.0)
    assert (plain[:400] == 128).all()


@pytest.mark.parametrize(("height", "width"), [(400, 600), (600, 400), (401, 640)])
def test_the_centre_view_is_coloured_in_its_square_only(height: int, width: int) -> None:
    drawn = draw_explanation(grey(height, width), examined(np.ones((3, 5))), spec("centre"))
    places = np.argwhere(coloured(drawn[:height, :width]))
    (top, left), (bottom, right) = places.min(axis=0), places.max(axis=0)
    side = min(height, width)
    assert (bottom + 1 - top, right + 1 - left) == pytest.approx((side - 2, side - 2), abs=2)
    assert top == pytest.approx((height - side) / 2 + 1, abs=1)
    assert left == pytest.approx((width - side) / 2 + 1, abs=1)


@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (14, 14), (3, 50), (500, 2)])
def test_a_map_of_any_size_covers_the_whole_view(shape: tuple[int, int]) -> None:
    drawn = draw_explanation(grey(400, 500), examined(np.ones(shape)), spec())
    assert coloured(drawn[:400, :500]).all()


def test_a_map_that_says_nothing_leaves_the_picture_grey() -> None:
    for values in (np.zeros((4, 4)), np.full((4, 4), np.nan)):
        drawn = draw_explanation(grey(400, 400), examined(values), spec())
        assert (drawn[:400] == 128).all()


def test_small_pictures_are_enlarged_and_large_ones_reduced() -> None:
    small = draw_explanation(grey(16, 32), examined([[1.0]]), spec())
    assert small.shape[1] == MIN_SIDE
    assert small.shape[0] > MIN_SIDE // 2  # the legend is below
    large = draw_explanation(grey(5000, 1000), examined([[1.0]]), spec())
    assert MAX_SIDE < large.shape[0] < MAX_SIDE + 100
    draw_explanation(grey(1, 1), examined([[1.0]]), spec("centre"))
    draw_explanation(grey(1, 9000), examined([[1.0]]), spec("centre"))


def test_the_legend_grows_with_the_reasons() -> None:
    plain = draw_explanation(grey(400, 400), examined([[1.0]]), spec())
    more = draw_explanation(grey(400, 400), examined([[1.0]], tuple(Reason)), spec())
    assert more.shape[0] > plain.shape[0] > 400


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_font_has_every_letter_that_a_legend_may_need(language: str) -> None:
    keys = ("verdict", "reason.", "picture.speaks")
    said = {text for key, text in read_texts(language).items() if key.startswith(keys)}
    box = drawn_letter("\N{SNOWMAN}")  # what stands for a letter that is not there
    assert not {each for each in set("".join(said)) if (drawn_letter(each) == box).all()}


def drawn_letter(letter: str) -> Pixels:
    legend = Legend((letter,), "", "")
    return draw_explanation(grey(400, 400), examined([[0.0]]), spec(), legend=legend)[400:]
