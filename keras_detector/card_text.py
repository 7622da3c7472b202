"""A card and its figures as text for a terminal, and as the README beside a shipped model."""

from collections.abc import Mapping, Sequence

from keras_detector.card import Card, Estimate, Figures
from keras_detector.measure import SourceFigures

FIGURE_NAMES: dict[str, str] = {
    "accuracy": "accuracy",
    "balanced_accuracy": "balanced accuracy",
    "binary_accuracy": "BinaryAccuracy (at 0.5)",
    "precision": "precision",
    "recall": "recall",
    "f1": "F1",
    "roc_auc": "ROC AUC",
    "pr_auc": "PR AUC",
    "brier": "Brier score",
    "ece": "expected calibration error",
    "coverage": "share with a verdict",
    "covered_error": "error among those",
}
"""How a figure of `Figures` is called where a person reads it."""


def format_estimate(estimate: Estimate | None) -> str:
    """A figure with its 95 % interval, or a dash where it is not defined."""
    if estimate is None:
        return "-"
    return f"{estimate.value:.4f} [{estimate.low:.4f}, {estimate.high:.4f}]"


def describe_figures(figures: Figures, per_source: Mapping[str, SourceFigures]) -> str:
    """A table of figures with 95 % intervals, the confusion matrix, and a line a source."""
    rows = [["n", f"{figures.n} ({figures.n_real} real, {figures.n_fake} fake)"]]
    rows += [
        [title, format_estimate(getattr(figures, name))] for name, title in FIGURE_NAMES.items()
    ]
    (tn, fp), (fn, tp) = figures.confusion_matrix
    rows.append(["real called real / fake", f"{tn} / {fp}"])
    rows.append(["fake called real / fake", f"{fn} / {tp}"])
    lines = ["Figures with their 95 % intervals; fake is the positive class.", "", *_table(rows)]
    if len(per_source) > 1:
        header = ["source", "label", "n", "accuracy", "mean score"]
        sources = [
            [name, s.label, str(s.n), format_estimate(s.accuracy), f"{s.mean_score:.3f}"]
            for name, s in per_source.items()
        ]
        lines += ["", *_table([header, *sources])]
    return "\n".join(lines)


def describe_card(card: Card) -> str:
    """The card as Markdown that also reads well in a terminal."""
    training, threshold, calibration = card.training, card.threshold, card.calibration
    low, high = threshold.abstain
    lines = [
        f"# {card.name}",
        "",
        card.summary,
        "",
        f"- Looks at: {card.input.size} x {card.input.size} pixels ({card.input.view} view)",
        f"- Fake from score {threshold.value:.4f} on (policy {threshold.policy}); "
        f"cannot tell between {low:.4f} and {high:.4f}",
        f"- Score: {calibration.method} calibration, "
        f"sigmoid({calibration.slope:.4f} * logit {calibration.intercept:+.4f})",
        f"- Compiled twin: {card.twin.precision}, within {card.twin.max_score_difference:.1g} of "
        f"Keras's score on {card.twin.parity_pictures} pictures",
        f"- Trained on: {training.data}",
        f"- {training.epochs} epochs (best: {training.best_epoch}), "
        f"{training.seconds / 60:.1f} minutes, finished {training.finished}",
        f"- With: {', '.join(f'{name} {v}' for name, v in training.versions.items())}",
        "",
        "## Figures, with 95 % intervals",
        "",
        *_figures_table(card.figures),
        "",
        "## Limits",
        "",
        *(f"- {limit}" for limit in card.limits),
    ]
    return "\n".join(lines) + "\n"


def _figures_table(figures: Mapping[str, Figures]) -> list[str]:
    header = ["", *(f"{split} (n {f.n})" for split, f in figures.items())]
    rule = ["---"] * len(header)
    rows = [
        [title, *(format_estimate(getattr(f, name)) for f in figures.values())]
        for name, title in FIGURE_NAMES.items()
    ]
    return [f"| {line} |" for line in _table([header, rule, *rows], separator=" | ")]


def _table(rows: Sequence[Sequence[str]], separator: str = "  ") -> list[str]:
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    return [
        separator.join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
