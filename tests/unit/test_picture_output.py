"""Saving a picture: where it may go, and what is in the file."""

import io
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from keras_detector.errors import SaveError
from keras_detector.images import decode
from keras_detector.picture_output import SUFFIXES, check_format, check_output, encode_picture
from tests.pictures import smooth_picture


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "picture.png"
    path.write_bytes(b"precious")
    return path


def test_nothing_is_overwritten_unasked(tmp_path: Path, picture: Path) -> None:
    out = tmp_path / "out.png"
    check_output(out, picture, overwrite=False)
    out.write_bytes(b"old")
    with pytest.raises(SaveError, match="--overwrite"):
        check_output(out, picture, overwrite=False)
    check_output(out, picture, overwrite=True)
    check_output(out, None, overwrite=True)


@pytest.mark.parametrize("how", ["itself", "hard link", "link", "link to a folder", "dots"])
def test_the_picture_itself_is_never_overwritten(how: str, tmp_path: Path, picture: Path) -> None:
    out = picture
    if how == "hard link":
        os.link(picture, out := tmp_path / "link.png")
    elif how == "link":
        (out := tmp_path / "link.png").symlink_to(picture)
    elif how == "link to a folder":
        (tmp_path / "folder").symlink_to(tmp_path)
        out = tmp_path / "folder" / picture.name
    elif how == "dots":
        (tmp_path / "folder").mkdir()
        out = tmp_path / "folder" / ".." / picture.name
    for overwrite in (False, True):
        with pytest.raises(SaveError, match="another file than the picture"):
            check_output(out, picture, overwrite=overwrite)


def test_a_link_that_leads_nowhere_is_somebodys_too(tmp_path: Path, picture: Path) -> None:
    (tmp_path / "link.png").symlink_to(tmp_path / "gone.png")
    with pytest.raises(SaveError, match="--overwrite"):
        check_output(tmp_path / "link.png", picture, overwrite=False)
    check_output(tmp_path / "link.png", picture, overwrite=True)
    check_output(tmp_path / "new.png", tmp_path / "no-such-picture.png", overwrite=False)


def test_the_ending_must_be_one_that_is_known(tmp_path: Path, picture: Path) -> None:
    for name in ("out.JPG", "out.webp", "a.b.jpeg"):
        check_output(tmp_path / name, picture, overwrite=False)
    for name in ("out", "out.gif", "png", ".png"):
        with pytest.raises(SaveError, match=r"ends in \.png or \.jpg"):
            check_output(tmp_path / name, picture, overwrite=False)
    with pytest.raises(SaveError, match=r"ends in \.png\. "):
        check_output(tmp_path / "out.jpg", picture, overwrite=False, suffixes=(".png",))


def test_a_place_that_cannot_be_written_is_refused_beforehand(
    tmp_path: Path, picture: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    check_output(tmp_path / "new" / "folder" / "out.png", picture, overwrite=False)
    with pytest.raises(SaveError, match="can be written to"):
        check_output(picture / "folder" / "out.png", picture, overwrite=False)
    (tmp_path / "folder.png").mkdir()
    with pytest.raises(SaveError, match="a folder"):
        check_output(tmp_path / "folder.png", picture, overwrite=True)
    # Permissions do not bind who runs the tests as root.
    monkeypatch.setattr(os, "access", lambda folder, mode: Path(folder) != tmp_path)
    with pytest.raises(SaveError, match="can be written to"):
        check_output(tmp_path / "out.png", picture, overwrite=False)


@pytest.mark.parametrize("suffix", [*SUFFIXES, ".PNG", ".Jpg"])
def test_the_file_is_what_its_ending_says_and_holds_pixels_only(suffix: str) -> None:
    pixels = smooth_picture(41, 60)
    data = encode_picture(pixels, suffix)
    form = {".png": "PNG", ".webp": "WEBP"}.get(suffix.lower(), "JPEG")
    with Image.open(io.BytesIO(data)) as image:
        assert image.format == form
        assert not image.getexif()
        assert not {"icc_profile", "exif", "xmp"} & set(image.info)
    apart = np.abs(decode(data).astype(int) - pixels)
    assert apart.max() == 0 if form == "PNG" else 0 < apart.mean() < 3


@pytest.mark.parametrize("suffix", [".jpg", ".webp"])
def test_quality_is_that_of_the_format(suffix: str) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    sizes = [len(encode_picture(pixels, suffix, quality)) for quality in (1, 50, 95, 100)]
    assert sizes == sorted(set(sizes))
    assert encode_picture(pixels, suffix) == encode_picture(pixels, suffix, 95)


def test_fine_colour_survives_jpeg() -> None:
    """Stripes of one pixel, equally light: saved at half resolution they would turn grey."""
    stripes = np.zeros((32, 32, 3), np.uint8)
    stripes[:, ::2], stripes[:, 1::2] = (200, 60, 60), (60, 131, 60)
    apart = np.abs(decode(encode_picture(stripes, ".jpg")).astype(int) - stripes)
    assert apart.mean() < 10


@pytest.mark.parametrize(
    ("suffix", "side"), [(".webp", 16_383), (".jpg", 65_500), (".jpeg", 65_500)]
)
def test_a_side_that_the_format_cannot_hold_is_refused(suffix: str, side: int) -> None:
    for height, width in ((1, side), (side, 1)):
        pixels = np.full((height, width, 3), 90, np.uint8)
        assert decode(encode_picture(pixels, suffix)).shape == pixels.shape
    for shape in ((1, side + 1, 3), (side + 1, 1, 3)):
        with pytest.raises(SaveError, match="PNG"):
            encode_picture(np.zeros(shape, np.uint8), suffix)
    check_format(".png", 1, 100_000)


@pytest.mark.parametrize(("suffix", "quality"), [(".png", 95), (".jpg", 0), (".webp", 101)])
def test_a_quality_that_there_is_not_is_refused(suffix: str, quality: int) -> None:
    with pytest.raises(SaveError, match="quality"):
        encode_picture(smooth_picture(), suffix, quality)
