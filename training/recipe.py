"""A recipe: every choice of a training run, one line each in a TOML file.

The shipped recipes are the files in `training/recipes/`, and one for each backbone of the registry:
`recipes/transfer.toml` with the lines that the registry and `backbone_recipes.toml` give for it. No
line has a default: a recipe that lacks one, or has one we do not know, is refused.
"""

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import Meta

from keras_detector.card import InputSpec, Stands
from keras_detector.errors import RecipeError
from keras_detector.networks.backbones import BACKBONES
from training.recipe_check import (
    check_recipe,
    check_tuning,
    refuse_held_out_sources,
    refuse_unread_lines,
)
from training.recipe_lines import (
    AugmentLines,
    DataLines,
    ExportLines,
    ResidualNetwork,
    SequentialNetwork,
    TrainLines,
    VerdictLines,
)
from training.transfer_lines import (
    BackboneNetwork,
    FineTuneLines,
    HeadLines,
    TuningTrainLines,
    ViewLines,
)

__all__ = [
    "AnyRecipe",
    "AugmentLines",
    "Recipe",
    "ResidualNetwork",
    "SequentialNetwork",
    "TransferRecipe",
    "TuningRecipe",
    "load_recipe",
    "load_tuning_recipe",
    "shipped_recipes",
]

R = TypeVar("R")
Name = Annotated[str, Meta(min_length=1, max_length=100)]


class Recipe(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A whole recipe for a network that is trained from scratch.

    Attributes:
        name: names the model in its card.
        summary: what the model is and what for.
        limits: what it is known to be wrong about, a sentence each.
    """

    name: Name
    summary: str
    limits: tuple[str, ...]
    input: InputSpec
    network: SequentialNetwork | ResidualNetwork
    data: DataLines
    augment: AugmentLines
    train: TrainLines
    verdict: VerdictLines
    export: ExportLines
    stands: Stands


class TransferRecipe(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A whole recipe for a head on a backbone, and for fine-tuning both.

    Attributes:
        name: names the model in its card.
        summary: what the model is and what for.
        limits: what it is known to be wrong about, a sentence each.
    """

    name: Name
    summary: str
    limits: tuple[str, ...]
    input: InputSpec
    network: BackboneNetwork
    data: DataLines
    views: ViewLines
    head: HeadLines
    train: TrainLines
    fine_tune: FineTuneLines
    verdict: VerdictLines
    export: ExportLines
    stands: Stands


class TuningRecipe(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A recipe for training a finished model further; its input, network and `stands` stay.

    Attributes:
        name: follows the model's name in the new card.
        limits: what tuned models are known to be wrong about, a sentence each.
    """

    name: Name
    limits: tuple[str, ...]
    data: DataLines
    views: ViewLines
    train: TuningTrainLines
    fine_tune: FineTuneLines
    verdict: VerdictLines
    export: ExportLines


AnyRecipe = Recipe | TransferRecipe

_HERE = Path(__file__).parent
_SHIPPED = _HERE / "recipes"
_TRANSFER = _SHIPPED / "transfer.toml"
_BACKBONE_LINES = _HERE / "backbone_recipes.toml"
_TUNING = _HERE / "fine_tune.toml"


def shipped_recipes() -> tuple[str, ...]:
    """Names of the recipes that come with the project: the files, then the backbones."""
    files = sorted(path.stem for path in _SHIPPED.glob("*.toml"))
    return (*files, *sorted(BACKBONES))


def load_recipe(name_or_path: str, changes: Sequence[str] = ()) -> AnyRecipe:
    """Read a recipe and apply changes to its lines.

    Args:
        name_or_path: a shipped recipe's name, or the path of a TOML file.
        changes: `"section.line=value"` each, the value as TOML writes it; a bare word is a string.

    Raises:
        RecipeError: no such recipe, or a line is missing, unknown or out of range, or changed and
            not read.
    """
    path, given = _SHIPPED / f"{name_or_path}.toml", dict[str, object]()
    if "/" in name_or_path or not path.exists():
        path = Path(name_or_path)
        if name_or_path in BACKBONES:
            path, given = _TRANSFER, _backbone_lines(name_or_path)
    lines = _read(path, name_or_path, given, changes)
    network = lines.get("network")
    transfer = isinstance(network, dict) and network.get("kind") == "backbone"
    recipe: AnyRecipe
    if transfer:
        recipe = _converted(lines, TransferRecipe, path, changes)
    else:
        recipe = _converted(lines, Recipe, path, changes)
    check_recipe(recipe)
    refuse_unread_lines(recipe, [change.partition("=")[0].strip() for change in changes])
    return recipe


def load_tuning_recipe(path: Path | None, changes: Sequence[str] = ()) -> TuningRecipe:
    """Read a recipe for `fine-tune`; as `load_recipe`, with None for the shipped one."""
    file = path or _TUNING
    lines = _read(file, str(file), {}, changes)
    recipe = _converted(lines, TuningRecipe, file, changes)
    check_tuning(recipe.data, recipe.views)
    refuse_held_out_sources(recipe.verdict)
    return recipe


def _backbone_lines(name: str) -> dict[str, object]:
    """What is otherwise than in the recipe `transfer`, by `section.line`."""
    backbone = BACKBONES[name]
    own = tomllib.loads(_BACKBONE_LINES.read_text(encoding="utf-8"))
    return {
        "name": name,
        "input.size": backbone.size,
        "stands.min_side": backbone.size,
        "network.backbone": name,
        "network.weights": backbone.weights or "none",
        "network.pooling": "average" if backbone.features == "map" else "none",
        **own.get(name, {}),
    }


def _read(
    path: Path, name: str, given: Mapping[str, object], changes: Sequence[str]
) -> dict[str, Any]:
    try:
        lines = tomllib.loads(path.read_text(encoding="utf-8"))
        for key, value in given.items():
            section, line = _place(lines, key, f"{key}={value}")
            section[line] = value
        for change in changes:
            _apply(lines, change)
    except OSError as error:
        raise RecipeError(
            expected=f"a recipe ({', '.join(shipped_recipes())}) or a TOML file",
            received=f"{name} ({error.strerror})",
            advice="Name a shipped recipe, or copy one and pass its path.",
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise _incomplete(error, path, changes) from error
    return lines


def _converted(lines: dict[str, Any], kind: type[R], path: Path, changes: Sequence[str]) -> R:
    try:
        return msgspec.convert(lines, kind)
    except msgspec.ValidationError as error:
        raise _incomplete(error, path, changes) from error


def _incomplete(error: Exception, path: Path, changes: Sequence[str]) -> RecipeError:
    return RecipeError(
        expected="a complete recipe",
        received=f"{error} in {' '.join((path.name, *changes))}",
        advice="Compare the line with the shipped recipes in training/recipes/.",
    )


def _apply(lines: dict[str, Any], change: str) -> None:
    key, equals, value = change.partition("=")
    if not equals:
        raise _no_such_line(change)
    section, line = _place(lines, key.strip(), change)
    try:
        section[line] = tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        section[line] = value.strip()


def _place(lines: dict[str, Any], key: str, change: str) -> tuple[dict[str, Any], str]:
    *sections, line = key.split(".")
    target: object = lines
    for section in sections:
        target = target.get(section) if isinstance(target, dict) else None
    if not isinstance(target, dict) or line not in target:
        raise _no_such_line(change)
    return target, line


def _no_such_line(change: str) -> RecipeError:
    return RecipeError(
        expected="a change as section.line=value, of a line the recipe has",
        received=change,
        advice="For example: --set data.dataset_size=2000",
    )
