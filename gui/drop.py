"""Files dropped on the window; without its native library the app works, and says so in the log."""

import logging
import sys
import tkinter as tk
from collections.abc import Callable
from pathlib import Path
from typing import Any

import customtkinter as ctk
from tkinterdnd2 import DND_FILES, TkinterDnD

from gui.settings import APP_NAME

_LOG = logging.getLogger(__name__)


class DropWindow(ctk.CTk, TkinterDnD.DnDWrapper):
    """A top-level window that files can be dropped on, where this system can do so.

    Args:
        dropped: called with the files.
    """

    def __init__(self, dropped: Callable[[list[Path]], None]) -> None:
        # Its window class, by which a desktop knows whose menu entry and icon it is.
        super().__init__(className=APP_NAME)
        self._dropped = dropped
        if sys.platform == "darwin":
            # Files opened with the app, or dropped on its icon, come this way and not as arguments.
            self.createcommand(
                "::tk::mac::OpenDocument", lambda *names: dropped([Path(name) for name in names])
            )
        try:
            TkinterDnD._require(self)
            self.drop_target_register(DND_FILES)
            self.dnd_bind("<<Drop>>", self._drop)
        except (RuntimeError, tk.TclError, OSError) as error:
            _LOG.warning("no drag and drop: %s", error)

    def _drop(self, event: Any) -> str:
        paths = [Path(name) for name in self.tk.splitlist(event.data)]
        # The program that the files come from waits until this returns.
        self.after(1, lambda: self._dropped(paths))
        return str(event.action)
