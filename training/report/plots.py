"""The plots of a report, each the bytes of a PNG under the name of its file."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator, PercentFormatter

from keras_detector.card import Estimate, Figures, Threshold
from keras_detector.card_text import format_estimate
from keras_detector.labels import LABEL_NAMES, Label
from keras_detector.measure import risk_coverage, wilson
from keras_detector.ranking import Labels, Scores, equal_mass_bins
from training.report.plot_style import (
    ACCENT,
    FAINT,
    INK,
    PALE,
    caption,
    legend,
    line_style,
    panel,
    plain,
    png,
)

Scored = Mapping[str, tuple[Labels, Scores]]
"""Name of a split or directory to its labels (integers of shape (n,)) and scores (floats of shape
(n,), 0 to 1)."""

Plots = dict[str, bytes]
"""Name of a plot to the bytes of its PNG."""

_CLASS_COLOURS = {Label.REAL: "#BFD3E0", Label.FAKE: ACCENT}
_MARKED_EPOCHS = 30
_WORTH_ENLARGING = 0.5


def plot_history(
    history: Mapping[str, Sequence[float]], best_epoch: int, target_accuracy: float | None
) -> Plots:
    """`loss` and `accuracy` over the epochs, train and validation.

    Args:
        history: Keras's `loss`, `accuracy`, `val_loss` and `val_accuracy`, a value per epoch. A
            pair of curves that is not there has no plot.
        best_epoch: the epoch whose weights were kept, from 1; it is marked.
        target_accuracy: where training was to stop; drawn as a line, None for none.
    """
    plots = {}
    for name, unit in (("loss", "binary cross-entropy"), ("accuracy", "")):
        curves = {"train": history.get(name, ()), "validation": history.get(f"val_{name}", ())}
        if not any(curves.values()):
            continue
        figure, axes = panel()
        for split, values in curves.items():
            if values:
                epochs = np.arange(1, len(values) + 1)
                marker = "o" if len(values) <= _MARKED_EPOCHS else ""
                axes.plot(epochs, values, label=split, marker=marker, ms=4, **line_style(split))
        axes.axvline(best_epoch, color=FAINT, lw=1, zorder=0, label=f"kept: epoch {best_epoch}")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        caption(axes, name.capitalize(), "epoch", unit)
        if name == "accuracy":
            axes.yaxis.set_major_formatter(PercentFormatter(1))
            if target_accuracy is not None:
                text = f"target: {target_accuracy:.1%}"
                axes.axhline(target_accuracy, color=INK, lw=1, ls=":", label=text)
        legend(figure, columns=2)
        plots[name] = png(figure)
    return plots


def plot_confusion(figures: Mapping[str, Figures]) -> Plots:
    """`confusion_<n>`, a matrix per set, numbered from 0: counts, and the share of each row."""
    plots = {}
    for number, (name, of_set) in enumerate(figures.items()):
        figure, axes = panel(width=3.2, height=3.0)
        counts = np.array(of_set.confusion_matrix)
        shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
        axes.imshow(shares, cmap="Blues", vmin=0, vmax=1.25)
        for (row, column), count in np.ndenumerate(counts):
            share = f"{shares[row, column]:.1%}" if counts[row].any() else "none"
            ink = "white" if shares[row, column] > 0.6 else INK
            axes.text(column, row - 0.08, f"{count:,}", ha="center", size=13, color=ink)
            axes.text(column, row + 0.2, share, ha="center", size=10, color=ink)
        caption(axes, f"{plain(name)}\nn = {of_set.n:,}", "decided as", "truth")
        axes.grid(visible=False)
        axes.set_xticks(range(len(LABEL_NAMES)), LABEL_NAMES)
        axes.set_yticks(range(len(LABEL_NAMES)), LABEL_NAMES)
        plots[f"confusion_{number}"] = png(figure)
    return plots


def plot_roc(scored: Scored, figures: Mapping[str, Figures], threshold: Threshold) -> Plots:
    """`roc`: the curve of every set that has both classes; a dot where the threshold puts it.

    `roc_enlarged` shows the corner the dots lie in, if it is small enough to gain by that.
    """
    from sklearn.metrics import roc_curve

    curves, dots = [], []
    for name, (labels, scores) in scored.items():
        of_set = figures[name]
        if of_set.roc_auc is None:
            continue
        false_alarms, found, _ = roc_curve(labels, scores)
        (_, fp), (_, tp) = of_set.confusion_matrix
        dots.append((fp / of_set.n_real, tp / of_set.n_fake))
        curves.append((name, false_alarms, found, of_set.roc_auc))
    corner = _corner([max(x, 1 - y) for x, y in dots])
    views = {"roc": (_WHOLE, _WHOLE), "roc_enlarged": ((0.0, corner), (1 - corner, 1.0))}
    plots = {}
    for name, (x_limits, y_limits) in views.items():
        if name == "roc_enlarged" and corner > _WORTH_ENLARGING:
            continue
        figure, axes = panel()
        if name == "roc":
            axes.plot([0, 1], [0, 1], color=FAINT, lw=1, ls=":")
        _draw_curves(axes, curves, "default")
        _draw_dots(axes, dots, threshold)
        title = "ROC curve" if name == "roc" else "ROC curve, enlarged"
        caption(axes, title, "false alarms (share of real pictures)", "fakes found (recall)")
        axes.set(xlim=x_limits, ylim=y_limits)
        legend(figure)
        plots[name] = png(figure)
    return plots


def plot_precision_recall(
    scored: Scored, figures: Mapping[str, Figures], threshold: Threshold
) -> Plots:
    """`precision_recall` and `precision_recall_enlarged`, as `plot_roc`."""
    from sklearn.metrics import precision_recall_curve

    curves, dots = [], []
    for name, (labels, scores) in scored.items():
        of_set = figures[name]
        if of_set.pr_auc is None:
            continue
        precision, recall, _ = precision_recall_curve(labels, scores, drop_intermediate=True)
        if of_set.precision is not None and of_set.recall is not None:
            dots.append((of_set.recall.value, of_set.precision.value))
        curves.append((name, recall[::-1], precision[::-1], of_set.pr_auc))
    corner = (1 - _corner([1 - min(dot) for dot in dots]), 1.0)
    plots = {}
    for name, limits in (("precision_recall", _WHOLE), ("precision_recall_enlarged", corner)):
        if name.endswith("enlarged") and 1 - corner[0] > _WORTH_ENLARGING:
            continue
        figure, axes = panel()
        _draw_curves(axes, curves, "steps-pre")
        _draw_dots(axes, dots, threshold)
        enlarged = ", enlarged" if name.endswith("enlarged") else ""
        caption(
            axes,
            f"Precision-recall curve{enlarged}",
            "fakes found (recall)",
            "right accusations (precision)",
        )
        axes.set(xlim=limits, ylim=limits)
        legend(figure)
        plots[name] = png(figure)
    return plots


def plot_calibration(
    name: str, labels: Labels, scores: Scores, figures: Figures, threshold: Threshold
) -> Plots:
    """`reliability` of one set, and `scores`: how they are spread in each class.

    The points are the 15 bins of equal mass that the calibration error is taken over, with the
    95 % interval of the share of fakes in each.
    """
    figure, axes = panel()
    order = np.argsort(-scores, kind="stable")
    for members in np.split(order, equal_mass_bins(scores[order])[1:]):
        share = wilson(int(labels[members].sum()), members.size)
        if share is not None:
            bars = [[share.value - share.low], [share.high - share.value]]
            mean = float(scores[members].mean())
            axes.errorbar(mean, share.value, bars, fmt="o", ms=5, lw=1.3, color=ACCENT)
    if figures.ece is not None:
        text = f"calibration error {format_estimate(figures.ece)}"
        axes.plot([], [], "o", ms=5, color=ACCENT, label=text)
    axes.plot([0, 1], [0, 1], color=FAINT, lw=1, ls=":", label="perfect", zorder=0)
    axes.set(xlim=_WHOLE, ylim=_WHOLE)
    caption(axes, f"Reliability ({plain(name)})", "mean score of a bin", "share of fakes in it")
    legend(figure)
    return {"reliability": png(figure), "scores": _spread(name, labels, scores, threshold)}


def plot_coverage(scored: Scored, figures: Mapping[str, Figures], threshold: Threshold) -> Plots:
    """`coverage`: error among the surest verdicts, over the share of pictures that get one.

    A dot stands where the card's band without a verdict puts the set. The shade is the 95 %
    interval of the set drawn last.
    """
    figure, axes = panel()
    for number, (name, (labels, scores)) in enumerate(scored.items(), 1):
        of_set = figures[name]
        coverage, error = np.array(risk_coverage(labels, scores, threshold)).T
        axes.plot(coverage, error, label=plain(name), **line_style(name))
        if number == len(scored):
            judged = np.rint(coverage * len(labels)).astype(int)
            wrong = np.rint(error * judged).astype(int)
            shares = [wilson(*pair) for pair in zip(wrong.tolist(), judged.tolist(), strict=True)]
            low, high = np.array([(share.low, share.high) for share in shares if share]).T
            axes.fill_between(coverage, low, high, color=PALE, lw=0, zorder=0)
        if of_set.coverage is not None and of_set.covered_error is not None:
            label = "with the card's band" if number == len(scored) else None
            _dot(axes, (of_set.coverage.value, of_set.covered_error.value), label)
    caption(axes, "Error against coverage", "share of pictures with a verdict", "wrong among those")
    axes.set(xlim=_WHOLE, ylim=(0, None))
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(PercentFormatter(1, decimals=None))
    legend(figure)
    return {"coverage": png(figure)}


_WHOLE = (-0.02, 1.02)


def _spread(name: str, labels: Labels, scores: Scores, threshold: Threshold) -> bytes:
    figure, axes = panel()
    edges = np.linspace(0, 1, 41)
    for label, colour in _CLASS_COLOURS.items():
        counts, _ = np.histogram(scores[labels == label], edges)
        text, real = f"{label.text} (n = {counts.sum():,})", label is Label.REAL
        axes.stairs(counts, edges, fill=real, color=colour, lw=2, label=text, zorder=2 + label)
    low, high = threshold.abstain
    if low < high:
        axes.axvspan(low, high, color=PALE, lw=0, label="no verdict", zorder=0)
    text = f"threshold {threshold.value:.3f}"
    axes.axvline(threshold.value, color=INK, lw=1.2, label=text, zorder=4)
    axes.set_yscale("log")
    axes.set(xlim=_WHOLE, ylim=(0.7, None))
    caption(axes, f"Scores ({plain(name)})", "score", "pictures")
    legend(figure, columns=2)
    return png(figure)


def _draw_curves(
    axes: Axes, curves: Sequence[tuple[str, Scores, Scores, Estimate]], drawstyle: str
) -> None:
    for name, x, y, area in curves:
        text = f"{plain(name)}: AUC {format_estimate(area)}"
        axes.plot(x, y, drawstyle=drawstyle, label=text, **line_style(name))


def _draw_dots(axes: Axes, dots: Sequence[tuple[float, float]], threshold: Threshold) -> None:
    for index, dot in enumerate(dots):
        _dot(axes, dot, f"threshold {threshold.value:.3f}" if index == 0 else None)


def _dot(axes: Axes, place: tuple[float, float], label: str | None) -> None:
    axes.plot(
        *place, "o", color=INK, mec="white", ms=8, ls="", label=label, clip_on=False, zorder=5
    )


def _corner(reaches: Sequence[float]) -> float:
    """Side of the enlarged corner: the threshold's dots lie in its inner half, where they can."""
    return float(np.clip(2 * max(reaches, default=0.5), 0.02, 1))
