"""A table that compares several experiments: what differs between them, and what came of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from keras_detector.card import Estimate, Figures
from keras_detector.card_text import FIGURE_NAMES
from keras_detector.judged_directory import JudgedDirectory
from keras_detector.measure import wilson, worst_source
from keras_detector.printable import printable
from training.inference_time import Duration
from training.recipe_table import recipe_table
from training.report.experiment import Experiment
from training.report.page import write_page

COMPARED = ("accuracy", "balanced_accuracy", "roc_auc", "recall", "precision", "ece")
"""The figures of each set that stand in the table."""
SPLITS = ("validation", "test")
NONE = "-"
_MEGABYTE = 1e6


Cell = Estimate | str


@dataclass(frozen=True)
class Line:
    """A line of the table: its name, and a cell an experiment."""

    name: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class Group:
    """Lines under one heading."""

    title: str
    lines: tuple[Line, ...]


def write_comparison(directory: Path, experiments: Sequence[Experiment], machine: str) -> Path:
    """Write `comparison.html` and `comparison.md`, the same table twice.

    Args:
        directory: made if it is missing; files of the same names are replaced.
        experiments: at least two, in the order of the columns.
        machine: what times were measured on, a sentence.

    Returns:
        the HTML page.

    Raises:
        SaveError: something cannot be written.
    """
    values = {
        "names": column_names([experiment.path for experiment in experiments]),
        "experiments": experiments,
        "groups": compare(experiments),
        "machine": machine,
        "notes": _notes(experiments),
    }
    write_page(directory / "comparison.md", "comparison.md.j2", **values)
    path = directory / "comparison.html"
    write_page(path, "comparison.html.j2", **values)
    return path


def compare(experiments: Sequence[Experiment]) -> list[Group]:
    """The table's groups; one without lines is left out."""
    groups = [Group("Hyper-parameters that differ", _differing(experiments))]
    judged = [experiment.judged for experiment in experiments]
    if any(judged):
        name = next(each.name for each in judged if each)
        figures = [each.figures if each else None for each in judged]
        lines = (*_figures(figures), _worst_source(judged))
        groups.append(Group(f"{name}, measured now", lines))
    for split in SPLITS:
        of_split = [experiment.card.figures.get(split) for experiment in experiments]
        groups.append(Group(f"{split}, from the card", _figures(of_split)))
    groups.append(Group("Cost", _cost(experiments)))
    return [group for group in groups if group.lines]


def column_names(paths: Sequence[Path]) -> list[str]:
    """What each model's column is called: the file's name, or its path where names are equal."""
    stems = [path.stem for path in paths]
    return [
        printable(path.stem if stems.count(path.stem) == 1 else path.with_suffix(""))
        for path in paths
    ]


def _differing(experiments: Sequence[Experiment]) -> tuple[Line, ...]:
    recipes = [recipe_table(experiment.card.training.recipe) for experiment in experiments]
    names = list(dict.fromkeys(name for recipe in recipes for name in recipe))
    sections = [name.partition(".")[0] for name in names]
    # What only a later recipe has stands in its section all the same.
    names.sort(key=lambda name: sections.index(name.partition(".")[0]))
    lines = []
    for name in names:
        cells = tuple(recipe.get(name, NONE) for recipe in recipes)
        if len(set(cells)) > 1:
            lines.append(Line(name, cells))
    return tuple(lines)


def _figures(sets: Sequence[Figures | None]) -> tuple[Line, ...]:
    if not any(sets):
        return ()
    lines = [Line("n", tuple(f"{each.n:,}" if each else NONE for each in sets))]
    for field in COMPARED:
        cells = tuple((getattr(each, field) if each else None) or NONE for each in sets)
        lines.append(Line(FIGURE_NAMES[field], cells))
        if field == "recall":
            lines.append(Line("false alarms among real", tuple(map(_false_alarms, sets))))
    return tuple(lines)


def _false_alarms(figures: Figures | None) -> Cell:
    if figures is None:
        return NONE
    return wilson(figures.confusion_matrix[0][1], figures.n_real) or NONE


def _worst_source(judged: Sequence[JudgedDirectory | None]) -> Line:
    cells = []
    for each in judged:
        name = worst_source(each.per_source) if each else None
        if each is None or name is None:
            cells.append(NONE)
            continue
        source = each.per_source[name]
        cells.append(f"{name}: {source.accuracy.value:.1%} of {source.n:,} right")
    return Line("worst source", tuple(cells))


def _cost(experiments: Sequence[Experiment]) -> tuple[Line, ...]:
    def each(text: str, values: Sequence[str]) -> Line:
        return Line(text, tuple(values))

    cards = [experiment.card for experiment in experiments]
    return (
        each("network alone, ms", [_milliseconds(e.network) for e in experiments]),
        each("model, MB", [f"{e.n_bytes / _MEGABYTE:.1f}" for e in experiments]),
        each("compiled network", [card.twin.precision for card in cards]),
        each("input, pixels", [f"{c.input.size}, {c.input.view}" for c in cards]),
        each("threshold", [f"{c.threshold.value:.4f} ({c.threshold.policy})" for c in cards]),
        each("epochs (best)", [f"{c.training.epochs} ({c.training.best_epoch})" for c in cards]),
        each("training, minutes", [f"{card.training.seconds / 60:.1f}" for card in cards]),
    )


def _milliseconds(time: Duration) -> str:
    return f"{time.median:.2f} [{time.low:.2f}, {time.high:.2f}], n = {time.n}"


def _notes(experiments: Sequence[Experiment]) -> list[str]:
    notes = ["In brackets: 95 % intervals. Fake is the positive class, decided at each threshold."]
    if len({experiment.card.training.data_fingerprint for experiment in experiments}) > 1:
        notes.append(
            "These models were trained on different pictures: what their cards say of validation "
            "and test is not of the same pictures either. Only a directory that all are measured "
            "on compares them."
        )
    if len(experiments) > 1 and any(experiment.judged for experiment in experiments):
        notes.append(
            "Whoever chooses the best of several by one directory has fitted that directory: the "
            "figure of the chosen one is a little too good."
        )
    return notes
