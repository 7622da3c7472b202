"""The score on a line from photograph to fake, with the threshold and what is too close to call."""

from typing import Any

from PIL import Image, ImageDraw

from gui import theme
from gui.panels.themed_canvas import ThemedCanvas
from gui.panels.tooltip import Tooltip
from gui.theme import Pair

_FINE = 4
_EDGE, _TOP, _LINE, _MARK = 10, 22, 8, 9  # unscaled pixels


class ScoreScale(ThemedCanvas):
    """The scale; empty until it is given a score.

    Args:
        master: the widget it is in.
        real: the word at the left end.
        fake: the word at the right end.
        tip: what the scale means, shown where the pointer rests.
    """

    def __init__(self, master: Any, real: str, fake: str, tip: str) -> None:
        super().__init__(master, theme.SURFACE, height=58)
        self._real, self._fake = real, fake
        self._words = ""
        self._score: float | None = None
        self._threshold = 0.5
        self._abstain = (0.5, 0.5)
        self._colour: Pair = theme.UNDETERMINED
        Tooltip(self, tip)

    def show(
        self,
        score: float | None,
        threshold: float,
        words: str,
        abstain: tuple[float, float],
        colour: Pair,
    ) -> None:
        """Show a score.

        Args:
            score: 0 to 1; None: there is none yet.
            threshold: from which on it means fake.
            words: at the threshold; empty: it is not known yet, nor drawn.
            abstain: between these it means neither.
            colour: of the mark.
        """
        self._score, self._threshold, self._abstain = score, threshold, abstain
        self._words, self._colour = words, colour
        self.redraw()

    def draw(self) -> None:
        """Draw it."""
        width, height = self.winfo_width(), self.winfo_height()
        if width < self.px(60):
            return
        self.create_image(0, 0, anchor="nw", image=self.photo(self._drawing(width, height)))
        small = self.letters(theme.SMALL)
        muted = self.shade(theme.MUTED)
        y = self.px(_TOP + _LINE + 12)
        self.create_text(
            self.px(_EDGE / 2), y, anchor="nw", text=self._real, fill=muted, font=small
        )
        self.create_text(
            width - self.px(_EDGE / 2), y, anchor="ne", text=self._fake, fill=muted, font=small
        )
        word = self.create_text(
            self._place(self._threshold, width),
            self.px(_TOP - 11),
            text=self._words,
            fill=muted,
            font=small,
        )
        left, _, right, _ = self.bbox(word) or (0, 0, 0, 0)
        self.move(word, max(0, -left) - max(0, right - width), 0)

    def _place(self, value: float, width: int) -> float:
        edge = self.px(_EDGE)
        return edge + value * (width - 2 * edge)

    def _drawing(self, width: int, height: int) -> Image.Image:
        image = Image.new("RGB", (width * _FINE, height * _FINE), self.shade(theme.SURFACE))
        draw = ImageDraw.Draw(image)
        top, bottom = (self.px(v) * _FINE for v in (_TOP, _TOP + _LINE))
        middle = (top + bottom) / 2

        def at(value: float) -> float:
            return self._place(value, width) * _FINE

        draw.rounded_rectangle(
            (at(0), top, at(1), bottom), (bottom - top) / 2, self.shade(theme.LINE)
        )
        low, high = self._abstain
        if high > low:
            draw.rectangle((at(low), top, at(high), bottom), self.shade(("#B9C0CB", "#596274")))
        thin, reach = self.px(1) * _FINE, self.px(4) * _FINE
        x = at(self._threshold)
        if self._words:
            draw.rectangle(
                (x - thin, top - reach, x + thin, bottom + reach), self.shade(theme.TEXT)
            )
        if self._score is not None:
            x, radius = at(self._score), self.px(_MARK) * _FINE
            ring = radius - self.px(2.5) * _FINE
            for size, colour in ((radius, theme.SURFACE), (ring, self._colour)):
                draw.ellipse((x - size, middle - size, x + size, middle + size), self.shade(colour))
        return image.resize((width, height), Image.Resampling.LANCZOS)
