"""What is drawn on the canvas beside pictures: the divider, and a sentence in their place."""

from typing import Any

from gui import theme
from gui.panels.themed_canvas import ThemedCanvas
from gui.theme import Pair
from gui.viewport import Seen

PAD = 16
"""Unscaled pixels between the canvas's edge and what is on it."""

_WHITE = "#FFFFFF"
_DARK: Pair = ("#15171C", "#15171C")


def draw_divider(canvas: ThemedCanvas, seen: Seen, x: float, words: tuple[str, str]) -> None:
    """Draw the line between before and after, with its handle.

    Args:
        canvas: to draw on.
        seen: where the picture is.
        x: of the line.
        words: for either side of it.
    """
    middle = seen.y + seen.height / 2
    line: dict[str, Any] = {"fill": _WHITE, "width": canvas.px(2)}
    canvas.create_line(x, seen.y, x, seen.y + seen.height, **line)
    radius, arrow = canvas.px(14), canvas.px(4)
    canvas.create_oval(
        *(x - radius, middle - radius, x + radius, middle + radius),
        fill=canvas.shade(theme.ACCENT),
        outline=_WHITE,
        width=canvas.px(2),
    )
    for side in (-1, 1):
        near, far = x + side * arrow, x + side * 2 * arrow
        points = [near, middle - arrow, far, middle, near, middle + arrow]
        canvas.create_line(points, **line)
    top = seen.y + canvas.px(12)
    _tag(canvas, words[0], x - canvas.px(12), top, "ne")
    _tag(canvas, words[1], x + canvas.px(12), top, "nw")


def draw_notice(canvas: ThemedCanvas, icon: str, text: str, hint: str) -> None:
    """Draw a sentence in the middle of a dashed frame.

    Args:
        canvas: to draw on.
        icon: above it, one of `icons.ICONS`.
        text: the sentence.
        hint: a second one, smaller.
    """
    width, height, pad = canvas.winfo_width(), canvas.winfo_height(), canvas.px(PAD)
    canvas.create_rectangle(
        *(pad, pad, width - pad, height - pad),
        outline=canvas.shade(theme.LINE),
        width=canvas.px(2),
        dash=(canvas.px(6), canvas.px(6)),
    )
    options: dict[str, Any] = {"width": width - 4 * pad, "justify": "center", "anchor": "n"}
    options["tags"] = "notice"
    colour = theme.ERROR if icon == "error" else theme.MUTED
    y = 0
    if height > canvas.px(220):
        image = canvas.icon(icon, colour, 52)
        canvas.create_image(width / 2, 0, anchor="n", image=image, tags="notice")
        y = canvas.px(70)
    title = canvas.create_text(
        width / 2,
        y,
        text=text,
        fill=canvas.shade(theme.TEXT),
        font=canvas.letters(theme.LARGE, bold=True),
        **options,
    )
    canvas.create_text(
        width / 2,
        canvas.bbox(title)[3] + canvas.px(8),
        text=hint,
        fill=canvas.shade(theme.MUTED),
        font=canvas.letters(theme.NORMAL),
        **options,
    )
    _, top, _, bottom = canvas.bbox("notice")
    canvas.move("notice", 0, (height - bottom - top) / 2)


def _tag(canvas: ThemedCanvas, word: str, x: float, y: float, anchor: Any) -> None:
    text = canvas.create_text(
        x, y, anchor=anchor, text=word, fill=_WHITE, font=canvas.letters(theme.SMALL)
    )
    left, top, right, bottom = canvas.bbox(text)
    wide, tall = canvas.px(7), canvas.px(3)
    box = (left - wide, top - tall, right + wide, bottom + tall)
    canvas.tag_lower(canvas.round_box(*box, _DARK), text)
