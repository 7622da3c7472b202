"""The sections of a recipe and their lines; `recipe` puts them together.

No line has a default.
"""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

Positive = Annotated[float, Meta(gt=0.0)]
NotNegative = Annotated[float, Meta(ge=0.0)]
Share = Annotated[float, Meta(ge=0.0, lt=1.0)]
Probability = Annotated[float, Meta(ge=0.0, le=1.0)]
PositiveInt = Annotated[int, Meta(ge=1)]
Seed = Annotated[int, Meta(ge=0, lt=2**32)]
Balance = Literal["pictures", "classes", "sources"]
TargetAccuracy = Annotated[float, Meta(gt=0.5, le=1.0)] | Literal["none"]
Precision = Literal["float32", "mixed_bfloat16", "mixed_float16"]


class SequentialNetwork(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="sequential"
):
    """`[network]` of the seed's kind; see `networks.sequential_cnn`."""

    conv_blocks: PositiveInt
    base_channels: PositiveInt
    dense_units: tuple[PositiveInt, ...]
    dropout: Share
    mirror: bool


class ResidualNetwork(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="residual"
):
    """`[network]` with shortcuts; see `networks.residual_cnn`."""

    channels: tuple[PositiveInt, ...]
    residual_blocks: tuple[Annotated[int, Meta(ge=0)], ...]
    dropout: Share
    mirror: bool


class DataLines(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[data]`: which pictures, and how they are split.

    Attributes:
        dataset_size: a balanced subset of so many pictures, or `"all"`.
        split: shares of train, validation and test; they sum to 1.
        hold_out: sources that are tested on and never trained or chosen with.
    """

    dataset_size: PositiveInt | Literal["all"]
    split: tuple[Share, Share, Share]
    hold_out: tuple[str, ...]


class AugmentLines(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[augment]`: random changes to training pictures; 0 or false switches one off.

    Attributes:
        flip: mirror left and right.
        rotation: up to this share of a full turn, either way.
        zoom: in or out by up to this share.
        shift: move by up to so many whole pixels, reflecting at the border.
        cutmix: share of batches in which a rectangle of another picture is pasted in, the target
            mixed by area (Yun et al. 2019, arXiv:1905.04899).
    """

    flip: bool
    rotation: Share
    zoom: Share
    shift: Annotated[int, Meta(ge=0)]
    cutmix: Annotated[float, Meta(ge=0.0, le=1.0)]


class TrainLines(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[train]`: the optimisation.

    Attributes:
        optimizer: `"adam"`, or `"sgd"` with Nesterov momentum 0.9.
        learning_rate: the rate, or the peak of `"one-cycle"`.
        schedule: `"constant"`; `"one-cycle"`: linear warm-up over a fifth of the steps, then a
            cosine to zero (Smith & Topin 2017, arXiv:1708.07120).
        weight_decay: decoupled, on kernels only (Loshchilov & Hutter 2017, arXiv:1711.05101).
        label_smoothing: targets are moved this far towards 0.5, in share of the way.
        balance: what weighs the same in the loss: all `"pictures"`, both `"classes"`, or both
            classes and within each all its `"sources"`.
        source_weights: source name to a factor on the weight of its pictures, after `balance`.
        class_weights: of `real` and `fake` in the loss, after `balance`.
        target_accuracy: stop when validation accuracy gets there, or `"none"`.
        patience: stop after so many epochs without a better validation accuracy.
        precision: of the arithmetic in training; weights are float32 in each. The mixed ones are
            for GPUs (`"mixed_float16"`) and TPUs or recent CPUs (`"mixed_bfloat16"`).
    """

    epochs: PositiveInt
    batch_size: PositiveInt
    optimizer: Literal["adam", "sgd"]
    learning_rate: Positive
    schedule: Literal["constant", "one-cycle"]
    weight_decay: NotNegative
    label_smoothing: Share
    balance: Balance
    source_weights: dict[str, Positive]
    class_weights: tuple[Positive, Positive]
    target_accuracy: TargetAccuracy
    patience: PositiveInt
    precision: Precision
    seed: Seed


class VerdictLines(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[verdict]`: what is fitted on validation data after training.

    Attributes:
        validation: what all of it is fitted on. `"split"`: the validation split. `"sources"`: every
            training and validation picture, each scored by a head that saw nothing of its source,
            so that the threshold is one for sources nobody has seen; for logistic heads on a
            frozen backbone only.
        calibration: `"temperature"` or `"platt"`.
        threshold: `"youden"`, `"f1"` or `"fpr=0.05"`.
        abstain_risk: a verdict more likely wrong than this is "cannot tell"; 0.5 never abstains.
    """

    validation: Literal["split", "sources"]
    calibration: Literal["temperature", "platt"]
    threshold: str
    abstain_risk: Annotated[float, Meta(gt=0.0, le=0.5)]


class ExportLines(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[export]`: how the model file stores the trained network.

    Attributes:
        keras: bits of the weights that plain Keras opens; smaller ones are refused where scores
            would differ by more than 0.01.
        twin: the same of the compiled network. With fewer bits than float32, calibration,
            threshold and figures are those of its own scores.
        place: of the compiled network: `"inside"` the model file, or `"beside"` it.
    """

    keras: Literal["float32", "float16", "int8"]
    twin: Literal["float32", "float16", "int8"]
    place: Literal["inside", "beside"]
