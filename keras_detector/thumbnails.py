"""Small copies of pictures, to be shown beside their verdicts."""

import io
from os import PathLike

from PIL import Image

from keras_detector import images
from keras_detector.errors import ImageError

THUMBNAIL_SIDE = 160
"""Pixels of the longer side."""


def draw_thumbnail(path: str | PathLike[str]) -> bytes | None:
    """A picture as a small JPEG without any of its metadata, or None if it cannot be read.

    Args:
        path: the picture.
    """
    try:
        pixels = images.decode(path)
    except ImageError:
        return None
    small = Image.fromarray(pixels)
    small.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE))
    file = io.BytesIO()
    small.save(file, "JPEG", quality=80)
    return file.getvalue()
