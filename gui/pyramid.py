"""A picture at half, a quarter, an eighth ... of its size, so that any part of it is drawn fast."""

import math

import numpy as np
from PIL import Image

from keras_detector.pixels import Pixels

_SMALLEST = 256
_SQUARES_FROM = 3.0  # from this enlargement on, every pixel is shown as a square
_MARGIN = 4  # pixels around a crop that the filter needs to meet its neighbours seamlessly


class Pyramid:
    """A picture and its smaller copies; drawing takes about as long as the drawn size demands.

    To be made off the main thread.

    Args:
        pixels: uint8 (height, width, 3), RGB.
    """

    def __init__(self, pixels: Pixels) -> None:
        self._levels = [pixels]
        while min(self._levels[-1].shape[:2]) >= 2 * _SMALLEST:
            half = Image.fromarray(self._levels[-1]).reduce(2)
            self._levels.append(np.asarray(half))

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        height, width = self._levels[0].shape[:2]
        return width, height

    def draw(self, box: tuple[float, float, float, float], width: int, height: int) -> Image.Image:
        """Draw a part of the picture at a size.

        Args:
            box: (left, top, right, bottom) in fractions, 0 to 1, of its sides.
            width: of what is returned, in pixels.
            height: of what is returned, in pixels.
        """
        left, top, right, bottom = box
        scale = width / max((right - left) * self.size[0], 1e-9)
        level = 0 if scale >= 1 else min(int(-math.log2(scale)), len(self._levels) - 1)
        pixels = self._levels[level]
        tall, wide = pixels.shape[:2]
        edges = (left * wide, top * tall, right * wide, bottom * tall)
        x, y = max(int(edges[0]) - _MARGIN, 0), max(int(edges[1]) - _MARGIN, 0)
        crop = pixels[y : math.ceil(edges[3]) + _MARGIN, x : math.ceil(edges[2]) + _MARGIN]
        inner = (edges[0] - x, edges[1] - y, edges[2] - x, edges[3] - y)
        if scale >= _SQUARES_FROM:
            resample = Image.Resampling.NEAREST
        else:
            resample = Image.Resampling.BICUBIC if scale > 1 else Image.Resampling.LANCZOS
        image = Image.fromarray(np.ascontiguousarray(crop))
        inner = (inner[0], inner[1], min(inner[2], image.width), min(inner[3], image.height))
        return image.resize((width, height), resample, box=inner)
