"""A card and its figures as text for a terminal, and as the README beside a shipped model."""

from collections.abc import Mapping, Sequence

from keras_detector.audit_note import ALARMS_ABOVE, WARNS_ABOVE
from keras_detector.card import (
    ANY_UPSCALE,
    AuditNote,
    Card,
    Condition,
    Estimate,
    Figures,
    SourceFigures,
    Stands,
)
from keras_detector.degrade import CONDITION_TEXTS
from keras_detector.figures import Curve, OperatingPoint
from keras_detector.measure import worst_source
from keras_detector.strictness import Strictness, cost, threshold_for

_ONE_IN = 0.2
"""Up to this share, "1 in 18" says more than a percentage; above, it is too coarse."""

CONDITION_FIGURES: dict[str, str] = {
    "balanced_accuracy": "balanced accuracy",
    "roc_auc": "ROC AUC",
    "false_positive_rate": "false-positive rate",
    "recall": "recall",
    "ece": "expected calibration error",
}
"""How a figure of `Condition` is called where a person reads it."""

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
        lines += ["", *_table(_source_rows(per_source))]
    return "\n".join(lines)


def describe_card(card: Card) -> str:
    """The card as Markdown that also reads well in a terminal."""
    training, threshold, calibration = card.training, card.threshold, card.calibration
    low, high = threshold.abstain
    lines = [
        f"# {card.name}",
        "",
        *audit_alarm(card.audit),
        card.summary,
        "",
        f"- Looks at: {card.input.size} x {card.input.size} pixels ({card.input.view} view)",
        f"- Fake from score {threshold.value:.4f} on (policy {threshold.policy}); "
        f"cannot tell between {low:.4f} and {high:.4f}",
        f"- Score: {calibration.method} calibration, "
        f"sigmoid({calibration.slope:.4f} * logit {calibration.intercept:+.4f})",
        f"- {describe_stands(card.stands)}",
        f"- {_audit_line(card.audit)}",
        f"- Compiled twin: {card.twin.precision}, {card.twin.place} the file, within "
        f"{card.twin.max_score_difference:.1g} of Keras's score on {card.twin.parity_pictures} "
        "pictures",
        f"- Trained on: {training.data}",
        f"- {training.epochs} epochs (best: {training.best_epoch}), "
        f"{training.seconds / 60:.1f} minutes, finished {training.finished}",
        f"- With: {', '.join(f'{name} {v}' for name, v in training.versions.items())}",
        "",
        "## Figures, with 95 % intervals",
        "",
        *_figures_table(card.figures),
        "",
        "## Strictness: what each level costs",
        "",
        *_strictness_table(card),
        "",
        *_sections(card),
        "## Limits",
        "",
        *(f"- {limit}" for limit in card.limits),
    ]
    return "\n".join(lines) + "\n"


def audit_alarm(audit: AuditNote | None) -> list[str]:
    """Lines to put on top of anything that reports on a model; none where nothing is wrong."""
    if audit is None or audit.roc_auc.value <= ALARMS_ABOVE:
        return []
    return [
        f"**WARNING: the labels of its training data can be told without looking at the pictures** "
        f"(ROC AUC {format_estimate(audit.roc_auc)}, most of all by {audit.strongest}). Its "
        "figures may measure that, and not what it is for.",
        "",
    ]


def describe_stands(stands: Stands) -> str:
    """What a picture must be for a verdict, in one sentence."""
    parts = [f"pictures of at least {stands.min_side} pixels along the shorter side"]
    if stands.min_jpeg_quality > 0:
        parts.append(f"JPEG quality {stands.min_jpeg_quality} or better")
    if stands.max_upscale < ANY_UPSCALE:
        parts.append(f"not enlarged more than {stands.max_upscale:g} times")
    return f"Verdicts stand for {', '.join(parts)}"


def describe_cost(point: OperatingPoint, curve: Curve) -> str:
    """What a threshold costs, in words and with its n.

    Args:
        point: of `curve`, as `strictness.cost` gives it.
        curve: the card's.
    """
    accused, found = point.false_positive_rate, point.recall
    if accused.value == 0.0:
        # Nobody among these: the interval says how rare it may be elsewhere.
        accuses = f"fewer than 1 in {1 / accused.high:,.0f} photographs"
    elif accused.value <= _ONE_IN:
        accuses = f"about 1 in {1 / accused.value:,.0f} photographs"
    else:
        accuses = f"{100 * accused.value:.0f} of 100 photographs"
    n = f"n {curve.n_real:,} and {curve.n_fake:,}"
    return f"accuses {accuses}, finds {100 * found.value:.0f} of 100 fakes ({n})"


def _audit_line(audit: AuditNote | None) -> str:
    if audit is None:
        return "Audit of the training data: none"
    suspicious = " (suspicious)" if audit.roc_auc.value > WARNS_ABOVE else ""
    return (
        f"Audit of the training data: its labels are told without looking with ROC AUC "
        f"{format_estimate(audit.roc_auc)}{suspicious}, most of all by {audit.strongest}"
    )


def _sections(card: Card) -> list[str]:
    """Collections, robustness and sources: each with its heading, where the card has any."""
    lines: list[str] = []
    if card.collections:
        lines += ["## On collections gathered by others, never trained on", ""]
        lines += [*_figures_table(card.collections), ""]
    if card.robustness:
        lines += ["## After compression, scaling and blur", ""]
        lines += [*_robustness_table(card.robustness), ""]
    for split, per_source in card.per_source.items():
        if split != "train" and len(per_source) > 1:
            lines += [f"## Per source, {split}", "", f"Worst source: {worst_source(per_source)}."]
            lines += ["", *_markdown(_source_rows(per_source)), ""]
    return lines


def _strictness_table(card: Card) -> list[str]:
    rows = [["level", "fake from", "cannot tell", "photographs called fake", "fakes found", ""]]
    for strictness in Strictness:
        threshold = threshold_for(card, strictness)
        low, high = threshold.abstain
        point = cost(card, threshold.value)
        rows.append(
            [
                strictness.value,
                f"{threshold.value:.4f}",
                f"{low:.4f} to {high:.4f}",
                format_estimate(point.false_positive_rate),
                format_estimate(point.recall),
                describe_cost(point, card.curve),
            ]
        )
    note = (
        f"Measured on {card.curve.measured_on}. Every picture counts, decided at the threshold, "
        'also where "cannot tell" is said instead.'
    )
    return [*_markdown(rows), "", note]


def _robustness_table(robustness: Mapping[str, Condition]) -> list[str]:
    n = next(iter(robustness.values()))
    header = [f"n {n.n} ({n.n_real} real, {n.n_fake} fake)", *CONDITION_FIGURES.values()]
    rows = [
        [
            CONDITION_TEXTS.get(name, name),
            *(format_estimate(getattr(condition, figure)) for figure in CONDITION_FIGURES),
        ]
        for name, condition in robustness.items()
    ]
    return _markdown([header, *rows])


def _source_rows(per_source: Mapping[str, SourceFigures]) -> list[list[str]]:
    header = ["source", "label", "n", "accuracy", "mean score", *list(FIGURE_NAMES.values())[-2:]]
    rows = [
        [
            name,
            s.label,
            str(s.n),
            format_estimate(s.accuracy),
            f"{s.mean_score:.3f}",
            format_estimate(s.coverage),
            format_estimate(s.covered_error),
        ]
        for name, s in per_source.items()
    ]
    return [header, *rows]


def _markdown(rows: Sequence[Sequence[str]]) -> list[str]:
    header, *body = rows
    rule = ["---"] * len(header)
    return [f"| {line} |" for line in _table([header, rule, *body], separator=" | ")]


def _figures_table(figures: Mapping[str, Figures]) -> list[str]:
    header = ["", *(f"{split} (n {f.n})" for split, f in figures.items())]
    rows = [
        [title, *(format_estimate(getattr(f, name)) for f in figures.values())]
        for name, title in FIGURE_NAMES.items()
    ]
    return _markdown([header, *rows])


def _table(rows: Sequence[Sequence[str]], separator: str = "  ") -> list[str]:
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    return [
        separator.join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
