"""Decoding a picture once more that was readable when the data directory was read."""

from pathlib import Path

from keras_detector.errors import ImageError, RunError
from keras_detector.images import decode
from keras_detector.pixels import Pixels
from keras_detector.printable import printable


def reread(path: Path) -> Pixels:
    """Decode a picture that must be there: what was made of it already counts on it.

    Args:
        path: the file.

    Returns:
        as `images.decode`.

    Raises:
        RunError: it is gone, or no longer a picture; the message names it.
    """
    try:
        return decode(path)
    except ImageError as error:
        raise RunError(
            expected=f"to read {printable(path)} once more, as at the beginning",
            received=error.received,
            advice="Put it back and give the same command again.",
        ) from error
