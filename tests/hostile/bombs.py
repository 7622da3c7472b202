"""Pictures made to cost or to deceive: bombs and liars of each format, polyglots, cut files.

`special` names them all; each is made when it is asked for.
"""

import functools
import io
import struct
import zipfile
import zlib
from collections.abc import Callable

import numpy as np
from PIL import Image

from tests.hostile.mutants import seeds
from tests.pictures import RGB, encoded

SIDE = 10_000
"""Of a picture that has as many pixels as one may have."""

Make = Callable[[], bytes]


def png_chunk(kind: bytes, data: bytes) -> bytes:
    crc = struct.pack(">L", zlib.crc32(kind + data))
    return struct.pack(">L", len(data)) + kind + data + crc


def png_of(width: int, height: int, data: bytes, depth: int = 8, *more: bytes) -> bytes:
    header = png_chunk(b"IHDR", struct.pack(">LLBBBBB", width, height, depth, 0, 0, 0, 0))
    end = png_chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(more) + png_chunk(b"IDAT", data) + end


def zeros(count: int) -> bytes:
    return zlib.compress(bytes(count), 9)


def blank(form: str, **options: object) -> bytes:
    """As many pixels as one may have, and nothing in them."""
    return encoded(np.zeros((SIDE, SIDE), np.uint8), form, **options)


def of_size(form: str, width: int, height: int, **options: object) -> bytes:
    return encoded(np.zeros((height, width, 3), np.uint8), form, **options)


def jpeg_of_scans(width: int, height: int, scans: int) -> bytes:
    """A progressive JPEG in which one scan is repeated: each is a pass over all pixels."""
    data = encoded(Image.new("L", (64, 64), 128), "JPEG", progressive=True, quality=50)
    start = data.index(b"\xff\xc2") + 5
    data = data[:start] + struct.pack(">HH", height, width) + data[start + 4 :]
    first = data.index(b"\xff\xda")
    second = data.index(b"\xff\xda", first + 2)
    third = data.find(b"\xff\xda", second + 2)
    return data[:-2] + data[second : third if third > 0 else -2] * scans + b"\xff\xd9"


def bmp_rle(width: int, height: int, rows: bytes, *, four: bool = False) -> bytes:
    colours = 16 if four else 256
    header = struct.pack(
        "<LllHHLLllLL", 40, width, height, 1, 4 if four else 8, 2 if four else 1, len(rows), 0, 0,
        colours, 0,
    )  # fmt: skip
    start = 54 + 4 * colours
    palette = bytes(4 * colours)
    return b"BM" + struct.pack("<LHHL", start + len(rows), 0, 0, start) + header + palette + rows


def tiff_of(entries: list[tuple[int, int, int, int]], rest: bytes = b"") -> bytes:
    """Little-endian, one directory; `rest` begins right behind it."""
    data = b"II*\0" + struct.pack("<LH", 8, len(entries))
    return data + b"".join(struct.pack("<HHLL", *each) for each in entries) + bytes(4) + rest


def tiff_of_tiles(side: int, tile: int) -> bytes:
    """Uncompressed tiles that all lie at the same place."""
    count = (side // tile) ** 2
    start = 8 + 2 + 12 * 10 + 4
    plain = [(256, side), (257, side), (258, 8), (259, 1), (262, 1), (277, 1), (322, tile)]
    entries = [(tag, 3, 1, value) for tag, value in [*plain, (323, tile)]]
    entries += [(324, 4, count, start), (325, 4, count, start + 4 * count)]
    offsets = struct.pack("<L", start + 8 * count) * count
    return tiff_of(entries, offsets + struct.pack("<L", tile * tile) * count + bytes(tile * tile))


def endless_tiff() -> bytes:
    """A directory that names itself as the next, and values that lie behind the end."""
    entries = [(256, 3, 1, 9), (257, 3, 1, 9), (273, 4, 2**31, 2**31), (700, 7, 2**32 - 1, 8)]
    return tiff_of(entries)[:-4] + struct.pack("<L", 8)


def gif_of(width: int, height: int, between: bytes = b"") -> bytes:
    frame = b"," + struct.pack("<HHHHB", 0, 0, width, height, 0) + b"\x02\x02\x4c\x01\0;"
    head = b"GIF89a" + struct.pack("<HHBBB", width, height, 0x80, 0, 0) + bytes(6)
    return head + between + frame


def with_profile(form: str) -> bytes:
    return encoded(RGB, form, icc_profile=bytes(2_000_000))


def text_bomb() -> bytes:
    return png_of(1, 1, zeros(2), 8, png_chunk(b"zTXt", b"a\0\0" + zeros(100 * 2**20)))


def profile_bomb() -> bytes:
    return png_of(1, 1, zeros(2), 8, png_chunk(b"iCCP", b"a\0\0" + zeros(100 * 2**20)))


BOMBS: dict[str, Make] = {
    "png of zeros": lambda: blank("PNG"),
    "png of one bit": lambda: png_of(SIDE, SIDE, zeros((SIDE // 8 + 1) * SIDE), 1),
    "png of less than announced": lambda: png_of(SIDE, SIDE, zeros(10_000)),
    "png of more than announced": lambda: png_of(1, 1, zeros(200 * 2**20)),
    "png text": text_bomb,
    "png profile": profile_bomb,
    "png of one column": lambda: png_of(1, 10**8, zeros(2 * 10**8)),
    "png of a million rows": lambda: png_of(100, 10**6, zeros(101 * 10**6)),
    "png of one row": lambda: png_of(10**8, 1, zeros(10**8 + 1)),
    "png of many chunks": lambda: png_of(1, 1, zeros(2), 8, png_chunk(b"prVt", b"") * 100_000),
    "jpeg of zeros": lambda: blank("JPEG"),
    "jpeg of zeros, progressive": lambda: blank("JPEG", progressive=True),
    "jpeg of 40 scans": lambda: jpeg_of_scans(SIDE, SIDE, 40),
    "jpeg of 5000 scans": lambda: jpeg_of_scans(SIDE, SIDE, 5_000),
    "jpeg of 5000 scans, small": lambda: jpeg_of_scans(64, 64, 5_000),
    "jpeg of no pixels": lambda: jpeg_of_scans(0, 0, 1),
    "jpeg of markers": lambda: b"\xff\xd8" + b"\xff\xfe\0\2" * 500_000,
    "jpeg profile": lambda: with_profile("JPEG"),
    "gif of zeros": lambda: blank("GIF"),
    "gif of nothing": lambda: gif_of(SIDE, SIDE),
    "gif comment": lambda: gif_of(1, 1, b"!\xfe" + (b"\xff" + bytes(255)) * 10_000 + b"\0"),
    "gif of frames": lambda: encoded(
        RGB, "GIF", save_all=True, append_images=[RGB.rotate(n) for n in range(200)]
    ),
    "bmp of zeros": lambda: blank("BMP"),
    "bmp of ends of rows": lambda: bmp_rle(SIDE, SIDE, b"\x01\x05\0\0" * SIDE),
    "bmp of 12 million pixels": lambda: bmp_rle(3_460, 3_460, b"\x01\x05\0\0" * 3_460),
    "bmp of runs": lambda: bmp_rle(3_400, 3_400, (b"\xff\x12" * 14) * 3_400, four=True),
    "bmp of steps": lambda: bmp_rle(SIDE, SIDE, b"\0\2\xff\xff" * 1_000),
    "bmp upside down": lambda: bmp_rle(9, -(2**31), b"\0\1"),
    "tiff of zeros, lzw": lambda: blank("TIFF", compression="tiff_lzw"),
    "tiff of zeros, deflate": lambda: blank("TIFF", compression="tiff_deflate"),
    "tiff of zeros, packbits": lambda: blank("TIFF", compression="packbits"),
    "tiff of zeros, group 4": lambda: encoded(
        Image.new("1", (SIDE, SIDE)), "TIFF", compression="group4"
    ),
    "tiff of tiles": lambda: tiff_of_tiles(5_000, 16),
    "tiff of single pixels": lambda: tiff_of_tiles(300, 1),
    "tiff without end": endless_tiff,
    "webp of zeros": lambda: blank("WEBP", lossless=True, method=0),
    "webp of zeros, lossy": lambda: of_size("WEBP", SIDE, SIDE, method=0),
    "webp profile": lambda: with_profile("WEBP"),
    "avif of zeros": lambda: of_size("AVIF", SIDE, SIDE, speed=10),
    "avif of one row": lambda: of_size("AVIF", 60_000, 1, speed=10),
    **{
        f"{form} of {width} x {height}": functools.partial(of_size, form, width, height)
        for form in ("PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP", "AVIF")
        for width, height in ((1, 1), (1, 16_000), (16_000, 1), (2, 3))
    },
}


# --- files that are two things at once


def zipped() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("run.py", "import os")
    return file.getvalue()


OTHERS: dict[str, bytes] = {
    "html": b"<!doctype html><script>alert(1)</script>",
    "script": b"#!/bin/sh\ntouch /tmp/pwned\n",
    "pdf": b"%PDF-1.4\n1 0 obj<</OpenAction<</S/JavaScript/JS(app.alert(1))>>>>endobj\n",
    "postscript": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n",
    "program": b"MZ" + bytes(62) + b"PE\0\0",
    "elf": b"\x7fELF\x02\x01\x01" + bytes(57),
    "svg": b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
    "pickle": b"\x80\x04cos\nsystem\n(S'true'\ntR.",
}
WHOLE = ("jpeg RGB", "png RGB", "gif P", "bmp RGB", "tiff RGB", "webp RGB", "avif RGB")


def behind(name: str, other: bytes) -> bytes:
    return seeds()[name][1] + other


def before(name: str, other: bytes) -> bytes:
    return other + seeds()[name][1]


def gif_that_is_a_script() -> bytes:
    """Its width and height open a comment, as in Gifar and its kin."""
    data = seeds()["gif P"][1]
    return data[:6] + b"/*" + data[8:] + b"*/=alert(1)//"


POLYGLOTS: dict[str, Make] = {
    **{
        f"{name}, then {kind}": functools.partial(behind, name, other)
        for name in WHOLE
        for kind, other in OTHERS.items()
    },
    **{
        f"{kind}, then {name}": functools.partial(before, name, other)
        for name in WHOLE
        for kind, other in OTHERS.items()
    },
    **{
        f"{name}, then zip": functools.partial(lambda n: behind(n, zipped()), name)
        for name in WHOLE
    },
    **{
        f"{name}, then {other}": functools.partial(
            lambda a, b: behind(a, seeds()[b][1]), name, other
        )
        for name in WHOLE
        for other in WHOLE
    },
    "gif that is a script": gif_that_is_a_script,
}


# --- files that end too early


def cut(name: str, length: int) -> bytes:
    return seeds()[name][1][:length]


@functools.cache
def cut_files() -> dict[str, Make]:
    """Every whole picture, cut at every 64th byte."""
    return {
        f"{name}, {length} bytes": functools.partial(cut, name, length)
        for name, (_, data) in seeds().items()
        for length in range(0, len(data), 64)
    }


@functools.cache
def special() -> tuple[tuple[str, Make], ...]:
    """All of them, in an order that never changes."""
    return tuple((BOMBS | POLYGLOTS | cut_files()).items())
