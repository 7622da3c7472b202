"""The card: everything a model file says about its network, as typed, validated data.

`card.json` inside a model file is exactly `Card` in JSON. Nothing in it has a default: a card that
lacks a field, has one too many, or holds a value out of range is refused.
"""

from typing import Annotated, Final, Literal

import msgspec
import numpy as np
import numpy.typing as npt
from msgspec import Meta

from keras_detector.errors import ModelFileError
from keras_detector.figures import (
    AuditNote,
    Condition,
    Count,
    Curve,
    Estimate,
    Figures,
    Fraction,
    OperatingPoint,
    SourceFigures,
)
from keras_detector.labels import LABEL_NAMES

__all__ = [
    "ANY_UPSCALE",
    "FORMAT",
    "AuditNote",
    "Calibration",
    "Card",
    "Condition",
    "Count",
    "Curve",
    "Estimate",
    "Figures",
    "Fraction",
    "InputSpec",
    "OperatingPoint",
    "SourceFigures",
    "Stands",
    "Threshold",
    "Training",
    "Twin",
    "decode_card",
    "encode_card",
]

FORMAT: Final = 2
"""The layout of a card that this version writes, and the only one that it reads."""

ANY_UPSCALE = 100.0
"""As `Stands.max_upscale`: verdicts are given however much a picture was enlarged."""

MAX_NAME = 100
"""Letters of a model's name."""

Sha256 = Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]


class InputSpec(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the network sees of a picture; read by `images.fit` and by nothing else.

    Attributes:
        size: side of the square input, in pixels.
        view: `"centre"` takes the largest centred square, `"whole"` squashes the whole picture
            into a square.
        resample: the resizing filter; Pillow's antialiased bicubic.
        enhance: denoise and double the picture first, as `enhance.enhance` does.
    """

    size: Annotated[int, Meta(ge=8, le=2048)]
    view: Literal["centre", "whole"]
    resample: Literal["bicubic"]
    enhance: bool


class Calibration(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Turns the network's logit into a score: `sigmoid(slope * logit + intercept)`.

    Fitted on validation data. `"temperature"` (Guo et al. 2017, arXiv:1706.04599) has
    `slope = 1 / T` and no intercept; `"platt"` (Platt 1999) fits both.
    """

    method: Literal["temperature", "platt"]
    slope: Annotated[float, Meta(gt=0.0)]
    intercept: float

    def score(self, logits: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Scores (float64, 0 to 1) for logits of any shape."""
        # tanh form of the sigmoid: no overflow at either end
        margin = self.slope * np.asarray(logits, dtype=np.float64) + self.intercept
        return np.asarray(0.5 * (1.0 + np.tanh(0.5 * margin)))


class Threshold(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where a score becomes `fake`: `score >= value`.

    Attributes:
        value: the threshold on the calibrated score.
        policy: how it was chosen on validation data: `"youden"`, `"f1"` or `"fpr=0.05"`; the
            strictness, where `strictness.threshold_for` moved it.
        abstain: `(low, high)`; a score strictly between them is `Verdict.UNDETERMINED`.
    """

    value: Fraction
    policy: str
    abstain: tuple[Fraction, Fraction]


class Twin(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The compiled network beside the Keras one.

    Attributes:
        precision: `"float32"`, or how the weights are stored where they were made smaller.
        place: `"inside"` the model file, or `"beside"` it: the file `<model stem>.tflite` in the
            same folder, whose digest is `sha256["model.tflite"]` all the same.
        max_score_difference: largest difference to Keras's score over the parity set.
        parity_pictures: size of that set.
    """

    precision: Literal["float32", "float16", "int8"]
    place: Literal["inside", "beside"]
    max_score_difference: Annotated[float, Meta(ge=0.0)]
    parity_pictures: Annotated[int, Meta(ge=1)]


class Stands(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a picture must be for a verdict to stand; any other one is `undetermined`.

    Attributes:
        min_side: the shorter side, in pixels.
        min_jpeg_quality: quality of the file's own JPEG compression on the scale of libjpeg; 0
            takes any.
        max_upscale: how many times the picture may have been enlarged after it was taken; 1 takes
            none, `ANY_UPSCALE` takes any.
    """

    min_side: Annotated[int, Meta(ge=1)]
    min_jpeg_quality: Annotated[int, Meta(ge=0, le=100)]
    max_upscale: Annotated[float, Meta(ge=1.0)]


class Training(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the network was trained: enough to do it again.

    Attributes:
        recipe: the whole recipe, as `training.recipe.Recipe` writes it.
        data: what the data directory held, in one sentence.
        data_fingerprint: sha256 over the used pictures' labels, splits and pixels.
        epochs: epochs run; `best_epoch` is the one whose weights were kept, from 1.
        seconds: training time in wall-clock seconds, without the final measurements.
        finished: date, ISO 8601.
        history: `loss`, `accuracy`, `val_loss` and `val_accuracy` to a value an epoch; empty where
            it was not kept.
        versions: package name to version.
    """

    recipe: dict[str, object]
    data: str
    data_fingerprint: Sha256
    epochs: Count
    best_epoch: Count
    seconds: float
    finished: str
    history: dict[str, list[float]]
    versions: dict[str, str]


class Card(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Everything a model file says about its network.

    Attributes:
        format: version of this layout, `FORMAT`.
        name: the model's name, as `Prediction` and reports show it.
        summary: what it is and what for, one or two sentences.
        labels: always `("real", "fake")`.
        stands: what a picture must be for a verdict to stand.
        audit: what the training data gives away without a look at it; None: it was not audited.
        figures: split name (`"train"`, `"validation"`, `"test"`) to its figures; where sources were
            left out one by one, also `UNSEEN_SOURCES`.
        per_source: as `figures`, to source name (a generator or a camera) to its figures.
        robustness: condition (see `degrade.CONDITIONS`) to what is left there, over the test
            pictures; a model that has none of those is measured on its validation pictures.
        collections: name of a collection, gathered by others and never trained on, to the
            figures there.
        curve: what each threshold would cost; the card's own is among its points.
        limits: what the model is known to be wrong about, a sentence each.
        sha256: member name to digest, for every other member of the file.
    """

    format: Literal[2]
    name: Annotated[str, Meta(min_length=1, max_length=MAX_NAME)]
    summary: str
    labels: tuple[str, str]
    input: InputSpec
    calibration: Calibration
    threshold: Threshold
    stands: Stands
    twin: Twin
    training: Training
    audit: AuditNote | None
    figures: dict[str, Figures]
    per_source: dict[str, dict[str, SourceFigures]]
    robustness: dict[str, Condition]
    collections: dict[str, Figures]
    curve: Curve
    limits: tuple[str, ...]
    sha256: dict[str, Sha256]


UNSEEN_SOURCES = "unseen sources"
"""Names the figures of all used pictures, each scored by a head that did without its source."""


class _Version(msgspec.Struct):
    format: int


def encode_card(card: Card) -> bytes:
    """The card as indented UTF-8 JSON, the content of `card.json`."""
    return msgspec.json.format(msgspec.json.encode(card), indent=2) + b"\n"


def decode_card(data: bytes) -> Card:
    """Read and validate `card.json`.

    Raises:
        ModelFileError: the JSON is not a whole card, is of an older format, or says another label
            order.
    """
    try:
        version = msgspec.json.decode(data, type=_Version).format
        if version < FORMAT:
            raise ModelFileError(
                expected=f"a card of format {FORMAT}",
                received=f"format {version}, which an older keras-detector wrote",
                advice="Fetch the model of this version, or train it again.",
            )
        card = msgspec.json.decode(data, type=Card)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise ModelFileError(
            expected="a complete card.json",
            received=str(error),
            advice="Use a model file that this version of keras-detector wrote.",
        ) from error
    low, high = card.threshold.abstain
    if card.labels != LABEL_NAMES:
        raise ModelFileError(
            expected=f"the label order {list(LABEL_NAMES)}",
            received=f"{list(card.labels)}",
            advice="Do not swap labels by hand: train the model again.",
        )
    if not low <= card.threshold.value <= high:
        raise ModelFileError(
            expected="an abstain band around the threshold",
            received=f"threshold {card.threshold.value}, band {low} to {high}",
            advice="Use a model file that this version of keras-detector wrote.",
        )
    if all(point.threshold != card.threshold.value for point in card.curve.points):
        raise ModelFileError(
            expected="a curve with a point at the card's own threshold",
            received=f"threshold {card.threshold.value}, which is not among its points",
            advice="Use a model file that this version of keras-detector wrote.",
        )
    return card
