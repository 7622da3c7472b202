"""The super-resolution networks that content-matched pairs pass through, ready to run."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from keras_detector.errors import WeightsError
from keras_detector.pixels import Pixels
from keras_detector.printable import printable
from training.pretrained.tfjs_file import read_tfjs_model

if TYPE_CHECKING:
    import keras

_IN_PACKAGES = ("models/x2", "models/x3", "models/x4")  # UpscalerJS's folders, one a factor
_FACTORS = range(2, 5)
_PROBE = 16  # pixels a side; any size does


class Upscaler:
    """A network that makes a picture two, three or four times as large.

    Args:
        name: what the manifest calls it.
        model: float32 RGB (n, h, w, 3) in 0 to 1 to (n, f h, f w, 3), f its factor.

    Raises:
        WeightsError: the network does something else.
    """

    def __init__(self, name: str, model: "keras.Model") -> None:
        self.name = name
        self._model = model
        channels = model.input.shape[-1]
        shape = tuple(model.compute_output_shape((1, _PROBE, _PROBE, channels))[1:])
        fitting = [by for by in _FACTORS if (channels, *shape) == (3, by * _PROBE, by * _PROBE, 3)]
        if not fitting:
            raise WeightsError(
                expected=f"a network that enlarges an RGB picture two to four times in {name}",
                received=f"one that makes {shape} of {(_PROBE, _PROBE, channels)}",
                advice=f"Give a package's folder with {', '.join(_IN_PACKAGES)}, or one of these.",
            )
        (self._factor,) = fitting

    @property
    def factor(self) -> int:
        """How many times as large a picture's sides become: 2, 3 or 4."""
        return self._factor

    def enlarge(self, pixels: Pixels) -> Pixels:
        """The picture, uint8 (h, w, 3), `factor` f times as large, uint8 (f h, f w, 3)."""
        picture = self._model.predict_on_batch(pixels[np.newaxis].astype(np.float32) / 255)
        return np.asarray(np.rint(np.clip(np.asarray(picture)[0], 0, 1) * 255), np.uint8)


def load_upscalers(folder: Path) -> tuple[Upscaler, ...]:
    """Read a TensorFlow.js network, or all those of an UpscalerJS package that are read here.

    Args:
        folder: holds `model.json`, or some of `models/x2`, `models/x3` and `models/x4` that do.

    Returns:
        at least one, by rising number of their folders.

    Raises:
        WeightsError: there is no such network, or one of them is none that enlarges.
    """
    name = _name(folder)
    if (folder / "model.json").exists():
        return (Upscaler(name, read_tfjs_model(folder)),)
    inner = [folder / place for place in _IN_PACKAGES if (folder / place / "model.json").exists()]
    if not inner:
        raise WeightsError(
            expected=f"a TensorFlow.js layers model: a model.json, or {', '.join(_IN_PACKAGES)}",
            received=f"none of these in {printable(folder)}",
            advice="Give the folder of an unpacked package of UpscalerJS.",
        )
    return tuple(Upscaler(f"{name} {place.name}", read_tfjs_model(place)) for place in inner)


def _name(folder: Path) -> str:
    """The name and version of the package, or else of the folder."""
    try:
        package = json.loads((folder / "package.json").read_text(encoding="utf-8"))
        return printable(f"{package['name']}@{package['version']}")
    except (OSError, LookupError, TypeError, ValueError):
        return printable(folder.resolve().name)
