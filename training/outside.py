"""What is written has no place among the pictures that are read."""

import os
from collections.abc import Mapping
from pathlib import Path

from keras_detector.errors import RunError
from keras_detector.printable import printable


def refuse_inside(root: Path, written: Mapping[str, Path]) -> None:
    """Refuse to write into a data directory: the next time it would be read as pictures of it.

    Args:
        root: the data directory.
        written: option to the file or folder that it names.

    Raises:
        RunError: one lies inside.
    """
    inside = Path(os.path.realpath(root))
    for option, path in written.items():
        if Path(os.path.realpath(path)).is_relative_to(inside):
            raise RunError(
                expected=f"a place outside the data directory for {option}",
                received=printable(path),
                advice=f"Choose another {option}; nothing was changed.",
            )
