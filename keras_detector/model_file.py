"""The one file of a model: what plain Keras saved, the card, and the compiled twin.

A model file is a standard `.keras` archive, which `keras.saving.load_model` opens, with two more
members: `card.json` (`keras_detector.card.Card`) and `model.tflite`. The card holds the SHA-256 of
every other member; its own bytes are guarded by the archive's CRC-32. A reader who verifies that
is safe from damage and from code in a stranger's file, but cannot know who wrote it.
"""

import io
import os
import stat
import zipfile
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO

import msgspec

from keras_detector.atomic_file import atomic_file
from keras_detector.card import Card, decode_card, encode_card
from keras_detector.errors import ModelFileError
from keras_detector.keras_config import refuse_foreign_code
from keras_detector.printable import printable
from keras_detector.zip_container import StoredZip

MAX_BYTES = 512 * 2**20
"""The largest model file. Its hashes are checked in about a second, whoever wrote it."""

_CARD, _TWIN, _CONFIG, _WEIGHTS = "card.json", "model.tflite", "config.json", "model.weights.h5"
_LIMITS = {
    "metadata.json": 64 * 2**10,
    _CONFIG: 2 * 2**20,
    _WEIGHTS: MAX_BYTES,
    _TWIN: MAX_BYTES,
    _CARD: 2**20,
}
_KERAS_MEMBERS = tuple(name for name in _LIMITS if name not in (_CARD, _TWIN))
_ADVICE = "Fetch the file again, or use one that this version of keras-detector wrote."


@dataclass(frozen=True)
class ModelFile:
    """What a verdict needs of a model file, verified.

    Attributes:
        path: where it was read.
        card: labels, input, calibration, threshold, figures.
        twin: the compiled network, a LiteRT flatbuffer.
    """

    path: Path
    card: Card
    twin: bytes


def read_model_file(path: Path) -> ModelFile:
    """Verify a model file and read its card and twin; Keras is not needed.

    Members, sizes and hashes are checked first, then the card and the configuration are parsed;
    after it, the file is safe to open with `keras.saving.load_model` too.

    Raises:
        ModelFileError: it is missing, unreadable, not ours, or was changed.
    """
    try:
        with open(path, "rb", opener=_open_without_waiting) as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise _refused("a regular file", "a pipe, a device or the like")
            card, twin = _verified(file)
    except ModelFileError as error:
        raise _refused(
            error.expected, f"{printable(path)}: {error.received}", error.advice
        ) from error
    except FileNotFoundError as error:
        raise _refused(
            "a model file", f"{printable(path)}: no such file", "Check the path."
        ) from error
    # ValueError is what Python makes of a path with a null byte in it.
    except (OSError, ValueError, MemoryError) as error:
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise _refused("a readable model file", f"{printable(path)}: {reason}") from error
    return ModelFile(path=path, card=card, twin=twin)


def write_model_file(path: Path, *, keras_archive: bytes, twin: bytes, card: Card) -> None:
    """Write a model file, wholly or not at all; the same arguments give the same bytes.

    Args:
        path: where to, ending in `.keras`; an existing file is replaced at the very end.
        keras_archive: the bytes of the `.keras` file that plain Keras saved.
        twin: the same network as a LiteRT flatbuffer.
        card: the card; its `sha256` is filled in here.

    Raises:
        ModelFileError: `read_model_file` would refuse the result, so nothing was written.
        SaveError: the disk is full or the like; `path` holds what it held.
    """
    if path.suffix != ".keras":
        raise _refused("a name that ends in .keras", printable(path), "Keras opens no other.")
    members = {**_keras_members(keras_archive), _TWIN: twin}
    digests = {name: sha256(data).hexdigest() for name, data in members.items()}
    members[_CARD] = encode_card(msgspec.structs.replace(card, sha256=digests))
    with atomic_file(path) as file:
        with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
            for name, data in members.items():
                entry = zipfile.ZipInfo(name)  # 1980-01-01, not now
                entry.create_system = 3
                archive.writestr(entry, data)
        file.flush()
        _verified(file)


def _verified(file: BinaryIO) -> tuple[Card, bytes]:
    archive = StoredZip(file, _LIMITS, MAX_BYTES)
    card = decode_card(archive.read(_CARD))
    hashed = [name for name in _LIMITS if name != _CARD]
    if card.sha256.keys() != set(hashed):
        raise _refused(f"a card with hashes of {sorted(hashed)}", f"{sorted(card.sha256)!r:.300}")
    for name in hashed:
        if archive.sha256(name) != card.sha256[name]:
            raise _refused(f"{name} as the card hashes it", "other content")
    if archive.head(_WEIGHTS, 8) != b"\x89HDF\r\n\x1a\n":
        raise _refused(f"an HDF5 file in {_WEIGHTS}", "something else")
    if archive.head(_TWIN, 8)[4:] != b"TFL3":
        raise _refused(f"a LiteRT flatbuffer in {_TWIN}", "something else")
    refuse_foreign_code(archive.read(_CONFIG))
    return card, archive.read(_TWIN)


def _keras_members(keras_archive: bytes) -> dict[str, bytes]:
    try:
        with zipfile.ZipFile(io.BytesIO(keras_archive)) as archive:
            names = archive.namelist()
            if sorted(names) != sorted(_KERAS_MEMBERS):
                raise _refused(f"a Keras archive of {sorted(_KERAS_MEMBERS)}", f"{names!r:.300}")
            return {name: archive.read(name) for name in names}
    except zipfile.BadZipFile as error:
        raise _refused("the bytes of a .keras file", str(error)) from error


def _open_without_waiting(path: str, flags: int) -> int:
    # A pipe without a writer would block here for ever.
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def _refused(expected: str, received: str, advice: str = _ADVICE) -> ModelFileError:
    return ModelFileError(expected=expected, received=received, advice=advice)
