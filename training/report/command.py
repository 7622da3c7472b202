"""`report`: a model written up on a labelled directory, or several models in one table."""

import argparse
import os
import sys
from collections.abc import Iterable
from pathlib import Path

from keras_detector.errors import RunError
from keras_detector.labelled_directory import LabelledPicture
from keras_detector.printable import printable


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `report` to the commands of `python -m training`."""
    parser = commands.add_parser(
        "report",
        help="write a model up on a labelled directory, or compare several",
        description="MODEL.keras DIR: the model's report, with DIR measured now. --compare "
        "A.keras B.keras ... [DIR]: one table of all models.",
    )
    parser.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="models and directory")
    parser.add_argument("--out", required=True, type=Path, metavar="REPORT_DIR")
    parser.add_argument("--compare", action="store_true", help="one table of several models")
    parser.add_argument("--overwrite", action="store_true", help="replace an existing report")
    parser.set_defaults(run=run, refuse=parser.error)


def run(options: argparse.Namespace) -> int:
    """Write the report or the comparison; TensorFlow is not needed.

    Raises:
        DetectorError: a model or the directory is not right, or the report cannot be written.
    """
    *models, last = options.paths
    directory: Path | None = last
    if options.compare and last.suffix == ".keras":
        models, directory = options.paths, None
    if options.compare and len(models) < 2:
        options.refuse("--compare takes two models or more, and at most one directory, the last")
    if not options.compare and len(models) != 1:
        options.refuse("give one model and one labelled directory, or --compare several models")
    page = options.out / ("comparison.html" if options.compare else "report.html")
    # pathlib raises on names that the system refuses; os.path says that they are not there
    if os.path.exists(page) and not options.overwrite:  # noqa: PTH110
        raise RunError(
            expected="a new place for the report",
            received=f"{printable(page)}, which exists",
            advice="Choose another --out, or pass --overwrite to replace it.",
        )
    if options.compare:
        print(_compare(models, directory, options.out))
    else:
        print(_report(models[0], last, options.out))
    return 0


def _report(model: Path, directory: Path, out: Path) -> Path:
    from training.report.directory import report_directory
    from training.report.model_report import write_report

    return write_report(out, report_directory(model, directory, _watched))


def _compare(models: list[Path], directory: Path | None, out: Path) -> Path:
    from training.inference_time import busy_remark, cpu_name
    from training.report.comparison import write_comparison
    from training.report.experiment import examine

    remark = busy_remark()
    experiments = []
    for model in models:
        print(printable(model), file=sys.stderr)
        experiments.append(examine(model, directory, _watched))
    return write_comparison(out, experiments, " ".join((cpu_name() + ".", remark)).strip())


def _watched(pictures: Iterable[LabelledPicture]) -> Iterable[LabelledPicture]:
    if not sys.stderr.isatty():  # a bar in a log file is noise
        return pictures
    from tqdm import tqdm

    listed = list(pictures)
    bar: Iterable[LabelledPicture] = tqdm(
        listed, desc="judging", unit="picture", dynamic_ncols=True
    )
    return bar
