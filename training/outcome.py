"""What a command that wrote a model says of it in the end."""

from collections.abc import Mapping
from pathlib import Path

from keras_detector.card import UNSEEN_SOURCES, Card, Estimate, SourceFigures
from keras_detector.measure import worst_source
from training.command_options import table


def outcome(out: Path, card: Card, report: Path | None) -> str:
    """Lines for the terminal: the file, its figures on test pictures, the worst source.

    Args:
        out: the written model.
        card: its card.
        report: the directory of its report; None where there is none.
    """
    training, test = card.training, card.figures["test"]
    lines = [f"{out}: {card.name}, {training.epochs} epochs, best {training.best_epoch}"]
    lines.append(described("test accuracy", test.accuracy, test.n))
    lines.append(described("test ROC AUC", test.roc_auc, test.n, share=False))
    if len(card.per_source["test"]) > 2:
        lines.append(described_worst(card.per_source["test"]))
    for name, measured in card.collections.items():
        lines.append(described(f"{name} ROC AUC", measured.roc_auc, measured.n, share=False))
    if UNSEEN_SOURCES in card.figures:
        unseen, per_source = card.figures[UNSEEN_SOURCES], card.per_source[UNSEEN_SOURCES]
        lines.append("Each source, by a head that was trained without it:")
        lines.append(described("ROC AUC of all", unseen.roc_auc, unseen.n, share=False))
        lines += [described_worst(per_source), source_table(per_source)]
    if report is not None:
        lines.append(f"report: {report / 'report.html'}")
    return "\n".join(lines)


def described(name: str, estimate: Estimate | None, n: int, *, share: bool = True) -> str:
    """One figure with its interval."""
    if estimate is None:
        return f"{name}: not defined (n {n:,})"
    form = ".2%" if share else ".3f"
    value, low, high = (format(v, form) for v in (estimate.value, estimate.low, estimate.high))
    return f"{name} {value} (95 % {low} to {high}, n {n:,})"


def described_worst(per_source: Mapping[str, SourceFigures]) -> str:
    """The worst of one source or more, with its accuracy."""
    worst = worst_source(per_source)
    assert worst is not None  # noqa: S101 - there is one
    figures = per_source[worst]
    return described(f"worst source {worst}: accuracy", figures.accuracy, figures.n)


def source_table(per_source: Mapping[str, SourceFigures]) -> str:
    """A line a source, the worst first."""
    rows = [("source", "label", "n", "accuracy", "95 %", "mean score")]
    for name, source in sorted(per_source.items(), key=lambda item: item[1].accuracy.value):
        right = source.accuracy
        rows.append(
            (
                name,
                source.label,
                f"{source.n:,}",
                f"{right.value:.1%}",
                f"{right.low:.1%} to {right.high:.1%}",
                f"{source.mean_score:.2f}",
            )
        )
    return table(rows)
