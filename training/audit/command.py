"""`python -m training audit`: is the label written somewhere it should not be?"""

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from keras_detector.errors import RunError
from keras_detector.printable import printable
from training.command_options import seed

if TYPE_CHECKING:
    from keras_detector.labelled_directory import LabelledDirectory
    from training.audit.run import Audit

_DEFAULT_SAMPLE = 4_000


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command to those of `python -m training`."""
    parser = commands.add_parser(
        "audit", help="before training: is the label written somewhere it should not be?"
    )
    parser.set_defaults(run=run)
    parser.add_argument(
        "directory", type=Path, metavar="DIR", help="holds a real and a fake folder"
    )
    parser.add_argument("--out", type=Path, metavar="REPORT.html", help="also write a page")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of text")
    parser.add_argument(
        "--align",
        type=Path,
        metavar="OUT_DIR",
        help="write a folder in which both classes went down one path, and audit that as well",
    )
    parser.add_argument(
        "--sample",
        type=_sample,
        default=_DEFAULT_SAMPLE,
        metavar="N",
        help=f'pictures to look at, or "all" (default: {_DEFAULT_SAMPLE})',
    )
    parser.add_argument("--seed", type=seed, default=0, help="of everything drawn (default: 0)")
    parser.add_argument("--overwrite", action="store_true", help="replace an existing REPORT.html")


def run(options: argparse.Namespace) -> int:
    """Run the command.

    Returns:
        0, whatever was found.

    Raises:
        DetectorError: the directory, the page or the new folder is not as it should be.
    """
    from keras_detector.labelled_directory import read_labelled_directory

    try:
        from training.audit.align import refuse_taken
        from training.audit.run import audit_pictures
        from training.audit.text import describe_audit
    except ImportError as error:
        raise RunError(
            expected="the packages that an audit needs",
            received=str(error),
            advice="Install them: uv sync --extra training, or pip install '.[training]'.",
        ) from error

    root: Path = options.directory
    _refuse_existing(options.out, overwrite=options.overwrite)
    directory = read_labelled_directory(root)
    if options.align is not None:
        refuse_taken(root, options.align)
    for sentence in directory.findings:
        print(sentence, file=sys.stderr)
    audit = audit_pictures(directory.pictures, root=root, sample=options.sample, seed=options.seed)
    if not options.json:
        print(describe_audit(audit))
    if options.out is not None:
        _write_page(options.out, audit, root)
    after = None if options.align is None else _align(directory, options)
    if options.json:
        print(msgspec.json.encode(_as_json(audit, after)).decode())
    return 0


def _refuse_existing(page: Path | None, *, overwrite: bool) -> None:
    # pathlib raises on names that the system refuses; os.path says that they are not there
    if page is not None and os.path.exists(page) and not overwrite:  # noqa: PTH110
        raise RunError(
            expected="a new file for the page",
            received=f"{printable(page)}, which exists",
            advice="Choose another --out, or pass --overwrite to replace it.",
        )


def _write_page(page: Path, audit: "Audit", root: Path) -> None:
    from training.audit.page import write_audit_page

    write_audit_page(page, audit, printable(root.resolve().name))
    print(f"page: {printable(page)}", file=sys.stderr)


def _align(directory: "LabelledDirectory", options: argparse.Namespace) -> "Audit":
    """Write the aligned folder, and audit it as the input was."""
    from keras_detector.labelled_directory import read_labelled_directory
    from training.audit.align import align_directory
    from training.audit.run import audit_pictures
    from training.audit.text import describe_aligned, describe_audit

    out: Path = options.align
    for sentence in describe_aligned(align_directory(directory, out, seed=options.seed)):
        print(sentence, file=sys.stderr)
    pictures = read_labelled_directory(out).pictures
    after = audit_pictures(pictures, root=out, sample=options.sample, seed=options.seed)
    if not options.json:
        print(f"\n{printable(out)}, aligned:\n\n{describe_audit(after)}")
    return after


def _as_json(audit: "Audit", after: "Audit | None") -> dict[str, object]:
    from keras_detector.audit_note import audit_sentence, judge

    found: dict[str, object] = {
        "judgement": judge(audit.note()).value,
        "sentence": audit_sentence(audit.note()),
        **msgspec.to_builtins(audit),
    }
    if after is not None:
        found["aligned"] = _as_json(after, None)
    return found


def _sample(text: str) -> int | None:
    if text == "all":
        return None
    if not text.isdecimal() or int(text) < 20:
        raise argparse.ArgumentTypeError(f'20 or more, or "all"; received {text}')
    return int(text)
