"""`python -m training probe DIR --backbone NAME`: is there anything to learn here?"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from keras_detector.errors import RecipeError
from keras_detector.measure import worst_source
from keras_detector.networks.backbones import BACKBONES
from keras_detector.printable import printable
from training.command_options import add_changes, add_data, announce
from training.outcome import described, described_worst, source_table
from training.recipe import TransferRecipe, load_recipe
from training.tensorflow_import import import_tensorflow

if TYPE_CHECKING:
    from training.probe import Probe, Probed

_READ = ("input.", "network.", "data.dataset_size", "head.c", "train.seed")
"""Lines of a recipe, or their beginnings."""


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command to the command line."""
    parser = commands.add_parser(
        "probe", help="cross-validate logistic regression on a frozen backbone; writes no model"
    )
    add_data(parser)
    parser.add_argument(
        "--backbone", required=True, metavar="NAME", help=", ".join(sorted(BACKBONES))
    )
    parser.add_argument(
        "--weights", metavar="FILE", help="default: the backbone's published weights"
    )
    parser.add_argument(
        "--leave-one-source-out",
        action="store_true",
        help="hold out every source by itself, instead of up to five groups of them",
    )
    parser.add_argument(
        "--cache",
        type=Path,
        metavar="DIR",
        help="keep pictures and features here for the next time",
    )
    add_changes(parser)
    parser.add_argument("--json", action="store_true", help="machine-readable output")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Probe; prints the figures."""
    if options.backbone not in BACKBONES:
        raise RecipeError(
            expected=f"a backbone: {', '.join(sorted(BACKBONES))}",
            received=options.backbone,
            advice="Pick one of these.",
        )
    changes = list(options.set)
    _refuse_unread(changes)
    if options.weights is not None:
        changes.append(f"network.weights={json.dumps(options.weights, ensure_ascii=False)}")
    recipe = load_recipe(options.backbone, changes)
    assert isinstance(recipe, TransferRecipe)  # noqa: S101 - every backbone's recipe is one
    import_tensorflow()
    from training.probe import probe

    result = probe(
        options.directory,
        recipe,
        cache=options.cache,
        one_by_one=options.leave_one_source_out,
        announce=announce,
    )
    if recipe.network.weights == "none":
        announce("The backbone has no trained weights: this is what random features tell apart.")
    if options.json:
        print(msgspec.json.encode(_document(result)).decode())
    else:
        print(_text(result))
    return 0


def _refuse_unread(changes: Sequence[str]) -> None:
    """Refuse a change that would make no difference."""
    for change in changes:
        line = change.partition("=")[0].strip()
        if line == "network.mirror" or not line.startswith(_READ):
            raise RecipeError(
                expected=f"a change to a line that probe reads: {', '.join(_READ)}",
                received=printable(change),
                advice="See what probe does in docs/training.md; fit reads the other lines.",
            )


def _text(result: "Probe") -> str:
    lines = ["Pictures the model never saw, of sources it did see:", *_figures(result.pictures)]
    shown = result.pictures
    if result.sources is None:
        lines.append("No class has two sources (folders inside it): none could be held out.")
    else:
        lines += ["Pictures of sources the model never saw:", *_figures(result.sources)]
        shown = result.sources
    if len(shown.per_source) > 2:
        lines.append(source_table(shown.per_source))
    lines.append(f"{result.seconds:.0f} seconds")
    return "\n".join(lines)


def _figures(probed: "Probed") -> list[str]:
    figures = probed.figures
    return [
        "  " + described("accuracy at 0.5", figures.accuracy, figures.n),
        "  " + described("balanced accuracy", figures.balanced_accuracy, figures.n),
        "  " + described("ROC AUC", figures.roc_auc, figures.n, share=False),
        "  " + described_worst(probed.per_source),
    ]


def _document(result: "Probe") -> dict[str, object]:
    def part(probed: "Probed") -> dict[str, object]:
        return {
            "figures": msgspec.to_builtins(probed.figures),
            "per_source": msgspec.to_builtins(probed.per_source),
            "worst_source": worst_source(probed.per_source),
        }

    return {
        "held_out_pictures": part(result.pictures),
        "held_out_sources": None if result.sources is None else part(result.sources),
        "seconds": result.seconds,
        "findings": list(result.findings),
    }
