"""Below the picture: its name and size, how large it is shown, and buttons to change that."""

from typing import Any

import customtkinter as ctk

from gui import shortcuts, theme
from gui.panels.controls import Button
from gui.panels.picture_view import PictureView
from gui.panels.themed_canvas import get_scaling
from gui.texts import Texts

_ALL_BUTTONS_FROM = 420  # unscaled pixels


class PictureBar(ctk.CTkFrame):
    """The line below the picture.

    Args:
        master: the widget it is in.
        texts: the texts of the language.
        view: what the buttons zoom.
    """

    def __init__(self, master: Any, texts: Texts, view: PictureView) -> None:
        super().__init__(master, fg_color="transparent", corner_radius=0)
        self._texts, self._view = texts, view
        self._title = ctk.CTkLabel(
            self, text="", font=theme.font(theme.SMALL), text_color=theme.MUTED, anchor="w", width=1
        )
        buttons = {
            "zoom_full": ("1:1", view.zoom_full),
            "zoom_fit": (texts("picture.whole"), view.zoom_whole),
            "zoom_in": ("+", lambda: view.zoom(1)),
            "zoom_out": ("−", lambda: view.zoom(-1)),  # noqa: RUF001
        }
        self.buttons = {}
        for action, (text, command) in buttons.items():
            tip = f"{texts(f'shortcut.{action}')}  ({shortcuts.text_of(action)})"
            button = Button(
                self, text, command, tip=tip, height=28, width=34, fg_color="transparent"
            )
            button.pack(side="right")
            self.buttons[action] = button
        self._scale = ctk.CTkLabel(self, text="", font=theme.font(theme.SMALL), width=48)
        self._scale.pack(side="right")
        self.bind("<Configure>", lambda event: self._resized(event.width))
        self._title.pack(side="left", fill="x", expand=True, padx=(theme.GAP, 0))

    def _resized(self, width: int) -> None:
        """Narrow, the wheel and the keys have to do: the name is worth more."""
        narrow = width / get_scaling(self) < _ALL_BUTTONS_FROM
        for action in ("zoom_in", "zoom_out"):
            button = self.buttons[action]
            if narrow:
                button.pack_forget()
            elif not button.winfo_manager():
                button.pack(side="right", before=self._scale)

    def show(self, name: str, size: tuple[int, int] | None, progress: float | None) -> None:
        """Name the picture.

        Args:
            name: of its file.
            size: width and height in pixels; None: not known yet.
            progress: of enhancing it, 0 to 1; None: it is not being enhanced.
        """
        parts = [name] if name else []
        if size is not None:
            parts.append(self._texts("picture.size", width=size[0], height=size[1]))
        if progress is not None:
            parts.append(self._texts("enhance.running", percent=round(progress * 100)))
        self._title.configure(text="   ".join(parts))
        self.show_scale()

    def show_scale(self) -> None:
        """Show how large the picture is seen."""
        has_picture = self._view.has_picture
        scale = f"{self._view.viewport.scale * 100:.0f} %" if has_picture else ""
        self._scale.configure(text=scale)
        for button in self.buttons.values():
            button.configure(state="normal" if has_picture else "disabled")
