"""From pixels to what the network sees."""

import numpy as np
import pytest
from PIL import Image

from keras_detector.card import InputSpec
from keras_detector.images import decode, fit
from tests.pictures import RGB, encoded, smooth_picture

CENTRE = InputSpec(size=32, view="centre", resample="bicubic", enhance=False)
WHOLE_VIEW = InputSpec(size=32, view="whole", resample="bicubic", enhance=False)


@pytest.mark.parametrize("spec", [CENTRE, WHOLE_VIEW])
def test_a_picture_of_the_right_size_is_left_alone(spec: InputSpec) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    np.testing.assert_array_equal(fit(pixels, spec), pixels)


@pytest.mark.parametrize(("height", "width"), [(40, 90), (90, 40), (64, 64), (20, 30)])
def test_centre_takes_the_largest_centred_square(height: int, width: int) -> None:
    pixels = smooth_picture(height, width)
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    square = Image.fromarray(pixels[top : top + side, left : left + side])
    expected = np.asarray(square.resize((32, 32), Image.Resampling.BICUBIC))
    # Pillow rounds between its two passes, whose order depends on the shape; and at the very
    # border the filter also sees the pixels beyond it
    inner = np.s_[4:-4, 4:-4]
    apart = np.abs(fit(pixels, CENTRE)[inner].astype(int) - expected[inner].astype(int))
    assert apart.max() <= 1


def test_centre_of_an_odd_remainder_is_halfway_between_pixels() -> None:
    pixels = np.zeros((32, 33, 3), np.uint8)
    pixels[:, 17:] = 255
    mirrored = np.ascontiguousarray(pixels[:, ::-1])
    np.testing.assert_array_equal(fit(mirrored, CENTRE), fit(pixels, CENTRE)[:, ::-1])


def test_whole_squashes_the_whole_picture() -> None:
    pixels = np.zeros((64, 128, 3), np.uint8)
    pixels[:, :8], pixels[:, -8:] = 255, 255
    assert fit(pixels, WHOLE_VIEW)[:, [0, -1]].min() > 200
    assert fit(pixels, CENTRE).max() == 0


@pytest.mark.parametrize("spec", [CENTRE, WHOLE_VIEW])
@pytest.mark.parametrize(
    ("height", "width"), [(1, 1), (1, 10_000), (10_000, 1), (3, 2000), (33, 31), (2, 2)]
)
def test_every_shape_fits(spec: InputSpec, height: int, width: int) -> None:
    pixels = np.full((height, width, 3), (10, 20, 30), np.uint8)
    fitted = fit(pixels, spec)
    assert (fitted.shape, fitted.dtype) == ((32, 32, 3), np.uint8)
    assert (fitted == (10, 20, 30)).all()


def test_what_decode_returns_can_be_fitted() -> None:
    assert fit(decode(encoded(RGB, "PNG")), CENTRE).shape == (32, 32, 3)
