"""Decoding many pictures in worker processes: in order, in chunks, in bounded memory."""

import functools
import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import imagehash
import numpy as np
from PIL import Image

from keras_detector.card import InputSpec
from keras_detector.errors import ImageError
from keras_detector.images import decode, fit
from keras_detector.pixels import Pixels
from training.parallel import FEW, MAX_WORKERS, in_order

_FEW, _MAX_WORKERS = FEW, MAX_WORKERS
_CHUNK_BYTES = 4_000_000
_MAX_CHUNK = 256


@dataclass(frozen=True)
class Chunk:
    """Pictures that follow each other in a list: the readable ones, and what is wrong with others.

    Attributes:
        pixels: uint8 (m, size, size, 3), of the readable ones.
        digests: sha256 of each decoded upright picture, its shape included.
        hashes: 64-bit perceptual hash (DCT) of the same.
        errors: position in the chunk to what is wrong.
    """

    pixels: Pixels
    digests: list[str]
    hashes: list[int]
    errors: dict[int, str]


def decoded_chunks(paths: Sequence[Path], spec: InputSpec) -> Iterator[tuple[int, int, Chunk]]:
    """Decode and fit pictures, in their order.

    Args:
        paths: the pictures.
        spec: what the network sees.

    Yields:
        the first position of a chunk in `paths`, the one after its last, and the chunk.

    Raises:
        RunError: a worker process was killed, most likely for lack of memory.
    """
    step = max(1, min(_MAX_CHUNK, _CHUNK_BYTES // (3 * spec.size**2)))
    task = functools.partial(_pack_chunk, spec=spec)
    yield from in_order(task, paths, step=step, few=_FEW, max_workers=_MAX_WORKERS)


def _pack_chunk(paths: Sequence[Path], spec: InputSpec) -> Chunk:
    rows: list[Pixels] = []
    chunk = Chunk(np.zeros((0, spec.size, spec.size, 3), np.uint8), [], [], {})
    for at, path in enumerate(paths):
        try:
            pixels = decode(path)
            rows.append(fit(pixels, spec))
        except ImageError as error:
            chunk.errors[at] = error.received
            continue
        chunk.digests.append(picture_digest(pixels))
        chunk.hashes.append(perceptual_hash(pixels))
    pixels = np.stack(rows) if rows else chunk.pixels
    return Chunk(pixels, chunk.digests, chunk.hashes, chunk.errors)


def picture_digest(pixels: Pixels) -> str:
    """sha256 of a picture's pixels, its shape included; equal ones are the same picture."""
    digest = hashlib.sha256(f"{pixels.shape}".encode())
    digest.update(np.ascontiguousarray(pixels).data)
    return digest.hexdigest()


def perceptual_hash(pixels: Pixels) -> int:
    """The 64-bit perceptual hash (DCT) of a picture, by which near copies are found."""
    bits = imagehash.phash(Image.fromarray(pixels)).hash
    return int.from_bytes(np.packbits(bits).tobytes(), "big")
