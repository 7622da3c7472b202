"""What a verdict depends on and a picture's size does not show: how far it was enlarged.

Interpolation leaves a rhythm: each new pixel is a weighted mean of old ones, and the weights repeat
with the period of the factor, so that differences between neighbours are small where a new pixel
falls between old ones (Gallagher 2005, "Detection of linear and cubic interpolation in JPEG
compressed images", CRV, p. 65; Mahdian & Saic 2008, IEEE T-IFS 3, p. 529). Second differences show
it for every factor but 2, where both kinds of new pixels have mirrored weights; there the first
differences do. The rhythm of JPEG's 8 x 8 blocks is left out. Shrinking makes the same rhythm;
what tells it apart is that an enlarged picture has little in its finest detail. Measured figures:
docs/adr/0009.
"""

import numpy as np
import numpy.typing as npt

from keras_detector.pixels import Pixels

MIN_MEASURED_SIDE = 128
"""Smaller pictures have too few pixels for a rhythm: nothing is said of them."""

_CROP, _BINS, _TILE = 512, 512, 64  # the centre is enough; bins of the transform; spectrum's window
_RHYTHM, _RHYTHM_OF_2, _FINE_SHARE = 6.0, 2.2, 0.15  # set on photographs; see the ADR
_FROM = round(0.19 * _BINS)  # factors from about 1.25 to 5
_LARGE_FACTOR_SHARE = 0.086

Floats = npt.NDArray[np.floating]


def estimate_upscale(pixels: Pixels) -> float:
    """How many times a picture was enlarged, along both sides, after it was taken.

    Found from about 1.25 to 5 times; what was compressed strongly afterwards, or shrunk again,
    mostly is not. A factor below 2 and one above it can leave the same rhythm (1.5 and 3), and are
    then told apart by how fine the detail is, which is a guess.

    Args:
        pixels: uint8 (height, width, 3).

    Returns:
        the factor; 1.0 where no enlargement is found.
    """
    height, width = pixels.shape[:2]
    if min(height, width) < MIN_MEASURED_SIDE:
        return 1.0
    tall, wide = min(height, _CROP), min(width, _CROP)
    top, left = (height - tall) // 2, (width - wide) // 2
    crop = pixels[top : top + tall, left : left + wide].astype(np.float32)
    luma = crop @ np.array([0.299, 0.587, 0.114], np.float32)
    first, second = (np.minimum(_rhythm(luma, order), _rhythm(luma.T, order)) for order in (1, 2))
    eighth = _BINS // 8
    blocks = max(first[n * eighth - 2 : n * eighth + 3].max() for n in (1, 3))
    doubled = first[-2:].max() / (1.0 + blocks) > _RHYTHM_OF_2
    for n in (1, 2, 3):
        second[n * eighth - 2 : n * eighth + 3] = 0.0
    second[:_FROM] = second[_BINS // 2 - 6 :] = 0.0
    peak = int(second.argmax())
    if not doubled and second[peak] <= _RHYTHM:
        return 1.0
    fine, finer = _fine_shares(luma)
    if finer >= _FINE_SHARE:
        return 1.0
    if doubled:
        return 2.0
    frequency = peak / _BINS
    return 1.0 / frequency if fine < _LARGE_FACTOR_SHARE else 1.0 / (1.0 - frequency)


def _rhythm(luma: Floats, order: int) -> Floats:
    """Strength, relative to the median, of each frequency in the differences along the rows."""
    differences = np.abs(np.diff(luma, n=order, axis=1))
    # A few strong edges would drown the rhythm of everything else.
    profile = np.minimum(differences, 4.0 * differences.mean()).mean(axis=0)
    trend = np.convolve(profile, np.full(16, 1 / 16), "same") + 1e-6
    spectrum = np.abs(np.fft.rfft((profile / trend - 1.0) * np.hanning(profile.size), _BINS))
    return np.asarray(spectrum / (np.median(spectrum[round(0.15 * _BINS) :]) + 1e-9))


def _fine_shares(luma: Floats) -> tuple[float, float]:
    """Share of gradient energy above 1/2, and above 2/3, of the finest frequency there is."""
    tall, wide = (side // _TILE for side in luma.shape)
    cut = luma[: tall * _TILE, : wide * _TILE].reshape(tall, _TILE, wide, _TILE)
    tiles = cut.swapaxes(1, 2).reshape(-1, _TILE, _TILE)
    tiles = tiles - tiles.mean(axis=(1, 2), keepdims=True)
    window = np.outer(np.hanning(_TILE), np.hanning(_TILE))
    power = (np.abs(np.fft.fft2(tiles * window)) ** 2).mean(axis=0)
    place = np.arange(1, _TILE // 2 + 1) / (_TILE // 2)
    shares = []
    for axis in (0, 1):
        energy = power.sum(axis=axis)[1 : _TILE // 2 + 1] * place**2 + 1e-9
        shares.append([energy[place > limit].sum() / energy.sum() for limit in (1 / 2, 2 / 3)])
    fine, finer = np.max(shares, axis=0)
    return float(fine), float(finer)
