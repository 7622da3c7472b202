"""What a command that wrote a model says of it in the end."""

from pathlib import Path

from keras_detector.card import Card, Estimate


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
    sources = card.per_source["test"]
    if len(sources) > 2:
        worst = min(sources, key=lambda name: sources[name].accuracy.value)
        figures = sources[worst]
        lines.append(described(f"worst source {worst} accuracy", figures.accuracy, figures.n))
    for name, measured in card.collections.items():
        lines.append(described(f"{name} ROC AUC", measured.roc_auc, measured.n, share=False))
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
