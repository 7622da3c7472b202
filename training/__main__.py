"""`python -m training`: the command line of training."""

import argparse
import sys
from collections.abc import Sequence

from keras_detector.dependency_floors import refuse_old_pillow
from keras_detector.errors import DetectorError
from keras_detector.standard_streams import prepare_streams
from training import calibrate_command, fine_tune_command, fit_command, probe_command
from training.audit import command as audit_command
from training.pairs import command as matched_pairs_command
from training.pretrained import command as import_weights_command
from training.report import command as report_command


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Returns:
        the exit code: 0 done, 1 could not be finished, 2 the call, recipe or data is wrong, 3 a
        model file is bad, 130 interrupted.
    """
    prepare_streams()
    options = _parser().parse_args(arguments)
    try:
        refuse_old_pillow()
        return int(options.run(options))
    except DetectorError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("Interrupted. Run the same command again to go on.", file=sys.stderr)
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m training", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    audit_command.add_parser(commands)
    fit_command.add_parser(commands)
    fine_tune_command.add_parser(commands)
    probe_command.add_parser(commands)
    calibrate_command.add_parser(commands)
    report_command.add_parser(commands)
    matched_pairs_command.add_parser(commands)
    import_weights_command.add_parser(commands)
    return parser


if __name__ == "__main__":
    sys.exit(main())
