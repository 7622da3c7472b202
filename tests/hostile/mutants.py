"""Pictures that were tampered with: each has a number, and is the same in every run.

Whole pictures of all formats and modes (`tests.pictures.CASES`) are changed blindly, or where
their structure says how long or how large something is.
"""

import functools
import struct
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

from tests.pictures import CASES, encoded

SEED = 5

Rng = np.random.Generator


class Field(NamedTuple):
    """A whole number in a file: where, of how many bytes, and in which order."""

    offset: int
    size: int
    order: str


@functools.cache
def seeds() -> dict[str, tuple[str, bytes]]:
    """Whole pictures: name to format and bytes."""
    return {
        name: (form, encoded(image, form, **options))
        for name, (image, form, options, *_) in CASES.items()
    }


# --- where a file says how long or large something is


def png_fields(data: bytes) -> Iterator[Field]:
    at = 8
    while at + 12 <= len(data):
        yield Field(at, 4, ">")
        if data[at + 4 : at + 8] in (b"IHDR", b"fcTL"):
            yield from (Field(at + 8 + part, 4, ">") for part in (0, 4, 8, 12))
        at += 12 + int.from_bytes(data[at : at + 4], "big")


def jpeg_fields(data: bytes) -> Iterator[Field]:
    at = 2
    while at + 4 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        yield Field(at + 2, 2, ">")
        if 0xC0 <= marker <= 0xCF:  # frames and Huffman tables
            yield from (Field(at + part, 1, ">") for part in (4, 9, 10, 11, 12))
            yield from (Field(at + part, 2, ">") for part in (5, 7))
        elif marker == 0xDA:
            yield from (Field(at + part, 1, ">") for part in (4, 5, 6, 11, 12, 13))
            return
        at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")


def gif_fields(data: bytes) -> Iterator[Field]:
    yield from (Field(6, 2, "<"), Field(8, 2, "<"), Field(10, 1, "<"))
    for at in range(13, len(data) - 10):
        if data[at] == 0x2C and data[at + 1 : at + 5] == bytes(4):  # a frame at 0, 0
            yield from (Field(at + part, 2, "<") for part in (1, 3, 5, 7))
            yield from (Field(at + part, 1, "<") for part in (9, 10, 11))


def bmp_fields(data: bytes) -> Iterator[Field]:
    yield from (Field(at, 4, "<") for at in (2, 10, 14, 18, 22, 30, 34, 46, 50))
    yield from (Field(at, 2, "<") for at in (26, 28))


def webp_fields(data: bytes) -> Iterator[Field]:
    at = 4
    yield Field(at, 4, "<")
    at = 12
    while at + 8 <= len(data):
        yield Field(at + 4, 4, "<")
        yield from (Field(at + part, 2, "<") for part in range(8, 20, 2))
        size = int.from_bytes(data[at + 4 : at + 8], "little")
        at += 8 + size + size % 2


def tiff_fields(data: bytes) -> Iterator[Field]:
    yield Field(4, 4, "<")
    (at,) = struct.unpack_from("<L", data, 4)
    (count,) = struct.unpack_from("<H", data, at)
    yield Field(at, 2, "<")
    for entry in range(at + 2, at + 2 + 12 * count, 12):
        yield from (Field(entry, 2, "<"), Field(entry + 2, 2, "<"))
        yield from (Field(entry + 4, 4, "<"), Field(entry + 8, 4, "<"))


def avif_fields(data: bytes, start: int = 0, end: int | None = None) -> Iterator[Field]:
    end = len(data) if end is None else end
    while start + 8 <= end:
        size, kind = int.from_bytes(data[start : start + 4], "big"), data[start + 4 : start + 8]
        yield Field(start, 4, ">")
        if kind == b"ispe":
            yield from (Field(start + part, 4, ">") for part in (12, 16))
        elif kind in (b"iloc", b"iinf", b"ipma", b"pitm", b"av1C", b"grid"):
            yield from (Field(start + part, 2, ">") for part in range(8, min(size, 60), 2))
        elif kind in (b"meta", b"iprp", b"ipco", b"moov", b"trak", b"mdia", b"minf", b"stbl"):
            yield from avif_fields(data, start + (12 if kind == b"meta" else 8), start + size)
        if size < 8:
            return
        start += size


FIELDS: dict[str, Callable[[bytes], Iterator[Field]]] = {
    "PNG": png_fields,
    "JPEG": jpeg_fields,
    "MPO": jpeg_fields,
    "GIF": gif_fields,
    "BMP": bmp_fields,
    "WEBP": webp_fields,
    "TIFF": tiff_fields,
    "AVIF": avif_fields,
}
LIES = (0, 1, 2, 7, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 10_001, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)


@functools.cache
def fields_of(name: str) -> tuple[Field, ...]:
    form, data = seeds()[name]
    return tuple(each for each in FIELDS[form](data) if each.offset + each.size <= len(data))


def lying(data: bytes, field: Field, value: int) -> bytes:
    """The file with another number in that place."""
    number = (value & (1 << 8 * field.size) - 1).to_bytes(
        field.size, "big" if field.order == ">" else "little"
    )
    return data[: field.offset] + number + data[field.offset + field.size :]


# --- changes


def _place(length: int, rng: Rng) -> int:
    # half of the changes in the first 128 bytes, where the headers are
    return int(rng.integers(0, length if rng.random() < 0.5 else min(128, length)))


def change_bytes(name: str, data: bytes, rng: Rng) -> bytes:
    changed = bytearray(data)
    for _ in range(int(rng.integers(1, 6))):
        changed[_place(len(changed), rng)] = int(rng.integers(0, 256))
    return bytes(changed)


def flip_bits(name: str, data: bytes, rng: Rng) -> bytes:
    changed = bytearray(data)
    for _ in range(int(rng.integers(1, 6))):
        changed[_place(len(changed), rng)] ^= 1 << int(rng.integers(0, 8))
    return bytes(changed)


def insert(name: str, data: bytes, rng: Rng) -> bytes:
    at = _place(len(data), rng)
    return data[:at] + rng.bytes(int(rng.integers(1, 9))) + data[at:]


def delete(name: str, data: bytes, rng: Rng) -> bytes:
    at = _place(len(data), rng)
    return data[:at] + data[at + int(rng.integers(1, 9)) :]


def cut(name: str, data: bytes, rng: Rng) -> bytes:
    return data[: int(rng.integers(0, len(data)))]


def swap_blocks(name: str, data: bytes, rng: Rng) -> bytes:
    first, second, third = sorted(int(at) for at in rng.integers(0, len(data) + 1, 3))
    return data[:first] + data[second:third] + data[first:second] + data[third:]


def repeat_block(name: str, data: bytes, rng: Rng) -> bytes:
    first, second = sorted(int(at) for at in rng.integers(0, len(data) + 1, 2))
    return data[:first] + data[first:second] * int(rng.integers(2, 20)) + data[second:]


def blank_block(name: str, data: bytes, rng: Rng) -> bytes:
    first = _place(len(data), rng)
    block = bytes([int(rng.choice([0, 0xFF]))]) * int(rng.integers(1, 65))
    return data[:first] + block[: len(data) - first] + data[first + len(block) :]


def splice(name: str, data: bytes, rng: Rng) -> bytes:
    others = list(seeds().values())
    _, other = others[int(rng.integers(0, len(others)))]
    return data[: _place(len(data), rng)] + other[int(rng.integers(0, len(other))) :]


def lie(name: str, data: bytes, rng: Rng) -> bytes:
    """Lengths and sizes that are not true."""
    fields = fields_of(name)
    for _ in range(int(rng.integers(1, 3))):
        data = lying(data, fields[int(rng.integers(0, len(fields)))], int(rng.choice(LIES)))
    return data


CHANGES = (
    change_bytes, flip_bits, insert, delete, cut, swap_blocks, repeat_block, blank_block, splice,
    lie, lie, lie,
)  # fmt: skip


def mutant(number: int) -> tuple[str, bytes]:
    """The mutant of that number: what it was made of and how, and its bytes."""
    rng = np.random.default_rng((SEED, number))
    names = list(seeds())
    name = names[number % len(names)]
    change = CHANGES[int(rng.integers(0, len(CHANGES)))]
    return f"{name}: {change.__name__} {number}", change(name, seeds()[name][1], rng)
