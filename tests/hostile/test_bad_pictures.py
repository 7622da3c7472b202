"""Files that are no pictures, broken ones, and bombs: our error, quickly and quietly."""

import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from keras_detector import images
from keras_detector.errors import ImageError, ImageTooLargeError, UnreadableImageError
from keras_detector.images import decode
from keras_detector.pixels import MAX_PIXELS
from tests.pictures import RGB, SECOND, encoded, png

pytestmark = pytest.mark.filterwarnings("ignore:::PIL")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\0",
        b"not a picture, whatever its name says",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n",
        b"P6 1 1 255 abc",
        b"\x89PNG\r\n\x1a\n",
        b"\xff\xd8\xff",
        b"GIF89a",
        b"BM",
        b"II*\0\x08\0\0\0",
        b"RIFF\x04\0\0\0WEBP",
        b"\0\0\0\x1cftypavif" + bytes(50),
    ],
)
def test_bytes_that_are_no_picture_are_refused(data: bytes) -> None:
    with pytest.raises(UnreadableImageError):
        decode(data)


def test_formats_outside_the_list_are_refused() -> None:
    for form in ("PPM", "TGA", "ICO", "PCX", "JPEG2000", "PDF"):
        with pytest.raises(UnreadableImageError):
            decode(encoded(RGB, form))


# --- truncated

NOISE = np.random.default_rng(0).integers(0, 256, (48, 64, 3), dtype=np.uint8)
WHOLE: dict[str, bytes] = {
    "jpeg": encoded(NOISE, "JPEG"),
    "progressive": encoded(NOISE, "JPEG", progressive=True),
    "png": encoded(NOISE, "PNG"),
    "webp": encoded(NOISE, "WEBP"),
    "webp lossless": encoded(NOISE, "WEBP", lossless=True),
    "gif": encoded(NOISE, "GIF"),
    "bmp": encoded(NOISE, "BMP"),
    "tiff": encoded(NOISE, "TIFF"),
    "tiff lzw": encoded(NOISE, "TIFF", compression="tiff_lzw"),
    "avif": encoded(NOISE, "AVIF"),
}


@pytest.mark.parametrize("form", WHOLE)
def test_truncated_pictures_are_refused(form: str) -> None:
    data = WHOLE[form]
    decode(data)
    # the last bytes of a PNG or GIF are end marks, behind the last pixel
    for length in (*range(0, len(data) - 24, len(data) // 40), len(data) - 24):
        with pytest.raises(ImageError):
            decode(data[:length])


# --- too large


def jpeg_of(width: int, height: int) -> bytes:
    data = bytearray(WHOLE["jpeg"])
    start = data.index(b"\xff\xc0") + 5
    data[start : start + 4] = struct.pack(">HH", height, width)
    return bytes(data)


def gif_of(width: int, height: int) -> bytes:
    frame = b"," + struct.pack("<HHHHB", 0, 0, width, height, 0) + b"\x02\x02\x4c\x01\0;"
    return b"GIF89a" + struct.pack("<HHBBB", width, height, 0x80, 0, 0) + bytes(6) + frame


def bmp_of(width: int, height: int) -> bytes:
    header = struct.pack("<LllHHLLllLL", 40, width, height, 1, 24, 0, 0, 0, 0, 0, 0)
    return b"BM" + struct.pack("<LHHL", 54, 0, 0, 54) + header


def tiff_of(width: int, height: int) -> bytes:
    data = bytearray(WHOLE["tiff"])
    (start,) = struct.unpack_from("<L", data, 4)
    for entry in range(start + 2, start + 2 + 12 * data[start], 12):
        (tag,) = struct.unpack_from("<H", data, entry)
        if tag in (256, 257):
            struct.pack_into("<HLL", data, entry + 2, 4, 1, width if tag == 256 else height)
    return bytes(data)


def webp_of(width: int, height: int) -> bytes:
    data = bytearray(encoded(RGB, "WEBP", save_all=True, append_images=[SECOND]))
    assert data[12:16] == b"VP8X"
    data[24:27], data[27:30] = (struct.pack("<L", side - 1)[:3] for side in (width, height))
    return bytes(data)


def avif_of(width: int, height: int) -> bytes:
    data = bytearray(WHOLE["avif"])
    start = data.index(b"ispe") + 8
    data[start : start + 8] = struct.pack(">LL", width, height)
    return bytes(data)


HEADERS: dict[str, Callable[[int, int], bytes]] = {
    "png": lambda width, height: png(width, height, 8, 2, bytes(1000)),
    "jpeg": jpeg_of,
    "gif": gif_of,
    "bmp": bmp_of,
    "tiff": tiff_of,
    "webp": webp_of,
    "avif": avif_of,
}


@pytest.fixture
def undecoded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever decodes pixels fails."""

    def identified(file: object, identify: Callable[..., Image.Image] = images._identified):
        image = identify(file)
        monkeypatch.setattr(image, "load", lambda: pytest.fail("pixels were decoded"))
        return image

    monkeypatch.setattr(images, "_identified", identified)


def test_a_picture_that_is_decoded_would_be_noticed(undecoded: None) -> None:
    with pytest.raises(pytest.fail.Exception, match="pixels were decoded"):
        decode(encoded(RGB, "PNG"))


@pytest.mark.parametrize("form", HEADERS)
@pytest.mark.parametrize(("width", "height"), [(10_001, 10_000), (16_000, 16_000)])
def test_bombs_are_refused_from_the_header(
    form: str, width: int, height: int, undecoded: None
) -> None:
    assert width * height > MAX_PIXELS
    with pytest.raises(ImageTooLargeError, match="at most 100,000,000 pixels"):
        decode(HEADERS[form](width, height))


@pytest.mark.parametrize("form", ["png", "jpeg", "gif", "bmp", "tiff"])
def test_the_largest_header_is_refused_at_once(form: str, undecoded: None) -> None:
    with pytest.raises(ImageTooLargeError):
        decode(HEADERS[form](65_535, 65_535))


# --- quiet


QUIET = """
import sys
from pathlib import Path
from keras_detector.errors import ImageError
from keras_detector.images import decode
refused = 0
for path in sorted(Path(sys.argv[1]).iterdir()):
    try:
        decode(path)
    except ImageError:
        refused += 1
sys.exit(refused)
"""


def test_nothing_is_printed_about_bad_pictures(tmp_path: Path) -> None:
    """Not so for compressed TIFF: libtiff itself writes, and Pillow has no way to stop it."""
    forms = [form for form in WHOLE if form != "tiff lzw"]
    for form in forms:
        for part in (2, 3, 10, 50):
            data = WHOLE[form]
            (tmp_path / f"{form} {part}").write_bytes(data[: len(data) * (part - 1) // part])
    (tmp_path / "bomb").write_bytes(bmp_of(9_700, 9_700))  # Pillow warns from 89 million pixels on
    exif = b"Exif\0\0II*\0\x08\0\0\0\xff\xff" + bytes(40)
    (tmp_path / "exif").write_bytes(encoded(RGB, "JPEG", exif=exif))
    done = subprocess.run(
        [sys.executable, "-c", QUIET, str(tmp_path)], capture_output=True, check=False
    )
    assert (done.stdout, done.stderr) == (b"", b"")
    assert done.returncode == 4 * len(forms) + 1
