"""Decoding many pictures in worker processes: in order, in chunks, in bounded memory."""

import hashlib
import multiprocessing
import os
import signal
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path
from threading import Thread

import imagehash
import numpy as np
from PIL import Image

from keras_detector.card import InputSpec
from keras_detector.errors import ImageError, RunError
from keras_detector.images import decode, fit
from keras_detector.pixels import Pixels

_FEW = 400  # starting worker processes takes longer than decoding this many small pictures
_MAX_WORKERS = 32
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
    spans = [(start, min(start + step, len(paths))) for start in range(0, len(paths), step)]
    if len(paths) <= _FEW:
        for start, stop in spans:
            yield start, stop, _pack_chunk(paths[start:stop], spec)
        return
    workers = min(os.cpu_count() or 1, _MAX_WORKERS)
    # "spawn": a forked copy of a process that has TensorFlow's threads may hang.
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(workers, mp_context=context, initializer=_exit_with_parent)
    waiting: deque[tuple[int, int, Future[Chunk]]] = deque()
    done = 0
    try:
        for start, stop in spans:
            future = pool.submit(_pack_chunk, paths[start:stop], spec)
            waiting.append((start, stop, future))
            # Few chunks are under way at any time: this is what bounds the memory.
            if len(waiting) > 3 * workers:
                done = waiting[0][1]
                yield _finished(waiting)
        while waiting:
            done = waiting[0][1]
            yield _finished(waiting)
    except BrokenProcessPool as error:
        raise RunError(
            expected="worker processes that live until every picture is read",
            received=f"one died near picture {done:,} of {len(paths):,}",
            advice="Most likely memory ran out: close other programs, and look for huge pictures.",
        ) from error
    finally:
        pool.shutdown(cancel_futures=True)


def _finished(waiting: deque[tuple[int, int, Future[Chunk]]]) -> tuple[int, int, Chunk]:
    start, stop, future = waiting.popleft()
    return start, stop, future.result()


def _exit_with_parent() -> None:
    # Ctrl+C reaches every process of the terminal; the parent decides what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    # Without this, workers wait for ever when the parent is killed.
    def watch() -> None:
        parent = multiprocessing.parent_process()
        if parent is not None:
            parent.join()
            os._exit(1)

    Thread(target=watch, daemon=True).start()


def _pack_chunk(paths: Sequence[Path], spec: InputSpec) -> Chunk:
    rows: list[Pixels] = []
    chunk = Chunk(np.zeros((0, spec.size, spec.size, 3), np.uint8), [], [], {})
    for at, path in enumerate(paths):
        try:
            pixels = decode(path)
        except ImageError as error:
            chunk.errors[at] = error.received
            continue
        chunk.digests.append(_digest(pixels))
        chunk.hashes.append(_perceptual_hash(pixels))
        rows.append(fit(pixels, spec))
    pixels = np.stack(rows) if rows else chunk.pixels
    return Chunk(pixels, chunk.digests, chunk.hashes, chunk.errors)


def _digest(pixels: Pixels) -> str:
    digest = hashlib.sha256(f"{pixels.shape}".encode())
    digest.update(np.ascontiguousarray(pixels).data)
    return digest.hexdigest()


def _perceptual_hash(pixels: Pixels) -> int:
    bits = imagehash.phash(Image.fromarray(pixels)).hash
    return int.from_bytes(np.packbits(bits).tobytes(), "big")
