"""The bar on top: open, paste, back to the list; settings and help."""

from collections.abc import Callable
from typing import Any

import customtkinter as ctk

from gui import shortcuts, theme
from gui.icons import icon
from gui.panels.controls import Button
from gui.panels.themed_canvas import get_scaling
from gui.texts import Texts

_WITH_TEXTS_FROM = 780  # unscaled pixels; narrower, some buttons show their icon alone


class Header(ctk.CTkFrame):
    """The bar on top.

    Args:
        master: the widget it is in.
        texts: the texts of the language.
        actions: name of a shortcut to what it does.
    """

    def __init__(self, master: Any, texts: Texts, actions: dict[str, Callable[[], object]]) -> None:
        super().__init__(master, fg_color=theme.SURFACE, corner_radius=0)
        self._texts, self._actions = texts, actions
        self.open = self._button("open", "picture.open", "picture", primary=True)
        self.open_folder = self._button("open_folder", "picture.open_folder", "folder")
        self.paste = self._button("paste", "picture.paste", "paste")
        self.list = self._button("list", "list.back", "back")
        self._shrinking = {
            self.open_folder: texts("picture.open_folder"),
            self.paste: texts("picture.paste"),
            self.list: texts("list.back"),
        }
        for button in (self.open, self.open_folder, self.paste):
            button.pack(side="left", padx=(theme.GAP, 0), pady=theme.GAP + 2)
        self.open.pack_configure(padx=(theme.GAP * 2, 0))
        self.help = self._button("help", "", "help")
        self.settings = self._button("settings", "", "settings")
        self.help.pack(side="right", padx=(theme.GAP, theme.GAP * 2))
        self.settings.pack(side="right")
        line = ctk.CTkFrame(self, height=1, fg_color=theme.LINE, corner_radius=0)
        line.place(relx=0, rely=1, relwidth=1, anchor="sw")
        self._is_narrow = False
        self.bind("<Configure>", lambda event: self._resized(event.width))

    def show_list_button(self, visible: bool) -> None:
        """Show, or hide, the way back to the list."""
        if visible and not self.list.winfo_manager():
            self.list.pack(side="left", padx=(theme.GAP * 3, 0))
        elif not visible:
            self.list.pack_forget()

    def _button(self, action: str, key: str, name: str, *, primary: bool = False) -> Button:
        words = self._texts(f"shortcut.{action}")
        return Button(
            self,
            self._texts(key) if key else "",
            self._actions[action],
            primary=primary,
            tip=f"{words}  ({shortcuts.text_of(action)})",
            image=icon(name, theme.ON_ACCENT if primary else theme.TEXT, 18),
            **({} if key else {"width": 34, "fg_color": "transparent"}),
        )

    def _resized(self, width: int) -> None:
        narrow = width / get_scaling(self) < _WITH_TEXTS_FROM
        if narrow != self._is_narrow:
            self._is_narrow = narrow
            for button, text in self._shrinking.items():
                button.configure(text="" if narrow else text, width=34 if narrow else 0)
