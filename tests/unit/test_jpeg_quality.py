"""The quality of a JPEG by its tables, and the one open that it comes from."""

from pathlib import Path

import pytest
from PIL import Image

from keras_detector import images
from keras_detector.jpeg_quality import estimate_jpeg_quality
from tests.pictures import CASES, PICTURE, encoded


@pytest.mark.parametrize("quality", range(5, 101))
def test_what_libjpeg_wrote_is_found_exactly(quality: int) -> None:
    assert images.open_picture(encoded(PICTURE, "JPEG", quality=quality)).jpeg_quality == quality


def test_the_lowest_qualities_are_about_right() -> None:
    for quality in range(1, 5):
        found = images.open_picture(encoded(PICTURE, "JPEG", quality=quality)).jpeg_quality
        assert found is not None
        assert abs(found - quality) <= 1


def test_a_table_of_its_own_gets_the_nearest_quality() -> None:
    coarse, fine = [20] * 64, [2] * 64
    assert estimate_jpeg_quality({0: coarse}) < estimate_jpeg_quality({0: fine})
    assert estimate_jpeg_quality({0: [1] * 64}) == 100


@pytest.mark.parametrize("tables", [{}, {1: [1] * 64}, {0: [1] * 63}, {0: [0] * 64}, {0: []}])
def test_no_table_no_quality(tables: dict[int, list[int]]) -> None:
    assert estimate_jpeg_quality(tables) is None


@pytest.mark.parametrize("case", CASES)
def test_only_jpegs_have_one(case: str) -> None:
    source, form, options, _, _ = CASES[case]
    picture = images.open_picture(encoded(source, form, **options))
    assert (picture.jpeg_quality is not None) == (form in ("JPEG", "MPO"))


def test_decode_gives_the_pixels_of_the_same_open(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(encoded(PICTURE, "JPEG", quality=60, exif=_turned()))
    picture = images.open_picture(path)
    assert picture.jpeg_quality == 60
    assert picture.pixels.shape == (PICTURE.shape[1], PICTURE.shape[0], 3)
    assert (images.decode(path) == picture.pixels).all()


def _turned() -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 6
    return exif.tobytes()
