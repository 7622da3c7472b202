"""`python -m training`: the command line of training."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from keras_detector.errors import DetectorError, RunError
from keras_detector.native_stderr import without_native_stderr
from training.recipe import load_recipe, shipped_recipes


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Returns:
        the exit code: 0 done, 1 could not be finished, 2 the call, recipe or data is wrong,
        130 interrupted.
    """
    options = _parser().parse_args(arguments)
    # A name that is not UTF-8, or a terminal that is not, must not end the run.
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    try:
        _fit(options)
    except DetectorError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("Interrupted. Run the same command again to go on.", file=sys.stderr)
        return 130
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m training", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    fit = commands.add_parser("fit", help="train a recipe on a data directory")
    fit.add_argument("directory", type=Path, metavar="DIR", help="holds a real and a fake folder")
    fit.add_argument(
        "--recipe",
        required=True,
        metavar="NAME",
        help=f"{', '.join(shipped_recipes())}, or the path of a TOML file",
    )
    fit.add_argument("--out", required=True, type=Path, metavar="FILE.keras")
    fit.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="LINE=VALUE",
        help="change a line of the recipe, e.g. train.epochs=5; may be repeated",
    )
    fit.add_argument(
        "--report", type=Path, metavar="DIR", help="default: beside FILE, named <FILE>-report"
    )
    fit.add_argument("--overwrite", action="store_true", help="replace an existing FILE in the end")
    fit.add_argument(
        "--restart", action="store_true", help="discard what an unfinished run has done so far"
    )
    return parser


def _fit(options: argparse.Namespace) -> None:
    out: Path = options.out
    if out.suffix != ".keras":
        _parser().error(f"--out must end in .keras; received {out}")
    recipe = load_recipe(options.recipe, options.set)
    report: Path = options.report or out.with_name(f"{out.stem}-report")

    # TensorFlow, only once the call is known to be right. Without a GPU it complains of that.
    try:
        with without_native_stderr():
            import tensorflow

            tensorflow.config.list_physical_devices()
        from training.fit import fit
    except ImportError as error:
        raise RunError(
            expected="the packages that training needs",
            received=str(error),
            advice="Install them: uv sync --extra training, or pip install '.[training]'.",
        ) from error

    card = fit(
        options.directory,
        recipe,
        out,
        report=report,
        overwrite=options.overwrite,
        restart=options.restart,
        announce=lambda sentence: print(sentence, file=sys.stderr),
    )
    test = card.figures["test"]
    print(f"{out}: {card.name}, {card.training.epochs} epochs, best {card.training.best_epoch}")
    if test.accuracy is not None:
        low, high = test.accuracy.low, test.accuracy.high
        print(f"test accuracy {test.accuracy.value:.2%} (95 % {low:.2%} to {high:.2%}, n {test.n})")
    print(f"report: {report / 'report.html'}")


if __name__ == "__main__":
    sys.exit(main())
