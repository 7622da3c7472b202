"""A picture from the clipboard, as whatever it was put there: pixels, a file's bytes, or files."""

import contextlib
import sys
import tkinter as tk
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit
from urllib.request import url2pathname

from PIL import Image

Content = Image.Image | bytes | list[Path] | None
"""Pixels, the bytes of a picture's file, files, or None: nothing that is a picture."""

_TYPES = ("image/png", "image/jpeg", "image/bmp", "image/webp", "image/tiff")


def read_clipboard(window: tk.Misc) -> Content:
    """What the clipboard holds.

    Args:
        window: any widget of the app.
    """
    if sys.platform in ("win32", "darwin"):
        from PIL import ImageGrab

        with contextlib.suppress(OSError):  # it is held by another program, or of no use to Pillow
            found = ImageGrab.grabclipboard()
            if isinstance(found, Image.Image):
                return found
            if found:
                return [Path(name) for name in found]
    else:
        for kind in _TYPES:
            data = _selection(window, kind)
            if data:
                return _bytes(data)
    paths = [
        *paths_in(_selection(window, "text/uri-list")),
        *paths_in(_selection(window, "UTF8_STRING") or _selection(window, "STRING")),
    ]
    return list(dict.fromkeys(paths)) or None


def paths_in(text: str) -> Iterator[Path]:
    """Existing files and folders that a text names, a line each: paths or `file:` addresses."""
    for line in text.splitlines():
        name = line.strip().strip('"')
        if name.startswith("file:"):
            name = url2pathname(unquote(urlsplit(name).path))
        path = Path(name)
        with contextlib.suppress(OSError, ValueError):
            if name and path.is_absolute() and path.exists():
                yield path


def _selection(window: tk.Misc, kind: str) -> str:
    try:
        return str(window.selection_get(selection="CLIPBOARD", type=kind))  # type: ignore[no-untyped-call]
    except tk.TclError:  # nothing of that kind there
        return ""


def _bytes(data: str) -> bytes:
    # Tk hands binary data out as text: bytes in hexadecimal ("0x89 0x50 ...") where its format is
    # unknown to it, and one character for each byte otherwise.
    if data.startswith("0x"):
        with contextlib.suppress(ValueError):
            return bytes.fromhex(data.replace("0x", " "))
    return data.encode("latin-1", "replace")
