"""A picture from the clipboard, as whatever it was put there: pixels, a file's bytes, or files."""

import contextlib
import os
import re
import sys
import tkinter as tk
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote_to_bytes, urlsplit
from urllib.request import url2pathname

from PIL import Image

Content = Image.Image | bytes | list[Path] | None
"""Pixels, the bytes of a picture's file, files, or None: nothing that is a picture."""

_LONE_DIGIT = re.compile(r"(?<=0x)([0-9a-fA-F])\b")
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
        texts = [_text(window, "STRING")]
    else:
        offered = _text(window, "TARGETS").split()
        for kind in _TYPES:
            data = _data(window, kind) if kind in offered else b""
            if data:
                return data
        uris = _data(window, "text/uri-list") if "text/uri-list" in offered else b""
        texts = [uris.decode("utf-8", "replace"), _text(window, "UTF8_STRING")]
    return list(dict.fromkeys(path for text in texts for path in paths_in(text))) or None


def paths_in(text: str) -> Iterator[Path]:
    """Existing files and folders that a text names, a line each: paths or `file:` addresses."""
    for line in text.splitlines():
        name = line.strip().strip('"')
        with contextlib.suppress(OSError, ValueError):
            path = Path(path_of(name) if name.startswith("file:") else name)
            if name and path.is_absolute() and path.exists():
                yield path


def path_of(address: str) -> str:
    """The path in a `file:` address, byte by byte as the system has it.

    Raises:
        ValueError: it is no address.
    """
    path = urlsplit(address).path
    # On POSIX `url2pathname` takes the bytes for UTF-8, which those of a name need not be.
    return url2pathname(path) if os.name == "nt" else os.fsdecode(unquote_to_bytes(path))


def _text(window: tk.Misc, kind: str) -> str:
    try:
        return str(window.selection_get(selection="CLIPBOARD", type=kind))  # type: ignore[no-untyped-call]
    except tk.TclError:  # nothing of that kind there
        return ""


def _data(window: tk.Misc, kind: str) -> bytes:
    return bytes_of(_text(window, kind))


def bytes_of(text: str) -> bytes:
    """The bytes that Tk means by what it hands out for a kind of data that is no text.

    From another program they come as `"0x89 0x50 0xd "`, from the same one a character each.

    Args:
        text: what Tk handed out.
    """
    if text.startswith("0x"):
        with contextlib.suppress(ValueError):
            return bytes.fromhex(_LONE_DIGIT.sub(r"0\1", text).replace("0x", " "))
    return text.encode("latin-1", "replace")
