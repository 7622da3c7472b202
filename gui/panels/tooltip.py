"""A short text beside what the pointer rests on."""

import tkinter as tk
from typing import Any

import customtkinter as ctk

from gui import theme

_WAIT = 600  # milliseconds
_WIDTH = 300  # unscaled pixels, until the text is wrapped


class Tooltip:
    """Shows a text while the pointer rests on a widget.

    Args:
        widget: a customtkinter widget.
        text: what is shown; nothing, while it is empty.
    """

    def __init__(self, widget: Any, text: str) -> None:
        self._widget, self.text = widget, text
        self._label: Any = None
        self._waiting = ""
        widget.bind("<Enter>", self._enter, add="+")
        widget.bind("<Leave>", self._leave, add="+")
        widget.bind("<ButtonPress>", self._leave, add="+")
        for gone in ("<Unmap>", "<Destroy>"):
            tk.Misc.bind(widget, gone, self._leave, add="+")

    def _enter(self, _: object) -> None:
        if self.text and not self._waiting and self._label is None:
            self._waiting = self._widget.after(_WAIT, self._show)

    def _leave(self, _: object) -> None:
        if self._waiting:
            self._widget.after_cancel(self._waiting)
            self._waiting = ""
        if self._label is not None:
            self._label.destroy()
            self._label = None

    def _show(self) -> None:
        self._waiting = ""
        window = self._widget.winfo_toplevel()
        self._label = ctk.CTkLabel(
            window,
            text=self.text,
            font=theme.font(theme.SMALL),
            fg_color=("#2A2F3A", "#E6E8ED"),
            text_color=("#FFFFFF", "#15171C"),
            corner_radius=6,
            wraplength=_WIDTH,
            justify="left",
            padx=8,
            pady=4,
        )
        scale = ctk.ScalingTracker.get_widget_scaling(window)
        wide, tall = self._label.winfo_reqwidth(), self._label.winfo_reqheight()
        x = self._widget.winfo_rootx() - window.winfo_rootx()
        y = self._widget.winfo_rooty() - window.winfo_rooty() + self._widget.winfo_height() + 6
        if y + tall > window.winfo_height():
            y -= self._widget.winfo_height() + tall + 12
        x = max(min(x, window.winfo_width() - wide - 4), 4)
        self._label.place(x=x / scale, y=y / scale)
        self._label.lift()
