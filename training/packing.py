"""Decode every picture of a data set once, into one array on the disk.

The array is a cache: the same files (path, size, modification time) and input spec find it
again. Its index is written last, so a cache that was cut off is never taken for whole.
"""

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import cv2
import msgspec
import numpy as np
import numpy.typing as npt
import PIL
from tqdm import tqdm

import keras_detector
from keras_detector.atomic_file import atomic_file, write_atomically
from keras_detector.card import InputSpec
from keras_detector.errors import RunError, SaveError
from keras_detector.pixels import Pixels
from keras_detector.printable import printable
from training.decoding import decoded_chunks


@dataclass(frozen=True)
class Packed:
    """The readable pictures of a list, in its order.

    Attributes:
        pixels: uint8 (n, size, size, 3), the network's inputs; memory-mapped and read-only.
        kept: int64 (n,), position of each in the list that was packed.
        digests: sha256 of each decoded upright picture, its shape included.
        hashes: uint64 (n,), 64-bit perceptual hash (DCT) of the same.
        errors: position in the list to what is wrong, for pictures that cannot be read.
    """

    pixels: Pixels
    kept: npt.NDArray[np.int64]
    digests: tuple[str, ...]
    hashes: npt.NDArray[np.uint64]
    errors: dict[int, str]


class _Index(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is stored beside the pixels. Its presence says that the cache is whole."""

    digests: list[str]
    hashes: list[int]
    errors: dict[int, str]


def pack(
    paths: Sequence[Path],
    spec: InputSpec,
    cache: Path,
) -> Packed:
    """Decode and fit every picture, or find the result of an earlier time.

    Decoding runs in worker processes, with a progress bar on stderr. Memory does not grow with the
    number of pictures.

    Args:
        paths: the pictures.
        spec: what the network sees.
        cache: a directory, made if missing. Nothing else should write to it meanwhile.

    Returns:
        the readable pictures; the others are in `errors`.

    Raises:
        SaveError: the disk is full or `cache` cannot be written.
        RunError: a worker process was killed, most likely for lack of memory.
    """
    key = _key(paths, spec)
    array_file, index_file = cache / f"{key}.npy", cache / f"{key}.json"
    packed = _read(array_file, index_file, len(paths), spec)
    if packed is not None:
        return packed
    _clear(cache, key)
    index = _write_pixels(array_file, paths, spec)
    write_atomically(index_file, msgspec.json.encode(index))
    packed = _read(array_file, index_file, len(paths), spec)
    if packed is None:
        raise RunError(
            expected=f"the packed pictures in {printable(array_file)}",
            received="something else, just after writing them",
            advice="See that no other run uses the same directory, and start again.",
        )
    return packed


def files_digest(paths: Sequence[Path]) -> str:
    """Sha256 over path, size and modification time of each file: another one for other files."""
    digest = hashlib.sha256()
    for path in paths:
        try:
            status = path.stat()
            stamp = f"{status.st_size} {status.st_mtime_ns}"
        except OSError:
            stamp = "gone"
        digest.update(os.fsencode(path.absolute()) + f"\0{stamp}\0".encode())
    return digest.hexdigest()


def _key(paths: Sequence[Path], spec: InputSpec) -> str:
    versions = [keras_detector.__version__, PIL.__version__]
    if spec.enhance:
        versions.append(cv2.__version__)
    facts = [versions, spec, files_digest(paths)]
    return hashlib.sha256(msgspec.json.encode(facts)).hexdigest()[:32]


def _read(array_file: Path, index_file: Path, listed: int, spec: InputSpec) -> Packed | None:
    try:
        index = msgspec.json.decode(index_file.read_bytes(), type=_Index)
        kept = np.setdiff1d(np.arange(listed), np.array(sorted(index.errors), dtype=np.int64))
        shape = (len(kept), spec.size, spec.size, 3)
        # A file without pictures cannot be mapped.
        pixels = np.load(array_file, mmap_mode="r") if len(kept) else np.zeros(shape, np.uint8)
    except (OSError, ValueError, msgspec.MsgspecError):
        return None
    if pixels.shape != shape or pixels.dtype != np.uint8 or len(index.digests) != len(kept):
        return None
    hashes = np.array(index.hashes, dtype=np.uint64)
    return Packed(pixels, kept, tuple(index.digests), hashes, index.errors)


def _clear(cache: Path, key: str) -> None:
    try:
        cache.mkdir(parents=True, exist_ok=True)
        (cache / f"{key}.json").unlink(missing_ok=True)
        for leftover in cache.glob(f".{key}.*.part"):  # of a run that was killed
            leftover.unlink(missing_ok=True)
    except OSError as error:
        raise SaveError(
            expected=f"a directory for the packed pictures, {printable(cache)}",
            received=error.strerror or str(error),
            advice="Free the name, or choose another place; nothing was harmed.",
        ) from error


def _write_pixels(array_file: Path, paths: Sequence[Path], spec: InputSpec) -> _Index:
    index = _Index(digests=[], hashes=[], errors={})
    with atomic_file(array_file) as file:
        _write_header(file, 0, spec)
        progress = tqdm(total=len(paths), desc="Reading pictures", unit="", disable=None)
        with progress:
            for start, stop, chunk in decoded_chunks(paths, spec):
                file.write(chunk.pixels.tobytes())
                index.digests.extend(chunk.digests)
                index.hashes.extend(chunk.hashes)
                index.errors.update({start + at: text for at, text in chunk.errors.items()})
                progress.update(stop - start)
        # numpy pads its header so that the count can grow in place.
        file.seek(0)
        _write_header(file, len(index.digests), spec)
    return index


def _write_header(file: BinaryIO, count: int, spec: InputSpec) -> None:
    shape = (count, spec.size, spec.size, 3)
    header = {"descr": "|u1", "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(file, header)
