"""The window's contents: puts the panels together and shows them what has changed."""

from collections.abc import Callable
from typing import Any

import customtkinter as ctk

from gui import shortcuts, theme
from gui.commands import Commands
from gui.layers import Layers
from gui.panels.enhance_panel import EnhancePanel
from gui.panels.header import Header
from gui.panels.list_panel import ListPanel
from gui.panels.message_bar import MessageBar
from gui.panels.picture_bar import PictureBar
from gui.panels.picture_view import PictureView
from gui.panels.scrollable import ScrollableFrame
from gui.panels.sheet import Sheet, help_sheet, settings_sheet
from gui.panels.strictness_panel import StrictnessPanel
from gui.panels.verdict_panel import VerdictPanel
from gui.picture_list import Entry, Stage
from gui.session import Session
from gui.settings import Settings, log_path, settings_path
from gui.state import Part
from gui.texts import Texts
from gui.worker import Deliver
from keras_detector.printable import printable

_OPENING_AFTER = 300  # milliseconds that a picture may take before the one before it goes


class Window(ctk.CTkFrame):
    """Everything in the window.

    Args:
        master: the top-level window.
        texts: the texts of the language.
        session: what is shown.
        settings: what a person chose.
        deliver: how threads reach the main one.
        remember: saves the settings.
        choose_theme: shows another theme, as `choose_language` another language.
        choose_language: see there.
        quit_app: closes the window.
    """

    def __init__(
        self,
        master: Any,
        texts: Texts,
        session: Session,
        settings: Settings,
        deliver: Deliver,
        *,
        remember: Callable[[], object],
        choose_theme: Callable[[str], object],
        choose_language: Callable[[str], object],
        quit_app: Callable[[], object],
    ) -> None:
        super().__init__(master, fg_color=theme.WINDOW, corner_radius=0)
        self._texts, self._session, self._settings = texts, session, settings
        self._choose_theme, self._choose_language = choose_theme, choose_language
        self._sheet: Sheet | None = None
        self._list_number = session.pictures.number
        self._shown_picture: object = None
        self._waiting = self.after(0, lambda: None)
        self.bar = MessageBar(self, texts("message.close"), session.dismiss_message)
        self.commands = Commands(self, texts, session, settings, remember, self.bar)
        self.layers = Layers(session, deliver, self._show_layers)
        actions = self._actions(quit_app)
        self.header = Header(self, texts, actions)
        self._main = ctk.CTkFrame(self, fg_color="transparent", corner_radius=0)
        self._build_picture(self._main)
        self.list = ListPanel(self, texts, session, self._open_entry, self.commands.export_list)
        self.header.grid(row=0, sticky="ew")
        self._main.grid(row=1, sticky="nsew")
        pad = theme.GAP * 2
        self.list.grid(row=1, sticky="nsew", padx=pad, pady=pad)
        self.bar.grid(row=2, sticky="ew", padx=pad, pady=(0, pad))
        self.bar.grid_remove()
        self.grid_columnconfigure(0, weight=1)
        self.grid_rowconfigure(1, weight=1)
        shortcuts.bind_shortcuts(master, actions)
        self.show_list(session.picture is None and session.pictures.stage is not Stage.EMPTY)
        self.refresh(set(Part))

    def refresh(self, parts: set[Part]) -> None:
        """Show what has changed."""
        if Part.PICTURE in parts and self._session.picture is not self._shown_picture:
            self._shown_picture = self._session.picture
            self.after_cancel(self._waiting)
            self._waiting = self.after(_OPENING_AFTER, self._show_opening, self._session.picture)
            self.show_list(self._session.picture is None and self.is_list_shown)
        self.commands.withdraw_question()
        if parts & {Part.PICTURE, Part.VERDICT, Part.ENHANCED, Part.MODEL}:
            self._show_picture()
            self.verdict.show()
            self.enhance.show()
        if parts & {Part.MODEL}:
            self.strictness.show()
        if Part.LIST in parts:
            self._show_list_state()
        if Part.MESSAGE in parts:
            self.commands.show_message()

    def show_list(self, visible: bool) -> None:
        """Show the list, or the open picture."""
        self.is_list_shown = visible
        (self.list if visible else self._main).grid()
        (self._main if visible else self.list).grid_remove()
        self.header.show_list_button(
            not visible and self._session.pictures.stage is not Stage.EMPTY
        )
        if visible:  # what has changed while it was hidden
            self.list.show()
        (self.list.rows if visible else self.view).focus_set()

    def take_over(self, before: "Window") -> None:
        """Look as another window does, which this one takes the place of."""
        self.enhance.choose(before.enhance.settings())
        self.verdict.opacity_slider.move_to(before.verdict.opacity)
        if before.verdict.heatmap.is_on:
            self.verdict.heatmap.box.select()
        self._heatmap_changed()
        self.list.take_order(before.list)
        self.show_list(before.is_list_shown)

    def close(self) -> bool:
        """Stop what works for the view alone.

        Returns:
            whether its thread ended in time.
        """
        self.after_cancel(self._waiting)
        return self.layers.close()

    def _build_picture(self, master: Any) -> None:
        texts, commands = self._texts, self.commands
        stage = ctk.CTkFrame(master, fg_color=theme.STAGE, corner_radius=0)
        self.view = PictureView(
            stage,
            texts("enhance.before"),
            texts("enhance.after"),
            commands.open_pictures,
            lambda: self.picture_bar.show_scale(),
        )
        self.picture_bar = PictureBar(stage, texts, self.view)
        self.picture_bar.pack(side="bottom", fill="x", padx=theme.GAP, pady=4)
        self.view.pack(fill="both", expand=True)
        side = ScrollableFrame(
            master, width=theme.SIDE_WIDTH, fg_color=theme.WINDOW, corner_radius=0
        )
        self.verdict = VerdictPanel(
            side, texts, self._session, self._heatmap_changed, commands.save_verdict
        )
        self.strictness = StrictnessPanel(
            side, texts, self._session, commands.choose_strictness, commands.choose_model
        )
        self.enhance = EnhancePanel(side, texts, self._session, commands.save_enhanced)
        for panel in (self.verdict, self.strictness, self.enhance):
            panel.pack(fill="x", padx=(theme.GAP * 1.5, 4), pady=(theme.GAP * 1.5, 0))
        stage.grid(row=0, column=0, sticky="nsew")
        side.grid(row=0, column=1, sticky="ns")
        master.grid_columnconfigure(0, weight=1)
        master.grid_rowconfigure(0, weight=1)

    def _actions(self, quit_app: Callable[[], object]) -> dict[str, Callable[[], object]]:
        commands = self.commands
        return {
            "open": commands.open_pictures,
            "open_folder": commands.open_folder,
            "paste": commands.paste,
            "list": self._back_to_list,
            "heatmap": lambda: self.verdict.heatmap.box.toggle(),
            "enhance": lambda: self.enhance.toggle(),
            "save": lambda: self.list_or(commands.export_list, commands.save_enhanced),
            "save_verdict": commands.save_verdict,
            "zoom_in": lambda: self.view.zoom(1),
            "zoom_out": lambda: self.view.zoom(-1),
            "zoom_fit": lambda: self.view.zoom_whole(),
            "zoom_full": lambda: self.view.zoom_full(),
            "cancel": self._cancel,
            "settings": self._open_settings,
            "help": self._open_help,
            "quit": quit_app,
        }

    def list_or(self, in_list: Callable[[], object], else_: Callable[[], object]) -> None:
        """Do what a key means where it is pressed."""
        (in_list if self.is_list_shown else else_)()

    def _open_entry(self, entry: Entry) -> None:
        self._session.open(entry.path)

    def _back_to_list(self) -> None:
        if self._session.pictures.stage is not Stage.EMPTY:
            self.show_list(True)

    def _cancel(self) -> None:
        """What Escape means: the last thing that came, goes."""
        enhanced, pictures = self._session.enhanced, self._session.pictures
        if self._sheet is not None and self._sheet.winfo_exists():
            self._sheet.destroy()
        elif self.bar.winfo_manager():
            self.bar.dismiss()
        elif enhanced is not None and not self.is_list_shown:
            self._session.cancel_enhancing()
        elif self.is_list_shown:
            pictures.cancel()
        else:
            self._back_to_list()

    def _show_picture(self) -> None:
        opened, texts = self._session.picture, self._texts
        self.layers.update(with_heatmap=self.verdict.heatmap.is_on)
        if opened is None:
            keys = {"key": shortcuts.text_of("open"), "paste": shortcuts.text_of("paste")}
            self.view.show_notice(
                "picture", texts("picture.empty"), texts("picture.empty_hint", **keys)
            )
            self.picture_bar.show("", None, None)
            return
        if opened.picture is None and opened.error is not None:
            self.view.show_notice("error", texts.error(opened.error), self._picture_name)
        elif self.layers.original is None:
            if self.view.has_picture:  # the one before, under its own name, for a moment
                return
            self.view.show_notice("picture", texts("picture.opening"), self._picture_name)
        self._show_name()
        self._show_layers()

    def _show_opening(self, opened: object) -> None:
        """Say that a picture is being opened, which takes longer than a moment."""
        if opened is self._session.picture and self.layers.original is None:
            self.view.show_notice("picture", self._texts("picture.opening"), self._picture_name)
            self._show_picture()

    @property
    def _picture_name(self) -> str:
        opened = self._session.picture
        if opened is None:
            return ""
        return printable(opened.path.name) if opened.path else self._texts("picture.clipboard")

    def _show_name(self) -> None:
        opened, enhanced = self._session.picture, self._session.enhanced
        size = None
        if opened is not None and opened.picture is not None:
            height, width = opened.picture.pixels.shape[:2]
            size = (width, height)
        progress = enhanced.progress if enhanced and enhanced.pixels is None else None
        self.picture_bar.show(self._picture_name, size, progress)

    def _show_layers(self) -> None:
        if self.layers.original is not None:
            self.view.show(self.layers.original)
            self.view.show_enhanced(self.layers.enhanced)
            self.view.show_heatmap(self.layers.heatmap if self.verdict.heatmap.is_on else None)
            self._show_name()

    def _heatmap_changed(self) -> None:
        self.view.opacity = self.verdict.opacity
        self.verdict.show_heatmap_settings()
        self.layers.update(with_heatmap=self.verdict.heatmap.is_on)
        self._show_layers()

    def _show_list_state(self) -> None:
        number = self._session.pictures.number
        if number != self._list_number:
            self._list_number = number
            self.show_list(True)
            self.list.rows.to_top()
        if self.is_list_shown:
            self.list.show()

    def _open_settings(self) -> None:
        self._open_sheet(
            lambda: settings_sheet(
                self,
                self._texts,
                self._settings.theme,
                self._settings.language,
                self._choose_theme,
                self._choose_language,
            )
        )

    def _open_help(self) -> None:
        paths = {"log": str(log_path()), "settings": str(settings_path())}
        self._open_sheet(lambda: help_sheet(self, self._texts, paths))

    def _open_sheet(self, make: Callable[[], Sheet]) -> None:
        if self._sheet is not None and self._sheet.winfo_exists():
            self._sheet.destroy()
        self._sheet = make()
