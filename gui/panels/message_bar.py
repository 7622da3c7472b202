"""One sentence below everything: what went wrong, what was saved, or a question. No dialog."""

from collections.abc import Callable
from typing import Any

import customtkinter as ctk

from gui import theme
from gui.icons import icon
from gui.panels.controls import Button
from gui.panels.themed_canvas import get_scaling
from gui.theme import Pair


class MessageBar(ctk.CTkFrame):
    """A bar that comes with its sentence and goes when it is closed.

    Args:
        master: the widget it is in.
        close: the words of the tip on its closing button.
        closed: called when a person closes it.
    """

    def __init__(self, master: Any, close: str, closed: Callable[[], object]) -> None:
        super().__init__(master, border_width=1, border_color=theme.LINE)
        self._closed = closed
        self._sign = ctk.CTkLabel(self, text="", width=22)
        self._sign.pack(side="left", padx=(theme.GAP * 2, 0), pady=theme.GAP)
        self.close = Button(
            self,
            "",
            self.dismiss,
            tip=close,
            image=icon("close", theme.MUTED, 16),
            width=30,
            height=30,
            fg_color="transparent",
        )
        self.close.pack(side="right", padx=theme.GAP, pady=theme.GAP)
        self.buttons: list[Button] = []
        self._text = ctk.CTkLabel(self, text="", font=theme.font(), anchor="w", justify="left")
        self._text.pack(side="left", padx=theme.GAP, pady=theme.GAP, fill="x", expand=True)
        self.bind("<Configure>", lambda event: self._wrap(event.width))

    @property
    def text(self) -> str:
        """What it says; empty: it is not there."""
        return str(self._text.cget("text")) if self.winfo_manager() else ""

    def show(self, text: str, *, is_error: bool) -> None:
        """Say something."""
        self._say(text, "error" if is_error else "done", theme.ERROR if is_error else theme.REAL)

    def ask(self, text: str, answers: dict[str, Callable[[], object]]) -> None:
        """Ask something.

        Args:
            text: the question.
            answers: the words on each button to what it does; the last is the harmless one, which
                has the focus.
        """
        self._say(text, "undetermined", theme.ACCENT)
        for words, action in reversed(answers.items()):

            def answer(action: Callable[[], object] = action) -> None:
                self.dismiss()
                action()

            button = Button(self, words, answer, primary=not self.buttons)
            button.pack(side="right", padx=(theme.GAP, 0))
            self.buttons.append(button)
        self._wrap(self.winfo_width())
        self.buttons[0].focus_set()

    def withdraw(self) -> None:
        """Go away, if it still asks something."""
        if self.buttons:
            self.dismiss()

    def dismiss(self) -> None:
        """Go away."""
        self._clear()
        self.grid_remove()
        self._closed()

    def _say(self, text: str, name: str, colour: Pair) -> None:
        self._clear()
        self._sign.configure(image=icon(name, colour, 20))
        self._text.configure(text=text)
        self.grid()
        self._wrap(self.winfo_width())
        self.lift()

    def _clear(self) -> None:
        for button in self.buttons:
            button.destroy()
        self.buttons.clear()

    def _wrap(self, width: int) -> None:
        taken = 330 if self.buttons else 120
        self._text.configure(wraplength=max(width / get_scaling(self) - taken, 200))
