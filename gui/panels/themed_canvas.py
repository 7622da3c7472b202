"""A Tk canvas that follows the theme and the scaling, and is redrawn once a turn at most."""

import tkinter as tk
from typing import Any

import customtkinter as ctk
from customtkinter.windows.widgets.appearance_mode import CTkAppearanceModeBaseClass
from customtkinter.windows.widgets.scaling import CTkScalingBaseClass
from PIL import ImageTk

from gui import theme
from gui.icons import draw_icon
from gui.theme import Pair


class ThemedCanvas(tk.Canvas, CTkAppearanceModeBaseClass, CTkScalingBaseClass):
    """A canvas; a subclass draws everything in `draw`.

    Args:
        master: the widget it is in.
        background: its colour.
        height: in unscaled pixels; 0: as its place has it.
    """

    def __init__(self, master: Any, background: Pair, *, height: int = 0) -> None:
        tk.Canvas.__init__(self, master, highlightthickness=0, borderwidth=0, width=1, height=1)
        CTkAppearanceModeBaseClass.__init__(self)
        CTkScalingBaseClass.__init__(self, scaling_type="widget")
        self._background, self._height = background, height
        self._waiting = ""  # Tk's name of the call that will draw
        self._photos: list[ImageTk.PhotoImage] = []  # Tk shows only what somebody holds
        self._icons: dict[tuple[str, str, int], ImageTk.PhotoImage] = {}
        self._dress()
        self.bind("<Configure>", lambda _: self.redraw())

    def draw(self) -> None:
        """Draw everything on the empty canvas."""
        raise NotImplementedError

    def redraw(self) -> None:
        """Draw anew when the event loop is idle."""
        if not self._waiting:
            self._waiting = self.after_idle(self.draw_now)

    def draw_now(self) -> None:
        """Draw anew at once."""
        self._waiting = ""
        self.delete("all")
        self._photos.clear()
        self.draw()

    def destroy(self) -> None:
        """Destroy it, and leave customtkinter's lists."""
        if self._waiting:
            self.after_cancel(self._waiting)
        tk.Canvas.destroy(self)
        CTkAppearanceModeBaseClass.destroy(self)
        CTkScalingBaseClass.destroy(self)

    def px(self, length: float) -> int:
        """An unscaled length in the screen's pixels."""
        return round(length * float(self._get_widget_scaling()))

    def shade(self, colour: Pair) -> str:
        """The colour of the present theme."""
        return str(self._apply_appearance_mode(colour))

    def letters(self, size: int, *, bold: bool = False) -> tuple[str, int] | tuple[str, int, str]:
        """The app's font in a size, scaled."""
        font = theme.font(size, bold=bold)
        points = -self.px(font[1])
        return (font[0], points) if len(font) == 2 else (font[0], points, font[2])

    def icon(self, name: str, colour: Pair, size: int) -> ImageTk.PhotoImage:
        """An icon of `size` unscaled pixels."""
        key = (name, self.shade(colour), self.px(size))
        if key not in self._icons:
            self._icons[key] = ImageTk.PhotoImage(draw_icon(*key), master=self)
        return self._icons[key]

    def photo(self, image: Any) -> ImageTk.PhotoImage:
        """A Pillow picture as Tk shows it, until the next drawing."""
        photo = ImageTk.PhotoImage(image, master=self)
        self._photos.append(photo)
        return photo

    def round_box(
        self, left: float, top: float, right: float, bottom: float, colour: Pair, **options: Any
    ) -> int:
        """A filled box with round corners."""
        radius = min(self.px(theme.RADIUS), (bottom - top) / 2, (right - left) / 2)
        corners = [
            *(left + radius, top, left + radius, top, right - radius, top, right - radius, top),
            *(right, top, right, top + radius, right, top + radius),
            *(right, bottom - radius, right, bottom - radius, right, bottom),
            *(right - radius, bottom, right - radius, bottom),
            *(left + radius, bottom, left + radius, bottom, left, bottom),
            *(left, bottom - radius, left, bottom - radius),
            *(left, top + radius, left, top + radius, left, top),
        ]
        settings: dict[str, Any] = {"fill": self.shade(colour), "smooth": True} | options
        return self.create_polygon(corners, **settings)

    def _dress(self) -> None:
        self.configure(bg=self.shade(self._background))
        if self._height:
            self.configure(height=self.px(self._height))

    def _set_appearance_mode(self, mode_string: str) -> None:
        super()._set_appearance_mode(mode_string)
        self._dress()
        self.redraw()

    def _set_scaling(self, new_widget_scaling: float, new_window_scaling: float) -> None:
        super()._set_scaling(new_widget_scaling, new_window_scaling)
        self._dress()
        self.redraw()


def get_scaling(widget: Any) -> float:
    """How many of the screen's pixels an unscaled one has."""
    return float(ctk.ScalingTracker.get_widget_scaling(widget))
