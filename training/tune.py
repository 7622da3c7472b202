"""`fine-tune`: train a finished model further on someone's own pictures, into a new file."""

import os
from collections.abc import Callable, Mapping
from pathlib import Path

import keras
import msgspec

from keras_detector.audit_note import audit_sentence
from keras_detector.card import Card
from keras_detector.errors import ModelFileError
from keras_detector.labelled_directory import Split, read_labelled_directory
from keras_detector.labels import Label
from keras_detector.model_file import read_model_file, write_model_file
from keras_detector.networks.mirror import unwrap_mirrored
from keras_detector.printable import printable
from training.dataset import prepare_dataset
from training.fine_tuning import fine_tune
from training.fit import audit_note, refuse_existing
from training.measured_card import CardPlan, measured_card
from training.network import finish_network
from training.recipe import TuningRecipe
from training.report import write_report
from training.run_directory import RunDirectory
from training.seeding import make_deterministic
from training.threshold import check_policy
from training.train import Trained, package_versions


def tune(
    model: Path,
    root: Path,
    recipe: TuningRecipe,
    out: Path,
    *,
    report: Path,
    restart: bool,
    announce: Callable[[str], None],
    collections: Mapping[str, Path],
) -> Card:
    """Fine-tune a model on a data directory, calibrate it anew and measure it.

    Resumable as `fit.fit` is. Nothing that exists is replaced.

    Args:
        model: the model file.
        root: the data directory.
        recipe: how to train.
        out: the new model file.
        report: the directory for the report and its plots.
        restart: discard what an unfinished run of this `out` has done so far.
        announce: told what the check of the directory found, a sentence at a time.
        collections: name to a labelled directory that others gathered; measured at the end.

    Returns:
        the card of the written model.

    Raises:
        DataError: the directory cannot be trained on.
        ModelFileError: the model file is bad, or its network cannot be trained.
        RunError: `out` or the report exists, the loss is lost, or an unfinished run does not fit.
        SaveError: something cannot be written; nothing that was there is harmed.
        ThresholdError: the validation data cannot support the threshold policy.
    """
    card = read_model_file(model).card
    run = RunDirectory(out)
    refuse_existing(run, out, report, overwrite=None)
    for directory in collections.values():
        read_labelled_directory(directory)
    with run:
        if restart:
            run.remove()
        dataset = prepare_dataset(
            root,
            spec=card.input,
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
        validation = dataset.rows[Split.VALIDATION]
        check_policy(
            recipe.verdict.threshold, int((dataset.labels[validation] == Label.REAL).sum())
        )
        make_deterministic(recipe.train.seed)
        trunk, mirrored = _trunk(model)
        tuned = fine_tune(trunk, recipe, card.input, dataset, run, package_versions())
        trained = Trained(
            trunk=trunk,
            history=tuned.history,
            epochs=len(tuned.history["loss"]),
            best_epoch=tuned.best_epoch,
            seconds=tuned.seconds,
            logits=None,
        )
        plan = CardPlan(
            name=f"{card.name}, {recipe.name}"[:100],
            summary=f"{card.summary} Trained further on {dataset.summary}.",
            limits=(*card.limits, *(text for text in recipe.limits if text not in card.limits)),
            input=card.input,
            verdict=recipe.verdict,
            export=recipe.export,
            stands=card.stands,
            audit=note,
            # The new lines, and what they were applied to.
            recipe={**msgspec.to_builtins(recipe), "model": card.training.recipe},
        )
        network = finish_network(trunk, mirror=mirrored)
        made = measured_card(plan, dataset, trained, network, collections)
        write_report(report, made.content)
        if os.path.exists(out):  # noqa: PTH110 - it came while we trained
            refuse_existing(run, out, report, overwrite=None)
        new = made.content.card
        write_model_file(out, keras_archive=made.archive, twin=made.twin, card=new)
        run.remove()
    return new


def _trunk(model: Path) -> tuple[keras.Model, bool]:
    """The network inside a verified model file, and whether its mirrored form was saved."""
    trunk, mirrored = unwrap_mirrored(keras.saving.load_model(model, compile=False))
    if any(
        variable.dtype != "float32" for variable in trunk.weights if "seed" not in variable.path
    ):
        raise ModelFileError(
            expected="a model with float32 weights",
            received=f"{printable(model)}, whose weights were made smaller",
            advice="Fine-tune the model it was made from, or train its recipe again.",
        )
    # Built anew: inside the mirrored network it already has a place.
    fresh = trunk.__class__.from_config(trunk.get_config())
    fresh.set_weights(trunk.get_weights())
    return fresh, mirrored
