"""Cleaning up the open picture: what to do, how strong, how far it is; saving what came out."""

from collections.abc import Callable
from typing import Any

import customtkinter as ctk

from gui import shortcuts, theme
from gui.panels.controls import Button, CheckBox, Slider
from gui.session import Session
from gui.texts import Texts
from keras_detector.enhance import DEFAULT_ENHANCEMENT, Enhancement

_STRONGEST = 30.0  # of what the sliders offer: beyond it, little but flat areas is left


class EnhancePanel(ctk.CTkFrame):
    """The card with the enhancement.

    Args:
        master: the widget it is in.
        texts: the texts of the language.
        session: whose picture it is.
        save: saves the enhanced picture.
    """

    def __init__(
        self, master: Any, texts: Texts, session: Session, save: Callable[[], object]
    ) -> None:
        super().__init__(master)
        self._texts, self._session = texts, session
        pad = theme.GAP * 2
        heading = ctk.CTkLabel(
            self, text=texts("enhance.title"), font=theme.font(bold=True), anchor="w", height=22
        )
        heading.pack(fill="x", padx=pad, pady=(pad, 4))
        self.denoise = CheckBox(self, texts("enhance.denoise"), self._chosen)
        self.denoise.pack(fill="x", padx=pad - 5)
        sliders = ctk.CTkFrame(self, fg_color="transparent")
        sliders.pack(fill="x", padx=(pad + 28, pad))
        sliders.grid_columnconfigure(1, weight=1)
        self.luminance = self._strength(sliders, 0, "luminance")
        self.colour = self._strength(sliders, 1, "colour")
        self.double = CheckBox(self, texts("enhance.double"), self._chosen)
        self.double.pack(fill="x", padx=pad - 5)
        self.progress = ctk.CTkProgressBar(self, height=6)
        self._status = ctk.CTkLabel(
            self,
            text="",
            font=theme.font(theme.SMALL),
            text_color=theme.MUTED,
            anchor="w",
            wraplength=theme.TEXT_WIDTH,
            justify="left",
        )
        self._buttons = ctk.CTkFrame(self, fg_color="transparent")
        self._buttons.pack(fill="x", padx=pad, pady=(theme.GAP, pad))
        self._buttons.grid_columnconfigure((0, 1), weight=1, uniform="half")
        self.start = Button(
            self._buttons,
            texts("enhance.start"),
            self.toggle,
            tip=f"{texts('shortcut.enhance')}  ({shortcuts.text_of('enhance')})",
        )
        self.start.grid(row=0, column=0, sticky="ew", padx=(0, theme.GAP / 2))
        self.save = Button(
            self._buttons,
            texts("save.short"),
            save,
            tip=f"{texts('shortcut.save')}  ({shortcuts.text_of('save')})",
        )
        self.save.grid(row=0, column=1, sticky="ew", padx=(theme.GAP / 2, 0))
        self.denoise.box.select()
        self.double.box.select()
        self.show()

    def toggle(self) -> None:
        """Begin to enhance, or cancel it while it runs."""
        if self._is_running:
            self._session.cancel_enhancing()
        elif self._can_start:
            self._session.enhance(self.settings())

    def settings(self) -> Enhancement:
        """What the widgets say."""
        return Enhancement(
            denoise=bool(self.denoise.box.get()),
            luminance_strength=float(self.luminance.slider.get()),
            colour_strength=float(self.colour.slider.get()),
            double=bool(self.double.box.get()),
        )

    def choose(self, settings: Enhancement) -> None:
        """Have the widgets say that."""
        for box, ticked in ((self.denoise, settings.denoise), (self.double, settings.double)):
            (box.box.select if ticked else box.box.deselect)()
        self.luminance.move_to(settings.luminance_strength)
        self.colour.move_to(settings.colour_strength)
        self.show()

    def show(self) -> None:
        """Show the session's state."""
        enhanced = self._session.enhanced
        running = self._is_running
        self.start.configure(
            text=self._texts("enhance.cancel" if running else "enhance.start"),
            state="normal" if running or self._can_start else "disabled",
        )
        is_made = enhanced is not None and enhanced.pixels is not None
        self.save.configure(state="normal" if is_made else "disabled")
        if running and enhanced is not None:
            percent = round(enhanced.progress * 100)
            self.progress.set(enhanced.progress)
            self.progress.pack(
                fill="x", padx=theme.GAP * 2, pady=(theme.GAP, 0), before=self._buttons
            )
            self._say(self._texts("enhance.running", percent=percent))
        else:
            self.progress.pack_forget()
            nothing = not (self.denoise.box.get() or self.double.box.get())
            self._say(self._texts("enhance.choose_one") if nothing else "")
        state = "normal" if self.denoise.box.get() else "disabled"
        for slider in (self.luminance, self.colour):
            slider.slider.configure(state=state)

    @property
    def _is_running(self) -> bool:
        enhanced = self._session.enhanced
        return enhanced is not None and enhanced.pixels is None

    @property
    def _can_start(self) -> bool:
        opened = self._session.picture
        chosen = self.denoise.box.get() or self.double.box.get()
        return bool(chosen) and opened is not None and opened.picture is not None

    def _say(self, text: str) -> None:
        if text:
            self._status.configure(text=text)
            self._status.pack(fill="x", padx=theme.GAP * 2, before=self._buttons)
        else:
            self._status.pack_forget()

    def _strength(self, master: Any, row: int, name: str) -> Slider:
        words = ctk.CTkLabel(
            master, text=self._texts(f"enhance.{name}"), font=theme.font(theme.SMALL), height=22
        )
        words.grid(row=row, column=0, sticky="w", padx=(0, theme.GAP))
        number = ctk.CTkLabel(
            master, text="", font=theme.font(theme.SMALL), width=22, height=22, anchor="e"
        )
        number.grid(row=row, column=2)

        def moved(value: float) -> None:
            number.configure(text=self._texts.number(value, 0))

        slider = Slider(master, 1.0, _STRONGEST, 1.0, moved)
        slider.grid(row=row, column=1, sticky="ew")
        value = getattr(DEFAULT_ENHANCEMENT, f"{name}_strength")
        slider.move_to(value)
        return slider

    def _chosen(self) -> None:
        self.show()
