"""The card: everything a model file says about its network, as typed, validated data.

`card.json` inside a model file is exactly `Card` in JSON. Nothing in it has a default: a card that
lacks a field, has one too many, or holds a value out of range is refused.
"""

from typing import Annotated, Literal

import msgspec
import numpy as np
import numpy.typing as npt
from msgspec import Meta

from keras_detector.errors import ModelFileError
from keras_detector.labels import LABEL_NAMES

Fraction = Annotated[float, Meta(ge=0.0, le=1.0)]
Count = Annotated[int, Meta(ge=0)]
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
        policy: how it was chosen on validation data: `"youden"`, `"f1"` or `"fpr=0.05"`.
        abstain: `(low, high)`; a score strictly between them is `Verdict.UNDETERMINED`.
    """

    value: Fraction
    policy: str
    abstain: tuple[Fraction, Fraction]


class Estimate(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A measured figure with its 95 % interval."""

    value: float
    low: float
    high: float


class Figures(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The figures of one set of labelled pictures; `fake` is the positive class.

    `accuracy`, `balanced_accuracy`, `precision`, `recall`, `f1` and the confusion matrix are at
    the card's threshold; `binary_accuracy` is Keras's metric of that name, at 0.5. A figure that
    the set does not define (AUC of one class, precision without an accusation) is None.

    Attributes:
        n: pictures; `n_real` and `n_fake` of them by label.
        confusion_matrix: `[[tn, fp], [fn, tp]]`.
        coverage: share of pictures that get a verdict other than `undetermined`.
        covered_error: share of wrong verdicts among those.
    """

    n: Count
    n_real: Count
    n_fake: Count
    confusion_matrix: tuple[tuple[Count, Count], tuple[Count, Count]]
    accuracy: Estimate | None
    balanced_accuracy: Estimate | None
    binary_accuracy: Estimate | None
    precision: Estimate | None
    recall: Estimate | None
    f1: Estimate | None
    roc_auc: Estimate | None
    pr_auc: Estimate | None
    brier: Estimate | None
    ece: Estimate | None
    coverage: Estimate | None
    covered_error: Estimate | None


class Twin(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The compiled network beside the Keras one.

    Attributes:
        precision: `"float32"`, or `"int8"` when the weights were quantised.
        max_score_difference: largest difference to Keras's score over the parity set.
        parity_pictures: size of that set.
    """

    precision: Literal["float32", "int8"]
    max_score_difference: Annotated[float, Meta(ge=0.0)]
    parity_pictures: Annotated[int, Meta(ge=1)]


class Training(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the network was trained: enough to do it again.

    Attributes:
        recipe: the whole recipe, as `training.recipe.Recipe` writes it.
        data: what the data directory held, in one sentence.
        data_fingerprint: sha256 over the used pictures' labels, splits and pixels.
        epochs: epochs run; `best_epoch` is the one whose weights were kept, from 1.
        seconds: training time in wall-clock seconds, without the final measurements.
        finished: date, ISO 8601.
        versions: package name to version.
    """

    recipe: dict[str, object]
    data: str
    data_fingerprint: Sha256
    epochs: Count
    best_epoch: Count
    seconds: float
    finished: str
    versions: dict[str, str]


class Card(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Everything a model file says about its network.

    Attributes:
        format: version of this layout.
        name: the model's name, as `Prediction` and reports show it.
        summary: what it is and what for, one or two sentences.
        labels: always `("real", "fake")`.
        figures: split name (`"train"`, `"validation"`, `"test"`) to its figures.
        limits: what the model is known to be wrong about, a sentence each.
        sha256: member name to digest, for every other member of the file.
    """

    format: Literal[1]
    name: Annotated[str, Meta(min_length=1, max_length=100)]
    summary: str
    labels: tuple[str, str]
    input: InputSpec
    calibration: Calibration
    threshold: Threshold
    twin: Twin
    training: Training
    figures: dict[str, Figures]
    limits: tuple[str, ...]
    sha256: dict[str, Sha256]


def encode_card(card: Card) -> bytes:
    """The card as indented UTF-8 JSON, the content of `card.json`."""
    return msgspec.json.format(msgspec.json.encode(card), indent=2) + b"\n"


def decode_card(data: bytes) -> Card:
    """Read and validate `card.json`.

    Raises:
        ModelFileError: the JSON is not a whole card, or says another label order.
    """
    try:
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
    return card
