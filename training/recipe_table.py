"""The recipe a card holds, as lines under the names that `--set` takes."""

import json
from collections.abc import Mapping

TEXTS = ("name", "summary", "limits")
"""Lines that say what a model is, not how it was trained."""


def recipe_table(recipe: Mapping[str, object]) -> dict[str, str]:
    """Full line name (`train.epochs`) to the value as TOML spells it, without `TEXTS`."""
    return _lines({name: value for name, value in recipe.items() if name not in TEXTS}, "")


def target_accuracy(recipe: Mapping[str, object]) -> float | None:
    """The validation accuracy at which the last phase of training was to stop, None for none."""
    head, tuning = recipe.get("head"), recipe.get("fine_tune")
    last: object = recipe.get("train")
    if isinstance(tuning, Mapping) and tuning.get("epochs"):
        last = tuning
    elif isinstance(head, Mapping) and head.get("kind") != "trained":
        last = None  # it was solved, in one go
    target = last.get("target_accuracy") if isinstance(last, Mapping) else None
    return float(target) if isinstance(target, int | float) else None


def _lines(section: Mapping[str, object], prefix: str) -> dict[str, str]:
    lines: dict[str, str] = {}
    for name, value in section.items():
        if isinstance(value, Mapping):
            lines.update(_lines(value, f"{prefix}{name}."))
        else:
            lines[f"{prefix}{name}"] = _text(value)
    return lines


def _text(value: object) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(map(_text, value))
    return value if isinstance(value, str) else json.dumps(value, default=str)
