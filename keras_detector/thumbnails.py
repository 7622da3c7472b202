"""Small copies of pictures, to be shown beside their verdicts."""

import io
from collections.abc import Iterable, Iterator
from pathlib import Path

from PIL import Image

from keras_detector import images
from keras_detector.errors import ImageError

THUMBNAIL_SIDE = 160
"""Pixels of the longer side."""


def draw_thumbnails(paths: Iterable[Path]) -> Iterator[bytes | None]:
    """Each picture as a small JPEG without any of its metadata; None for what cannot be read."""
    for path in paths:
        try:
            pixels = images.decode(path)
        except ImageError:
            yield None
            continue
        small = Image.fromarray(pixels)
        small.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE))
        file = io.BytesIO()
        small.save(file, "JPEG", quality=80)
        yield file.getvalue()
