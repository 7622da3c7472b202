"""A sheet over the window, for what is looked at now and then: the settings, the shortcuts."""

from collections.abc import Callable
from typing import Any

import customtkinter as ctk

from gui import shortcuts, theme
from gui.icons import icon
from gui.panels.controls import Button, Choice
from gui.panels.scrollable import ScrollableFrame
from gui.panels.themed_canvas import get_scaling
from gui.texts import LANGUAGES, Texts

_TWO_COLUMNS_FROM, _LOW = 820, 440  # unscaled pixels of the window


class Sheet(ctk.CTkFrame):
    """A card in the upper right corner that Escape or its button closes.

    Args:
        master: the window.
        title: its heading.
        close: the words of the tip on its closing button.
    """

    def __init__(self, master: Any, title: str, close: str) -> None:
        super().__init__(master, border_width=1, border_color=theme.LINE)
        top = ctk.CTkFrame(self, fg_color="transparent")
        top.pack(fill="x", padx=theme.GAP * 2, pady=(theme.GAP, 0))
        words = ctk.CTkLabel(top, text=title, font=theme.font(theme.LARGE, bold=True))
        words.pack(side="left")
        self.close = Button(
            top,
            "",
            self.destroy,
            tip=f"{close}  ({shortcuts.text_of('cancel')})",
            image=icon("close", theme.MUTED, 16),
            width=30,
            height=30,
            fg_color="transparent",
        )
        self.close.pack(side="right", padx=(theme.GAP * 4, 0))
        self._before = master.focus_get()
        self.place(relx=1.0, x=-theme.GAP * 2, y=60, anchor="ne")
        self.lift()
        self.close.focus_set()

    def destroy(self) -> None:
        """Close it, and give the focus back to what had it."""
        before = self._before
        super().destroy()
        if before is not None and before.winfo_exists():
            before.focus_set()


def settings_sheet(
    window: Any,
    texts: Texts,
    theme_name: str,
    language: str,
    choose_theme: Callable[[str], object],
    choose_language: Callable[[str], object],
) -> Sheet:
    """The settings: theme and language.

    Args:
        window: it lies over.
        texts: the texts of the language.
        theme_name: what is chosen, as is `language`.
        language: a code, or `"system"`.
        choose_theme: called with another choice, as is `choose_language`.
        choose_language: see there.
    """
    sheet = Sheet(window, texts("settings.title"), texts("message.close"))
    rows = (
        ("theme", ("system", "light", "dark"), theme_name, choose_theme),
        ("language", ("system", *LANGUAGES), language, choose_language),
    )
    for name, values, chosen, choose in rows:
        heading = ctk.CTkLabel(
            sheet, text=texts(f"settings.{name}"), font=theme.font(bold=True), anchor="w"
        )
        heading.pack(fill="x", padx=theme.GAP * 2, pady=(theme.GAP, 0))
        choice = Choice(sheet, {v: texts(f"settings.{name}_{v}") for v in values}, choose)
        choice.set(chosen)
        choice.pack(fill="x", padx=theme.GAP * 2 - 5, pady=(0, theme.GAP))
    return sheet


def help_sheet(window: Any, texts: Texts, paths: dict[str, str]) -> Sheet:
    """Every shortcut, and where the app keeps its files.

    Args:
        window: it lies over.
        texts: the texts of the language.
        paths: what is kept (`help.*` of the texts) to where.
    """
    sheet = Sheet(window, texts("help.title"), texts("message.close"))
    scale = get_scaling(window)
    width, height = window.winfo_width() / scale, window.winfo_height() / scale
    is_small = width < _TWO_COLUMNS_FROM or height < _LOW
    if is_small:
        table: Any = ScrollableFrame(
            sheet, width=min(width - 110, 420), height=height - 190, fg_color="transparent"
        )
    else:
        table = ctk.CTkFrame(sheet, fg_color="transparent")
    table.pack(padx=theme.GAP * 2, pady=theme.GAP, fill="x")
    lines = [(s.text, texts(f"shortcut.{s.action}")) for s in shortcuts.SHORTCUTS]
    lines += [(texts(f"help.{name}_keys"), texts(f"help.{name}")) for name in ("divider", "rows")]
    half = len(lines) if is_small else (len(lines) + 1) // 2
    for place, (key, words) in enumerate(lines):
        row, column = place % half, 2 * (place // half)
        left = theme.GAP * 3 if column else 0
        shown = ctk.CTkLabel(
            table,
            text=key,
            font=theme.font(theme.SMALL, bold=True),
            fg_color=theme.QUIET,
            corner_radius=5,
            height=22,
            padx=8,
        )
        shown.grid(row=row, column=column, sticky="e", pady=2, padx=(left, 0))
        text = ctk.CTkLabel(table, text=words, font=theme.font(theme.SMALL), anchor="w", height=22)
        text.grid(row=row, column=column + 1, sticky="w", padx=(theme.GAP, 0))
    for name, path in paths.items():
        words = ctk.CTkLabel(
            sheet,
            text=f"{texts(f'help.{name}')}: {path}",
            font=theme.font(theme.SMALL),
            text_color=theme.MUTED,
            anchor="w",
            height=18,
        )
        words.pack(fill="x", padx=theme.GAP * 2)
    ctk.CTkFrame(sheet, height=theme.GAP, fg_color="transparent").pack()
    return sheet
