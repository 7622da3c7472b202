"""Where imported weights are kept between runs."""

import os
import sys
from pathlib import Path


def cached_weights(backbone: str) -> Path:
    """Path of a backbone's imported weights; the file need not exist.

    `KERAS_DETECTOR_CACHE` names the directory, or else the platform's place for caches does.
    """
    return _directory() / "weights" / f"{backbone}.npz"


def _directory() -> Path:
    named = os.environ.get("KERAS_DETECTOR_CACHE")
    if named:
        return Path(named)
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
        return base / "keras-detector" / "Cache"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "keras-detector"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "keras-detector"
