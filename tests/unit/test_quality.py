"""How far a picture was enlarged, on photographs that scikit-image carries."""

import numpy as np
import pytest
from PIL import Image
from skimage import data

from keras_detector.degrade import compress
from keras_detector.pixels import Pixels
from keras_detector.quality import MIN_MEASURED_SIDE, estimate_upscale

PHOTOGRAPHS: dict[str, Pixels] = {
    name: np.ascontiguousarray(getattr(data, name)()[:300, :400]) for name in ("astronaut", "cat")
}


def resized(pixels: Pixels, factor: float, how: Image.Resampling) -> Pixels:
    height, width = pixels.shape[:2]
    size = (round(width * factor), round(height * factor))
    return np.asarray(Image.fromarray(pixels).resize(size, how))


@pytest.mark.parametrize("name", PHOTOGRAPHS)
def test_a_photograph_as_it_is_was_not_enlarged(name: str) -> None:
    photograph = PHOTOGRAPHS[name]
    assert estimate_upscale(photograph) == 1.0
    assert estimate_upscale(compress(photograph, 60)) == 1.0
    assert estimate_upscale(resized(photograph, 0.5, Image.Resampling.BICUBIC)) == 1.0


@pytest.mark.parametrize("name", PHOTOGRAPHS)
@pytest.mark.parametrize("factor", [1.5, 2.0, 3.0])
@pytest.mark.parametrize("how", [Image.Resampling.BICUBIC, Image.Resampling.LANCZOS])
def test_an_enlarged_photograph_is_found(name: str, factor: float, how: Image.Resampling) -> None:
    assert estimate_upscale(resized(PHOTOGRAPHS[name], factor, how)) == pytest.approx(
        factor, rel=0.05
    )


@pytest.mark.parametrize("size", [(1, 1), (127, 500), (128, 128), (128, 5000), (700, 130)])
def test_flat_and_noisy_pictures_of_any_size_were_not_enlarged(size: tuple[int, int]) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (*size, 3), dtype=np.uint8)
    for pixels in (noise, np.zeros_like(noise), np.full_like(noise, 255)):
        assert estimate_upscale(pixels) == 1.0


def test_of_small_pictures_nothing_is_said() -> None:
    small = PHOTOGRAPHS["cat"][:60, :80]
    doubled = resized(small, 2.0, Image.Resampling.BICUBIC)
    assert min(doubled.shape[:2]) < MIN_MEASURED_SIDE
    assert estimate_upscale(doubled) == 1.0
