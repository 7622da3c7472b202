"""`fit`: from a data directory and a recipe to a model file and its report."""

import os
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec
import numpy as np

from keras_detector.audit_note import audit_sentence
from keras_detector.card import AuditNote, Card
from keras_detector.errors import RunError
from keras_detector.labelled_directory import LabelledPicture, Split, read_labelled_directory
from keras_detector.labels import Label
from keras_detector.model_file import write_model_file
from keras_detector.printable import printable
from training.audit import audit_pictures
from training.dataset import Dataset, prepare_dataset
from training.measured_card import CardPlan, measured_card
from training.network import finish_network
from training.recipe import AnyRecipe, TransferRecipe
from training.report import write_report
from training.run_directory import RunDirectory
from training.threshold import check_policy
from training.train import train


def fit(
    root: Path,
    recipe: AnyRecipe,
    out: Path,
    *,
    report: Path,
    overwrite: bool,
    restart: bool,
    announce: Callable[[str], None],
    collections: Mapping[str, Path] | None = None,
) -> Card:
    """Train a recipe on a data directory.

    Killed at any moment and called again in the same way, it goes on after the last finished
    epoch and ends with the same result.

    Args:
        root: the data directory.
        recipe: what to train.
        out: the model file to write.
        report: the directory for the report and its plots.
        overwrite: replace an existing `out` and report in the end; otherwise they are refused.
        restart: discard what an unfinished run of this `out` has done so far.
        announce: told before the first epoch what the check of the directory found, a sentence
            at a time.
        collections: name to a labelled directory that others gathered; measured at the end, never
            trained on or chosen with.

    Returns:
        the card of the written model.

    Raises:
        DataError: the directory cannot be trained on.
        RunError: `out` or the report exists, the loss is lost, or an unfinished run does not fit.
        SaveError: something cannot be written; nothing that was there is harmed.
        ThresholdError: the validation data cannot support the threshold policy.
    """
    run = RunDirectory(out)
    refuse_existing(run, out, report, overwrite=overwrite)
    for directory in (collections or {}).values():
        read_labelled_directory(directory)
    with run:
        if restart:
            run.remove()
        dataset = prepare_dataset(
            root,
            spec=recipe.input,
            ratios=recipe.data.split,
            dataset_size=None if recipe.data.dataset_size == "all" else recipe.data.dataset_size,
            seed=recipe.train.seed,
            cache=run.pictures,
            hold_out=recipe.data.hold_out,
        )
        for sentence in (*dataset.findings, dataset.summary):
            announce(sentence)
        note = audit_note(dataset)
        announce(audit_sentence(note))
        # Hours of training later would be late to learn that the policy cannot be had.
        chosen_on = [dataset.rows[Split.VALIDATION]]
        if recipe.verdict.validation == "sources":
            chosen_on.append(dataset.rows[Split.TRAIN])
        n_real = int((dataset.labels[np.concatenate(chosen_on)] == Label.REAL).sum())
        check_policy(recipe.verdict.threshold, n_real)
        if isinstance(recipe, TransferRecipe):
            from training.transfer import train_transfer

            trained = train_transfer(recipe, dataset, run)
        else:
            trained = train(recipe, dataset, run)
        network = finish_network(trained.trunk, mirror=recipe.network.mirror)
        plan = CardPlan(
            name=recipe.name,
            summary=recipe.summary,
            limits=recipe.limits,
            input=recipe.input,
            verdict=recipe.verdict,
            export=recipe.export,
            stands=recipe.stands,
            audit=note,
            recipe=msgspec.to_builtins(recipe),
        )
        model = measured_card(plan, dataset, trained, network, collections or {})
        # The model comes last: while it is not there, the same command finishes what is missing.
        write_report(report, model.content)
        card = model.content.card
        write_model_file(out, keras_archive=model.archive, twin=model.twin, card=card)
        run.remove()
    return card


def refuse_existing(run: RunDirectory, out: Path, report: Path, *, overwrite: bool | None) -> None:
    """Refuse to replace a model, or a report that is not an unfinished run's own.

    Args:
        run: the unfinished run, if there is one.
        out: the model file to write.
        report: the directory for its report.
        overwrite: what the user says; None where it is never allowed.

    Raises:
        RunError: something is in the way.
    """
    # The report is written just before the model: one beside an unfinished run is its own.
    for path in [out] if run.began else [out, report / "report.html"]:
        if os.path.exists(path) and not overwrite:  # noqa: PTH110
            raise RunError(
                expected="a new file for the model, and a new place for its report",
                received=f"{printable(path)}, which exists",
                advice="Choose another --out or --report"
                + ("." if overwrite is None else ", or pass --overwrite to replace it."),
            )


def audit_note(dataset: Dataset) -> AuditNote:
    """What the label of the data set's pictures is told by without looking at them; see `audit`."""
    rows = dataset.used
    pictures = [
        LabelledPicture(dataset.paths[row], Label(dataset.labels[row]), dataset.sources[row], None)
        for row in rows
    ]
    return audit_pictures(pictures, dataset.groups[rows]).note()
