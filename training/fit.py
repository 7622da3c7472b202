"""`fit`: from a data directory and a recipe to a model file and its report."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import msgspec

from keras_detector.card import Card
from keras_detector.labelled_directory import read_labelled_directory
from training.leave_one_source_out import plan_rounds, refuse_no_frozen_head
from training.measured_card import CardPlan, measured_card
from training.model_run import finish_run, prepare_run, refuse_existing
from training.network import finish_network
from training.outside import refuse_inside
from training.recipe import AnyRecipe, TransferRecipe
from training.run_directory import RunDirectory
from training.train import train
from training.transfer import train_transfer


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
    leave_one_source_out: bool = False,
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
        leave_one_source_out: also measure every source by a head that was trained without it.

    Returns:
        the card of the written model.

    Raises:
        DataError: the directory cannot be trained on.
        RecipeError: the recipe does not fit the data, or cannot leave sources out one by one.
        RunError: `out` or the report exists or lies in `root`, the loss is lost, or an unfinished
            run does not fit.
        SaveError: something cannot be written; nothing that was there is harmed.
        ThresholdError: the validation data cannot support the threshold policy.
    """
    if leave_one_source_out:
        refuse_no_frozen_head(recipe)
    run = RunDirectory(out)
    refuse_inside(root, {"--out": out, "--report": report})
    refuse_existing(run, out, report, recipe.export, overwrite=overwrite)
    for directory in (collections or {}).values():
        read_labelled_directory(directory)
    with run:
        if restart:
            run.remove()
        prepared = prepare_run(root, recipe, recipe.input, run, announce)
        dataset, rounds = prepared.dataset, None
        if leave_one_source_out:
            rounds = plan_rounds(dataset, recipe.train.seed)
            for sentence in rounds.findings:
                announce(sentence)
            dataset = replace(dataset, findings=(*dataset.findings, *rounds.findings))
        if isinstance(recipe, TransferRecipe):
            trained = train_transfer(recipe, dataset, run, rounds)
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
            audit=prepared.audit,
            recipe=msgspec.to_builtins(recipe),
        )
        made = measured_card(plan, dataset, trained, network, collections or {}, announce)
        return finish_run(run, out, report, made, overwrite=overwrite)
