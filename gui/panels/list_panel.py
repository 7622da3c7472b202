"""Many pictures: how far it is, their verdicts as they come, sorting, export."""

import time
from collections.abc import Callable
from typing import Any

import customtkinter as ctk

from gui import theme
from gui.folder_walk import LeftOut
from gui.panels.controls import Button
from gui.panels.list_rows import ListRows, RowText, columns
from gui.panels.themed_canvas import get_scaling
from gui.panels.tooltip import Tooltip
from gui.panels.verdict_panel import VERDICT_COLOURS
from gui.picture_list import Entry, Order, Stage, sort_key
from gui.session import Session
from gui.texts import Texts
from keras_detector.picture_files import Skipped
from keras_detector.printable import printable

_SORT_AGAIN = 1.0  # seconds between two sortings while verdicts come in


class ListPanel(ctk.CTkFrame):
    """The list.

    Args:
        master: the widget it is in.
        texts: the texts of the language.
        session: whose list it is.
        open_entry: called with the picture that a person opens.
        export: saves the list.
    """

    def __init__(
        self,
        master: Any,
        texts: Texts,
        session: Session,
        open_entry: Callable[[Entry], object],
        export: Callable[[], object],
    ) -> None:
        super().__init__(master)
        self._texts, self._session = texts, session
        self._order: Order | None = None
        self._is_reversed = False
        self._entries: list[Entry] = []
        self._entries_of: list[Entry] | None = None
        self._sorted_at = 0.0
        self._add_top(export)
        self._heads = ctk.CTkFrame(self, fg_color="transparent", height=34)
        self._heads.pack(fill="x", padx=theme.GAP)
        self.heads = {order: self._head(order) for order in Order}
        body = ctk.CTkFrame(self, fg_color="transparent")
        body.pack(fill="both", expand=True, padx=theme.GAP, pady=(0, theme.GAP))
        bar = ctk.CTkScrollbar(body)
        self.rows = ListRows(
            body, self._row, lambda number: open_entry(self._entries[number]), bar.set
        )
        bar.configure(command=self.rows.yview)
        bar.pack(side="right", fill="y")
        self.rows.pack(side="left", fill="both", expand=True)
        self.rows.bind("<Configure>", lambda event: self._place_heads(event.width), add="+")
        self.show()

    def show(self) -> None:
        """Show the session's state."""
        pictures, texts = self._session.pictures, self._texts
        self._sort_if_due()
        share = pictures.done / pictures.found if pictures.found else 0.0
        self.progress.set(share)
        running = pictures.stage in (Stage.LOOKING, Stage.JUDGING)
        self.cancel.configure(state="normal" if running else "disabled")
        self.export.configure(state="normal" if pictures.done else "disabled")
        match pictures.stage:
            case Stage.LOOKING:
                text = texts("list.looking")
            case Stage.JUDGING:
                text = texts("list.progress", done=pictures.done, found=pictures.found)
                left = pictures.seconds_left
                if left is not None:
                    text += ", " + texts("list.left", time=texts.duration(left))
            case Stage.CANCELLED:
                text = texts("list.cancelled", done=pictures.done, found=pictures.found)
            case _ if not pictures.found:
                text = texts("list.nothing")
            case _:
                text = texts.count("list.finished", pictures.found, errors=pictures.errors)
        if pictures.left_out:
            text += ", " + texts("list.left_out")
        self.left_out.text = "\n".join(
            self._left_out(skipped, what) for skipped, what in sorted(pictures.left_out.items())
        )
        self.status.configure(text=text)

    def sort_by(self, order: Order) -> None:
        """Sort by a column; a second time the other way round."""
        self._is_reversed = order is self._order and not self._is_reversed
        self._order = order
        self._show_order()

    def take_order(self, other: "ListPanel") -> None:
        """Sort as another list does."""
        self._order, self._is_reversed = other._order, other._is_reversed
        self._show_order()

    def _show_order(self) -> None:
        self._sort()
        self.rows.to_top()
        for other, button in self.heads.items():
            mark = ("  ↑" if self._is_reversed else "  ↓") if other is self._order else ""
            button.configure(text=self._texts(f"list.sort_{other.value}") + mark)

    def _add_top(self, export: Callable[[], object]) -> None:
        texts = self._texts
        top = ctk.CTkFrame(self, fg_color="transparent")
        top.pack(fill="x", padx=theme.GAP * 2, pady=(theme.GAP * 2, theme.GAP))
        title = ctk.CTkLabel(
            top, text=texts("list.title"), font=theme.font(theme.LARGE, bold=True), anchor="w"
        )
        title.pack(side="left")
        self.export = Button(top, texts("list.export"), export)
        self.export.pack(side="right")
        self.cancel = Button(top, texts("list.cancel"), self._session.pictures.cancel)
        self.cancel.pack(side="right", padx=theme.GAP)
        self.status = ctk.CTkLabel(
            top, text="", font=theme.font(), text_color=theme.MUTED, anchor="e"
        )
        self.status.pack(side="right", padx=theme.GAP)
        self.left_out = Tooltip(self.status, "")
        self.progress = ctk.CTkProgressBar(self, height=6)
        self.progress.pack(fill="x", padx=theme.GAP * 2, pady=(0, theme.GAP))

    def _head(self, order: Order) -> Button:
        return Button(
            self._heads,
            self._texts(f"list.sort_{order.value}"),
            lambda: self.sort_by(order),
            height=28,
            fg_color="transparent",
            text_color=theme.MUTED,
            anchor="w",
        )

    def _place_heads(self, width: int) -> None:
        scale = get_scaling(self)
        name, score, verdict = columns(width, scale)
        for order, x in ((Order.NAME, name), (Order.SCORE, score), (Order.VERDICT, verdict)):
            self.heads[order].place(x=x / scale - 10, y=2)

    def _sort_if_due(self) -> None:
        pictures = self._session.pictures
        is_over = pictures.stage is not Stage.JUDGING
        is_other = self._entries_of is not pictures.entries
        if is_other or is_over or time.monotonic() - self._sorted_at > _SORT_AGAIN:
            self._sort()
        else:
            self.rows.redraw()

    def _sort(self) -> None:
        self._sorted_at = time.monotonic()
        entries = self._entries_of = self._session.pictures.entries
        order = self._order
        if order is None:
            self._entries = entries
        else:
            decide = self._session.decide
            self._entries = sorted(
                entries,
                key=lambda e: sort_key(e, decide(e.examination) if e.examination else None, order),
                reverse=self._is_reversed,
            )
        self.rows.show(len(self._entries))

    def _left_out(self, skipped: Skipped, what: LeftOut) -> str:
        names = ", ".join(printable(name) for name in what.examples)
        more = ", ..." if what.count > len(what.examples) else ""
        return f"{self._texts(f'left_out.{skipped.name.lower()}')}: {what.count} ({names}{more})"

    def _row(self, number: int) -> RowText:
        entry, texts = self._entries[number], self._texts
        name, folder = printable(entry.path.name), printable(entry.path.parent)
        if entry.error is not None:
            words = f"{texts('verdict.unreadable')}: {texts.error(entry.error)}"
            return RowText(name, folder, "error", theme.ERROR, words, "", entry.thumbnail)
        if entry.examination is None:
            return RowText(name, folder, "", theme.MUTED, "", "", entry.thumbnail)
        prediction = self._session.decide(entry.examination)
        return RowText(
            name,
            folder,
            prediction.verdict.value,
            VERDICT_COLOURS[prediction.verdict],
            texts(f"verdict.{prediction.verdict}"),
            texts.number(prediction.score, 2),
            entry.thumbnail,
        )
