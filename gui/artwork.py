"""The pictures that `packaging/draw_icons.py` drew: icon, logo, background."""

import sys
from pathlib import Path
from typing import Any


def artwork(name: str) -> Path:
    """Where a drawn picture lies, in an installed app as well as in a checkout.

    Args:
        name: `app.png` (512 pixels square), `app.ico`, `logo.png` (256) or `background.png` (1600 x
            1000, mostly clear, for light and dark windows).
    """
    installed = Path(__file__).parent / "drawn"
    folder = installed if installed.is_dir() else Path(__file__).parents[1] / "packaging" / "icons"
    return folder / name


def show_icon(root: Any) -> None:
    """Give the app's icon to a top-level window and to those it opens.

    Args:
        root: a `tkinter.Tk` or one of its kin.
    """
    if sys.platform == "win32":
        root.iconbitmap(default=artwork("app.ico"))
    else:
        from tkinter import PhotoImage  # `python -m gui --check` does without Tk

        # Tk forgets a picture that Python forgets.
        root.app_icon = PhotoImage(master=root, file=artwork("app.png"))
        root.iconphoto(True, root.app_icon)
