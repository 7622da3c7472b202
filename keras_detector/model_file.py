"""The one file of a model: what plain Keras saved, the card, and the compiled twin.

A model file is a standard `.keras` archive, which `keras.saving.load_model` opens, with two more
members: `card.json` (`keras_detector.card.Card`) and `model.tflite`. The twin of a large network
may instead lie beside the archive, as `<stem>.tflite` in the same folder, where the card says so.
A `.detector` file is the same without what plain Keras saved: all that a verdict needs.
The card holds the SHA-256 of everything else, beside or inside; its own bytes are guarded by the
archive's CRC-32. A reader who verifies that is safe from damage and from code in a stranger's
file, but cannot know who wrote it.
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

from keras_detector.atomic_file import atomic_file, write_atomically
from keras_detector.card import Card, decode_card, encode_card
from keras_detector.errors import ModelFileError
from keras_detector.keras_config import refuse_foreign_code
from keras_detector.printable import printable
from keras_detector.zip_container import StoredZip, count_members

MAX_BYTES = 512 * 2**20
"""The largest model file, and the largest twin beside one: hashed in about a second each."""

_CARD, _TWIN, _CONFIG, _WEIGHTS = "card.json", "model.tflite", "config.json", "model.weights.h5"
_LIMITS = {
    "metadata.json": 64 * 2**10,
    _CONFIG: 2 * 2**20,
    _WEIGHTS: MAX_BYTES,
    _TWIN: MAX_BYTES,
    _CARD: 2**20,
}
_KERAS_MEMBERS = tuple(name for name in _LIMITS if name not in (_CARD, _TWIN))
# The four kinds of archive, by the number of their members: with or without the Keras form, the
# twin inside or beside.
_KINDS = {
    len(names): names
    for keras in (_KERAS_MEMBERS, ())
    for names in ((*keras, _CARD, _TWIN), (*keras, _CARD))
}
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


def read_model_file(path: Path, *, weights: bool = True) -> ModelFile:
    """Verify a model file and read its card and twin; Keras is not needed.

    Members, sizes and hashes are checked first, then the card and the configuration are parsed;
    after it, the file is safe to open with `keras.saving.load_model` too.

    Args:
        path: the model file.
        weights: hash the weights of the Keras form as well. A verdict does not read them, and they
            are the largest part; whoever opens the file with Keras must verify them.

    Raises:
        ModelFileError: it, or the twin beside it, is missing, unreadable, not ours, or was changed;
            or it has no Keras form, and `weights` asks for one.
    """
    try:
        with open(path, "rb", opener=_open_without_waiting) as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise _refused("a regular file", "a pipe, a device or the like")
            card, twin = _verified(file, path, weights=weights)
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


def twin_path(path: Path) -> Path:
    """Where the twin of a model lies whose card says `"beside"`: next to the file itself.

    Args:
        path: the model file; a link to one stands for the file it leads to.
    """
    return Path(os.path.realpath(path)).with_suffix(".tflite")


def write_model_file(path: Path, *, keras_archive: bytes, twin: bytes, card: Card) -> None:
    """Write a model file, wholly or not at all; the same arguments give the same bytes.

    Args:
        path: where to, ending in `.keras`; an existing file, or what a link leads to, is replaced
            at the very end. Where the card says `"beside"`, so is an existing `twin_path(path)`,
            just before it.
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
    beside = card.twin.place == "beside"
    if beside:
        del members[_TWIN]
        _check_twin(twin, digests[_TWIN])
    _write(path, members, twin if beside else None, weights=True)


def write_detector_file(path: Path, model: ModelFile) -> None:
    """Write what a verdict needs of a model, without its Keras form: less than half of the bytes.

    Args:
        path: where to, ending in `.detector`; the twin goes where the card says, as in
            `write_model_file`.
        model: the model; its card is kept as it is.

    Raises:
        ModelFileError: `path` has another ending.
        SaveError: the disk is full or the like; `path` holds what it held.
    """
    if path.suffix != ".detector":
        raise _refused("a name that ends in .detector", printable(path), "Choose such a name.")
    members = {_CARD: encode_card(model.card)}
    beside = model.card.twin.place == "beside"
    if not beside:
        members[_TWIN] = model.twin
    _write(path, members, model.twin if beside else None, weights=False)


def _write(path: Path, members: dict[str, bytes], beside: bytes | None, *, weights: bool) -> None:
    # As `twin_path`: what a link leads to is written, not the link.
    with atomic_file(Path(os.path.realpath(path))) as file:
        with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
            for name, data in members.items():
                entry = zipfile.ZipInfo(name)  # 1980-01-01, not now
                entry.create_system = 3
                archive.writestr(entry, data)
        file.flush()
        _verified_archive(file, weights=weights)
        if beside is not None:
            # Both files are on the disk before either takes its place.
            write_atomically(twin_path(path), beside)


def _verified(file: BinaryIO, path: Path, *, weights: bool) -> tuple[Card, bytes]:
    card, twin = _verified_archive(file, weights=weights)
    if twin is None:
        twin = _read_beside(twin_path(path))
        _check_twin(twin, card.sha256[_TWIN])
    return card, twin


def _verified_archive(file: BinaryIO, *, weights: bool) -> tuple[Card, bytes | None]:
    """The card and the twin of a checked archive; None for a twin that lies beside it."""
    names = _KINDS.get(count_members(file), tuple(_LIMITS))
    inside, whole = _TWIN in names, _CONFIG in names
    archive = StoredZip(file, {name: _LIMITS[name] for name in names}, MAX_BYTES)
    card = decode_card(archive.read(_CARD))
    hashed = {name for name in _LIMITS if name != _CARD}
    if card.sha256.keys() != hashed:
        raise _refused(f"a card with hashes of {sorted(hashed)}", f"{sorted(card.sha256)!r:.300}")
    if inside != (card.twin.place == "inside"):
        raise _refused(f"a twin {card.twin.place} the model file, as its card says", "the opposite")
    if whole:
        _check_keras_form(archive, card, weights=weights)
    elif weights:
        raise _refused(
            "a model file with its Keras form",
            "a .detector file, which serves for verdicts only",
            "Use the .keras file of the same model.",
        )
    if not inside:
        return card, None
    twin = archive.read(_TWIN)
    _check_twin(twin, card.sha256[_TWIN])
    return card, twin


def _check_keras_form(archive: StoredZip, card: Card, *, weights: bool) -> None:
    for name in _KERAS_MEMBERS:
        if (weights or name != _WEIGHTS) and archive.sha256(name) != card.sha256[name]:
            raise _refused(f"{name} as the card hashes it", "other content")
    if archive.head(_WEIGHTS, 8) != b"\x89HDF\r\n\x1a\n":
        raise _refused(f"an HDF5 file in {_WEIGHTS}", "something else")
    refuse_foreign_code(archive.read(_CONFIG))


def _check_twin(twin: bytes, digest: str) -> None:
    if len(twin) > MAX_BYTES:
        raise _refused(f"a twin of at most {MAX_BYTES:,} bytes", f"{len(twin):,} bytes")
    if sha256(twin).hexdigest() != digest:
        raise _refused(f"{_TWIN} as the card hashes it", "other content")
    if twin[4:8] != b"TFL3":
        raise _refused(f"a LiteRT flatbuffer in {_TWIN}", "something else")


def _read_beside(path: Path) -> bytes:
    wanted = f"the compiled network {printable(path)}, which belongs to the model file"
    advice = "Keep the two files of the model together, under their own names."
    try:
        if path.is_symlink():  # refused below too, except on Windows, which has no O_NOFOLLOW
            raise _refused(wanted, "a symbolic link", advice)
        with open(path, "rb", opener=_open_itself) as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise _refused(wanted, "a pipe, a device or the like", advice)
            if status.st_size > MAX_BYTES:
                raise _refused(f"at most {MAX_BYTES:,} bytes", f"{status.st_size:,} bytes", advice)
            return file.read(MAX_BYTES + 1)
    except FileNotFoundError as error:
        raise _refused(wanted, "no such file", advice) from error
    except OSError as error:
        raise _refused(wanted, error.strerror or str(error), advice) from error


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


def _open_itself(path: str, flags: int) -> int:
    return _open_without_waiting(path, flags | getattr(os, "O_NOFOLLOW", 0))


def _refused(expected: str, received: str, advice: str = _ADVICE) -> ModelFileError:
    return ModelFileError(expected=expected, received=received, advice=advice)
