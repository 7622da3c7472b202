"""What every plot of a report looks like: one panel a picture, so that a page can stack them.

One accent colour and greys; what a shade says, a line style or a label says as well. The page turns
the pictures dark by inverting them, so the background is plain white.
"""

import io
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

ACCENT, INK, FAINT, PALE = "#0072B2", "#222222", "#8A8A8A", "#E8E8E8"
WIDTH, HEIGHT, DPI = 4.5, 4.2, 144

_SPLIT_STYLES: dict[str, dict[str, Any]] = {
    "train": {"color": FAINT, "linestyle": (0, (4, 2)), "linewidth": 1.8},
    "validation": {"color": ACCENT, "linestyle": "-", "linewidth": 2.2},
    "test": {"color": INK, "linestyle": (0, (1, 1)), "linewidth": 2.2},
}
_MEASURED_STYLE: dict[str, Any] = {"color": ACCENT, "linestyle": "-", "linewidth": 2.2}

_LONGEST_NAME = 24


def line_style(name: str) -> dict[str, Any]:
    """How the curve of a split, or of a directory measured for the report, is drawn."""
    return _SPLIT_STYLES.get(name, _MEASURED_STYLE)


def plain(name: str) -> str:
    """A name as matplotlib draws it: never as a formula, and no longer than a legend is wide."""
    short = name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 1]}…"
    return short.replace("$", r"\$")


def panel(width: float = WIDTH, height: float = HEIGHT) -> tuple[Figure, Axes]:
    """An empty plot. Without pyplot, which would keep every figure alive."""
    figure = Figure(figsize=(width, height), dpi=DPI, layout="constrained")
    return figure, figure.subplots()


def caption(axes: Axes, title: str, x: str, y: str) -> None:
    """Title and axis labels, and the quiet grid behind."""
    axes.set_title(title, fontsize=11, loc="left", color=INK, weight="bold")
    axes.set_xlabel(x, fontsize=10, color=INK)
    axes.set_ylabel(y, fontsize=10, color=INK)
    axes.tick_params(labelsize=9, colors=INK)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(color="#E5E5E5", lw=0.8)
    axes.set_axisbelow(True)


def legend(figure: Figure, columns: int = 1) -> None:
    """The legend, below the panel, where it covers nothing."""
    if any(axes.get_legend_handles_labels()[1] for axes in figure.axes):
        figure.legend(loc="outside lower left", ncols=columns, fontsize=9, frameon=False)


def png(figure: Figure) -> bytes:
    """The bytes of a PNG; the same figure gives the same bytes."""
    buffer = io.BytesIO()
    # Without matplotlib's version in it.
    figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()
