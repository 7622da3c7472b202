"""What the quantisation tables in a JPEG file's header say of how it was saved."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

# ITU-T T.81 (1992), table K.1; libjpeg scales it by the quality.
# fmt: off
_LUMINANCE = np.array([
    16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55,
    14, 13, 16, 24, 40, 57, 69, 56, 14, 17, 22, 29, 51, 87, 80, 62,
    18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92,
    49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99,
])
# fmt: on
_QUALITIES = np.arange(1, 101)
_SCALES = np.where(_QUALITIES < 50, 5000 // _QUALITIES, 200 - 2 * _QUALITIES)
_SCALED = np.clip((np.outer(_SCALES, _LUMINANCE) + 50) // 100, 1, 255)


@dataclass(frozen=True)
class JpegTables:
    """A reading of the tables.

    Attributes:
        quality: 1 to 100, of libjpeg's tables those that are as coarse as the file's.
        standard: whether the luminance table is exactly libjpeg's, scaled; cameras and editors
            have others.
        luminance: mean of the first table.
        chrominance: mean of the second one; NaN where there is none.
    """

    quality: int
    standard: bool
    luminance: float
    chrominance: float


def read_jpeg_tables(tables: Mapping[int, Sequence[int]]) -> JpegTables | None:
    """Read `quantization` of a JPEG that Pillow opened; None where there are no tables.

    Args:
        tables: number of the table to its 64 entries, in any order.
    """
    if not tables:
        return None
    first, *others = (np.array(tables[number]) for number in sorted(tables))
    at = int(np.argmin(np.abs(_SCALED.sum(axis=1) - first.sum())))
    return JpegTables(
        quality=int(_QUALITIES[at]),
        # sorted: versions of Pillow differ in the order of the entries
        standard=bool(np.array_equal(np.sort(first), np.sort(_SCALED[at]))),
        luminance=float(first.mean()),
        chrominance=float(others[0].mean()) if others else float("nan"),
    )
