"""Saving a picture: where it may go, and its bytes as PNG, JPEG or WebP.

`atomic_file.write_atomically` then writes them. A saved picture holds pixels and nothing else: they
stand upright already, and EXIF data (which may say where a photograph was taken) and colour
profiles stay out of it.
"""

import io
import os
from collections.abc import Sequence
from pathlib import Path

from PIL import Image

from keras_detector.errors import SaveError
from keras_detector.pixels import Pixels
from keras_detector.printable import printable

SUFFIXES = (".png", ".jpg", ".jpeg", ".webp")
"""Endings of a name, in lower case, that say in which format a picture is saved."""

DEFAULT_QUALITY = 95
"""Of JPEG and WebP."""

_FORMATS = dict(zip(SUFFIXES, ("PNG", "JPEG", "JPEG", "WEBP"), strict=True))
_MAX_SIDE = {"JPEG": 65_500, "WEBP": 16_383}  # what the formats can say; PNG can say any


def check_output(
    out: Path, picture: Path | None, *, overwrite: bool, suffixes: Sequence[str] = SUFFIXES
) -> None:
    """Refuse a place for a picture, before anything is computed.

    Args:
        out: where it is to go.
        picture: what it is made of, which is never replaced, under whatever name; None if that is
            no file.
        overwrite: whether another file may be replaced.
        suffixes: endings that `out` may have, in lower case.

    Raises:
        SaveError: it ends otherwise, is the picture itself, exists and may not be replaced, or lies
            where no file can be written.
    """
    if out.suffix.lower() not in suffixes:
        endings = " or ".join(suffixes)
        raise _refused(f"a name that ends in {endings}", out, "The ending decides the format.")
    if os.path.lexists(out):
        # The picture under another name (a link) would be lost all the same.
        if picture is not None and _are_one_file(out, picture):
            raise _refused("another file than the picture", out, "Choose another name.")
        if os.path.isdir(out):  # noqa: PTH112  # pathlib raises on names the system refuses
            raise _refused(
                "the name of a file", f"{printable(out)}, a folder", "Name a file in it."
            )
        if not overwrite:
            received = f"{printable(out)}, which exists"
            advice = "Choose another name, or pass --overwrite to replace it."
            raise _refused("the name of a new file", received, advice)
    above = out.absolute().parents
    folder = next((parent for parent in above if os.path.lexists(parent)), above[-1])
    if not os.path.isdir(folder) or not os.access(folder, os.W_OK):  # noqa: PTH112
        raise _refused("a folder that can be written to", folder, "Choose another place.")


def check_format(suffix: str, height: int, width: int, quality: int | None = None) -> None:
    """Refuse what a format cannot do; arguments as those of `encode_picture`.

    Raises:
        SaveError: a side is too long, or there is a quality where nothing is lost.
    """
    form = _FORMATS[suffix.lower()]
    longest = _MAX_SIDE.get(form)
    if longest is not None and max(height, width) > longest:
        raise _refused(
            f"sides of at most {longest:,} pixels, as {form} allows",
            f"{width} x {height}",
            "Save it as PNG.",
        )
    if quality is not None and form == "PNG":
        advice = "Leave the quality out, or choose .jpg or .webp."
        raise _refused("no quality, as PNG keeps every pixel", quality, advice)
    if quality is not None and not 1 <= quality <= 100:
        raise _refused("a quality from 1 to 100", quality, f"{DEFAULT_QUALITY} is usual.")


def encode_picture(pixels: Pixels, suffix: str, quality: int | None = None) -> bytes:
    """The bytes of a picture's file.

    Args:
        pixels: uint8 (height, width, 3), RGB.
        suffix: the ending of its name, one of `SUFFIXES` in any letter case; decides the format.
        quality: of JPEG and WebP, 1 to 100; None for `DEFAULT_QUALITY`. PNG has none.

    Raises:
        SaveError: as `check_format`.
    """
    height, width = pixels.shape[:2]
    check_format(suffix, height, width, quality)
    form = _FORMATS[suffix.lower()]
    options: dict[str, int | str] = {"quality": DEFAULT_QUALITY if quality is None else quality}
    if form == "PNG":
        options = {"compress_level": 4}  # half the time of Pillow's own 6, for 2 % more bytes
    elif form == "JPEG":
        options["subsampling"] = "4:4:4"  # colour as fine as light
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, form, **options)
    return file.getvalue()


def _are_one_file(one: Path, other: Path) -> bool:
    try:
        return os.path.samefile(one, other)  # noqa: PTH121
    except (OSError, ValueError):  # one of them is not there
        return False


def _refused(expected: str, received: object, advice: str) -> SaveError:
    text = printable(received) if isinstance(received, Path) else str(received)
    return SaveError(expected=expected, received=text, advice=advice)
