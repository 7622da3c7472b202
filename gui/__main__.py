"""`python -m gui`, and the packaged program."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from keras_detector import __version__
from keras_detector.dependency_floors import refuse_old_pillow
from keras_detector.errors import DetectorError


def main(arguments: Sequence[str] | None = None) -> int:
    """Open the app, or judge one picture without a window.

    Returns:
        the exit code: 0 done, 1 the picture is unreadable, 2 the call is wrong, 3 the model file
        is bad.
    """
    parser = argparse.ArgumentParser(
        prog="AIImageClassifier",
        description="Is this picture a photograph, or was it generated or edited by AI?",
    )
    parser.add_argument("--version", action="version", version=__version__)
    parser.add_argument(
        "--model",
        type=Path,
        metavar="FILE",
        help="judge with it, this time (default: the one last chosen in the app; with --check the "
        "one that comes with it)",
    )
    parser.add_argument(
        "--check", type=Path, metavar="PICTURE", help="print its verdict as JSON, without a window"
    )
    parser.add_argument("pictures", nargs="*", type=Path, metavar="PICTURE", help="open these")
    options = parser.parse_args(arguments)
    try:
        refuse_old_pillow()
        if options.check is not None:
            return _check(options.check, options.model)
    except DetectorError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    try:
        from gui.app import run
    except ModuleNotFoundError as error:
        advice = "On Debian and Ubuntu: apt-get install python3-tk. The rest: pip install .[gui]"
        print(
            f"error: the app needs {error.name}, which is not installed. {advice}", file=sys.stderr
        )
        return 2
    return run(options.pictures, model=options.model)


def _check(picture: Path, model: Path | None) -> int:
    from keras_detector.detector import Detector, default_model_path
    from keras_detector.rows import judge_files

    (row,) = judge_files(Detector(model or default_model_path()), [picture])
    print(row.to_json())
    return int(row.is_error)


if __name__ == "__main__":
    # A frozen program on Windows without a console has no streams to print to.
    sys.exit(main())
