"""What is measured of every picture of an audit: things that a fair detector should not need."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image, JpegImagePlugin

from keras_detector.images import FORMATS
from keras_detector.pixels import Pixels
from training.audit.jpeg_tables import read_jpeg_tables

Floats = npt.NDArray[np.float64]


class Kind(StrEnum):
    """What a feature is a property of."""

    FILE = "file"
    PICTURE = "picture"
    BOTH = "both"


@dataclass(frozen=True)
class Feature:
    """One thing that may give the label away.

    Attributes:
        name: what a reader sees.
        kind: of the file, which `align` makes alike for both classes, of the picture, or of both.
        columns: names of its numbers; the first one stands for the feature in a table.
        decimals: how many a reader sees of it.
        names: where the first number is a code, what each code means.
    """

    name: str
    kind: Kind
    columns: tuple[str, ...]
    decimals: int = 0
    names: tuple[str, ...] = ()


_FORMATS = (*FORMATS, "other")
_SAMPLINGS = ("4:4:4", "4:2:2", "4:2:0", "other")
_MODES = ("L", "RGB", "P", "RGBA", "CMYK", "other")
_METADATA = ("icc_profile", "xmp", "comment", "photoshop", "dpi")
# What Pillow tells of a file that is not metadata of somebody's.
# fmt: off
_STANDARD_INFO = frozenset((
    *_METADATA, "jfif", "jfif_version", "jfif_unit", "jfif_density", "progressive", "progression",
    "adobe", "adobe_transform", "exif", "mp", "mpoffset", "gamma", "srgb", "chromaticity",
    "interlace", "transparency", "compression", "background", "loop", "duration", "version",
    "extension", "timestamp", "aspect", "default_image",
))
# fmt: on

FEATURES: tuple[Feature, ...] = (
    Feature("file format", Kind.FILE, ("format", "jpeg", "png", "webp"), names=_FORMATS),
    Feature("width", Kind.FILE, ("width",)),
    Feature("height", Kind.FILE, ("height",)),
    Feature("aspect ratio", Kind.FILE, ("aspect",), decimals=2),
    Feature("megapixels", Kind.FILE, ("megapixels",), decimals=3),
    Feature("JPEG quality", Kind.FILE, ("quality",)),
    Feature(
        "JPEG tables",
        Kind.FILE,
        ("standard", "luminance", "chrominance", "progressive"),
        names=("other", "libjpeg's"),
    ),
    Feature("chroma subsampling", Kind.FILE, ("sampling",), names=_SAMPLINGS),
    Feature("EXIF tags", Kind.FILE, ("exif",)),
    Feature("other metadata", Kind.FILE, ("entries", *_METADATA)),
    Feature("colour mode", Kind.FILE, ("mode", "grey_mode", "alpha"), names=_MODES),
    Feature("bytes per pixel", Kind.BOTH, ("bytes_per_pixel",), decimals=3),
    Feature("greyness", Kind.PICTURE, ("saturation", "grey_share"), decimals=3),
    Feature("sharpness", Kind.PICTURE, ("sharpness",), decimals=2),
    Feature("8x8 blockiness", Kind.PICTURE, ("blockiness",), decimals=3),
    Feature("earlier 8x8 grid", Kind.PICTURE, ("shifted_blockiness",), decimals=3),
    Feature("border", Kind.PICTURE, ("border", "flat_sides"), decimals=1),
)
"""Every feature, in the order of the columns of `measure_features`."""

COLUMNS: tuple[str, ...] = tuple(column for f in FEATURES for column in f.columns)

_EXIF_IFD = 0x8769
_SCALE = 128
_WINDOW = 1024
_BLOCK = 8
_GREY = 8
_FLAT = 2.0


def measure_features(path: Path, pixels: Pixels) -> Floats:
    """Measure one picture.

    Args:
        path: its file, which `images.decode` could read.
        pixels: uint8 (height, width, 3), what it read.

    Returns:
        float64 (len(COLUMNS),); NaN where something does not apply, as a JPEG quality of a PNG.
    """
    height, width = pixels.shape[:2]
    values = _of_file(path)
    values |= {
        "width": width,
        "height": height,
        "aspect": width / height,
        "megapixels": width * height / 1e6,
        "bytes_per_pixel": path.stat().st_size / (width * height),
    }
    values |= _of_pixels(pixels)
    return np.array([values[column] for column in COLUMNS], dtype=np.float64)


def column_positions(features: Sequence[Feature]) -> list[int]:
    """Where the numbers of some features stand in a row of `measure_features`."""
    return [COLUMNS.index(column) for feature in features for column in feature.columns]


def _of_file(path: Path) -> dict[str, float]:
    with Image.open(path, formats=FORMATS) as image:
        form = "JPEG" if image.format == "MPO" else str(image.format)
        jpeg = image if isinstance(image, JpegImagePlugin.JpegImageFile) else None
        tables = read_jpeg_tables(jpeg.quantization) if jpeg else None
        info = {str(key).casefold(): value for key, value in image.info.items()}
        progressive = bool(info.get("progressive") or info.get("interlace"))
        values: dict[str, float] = {
            "format": _code(_FORMATS, form),
            "jpeg": form == "JPEG",
            "png": form == "PNG",
            "webp": form == "WEBP",
            "quality": tables.quality if tables else math.nan,
            "standard": tables.standard if tables else math.nan,
            "luminance": tables.luminance if tables else math.nan,
            "chrominance": tables.chrominance if tables else math.nan,
            "progressive": progressive,
            "sampling": _sampling(jpeg) if jpeg else math.nan,
            "exif": _exif_tags(image),
            # text chunks of a PNG have names of their own, e.g. the prompt of a generator
            "entries": len(set(info) - _STANDARD_INFO) + sum(name in info for name in _METADATA),
            "mode": _code(_MODES, image.mode),
            "grey_mode": image.mode[0] in "1LIF" and image.mode != "LAB",
            "alpha": image.has_transparency_data,
        }
        return values | {name: name in info for name in _METADATA}


def _code(names: tuple[str, ...], name: str) -> int:
    return names.index(name if name in names else "other")


def _sampling(image: JpegImagePlugin.JpegImageFile) -> float:
    if len(image.getbands()) == 1:
        return math.nan
    sampling = JpegImagePlugin.get_sampling(image)
    return sampling if sampling >= 0 else _SAMPLINGS.index("other")


def _exif_tags(image: Image.Image) -> int:
    try:
        exif = image.getexif()
        return len(exif) + len(exif.get_ifd(_EXIF_IFD))
    # Broken EXIF is there all the same.
    except Exception:  # noqa: BLE001
        return 1


def _of_pixels(pixels: Pixels) -> dict[str, float]:
    # an area average and not a crop: the scale must be the same for every picture
    small = cv2.resize(pixels, (_SCALE, _SCALE), interpolation=cv2.INTER_AREA)
    grey = cv2.cvtColor(small, cv2.COLOR_RGB2GRAY)
    red, green, blue = cv2.split(small)
    spread = cv2.max(cv2.max(red, green), blue) - cv2.min(cv2.min(red, green), blue)
    laplacian = cv2.Laplacian(grey, cv2.CV_64F)
    window = cv2.cvtColor(_centre(pixels), cv2.COLOR_RGB2GRAY).astype(np.float64)
    aligned, shifted = _blockiness(window)
    sides = _sides(pixels)
    return {
        "saturation": float(spread.mean() / 255),
        "grey_share": float((spread < _GREY).mean()),
        "sharpness": float(np.log1p(laplacian.var())),
        "blockiness": aligned,
        "shifted_blockiness": shifted,
        "border": float(np.mean(sides)),
        "flat_sides": float(sum(side < _FLAT for side in sides)),
    }


def _centre(pixels: Pixels) -> Pixels:
    """A window in the middle that begins on the file's 8x8 grid."""
    top, left = (max(0, side - _WINDOW) // 2 // _BLOCK * _BLOCK for side in pixels.shape[:2])
    return np.ascontiguousarray(pixels[top : top + _WINDOW, left : left + _WINDOW])


def _blockiness(grey: Floats) -> tuple[float, float]:
    """How much larger the steps at the file's 8x8 grid are, and at the strongest other grid.

    A step counts for what it exceeds the slopes beside it: a block's edge breaks a smooth course.
    1 is none; the other grid is what a JPEG leaves that was cropped and saved again.
    """
    phases = np.zeros((2, _BLOCK))
    for axis in range(2):
        lines = grey if axis else grey.T
        if lines.shape[1] < 3 * _BLOCK:
            return math.nan, math.nan
        step = np.abs(lines[:, 3:] - 3 * lines[:, 2:-1] + 3 * lines[:, 1:-2] - lines[:, :-3])
        course = np.minimum(step, 50.0).mean(axis=0)  # bounded: one edge must not decide
        # course[i] is the step between columns i + 1 and i + 2
        at = (np.arange(course.size) + 2) % _BLOCK
        phases[axis] = [course[at == phase].mean() for phase in range(_BLOCK)]
    usual = np.maximum(np.median(phases, axis=1), 1e-3)
    ratios = phases / usual[:, np.newaxis]
    return float(ratios[:, 0].mean()), float(ratios[:, 1:].max(axis=1).mean())


def _sides(pixels: Pixels) -> list[float]:
    """Deviation of the grey values along each of the four outermost lines."""
    lines: list[Any] = [pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]]
    return [float(line.mean(axis=1).std()) for line in lines]
