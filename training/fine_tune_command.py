"""`python -m training fine-tune MODEL.keras DIR --out FILE.keras`: train a model further."""

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
from training.recipe import load_tuning_recipe
from training.tensorflow_import import import_tensorflow


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command to the command line."""
    parser = commands.add_parser("fine-tune", help="train a finished model further on new pictures")
    parser.add_argument("model", type=Path, metavar="MODEL.keras")
    add_data(parser)
    parser.add_argument(
        "--recipe", type=Path, metavar="FILE.toml", help="default: training/fine_tune.toml"
    )
    add_run(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Fine-tune; prints where the new model and its report are."""
    out: Path = options.out
    refuse_no_model_name(out)
    recipe = load_tuning_recipe(options.recipe, changes_of(options))
    report = report_of(options)
    collections = collections_of(options)
    import_tensorflow()
    from training.tune import tune

    card = tune(
        options.model,
        options.directory,
        recipe,
        out,
        report=report,
        restart=options.restart,
        announce=announce,
        collections=collections,
    )
    print(outcome(out, card, report))
    return 0
