"""What a picture is, everywhere."""

import numpy as np
import numpy.typing as npt

Pixels = npt.NDArray[np.uint8]
"""A picture: shape (height, width, 3), uint8, RGB, 0 to 255, upright."""

MAX_PIXELS = 100_000_000
"""No picture has more: larger ones are refused before they are decoded or made."""
