"""What a recipe's lines must say together, beyond each by itself."""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

from keras_detector.errors import RecipeError
from training.recipe_lines import (
    AugmentLines,
    DataLines,
    ResidualNetwork,
    SequentialNetwork,
    TrainLines,
    VerdictLines,
)
from training.transfer_lines import FineTuneLines, TuningTrainLines, ViewLines

if TYPE_CHECKING:
    from training.recipe import Recipe, TransferRecipe


# What `fine-tune` needs of [train] every training does; the rest is for gradient descent.
_OPTIMISES_A_HEAD = [
    line for line in TrainLines.__struct_fields__ if line not in TuningTrainLines.__struct_fields__
]
_TUNING_LINES = FineTuneLines.__struct_fields__


def check_recipe(recipe: "Recipe | TransferRecipe") -> None:
    """Refuse lines that contradict each other.

    Raises:
        RecipeError: with what to change.
    """
    network = recipe.network
    if isinstance(network, SequentialNetwork | ResidualNetwork):
        _check_split(recipe.data)
        _check_blocks(network, recipe.input.size)
        _check_shift(recipe.augment, recipe.input.size)  # type: ignore[union-attr]
        refuse_held_out_sources(recipe.verdict)
    else:
        check_transfer(recipe)  # type: ignore[arg-type]


def refuse_held_out_sources(verdict: VerdictLines) -> None:
    """Refuse `verdict.validation = "sources"` where no head can be solved again; as above."""
    if verdict.validation == "sources":
        raise RecipeError(
            expected="verdict.validation = split",
            received="sources, without a logistic head on a frozen backbone",
            advice="Hold sources out with data.hold_out instead.",
        )


def check_transfer(recipe: "TransferRecipe") -> None:
    """Refuse contradictions in a recipe with a backbone; as `check_recipe`."""
    check_tuning(recipe.data, recipe.views)
    head, views, tuning = recipe.head, recipe.views, recipe.fine_tune
    if head.kind == "logistic" and head.hidden_units:
        raise RecipeError(
            expected="no head.hidden_units under a logistic head",
            received=str(list(head.hidden_units)),
            advice="Logistic regression is one linear layer: use head.kind=trained for more.",
        )
    if head.kind == "none" and not tuning.epochs:
        raise RecipeError(
            expected="something to train",
            received="head.kind none and fine_tune.epochs 0",
            advice="Use another head.kind, or set fine_tune.epochs.",
        )
    frozen_logistic = head.kind == "logistic" and not tuning.epochs
    if recipe.verdict.validation == "sources" and not frozen_logistic:
        raise RecipeError(
            expected="a logistic head on a frozen backbone, for verdict.validation = sources",
            received=f"head.kind {head.kind} and fine_tune.epochs {tuning.epochs}",
            advice="Only such a head can be solved again without each source: use "
            "verdict.validation=split.",
        )
    if recipe.verdict.validation == "sources":
        _check_held_out_heads(recipe)
    if not views.plain and not views.augmented:
        raise RecipeError(
            expected="at least one view of each training picture",
            received="views.plain false and views.augmented 0",
            advice="For example: --set views.plain=true",
        )


def refuse_unread_lines(recipe: "Recipe | TransferRecipe", changed: Sequence[str]) -> None:
    """Refuse changes to `[train]` lines that only a head of kind "trained" is optimised by.

    Args:
        recipe: with the changes.
        changed: the lines that were changed, as `section.line`.

    Raises:
        RecipeError: one is not read, with the line that is.
    """
    head = getattr(recipe, "head", None)
    if head is None or head.kind == "trained":
        return
    unread = [f"train.{line}" for line in _OPTIMISES_A_HEAD if f"train.{line}" in changed]
    if unread:
        line = unread[0].removeprefix("train.")
        tuning = f"--set fine_tune.{line} for fine-tuning" if line in _TUNING_LINES else ""
        raise RecipeError(
            expected=f"a change to a line that is read where head.kind is {head.kind}",
            received=unread[0],
            advice=f"Use {' or '.join(filter(None, (tuning, '--set head.kind=trained')))}.",
        )


def _check_held_out_heads(recipe: "TransferRecipe") -> None:
    """Refuse what the heads that are solved without each source do not do; as `check_recipe`.

    A threshold of heads that were fitted otherwise would not be the model's own.
    """
    train, views = recipe.train, recipe.views
    needed = {
        "train.balance": (train.balance, "sources"),
        "train.class_weights": (list(train.class_weights), [1.0, 1.0]),
        "views.plain": (views.plain, True),
        "views.augmented": (views.augmented, 0),
    }
    for line, (received, expected) in needed.items():
        if received != expected:
            raise RecipeError(
                expected=f"{line}={json.dumps(expected)}, for verdict.validation = sources",
                received=json.dumps(received),
                advice="The heads without each source are fitted so: change the line, or use "
                "--set verdict.validation=split.",
            )


def check_tuning(data: DataLines, views: ViewLines) -> None:
    """Refuse contradictions in the lines that `fit` and `fine-tune` share; as `check_recipe`."""
    _check_split(data)
    ranges = {
        "crop_area": views.crop_area,
        "resize_factor": views.resize_factor,
        "blur_sigma": views.blur_sigma,
        "noise_sigma": views.noise_sigma,
        "jpeg_quality": views.jpeg_quality,
        "webp_quality": views.webp_quality,
    }
    for name, (low, high) in ranges.items():
        if low > high or (name == "crop_area" and not low):
            raise RecipeError(
                expected=f"the lower end first in views.{name}, and above 0 for an area",
                received=str([low, high]),
                advice=f"For example: [{high}, {max(low, high)}]",
            )
    if views.jpeg_share + views.webp_share > 1.0 + 1e-9:
        raise RecipeError(
            expected="views.jpeg_share and views.webp_share that sum to 1 at the most",
            received=f"{views.jpeg_share} and {views.webp_share}",
            advice="A view gets a JPEG pass, a WebP pass or none.",
        )


def _check_split(data: DataLines) -> None:
    shares = data.split
    if abs(sum(shares) - 1.0) > 1e-6 or min(shares) <= 0:
        raise RecipeError(
            expected="three positive shares that sum to 1 in data.split",
            received=str(list(shares)),
            advice="For example: [0.7, 0.2, 0.1]",
        )


def _check_shift(augment: AugmentLines, size: int) -> None:
    if augment.shift > size:
        raise RecipeError(
            expected=f"augment.shift of at most the picture's {size} pixels",
            received=str(augment.shift),
            advice="A few pixels are enough.",
        )


def _check_blocks(network: SequentialNetwork | ResidualNetwork, size: int) -> None:
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
    if halvings < 1 or size >> halvings < 1:
        raise RecipeError(
            expected=f"1 to {size.bit_length() - 1} blocks, each halving {size} pixels",
            received=str(halvings),
            advice="Use fewer blocks or a larger input.size.",
        )
