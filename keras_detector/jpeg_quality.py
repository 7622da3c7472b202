"""The quality a JPEG was saved with, estimated from its quantisation tables."""

import functools
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

# ITU-T T.81, table K.1 (luminance), row by row, as Pillow orders it.
_STANDARD = np.array(
    [
        [16, 11, 10, 16, 24, 40, 51, 61],
        [12, 12, 14, 19, 26, 58, 60, 55],
        [14, 13, 16, 24, 40, 57, 69, 56],
        [14, 17, 22, 29, 51, 87, 80, 62],
        [18, 22, 37, 56, 68, 109, 103, 77],
        [24, 35, 55, 64, 81, 104, 113, 92],
        [49, 64, 78, 87, 103, 121, 120, 101],
        [72, 92, 95, 98, 112, 100, 103, 99],
    ]
).ravel()


_QUALITIES = np.arange(1, 101)


def _scaled() -> npt.NDArray[np.int64]:
    """The table (64,) of libjpeg for each of `_QUALITIES`: its `jpeg_set_quality`, baseline."""
    percent = np.where(_QUALITIES < 50, 5000 // _QUALITIES, 200 - 2 * _QUALITIES)[:, np.newaxis]
    return np.asarray(np.clip((_STANDARD * percent + 50) // 100, 1, 255), np.int64)


_TABLES = _scaled()


def estimate_jpeg_quality(tables: Mapping[int, Sequence[int]]) -> int | None:
    """The quality on the scale of libjpeg whose luminance table is nearest to the file's own.

    Exact for what libjpeg wrote with its standard table. Cameras and Photoshop have tables of their
    own: for those it is the quality that would have lost about as much. Nearness is the mean
    absolute difference of the logarithms, as a step of 2 in place of 1 matters and 92 for 91 does
    not.

    Args:
        tables: table number to its 64 steps, row by row; as Pillow's `image.quantization`.

    Returns:
        1 to 100, or None if there is no luminance table of 64 positive steps.
    """
    return _nearest_quality(tuple(tables.get(0, ())))


# The pictures of a folder mostly come from few programs, and so have few tables.
@functools.lru_cache(maxsize=256)
def _nearest_quality(table: tuple[int, ...]) -> int | None:
    steps = np.asarray(table, dtype=np.float64)
    if steps.shape != _STANDARD.shape or not (steps > 0).all():
        return None
    misses = np.abs(np.log(steps / _TABLES)).mean(axis=1)
    # Of equal tables (the lowest qualities share one) the better quality is meant.
    return int(_QUALITIES[::-1][np.argmin(misses[::-1])])
