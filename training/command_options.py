"""Options that several commands share, and lines that they print alike."""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from keras_detector.errors import RecipeError
from keras_detector.option_types import whole
from keras_detector.printable import printable


def add_data(parser: argparse.ArgumentParser) -> None:
    """Add the data directory."""
    parser.add_argument(
        "directory", type=Path, metavar="DIR", help="holds a real and a fake folder"
    )


def add_changes(parser: argparse.ArgumentParser) -> None:
    """Add `--set`."""
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="LINE=VALUE",
        help="change a line of the recipe, e.g. data.dataset_size=2000; may be repeated",
    )


def add_output(parser: argparse.ArgumentParser) -> None:
    """Add `--out`."""
    parser.add_argument("--out", required=True, type=Path, metavar="FILE.keras")


seed = whole(0, 2**32 - 1)
"""What `--seed` takes."""


def add_run(parser: argparse.ArgumentParser) -> None:
    """Add the options of a resumable run that ends with a model and its report."""
    add_output(parser)
    add_changes(parser)
    parser.add_argument(
        "--hold-out",
        action="append",
        default=[],
        metavar="SOURCE",
        help="test on this source and never train on it (in place of the recipe's data.hold_out); "
        "may be repeated",
    )
    parser.add_argument(
        "--report", type=Path, metavar="DIR", help="default: beside FILE, named <FILE>-report"
    )
    parser.add_argument(
        "--restart", action="store_true", help="discard what an unfinished run has done so far"
    )
    parser.add_argument(
        "--collection",
        action="append",
        default=[],
        metavar="NAME=DIR",
        help="measure on this labelled directory in the end, which is never trained on; "
        "may be repeated",
    )


def report_of(options: argparse.Namespace) -> Path:
    """The directory for the report: what `--report` names, or one beside `--out`."""
    out: Path = options.out
    return options.report or out.with_name(f"{out.stem}-report")


def changes_of(options: argparse.Namespace) -> list[str]:
    """The changes to the recipe that `--set` and `--hold-out` ask for."""
    changes: list[str] = list(options.set)
    if options.hold_out:
        # TOML knows no pairs of surrogates.
        changes.append(f"data.hold_out={json.dumps(options.hold_out, ensure_ascii=False)}")
    return changes


def collections_of(options: argparse.Namespace) -> dict[str, Path]:
    """What `--collection` names.

    Raises:
        RecipeError: one is no NAME=DIR, or a name is there twice.
    """
    collections: dict[str, Path] = {}
    for given in options.collection:
        name, equals, directory = given.partition("=")
        if not equals or not name or not directory:
            raise RecipeError(
                expected="a collection as NAME=DIR",
                received=given,
                advice="For example: --collection web=pictures/web",
            )
        if name in collections:
            raise RecipeError(
                expected="another name for each --collection",
                received=f"{printable(name)} twice",
                advice="Its figures go by its name: give the second one another.",
            )
        collections[name] = Path(directory)
    return collections


def refuse_no_model_name(out: Path) -> None:
    """Refuse an `--out` that Keras would not open.

    Raises:
        RecipeError: it does not end in .keras.
    """
    if out.suffix != ".keras":
        raise RecipeError(
            expected="--out that ends in .keras", received=str(out), advice="Keras opens no other."
        )


def announce(sentence: str) -> None:
    """Tell the user something that is no result."""
    sys.stderr.write(sentence + "\n")


def table(rows: Sequence[Sequence[str]]) -> str:
    """Rows of cells, aligned."""
    widths = [max(len(row[at]) for row in rows) for at in range(len(rows[0]))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )
