"""Pictures whose decoding costs far more than their pixels: refused before it begins.

The number of pixels bounds what a picture costs, with three exceptions, by which some kilobytes
keep a processor busy for seconds or minutes:

- A JPEG may consist of any number of scans, and each is a pass over all pixels (libjpeg-turbo's
  security assessment, LJT-01-004). An encoder makes about ten.
- Pillow decodes run-length encoded BMP in Python, byte by byte.
- Each row has a cost of its own, which counts where rows are a pixel wide.
"""

from typing import BinaryIO

from PIL import Image

from keras_detector.errors import ErrorKind, ImageTooLargeError

MAX_SCANNED_PIXELS = 5_000_000_000
"""Pixels times scans of a JPEG: 50 scans of the largest picture, about a second."""

MAX_RLE_PIXELS = 12_000_000
"""Pixels of a run-length encoded BMP: up to 1.5 seconds."""

MAX_ROWS = 1_000_000
"""Rows of a picture; libpng's own limit as well."""

_SCAN = b"\xff\xda"  # within compressed data 0xFF is followed by 0, so it stands for nothing else
_CHUNK = 1 << 20


def refuse_costly(image: Image.Image) -> None:
    """Check an opened picture that is not decoded yet.

    Args:
        image: as `PIL.Image.open` returns it; its file is left where it was.

    Raises:
        ImageTooLargeError: decoding it would take far longer than its size justifies.
    """
    if image.height > MAX_ROWS:
        raise _too_costly(f"at most {MAX_ROWS:,} rows", f"{image.width} x {image.height}")
    pixels = image.width * image.height
    if image.format in ("JPEG", "MPO"):
        most = MAX_SCANNED_PIXELS // max(pixels, 1)
        if _has_more_scans(image, most):
            raise _too_costly(f"at most {most:,} scans in a JPEG of that size", "more")
    tiles = getattr(image, "tile", None)
    if tiles and tiles[0][0] == "bmp_rle" and pixels > MAX_RLE_PIXELS:
        raise _too_costly(
            f"at most {MAX_RLE_PIXELS:,} pixels in a run-length encoded BMP",
            f"{image.width} x {image.height}",
        )


def _has_more_scans(image: Image.Image, most: int) -> bool:
    file = getattr(image, "fp", None)
    if file is None:
        return False
    before = file.tell()
    if not image.info.get("progressive") and _first_scan_has_all(image, file, before):
        return False  # no second pass is made; nearly all photographs are so
    file.seek(0)
    found, carried = 0, b""
    while found <= most and (chunk := file.read(_CHUNK)):
        found += (carried + chunk).count(_SCAN)
        carried = chunk[-1:]
    file.seek(before)
    return found > most


def _first_scan_has_all(image: Image.Image, file: BinaryIO, place: int) -> bool:
    """Whether the header of the first scan, which Pillow has just read, names every component."""
    count = getattr(image, "layers", 0)
    header = _SCAN + bytes([0, 6 + 2 * count, count])
    file.seek(max(place - 8 - 2 * count, 0))
    found = file.read(len(header))
    file.seek(place)
    return found == header


def _too_costly(expected: str, received: str) -> ImageTooLargeError:
    return ImageTooLargeError(
        expected=expected,
        received=received,
        advice="Open it in a viewer; if it shows there, save it again as PNG.",
        kind=ErrorKind.TOO_LARGE,
    )
