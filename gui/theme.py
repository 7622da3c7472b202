"""Colours, spacings and fonts of every widget: pairs for the light and the dark theme.

One accent colour, that of the icon, marks what can be pressed and what has the focus. The colours
of the verdicts are those of the heatmap (Okabe & Ito 2008), a little darker or lighter where text
needs it; none of them is ever the only sign.
"""

import sys

import customtkinter as ctk
import darkdetect

Pair = tuple[str, str]
"""A colour in the light theme, and in the dark one."""

WINDOW: Pair = ("#F4F5F7", "#16181D")
SURFACE: Pair = ("#FFFFFF", "#1F222A")
STAGE: Pair = ("#E8EAEE", "#0F1115")
TEXT: Pair = ("#1A1E26", "#ECEEF2")
MUTED: Pair = ("#596170", "#A0A8B6")
LINE: Pair = ("#DBDFE6", "#343A46")
ACCENT: Pair = ("#0F766E", "#12857A")
ACCENT_HOVER: Pair = ("#0B5C55", "#169A8D")
ACCENT_TEXT: Pair = ("#0F766E", "#4CC7B6")
ON_ACCENT: Pair = ("#FFFFFF", "#FFFFFF")
QUIET: Pair = ("#ECEEF2", "#2B303A")
QUIET_HOVER: Pair = ("#DFE2E9", "#3A404D")
SELECTED: Pair = ("#E6F3F1", "#17332F")
HOVER: Pair = ("#F6F7F9", "#252932")

REAL: Pair = ("#0069A3", "#56A9DE")
FAKE: Pair = ("#B94A00", "#F0883C")
UNDETERMINED: Pair = ("#596170", "#A0A8B6")
ERROR: Pair = ("#B3261E", "#F2766D")

GAP = 8
"""Between things that belong together, in unscaled pixels; other distances are multiples."""

SIDE_WIDTH = 356
"""Of the column beside the picture."""

TEXT_WIDTH = SIDE_WIDTH - 76
"""Of a text in a card of that column, until it is wrapped."""

RADIUS = 10

SMALL, NORMAL, LARGE, HUGE = 12, 13, 17, 22
"""Sizes of letters, in unscaled pixels."""


def font(size: int = NORMAL, *, bold: bool = False) -> tuple[str, int] | tuple[str, int, str]:
    """The app's font in a size, as customtkinter scales it."""
    family = ctk.ThemeManager.theme["CTkFont"]["family"]
    if bold and sys.platform == "linux":
        # customtkinter brings no bold Roboto: what Tk makes of the medium one is ugly.
        return (family, size + 1)
    return (family, size, "bold") if bold else (family, size)


def use_theme() -> None:
    """Make these the colours of every customtkinter widget; once, before the first window."""
    theme = ctk.ThemeManager.theme
    if sys.platform == "win32":
        theme["CTkFont"]["family"] = "Segoe UI"
    for kind, changes in _CHANGES.items():
        theme[kind].update(changes)


def system_theme() -> str:
    """The system's own theme, `"light"` or `"dark"`; on Linux this starts a process."""
    return "dark" if darkdetect.theme() == "Dark" else "light"


def set_theme(name: str) -> None:
    """Show every widget in the light or the dark theme: `"light"` or `"dark"`."""
    ctk.set_appearance_mode(name)


_CHANGES: dict[str, dict[str, object]] = {
    "CTk": {"fg_color": WINDOW},
    "CTkFrame": {
        "corner_radius": RADIUS,
        "fg_color": SURFACE,
        "top_fg_color": SURFACE,
        "border_color": LINE,
    },
    "CTkButton": {
        "corner_radius": 8,
        "fg_color": QUIET,
        "hover_color": QUIET_HOVER,
        "border_color": ACCENT,
        "text_color": TEXT,
        "text_color_disabled": MUTED,
    },
    "CTkLabel": {"text_color": TEXT},
    "CTkCheckBox": {
        "corner_radius": 5,
        "border_width": 2,
        "fg_color": ACCENT,
        "border_color": MUTED,
        "hover_color": ACCENT_HOVER,
        "checkmark_color": ON_ACCENT,
        "text_color": TEXT,
        "text_color_disabled": MUTED,
    },
    "CTkRadioButton": {
        "border_width_unchecked": 2,
        "border_width_checked": 5,
        "fg_color": ACCENT,
        "border_color": MUTED,
        "hover_color": ACCENT_HOVER,
        "text_color": TEXT,
        "text_color_disabled": MUTED,
    },
    "CTkProgressBar": {"fg_color": LINE, "progress_color": ACCENT},
    "CTkSlider": {
        "fg_color": LINE,
        "progress_color": ACCENT,
        "button_color": ACCENT,
        "button_hover_color": ACCENT_HOVER,
    },
    "CTkOptionMenu": {
        "corner_radius": 8,
        "fg_color": QUIET,
        "button_color": QUIET,
        "button_hover_color": QUIET_HOVER,
        "text_color": TEXT,
        "text_color_disabled": MUTED,
    },
    "CTkScrollbar": {
        "button_color": ("#C3C8D1", "#434956"),
        "button_hover_color": ("#A4ABB8", "#5A6273"),
    },
    "CTkSegmentedButton": {
        "corner_radius": 8,
        "fg_color": QUIET,
        "selected_color": ACCENT,
        "selected_hover_color": ACCENT_HOVER,
        "unselected_color": QUIET,
        "unselected_hover_color": QUIET_HOVER,
        "text_color": TEXT,
        "text_color_disabled": MUTED,
    },
    "DropdownMenu": {"fg_color": SURFACE, "hover_color": QUIET, "text_color": TEXT},
}
