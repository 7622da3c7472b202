"""Draws the app's icons, logo and background; nothing in `icons/` is made by hand.

    python packaging/draw_icons.py [DIRECTORY]

The mark is a photograph that comes apart: a mountain under a sun, one side whole, the other made of
pixels. It lies on a grid of 16, so that its upright edges fall between the pixels of the smallest
icon; everything is drawn several times too large and scaled down, so that its slopes are smooth.
"""

import io
import sys
from pathlib import Path

from PIL import Image, ImageDraw

ICO_SIZES = (16, 24, 32, 48, 64, 128, 256)
ICNS_SIZES = (32, 64, 128, 256, 512, 1024)
APP_SIZE = 512
LOGO_SIZE = 256
BACKGROUND_SIZE = (1600, 1000)

Colour = tuple[int, int, int]

_GRID = 16
_OVERSAMPLING = 8
_ACCENT_ABOVE: Colour = (38, 152, 140)
_ACCENT_BELOW: Colour = (15, 98, 102)
_WHITE: Colour = (255, 255, 255)
# Mostly clear grey shows on a light window as well as on a dark one.
_FAINT: Colour = (124, 146, 146)
_FAINT_ALPHA = 24
_CORNER = 3.5  # radius
_MOUNTAIN = ((2, 13), (6, 5), (8, 9), (8, 13))
_SUN = (10, 3, 13, 6)  # left, top, right, bottom
_PIXELS = ((9, 11, 2), (12, 11, 2), (9, 8, 2), (12, 9, 1))  # left, top, side
# Apple's template: the tile takes 824 of 1024 pixels.
_APPLE_SHARE = 824 / 1024


def draw_mark(side: int, ink: Colour = _WHITE, alpha: int = 255) -> Image.Image:
    """The mark alone, on a clear square of `side` pixels."""
    unit = side * _OVERSAMPLING / _GRID
    large = Image.new("L", (side * _OVERSAMPLING,) * 2)
    pen = ImageDraw.Draw(large)
    # Pillow's shapes include the pixels of their right and lower edge.
    right, lower = (max(axis) * unit - 1 for axis in zip(*_MOUNTAIN, strict=True))
    pen.polygon([(min(x * unit, right), min(y * unit, lower)) for x, y in _MOUNTAIN], fill=alpha)
    pen.ellipse(_inner(_SUN, unit), fill=alpha)
    for left, top, size in _PIXELS:
        pen.rectangle(_inner((left, top, left + size, top + size), unit), fill=alpha)
    mark = Image.new("RGB", (side, side), ink)
    mark.putalpha(large.resize((side, side), Image.Resampling.BOX))
    return mark


def draw_icon(side: int) -> Image.Image:
    """The mark on its tile: `side` pixels square, clear outside the rounded corners."""
    large = Image.new("L", (side * _OVERSAMPLING,) * 2)
    unit = side * _OVERSAMPLING / _GRID
    ImageDraw.Draw(large).rounded_rectangle(
        _inner((0, 0, _GRID, _GRID), unit), _CORNER * unit, fill=255
    )
    icon = Image.composite(
        Image.new("RGB", (side, side), _ACCENT_BELOW),
        Image.new("RGB", (side, side), _ACCENT_ABOVE),
        Image.linear_gradient("L").resize((side, side)),
    )
    icon.putalpha(large.resize((side, side), Image.Resampling.BOX))
    return Image.alpha_composite(icon, draw_mark(side))


def draw_apple_icon(side: int) -> Image.Image:
    """The icon with the clear margin that macOS expects around it."""
    margin = round(side * (1 - _APPLE_SHARE) / 2)
    icon = Image.new("RGBA", (side, side))
    icon.paste(draw_icon(side - 2 * margin), (margin, margin))
    return icon


def draw_background(width: int, height: int) -> Image.Image:
    """The mark, large and faint, low on the right; clear elsewhere."""
    mark = draw_mark(height, _FAINT, _FAINT_ALPHA)
    background = Image.new("RGBA", (width, height), (*_FAINT, 0))
    background.paste(mark, (width - height, height // _GRID * 3))
    return background


def draw_all() -> dict[str, bytes]:
    """Every file of `icons/`, by its name."""
    return {
        "app.ico": _encoded(
            draw_icon(max(ICO_SIZES)),
            "ICO",
            sizes=[(side, side) for side in ICO_SIZES],
            append_images=[draw_icon(side) for side in ICO_SIZES],
        ),
        "app.icns": _encoded(
            draw_apple_icon(max(ICNS_SIZES)),
            "ICNS",
            append_images=[draw_apple_icon(side) for side in ICNS_SIZES],
        ),
        "app.png": _encoded(draw_icon(APP_SIZE), "PNG", optimize=True),
        "logo.png": _encoded(draw_icon(LOGO_SIZE), "PNG", optimize=True),
        "background.png": _encoded(draw_background(*BACKGROUND_SIZE), "PNG", optimize=True),
    }


def _inner(box: tuple[float, float, float, float], unit: float) -> tuple[float, ...]:
    left, top, right, bottom = box
    return left * unit, top * unit, right * unit - 1, bottom * unit - 1


def _encoded(image: Image.Image, form: str, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, form, **options)
    return file.getvalue()


def main(arguments: list[str]) -> int:
    """Write every file into the named directory, by default `icons/` beside this script."""
    directory = Path(arguments[0]) if arguments else Path(__file__).parent / "icons"
    directory.mkdir(parents=True, exist_ok=True)
    for name, data in draw_all().items():
        (directory / name).write_bytes(data)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
