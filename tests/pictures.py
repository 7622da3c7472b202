"""Pictures that tests of the decoder share: every format and mode, and what must come out."""

import io
import struct
import zlib
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from keras_detector.pixels import Pixels

Array = npt.NDArray[Any]


def smooth_picture(height: int = 24, width: int = 40) -> Pixels:
    """Four coloured quarters: lossy formats keep it, and no turn maps it on itself."""
    quarters = np.array([[[230, 30, 20], [20, 200, 40]], [[250, 240, 60], [30, 40, 220]]], np.uint8)
    return np.asarray(Image.fromarray(quarters).resize((width, height), Image.Resampling.BICUBIC))


def encoded(image: Image.Image | Array, form: str, **options: Any) -> bytes:
    file = io.BytesIO()
    # copies, as saving leaves encoder settings behind in the images
    image = image.copy() if isinstance(image, Image.Image) else Image.fromarray(image)
    if "append_images" in options:
        options["append_images"] = [other.copy() for other in options["append_images"]]
    image.save(file, form, **options)
    return file.getvalue()


def difference(pixels: Pixels, expected: Array) -> float:
    assert pixels.dtype == np.uint8
    assert pixels.flags.c_contiguous
    assert pixels.shape == expected.shape
    return float(np.abs(pixels.astype(float) - expected.astype(float)).mean())


PICTURE = smooth_picture()
RGB = Image.fromarray(PICTURE)
GREY = np.asarray(RGB.convert("L"))
ALPHA = np.linspace(0, 255, 24 * 40).astype(np.uint8).reshape(24, 40)
RGBA = np.dstack([PICTURE, ALPHA])


def grey_as_rgb(grey: Array) -> Array:
    return np.repeat(grey[..., np.newaxis], 3, axis=2)


def over_white(colour: Array, alpha: Array) -> Array:
    share = alpha[..., np.newaxis] / 255.0
    return np.asarray(colour * share + 255.0 * (1.0 - share))


BILEVEL = Image.fromarray(GREY).convert("1", dither=Image.Dither.NONE)
PALETTE = RGB.quantize(16)
DEEP = (np.arange(24 * 40, dtype=np.uint32) * 65535 // (24 * 40 - 1)).reshape(24, 40)
DEEP_EXPECTED = grey_as_rgb(np.rint(DEEP / 257.0))
CMYK = RGB.convert("CMYK")
SECOND = Image.fromarray(255 - PICTURE)
HALF_PALETTE = PALETTE.copy()
HALF_PALETTE.info["transparency"] = bytes([0, 128] + [255] * 14)
HALF_EXPECTED = over_white(
    np.asarray(PALETTE.convert("RGB")),
    np.array([0, 128] + [255] * 14)[np.asarray(PALETTE)],
)
PALETTE_EXPECTED = np.asarray(PALETTE.convert("RGB"))

# what is saved, how, what must come out, and by how much it may differ on average
CASES: dict[str, tuple[Any, str, dict[str, Any], Array, float]] = {
    "jpeg L": (GREY, "JPEG", {"quality": 95}, grey_as_rgb(GREY), 1),
    "jpeg RGB": (PICTURE, "JPEG", {"quality": 95}, PICTURE, 3),
    "jpeg progressive": (PICTURE, "JPEG", {"quality": 95, "progressive": True}, PICTURE, 3),
    "jpeg RGB kept": (PICTURE, "JPEG", {"quality": 95, "keep_rgb": True}, PICTURE, 3),
    "jpeg CMYK": (CMYK, "JPEG", {"quality": 95}, PICTURE, 3),
    "jpeg of several pictures": (
        RGB,
        "MPO",
        {"quality": 95, "save_all": True, "append_images": [SECOND]},
        PICTURE,
        3,
    ),
    "png 1": (BILEVEL, "PNG", {}, np.asarray(BILEVEL.convert("RGB")), 0),
    "png L": (GREY, "PNG", {}, grey_as_rgb(GREY), 0),
    "png LA": (np.dstack([GREY, ALPHA]), "PNG", {}, over_white(grey_as_rgb(GREY), ALPHA), 0.6),
    "png P": (PALETTE, "PNG", {}, PALETTE_EXPECTED, 0),
    "png P, one colour clear": (
        PALETTE,
        "PNG",
        {"transparency": 3},
        np.where(np.asarray(PALETTE)[..., np.newaxis] == 3, 255, PALETTE_EXPECTED),
        0,
    ),
    "png P, alpha": (
        PALETTE,
        "PNG",
        {"transparency": HALF_PALETTE.info["transparency"]},
        HALF_EXPECTED,
        0.6,
    ),
    "png L, one grey clear": (
        GREY,
        "PNG",
        {"transparency": int(GREY[0, 0])},
        grey_as_rgb(np.where(GREY[0, 0] == GREY, 255, GREY)),
        0,
    ),
    "png RGB": (PICTURE, "PNG", {}, PICTURE, 0),
    "png RGB, one colour clear": (
        PICTURE,
        "PNG",
        {"transparency": tuple(int(v) for v in PICTURE[0, 0])},
        np.where((PICTURE[0, 0] == PICTURE).all(axis=2, keepdims=True), 255, PICTURE),
        0,
    ),
    "png RGBA": (RGBA, "PNG", {}, over_white(PICTURE, ALPHA), 0.6),
    "png I;16": (DEEP.astype(np.uint16), "PNG", {}, DEEP_EXPECTED, 0),
    "png animated": (RGB, "PNG", {"save_all": True, "append_images": [SECOND]}, PICTURE, 0),
    "webp RGB": (PICTURE, "WEBP", {"quality": 95}, PICTURE, 3),
    "webp RGBA": (RGBA, "WEBP", {"quality": 95}, over_white(PICTURE, ALPHA), 3),
    "webp lossless": (PICTURE, "WEBP", {"lossless": True}, PICTURE, 0),
    "webp lossless RGBA": (
        RGBA,
        "WEBP",
        {"lossless": True, "exact": True},
        over_white(PICTURE, ALPHA),
        0.6,
    ),
    "webp animated": (
        RGB,
        "WEBP",
        {"lossless": True, "save_all": True, "append_images": [SECOND]},
        PICTURE,
        0,
    ),
    "gif P": (PALETTE, "GIF", {}, PALETTE_EXPECTED, 0),
    "gif L": (GREY, "GIF", {}, grey_as_rgb(GREY), 0),
    "gif animated": (
        PALETTE,
        "GIF",
        {"save_all": True, "append_images": [SECOND]},
        PALETTE_EXPECTED,
        0,
    ),
    "gif, one colour clear": (
        PALETTE,
        "GIF",
        {"transparency": 3},
        np.where(np.asarray(PALETTE)[..., np.newaxis] == 3, 255, PALETTE_EXPECTED),
        0,
    ),
    "bmp 1": (BILEVEL, "BMP", {}, np.asarray(BILEVEL.convert("RGB")), 0),
    "bmp L": (GREY, "BMP", {}, grey_as_rgb(GREY), 0),
    "bmp P": (PALETTE, "BMP", {}, PALETTE_EXPECTED, 0),
    "bmp RGB": (PICTURE, "BMP", {}, PICTURE, 0),
    "tiff 1": (
        BILEVEL,
        "TIFF",
        {"compression": "group4"},
        np.asarray(BILEVEL.convert("RGB")),
        0,
    ),
    "tiff L": (GREY, "TIFF", {}, grey_as_rgb(GREY), 0),
    "tiff LA": (np.dstack([GREY, ALPHA]), "TIFF", {}, over_white(grey_as_rgb(GREY), ALPHA), 0.6),
    "tiff P": (PALETTE, "TIFF", {}, PALETTE_EXPECTED, 0),
    "tiff RGB": (PICTURE, "TIFF", {}, PICTURE, 0),
    "tiff RGB lzw": (PICTURE, "TIFF", {"compression": "tiff_lzw"}, PICTURE, 0),
    "tiff RGB deflate": (PICTURE, "TIFF", {"compression": "tiff_deflate"}, PICTURE, 0),
    "tiff RGB jpeg": (PICTURE, "TIFF", {"compression": "jpeg", "quality": 95}, PICTURE, 3),
    "tiff RGBA": (RGBA, "TIFF", {}, over_white(PICTURE, ALPHA), 0.6),
    "tiff CMYK": (CMYK, "TIFF", {}, PICTURE, 1),
    "tiff YCbCr": (RGB.convert("YCbCr"), "TIFF", {}, PICTURE, 2),
    "tiff I;16": (DEEP.astype(np.uint16), "TIFF", {}, DEEP_EXPECTED, 0),
    "tiff I": (DEEP.astype(np.int32), "TIFF", {}, DEEP_EXPECTED, 0),
    "tiff I, beyond 16 bits": (
        DEEP.astype(np.int32) * 3 - 65535,
        "TIFF",
        {},
        grey_as_rgb(np.rint(np.clip(DEEP.astype(float) * 3 - 65535, 0, 65535) / 257)),
        0,
    ),
    "tiff F, 0 to 1": (
        (GREY / 255.0).astype(np.float32),
        "TIFF",
        {},
        grey_as_rgb(GREY),
        0,
    ),
    "tiff F, 0 to 255": (GREY.astype(np.float32), "TIFF", {}, grey_as_rgb(GREY), 0),
    "tiff pages": (RGB, "TIFF", {"save_all": True, "append_images": [SECOND]}, PICTURE, 0),
    "avif L": (GREY, "AVIF", {"quality": 95}, grey_as_rgb(GREY), 3),
    "avif RGB": (PICTURE, "AVIF", {"quality": 95}, PICTURE, 3),
    "avif RGBA": (RGBA, "AVIF", {"quality": 95}, over_white(PICTURE, ALPHA), 3),
    "avif animated": (
        RGB,
        "AVIF",
        {"quality": 95, "save_all": True, "append_images": [SECOND]},
        PICTURE,
        3,
    ),
}


def png(width: int, height: int, depth: int, colour: int, rows: bytes) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        crc = struct.pack(">L", zlib.crc32(kind + data))
        return struct.pack(">L", len(data)) + kind + data + crc

    header = struct.pack(">LLBBBBB", width, height, depth, colour, 0, 0, 0)
    parts = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + parts
