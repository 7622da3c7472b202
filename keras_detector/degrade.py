"""What the way to a reader does to a picture: compression, scaling, blur, the web's thumbnails.

Each condition takes a decoded picture and gives one back, before `images.fit` sees it. They are
fixed: the figures of two cards under one name can be compared.
"""

import io
from collections.abc import Callable

import numpy as np
from PIL import Image

from keras_detector.pixels import Pixels

BLUR_SIGMA = 1.5
"""Standard deviation, in pixels, of the Gaussian of the condition `blur`."""


def compress(pixels: Pixels, quality: int) -> Pixels:
    """Save as JPEG (colour at half resolution, as most programs do) and decode again.

    Args:
        pixels: uint8 (height, width, 3), RGB.
        quality: on libjpeg's scale, 1 to 95.
    """
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=quality, subsampling="4:2:0")
    with Image.open(file, formats=("JPEG",)) as image:
        return np.asarray(image.convert("RGB"))


def scale(pixels: Pixels, factor: float) -> Pixels:
    """Resize by a factor, bicubic and antialiased; no side becomes less than a pixel."""
    height, width = pixels.shape[:2]
    size = (max(round(width * factor), 1), max(round(height * factor), 1))
    return np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.BICUBIC))


def blur(pixels: Pixels) -> Pixels:
    """Blur with a Gaussian of `BLUR_SIGMA` pixels."""
    import cv2

    blurred = cv2.GaussianBlur(pixels, (0, 0), BLUR_SIGMA, borderType=cv2.BORDER_REFLECT_101)
    return np.asarray(blurred, dtype=np.uint8)


def publish(pixels: Pixels, side: int, quality: int) -> Pixels:
    """Shrink to `side` pixels along the longer side, if it is longer, and save as JPEG."""
    factor = side / max(pixels.shape[:2])
    return compress(scale(pixels, factor) if factor < 1 else pixels, quality)


CONDITIONS: dict[str, Callable[[Pixels], Pixels]] = {
    "clean": lambda pixels: pixels,
    "q70": lambda pixels: compress(pixels, 70),
    "q50": lambda pixels: compress(pixels, 50),
    "q30": lambda pixels: compress(pixels, 30),
    "half": lambda pixels: scale(pixels, 0.5),
    "double": lambda pixels: scale(pixels, 2.0),
    "blur": blur,
    "web_768_q60": lambda pixels: publish(pixels, 768, 60),
    "web_512_q40": lambda pixels: publish(pixels, 512, 40),
}
"""Name, as a card spells it, to what is done; `"clean"` does nothing."""

CONDITION_TEXTS: dict[str, str] = {
    "clean": "as they are",
    "q70": "saved as JPEG, quality 70",
    "q50": "saved as JPEG, quality 50",
    "q30": "saved as JPEG, quality 30",
    "half": "at half the size",
    "double": "at twice the size",
    "blur": f"blurred (sigma {BLUR_SIGMA} px)",
    "web_768_q60": "at most 768 px, JPEG quality 60",
    "web_512_q40": "at most 512 px, JPEG quality 40",
}
"""How a condition is called where a person reads it."""
