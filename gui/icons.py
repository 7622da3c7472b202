"""Small pictures, drawn when they are needed: sharp at every scaling, in the colours of the theme.

Each verdict has a shape of its own, so that no one needs the colour to tell them apart.
"""

import sys
import tkinter as tk
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

import customtkinter as ctk
from PIL import Image, ImageColor, ImageDraw, ImageFont

from gui.theme import Pair

_FINE = 4  # drawn so many times larger, then shrunk: smooth edges
_LARGEST = 96
_WIDTH = 0.09  # of a line, in sides
_LIGHT = 130.0  # luma from which on dark ink reads better

Draw = ImageDraw.ImageDraw
Place = tuple[float, float]


def icon(name: str, colour: Pair, size: int) -> ctk.CTkImage:
    """An icon for a customtkinter widget, which scales it and turns it with the theme.

    Args:
        name: one of `ICONS`.
        colour: of its lines or its shape.
        size: side, in unscaled pixels.
    """
    light, dark = (draw_icon(name, shade, _LARGEST) for shade in colour)
    return ctk.CTkImage(light, dark, (size, size))


def show_icon(root: Any) -> None:
    """Give a top-level window the app's icon, where there is one.

    It lies beside this file in the installed app, and in packaging/ elsewhere.
    """
    here = Path(__file__).parent
    for folder in (here / "artwork", here.parent / "packaging" / "icons"):
        if sys.platform == "win32" and (folder / "app.ico").exists():
            root.iconbitmap(str(folder / "app.ico"))
        elif sys.platform == "linux" and (folder / "app.png").exists():
            root.iconphoto(True, tk.PhotoImage(master=root, file=str(folder / "app.png")))
        else:
            continue
        return


@lru_cache(maxsize=128)
def draw_icon(name: str, colour: str, side: int) -> Image.Image:
    """An icon as a picture (RGBA) of `side` pixels."""
    full = Image.new("RGBA", (side * _FINE,) * 2)
    pen = _Pen(ImageDraw.Draw(full), side * _FINE, colour)
    ICONS[name](pen)
    return full.resize((side, side), Image.Resampling.LANCZOS)


class _Pen:
    """Draws in fractions, 0 to 1, of the icon's side."""

    def __init__(self, draw: Draw, side: int, colour: str) -> None:
        self._draw, self._side, self.colour = draw, side, colour
        red, green, blue = ImageColor.getrgb(colour)[:3]
        is_light = 0.299 * red + 0.587 * green + 0.114 * blue > _LIGHT
        self.ink = "#15171C" if is_light else "#FFFFFF"  # of signs on a filled shape

    def line(self, *places: Place, width: float = _WIDTH, colour: str = "") -> None:
        """A line with round ends and joints."""
        colour = colour or self.colour
        points = [(x * self._side, y * self._side) for x, y in places]
        self._draw.line(points, colour, round(width * self._side), "curve")
        for x, y in places:
            self.disc(x, y, width / 2, colour)

    def disc(self, x: float, y: float, radius: float, colour: str = "") -> None:
        """A filled circle."""
        box = [v * self._side for v in (x - radius, y - radius, x + radius, y + radius)]
        self._draw.ellipse(box, colour or self.colour)

    def box(self, left: float, top: float, right: float, bottom: float, *, fill: bool) -> None:
        """A rectangle with round corners, filled or as an outline."""
        edges = [v * self._side for v in (left, top, right, bottom)]
        width = round(_WIDTH * self._side)
        if fill:
            self._draw.rounded_rectangle(edges, 0.16 * self._side, self.colour)
        else:
            self._draw.rounded_rectangle(edges, 0.1 * self._side, None, self.colour, width)

    def ring(self, x: float, y: float, radius: float, width: float = _WIDTH) -> None:
        """The outline of a circle."""
        box = [v * self._side for v in (x - radius, y - radius, x + radius, y + radius)]
        self._draw.ellipse(box, None, self.colour, round(width * self._side))

    def shape(self, *places: Place) -> None:
        """A filled polygon with slightly round corners."""
        self._draw.polygon([(x * self._side, y * self._side) for x, y in places], self.colour)
        self.line(*places, places[0], width=0.1)

    def letter(self, text: str, size: float, colour: str = "") -> None:
        """A character in the middle."""
        font = ImageFont.load_default(size * self._side)
        middle = self._side / 2
        self._draw.text(
            (middle, middle),
            text,
            colour or self.colour,
            font,
            "mm",
            stroke_width=round(0.02 * self._side),
        )


def _real(pen: _Pen) -> None:
    pen.disc(0.5, 0.5, 0.46)
    pen.line((0.29, 0.52), (0.44, 0.67), (0.71, 0.36), colour=pen.ink)


def _fake(pen: _Pen) -> None:
    pen.shape((0.5, 0.12), (0.93, 0.87), (0.07, 0.87))
    pen.line((0.5, 0.38), (0.5, 0.6), colour=pen.ink)
    pen.disc(0.5, 0.75, 0.055, pen.ink)


def _undetermined(pen: _Pen) -> None:
    pen.box(0.06, 0.06, 0.94, 0.94, fill=True)
    pen.letter("?", 0.66, pen.ink)


def _error(pen: _Pen) -> None:
    third = 0.29
    pen.shape(
        *((third, 0.05), (1 - third, 0.05), (0.95, third), (0.95, 1 - third)),
        *((1 - third, 0.95), (third, 0.95), (0.05, 1 - third), (0.05, third)),
    )
    pen.line((0.34, 0.34), (0.66, 0.66), colour=pen.ink)
    pen.line((0.66, 0.34), (0.34, 0.66), colour=pen.ink)


def _picture(pen: _Pen) -> None:
    pen.box(0.08, 0.14, 0.92, 0.86, fill=False)
    pen.disc(0.32, 0.37, 0.075)
    pen.line((0.14, 0.78), (0.4, 0.54), (0.56, 0.68), (0.68, 0.52), (0.87, 0.76), width=0.07)


def _folder(pen: _Pen) -> None:
    pen.line(
        *((0.1, 0.8), (0.1, 0.22), (0.4, 0.22), (0.5, 0.34), (0.9, 0.34), (0.9, 0.8), (0.1, 0.8))
    )


def _paste(pen: _Pen) -> None:
    pen.box(0.18, 0.16, 0.82, 0.94, fill=False)
    pen.line((0.38, 0.14), (0.62, 0.14), width=0.18)
    for y in (0.46, 0.64):
        pen.line((0.36, y), (0.64, y), width=0.07)


def _settings(pen: _Pen) -> None:
    for y, knob in ((0.22, 0.66), (0.5, 0.34), (0.78, 0.6)):
        pen.line((0.1, y), (0.9, y), width=0.07)
        pen.disc(knob, y, 0.11)


def _help(pen: _Pen) -> None:
    pen.ring(0.5, 0.5, 0.45, 0.08)
    pen.letter("?", 0.6)


def _back(pen: _Pen) -> None:
    pen.line((0.58, 0.2), (0.3, 0.5), (0.58, 0.8))


def _close(pen: _Pen) -> None:
    pen.line((0.25, 0.25), (0.75, 0.75))
    pen.line((0.75, 0.25), (0.25, 0.75))


def _done(pen: _Pen) -> None:
    pen.line((0.2, 0.52), (0.42, 0.74), (0.82, 0.28))


ICONS: dict[str, Callable[[_Pen], None]] = {
    "real": _real,
    "fake": _fake,
    "undetermined": _undetermined,
    "error": _error,
    "picture": _picture,
    "folder": _folder,
    "paste": _paste,
    "settings": _settings,
    "help": _help,
    "back": _back,
    "close": _close,
    "done": _done,
}
"""Name to how it is drawn."""
