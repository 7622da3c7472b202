"""Picture enhancement with OpenCV: denoise, then double the size.

For people who look at a picture, and as an option before training. A verdict is always about the
original: denoising smooths texture the way generators do.
"""

import cv2
import numpy as np

from keras_detector.pixels import Pixels


def denoise(pixels: Pixels) -> Pixels:
    """Remove noise with non-local means (Buades et al. 2011, doi:10.5201/ipol.2011.bcm_nlm).

    Args:
        pixels: uint8 (height, width, 3), RGB.

    Returns:
        the same shape; strength 10 for light and colour, 7-pixel patches, 21-pixel window.
    """
    bgr = cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR)
    denoised = cv2.fastNlMeansDenoisingColored(bgr, None, 10, 10, 7, 21)
    return np.asarray(cv2.cvtColor(denoised, cv2.COLOR_BGR2RGB), dtype=np.uint8)


def super_resolve(pixels: Pixels) -> Pixels:
    """Double both sides by bicubic interpolation.

    Args:
        pixels: uint8 (height, width, 3).

    Returns:
        uint8 (2 * height, 2 * width, 3).
    """
    doubled = cv2.resize(pixels, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)
    return np.asarray(doubled, dtype=np.uint8)


def enhance(pixels: Pixels) -> Pixels:
    """Denoise, then double the size; shapes as in `super_resolve`."""
    return super_resolve(denoise(pixels))
