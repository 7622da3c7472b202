"""The plots of a training report, each as the bytes of a PNG.

Colours are Okabe and Ito's, told apart with every kind of colour vision; what a colour says, a
line style or a label says as well.
"""

import io
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.ticker import MaxNLocator, PercentFormatter

from keras_detector.card import Estimate, Figures, Threshold
from keras_detector.card_text import format_estimate
from keras_detector.labels import LABEL_NAMES, Label
from keras_detector.measure import Labels, Scores, equal_mass_bins, wilson

Scored = Mapping[str, tuple[Labels, Scores]]
"""Split name to its labels (integers of shape (n,)) and scores (floats of shape (n,), 0 to 1)."""

_SPLIT_STYLES: dict[str, dict[str, Any]] = {
    "train": {"color": "#0072B2", "linestyle": (0, (4, 2)), "linewidth": 1.8},
    "validation": {"color": "#E69F00", "linestyle": "-", "linewidth": 2.2},
    "test": {"color": "#009E73", "linestyle": (0, (1, 1)), "linewidth": 2.6},
}
_CLASS_COLOURS = {Label.REAL: "#56B4E9", Label.FAKE: "#D55E00"}
_INK, _FAINT = "#222222", "#8A8A8A"
_WIDTH, _HEIGHT, _DPI = 9.0, 4.2, 144
_MARKED_EPOCHS = 30


def plot_history(
    history: Mapping[str, Sequence[float]], best_epoch: int, target_accuracy: float | None
) -> bytes:
    """Loss and accuracy over the epochs, train and validation.

    Args:
        history: Keras's `loss`, `accuracy`, `val_loss` and `val_accuracy`, a value per epoch.
        best_epoch: the epoch whose weights were kept, from 1; it is marked.
        target_accuracy: where training was to stop; drawn as a line, None for none.
    """
    figure, panels = _panels(2)
    for axes, name in zip(panels, ("loss", "accuracy"), strict=True):
        for split, values in (("train", history[name]), ("validation", history[f"val_{name}"])):
            epochs = np.arange(1, len(values) + 1)
            marker = "o" if len(values) <= _MARKED_EPOCHS else ""
            axes.plot(epochs, values, label=split, marker=marker, ms=4, **_SPLIT_STYLES[split])
        axes.axvline(best_epoch, color=_FAINT, lw=1, zorder=0, label=f"kept: epoch {best_epoch}")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        _label(axes, name.capitalize(), "epoch", "binary cross-entropy" if name == "loss" else "")
    if target_accuracy is not None:
        panels[1].axhline(
            target_accuracy, color=_INK, lw=1, ls=":", label=f"target: {target_accuracy:.1%}"
        )
    panels[1].yaxis.set_major_formatter(PercentFormatter(1))
    for axes in panels:
        _legend(axes, "best")
    return _png(figure)


def plot_confusion(figures: Mapping[str, Figures]) -> bytes:
    """A confusion matrix per split, side by side: counts, and the share of each row."""
    figure, panels = _panels(len(figures), height=3.6)
    for axes, (split, of_split) in zip(panels, figures.items(), strict=True):
        counts = np.array(of_split.confusion_matrix)
        shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
        axes.imshow(shares, cmap="Blues", vmin=0, vmax=1.25)
        for (row, column), count in np.ndenumerate(counts):
            share = f"{shares[row, column]:.1%}" if counts[row].any() else "none"
            ink = "white" if shares[row, column] > 0.6 else _INK
            axes.text(column, row - 0.08, f"{count:,}", ha="center", size=13, color=ink)
            axes.text(column, row + 0.2, share, ha="center", size=10, color=ink)
        _label(axes, f"{split} (n = {of_split.n:,})", "decided as", "truth")
        axes.grid(visible=False)
        axes.set_xticks(range(len(LABEL_NAMES)), LABEL_NAMES)
        axes.set_yticks(range(len(LABEL_NAMES)), LABEL_NAMES)
    return _png(figure)


def plot_roc(scored: Scored, figures: Mapping[str, Figures], threshold: Threshold) -> bytes:
    """ROC curve of every split that has both classes; a dot where the threshold puts it.

    The second panel enlarges the corner the dots lie in.
    """
    from sklearn.metrics import roc_curve

    figure, panels = _panels(2)
    dots = []
    for split, (labels, scores) in scored.items():
        of_split = figures[split]
        if of_split.roc_auc is None:
            continue
        false_alarms, found, _ = roc_curve(labels, scores)
        (_, fp), (_, tp) = of_split.confusion_matrix
        dots.append((fp / of_split.n_real, tp / of_split.n_fake))
        _curve(panels, split, false_alarms, found, of_split.roc_auc, "default")
    corner = _corner([max(x, 1 - y) for x, y in dots])
    panels[0].plot([0, 1], [0, 1], color=_FAINT, lw=1, ls=":", label="chance")
    for axes in panels:
        _label(axes, "ROC curve", "false alarms (share of real pictures)", "fakes found (recall)")
    _finish_curves(panels, dots, threshold, (0, corner), (1 - corner, 1))
    return _png(figure)


def plot_precision_recall(
    scored: Scored, figures: Mapping[str, Figures], threshold: Threshold
) -> bytes:
    """Precision-recall curve of every split that has both classes, as `plot_roc`."""
    from sklearn.metrics import precision_recall_curve

    figure, panels = _panels(2)
    dots = []
    for split, (labels, scores) in scored.items():
        of_split = figures[split]
        if of_split.pr_auc is None:
            continue
        precision, recall, _ = precision_recall_curve(labels, scores, drop_intermediate=True)
        if of_split.precision is not None and of_split.recall is not None:
            dots.append((of_split.recall.value, of_split.precision.value))
        _curve(panels, split, recall[::-1], precision[::-1], of_split.pr_auc, "steps-pre")
    corner = _corner([1 - min(dot) for dot in dots])
    for axes in panels:
        _label(
            axes, "Precision-recall curve", "fakes found (recall)", "right accusations (precision)"
        )
    _finish_curves(panels, dots, threshold, (1 - corner, 1), (1 - corner, 1))
    return _png(figure)


def plot_calibration(
    split: str, labels: Labels, scores: Scores, figures: Figures, threshold: Threshold
) -> bytes:
    """Reliability diagram of one split, and how its scores are spread in each class.

    The points are the 15 bins of equal mass that the calibration error is taken over, with the
    95 % interval of the share of fakes in each.
    """
    figure, (reliability, spread) = _panels(2)
    order = np.argsort(-scores, kind="stable")
    for members in np.split(order, equal_mass_bins(scores[order])[1:]):
        share = wilson(int(labels[members].sum()), members.size)
        if share is not None:
            bars = [[share.value - share.low], [share.high - share.value]]
            mean = float(scores[members].mean())
            reliability.errorbar(
                mean, share.value, bars, fmt="o", ms=5, lw=1.3, color=_SPLIT_STYLES[split]["color"]
            )
    if figures.ece is not None:
        reliability.plot([], [], " ", label=f"calibration error {format_estimate(figures.ece)}")
    reliability.plot([0, 1], [0, 1], color=_FAINT, lw=1, ls=":", label="perfect", zorder=0)
    reliability.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
    _label(reliability, f"Reliability ({split})", "mean score of a bin", "share of fakes in it")
    edges = np.linspace(0, 1, 41)
    for label, colour in _CLASS_COLOURS.items():
        counts, _ = np.histogram(scores[labels == label], edges)
        name, real = f"{label.text} (n = {counts.sum():,})", label is Label.REAL
        spread.stairs(counts, edges, fill=real, color=colour, lw=2, label=name, zorder=2 + label)
    low, high = threshold.abstain
    if low < high:
        spread.axvspan(low, high, color="#E8E8E8", lw=0, label="no verdict", zorder=0)
    spread.axvline(
        threshold.value, color=_INK, lw=1.2, label=f"threshold {threshold.value:.3f}", zorder=4
    )
    spread.set_yscale("log")
    spread.set(xlim=(-0.02, 1.02), ylim=(0.7, None))
    _label(spread, f"Scores ({split})", "score", "pictures")
    _legend(reliability, "upper left")
    _legend(spread, "upper center")
    return _png(figure)


def _panels(count: int, height: float = _HEIGHT) -> tuple[Figure, list[Axes]]:
    layout = ConstrainedLayoutEngine(wspace=0.06)
    figure = Figure(figsize=(_WIDTH, height), dpi=_DPI, layout=layout)
    return figure, list(np.ravel(figure.subplots(1, count, squeeze=False)))


def _label(axes: Axes, title: str, x: str, y: str) -> None:
    axes.set_title(title, fontsize=11, loc="left", color=_INK, weight="bold")
    axes.set_xlabel(x, fontsize=10, color=_INK)
    axes.set_ylabel(y, fontsize=10, color=_INK)
    axes.tick_params(labelsize=9, colors=_INK)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(color="#E5E5E5", lw=0.8)
    axes.set_axisbelow(True)


def _legend(axes: Axes, place: Literal["best", "upper left", "upper center"]) -> None:
    legend = axes.legend(loc=place, fontsize=9, framealpha=0.9, edgecolor="none")
    legend.set_zorder(10)


def _curve(
    panels: Sequence[Axes], split: str, x: Scores, y: Scores, area: Estimate, drawstyle: str
) -> None:
    for axes in panels:
        axes.plot(
            x,
            y,
            drawstyle=drawstyle,
            label=f"{split}: AUC {format_estimate(area)}",
            **_SPLIT_STYLES[split],
        )


def _corner(reaches: Sequence[float]) -> float:
    """Side of the enlarged corner: the threshold's dots lie in its inner half, where they can."""
    return float(np.clip(2 * max(reaches, default=0.5), 0.02, 1))


def _finish_curves(
    panels: Sequence[Axes],
    dots: Sequence[tuple[float, float]],
    threshold: Threshold,
    x_corner: tuple[float, float],
    y_corner: tuple[float, float],
) -> None:
    whole, enlarged = panels
    whole.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
    enlarged.set(xlim=x_corner, ylim=y_corner)
    enlarged.set_title("enlarged", fontsize=11, loc="left", color=_INK)
    for axes in panels:
        for index, dot in enumerate(dots):
            label = f"threshold {threshold.value:.3f}" if index == 0 else None
            axes.plot(
                *dot,
                "o",
                color=_INK,
                mec="white",
                ms=8,
                ls="",
                label=label,
                clip_on=False,
                zorder=5,
            )
    _legend(whole, "best")


def _png(figure: Figure) -> bytes:
    buffer = io.BytesIO()
    # Without matplotlib's version in it, the same figures give the same bytes.
    figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()
