"""`python -m training calibrate MODEL.keras DIR --out FILE.keras`: fit verdicts to own pictures."""

import argparse
from pathlib import Path

import msgspec

from keras_detector.errors import RecipeError
from training.command_options import add_data, add_output, announce, refuse_no_model_name, seed
from training.outcome import outcome


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command to the command line."""
    parser = commands.add_parser(
        "calibrate", help="fit a model's scores, threshold and band to a labelled directory"
    )
    parser.add_argument("model", type=Path, metavar="MODEL.keras")
    add_data(parser)
    add_output(parser)
    parser.add_argument("--calibration", metavar="METHOD", help="platt or temperature")
    parser.add_argument("--threshold", metavar="POLICY", help="youden, f1 or e.g. fpr=0.05")
    parser.add_argument("--abstain-risk", type=float, metavar="RISK", help="0.5 never abstains")
    parser.add_argument("--seed", type=seed, default=1, help="divides the pictures; default: 1")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Calibrate; prints the new figures. What is not given stays as the model's recipe had it."""
    from keras_detector.model_file import read_model_file
    from training.calibrate import calibrate, verdict_lines
    from training.recipe_lines import VerdictLines

    refuse_no_model_name(options.out)
    lines = msgspec.to_builtins(verdict_lines(read_model_file(options.model).card))
    lines["validation"] = "split"  # half of these pictures, whatever it was before
    for name in ("calibration", "threshold", "abstain_risk"):
        if getattr(options, name) is not None:
            lines[name] = getattr(options, name)
    try:
        verdict = msgspec.convert(lines, VerdictLines)
    except msgspec.ValidationError as error:
        raise RecipeError(
            expected="--calibration platt or temperature, and --abstain-risk from 0 to 0.5",
            received=str(error),
            advice="See docs/training.md, the recipe's verdict lines.",
        ) from error
    card = calibrate(
        options.model,
        options.directory,
        options.out,
        verdict=verdict,
        seed=options.seed,
        announce=announce,
    )
    print(outcome(options.out, card, None))
    return 0
