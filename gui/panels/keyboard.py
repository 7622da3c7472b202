"""Widgets of customtkinter in the tab order; its own ones answer to the mouse alone."""

import tkinter as tk
from collections.abc import Callable, Mapping
from typing import Any

import customtkinter as ctk

_MARGIN = 32  # pixels below what was scrolled to


def make_focusable(
    widget: Any, keys: Mapping[str, Callable[[], object]], show: Callable[[bool], object]
) -> None:
    """Put a customtkinter widget into the tab order.

    Args:
        widget: the widget.
        keys: Tk's name of a key to what it does.
        show: called with whether the widget has the focus.
    """
    tk.Frame.configure(widget, takefocus=1)
    for key, action in keys.items():

        def pressed(_: object, action: Callable[[], object] = action) -> str:
            action()
            return "break"

        tk.Misc.bind(widget, key, pressed)

    def focused(_: object) -> None:
        show(True)
        _reveal(widget)

    tk.Misc.bind(widget, "<FocusIn>", focused, add="+")
    tk.Misc.bind(widget, "<FocusOut>", lambda _: show(False), add="+")


def _reveal(widget: Any) -> None:
    """Scroll the column that a widget is in, if it is in one, until it is seen."""
    column = widget.master
    while column is not None and not isinstance(column, ctk.CTkScrollableFrame):
        column = column.master
    if column is None:
        return
    canvas = column._parent_canvas
    whole = max(column.winfo_height(), 1)
    top = widget.winfo_rooty() - column.winfo_rooty()
    bottom = top + widget.winfo_height()
    if top < canvas.canvasy(0):
        canvas.yview_moveto(top / whole)
    elif bottom > canvas.canvasy(canvas.winfo_height()):
        canvas.yview_moveto((bottom - canvas.winfo_height() + _MARGIN) / whole)
