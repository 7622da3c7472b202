"""From a trained network to its card: calibration, threshold, the compiled twin, every figure.

On test pictures the compiled network is also measured compressed, scaled and blurred.
"""

import datetime
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
import numpy.typing as npt
from tqdm import tqdm

from keras_detector.card import (
    FORMAT,
    UNSEEN_SOURCES,
    AuditNote,
    Calibration,
    Card,
    InputSpec,
    Stands,
    Training,
)
from keras_detector.errors import RunError
from keras_detector.labelled_directory import Split, read_labelled_directory
from keras_detector.labels import LABEL_NAMES
from keras_detector.measure import measure, measure_sources
from keras_detector.printable import printable
from keras_detector.runtime import Runtime
from training.batches import OrderedBatches
from training.calibration import fit_calibration
from training.curve import measure_curve
from training.dataset import Dataset
from training.export import check_parity, compile_twin, keras_archive, open_archive
from training.inference_time import time_inference
from training.recipe_lines import ExportLines, VerdictLines
from training.recipe_table import target_accuracy
from training.report.heatmap import heatmap_of
from training.report.model_report import ReportContent
from training.report.split_gallery import hang_split
from training.robust_figures import ROBUSTNESS_PICTURES, robust_figures
from training.scored import score_pictures
from training.threshold import choose_threshold
from training.train import Trained, package_versions
from training.verdict_rows import measured_rows, spread

PARITY_PICTURES = 1000
"""Validation pictures on which the twin must agree with Keras."""

PARITY_PIXELS = 3_000_000
"""Of large pictures fewer are compared: so many pixels in all, and 16 pictures at least."""

CACHE_TOLERANCE = {"float32": 1e-3, "mixed_bfloat16": 0.2, "mixed_float16": 0.01}
"""A logit from kept features whose score differs more than this from the network's is refused."""


@dataclass(frozen=True)
class CardPlan:
    """What a card says before anything is measured; the names are the card's and the recipe's."""

    name: str
    summary: str
    limits: tuple[str, ...]
    input: InputSpec
    verdict: VerdictLines
    export: ExportLines
    stands: Stands
    audit: AuditNote | None
    recipe: dict[str, object]


@dataclass(frozen=True)
class MeasuredModel:
    """What a model file and its report are made of.

    Attributes:
        content: the card among it.
        archive: the bytes of the `.keras` file that plain Keras saved.
        twin: the compiled network.
    """

    content: ReportContent
    archive: bytes
    twin: bytes


def measured_card(
    plan: CardPlan,
    dataset: Dataset,
    trained: Trained,
    network: keras.Model,
    collections: Mapping[str, Path],
    announce: Callable[[str], None],
) -> MeasuredModel:
    """Calibrate, compile and measure a trained network.

    Args:
        plan: what is known of the card.
        dataset: calibration and threshold come from its validation split, or from the held-out
            logits of `trained`; its test split is opened once, after them.
        trained: how the network was trained.
        network: with float32 weights.
        collections: name to a labelled directory that others gathered.
        announce: told what of a collection was left out, a sentence at a time.

    Returns:
        what is written: the card with what its report is made of, and both forms of the network.

    Raises:
        ModelFileError: the compiled twin does not agree with Keras.
        RunError: kept features do not belong to the network.
        ThresholdError: the validation data cannot support the threshold policy.
    """
    validation = measured_rows(dataset, Split.VALIDATION, plan.export)

    archive = keras_archive(network, plan.export.keras)
    twin = compile_twin(network, plan.export.twin)
    runtime = Runtime(twin, plan.input)
    stored = network if plan.export.keras == "float32" else open_archive(archive)

    def logits_of(rows: npt.NDArray[np.int64]) -> npt.NDArray[np.floating]:
        if plan.export.twin != "float32":  # what is served decides, in its own bits
            bar = tqdm(rows, desc="Scoring", unit="picture", disable=None)
            return np.array([runtime.run(np.asarray(dataset.pixels[row])).logit for row in bar])
        return _logits(network, dataset, rows) if trained.logits is None else trained.logits[rows]

    served = logits_of(validation)
    logits, labels = np.asarray(served), np.asarray(dataset.labels[validation], np.int64)
    weights = None
    if trained.held_out is not None and trained.logits is not None:
        logits = _as_served(trained.held_out.logits, trained.logits[validation], served)
        labels = np.asarray(dataset.labels[trained.held_out.rows], np.int64)
        weights = trained.held_out.weights
    calibration = fit_calibration(logits, labels, plan.verdict.calibration, weights)
    threshold = choose_threshold(
        labels, calibration.score(logits), plan.verdict.threshold, plan.verdict.abstain_risk
    )
    most = min(PARITY_PICTURES, max(16, PARITY_PIXELS // plan.input.size**2))
    compared = spread(validation, dataset.labels, most)
    agreement = check_parity(
        stored,
        twin,
        plan.input,
        calibration,
        dataset.pixels[compared],
        precision=plan.export.twin,
        place=plan.export.place,
    )
    if trained.logits is not None:
        _check_features(network, dataset, compared, trained, calibration)
    # From here on nothing is chosen any more: the test split is opened, once.
    shown = {split: measured_rows(dataset, split, plan.export) for split in dataset.rows}
    known = {Split.VALIDATION: served}
    scored = {
        split.value: (
            dataset.labels[rows],
            calibration.score(known[split] if split in known else logits_of(rows)),
        )
        for split, rows in shown.items()
    }
    per_source = {
        split.value: measure_sources(*scored[split.value], dataset.sources_of(rows), threshold)
        for split, rows in shown.items()
    }
    if trained.unseen is not None and trained.logits is not None:
        rows, left_out = trained.unseen.rows, trained.unseen.left_out
        logits = _as_served(trained.unseen.logits, trained.logits[validation], served)
        scores = calibration.score(logits)
        scored[UNSEEN_SOURCES] = dataset.labels[rows], scores
        per_source[UNSEEN_SOURCES] = measure_sources(
            dataset.labels[rows[left_out]],
            scores[left_out],
            dataset.sources_of(rows[left_out]),
            threshold,
        )
    test = spread(dataset.rows[Split.TEST], dataset.labels, ROBUSTNESS_PICTURES)
    others, findings = {}, list(dataset.findings)
    for name, directory in collections.items():
        listed = read_labelled_directory(directory)
        found = score_pictures(runtime, plan.input, listed.pictures, name)
        for sentence in (*listed.findings, *found.findings):
            findings.append(f"{printable(name)}: {sentence}")
            announce(findings[-1])
        others[name] = (found.labels, calibration.score(found.logits))
    card = Card(
        format=FORMAT,
        name=plan.name,
        summary=plan.summary,
        labels=(LABEL_NAMES[0], LABEL_NAMES[1]),
        input=plan.input,
        calibration=calibration,
        threshold=threshold,
        stands=plan.stands,
        twin=agreement,
        training=Training(
            recipe=plan.recipe,
            data=dataset.summary,
            data_fingerprint=dataset.fingerprint,
            epochs=trained.epochs,
            best_epoch=trained.best_epoch,
            seconds=trained.seconds,
            finished=datetime.datetime.now(datetime.UTC).date().isoformat(),
            history=trained.history,
            versions=package_versions(),
        ),
        audit=plan.audit,
        figures={name: measure(*pair, threshold) for name, pair in scored.items()},
        per_source=per_source,
        robustness=robust_figures(
            runtime,
            plan.input,
            calibration,
            threshold,
            labels=dataset.labels[test],
            paths=[dataset.paths[row] for row in test],
            sources=dataset.sources_of(test),
        ),
        collections={name: measure(*pair, threshold) for name, pair in others.items()},
        curve=measure_curve(others, scored["validation"], threshold.value),
        limits=plan.limits,
        sha256={},
    )
    content = ReportContent(
        card=card,
        history=trained.history,
        target_accuracy=target_accuracy(plan.recipe),
        scored=scored,
        findings=tuple(findings),
        per_source=card.per_source,
        gallery=hang_split(
            dataset,
            validation,
            scored["validation"][1],
            threshold,
            heatmap_of(runtime, plan.input),
        ),
        inference=time_inference(runtime, plan.input.size, None),
    )
    return MeasuredModel(content, archive, twin)


def _as_served(
    held_out: npt.NDArray[np.floating],
    kept: npt.NDArray[np.floating],
    served: npt.NDArray[np.floating],
) -> npt.NDArray[np.floating]:
    """Logits of other heads on the kept features, on the scale of what the served network says.

    Fewer bits move logits a little; by how much is seen where both are known, on the validation
    split.
    """
    slope, intercept = np.polyfit(kept, served, 1)
    return np.asarray(slope * held_out + intercept)


def _logits(
    network: keras.Model, dataset: Dataset, rows: npt.NDArray[np.int64]
) -> npt.NDArray[np.float32]:
    batches = OrderedBatches(dataset.pixels, dataset.labels, rows)
    logits: npt.NDArray[np.float32] = network.predict(batches, verbose=0)[:, 0]
    return logits


def _check_features(
    network: keras.Model,
    dataset: Dataset,
    rows: npt.NDArray[np.int64],
    trained: Trained,
    calibration: Calibration,
) -> None:
    assert trained.logits is not None  # noqa: S101 - the caller asks for those with features
    scores = calibration.score(_logits(network, dataset, rows))
    difference = float(np.abs(scores - calibration.score(trained.logits[rows])).max())
    if not difference <= CACHE_TOLERANCE[trained.precision]:
        raise RunError(
            expected="the network to score as its kept features do",
            received=f"a difference of {difference:.2g} over {len(rows)} pictures",
            advice="Discard what is kept with --restart; if it stays, please report it.",
        )
