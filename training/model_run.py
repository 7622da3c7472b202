"""What `fit` and `fine-tune` do alike: begin with checked data, end with a report and a model."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from keras_detector.audit_note import audit_sentence
from keras_detector.card import AuditNote, Card, InputSpec
from keras_detector.errors import RunError
from keras_detector.labels import Label
from keras_detector.model_file import twin_path, write_model_file
from keras_detector.printable import printable
from training.dataset import Dataset, prepare_dataset
from training.held_out import source_plan
from training.kept_audit import kept_audit
from training.measured_card import MeasuredModel
from training.recipe import AnyRecipe, TuningRecipe
from training.recipe_lines import ExportLines
from training.report.model_report import write_report
from training.run_directory import RunDirectory
from training.threshold import check_policy
from training.verdict_rows import verdict_rows


@dataclass(frozen=True)
class Prepared:
    """What a run begins with.

    Attributes:
        dataset: what is trained on.
        audit: what its pictures' labels are told by without looking at them.
    """

    dataset: Dataset
    audit: AuditNote


def refuse_existing(
    run: RunDirectory, out: Path, report: Path, export: ExportLines, *, overwrite: bool | None
) -> None:
    """Refuse to replace a model, or a twin or report that is not an unfinished run's own.

    Args:
        run: the unfinished run, if there is one.
        out: the model file to write.
        report: the directory for its report.
        export: whether a twin is written beside the model.
        overwrite: what the user says; None where it is never allowed.

    Raises:
        RunError: something is in the way.
    """
    # The report is written just before the model: one beside an unfinished run is its own.
    for path in [out] if run.began else [out, report / "report.html"]:
        _refuse(path, overwrite)
    _refuse_twin(run, out, export.place, overwrite)


def prepare_run(
    root: Path,
    recipe: AnyRecipe | TuningRecipe,
    spec: InputSpec,
    run: RunDirectory,
    announce: Callable[[str], None],
) -> Prepared:
    """Read, check, divide and audit the data directory of a run.

    Args:
        root: the data directory.
        recipe: how it is divided, and what the verdict is to be.
        spec: what the network sees.
        run: keeps the packed pictures and the audit.
        announce: told what the check of the directory found, a sentence at a time.

    Raises:
        DataError: the directory cannot be trained on.
        RecipeError: the recipe names a source that is not there.
        SaveError: something cannot be written.
        ThresholdError: the pictures cannot support the threshold policy.
    """
    size = recipe.data.dataset_size
    dataset = prepare_dataset(
        root,
        spec=spec,
        ratios=recipe.data.split,
        dataset_size=None if size == "all" else size,
        seed=recipe.train.seed,
        cache=run.pictures,
        hold_out=recipe.data.hold_out,
        weighed=tuple(recipe.train.source_weights),
    )
    for sentence in (*dataset.findings, dataset.summary):
        announce(sentence)
    # Hours of training later would be late to learn that the policy cannot be had.
    chosen_on = verdict_rows(dataset, recipe.verdict, recipe.export)
    check_policy(recipe.verdict.threshold, int((dataset.labels[chosen_on] == Label.REAL).sum()))
    if recipe.verdict.validation == "sources":
        source_plan(dataset, chosen_on, recipe.train.seed)
    audit = kept_audit(dataset, run.audit)
    announce(audit_sentence(audit))
    return Prepared(dataset, audit)


def finish_run(
    run: RunDirectory, out: Path, report: Path, made: MeasuredModel, *, overwrite: bool | None
) -> Card:
    """Write the report, then the model, and delete what the run kept.

    Args:
        run: the run.
        out: the model file to write.
        report: the directory for its report.
        made: what they are made of.
        overwrite: as `refuse_existing` was told.

    Returns:
        the card of the model.

    Raises:
        RunError: somebody else has written `out` or its twin meanwhile; the run is kept.
        SaveError: something cannot be written; nothing that was there is harmed.
    """
    # The model comes last: while it is not there, the same command finishes what is missing.
    write_report(report, made.content)
    _refuse(out, overwrite)
    card = made.content.card
    _refuse_twin(run, out, card.twin.place, overwrite)
    run.note_writing()
    write_model_file(out, keras_archive=made.archive, twin=made.twin, card=card)
    run.remove()
    return card


def _refuse_twin(run: RunDirectory, out: Path, place: str, overwrite: bool | None) -> None:
    # The twin is written just before the model: the run notes that it began to, and then it is its.
    if place == "beside" and not run.writing:
        _refuse(twin_path(out), overwrite)


def _refuse(path: Path, overwrite: bool | None) -> None:
    if os.path.exists(path) and not overwrite:  # noqa: PTH110
        raise RunError(
            expected="a new file for the model, and a new place for its report",
            received=f"{printable(path)}, which exists",
            advice="Choose another --out or --report"
            + ("." if overwrite is None else ", or pass --overwrite to replace it."),
        )
