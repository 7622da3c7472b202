"""`python -m training fit DIR --recipe NAME --out FILE.keras`: train a model."""

import argparse
from pathlib import Path

from training.command_options import (
    add_data,
    add_run,
    announce,
    changes_of,
    collections_of,
    refuse_no_model_name,
    report_of,
)
from training.outcome import outcome
from training.recipe import load_recipe, shipped_recipes
from training.tensorflow_import import import_tensorflow


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command to the command line."""
    parser = commands.add_parser("fit", help="train a recipe on a data directory")
    add_data(parser)
    parser.add_argument(
        "--recipe",
        required=True,
        metavar="NAME",
        help=f"{', '.join(shipped_recipes())}, or the path of a TOML file",
    )
    parser.add_argument(
        "--overwrite", action="store_true", help="replace an existing FILE in the end"
    )
    parser.add_argument(
        "--leave-one-source-out",
        action="store_true",
        help="also measure every source by a head that was trained without it "
        "(heads on a frozen backbone)",
    )
    add_run(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Train; prints where the model and its report are."""
    out: Path = options.out
    refuse_no_model_name(out)
    recipe = load_recipe(options.recipe, changes_of(options))
    report = report_of(options)
    collections = collections_of(options)
    import_tensorflow()
    from training.fit import fit

    card = fit(
        options.directory,
        recipe,
        out,
        report=report,
        overwrite=options.overwrite,
        restart=options.restart,
        announce=announce,
        collections=collections,
        leave_one_source_out=options.leave_one_source_out,
    )
    print(outcome(out, card, report))
    return 0
