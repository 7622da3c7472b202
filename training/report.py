"""The report of a training run: one page that opens from disk, and its plots as PNG files."""

import base64
from dataclasses import dataclass
from pathlib import Path

import jinja2

from keras_detector.atomic_file import write_atomically
from keras_detector.card import Card
from keras_detector.card_text import FIGURE_NAMES
from training.plots import (
    Scored,
    plot_calibration,
    plot_confusion,
    plot_history,
    plot_precision_recall,
    plot_roc,
)


@dataclass(frozen=True)
class ReportContent:
    """What a report is made of.

    Attributes:
        card: the written model's card.
        history: Keras's `loss`, `accuracy`, `val_loss`, `val_accuracy`, a value an epoch.
        target_accuracy: where training was to stop, or None.
        scored: split name to its labels and scores.
        findings: what the data directory's check said.
    """

    card: Card
    history: dict[str, list[float]]
    target_accuracy: float | None
    scored: Scored
    findings: tuple[str, ...]


def write_report(directory: Path, content: ReportContent) -> Path:
    """Write `report.html` and its plots.

    Args:
        directory: made if it is missing; files of the same names are replaced.
        content: what to report.

    Returns:
        the page. It is whole by itself: styles and plots are inside, nothing is fetched.

    Raises:
        SaveError: something cannot be written.
    """
    card = content.card
    plots = {
        "history": plot_history(content.history, card.training.best_epoch, content.target_accuracy),
        "confusion": plot_confusion(
            {split: card.figures[split] for split in ("train", "validation")}
        ),
        "roc": plot_roc(content.scored, card.figures, card.threshold),
        "precision_recall": plot_precision_recall(content.scored, card.figures, card.threshold),
        "calibration": plot_calibration(
            "validation",
            *content.scored["validation"],
            card.figures["validation"],
            card.threshold,
        ),
    }
    for name, png in plots.items():
        write_atomically(directory / f"{name}.png", png)
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    page = environment.get_template("report.html.j2").render(
        card=card,
        findings=content.findings,
        figure_names=FIGURE_NAMES,
        plots={name: base64.b64encode(png).decode() for name, png in plots.items()},
        recipe=_lines(card.training.recipe),
    )
    path = directory / "report.html"
    write_atomically(path, page.encode("utf-8", errors="backslashreplace"))
    return path


def _lines(section: dict[str, object], prefix: str = "") -> dict[str, object]:
    """The recipe's lines under their full names, as `--set` takes them."""
    lines: dict[str, object] = {}
    for name, value in section.items():
        if isinstance(value, dict):
            lines.update(_lines(value, f"{prefix}{name}."))
        else:
            lines[f"{prefix}{name}"] = value
    return lines
