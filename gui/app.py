"""The app: a window at once, everything else as soon as it is imported."""

import gc
import logging
import sys
import threading
import time
import tkinter as tk
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

import customtkinter as ctk

from gui import theme
from gui.drop import DropWindow
from gui.icons import show_icon
from gui.log import start_log
from gui.outbox import Outbox
from gui.settings import Settings, load_settings, log_path, save_settings, settings_path
from gui.texts import Texts
from keras_detector.errors import DetectorError

if TYPE_CHECKING:
    from gui.session import Session
    from gui.state import ModelInUse, Part
    from gui.window import Window

_LOG = logging.getLogger(__name__)
_TURN = 15  # milliseconds between two looks into the outbox
_LIST_TURN = 0.1  # seconds between two drawings of a list whose verdicts come in
_THEME_TURN = 3000  # milliseconds between two looks at the system's theme
_SAVE_TURN = 50  # milliseconds between two looks whether everything is saved
_SAVE_LONGEST = 120.0  # seconds that a save may take once the window is closed
_SMALLEST = (600, 340)


def run(pictures: Sequence[Path], *, model: Path | None) -> int:
    """Open the app and stay until its window is closed.

    Args:
        pictures: to open at once.
        model: the model file to judge with, this time; None: the one last chosen.

    Returns:
        the exit code.
    """
    start_log(log_path())
    try:
        app = App(load_settings(settings_path()), pictures, model=model)
    except tk.TclError as error:
        print(f"error: no window can be opened: {error}", file=sys.stderr)
        return 2
    app.root.mainloop()
    return 0


class App:
    """The app.

    Args:
        settings: what a person chose before.
        pictures: to open at once.
        model: the model file to judge with, this time; None: the one last chosen.

    Attributes:
        root: the top-level window.
        session, window: None until they are imported, a moment after the window is shown, and
            again when it is closed.
        ended: whether every thread ended when it was closed.
    """

    def __init__(self, settings: Settings, pictures: Sequence[Path], *, model: Path | None) -> None:
        self.settings = settings
        self.session: Session | None = None
        self.window: Window | None = None
        self.ended = False
        self._pictures, self._model = list(pictures), model
        self._outbox = Outbox()
        self._changed: set[Part] = set()
        self._list_drawn = 0.0
        self._is_closing = self._is_closed = False
        theme.use_theme()
        self._show_theme()
        self.root: Any = DropWindow(self._dropped)
        self.root.report_callback_exception = self._report
        self._texts = Texts(settings.language)
        self._size_window()
        self.root.protocol("WM_DELETE_WINDOW", self.close)
        self.root.update_idletasks()
        self._after(1, self._import)
        self._after(_TURN, self._turn)

    def close(self) -> None:
        """Remember the size, stop every thread, close the window.

        While something is being saved, the window is only hidden, and closed when that is done;
        where it fails, the window comes back and says so.
        """
        if self._is_closed or self._is_closing:
            return
        if self.session is not None and self.session.is_saving:
            self._is_closing = True
            self.session.dismiss_message()
            self.root.withdraw()
            self._close_when_saved(time.monotonic() + _SAVE_LONGEST)
        else:
            self._close_now()

    def _close_when_saved(self, until: float) -> None:
        session = self.session
        if session is None:
            return
        if session.is_saving and time.monotonic() < until:
            self._after(_SAVE_TURN, lambda: self._close_when_saved(until))
        elif session.message is not None and session.message.error is not None:
            self._is_closing = False
            self.root.deiconify()
        else:
            if session.is_saving:
                _LOG.error("closed before everything was saved")
            self._close_now()

    def _close_now(self) -> None:
        self._is_closed = True
        scale = ctk.ScalingTracker.get_window_scaling(self.root)
        self.settings.width = max(round(self.root.winfo_width() / scale), 400)
        self.settings.height = max(round(self.root.winfo_height() / scale), 400)
        try:
            self._remember()
        finally:  # whatever goes wrong with the memory, the window can be closed
            self._end()

    def _end(self) -> None:
        ended = [part.close() for part in (self.window, self.session) if part is not None]
        self.ended = all(ended)
        # Of customtkinter's calls as well: they would find no window any more.
        for identifier in self.root.tk.splitlist(self.root.tk.call("after", "info")):
            self.root.tk.call("after", "cancel", identifier)
        self.root.destroy()
        # customtkinter remembers every window it ever had; pictures and models need not stay too,
        # nor what came too late to be delivered.
        self.session = self.window = None
        self._outbox = Outbox()
        gc.collect()  # here, because only the main thread may let go of what belongs to Tk

    def _after(self, milliseconds: int, call: Callable[[], None]) -> None:
        if not self._is_closed:
            self.root.after(milliseconds, call)

    def _size_window(self) -> None:
        root, settings = self.root, self.settings
        root.title(self._texts("app.title"))
        show_icon(root)
        if sys.platform == "linux":
            # customtkinter finds the scaling of Windows and macOS by itself.
            scaling = max(round(root.winfo_fpixels("1i") / 96 * 4) / 4, 1.0)
            ctk.set_widget_scaling(scaling)
            ctk.set_window_scaling(scaling)
        scale = ctk.ScalingTracker.get_window_scaling(root)
        width = min(settings.width, int(root.winfo_screenwidth() / scale))
        height = min(settings.height, int((root.winfo_screenheight() - 60) / scale))
        root.minsize(min(_SMALLEST[0], width), min(_SMALLEST[1], height))
        root.geometry(f"{width}x{height}")

    def _import(self) -> None:
        def work() -> None:
            try:
                from gui import window  # noqa: F401
            # Whatever a library raises: without it the app can do nothing but say so.
            except Exception as error:  # noqa: BLE001
                _LOG.critical("cannot start", exc_info=True)
                self._outbox.put(lambda error=error: self._report(type(error), error, None))  # type: ignore[misc]
            else:
                self._outbox.put(self._begin)

        threading.Thread(target=work, name="import", daemon=True).start()

    def _begin(self) -> None:
        from gui.session import Session
        from keras_detector.detector import default_model_path
        from keras_detector.strictness import Strictness

        own = default_model_path()
        remembered = Path(self.settings.model) if self.settings.model else own
        self.session = Session(
            self._model or remembered,
            Strictness(self.settings.strictness),
            self._outbox.put,
            fallback=own if self._model is None and remembered != own else None,
        )
        self.session.listen(self._changed.add)
        self._build()
        if self._pictures:
            self.session.open_paths(self._pictures)
        self._watch_theme()

    def _build(self) -> None:
        from gui.window import Window

        if self.session is None:
            return
        before = self.window
        self._texts = Texts(self.settings.language)
        self.root.title(self._texts("app.title"))
        self.window = Window(
            self.root,
            self._texts,
            self.session,
            self.settings,
            self._outbox.put,
            remember=self._remember,
            choose_theme=self._choose_theme,
            choose_language=self._choose_language,
            quit_app=self.close,
        )
        if before is not None:
            self.window.take_over(before)
            before.close()
            before.destroy()
        self.window.pack(fill="both", expand=True)

    def _turn(self) -> None:
        try:
            self._outbox.deliver()
            self._refresh()
        finally:
            self._after(_TURN, self._turn)

    def _refresh(self) -> None:
        if not self._changed or self.window is None or self.session is None:
            return
        from gui.state import Part

        parts = set(self._changed)
        now = time.monotonic()
        if parts == {Part.LIST} and now - self._list_drawn < _LIST_TURN:
            return
        self._changed.clear()
        if Part.LIST in parts:
            self._list_drawn = now
        if Part.MODEL in parts:
            self._remember_model(self.session.model)
        self.window.refresh(parts)

    def _dropped(self, paths: list[Path]) -> None:
        if self.window is not None:
            self.window.commands.open_paths(paths)
        else:
            self._pictures = paths

    def _remember_model(self, model: "ModelInUse") -> None:
        """Remember a model that a person chose in the app, once it can be used."""
        if model.is_chosen and model.card is not None:
            from keras_detector.detector import default_model_path

            is_own = model.path == default_model_path()
            self.settings.model = "" if is_own else str(model.path.absolute())
            self._remember()

    def _remember(self) -> None:
        save_settings(settings_path(), self.settings)

    def _choose_theme(self, name: Any) -> None:
        self.settings.theme = name
        self._remember()
        self._show_theme()

    def _choose_language(self, name: Any) -> None:
        self.settings.language = name
        self._remember()
        # Not within the callback of a button that is about to be destroyed.
        self._after(1, self._build)

    def _show_theme(self) -> None:
        name = self.settings.theme
        # customtkinter's own "system" asks the system thirty times a second, which on Linux
        # starts a process each time.
        theme.set_theme(theme.system_theme() if name == "system" else name)

    def _watch_theme(self) -> None:
        def look() -> None:
            name = theme.system_theme()
            self._outbox.put(lambda: self._system_theme_is(name))

        if self.settings.theme == "system":
            threading.Thread(target=look, name="theme", daemon=True).start()
        self._after(_THEME_TURN, self._watch_theme)

    def _system_theme_is(self, name: str) -> None:
        if self.settings.theme == "system" and name != ctk.get_appearance_mode().lower():
            theme.set_theme(name)

    def _report(
        self, kind: type[BaseException], error: BaseException, trace: TracebackType | None
    ) -> None:
        _LOG.error("not caught in the window", exc_info=(kind, error, trace))
        if self.session is not None and isinstance(error, DetectorError):
            self.session.report_error(error)
        elif self.window is not None:
            text = self._texts("message.unforeseen", path=log_path())
            self.window.bar.show(text, is_error=True)
        else:
            label = ctk.CTkLabel(self.root, text=str(error), wraplength=400)
            label.place(relx=0.5, rely=0.5, anchor="center")
