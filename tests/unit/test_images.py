"""The one decoder: every format and mode, upright, from every kind of source."""

import io
import os
import struct
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from keras_detector.errors import UnreadableImageError
from keras_detector.images import FORMATS, decode
from tests.pictures import (
    CASES,
    GREY,
    PICTURE,
    RGB,
    difference,
    encoded,
    grey_as_rgb,
    over_white,
    png,
)

# pytest undoes our own filter; tests/hostile/test_bad_pictures.py shows that a user sees no warning
pytestmark = pytest.mark.filterwarnings("ignore:::PIL")


@pytest.mark.parametrize("case", CASES)
def test_every_format_and_mode_becomes_rgb(case: str) -> None:
    image, form, options, expected, tolerance = CASES[case]
    assert difference(decode(encoded(image, form, **options)), expected) <= tolerance


def test_every_format_is_covered() -> None:
    assert {form for _, form, *_ in CASES.values()} - {"MPO"} == set(FORMATS)


def test_lab_is_a_colour_space() -> None:
    grey = Image.new("L", (2, 2), 255)
    neutral = Image.new("L", (2, 2), 128)
    white = Image.merge("LAB", [grey, neutral, neutral])
    assert decode(encoded(white, "TIFF")).min() > 250
    red = Image.merge("LAB", [neutral, Image.new("L", (2, 2), 200), neutral])
    pixel = decode(encoded(red, "TIFF"))[0, 0].astype(int)
    assert pixel[0] > pixel[1] + 80


def test_grey_with_its_alpha_multiplied_in_is_laid_over_white() -> None:
    """Which only libtiff's "associated alpha" is, and Pillow cannot save."""
    alpha = np.full(GREY.shape, 128, np.uint8)
    data = encoded(np.dstack([GREY // 2, alpha]), "TIFF")
    unassociated = struct.pack("<HHLHH", 338, 3, 1, 2, 0)
    assert data.count(unassociated) == 1
    data = data.replace(unassociated, struct.pack("<HHLHH", 338, 3, 1, 1, 0))
    assert difference(decode(data), over_white(grey_as_rgb(GREY // 2 * 2), alpha)) < 2


def test_floats_that_are_no_numbers_are_black_or_white() -> None:
    values = np.array([[np.nan, np.inf, -np.inf, 100.4]], np.float32)
    assert decode(encoded(values, "TIFF"))[0, :, 0].tolist() == [0, 255, 0, 100]


def test_sixteen_bit_colour_keeps_the_upper_byte() -> None:
    rows = b"\0" + struct.pack(">6H", 0x0000, 0x80FF, 0xFFFF, 0x00FF, 0x0100, 0x7F00)
    assert decode(png(2, 1, 16, 2, rows)).tolist() == [[[0, 0x80, 255], [0, 1, 0x7F]]]


def test_tiles_are_put_together() -> None:
    """Pillow writes no tiled TIFF, so this one is written by hand: 2 x 2 tiles of 16 x 16."""
    grey = np.arange(32 * 32, dtype=np.uint32).reshape(32, 32).astype(np.uint8)
    tiles = b"".join(grey[y : y + 16, x : x + 16].tobytes() for y in (0, 16) for x in (0, 16))
    offsets_at = 8 + 2 + 11 * 12 + 4
    data_at = offsets_at + 32
    offsets = struct.pack("<4L", *(data_at + 256 * i for i in range(4)))
    counts = struct.pack("<4L", *[256] * 4)
    tags = [
        (256, 4, 1, 32),
        (257, 4, 1, 32),
        (258, 3, 1, 8),
        (259, 3, 1, 1),
        (262, 3, 1, 1),
        (277, 3, 1, 1),
        (284, 3, 1, 1),
        (322, 4, 1, 16),
        (323, 4, 1, 16),
        (324, 4, 4, offsets_at),
        (325, 4, 4, offsets_at + 16),
    ]
    directory = struct.pack("<H", len(tags)) + b"".join(struct.pack("<HHLL", *t) for t in tags)
    data = b"II*\0" + struct.pack("<L", 8) + directory + bytes(4) + offsets + counts + tiles
    np.testing.assert_array_equal(decode(data), grey_as_rgb(grey))


# --- upright

STORED = {  # how an upright picture has to be stored so that the orientation puts it right
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


@pytest.mark.parametrize("orientation", STORED)
@pytest.mark.parametrize(
    ("form", "options"),
    [
        ("JPEG", {"quality": 95}),
        ("PNG", {}),
        ("WEBP", {"lossless": True}),
        ("TIFF", {}),
        ("TIFF", {"compression": "tiff_lzw"}),
        ("AVIF", {"quality": 95}),
    ],
)
def test_pictures_are_turned_upright_once(
    form: str, options: dict[str, Any], orientation: int
) -> None:
    turn = STORED[orientation]
    stored = RGB if turn is None else RGB.transpose(turn)
    exif = Image.Exif()
    exif[0x0112] = orientation
    assert difference(decode(encoded(stored, form, exif=exif, **options)), PICTURE) < 3


@pytest.mark.parametrize("orientation", [0, 9, 65535])
def test_unknown_orientations_are_ignored(orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    np.testing.assert_array_equal(decode(encoded(RGB, "PNG", exif=exif)), PICTURE)


@pytest.mark.parametrize(
    "exif",
    [
        b"Exif\0\0",
        b"Exif\0\0garbage",
        b"Exif\0\0II*\0\xff\xff\xff\xff",
        b"Exif\0\0II*\0\x08\0\0\0\xff\xff" + bytes(40),
        b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x02\0\0\0\x09" + b"text" * 5,
    ],
    ids=range(5),
)
@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
def test_broken_exif_says_nothing_about_the_pixels(form: str, exif: bytes) -> None:
    expected = decode(encoded(RGB, form))
    np.testing.assert_array_equal(decode(encoded(RGB, form, exif=exif)), expected)


# --- sources


def test_all_kinds_of_source_give_the_same(tmp_path: Path) -> None:
    data = encoded(RGB, "PNG")
    path = tmp_path / "picture.png"
    path.write_bytes(data)
    file = io.BytesIO(data)
    with path.open("rb") as opened:
        for source in (data, path, str(path), file, opened):
            np.testing.assert_array_equal(decode(source), PICTURE)
        assert not opened.closed
    assert not file.closed


@pytest.mark.parametrize("name", ["a.jpg", "a.gif", "a.txt", "a", "a.png.exe", ".png", "a.eps"])
def test_names_play_no_part(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(encoded(RGB, "PNG"))
    np.testing.assert_array_equal(decode(path), PICTURE)


@pytest.mark.skipif(sys.platform != "linux", reason="such names exist on Linux only")
def test_names_that_are_no_text_are_opened(tmp_path: Path) -> None:
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff\xfe.png"))
    path.write_bytes(encoded(RGB, "PNG"))
    np.testing.assert_array_equal(decode(path), PICTURE)


def test_files_that_are_no_files_are_refused(tmp_path: Path) -> None:
    pipe, loop, empty = tmp_path / "pipe", tmp_path / "loop", tmp_path / "empty.png"
    os.mkfifo(pipe)
    loop.symlink_to(loop)
    empty.touch()
    for source, words in (
        (tmp_path / "missing.png", "no such file"),
        (tmp_path, "a directory"),
        (pipe, "not a regular file"),
        (Path("/dev/zero"), "not a regular file"),
        (empty, "no format"),
        (loop, ""),
        (tmp_path / ("x" * 5000), ""),
        ("nul\0byte", ""),
        ("", ""),
        (empty / "inside", ""),
    ):
        with pytest.raises(UnreadableImageError) as caught:
            decode(source)
        assert words in caught.value.received
        assert caught.value.exit_code == 1
