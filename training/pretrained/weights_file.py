"""The one format of a weights file: an `.npz` of arrays by variable (`block_0_query/kernel`).

A matrix may stand as INT8 with one scale a column: then its scales stand beside it as
`<name>:scale`, and it is `matrix * scale`.
"""

import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from keras_detector.atomic_file import atomic_file
from keras_detector.errors import WeightsError
from keras_detector.printable import printable

SCALE = ":scale"
"""Ends the name of the scales of an INT8 matrix."""


def save_weights(path: Path, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
    """Write a weights file, wholly or not at all.

    Args:
        path: where to, ending in `.npz`.
        arrays: by variable.

    Raises:
        SaveError: it cannot be written; what was there before is unharmed.
    """
    with atomic_file(path) as file:
        np.savez(file, allow_pickle=False, **dict(sorted(arrays.items())))


def read_weights(path: Path) -> dict[str, npt.NDArray[np.float32]]:
    """Read a weights file.

    Returns:
        variable to float32 array, INT8 matrices multiplied out.

    Raises:
        WeightsError: it is no weights file.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            stored = {name: file[name] for name in file.files}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, AttributeError) as error:
        raise WeightsError(
            expected="an .npz file of weights",
            received=f"{printable(path)} ({error})",
            advice="Write it again with `python -m training import-weights`.",
        ) from error
    arrays = {}
    for name, array in stored.items():
        if name.endswith(SCALE):
            continue
        values = array.astype(np.float32)
        if name + SCALE in stored:
            values = values * stored[name + SCALE].astype(np.float32)
        arrays[name] = values
    return arrays
