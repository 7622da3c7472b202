"""The system's own dialogs for choosing files."""

from collections.abc import Sequence
from pathlib import Path
from tkinter import filedialog
from typing import Any

Kinds = Sequence[tuple[str, str | tuple[str, ...]]]
"""What a dialog offers: a name, and the endings of the files."""


def endings_of(kinds: Kinds) -> list[str]:
    """Every ending that a dialog offers, in its order."""
    return [e for _, own in kinds for e in ([own] if isinstance(own, str) else own)]


def ask_files(window: Any, title: str, kinds: Kinds, folder: str) -> list[Path]:
    """Have a person choose files; empty: none was chosen."""
    names = filedialog.askopenfilenames(
        parent=window, title=title, filetypes=kinds, initialdir=folder
    )
    return [Path(name) for name in names or ()]


def ask_folder(window: Any, title: str, folder: str) -> Path | None:
    """Have a person choose a folder; None: none was chosen."""
    name = filedialog.askdirectory(parent=window, title=title, initialdir=folder, mustexist=True)
    return Path(name) if name else None


def ask_new_file(window: Any, title: str, kinds: Kinds, folder: str, name: str) -> Path | None:
    """Have a person choose where to write; the dialog itself asks before a file is replaced.

    Args:
        window: the window that waits.
        title: of the dialog.
        kinds: the first one's ending is added to a name without one.
        folder: where it opens.
        name: what it suggests.
    """
    ending = kinds[0][1]
    chosen = filedialog.asksaveasfilename(
        parent=window,
        title=title,
        filetypes=kinds,
        initialdir=folder,
        initialfile=name,
        defaultextension=ending if isinstance(ending, str) else ending[0],
    )
    return Path(chosen) if chosen else None
