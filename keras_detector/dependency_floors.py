"""Packages that read strangers' files, and the versions below which they have known holes.

`pyproject.toml` asks for the same versions, but an environment can be changed after it was made.
"""

import re
from importlib import metadata

from keras_detector.errors import MissingPackageError

PILLOW = (12, 3, 0)
KERAS = (3, 15, 1)
SERVING = {"h11": (0, 16, 0), "python-multipart": (0, 0, 32)}
"""What takes requests apart."""


def refuse_old_pillow() -> None:
    """Check the Pillow that is installed, without importing more of it than its version.

    Raises:
        MissingPackageError: it is older than `PILLOW`.
    """
    from PIL import __version__

    refuse_older("pillow", __version__, PILLOW)


def refuse_old_parsers() -> None:
    """Check what `SERVING` names, which must be installed.

    Raises:
        MissingPackageError: one is older.
    """
    for package, least in SERVING.items():
        refuse_older(package, metadata.version(package), least)


def refuse_older(package: str, found: str, least: tuple[int, ...]) -> None:
    """Check a version of a package.

    Args:
        package: its name.
        found: the version that is installed.
        least: the first that will do.

    Raises:
        MissingPackageError: it is older, or no version at all.
    """
    numbers = re.match(r"\d+(\.\d+)*", found)
    if numbers is None or tuple(map(int, numbers[0].split("."))) < least:
        wanted = ".".join(map(str, least))
        raise MissingPackageError(
            expected=f"the package {package}, {wanted} or newer",
            received=found,
            advice=f"Older ones have known holes: pip install '{package}>={wanted}'.",
        )
