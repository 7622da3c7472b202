"""A recipe: every choice of a training run, one line each in a TOML file.

The shipped recipes are the files in `training/recipes/`. No line has a default: a recipe that
lacks one, or has one we do not know, is refused.
"""

import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from keras_detector.card import InputSpec
from keras_detector.errors import RecipeError

Positive = Annotated[float, Meta(gt=0.0)]
NotNegative = Annotated[float, Meta(ge=0.0)]
Share = Annotated[float, Meta(ge=0.0, lt=1.0)]
PositiveInt = Annotated[int, Meta(ge=1)]


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
    """

    dataset_size: PositiveInt | Literal["all"]
    split: tuple[Share, Share, Share]


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
        class_weights: of `real` and `fake` in the loss.
        target_accuracy: stop when validation accuracy gets there, or `"none"`.
        patience: stop after so many epochs without a better validation accuracy.
    """

    epochs: PositiveInt
    batch_size: PositiveInt
    optimizer: Literal["adam", "sgd"]
    learning_rate: Positive
    schedule: Literal["constant", "one-cycle"]
    weight_decay: NotNegative
    label_smoothing: Share
    class_weights: tuple[Positive, Positive]
    target_accuracy: Annotated[float, Meta(gt=0.5, le=1.0)] | Literal["none"]
    patience: PositiveInt
    seed: Annotated[int, Meta(ge=0, lt=2**32)]


class VerdictLines(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[verdict]`: what is fitted on validation data after training.

    Attributes:
        calibration: `"temperature"` or `"platt"`.
        threshold: `"youden"`, `"f1"` or `"fpr=0.05"`.
        abstain_risk: a verdict more likely wrong than this is "cannot tell"; 0.5 never abstains.
    """

    calibration: Literal["temperature", "platt"]
    threshold: str
    abstain_risk: Annotated[float, Meta(gt=0.0, le=0.5)]


class Recipe(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A whole recipe.

    Attributes:
        name: names the model in its card.
        summary: what the model is and what for.
        limits: what it is known to be wrong about, a sentence each.
    """

    name: Annotated[str, Meta(min_length=1, max_length=100)]
    summary: str
    limits: tuple[str, ...]
    input: InputSpec
    network: SequentialNetwork | ResidualNetwork
    data: DataLines
    augment: AugmentLines
    train: TrainLines
    verdict: VerdictLines


_SHIPPED = Path(__file__).parent / "recipes"


def shipped_recipes() -> tuple[str, ...]:
    """Names of the recipes that come with the project."""
    return tuple(sorted(path.stem for path in _SHIPPED.glob("*.toml")))


def load_recipe(name_or_path: str, changes: Sequence[str] = ()) -> Recipe:
    """Read a recipe and apply changes to its lines.

    Args:
        name_or_path: a shipped recipe's name, or the path of a TOML file.
        changes: `"section.line=value"` each, the value as TOML writes it; a bare word is a string.

    Raises:
        RecipeError: no such recipe, or a line is missing, unknown or out of range.
    """
    path = _SHIPPED / f"{name_or_path}.toml"
    if name_or_path not in shipped_recipes():
        path = Path(name_or_path)
    try:
        lines = tomllib.loads(path.read_text(encoding="utf-8"))
        for change in changes:
            _apply(lines, change)
        recipe = msgspec.convert(lines, Recipe)
    except OSError as error:
        raise RecipeError(
            expected=f"a recipe ({', '.join(shipped_recipes())}) or a TOML file",
            received=f"{name_or_path} ({error.strerror})",
            advice="Name a shipped recipe, or copy one and pass its path.",
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, msgspec.ValidationError) as error:
        raise RecipeError(
            expected="a complete recipe",
            received=f"{error} in {' '.join((path.name, *changes))}",
            advice="Compare the line with the shipped recipes in training/recipes/.",
        ) from error
    _check(recipe)
    return recipe


def _apply(lines: dict[str, object], change: str) -> None:
    key, equals, value = change.partition("=")
    *sections, line = key.strip().split(".")
    target: object = lines
    for section in sections:
        target = target.get(section) if isinstance(target, dict) else None
    if not equals or not isinstance(target, dict) or line not in target:
        raise RecipeError(
            expected="a change as section.line=value, of a line the recipe has",
            received=change,
            advice="For example: --set train.epochs=5",
        )
    try:
        target[line] = tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        target[line] = value.strip()


def _check(recipe: Recipe) -> None:
    shares = recipe.data.split
    if abs(sum(shares) - 1.0) > 1e-6 or min(shares) <= 0:
        raise RecipeError(
            expected="three positive shares that sum to 1 in data.split",
            received=str(list(shares)),
            advice="For example: [0.7, 0.2, 0.1]",
        )
    network = recipe.network
    if isinstance(network, SequentialNetwork):
        halvings = network.conv_blocks
    else:
        halvings = len(network.channels) - 1
        if len(network.residual_blocks) != halvings:
            raise RecipeError(
                expected="one fewer residual_blocks than channels",
                received=f"{list(network.residual_blocks)} and {list(network.channels)}",
                advice="The first of channels is the stem, which has no residual blocks.",
            )
    size = recipe.input.size
    if halvings < 1 or size >> halvings < 1:
        raise RecipeError(
            expected=f"1 to {size.bit_length() - 1} blocks, each halving {size} pixels",
            received=str(halvings),
            advice="Use fewer blocks or a larger input.size.",
        )
