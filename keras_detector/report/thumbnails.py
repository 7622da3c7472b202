"""Small copies of pictures, to be shown beside their verdicts."""

import io
from collections.abc import Iterable, Iterator

from PIL import Image

from keras_detector import images
from keras_detector.errors import ImageError
from keras_detector.object_store import Place, read_place
from keras_detector.pixels import Pixels

THUMBNAIL_SIDE = 160
"""Pixels of the longer side."""


def draw_thumbnails(paths: Iterable[Place]) -> Iterator[bytes | None]:
    """Each picture as a small JPEG without any of its metadata; None for what cannot be read."""
    for path in paths:
        try:
            pixels = images.decode(read_place(path))
        except ImageError:
            yield None
            continue
        yield encode_thumbnail(pixels, THUMBNAIL_SIDE)


def encode_thumbnail(pixels: Pixels, side: int) -> bytes:
    """A picture as a small JPEG file.

    Args:
        pixels: uint8 (height, width, 3), RGB.
        side: pixels of the longer side at most; a smaller picture keeps its size.
    """
    small = Image.fromarray(pixels)
    # Pillow shrinks to about twice the size first, which is faster and hardly shows.
    small.thumbnail((side, side), reducing_gap=2.0)
    file = io.BytesIO()
    small.save(file, "JPEG", quality=85)
    return file.getvalue()
