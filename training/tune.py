"""`fine-tune`: train a finished model further on someone's own pictures, into a new file."""

from collections.abc import Callable, Mapping
from pathlib import Path

import keras
import msgspec

from keras_detector.card import Card
from keras_detector.errors import ModelFileError
from keras_detector.labelled_directory import read_labelled_directory
from keras_detector.model_file import read_model_file
from keras_detector.networks.mirror import unwrap_mirrored
from keras_detector.printable import printable
from training.fine_tuning import fine_tune, first_unfrozen
from training.keras_form import check_keras_form, open_keras_form
from training.measured_card import CardPlan, measured_card
from training.model_run import finish_run, prepare_run, refuse_existing
from training.network import finish_network
from training.outside import refuse_inside
from training.recipe import TuningRecipe
from training.run_directory import RunDirectory
from training.seeding import make_deterministic
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
        RecipeError: the recipe names a source or a layer that is not there.
        RunError: `out` or the report exists or lies in `root`, the loss is lost, or an unfinished
            run does not fit.
        SaveError: something cannot be written; nothing that was there is harmed.
        ThresholdError: the validation data cannot support the threshold policy.
    """
    card = read_model_file(model).card
    check_keras_form(model)
    run = RunDirectory(out)
    refuse_inside(root, {"--out": out, "--report": report})
    refuse_existing(run, out, report, recipe.export, overwrite=None)
    for directory in (root, *collections.values()):
        read_labelled_directory(directory)
    with run:
        if restart:
            run.remove()
        make_deterministic(recipe.train.seed)
        trunk, mirrored = _trunk(model)
        first_unfrozen(trunk, recipe.fine_tune)
        prepared = prepare_run(root, recipe, card.input, run, announce)
        dataset = prepared.dataset
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
            audit=prepared.audit,
            # The new lines, and what they were applied to.
            recipe={**msgspec.to_builtins(recipe), "model": card.training.recipe},
        )
        network = finish_network(trunk, mirror=mirrored)
        made = measured_card(plan, dataset, trained, network, collections, announce)
        return finish_run(run, out, report, made, overwrite=None)


def _trunk(model: Path) -> tuple[keras.Model, bool]:
    """The network inside a verified model file, and whether its mirrored form was saved."""
    trunk, mirrored = unwrap_mirrored(open_keras_form(model))
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
