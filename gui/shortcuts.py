"""The keys of the app: what each does, how it is written, and how it is bound on any keyboard."""

import sys
import tkinter as tk
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

COMMAND = sys.platform == "darwin"
"""Whether shortcuts are held with Command rather than Control."""

# The letters of a Russian keyboard, as Tk names them, by the Latin ones on the same keys.
_CYRILLIC = {
    "shcha": "o", "em": "v", "yeru": "s", "u": "e", "de": "l", "shorti": "q", "er": "h",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Shortcut:
    """A key.

    Attributes:
        action: its name in the texts (`shortcut.*`), and of what it does.
        key: Tk's name of the key, a letter in lower case.
        control: whether Control (Command on macOS) is held.
        shift: whether Shift is held.
    """

    action: str
    key: str
    control: bool = False
    shift: bool = False

    @property
    def text(self) -> str:
        """As people write it, such as `Ctrl+Shift+S`."""
        names = {"comma": ",", "plus": "+", "minus": "-", "Escape": "Esc"}
        key = names.get(self.key, self.key.upper() if len(self.key) == 1 else self.key)
        if COMMAND:
            return ("⇧" if self.shift else "") + ("⌘" if self.control else "") + key
        return "Ctrl+" * self.control + "Shift+" * self.shift + key


SHORTCUTS = (
    Shortcut("open", "o", control=True),
    Shortcut("open_folder", "o", control=True, shift=True),
    Shortcut("paste", "v", control=True),
    Shortcut("list", "l", control=True),
    Shortcut("heatmap", "h"),
    Shortcut("enhance", "e", control=True),
    Shortcut("save", "s", control=True),
    Shortcut("save_verdict", "s", control=True, shift=True),
    Shortcut("zoom_in", "plus"),
    Shortcut("zoom_out", "minus"),
    Shortcut("zoom_fit", "0"),
    Shortcut("zoom_full", "1"),
    Shortcut("cancel", "Escape"),
    Shortcut("settings", "comma", control=True),
    Shortcut("help", "F1"),
    Shortcut("quit", "q", control=True),
)
"""All of them, in the order in which the help shows them."""

_ALIASES = {"equal": "plus", "KP_Add": "plus", "KP_Subtract": "minus", "KP_0": "0", "KP_1": "1"}
_CONTROL, _SHIFT, _COMMAND = 0x4, 0x1, 0x8


def text_of(action: str) -> str:
    """How the shortcut of an action is written."""
    return next(shortcut.text for shortcut in SHORTCUTS if shortcut.action == action)


def bind_shortcuts(window: tk.Misc, actions: Mapping[str, Callable[[], object]]) -> None:
    """Have the keys do what `actions` says.

    Args:
        window: the top-level window.
        actions: every action of `SHORTCUTS` to what it does.
    """
    table = {(s.key, s.control, s.shift): actions[s.action] for s in SHORTCUTS}

    def pressed(event: Any) -> None:
        key = key_of(event.keysym, event.keycode)
        held = bool(event.state & (_COMMAND if COMMAND else _CONTROL))
        shift = bool(event.state & _SHIFT)
        # Shift only makes the plus sign; with letters it counts.
        action = table.get((key, held, shift and (held or (len(key) > 1 and key != "plus"))))
        if action is not None:
            action()

    window.bind("<KeyPress>", pressed)


def key_of(keysym: str, keycode: int) -> str:
    """A key by its place on the keyboard, in lower case, whatever alphabet it writes.

    Args:
        keysym: Tk's name for what it writes.
        keycode: the system's number for the key.
    """
    name = keysym.removeprefix("Cyrillic_").lower()
    if keysym.startswith("Cyrillic_"):
        return _CYRILLIC.get(name, name)
    # Windows' codes of letters are those of Latin letters, also where Tk has no name for them.
    if sys.platform == "win32" and 0x41 <= keycode <= 0x5A:
        return chr(keycode).lower()
    return _ALIASES.get(keysym, keysym.lower() if len(keysym) == 1 else keysym)
