"""`keras-detector`: the command line. Data goes to stdout, messages and progress to stderr.

Exit codes: 0 done, 1 some inputs were unreadable, 2 the call is wrong, 3 the model file is bad.
"""

import argparse
import json
import os
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from keras_detector import __version__
from keras_detector.dependency_floors import refuse_old_pillow
from keras_detector.enhance_command import add_enhance_command
from keras_detector.errors import DetectorError
from keras_detector.option_types import number
from keras_detector.printable import printable
from keras_detector.scan.command import add_scan_command
from keras_detector.serve_command import add_serve_command
from keras_detector.standard_streams import prepare_streams

if TYPE_CHECKING:
    from keras_detector.strictness import Strictness

T = TypeVar("T")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    prepare_streams()
    options = _parser().parse_args(arguments)
    try:
        refuse_old_pillow()
        code: int = options.command(options)
        sys.stdout.flush()
    except DetectorError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    except BrokenPipeError:
        # The reader (head, less) has seen enough. Python would complain once more on exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:  # the disk that the output goes to is full
        print(f"error: {error}", file=sys.stderr)
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except MemoryError:
        advice = "Close other programs, or scale the picture down."
        print(f"error: There is not enough memory for this. {advice}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Interrupted.", file=sys.stderr)
        return 130
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="keras-detector",
        description="Is this picture a photograph, or was it generated or edited by AI?",
    )
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    model = argparse.ArgumentParser(add_help=False)
    model.add_argument("--model", type=Path, metavar="FILE", help="default: the shipped model")
    strictness = argparse.ArgumentParser(add_help=False)
    strictness.add_argument(
        "--strictness",
        type=_strictness,
        default="balanced",
        metavar="LEVEL",
        help="how readily a picture is called fake: cautious, balanced (the default) or sensitive; "
        "info says what each costs",
    )
    common = argparse.ArgumentParser(add_help=False, parents=[model])
    common.add_argument("--json", action="store_true", help="machine-readable output")
    judging = argparse.ArgumentParser(add_help=False, parents=[common, strictness])

    predict = commands.add_parser("predict", parents=[judging], help="a verdict for each picture")
    predict.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="files and folders")
    predict.set_defaults(command=_predict)

    evaluate = commands.add_parser(
        "evaluate", parents=[judging], help="a model's figures on a labelled directory"
    )
    evaluate.add_argument("directory", type=Path, metavar="DIR")
    evaluate.set_defaults(command=_evaluate)

    add_scan_command(commands, judging)

    explain = commands.add_parser(
        "explain", parents=[judging], help="the places of a picture that speak for its verdict"
    )
    explain.add_argument("picture", type=Path, metavar="IMAGE")
    explain.add_argument("--out", type=Path, required=True, metavar="PNG", help="where to draw it")
    explain.add_argument(
        "--opacity", type=number(0.0, 1.0), default=0.6, help="of the colours, 0 to 1"
    )
    explain.add_argument("--overwrite", action="store_true", help="replace an existing PNG")
    explain.set_defaults(command=_explain)

    add_enhance_command(commands, judging)

    info = commands.add_parser("info", parents=[common], help="what a model's card says")
    info.add_argument("file", nargs="?", type=Path, metavar="MODEL")
    info.set_defaults(command=_info)

    add_serve_command(commands, parents=[model, strictness])
    return parser


def _predict(options: argparse.Namespace) -> int:
    from keras_detector.detector import Detector, default_model_path
    from keras_detector.rows import expand_paths, judge_files

    detector = Detector(options.model or default_model_path(), options.strictness)
    paths, findings = expand_paths(options.paths)
    for finding in findings:
        print(finding, file=sys.stderr)
    failed = not paths
    if not paths:
        print("No pictures found.", file=sys.stderr)
    # On a terminal the verdicts themselves show how far it is.
    watched = paths if sys.stdout.isatty() else _with_progress(paths, "judging")
    for row in judge_files(detector, watched):
        print(row.to_json() if options.json else row.to_text())
        failed |= row.is_error
    return int(failed)


def _evaluate(options: argparse.Namespace) -> int:
    from keras_detector.card_text import describe_figures
    from keras_detector.detector import Detector, default_model_path
    from keras_detector.evaluation import evaluate

    detector = Detector(options.model or default_model_path(), options.strictness)
    result = evaluate(
        detector, options.directory, lambda pictures: _with_progress(list(pictures), "judging")
    )
    judged = result.judged
    for finding in judged.findings:
        print(finding, file=sys.stderr)
    for path, why in judged.unreadable.items():
        print(f"{printable(path)}: {printable(why)}", file=sys.stderr)
    if options.json:
        print(json.dumps(result.to_builtins()))
    else:
        sources = {printable(name): each for name, each in judged.per_source.items()}
        print(describe_figures(judged.figures, sources))
    return int(bool(judged.unreadable))


def _explain(options: argparse.Namespace) -> int:
    from keras_detector import images
    from keras_detector.atomic_file import write_atomically
    from keras_detector.detector import Detector, default_model_path
    from keras_detector.explain import draw_explanation
    from keras_detector.picture_output import check_output, encode_picture
    from keras_detector.rows import Row

    check_output(options.out, options.picture, overwrite=options.overwrite, suffixes=(".png",))
    detector = Detector(options.model or default_model_path(), options.strictness)
    picture = images.open_picture(options.picture)
    examined = detector.examine(picture)
    drawn = draw_explanation(picture.pixels, examined, detector.card.input, opacity=options.opacity)
    write_atomically(options.out, encode_picture(drawn, ".png"))
    row = Row(options.picture, examined.prediction)
    print(row.to_json() if options.json else row.to_text())
    return 0


def _strictness(text: str) -> "Strictness":
    from keras_detector.strictness import Strictness  # too slow for --version

    try:
        return Strictness(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text} is none of {', '.join(Strictness)}") from None


def _info(options: argparse.Namespace) -> int:
    import msgspec

    from keras_detector.card_text import describe_card
    from keras_detector.detector import default_model_path
    from keras_detector.model_file import read_model_file
    from keras_detector.shown_card import shown_card

    if options.file and options.model:
        _parser().error("info takes one model: name it once")
    card = read_model_file(options.file or options.model or default_model_path()).card
    if options.json:
        print(json.dumps(msgspec.to_builtins(card), indent=2))
    else:
        print(describe_card(shown_card(card)), end="")
    return 0


def _with_progress(items: Sequence[T], what: str) -> Iterable[T]:
    # A bar in a log file or a pipe is noise, and importing it costs a single verdict time.
    if len(items) < 2 or not sys.stderr.isatty():
        return items
    from tqdm import tqdm

    bar: Iterable[T] = tqdm(items, desc=what, unit="picture", dynamic_ncols=True)
    return bar


if __name__ == "__main__":
    sys.exit(main())
