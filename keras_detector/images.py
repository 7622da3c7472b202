"""From bytes to upright 8-bit RGB pixels, and from pixels to a network's input.

`open_picture` (whose pixels `decode` returns) and `fit` are the only way there, for training,
command line, app and server, so that a network is served exactly what it was trained on.

How each kind of pixel becomes 8-bit RGB:

- grey and bilevel: the value in all three channels
- palette: its colours
- alpha (also in a palette): over white, as a viewer shows it
- CMYK, YCbCr, HSV: Pillow's conversion; Lab: through the CIE Lab profile of LittleCMS
- 16-bit grey: divided by 257 and rounded; 32-bit integers are taken as 16-bit values
- 16-bit colour: the upper byte, which is all that Pillow hands out
- floating point: [0, 1] is scaled to [0, 255]; a picture with larger values is taken as [0, 255]

Embedded colour profiles are not applied. Of an animation or a multi-page file the first frame is
used.
"""

import io
import logging
import os
import warnings
from dataclasses import dataclass
from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt
from PIL import Image, UnidentifiedImageError

from keras_detector.card import InputSpec
from keras_detector.decoding_cost import refuse_costly
from keras_detector.errors import ErrorKind, ImageError, ImageTooLargeError, UnreadableImageError
from keras_detector.jpeg_quality import estimate_jpeg_quality
from keras_detector.pixels import MAX_PIXELS, Pixels

_QUICK_FORMATS = ("JPEG", "PNG", "GIF", "BMP")
_OTHER_FORMATS = ("WEBP", "TIFF", "AVIF")

FORMATS = (*_QUICK_FORMATS, *_OTHER_FORMATS)
"""The formats that are opened, as Pillow names them. A file's name and extension play no part."""

# Pillow warns of odd metadata and of pictures from 89 million pixels on. What matters of that comes
# as one of our errors; the rest would spoil what the command line writes.
warnings.filterwarnings("ignore", module=r"PIL\.")
logging.getLogger("PIL").addHandler(logging.NullHandler())

_ORIENTATION_TAG = 0x0112
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

Source = str | PathLike[str] | bytes | BinaryIO


@dataclass(frozen=True)
class Picture:
    """A decoded picture, and what only its file could tell.

    Attributes:
        image: 8-bit RGB, decoded, upright by its EXIF orientation.
        jpeg_quality: the quality that the file was saved with, 1 to 100 on libjpeg's scale, by its
            quantisation tables; None if the file is no JPEG.
    """

    image: Image.Image
    jpeg_quality: int | None

    @cached_property
    def pixels(self) -> Pixels:
        """Uint8 array of shape (height, width, 3): a copy, made when it is first asked for.

        Raises:
            UnreadableImageError: there is not enough memory for it.
        """
        try:
            return np.asarray(self.image, dtype=np.uint8)
        except MemoryError as error:
            raise _no_memory() from error


def decode(source: Source) -> Pixels:
    """The pixels of one picture: uint8 array (height, width, 3); see `open_picture`."""
    return open_picture(source).pixels


def open_picture(source: Source) -> Picture:
    """Decode one picture; the file is opened and read once.

    Args:
        source: a path, the file's bytes, or a binary file object positioned at its start.

    Raises:
        ImageTooLargeError: the header announces more than `MAX_PIXELS`, or decoding would cost far
            more than the pixels justify (`decoding_cost`).
        UnreadableImageError: anything else that keeps the file from being a whole picture.
    """
    try:
        with _identified(_opened(source)) as image:
            _refuse_too_large(image)
            refuse_costly(image)
            image.load()
            tables = getattr(image, "quantization", None)  # what Pillow's JPEG reader adds
            return Picture(
                image=_to_rgb(_turn_upright(image)),
                jpeg_quality=estimate_jpeg_quality(tables) if tables else None,
            )
    except ImageError:
        raise
    except Image.DecompressionBombError as error:
        # Pillow's own limit is higher than ours; its text would name another figure.
        raise _too_large(str(error).partition(" exceeds")[0]) from error
    except MemoryError as error:
        raise _no_memory() from error
    except FileNotFoundError as error:
        raise _unreadable("no such file", ErrorKind.NOT_FOUND) from error
    except PermissionError as error:
        raise _unreadable("no permission to read it", ErrorKind.NO_PERMISSION) from error
    except IsADirectoryError as error:
        raise _unreadable("a directory", ErrorKind.NOT_A_FILE) from error
    except UnidentifiedImageError as error:
        raise _unreadable("bytes in no format we open", ErrorKind.UNKNOWN_FORMAT) from error
    # Pillow's plugins raise nearly every built-in exception on hostile bytes.
    except Exception as error:
        # What the system refuses has a number; what a plugin raises has none.
        if isinstance(error, OSError) and error.strerror:
            raise _unreadable(error.strerror, ErrorKind.NOT_READ) from error
        raise _unreadable(str(error) or type(error).__name__, ErrorKind.DAMAGED) from error


def fit(picture: Picture | Pixels, spec: InputSpec) -> Pixels:
    """Make a network's input out of a picture.

    Args:
        picture: as `open_picture` returns it, which saves two copies, or its pixels; the result is
            the same bit for bit.
        spec: what the network sees, from the model's card.

    Returns:
        uint8 array (spec.size, spec.size, 3). Scaling to [0, 1] is a layer of the network.

    Raises:
        ImageTooLargeError: the network sees enhanced pictures, and this one is too large for that.
    """
    if spec.enhance:
        from keras_detector.enhance import enhance  # only such models pay for OpenCV

        picture = enhance(picture.pixels if isinstance(picture, Picture) else picture)
    image = picture.image if isinstance(picture, Picture) else Image.fromarray(picture)
    if image.size != (spec.size, spec.size):
        filters = {"bicubic": Image.Resampling.BICUBIC}
        box = viewed_box(image.height, image.width, spec)
        image = image.resize((spec.size, spec.size), filters[spec.resample], box=box)
    return np.asarray(image)


def viewed_box(height: int, width: int, spec: InputSpec) -> tuple[float, float, float, float]:
    """What the network sees of a picture: (left, top, right, bottom) in its pixels."""
    if spec.view == "whole":
        return 0.0, 0.0, float(width), float(height)
    side = min(height, width)
    left, top = (width - side) / 2, (height - side) / 2
    return left, top, left + side, top + side


def _opened(source: Source) -> Path | BinaryIO:
    if isinstance(source, bytes):
        return io.BytesIO(source)
    if isinstance(source, str | PathLike):
        path = Path(source)
        # Opening a pipe or a device would wait for ever.
        if os.path.exists(path) and not os.path.isfile(path):  # noqa: PTH110, PTH113
            received = "a directory" if path.is_dir() else "not a regular file"
            raise _unreadable(received, ErrorKind.NOT_A_FILE)
        return path
    return source


def _identified(file: Path | BinaryIO) -> Image.Image:
    try:
        return Image.open(file, formats=_QUICK_FORMATS)
    except UnidentifiedImageError:
        # Imported only when needed, which saves the common verdict a tenth of a second; not
        # imported, Pillow would import its forty plugins to look for these three.
        from PIL import AvifImagePlugin, TiffImagePlugin, WebPImagePlugin  # noqa: F401

        return Image.open(file, formats=_OTHER_FORMATS)


def _refuse_too_large(image: Image.Image) -> None:
    if image.width * image.height > MAX_PIXELS:
        raise _too_large(f"{image.width} x {image.height}")


def _turn_upright(image: Image.Image) -> Image.Image:
    try:
        orientation = image.getexif().get(_ORIENTATION_TAG)
    # Broken EXIF is common and says nothing about the pixels, which are whole.
    except Exception:  # noqa: BLE001
        return image
    transpose = _UPRIGHT.get(orientation) if isinstance(orientation, int) else None
    return image if transpose is None else image.transpose(transpose)


def _to_rgb(image: Image.Image) -> Image.Image:
    mode = image.mode
    if mode.startswith("I"):  # I, I;16 and its byte orders
        values = np.clip(np.asarray(image), 0, 65535).astype(np.uint32)
        return _grey_to_rgb((values + 128) // 257)  # rounds; 257 is odd, so there are no ties
    if mode == "F":
        # in place and in 32 bits: 100 million pixels must not cost gigabytes
        floats = np.nan_to_num(np.asarray(image), posinf=255.0, neginf=0.0)
        np.maximum(floats, 0.0, out=floats)  # the largest negative ones cannot be multiplied
        if floats.max(initial=0.0) <= 1.0:
            floats *= 255.0
        return _grey_to_rgb(np.clip(np.rint(floats, out=floats), 0, 255, out=floats))
    if mode == "LAB":
        return _lab_to_rgb(image)
    if image.has_transparency_data:
        if mode == "La":  # grey with its alpha multiplied in, which Pillow converts to nothing else
            image = image.convert("LA")
        rgba = image.convert("RGBA")
        white = Image.new("RGBA", rgba.size, "white")
        return Image.alpha_composite(white, rgba).convert("RGB")
    return image if mode == "RGB" else image.convert("RGB")


def _grey_to_rgb(values: npt.NDArray[np.generic]) -> Image.Image:
    return Image.fromarray(values.astype(np.uint8)).convert("RGB")


def _lab_to_rgb(image: Image.Image) -> Image.Image:
    from PIL import ImageCms  # only Lab files pay for LittleCMS

    lab, srgb = ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB")
    transform = ImageCms.buildTransform(lab, srgb, "LAB", "RGB")
    return ImageCms.applyTransform(image, transform) or image


def _too_large(received: str) -> ImageTooLargeError:
    return ImageTooLargeError(
        expected=f"at most {MAX_PIXELS:,} pixels",
        received=received,
        advice="Scale the picture down and try again.",
        kind=ErrorKind.TOO_LARGE,
    )


def _no_memory() -> UnreadableImageError:
    return _unreadable("not enough memory to decode it", ErrorKind.NO_MEMORY)


def _unreadable(received: str, kind: ErrorKind) -> UnreadableImageError:
    return UnreadableImageError(
        expected=f"a whole picture ({', '.join(FORMATS)})",
        received=received,
        advice="Open it in a viewer; if it shows there, save it again as PNG.",
        kind=kind,
    )
