"""Which part of a picture is seen, and how large: the arithmetic of zooming and panning."""

from dataclasses import dataclass

LARGEST = 32.0
"""Window pixels along the side of a picture's pixel, at most."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What of the picture is to be drawn, and where.

    Attributes:
        box: (left, top, right, bottom) in fractions, 0 to 1, of the picture's sides.
        x, y, width, height: where that goes in the window, in whole pixels.
    """

    box: tuple[float, float, float, float]
    x: int
    y: int
    width: int
    height: int


class Viewport:
    """A window onto a picture.

    It shows the whole picture, however the window's size changes, until it is zoomed.

    Args:
        margin: window pixels that stay free on every side of a whole picture.

    Attributes:
        margin: see there.
        scale: window pixels for each of the picture's pixels.
        is_whole: whether the scale follows the window's size.
    """

    def __init__(self, margin: int = 0) -> None:
        self.margin = margin
        self._picture = (1, 1)
        self._window = (1, 1)
        self._centre = (0.5, 0.5)  # what of the picture is in the window's middle, in its pixels
        self.scale = 1.0
        self.is_whole = True

    def show(self, width: int, height: int) -> None:
        """Look at another picture, the whole of it."""
        self._picture = (width, height)
        self.fit()

    def resize(self, width: int, height: int) -> None:
        """The window has another size."""
        self._window = (max(width, 1), max(height, 1))
        if self.is_whole:
            self.fit()
        else:
            self._keep_inside()

    @property
    def whole_scale(self) -> float:
        """The scale at which the whole picture is seen; small pictures are not enlarged."""
        free = [max(side - 2 * self.margin, 1) for side in self._window]
        return min(*(w / p for w, p in zip(free, self._picture, strict=True)), 1.0)

    def fit(self) -> None:
        """Show the whole picture."""
        self.is_whole = True
        self.scale = self.whole_scale
        self._centre = (self._picture[0] / 2, self._picture[1] / 2)

    def zoom(self, factor: float, at: tuple[float, float] | None = None) -> None:
        """Enlarge by a factor; the place of the window `at` (default: its middle) stays put."""
        self.zoom_to(self.scale * factor, at)

    def zoom_to(self, scale: float, at: tuple[float, float] | None = None) -> None:
        """Show it at a scale; 1: every pixel."""
        scale = min(max(scale, self.whole_scale), LARGEST)
        x, y = at or (self._window[0] / 2, self._window[1] / 2)
        dx, dy = x - self._window[0] / 2, y - self._window[1] / 2
        change = 1 / self.scale - 1 / scale
        self._centre = (self._centre[0] + dx * change, self._centre[1] + dy * change)
        self.scale = scale
        self.is_whole = scale == self.whole_scale
        self._keep_inside()

    def pan(self, dx: float, dy: float) -> None:
        """Move the picture by window pixels."""
        self._centre = (self._centre[0] - dx / self.scale, self._centre[1] - dy / self.scale)
        self._keep_inside()

    def seen(self) -> Seen:
        """What of the picture is seen, and where in the window."""
        spans = [self._span(axis) for axis in (0, 1)]
        (x, width, left, right), (y, height, top, bottom) = spans
        return Seen((left, top, right, bottom), x, y, width, height)

    def _span(self, axis: int) -> tuple[int, int, float, float]:
        window, length = self._window[axis], self._picture[axis] * self.scale
        begin = window / 2 - self._centre[axis] * self.scale
        first = max(round(begin), 0)
        last = min(max(round(begin + length), first + 1), window)
        # An edge of the picture that is in the window is drawn, however the pixels are rounded.
        low = 0.0 if begin >= 0 else (first - begin) / length
        high = 1.0 if begin + length <= window else (last - begin) / length
        return first, max(last - first, 1), low, max(high, low + 1e-9)

    def _keep_inside(self) -> None:
        """No empty margin on one side while something is hidden on the other."""
        centre = []
        for window, picture, middle in zip(self._window, self._picture, self._centre, strict=True):
            half = window / 2 / self.scale
            smaller = 2 * half >= picture
            centre.append(picture / 2 if smaller else min(max(middle, half), picture - half))
        self._centre = (centre[0], centre[1])
