"""How strict the verdict is, worded as what that costs, and which model gives it."""

import os
import tkinter as tk
from collections.abc import Callable
from pathlib import Path
from typing import Any

import customtkinter as ctk

from gui import theme
from gui.panels.controls import Button, Menu, RadioButton
from gui.session import Session
from gui.texts import Texts
from keras_detector.card import Card
from keras_detector.detector import shipped_models
from keras_detector.printable import printable
from keras_detector.strictness import Strictness, cost, threshold_for


class StrictnessPanel(ctk.CTkFrame):
    """The card with the level and the model.

    Args:
        master: the widget it is in.
        texts: the texts of the language.
        session: whose model it is.
        choose: called with the level that a person chose.
        choose_model: called with the model file; None: another one is to be asked for.
    """

    def __init__(
        self,
        master: Any,
        texts: Texts,
        session: Session,
        choose: Callable[[Strictness], object],
        choose_model: Callable[[Path | None], object],
    ) -> None:
        super().__init__(master)
        self._texts, self._session = texts, session
        self._choose_model = choose_model
        pad = theme.GAP * 2
        self._heading("strictness.label").pack(fill="x", padx=pad, pady=(pad, 4))
        self._level = tk.StringVar(self, session.strictness.value)
        self.levels: dict[Strictness, RadioButton] = {}
        self.costs: dict[Strictness, Any] = {}
        for level in Strictness:
            self.levels[level] = RadioButton(
                self,
                texts(f"strictness.{level}"),
                self._level,
                level.value,
                lambda level=level: choose(level),  # type: ignore[misc]
            )
            self.levels[level].pack(fill="x", padx=pad - 5)
            self.costs[level] = self._small()
            self.costs[level].pack(fill="x", padx=(pad + 26, pad))
        self._heading("model.label").pack(fill="x", padx=pad, pady=(theme.GAP * 1.5, 0))
        self._paths: dict[str, Path | None] = {}
        self._present = ""
        self.menu = Menu(self, [], self._chosen)
        self.menu.pack(fill="x", padx=pad - 5)
        self.more = Button(
            self,
            texts("model.more"),
            self._toggle_limits,
            height=28,
            fg_color="transparent",
            text_color=theme.ACCENT_TEXT,
            anchor="w",
        )
        self.more.pack(fill="x", padx=pad - 6, pady=(0, theme.GAP))
        self.limits = self._small()
        self.show()

    def show(self) -> None:
        """Show the session's state."""
        self._level.set(self._session.strictness.value)
        card = self._session.model.card
        for level, label in self.costs.items():
            label.configure(text=self._cost(card, level) if card else "")
        self._list_models()
        state = "normal" if card else "disabled"
        self.more.configure(state=state)
        self.limits.configure(text="\n".join(f"• {limit}" for limit in card.limits) if card else "")

    def _cost(self, card: Card, level: Strictness) -> str:
        texts = self._texts
        point = cost(card, threshold_for(card, level).value)
        found = texts.number(point.recall.value * 100, 0)
        rate = point.false_positive_rate.value
        if rate == 0.0:
            return texts("strictness.cost_none", n=card.curve.n_real, found=found)
        return texts("strictness.cost", accused=texts.number(rate * 100, 1), found=found)

    def _list_models(self) -> None:
        present = Path(os.path.abspath(self._session.model.path))  # noqa: PTH100
        self._paths = {path.stem: path for path in shipped_models().values()}
        if present in self._paths.values():
            self._present = present.stem
        else:  # it may be called as one that is shipped
            self._present = printable(f"{present.stem} ({present.parent.name or present.anchor})")
            self._paths[self._present] = present
        self._paths[self._texts("model.choose")] = None
        self.menu.menu.configure(values=list(self._paths))
        self.menu.menu.set(self._present)

    def _chosen(self, name: str) -> None:
        # The menu shows the model in use until another one is loaded.
        self.menu.menu.set(self._present)
        self._choose_model(self._paths[name])

    def _toggle_limits(self) -> None:
        if self.limits.winfo_manager():
            self.limits.pack_forget()
        else:
            self.limits.pack(fill="x", padx=theme.GAP * 2, pady=(0, theme.GAP * 2))

    def _heading(self, key: str) -> Any:
        return ctk.CTkLabel(
            self, text=self._texts(key), font=theme.font(bold=True), anchor="w", height=22
        )

    def _small(self) -> Any:
        return ctk.CTkLabel(
            self,
            text="",
            font=theme.font(theme.SMALL),
            text_color=theme.MUTED,
            wraplength=theme.TEXT_WIDTH,
            justify="left",
            anchor="w",
            height=16,
        )
