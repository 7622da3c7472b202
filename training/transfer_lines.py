"""The sections that only a recipe with a backbone has; `recipe` puts them together.

No line has a default.
"""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from training.recipe_lines import (
    Balance,
    NotNegative,
    Positive,
    PositiveInt,
    Precision,
    Probability,
    Seed,
    Share,
    TargetAccuracy,
)

Quality = Annotated[int, Meta(ge=1, le=100)]
Option = bool | int | float | str | tuple[int | str, ...]


class BackboneNetwork(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="backbone"
):
    """`[network]`: a network of `networks.backbones` under a head of ours.

    Attributes:
        backbone: its name.
        weights: `"imagenet"` or `"clip"` (the published ones, fetched once), the path of a file, or
            `"none"`; see `training.pretrained.weights`.
        options: the backbone's own, e.g. `{blocks = 10, tokens = [5, 6]}`; empty takes none.
        pooling: how its feature map becomes a vector; `"none"` where it already gives one.
        mirror: average the logit over the picture and its mirror image when scoring.
    """

    backbone: str
    weights: str
    options: dict[str, Option]
    pooling: Literal["average", "flatten", "none"]
    mirror: bool


class ViewLines(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[views]`: how a training picture is changed on the way, as the web changes pictures.

    Everything happens to the decoded picture, before the network's resize; validation, test and
    serving see the plain picture. Each `..._share` is how often a change happens, 0 never.

    Attributes:
        plain: whether the frozen backbone is also shown the plain picture (and its mirror image
            where `network.mirror` is set).
        augmented: changed views of each training picture for the frozen backbone. Fine-tuning
            draws a new one each epoch.
        crop_area: least and largest share of the largest square's area that a random crop keeps.
        flip: mirror half of the views left and right.
        resize_share, resize_factor: scale by a factor between the two.
        blur_share, blur_sigma: Gaussian blur of a standard deviation between the two, in pixels.
        noise_share, noise_sigma: Gaussian noise of a standard deviation between the two, of 255.
        tone_share, contrast, brightness: scale values by 1 +- `contrast`, and add +- `brightness`.
        jpeg_share, jpeg_quality: a JPEG pass at a quality between the two.
        webp_share, webp_quality: a WebP pass at a quality between the two; a view gets a JPEG or a
            WebP pass, so the two shares sum to 1 at the most.
    """

    plain: bool
    augmented: Annotated[int, Meta(ge=0, le=100)]
    crop_area: tuple[Probability, Probability]
    flip: bool
    resize_share: Probability
    resize_factor: tuple[Positive, Positive]
    blur_share: Probability
    blur_sigma: tuple[NotNegative, NotNegative]
    noise_share: Probability
    noise_sigma: tuple[NotNegative, NotNegative]
    tone_share: Probability
    contrast: Share
    brightness: NotNegative
    jpeg_share: Probability
    jpeg_quality: tuple[Quality, Quality]
    webp_share: Probability
    webp_quality: tuple[Quality, Quality]


class HeadLines(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[head]`: what turns features into the logit, and how it is found on the frozen backbone.

    Attributes:
        kind: `"logistic"`: logistic regression on standardised features, solved exactly and folded
            into one Dense layer; `"trained"`: gradient descent by the `[train]` lines on
            standardised features, folded in the same way; `"none"`: left as it was drawn, for
            networks without trained weights, which `[fine_tune]` then trains as a whole.
        c: of `"logistic"`, the inverse strength of its L2 penalty, as in scikit-learn; the
            weights of the pictures average 1, however many views each has.
        hidden_units: units of each hidden Dense layer (ReLU); empty for a linear head.
        dropout: share dropped in training before each Dense layer.
    """

    kind: Literal["logistic", "trained", "none"]
    c: Positive
    hidden_units: tuple[PositiveInt, ...]
    dropout: Share


class FineTuneLines(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[fine_tune]`: training the backbone too, after the head.

    Attributes:
        epochs: 0 keeps the backbone frozen.
        batch_size: pictures a step.
        learning_rate: Adam's; 1e-5 for a backbone that is to keep what it knows.
        weight_decay: decoupled, on kernels only.
        label_smoothing: targets are moved this far towards 0.5, in share of the way.
        unfreeze: `"all"`, or the name (or its beginning) of the first layer that is trained.
        freeze_batch_norm: whether batch normalisation keeps its statistics and scale.
        target_accuracy: stop when validation accuracy gets there, or `"none"`.
        patience: stop after so many epochs without a better validation accuracy. If none is
            better than with the frozen backbone, that is what is kept.
    """

    epochs: Annotated[int, Meta(ge=0)]
    batch_size: PositiveInt
    learning_rate: Positive
    weight_decay: NotNegative
    label_smoothing: Share
    unfreeze: str
    freeze_batch_norm: bool
    target_accuracy: TargetAccuracy
    patience: PositiveInt


class TuningTrainLines(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[train]` of `fine-tune`: what `recipe_lines.TrainLines` says of the same names."""

    balance: Balance
    source_weights: dict[str, Positive]
    class_weights: tuple[Positive, Positive]
    precision: Precision
    seed: Seed
