"""The report of a model: one page that opens from disk, and its plots as PNG files.

A training run writes it from what it has at hand; `python -m training report` writes the same page
from a model file and a labelled directory.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from keras_detector.atomic_file import write_atomically
from keras_detector.audit_note import ALARMS_ABOVE
from keras_detector.card import UNSEEN_SOURCES, Card, Figures, SourceFigures
from keras_detector.degrade import CONDITION_TEXTS
from keras_detector.labels import HEATMAP_TEXTS
from training.inference_time import InferenceTime
from training.recipe_table import recipe_table
from training.report.gallery import Gallery
from training.report.page import write_page
from training.report.plots import (
    Plots,
    Scored,
    plot_calibration,
    plot_confusion,
    plot_coverage,
    plot_history,
    plot_precision_recall,
    plot_roc,
)

PAGE = "report.html"


@dataclass(frozen=True)
class ReportContent:
    """What a report is made of.

    Attributes:
        card: the model's card.
        history: Keras's `loss`, `accuracy`, `val_loss`, `val_accuracy`, a value an epoch; empty
            where it was not kept.
        target_accuracy: where training was to stop, or None.
        scored: name of a split or a directory to its labels and scores; curves are drawn of them.
        findings: what the check of the data directory said.
        measured: name of a directory measured for this report to its figures; they stand beside
            those of the card's splits.
        per_source: name of a split or a directory to source name to figures.
        gallery: pictures to show.
        inference: how long a verdict takes here.
    """

    card: Card
    history: Mapping[str, Sequence[float]]
    target_accuracy: float | None
    scored: Scored
    findings: tuple[str, ...]
    measured: Mapping[str, Figures] = field(default_factory=dict)
    per_source: Mapping[str, Mapping[str, SourceFigures]] = field(default_factory=dict)
    gallery: Gallery | None = None
    inference: InferenceTime | None = None

    @property
    def figures(self) -> dict[str, Figures]:
        """Of every split of the card and every measured directory."""
        return {**self.card.figures, **self.measured}


def write_report(directory: Path, content: ReportContent) -> Path:
    """Write `report.html` and its plots.

    Args:
        directory: made if it is missing; files of the same names are replaced.
        content: what to report.

    Returns:
        the page. It is whole by itself: styles, plots and pictures are inside, nothing is fetched.

    Raises:
        SaveError: something cannot be written.
    """
    plots = _plots(content)
    for name, png in plots.items():
        write_atomically(directory / f"{name}.png", png)
    card = content.card
    figures = content.figures
    path = directory / PAGE
    write_page(
        path,
        "report.html.j2",
        card=card,
        content=content,
        figures=figures,
        headline=_headline(content),
        confusions=list(_confusions(content)),
        spoken_for=_examined(content),
        plots=plots,
        recipe=recipe_table(card.training.recipe),
        sources={name: _worst_first(of_set) for name, of_set in _sources(content).items()},
        audit_alarm=ALARMS_ABOVE,
        unseen=UNSEEN_SOURCES,
        heatmap_texts=HEATMAP_TEXTS,
        condition_texts=CONDITION_TEXTS,
    )
    return path


def _plots(content: ReportContent) -> Plots:
    card, figures, scored = content.card, content.figures, content.scored
    plots = plot_history(content.history, card.training.best_epoch, content.target_accuracy)
    plots |= plot_confusion(_confusions(content))
    if not scored:
        return plots
    examined = _examined(content)
    # The shade of the coverage plot is that of the set drawn last.
    later = {name: pair for name, pair in scored.items() if name not in ("train", examined)}
    return (
        plots
        | plot_roc(scored, figures, card.threshold)
        | plot_precision_recall(scored, figures, card.threshold)
        | plot_calibration(examined, *scored[examined], figures[examined], card.threshold)
        | plot_coverage({**later, examined: scored[examined]}, figures, card.threshold)
    )


def _examined(content: ReportContent) -> str:
    """Where calibration and abstention are looked at: validation, or what was measured."""
    names = list(content.scored)
    return "validation" if "validation" in names else names[-1] if names else ""


def _confusions(content: ReportContent) -> dict[str, Figures]:
    """The test split has none: its figures are in the table, and it is opened for nothing else."""
    return {name: of_set for name, of_set in content.figures.items() if name != "test"}


def _headline(content: ReportContent) -> str:
    """The set the page opens with: what was measured now, or else the test split."""
    return next(iter(content.measured), "test" if "test" in content.card.figures else "")


def _sources(content: ReportContent) -> dict[str, Mapping[str, SourceFigures]]:
    """What was measured, then the card's splits but train: a network knows those pictures."""
    of_card = {name: of_set for name, of_set in content.card.per_source.items() if name != "train"}
    return {name: of_set for name, of_set in {**content.per_source, **of_card}.items() if of_set}


def _worst_first(sources: Mapping[str, SourceFigures]) -> list[tuple[str, SourceFigures]]:
    return sorted(sources.items(), key=lambda item: (item[1].accuracy.value, -item[1].n))
