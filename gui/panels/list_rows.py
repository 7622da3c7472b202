"""The rows of many pictures on one canvas: only what is visible is drawn."""

import io
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from PIL import Image, ImageTk

from gui import theme
from gui.panels.themed_canvas import ThemedCanvas
from gui.theme import Pair

ROW = 64
"""Height of a row, in unscaled pixels."""

_THUMBNAILS = 300  # kept
_WHEEL = 3 * ROW // 2


@dataclass(frozen=True, slots=True)
class RowText:
    """What a row shows.

    Attributes:
        name: of the file; `folder`: where it is.
        icon: beside the verdict, one of `icons.ICONS`; empty: it has none yet.
        colour: of icon and verdict.
        verdict: its words.
        score: its digits; empty: there is none.
        thumbnail: a small JPEG file; None: not yet, or there is no picture.
    """

    name: str
    folder: str
    icon: str
    colour: Pair
    verdict: str
    score: str
    thumbnail: bytes | None


def columns(width: int, scale: float) -> tuple[int, int, int]:
    """Where the columns of name, score and verdict begin.

    Args:
        width: of the list, in pixels.
        scale: pixels for each unscaled one.
    """
    name = round(84 * scale)
    verdict = max(width - round(340 * scale), round(width * 0.5))
    return name, verdict - round(80 * scale), verdict


class ListRows(ThemedCanvas):
    """The rows.

    Args:
        master: the widget it is in.
        row: gives what the row of a number shows.
        open_row: called with the number of the row that a person opens.
        moved: called with the two ends, 0 to 1, of what is visible.

    Attributes:
        count: how many rows there are.
        selected: the row that the keyboard is on.
    """

    def __init__(
        self,
        master: Any,
        row: Callable[[int], RowText],
        open_row: Callable[[int], object],
        moved: Callable[[float, float], object],
    ) -> None:
        super().__init__(master, theme.SURFACE)
        self._row, self._open, self._scrolled = row, open_row, moved
        self.count = self.selected = 0
        self._top = 0.0
        self._hovered = -1
        self._has_focus = False
        self._thumbnails: OrderedDict[tuple[bytes, int], ImageTk.PhotoImage] = OrderedDict()
        self.configure(takefocus=1)
        self._bind_gestures()

    def show(self, count: int) -> None:
        """Show so many rows."""
        self.count = count
        self.selected = min(self.selected, max(count - 1, 0))
        self._scroll_to(self._top)

    def to_top(self) -> None:
        """Go back to the first row."""
        self.selected = 0
        self._scroll_to(0.0)

    def yview(self, *command: Any) -> None:  # type: ignore[override]
        """Do what a scrollbar says."""
        if command[0] == "moveto":
            self._scroll_to(float(command[1]) * self._whole)
        else:
            unit = self.winfo_height() if command[2] == "pages" else self.px(ROW)
            self._scroll_to(self._top + int(command[1]) * unit)

    def _bind_gestures(self) -> None:
        self.bind("<Configure>", lambda _: self._scroll_to(self._top))
        self.bind("<MouseWheel>", lambda e: self._wheel(-1 if e.delta > 0 else 1))
        self.bind("<Button-4>", lambda _: self._wheel(-1))
        self.bind("<Button-5>", lambda _: self._wheel(1))
        self.bind("<ButtonRelease-1>", self._click)
        self.bind("<Motion>", lambda e: self._hover(self._at(e.y)))
        self.bind("<Leave>", lambda _: self._hover(-1))
        self.bind("<FocusIn>", lambda _: self._focus(True))
        self.bind("<FocusOut>", lambda _: self._focus(False))
        page = 8
        for key, by in (("Up", -1), ("Down", 1), ("Prior", -page), ("Next", page)):
            self.bind(f"<{key}>", lambda _, by=by: self._select(self.selected + by))  # type: ignore[misc]
        self.bind("<Home>", lambda _: self._select(0))
        self.bind("<End>", lambda _: self._select(self.count - 1))
        self.bind("<Return>", lambda _: self.count and self._open(self.selected))
        self.bind("<space>", lambda _: self.count and self._open(self.selected))

    @property
    def _whole(self) -> float:
        return float(max(self.count * self.px(ROW), 1))

    def _scroll_to(self, top: float) -> None:
        self._top = min(max(top, 0.0), max(self._whole - self.winfo_height(), 0.0))
        first, last = self._top / self._whole, (self._top + self.winfo_height()) / self._whole
        self._scrolled(first, min(last, 1.0))
        self.redraw()

    def _wheel(self, direction: int) -> None:
        self._scroll_to(self._top + direction * self.px(_WHEEL))

    def _at(self, y: int) -> int:
        row = int((y + self._top) // self.px(ROW))
        return row if 0 <= row < self.count else -1

    def _click(self, event: Any) -> None:
        self.focus_set()
        row = self._at(event.y)
        if row >= 0:
            self.selected = row
            self._open(row)

    def _hover(self, row: int) -> None:
        if row != self._hovered:
            self._hovered = row
            self.configure(cursor="hand2" if row >= 0 else "")
            self.redraw()

    def _focus(self, focused: bool) -> None:
        self._has_focus = focused
        self.redraw()

    def _select(self, row: int) -> None:
        self.selected = min(max(row, 0), max(self.count - 1, 0))
        tall, top = self.px(ROW), self.selected * self.px(ROW)
        if top < self._top:
            self._scroll_to(top)
        elif top + tall > self._top + self.winfo_height():
            self._scroll_to(top + tall - self.winfo_height())
        self.redraw()

    def draw(self) -> None:
        """Draw the visible rows."""
        tall = self.px(ROW)
        first = int(self._top // tall)
        last = min(int((self._top + self.winfo_height()) // tall) + 1, self.count)
        for number in range(first, last):
            self._draw_row(number, round(number * tall - self._top), tall)

    def _draw_row(self, number: int, y: int, tall: int) -> None:
        row, width = self._row(number), self.winfo_width()
        gap = self.px(theme.GAP)
        is_selected = self._has_focus and number == self.selected
        if is_selected or number == self._hovered:
            colour = theme.SELECTED if is_selected else theme.HOVER
            edge = {"outline": self.shade(theme.ACCENT), "width": self.px(1)} if is_selected else {}
            self.round_box(gap // 2, y + 1, width - gap // 2, y + tall - 2, colour, **edge)
        self.create_line(2 * gap, y + tall, width - 2 * gap, y + tall, fill=self.shade(theme.LINE))
        name, score, verdict = columns(width, self._get_widget_scaling())
        middle = y + tall // 2
        if row.thumbnail is not None:
            photo = self._thumbnail(row.thumbnail)
            self.create_image(2 * gap + self.px(24), middle, image=photo)
        else:
            icon = "error" if row.icon == "error" else "picture"
            image = self.icon(icon, theme.LINE, 30)
            self.create_image(2 * gap + self.px(24), middle, image=image)
        room = score - name - gap
        self._line(row.name, name, middle - self.px(10), theme.TEXT, theme.NORMAL, room)
        self._line(row.folder, name, middle + self.px(11), theme.MUTED, theme.SMALL, room)
        self._line(row.score, score, middle, theme.TEXT, theme.NORMAL, self.px(70))
        if row.icon:
            icon_at = verdict + self.px(10)
            self.create_image(icon_at, middle, image=self.icon(row.icon, row.colour, 20))
        left = verdict + self.px(30 if row.icon else 0)
        self.create_text(
            left,
            middle,
            anchor="w",
            text=row.verdict,
            fill=self.shade(row.colour),
            font=self.letters(theme.SMALL, bold=bool(row.icon)),
            width=width - left - 2 * gap,
        )

    def _line(self, text: str, x: int, y: int, colour: Pair, size: int, room: int) -> None:
        font = self.letters(size)
        item = self.create_text(x, y, anchor="w", text=text, fill=self.shade(colour), font=font)
        left, _, right, _ = self.bbox(item) or (0, 0, 0, 0)
        if right - left > room > 0:
            keep = max(int(len(text) * room / (right - left)) - 2, 4)
            begin = keep // 2
            self.itemconfigure(item, text=f"{text[:begin]}…{text[begin - keep :]}")

    def _thumbnail(self, data: bytes) -> ImageTk.PhotoImage:
        side = self.px(48)
        key = (data, side)
        if key not in self._thumbnails:
            image = Image.open(io.BytesIO(data))
            image.thumbnail((side, side), Image.Resampling.LANCZOS)
            self._thumbnails[key] = ImageTk.PhotoImage(image, master=self)
            if len(self._thumbnails) > _THUMBNAILS:
                self._thumbnails.popitem(last=False)
        self._thumbnails.move_to_end(key)
        return self._thumbnails[key]
