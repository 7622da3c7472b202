"""Picture enhancement with OpenCV: denoise, then double the size.

For people who look at a picture, and as an option of training (`InputSpec.enhance`). A verdict is
always about the original: denoising smooths texture the way generators do.

`enhance` works tile by tile, so that it can tell how far it is, be stopped, and needs little memory
beyond the two pictures. Each tile is computed with the pixels around it that the two steps look at:
what comes out is, bit for bit, what they make of the whole picture at once.
"""

from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from dataclasses import dataclass

import cv2
import numpy as np

from keras_detector.errors import Cancelled, EnhancementError, ErrorKind, ImageTooLargeError
from keras_detector.pixels import MAX_PIXELS, Pixels

MAX_STRENGTH = 100.0
"""Of denoising. Far above it every pixel becomes the mean of those around it."""

_PATCH, _WINDOW = 7, 21
_HALO = _PATCH // 2 + _WINDOW // 2 + 2  # as far as non-local means looks, and bicubic on top
_TILE = 256  # small enough that OpenCV uses one thread for it, large enough that halos cost little
_LOOK_UP = 0.1  # seconds from one question whether to stop to the next


@dataclass(frozen=True, slots=True)
class Enhancement:
    """What is done to a picture; with neither step it stays as it is.

    Attributes:
        denoise: remove noise, first.
        luminance_strength: how much of it in light and dark, 0 to `MAX_STRENGTH`; more also takes
            detail.
        colour_strength: the same, in colour.
        double: double both sides, after that.

    Raises:
        EnhancementError: a strength is out of its range.
    """

    denoise: bool = True
    luminance_strength: float = 10.0
    colour_strength: float = 10.0
    double: bool = True

    def __post_init__(self) -> None:
        for strength in (self.luminance_strength, self.colour_strength):
            if not 0.0 <= strength <= MAX_STRENGTH:  # not a number neither
                raise EnhancementError(
                    expected=f"a strength of denoising from 0 to {MAX_STRENGTH:g}",
                    received=f"{strength:g}",
                    advice="10 is usual; 3 is mild.",
                )

    @property
    def factor(self) -> int:
        """How many times longer the sides become."""
        return 2 if self.double else 1


DEFAULT_ENHANCEMENT = Enhancement()
"""What enhancing means where nobody says otherwise, and always what `InputSpec.enhance` means."""


def denoise(pixels: Pixels, settings: Enhancement = DEFAULT_ENHANCEMENT) -> Pixels:
    """Remove noise with non-local means (Buades et al. 2011, doi:10.5201/ipol.2011.bcm_nlm).

    Patches of 7 pixels are compared within a window of 21.

    Args:
        pixels: uint8 (height, width, 3), RGB.
        settings: the two strengths.

    Returns:
        the same shape.
    """
    bgr = cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR)
    denoised = cv2.fastNlMeansDenoisingColored(
        bgr, None, settings.luminance_strength, settings.colour_strength, _PATCH, _WINDOW
    )
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


def enhance(
    pixels: Pixels,
    settings: Enhancement = DEFAULT_ENHANCEMENT,
    *,
    progress: Callable[[float], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Pixels:
    """Denoise, then double the size, or one of the two.

    As many tiles at a time as OpenCV is set to use threads (`cv2.setNumThreads`; by default the
    number of cores). The result depends neither on that nor on the tiles.

    Args:
        pixels: uint8 (height, width, 3), RGB; left alone.
        settings: which steps, and how strong.
        progress: told the share that is done: 0.0 before the first tile, then ever more, 1.0 last;
            called by this thread.
        cancelled: asked by this thread whether to stop, several times a second.

    Returns:
        uint8 (height * settings.factor, width * settings.factor, 3), a new array.

    Raises:
        ImageTooLargeError: the result would have more than `MAX_PIXELS`; before anything is done.
        Cancelled: `cancelled` said so.
    """
    height, width = pixels.shape[:2]
    factor = settings.factor
    if settings.double:
        _refuse_too_large(height, width)
    enhanced = np.empty((height * factor, width * factor, 3), np.uint8)

    def fill(top: int, left: int) -> None:
        bottom, right = top + _TILE, left + _TILE
        above, before = max(top - _HALO, 0), max(left - _HALO, 0)
        tile = pixels[above : bottom + _HALO, before : right + _HALO]
        if settings.denoise:
            tile = denoise(tile, settings)
        if settings.double:
            tile = super_resolve(tile)
        place = enhanced[top * factor : bottom * factor, left * factor : right * factor]
        down, across = (top - above) * factor, (left - before) * factor
        place[:] = tile[down : down + place.shape[0], across : across + place.shape[1]]

    corners = [(top, left) for top in range(0, height, _TILE) for left in range(0, width, _TILE)]
    pool = ThreadPoolExecutor(max(cv2.getNumThreads(), 1))
    tell = progress or (lambda _: None)
    try:
        tell(0.0)
        waiting = {pool.submit(fill, *corner) for corner in corners}
        while waiting:
            if cancelled is not None and cancelled():
                raise Cancelled(
                    expected="to enhance the whole picture",
                    received="a request to stop",
                    advice="Nothing was kept; start again whenever you like.",
                )
            done, waiting = wait(waiting, _LOOK_UP, FIRST_COMPLETED)
            for tile in done:
                tile.result()  # raises what went wrong in it
            if done:
                tell(1.0 - len(waiting) / len(corners))
        return enhanced
    finally:
        # Who stops does not wait for the tiles at work: they end by themselves, for nobody.
        pool.shutdown(wait=False, cancel_futures=True)


def _refuse_too_large(height: int, width: int) -> None:
    if 4 * height * width > MAX_PIXELS:
        raise ImageTooLargeError(
            expected=f"at most {MAX_PIXELS // 4:,} pixels, to be doubled to {MAX_PIXELS:,}",
            received=f"{width} x {height}, doubled {2 * width} x {2 * height}",
            advice="Scale the picture down first, or do not double it.",
            kind=ErrorKind.TOO_LARGE,
        )
