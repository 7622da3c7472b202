"""`fit`: from a data directory and a recipe to a model file and its report."""

import datetime
import os
from collections.abc import Callable
from pathlib import Path

import keras
import msgspec
import numpy as np
import numpy.typing as npt

from keras_detector.card import Card, Training
from keras_detector.errors import RunError
from keras_detector.labelled_directory import Split
from keras_detector.labels import LABEL_NAMES, Label
from keras_detector.measure import measure
from keras_detector.model_file import write_model_file
from keras_detector.printable import printable
from training.batches import OrderedBatches
from training.calibration import fit_calibration
from training.dataset import Dataset, prepare_dataset
from training.export import check_parity, compile_twin, keras_archive
from training.network import finish_network
from training.recipe import Recipe
from training.report import ReportContent, write_report
from training.run_directory import RunDirectory
from training.threshold import check_policy, choose_threshold
from training.train import Trained, package_versions, train

PARITY_PICTURES = 1000
"""Validation pictures on which the twin must agree with Keras."""


def fit(
    root: Path,
    recipe: Recipe,
    out: Path,
    *,
    report: Path,
    overwrite: bool,
    restart: bool,
    announce: Callable[[str], None],
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

    Returns:
        the card of the written model.

    Raises:
        DataError: the directory cannot be trained on.
        RunError: `out` or the report exists, the loss is lost, or an unfinished run does not fit.
        SaveError: something cannot be written; nothing that was there is harmed.
        ThresholdError: the validation data cannot support the threshold policy.
    """
    run = RunDirectory(out)
    # The report is written just before the model: one beside an unfinished run is its own.
    in_the_way = [out] if run.began else [out, report / "report.html"]
    for path in in_the_way:
        if os.path.exists(path) and not overwrite:  # noqa: PTH110
            raise RunError(
                expected="a new file for the model, and a new place for its report",
                received=f"{printable(path)}, which exists",
                advice="Choose another --out or --report, or pass --overwrite to replace it.",
            )
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
        )
        for sentence in (*dataset.findings, dataset.summary):
            announce(sentence)
        # Hours of training later would be late to learn that the policy cannot be had.
        validation = dataset.rows[Split.VALIDATION]
        n_real = int((dataset.labels[validation] == Label.REAL).sum())
        check_policy(recipe.verdict.threshold, n_real)
        trained = train(recipe, dataset, run)
        network = finish_network(trained.trunk, recipe)
        content, twin = _measure(recipe, dataset, trained, network)
        # The model comes last: while it is not there, the same command finishes what is missing.
        write_report(report, content)
        archive = keras_archive(network)
        write_model_file(out, keras_archive=archive, twin=twin, card=content.card)
        run.remove()
    return content.card


def _measure(
    recipe: Recipe, dataset: Dataset, trained: Trained, network: keras.Model
) -> tuple[ReportContent, bytes]:
    validation = dataset.rows[Split.VALIDATION]
    logits = _logits(network, dataset, validation)
    labels = dataset.labels[validation]
    calibration = fit_calibration(logits, labels, recipe.verdict.calibration)
    threshold = choose_threshold(
        labels,
        calibration.score(logits),
        recipe.verdict.threshold,
        recipe.verdict.abstain_risk,
    )
    twin = compile_twin(network)
    agreement = check_parity(
        network, twin, recipe.input, calibration, dataset.pixels[_spread(validation)]
    )
    # From here on nothing is chosen any more: the test split is opened, once.
    scored = {
        split.value: (
            dataset.labels[rows],
            calibration.score(_logits(network, dataset, rows)),
        )
        for split, rows in dataset.rows.items()
    }
    card = Card(
        format=1,
        name=recipe.name,
        summary=recipe.summary,
        labels=(LABEL_NAMES[0], LABEL_NAMES[1]),
        input=recipe.input,
        calibration=calibration,
        threshold=threshold,
        twin=agreement,
        training=Training(
            recipe=msgspec.to_builtins(recipe),
            data=dataset.summary,
            data_fingerprint=dataset.fingerprint,
            epochs=trained.epochs,
            best_epoch=trained.best_epoch,
            seconds=trained.seconds,
            finished=datetime.datetime.now(datetime.UTC).date().isoformat(),
            versions=package_versions(),
        ),
        figures={
            name: measure(labels, scores, threshold) for name, (labels, scores) in scored.items()
        },
        limits=recipe.limits,
        sha256={},
    )
    target = recipe.train.target_accuracy
    content = ReportContent(
        card=card,
        history=trained.history,
        target_accuracy=None if target == "none" else target,
        scored=scored,
        findings=dataset.findings,
    )
    return content, twin


def _spread(rows: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Up to `PARITY_PICTURES` of the rows, evenly spread, so that both classes are among them."""
    count = min(len(rows), PARITY_PICTURES)
    return rows[np.linspace(0, len(rows) - 1, count).astype(np.int64)]


def _logits(
    network: keras.Model, dataset: Dataset, rows: npt.NDArray[np.int64]
) -> npt.NDArray[np.float32]:
    batches = OrderedBatches(dataset.pixels, dataset.labels, rows)
    logits: npt.NDArray[np.float32] = network.predict(batches, verbose=0)[:, 0]
    return logits
