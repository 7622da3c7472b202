"""Tiny model files without a network, and ways to change them."""

import io
import json
import time
import zipfile
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from keras_detector.errors import ModelFileError
from keras_detector.model_file import read_model_file

HDF5 = b"\x89HDF\r\n\x1a\n"
TWIN = b"\x1c\0\0\0TFL3" + bytes(range(200))
CONFIG: dict[str, Any] = {
    "module": "keras",
    "class_name": "Sequential",
    "config": {
        "name": "tiny",
        "layers": [
            {
                "module": "keras.layers",
                "class_name": "Dense",
                "config": {"units": 1, "activation": "relu"},
                "registered_name": None,
            }
        ],
    },
    "registered_name": None,
}
Members = dict[str, bytes]


def keras_archive(config: object = CONFIG, weights: bytes = HDF5 + bytes(100)) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("metadata.json", b'{"keras_version": "3.15.1"}')
        archive.writestr("config.json", json.dumps(config))
        archive.writestr("model.weights.h5", weights)
    return file.getvalue()


def members_of(path: Path) -> Members:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def sealed(members: Members) -> Members:
    """The members with a card that tells the truth about the others."""
    card = json.loads(members["card.json"])
    card["sha256"] = {
        name: sha256(data).hexdigest() for name, data in members.items() if name != "card.json"
    }
    return members | {"card.json": json.dumps(card).encode()}


def files_in(folder: Path) -> list[Path]:
    return sorted(folder.iterdir())


def rezip(path: Path, members: Members, method: int = zipfile.ZIP_STORED) -> Path:
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


def refused(path: Path) -> ModelFileError:
    start = time.process_time()
    with pytest.raises(ModelFileError) as caught:
        read_model_file(path)
    assert time.process_time() - start < 1.0
    assert caught.value.exit_code == 3
    return caught.value
