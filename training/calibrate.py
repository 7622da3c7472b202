"""`calibrate`: fit a finished model's scores and verdicts to someone's own pictures.

The network stays as it is. Half of the pictures (near copies stay together) decide on calibration,
threshold and band; the other half says how good that is.
"""

import os
import tempfile
import zipfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import msgspec
import numpy as np
import numpy.typing as npt
from tqdm import tqdm

from keras_detector.card import Card
from keras_detector.errors import DataError, RunError
from keras_detector.labelled_directory import read_labelled_directory
from keras_detector.labels import Label
from keras_detector.measure import measure, measure_sources
from keras_detector.model_file import read_model_file, twin_path, write_model_file
from keras_detector.printable import printable
from keras_detector.runtime import Runtime
from training.calibration import fit_calibration
from training.curve import measure_curve
from training.labelled_pictures import read_pictures
from training.recipe_lines import VerdictLines
from training.robust_figures import ROBUSTNESS_PICTURES, robust_figures
from training.threshold import check_policy, choose_threshold

_KERAS_MEMBERS = ("metadata.json", "config.json", "model.weights.h5")


def verdict_lines(card: Card) -> VerdictLines:
    """The verdict lines of the recipe that a model was made with.

    Raises:
        DataError: the card's recipe has none.
    """
    try:
        return msgspec.convert(card.training.recipe.get("verdict"), VerdictLines)
    except msgspec.ValidationError as error:
        raise DataError(
            expected="a model whose recipe has verdict lines",
            received=str(error),
            advice="Train the model again with this version.",
        ) from error


def calibrate(
    model: Path,
    root: Path,
    out: Path,
    *,
    verdict: VerdictLines,
    seed: int,
    announce: Callable[[str], None],
) -> Card:
    """Write a copy of a model whose calibration, threshold and band fit a labelled directory.

    Args:
        model: the model file.
        root: the labelled directory; its own splits are taken together.
        out: the new model file; nothing may be there.
        verdict: what is fitted.
        seed: divides the pictures.
        announce: told what the check of the directory found, a sentence at a time.

    Returns:
        the new card: `"validation"` is the half that was fitted to, `"test"` the other one.

    Raises:
        DataError: the directory cannot be used.
        ModelFileError: the model file is bad.
        RunError: `out` exists, or a file where its twin goes.
        ThresholdError: the pictures cannot support the threshold policy.
    """
    _refuse_existing(out)
    found = read_model_file(model)
    card = found.card
    if card.twin.place == "beside":
        _refuse_existing(twin_path(out))
    directory = read_labelled_directory(root)
    runtime = Runtime(found.twin, card.input)
    with tempfile.TemporaryDirectory() as temporary:
        pictures = read_pictures(directory, card.input, Path(temporary))
        for sentence in pictures.findings:
            announce(sentence)
        rows = pictures.usable
        bar = tqdm(rows, desc="Scoring", unit="picture", disable=None)
        logits = np.array([runtime.run(np.asarray(pictures.pixels[row])).logit for row in bar])
    labels, sources = pictures.labels[rows], pictures.sources_of(rows)
    halves = _halves(labels, pictures.groups[rows], seed)
    fitted, tested = (np.flatnonzero(halves == half) for half in (0, 1))
    check_policy(verdict.threshold, int((labels[fitted] == Label.REAL).sum()))
    calibration = fit_calibration(logits[fitted], labels[fitted], verdict.calibration)
    scores = calibration.score(logits)
    threshold = choose_threshold(
        labels[fitted], scores[fitted], verdict.threshold, verdict.abstain_risk
    )
    parts = {"validation": fitted, "test": tested}
    shown = np.random.default_rng(seed).permutation(tested)[:ROBUSTNESS_PICTURES]
    name = printable(root.resolve().name)
    data = f"{len(rows):,} pictures of {name}, half of them for the fit, the others for the test"
    recipe = dict(card.training.recipe)
    recipe["verdict"] = msgspec.to_builtins(verdict)
    new = msgspec.structs.replace(
        card,
        summary=f"{card.summary} Calibrated on {data}.",
        calibration=calibration,
        threshold=threshold,
        training=msgspec.structs.replace(card.training, recipe=recipe),
        figures={part: measure(labels[of], scores[of], threshold) for part, of in parts.items()},
        per_source={
            part: measure_sources(labels[of], scores[of], [sources[at] for at in of], threshold)
            for part, of in parts.items()
        },
        robustness=robust_figures(
            runtime,
            card.input,
            calibration,
            threshold,
            labels=labels[shown],
            paths=[pictures.paths[rows[at]] for at in shown],
            sources=[sources[at] for at in shown],
        ),
        # What was measured at the old threshold says nothing of the new one.
        collections={},
        curve=measure_curve({}, (labels[fitted], scores[fitted]), threshold.value),
    )
    write_model_file(out, keras_archive=_keras_archive(model), twin=found.twin, card=new)
    return new


def _refuse_existing(path: Path) -> None:
    if os.path.exists(path):  # noqa: PTH110
        raise RunError(
            expected="a new file for the new model",
            received=f"{printable(path)}, which exists",
            advice="Choose another --out: no model is ever replaced.",
        )


def _halves(
    labels: npt.NDArray[np.int8], groups: npt.NDArray[np.int64], seed: int
) -> npt.NDArray[np.int64]:
    from sklearn.model_selection import StratifiedGroupKFold

    least = min(len(np.unique(groups[labels == label])) for label in Label)
    if least < 2:
        raise DataError(
            expected="at least two different pictures of each class",
            received=f"{least}",
            advice="Add pictures; near copies count once.",
        )
    halves = np.zeros(len(labels), dtype=np.int64)
    splitter = StratifiedGroupKFold(2, shuffle=True, random_state=seed)
    _, tested = next(splitter.split(np.zeros((len(labels), 1)), labels, groups))
    halves[tested] = 1
    return halves


def _keras_archive(model: Path) -> bytes:
    """What plain Keras saved, without what we put beside it."""
    buffer = BytesIO()
    with zipfile.ZipFile(model) as source, zipfile.ZipFile(buffer, "w") as target:
        for name in _KERAS_MEMBERS:
            target.writestr(name, source.read(name))
    return buffer.getvalue()
