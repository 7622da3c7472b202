"""Changing a training picture the way the web changes pictures, before the network's resize.

Scaled, softened, given noise and another tone, saved again as JPEG or WebP, cropped, mirrored: a
network that has seen its pictures so changed holds on to what survives it (Wang et al. 2020, "CNN-
generated images are surprisingly easy to spot... for now", arXiv:1912.11035, did it with blur and
JPEG). Validation, test and serving never see it.
"""

import io
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from keras_detector.pixels import Pixels
from training.transfer_lines import ViewLines

_LEAST_SIDE = 32
_MOST_PIXELS = 4_000_000
"""Nothing is enlarged beyond this: a phone's photograph doubled is 50 million pixels."""

_MOST_SIDE = {"JPEG": 65_500, "WEBP": 16_383}
"""What a format's encoder takes: a picture with a longer side was never saved so, and is not."""


@dataclass(frozen=True)
class WebAugmentation:
    """The recipe's `[views]` lines as a function of a picture and a seed.

    Attributes:
        lines: what is changed, how often and how strongly.
    """

    lines: ViewLines

    def __call__(self, pixels: Pixels, seed: Sequence[int]) -> Pixels:
        """A changed copy of one picture; the same picture and seed give the same copy.

        Args:
            pixels: uint8 (height, width, 3), decoded and upright.
            seed: any number of non-negative integers.

        Returns:
            uint8 (side, side, 3): a square crop, which `images.fit` then resizes.
        """
        lines, rng = self.lines, np.random.default_rng(seed)
        # Every draw is made, whether it is used or not: changing one line leaves the others' draws.
        draws = rng.random(16)
        happens = draws[:5]
        if happens[0] < lines.resize_share:
            pixels = _resized(pixels, _between(lines.resize_factor, draws[5]), draws[6])
        if happens[1] < lines.blur_share:
            pixels = _blurred(pixels, _between(lines.blur_sigma, draws[7]))
        if happens[2] < lines.noise_share:
            sigma = _between(lines.noise_sigma, draws[8])
            noise = rng.standard_normal(pixels.shape, dtype=np.float32)
            pixels = _rounded(pixels + np.float32(sigma) * noise)
        if happens[3] < lines.tone_share:
            factor = 1 + lines.contrast * (2 * draws[9] - 1)
            offset = lines.brightness * (2 * draws[10] - 1)
            pixels = _rounded(pixels * np.float32(factor) + np.float32(offset))
        if happens[4] < lines.jpeg_share:
            pixels = _saved(pixels, "JPEG", round(_between(lines.jpeg_quality, draws[11])))
        elif happens[4] < lines.jpeg_share + lines.webp_share:
            pixels = _saved(pixels, "WEBP", round(_between(lines.webp_quality, draws[11])))
        pixels = _cropped(pixels, _between(lines.crop_area, draws[12]), draws[13], draws[14])
        if lines.flip and draws[15] < 0.5:
            pixels = pixels[:, ::-1]
        return np.ascontiguousarray(pixels)


def _between(ends: tuple[float, float], at: float) -> float:
    return ends[0] + (ends[1] - ends[0]) * float(at)


def _resized(pixels: Pixels, factor: float, which: float) -> Pixels:
    height, width = pixels.shape[:2]
    if factor > 1:
        factor = max(1.0, min(factor, (_MOST_PIXELS / (height * width)) ** 0.5))
    size = [max(min(side, _LEAST_SIDE), round(side * factor)) for side in (width, height)]
    resample = Image.Resampling.BICUBIC if which < 0.5 else Image.Resampling.BILINEAR
    return np.asarray(Image.fromarray(pixels).resize((size[0], size[1]), resample))


def _blurred(pixels: Pixels, sigma: float) -> Pixels:
    if sigma < 0.1:  # narrower than that it changes nothing, and 0 would mean "choose" to OpenCV
        return pixels
    return np.asarray(cv2.GaussianBlur(pixels, (0, 0), sigma), dtype=np.uint8)


def _rounded(values: npt.NDArray[np.float32]) -> Pixels:
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)


def _saved(pixels: Pixels, form: str, quality: int) -> Pixels:
    if max(pixels.shape[:2]) > _MOST_SIDE[form]:
        return pixels
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, form, quality=quality)
    return np.asarray(Image.open(file).convert("RGB"))


def _cropped(pixels: Pixels, area: float, across: float, down: float) -> Pixels:
    height, width = pixels.shape[:2]
    largest = min(height, width)
    side = max(min(largest, _LEAST_SIDE), round(largest * area**0.5))
    left, top = round(across * (width - side)), round(down * (height - side))
    return pixels[top : top + side, left : left + side]
