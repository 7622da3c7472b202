"""Finding near copies, so that a picture and its copy never stand on both sides of a split.

Candidates are pictures whose 64-bit perceptual hashes differ in few bits. They are found by sorting
the hashes several times, each time with other bits in front, and comparing neighbours (Manku et al.
2007, "Detecting near-duplicates for web crawling"): time and memory stay linear, also where all
pictures are the same. A candidate counts when the two pictures correlate: of the pairs of CIFAKE
within four bits, those below the bound are different pictures of like layout.
"""

from collections.abc import Iterator, Sequence

import cv2
import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

MAX_BITS = 4
"""Hashes that differ in more bits are not compared further."""

MIN_CORRELATION = 0.9
"""Two pictures are near copies from this correlation of their 16x16 grey thumbnails on."""

_NEIGHBOURS = 64
_EQUAL_NEIGHBOURS = 8
_THUMBNAIL = 16
# One more band than bits may differ, so that some band is free of differences.
_BAND = 64 // (MAX_BITS + 1) + 1
_CHUNK = 4096


def near_duplicate_groups(
    digests: Sequence[str],
    hashes: npt.NDArray[np.uint64],
    pixels: npt.NDArray[np.uint8],
    rows: npt.NDArray[np.int64],
) -> npt.NDArray[np.int64]:
    """Group pictures with their copies and near copies.

    Args:
        digests: a digest of each picture's pixels; equal ones are the same picture.
        hashes: uint64 (n,), the perceptual hash of each.
        pixels: uint8 (n, s, s, 3), to tell near copies from chance; may be a memory map.
        rows: int64 (m,), the pictures to group.

    Returns:
        int64 (m,): the group of each row, counted from 0. Copies of copies share a group.
    """
    _, same = np.unique(np.array([digests[row] for row in rows]), return_inverse=True)
    _, first = np.unique(same, return_index=True)
    pairs = [np.stack([np.arange(len(same)), first[same]])]
    pairs.extend(_near_pairs(first, hashes[rows], pixels, rows))
    links = np.concatenate(pairs, axis=1)
    graph = coo_array((np.ones(links.shape[1], dtype=bool), links), shape=(len(same),) * 2)
    groups: npt.NDArray[np.int64] = connected_components(graph, directed=False)[1].astype(np.int64)
    return groups


def _near_pairs(
    distinct: npt.NDArray[np.int64],
    hashes: npt.NDArray[np.uint64],
    pixels: npt.NDArray[np.uint8],
    rows: npt.NDArray[np.int64],
) -> Iterator[npt.NDArray[np.int64]]:
    for turn in range(MAX_BITS + 1):
        shift = np.uint64(turn * _BAND)
        back = np.uint64((64 - turn * _BAND) % 64)
        turned = hashes[distinct] << shift | (hashes[distinct] >> back if turn else np.uint64(0))
        order = distinct[np.argsort(turned, kind="stable")]
        for step in range(1, min(_NEIGHBOURS, len(order) - 1) + 1):
            left, right = order[:-step], order[step:]
            bits = np.bitwise_count(hashes[left] ^ hashes[right])
            near = bits <= MAX_BITS
            # Pictures of equal hash stand side by side in every turn: once, and with the nearest
            # few, is enough, and spares a set of look-alikes millions of comparisons.
            if turn or step > _EQUAL_NEIGHBOURS:
                near &= bits > 0
            yield from _correlated(np.stack([left[near], right[near]]), pixels, rows)


def _correlated(
    pairs: npt.NDArray[np.int64], pixels: npt.NDArray[np.uint8], rows: npt.NDArray[np.int64]
) -> Iterator[npt.NDArray[np.int64]]:
    for start in range(0, pairs.shape[1], _CHUNK):
        chunk = pairs[:, start : start + _CHUNK]
        left, right = (_thumbnails(pixels, rows[side]) for side in chunk)
        yield chunk[:, (left * right).sum(axis=1) >= MIN_CORRELATION]


def _thumbnails(
    pixels: npt.NDArray[np.uint8], rows: npt.NDArray[np.int64]
) -> npt.NDArray[np.float32]:
    """Grey thumbnails (m, 256) of zero mean and unit length; of a flat picture all zero."""
    side = (_THUMBNAIL, _THUMBNAIL)
    small = [cv2.resize(pixels[row], side, interpolation=cv2.INTER_AREA) for row in rows]
    grey = np.array(small, dtype=np.float32).reshape(len(rows), -1, 3).mean(axis=2)
    grey -= grey.mean(axis=1, keepdims=True)
    length = np.linalg.norm(grey, axis=1, keepdims=True)
    return np.asarray(grey / np.where(length < 1.0, np.inf, length), dtype=np.float32)
