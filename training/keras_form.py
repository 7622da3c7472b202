"""Opening the Keras form of a model file from a stranger: what it may cost is known before it does.

`read_model_file` has seen to it that nothing but parts of Keras is named and every hash is right;
but whoever made the file made the hashes too. Two things are left that the configuration does not
say. Weights in HDF5 can lie in other files, be links, or be announced without being there (the
classes of CVE-2026-1669, CVE-2026-0897 and CVE-2026-12570). And a layer can be as large as it
pleases, and takes its memory before its weights are looked for.
"""

import contextlib
import io
import json
import math
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import keras

from keras_detector.errors import ModelFileError
from keras_detector.printable import printable

_MOST_OBJECTS = 100_000
_SPARE = 10_000
"""Numbers that a network may have without stored weights, such as states of random generators."""


def check_keras_form(path: Path) -> None:
    """Check that a model file which `read_model_file` accepts can be opened without harm.

    Args:
        path: the model file.

    Raises:
        ModelFileError: its weights are not plain arrays inside the file, or its network is larger
            than they are, or Keras cannot make it.
    """
    with _errors_of_ours(path):
        with zipfile.ZipFile(path) as archive:
            config = json.loads(archive.read("config.json"))
            held = io.BytesIO(archive.read("model.weights.h5"))  # HDF5 jumps, a zip member cannot
        with h5py.File(held, "r") as weights:
            stored = sum(dataset.size for dataset in _plain_datasets(weights))
        _refuse_larger(config, stored)


def open_keras_form(path: Path) -> keras.Model:
    """The network of a model file that `check_keras_form` accepts.

    Raises:
        ModelFileError: Keras cannot open it.
    """
    with _errors_of_ours(path):
        return keras.saving.load_model(path, compile=False)


@contextlib.contextmanager
def _errors_of_ours(path: Path) -> Iterator[None]:
    try:
        yield
    except ModelFileError as error:
        raise _refused(error.expected, f"{printable(path)}: {error.received}") from error
    # What Keras and HDF5 raise on hostile bytes is nearly everything.
    except Exception as error:
        received = str(error).strip().partition("\n")[0] or type(error).__name__
        raise _refused(
            "a model that Keras can open", f"{printable(path)}: {printable(received)}"
        ) from error


def _plain_datasets(weights: h5py.File) -> Iterator[h5py.Dataset]:
    """Every dataset, once; a link is followed only when it is known to be plain."""
    seen: set[int] = set()
    groups = [weights["/"]]
    while groups:
        group = groups.pop()
        for name in group:
            if not isinstance(group.get(name, getlink=True), h5py.HardLink):
                raise _refused("weights inside the file", "a link to somewhere else")
            each = group[name]
            address = h5py.h5o.get_info(each.id).addr
            if address in seen or len(seen) > _MOST_OBJECTS:
                raise _refused("weights that are each there once", "links in a circle, or too many")
            seen.add(address)
            if isinstance(each, h5py.Group):
                groups.append(each)
            elif isinstance(each, h5py.Dataset):
                _refuse_unusual(each)
                yield each
            else:
                raise _refused("groups and arrays in the weights", "something else")


def _refuse_unusual(dataset: h5py.Dataset) -> None:
    made = dataset.id.get_create_plist()
    if made.get_layout() not in (h5py.h5d.CONTIGUOUS, h5py.h5d.COMPACT) or made.get_nfilters():
        raise _refused("plain arrays of weights", "compressed, virtual or scattered ones")
    if made.get_external_count():
        raise _refused("weights inside the file", "ones in another file")
    if dataset.dtype.kind not in "fiubV" or dataset.dtype.hasobject:
        raise _refused("weights that are numbers", f"{dataset.dtype}")
    if dataset.id.get_storage_size() != dataset.size * dataset.dtype.itemsize:
        raise _refused("weights as large as announced", f"an array of {dataset.size:,} numbers")


def _refuse_larger(config: dict[str, Any], stored: int) -> None:
    # Within the scope, variables have shapes and no memory.
    with keras.StatelessScope(initialize_variables=False):
        network = keras.saving.deserialize_keras_object(config)
    if not isinstance(network, keras.Model):
        raise _refused("the configuration of a model", type(network).__name__)
    count = sum(math.prod(variable.shape) for variable in network.variables)
    # The scope has noted them for later, and later they would take the memory after all.
    keras.utils.clear_session()
    if count > stored + _SPARE:
        raise _refused(f"a network of the {stored:,} weights that are stored", f"{count:,}")


def _refused(expected: str, received: str) -> ModelFileError:
    return ModelFileError(
        expected=expected,
        received=received,
        advice="Do not open this file with Keras. Use a model you trust.",
    )
