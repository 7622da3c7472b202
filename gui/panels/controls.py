"""Buttons, boxes, sliders and menus that the keyboard reaches, with a ring around what has it.

customtkinter's own widgets answer to the mouse alone.
"""

import tkinter as tk
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import customtkinter as ctk

from gui import theme
from gui.panels.keyboard import make_focusable
from gui.panels.tooltip import Tooltip

_RING = 2


class Button(ctk.CTkButton):
    """A button.

    Args:
        master: the widget it is in.
        text: what is on it.
        command: what it does.
        primary: whether it is the one that a person most likely wants.
        tip: shown where the pointer rests; what else customtkinter's button takes goes through.
    """

    def __init__(
        self,
        master: Any,
        text: str,
        command: Callable[[], object],
        *,
        primary: bool = False,
        tip: str = "",
        **options: Any,
    ) -> None:
        colours: dict[str, Any] = {"border_color": theme.ACCENT}
        if primary:
            colours |= {
                "fg_color": theme.ACCENT,
                "hover_color": theme.ACCENT_HOVER,
                "text_color": theme.ON_ACCENT,
                "text_color_disabled": theme.ON_ACCENT,
                "border_color": theme.TEXT,
            }
        settings = {"width": 0, "height": 34, "border_spacing": 4} | colours | options
        super().__init__(master, text=text, command=command, font=theme.font(), **settings)
        self.tip = Tooltip(self, tip) if tip else None
        make_focusable(self, {"<space>": self.invoke, "<Return>": self.invoke}, self._ring)

    def focus_set(self) -> None:
        """Take the focus."""
        tk.Misc.focus_set(self)

    def _ring(self, focused: bool) -> None:
        self.configure(border_width=_RING if focused else 0)


class Ring(ctk.CTkFrame):
    """A frame around one control, which it stands for in the tab order.

    Args:
        master: the widget it is in.
        keys: Tk's name of a key to what it does.
    """

    def __init__(self, master: Any, keys: Mapping[str, Callable[[], object]]) -> None:
        super().__init__(master, fg_color="transparent", border_width=_RING, corner_radius=8)
        self._ring(False)
        make_focusable(self, keys, self._ring)

    def hold(self, control: Any, pad: int = 4) -> None:
        """Put the control into the ring."""
        control.pack(padx=pad, pady=pad, fill="x", expand=True)

    def _ring(self, focused: bool) -> None:
        self.configure(border_color=theme.ACCENT if focused else self._detect_color_of_master())


class CheckBox(Ring):
    """A box to tick."""

    def __init__(self, master: Any, text: str, command: Callable[[], object]) -> None:
        super().__init__(master, {"<space>": lambda: self.box.toggle()})
        self.box = ctk.CTkCheckBox(
            self,
            text=text,
            command=command,
            font=theme.font(),
            checkbox_width=20,
            checkbox_height=20,
        )
        self.hold(self.box)

    @property
    def is_on(self) -> bool:
        """Whether it is ticked."""
        return bool(self.box.get())


class RadioButton(Ring):
    """One of several to choose from."""

    def __init__(
        self,
        master: Any,
        text: str,
        variable: tk.StringVar,
        value: str,
        command: Callable[[], object],
    ) -> None:
        super().__init__(master, {"<space>": lambda: self.button.invoke()})
        self.button = ctk.CTkRadioButton(
            self,
            text=text,
            variable=variable,
            value=value,
            command=command,
            font=theme.font(),
            radiobutton_width=18,
            radiobutton_height=18,
        )
        self.hold(self.button, 3)


class Slider(Ring):
    """A number between two.

    Args:
        master: the widget it is in.
        low, high: the ends.
        step: how far an arrow key moves it.
        command: called with the number when a person changes it.
    """

    def __init__(
        self,
        master: Any,
        low: float,
        high: float,
        step: float,
        command: Callable[[float], object],
    ) -> None:
        super().__init__(
            master,
            {
                "<Left>": lambda: self._move(-step),
                "<Right>": lambda: self._move(step),
                "<Down>": lambda: self._move(-step),
                "<Up>": lambda: self._move(step),
            },
        )
        self._low, self._high, self._command = low, high, command
        self.slider = ctk.CTkSlider(
            self, from_=low, to=high, command=command, height=16, border_width=5
        )
        # The wheel is for scrolling past it: it must not change what one chose.
        for wheel in ("<MouseWheel>", "<Button-4>", "<Button-5>"):
            self.slider._canvas.unbind(wheel)
        self.hold(self.slider)

    def move_to(self, value: float) -> None:
        """Show a number as the chosen one."""
        self.slider.set(value)
        self._command(value)

    def _move(self, by: float) -> None:
        if self.slider.cget("state") != "disabled":
            self.move_to(min(max(self.slider.get() + by, self._low), self._high))


class Choice(Ring):
    """A few choices in a row.

    Args:
        master: the widget it is in.
        texts: value to what is shown for it.
        command: called with the value that a person chose.
    """

    def __init__(
        self, master: Any, texts: Mapping[str, str], command: Callable[[str], object]
    ) -> None:
        super().__init__(
            master, {"<Left>": lambda: self._move(-1), "<Right>": lambda: self._move(1)}
        )
        self._texts, self._command = dict(texts), command
        self.buttons = ctk.CTkSegmentedButton(
            self, values=list(texts.values()), font=theme.font(), command=self._chosen, height=30
        )
        self.hold(self.buttons, 3)

    def set(self, value: str) -> None:
        """Show a value as the chosen one."""
        self.buttons.set(self._texts[value])
        for text, button in self.buttons._buttons_dict.items():
            chosen = text == self._texts[value]
            button.configure(text_color=theme.ON_ACCENT if chosen else theme.TEXT)

    def _chosen(self, text: str) -> None:
        value = next(value for value, other in self._texts.items() if other == text)
        self.set(value)
        self._command(value)

    def _move(self, by: int) -> None:
        texts = list(self._texts.values())
        place = texts.index(self.buttons.get()) + by
        if 0 <= place < len(texts):
            self._chosen(texts[place])


class Menu(Ring):
    """One of many to choose from."""

    def __init__(
        self, master: Any, values: Sequence[str], command: Callable[[str], object]
    ) -> None:
        keys = ("<space>", "<Return>", "<Down>")
        super().__init__(master, {key: lambda: self.menu._open_dropdown_menu() for key in keys})
        self.menu = ctk.CTkOptionMenu(
            self,
            values=list(values),
            command=command,
            font=theme.font(),
            dropdown_font=theme.font(),
            height=32,
            dynamic_resizing=False,
        )
        self.hold(self.menu, 3)
