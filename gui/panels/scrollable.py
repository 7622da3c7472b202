"""A frame whose contents scroll, also while one of Tk's own dialogs is open."""

from typing import Any

import customtkinter as ctk


class ScrollableFrame(ctk.CTkScrollableFrame):
    """customtkinter's frame; the wheel is its own only over its own contents."""

    def _check_if_valid_scroll(self, widget: Any) -> bool:
        # It is told of the wheel anywhere in the app. What Python did not make, such as the file
        # dialog of Tk on Linux, comes as a name.
        return not isinstance(widget, str) and bool(super()._check_if_valid_scroll(widget))
