"""Files dropped on the window; without its native library the app works, and says so in the log."""

import logging
import tkinter as tk
from collections.abc import Callable
from pathlib import Path
from typing import Any

import customtkinter as ctk
from tkinterdnd2 import DND_FILES, TkinterDnD

_LOG = logging.getLogger(__name__)


class DropWindow(ctk.CTk, TkinterDnD.DnDWrapper):
    """A top-level window that files can be dropped on, where this system can do so.

    Args:
        dropped: called with the files.
    """

    def __init__(self, dropped: Callable[[list[Path]], None]) -> None:
        super().__init__()
        self._dropped = dropped
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
