"""The picture itself: whole, sharp, to zoom and to pan; its heatmap; before and after."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from PIL import Image

from gui import theme
from gui.panels.picture_marks import PAD, draw_divider, draw_notice
from gui.panels.themed_canvas import ThemedCanvas
from gui.viewport import Viewport

if TYPE_CHECKING:
    from gui.pyramid import Pyramid

_STEP = 1.25  # of zooming
_ARROW = 60  # pixels that an arrow key pans
_NEAR = 12  # pixels within which the divider is caught


class PictureView(ThemedCanvas):
    """The canvas that a picture is looked at on.

    Args:
        master: the widget it is in.
        before, after: the words at either side of the divider.
        activate: what a click does while there is no picture.
        zoomed: called when the scale has changed.

    Attributes:
        divider: where the enhanced picture begins, 0 to 1 of the picture's width.
        opacity: of the heatmap, 0 to 1.
        viewport: which part is seen.
    """

    def __init__(
        self,
        master: Any,
        before: str,
        after: str,
        activate: Callable[[], object],
        zoomed: Callable[[], object],
    ) -> None:
        super().__init__(master, theme.STAGE)
        self._words = (before, after)
        self._activate, self._zoomed = activate, zoomed
        self._original: Pyramid | None = None
        self._enhanced: Pyramid | None = None
        self._heatmap: tuple[Pyramid, Pyramid] | None = None
        self._notice = ("", "", "")
        self.divider, self.opacity = 0.5, 0.6
        self.viewport = Viewport()
        self._has_focus = False
        self._grabbed: tuple[str, float, float] | None = None
        self.configure(takefocus=1)
        self._bind_gestures()

    def show_notice(self, icon: str, text: str, hint: str = "") -> None:
        """Show a sentence in the place of a picture.

        Args:
            icon: one of `icons.ICONS`.
            text: the sentence.
            hint: a second one, smaller.
        """
        self._original = self._enhanced = self._heatmap = None
        self._notice = (icon, text, hint)
        self.redraw()

    def show(self, picture: "Pyramid") -> None:
        """Show a picture; the whole of it, if it is another one."""
        if picture is not self._original:
            self._original = picture
            self._enhanced = self._heatmap = None
            self.viewport.show(*picture.size)
        self.redraw()

    def show_enhanced(self, picture: "Pyramid | None") -> None:
        """Show the enhanced form right of the divider; None: there is none."""
        if picture is not None and self._enhanced is None:
            self.divider = 0.5
        self._enhanced = picture
        self.redraw()

    def show_heatmap(self, layers: "tuple[Pyramid, Pyramid] | None") -> None:
        """Show the heatmap in the picture's place: its grey picture and its full colours."""
        self._heatmap = layers
        self.redraw()

    @property
    def has_picture(self) -> bool:
        """Whether there is something to zoom."""
        return self._original is not None

    def zoom(self, steps: float, at: tuple[float, float] | None = None) -> None:
        """Enlarge (or, with negative steps, shrink) around a place of the window."""
        self.viewport.zoom(_STEP**steps, at)
        self._moved()

    def zoom_whole(self) -> None:
        """Show the whole picture."""
        self.viewport.fit()
        self._moved()

    def zoom_full(self) -> None:
        """Show every pixel."""
        self.viewport.zoom_to(1.0)
        self._moved()

    def _moved(self) -> None:
        self.redraw()
        self._zoomed()

    def _bind_gestures(self) -> None:
        self.bind("<Configure>", lambda _: self._resized())
        self.bind("<ButtonPress-1>", self._press)
        self.bind("<B1-Motion>", self._drag)
        self.bind("<ButtonRelease-1>", self._release)
        self.bind("<Double-Button-1>", self._double)
        self.bind("<Motion>", self._hover)
        self.bind("<MouseWheel>", lambda e: self.zoom(1 if e.delta > 0 else -1, (e.x, e.y)))
        self.bind("<Button-4>", lambda e: self.zoom(1, (e.x, e.y)))
        self.bind("<Button-5>", lambda e: self.zoom(-1, (e.x, e.y)))
        self.bind("<space>", lambda _: self._original is None and self._activate())
        self.bind("<Return>", lambda _: self._original is None and self._activate())
        for key, dx, dy in (("Left", 1, 0), ("Right", -1, 0), ("Up", 0, 1), ("Down", 0, -1)):
            self.bind(f"<{key}>", lambda _, dx=dx, dy=dy: self._arrow(dx, dy))  # type: ignore[misc]
            self.bind(f"<Shift-{key}>", lambda _, dx=dx, dy=dy: self._pan(dx, dy))  # type: ignore[misc]
        # Tk sends this when Tab brings the focus: a click needs no frame around the picture.
        self.bind("<<TraverseIn>>", lambda _: self._focus(True))
        self.bind("<FocusOut>", lambda _: self._focus(False))

    def _focus(self, focused: bool) -> None:
        self._has_focus = focused
        self.redraw()

    def _resized(self) -> None:
        self.viewport.margin = self.px(PAD)
        self.viewport.resize(self.winfo_width(), self.winfo_height())
        self.draw_now()
        self._zoomed()

    def _arrow(self, dx: int, dy: int) -> None:
        if self._enhanced is not None and self._heatmap is None and dx:
            self.divider = min(max(self.divider - dx * 0.02, 0.0), 1.0)
            self.redraw()
        else:
            self._pan(dx, dy)

    def _pan(self, dx: int, dy: int) -> None:
        self.viewport.pan(dx * _ARROW, dy * _ARROW)
        self.redraw()

    def _press(self, event: Any) -> None:
        self.focus_set()
        if self._original is None:
            self._activate()
            return
        kind = "divider" if self._near_divider(event.x) else "picture"
        self._grabbed = (kind, event.x, event.y)
        if kind == "picture":
            self.configure(cursor="fleur")

    def _drag(self, event: Any) -> None:
        if self._grabbed is None:
            return
        kind, x, y = self._grabbed
        if kind == "divider":
            self._move_divider(event.x)
        else:
            self.viewport.pan(event.x - x, event.y - y)
            self._grabbed = (kind, event.x, event.y)
        self.redraw()

    def _release(self, event: Any) -> None:
        self._grabbed = None
        self._hover(event)

    def _double(self, event: Any) -> None:
        if self._original is None:
            return
        if self.viewport.is_whole:
            self.viewport.zoom_to(1.0, (event.x, event.y))
        else:
            self.viewport.fit()
        self._moved()

    def _hover(self, event: Any) -> None:
        near = self._near_divider(event.x)
        empty = "hand2" if self._original is None else ""
        self.configure(cursor="sb_h_double_arrow" if near else empty)

    def _near_divider(self, x: float) -> bool:
        if self._enhanced is None or self._heatmap is not None:
            return False
        return abs(x - self._divider_x()) <= self.px(_NEAR)

    def _divider_x(self) -> float:
        seen = self.viewport.seen()
        left, _, right, _ = seen.box
        share = (self.divider - left) / (right - left)
        return seen.x + min(max(share, 0.0), 1.0) * seen.width

    def _move_divider(self, x: float) -> None:
        seen = self.viewport.seen()
        left, _, right, _ = seen.box
        share = min(max((x - seen.x) / seen.width, 0.0), 1.0)
        self.divider = left + share * (right - left)

    def draw(self) -> None:
        """Draw what there is to see."""
        if self._original is None:
            draw_notice(self, *self._notice)
        else:
            seen = self.viewport.seen()
            image = self._picture(self._original)
            self.create_image(seen.x, seen.y, anchor="nw", image=self.photo(image))
            if self._enhanced is not None and self._heatmap is None:
                draw_divider(self, seen, self._divider_x(), self._words)
        if self._has_focus:
            inset = self.px(1)
            self.create_rectangle(
                *(inset, inset, self.winfo_width() - inset - 1, self.winfo_height() - inset - 1),
                outline=self.shade(theme.ACCENT),
                width=self.px(2),
            )

    def _picture(self, original: "Pyramid") -> Image.Image:
        seen = self.viewport.seen()
        size = (seen.width, seen.height)
        if self._heatmap is not None:
            grey, coloured = (layer.draw(seen.box, *size) for layer in self._heatmap)
            return Image.blend(grey, coloured, self.opacity)
        image = original.draw(seen.box, *size)
        if self._enhanced is not None:
            after = self._enhanced.draw(seen.box, *size)
            cut = round(self._divider_x()) - seen.x
            if cut < seen.width:
                image.paste(after.crop((cut, 0, seen.width, seen.height)), (cut, 0))
        return image
