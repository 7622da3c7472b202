"""`keras-detector scan`: what the command line says, and what it tells people."""

import argparse
import contextlib
import json
import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

from keras_detector.errors import DataError
from keras_detector.object_store import to_place
from keras_detector.option_types import whole
from keras_detector.printable import printable

if TYPE_CHECKING:
    from keras_detector.scan.engine import Engine
    from keras_detector.scan.plan import ScanCounts
    from keras_detector.scan.sources import PathList

_EPILOG = (
    "The same command, without --overwrite, goes on where it was stopped, however that happened: "
    "only files that are new or were changed are judged."
)


def add_scan_command(commands: Any, judging: argparse.ArgumentParser) -> None:
    """Add `scan` to the command line.

    Args:
        commands: what `argparse.ArgumentParser.add_subparsers` gave.
        judging: the options of every command that judges.
    """
    parser = commands.add_parser(
        "scan",
        parents=[judging],
        help="judge any number of files on all cores, and go on where it was stopped",
        epilog=_EPILOG,
    )
    parser.add_argument("paths", nargs="*", type=to_place, metavar="PATH", help="folders and files")
    parser.add_argument(
        "--out", type=to_place, required=True, metavar="FILE", help=".jsonl, .csv or .parquet"
    )
    parser.add_argument("--report", type=Path, metavar="HTML", help="also write a page about it")
    parser.add_argument(
        "--files-from", metavar="LIST", help="paths from a file, one a line; - is stdin"
    )
    parser.add_argument(
        "--null", action="store_true", help="the paths of LIST end in null bytes (find -print0)"
    )
    parser.add_argument(
        "--include", action="append", default=[], metavar="GLOB", help="only such files"
    )
    parser.add_argument(
        "--skip", action="append", default=[], metavar="GLOB", help="no such files and folders"
    )
    parser.add_argument(
        "--verify", action="store_true", help="know unchanged files by content, not size and time"
    )
    parser.add_argument(
        "--retry-errors", action="store_true", help="judge again what could not be read before"
    )
    parser.add_argument(
        "--overwrite", action="store_true", help="begin anew, replace files in the way"
    )
    parser.add_argument(
        "--workers", type=whole(1), metavar="N", help="processes; default: one for each core"
    )
    parser.add_argument(
        "--engine",
        choices=("local", "ray"),
        default="local",
        help="who judges: the cores of this machine, or a Ray cluster, which takes URLs too and "
        "writes a folder of Parquet files",
    )
    parser.add_argument(
        "--ray-address",
        metavar="ADDRESS",
        help="of the cluster; default: RAY_ADDRESS, or one that is started on this machine",
    )
    parser.add_argument(
        "--time-limit", type=whole(1), default=60, metavar="S", help="seconds a picture may take"
    )
    parser.add_argument(
        "--memory-limit", type=whole(1), default=4096, metavar="MIB", help="of each process"
    )
    parser.set_defaults(command=run_scan_command)


def run_scan_command(options: argparse.Namespace) -> int:
    """Scan as the command line says, and return the exit code."""
    from keras_detector.detector import default_model_path
    from keras_detector.scan.path_globs import PathGlobs
    from keras_detector.scan.plan import ScanPlan
    from keras_detector.scan.process_pool import Limits
    from keras_detector.scan.progress import ScanProgress
    from keras_detector.scan.run import run_scan
    from keras_detector.scan.sources import ScanSources

    if not options.paths and not options.files_from:
        raise DataError(
            expected="a folder, a file, or a list of them in --files-from",
            received="none",
            advice="Name what to scan.",
        )
    engine = _engine(options)
    with contextlib.ExitStack() as opened:
        sources = ScanSources(
            options.paths,
            listed=opened.enter_context(_open_list(options.files_from)),
            separator=b"\0" if options.null else b"\n",
            globs=PathGlobs(options.include, options.skip),
            remote=options.engine == "ray",
        )
        plan = ScanPlan(
            sources,
            model=options.model or default_model_path(),
            strictness=options.strictness,
            out=options.out,
            report=options.report,
            workers=options.workers,
            limits=Limits(seconds=options.time_limit, memory=options.memory_limit * 2**20),
            verify=options.verify,
            retry_errors=options.retry_errors,
            overwrite=options.overwrite,
        )
        progress = ScanProgress(sys.stderr)
        stopping = opened.enter_context(_stopped_by_signals())
        try:
            counts = run_scan(plan, progress.tell, stopping, engine)
        finally:
            progress.clear()
    for text in (*sources.findings.sentences(), *_conclusion(counts, options)):
        # Whoever watched may have left; the exit code tells all the same.
        with contextlib.suppress(OSError):
            print(text, file=sys.stderr)
    if options.json:
        print(json.dumps(_summary(counts)))
    if counts.stopped:
        return 130
    return int(not counts.found or counts.all_errors > 0)


def _engine(options: argparse.Namespace) -> "Engine":
    if options.engine == "ray":
        from keras_detector.scan.on_ray.engine import RayEngine

        return RayEngine(options.ray_address or os.environ.get("RAY_ADDRESS") or None)
    from keras_detector.scan.engine import LocalEngine

    for option, value in (("--ray-address", options.ray_address), ("--out", options.out)):
        if isinstance(value, str):
            raise DataError(
                expected="a file of this machine" if option == "--out" else "--engine ray",
                received=f"{option} {printable(value)}",
                advice="Add --engine ray, or leave the option out.",
            )
    return LocalEngine()


@contextlib.contextmanager
def _open_list(name: str | None) -> Iterator["PathList | None"]:
    if name is None:
        yield None
        return
    try:
        # Without a buffer, so that what find has found is there at once.
        file = open(0 if name == "-" else name, "rb", buffering=0, closefd=name != "-")  # noqa: SIM115
    except OSError as error:
        raise DataError(
            expected="a list of paths",
            received=f"{printable(name)}: {error.strerror}",
            advice="Check the path of the list.",
        ) from error
    with file:
        yield file


@contextlib.contextmanager
def _stopped_by_signals() -> Iterator[Callable[[], bool]]:
    """Ctrl+C asks a scan to stop, once; the next one interrupts whatever goes on."""
    asked = False
    before: dict[int, Any] = {}

    def ask(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
        nonlocal asked
        asked = True
        for each, handler in before.items():
            signal.signal(each, handler)
        # The stream may be in the middle of something, and cannot be used from here.
        with contextlib.suppress(OSError):
            os.write(2, b"\nFinishing what was begun. Ctrl+C again to stop at once.\n")

    for asking in (signal.SIGINT, signal.SIGTERM):
        before[asking] = signal.signal(asking, ask)
    try:
        yield lambda: asked
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


def _summary(counts: "ScanCounts") -> dict[str, object]:
    return {
        "found": counts.found,
        "judged": counts.judged,
        "unchanged": counts.unchanged,
        "errors": counts.all_errors,
        "stopped": counts.stopped,
    }


def _conclusion(counts: "ScanCounts", options: argparse.Namespace) -> Iterator[str]:
    """How it went, a sentence each."""
    from keras_detector.report.texts import ERROR_KIND_TEXTS

    if not counts.begun:
        yield "Stopped before anything was begun. Nothing was changed."
        return
    if counts.broken:
        what = f"{counts.broken:,} {'parts' if options.engine == 'ray' else 'rows'}"
        yield f"{what} had not been written to their end, and do not count."
    yield f"{counts.judged:,} files judged, {counts.unchanged:,} unchanged since they were."
    for kind, number in counts.errors.most_common():
        yield f"{number:,} could not be judged: {ERROR_KIND_TEXTS[kind]}."
    if counts.unchanged_errors:
        yield (
            f"{counts.unchanged_errors:,} could not be judged before; "
            "--retry-errors looks at them again."
        )
    if not counts.found and not counts.stopped:
        yield "No pictures found."
    yield f"Written: {printable(options.out)}"
    if counts.stopped:
        of = f"{counts.found:,}" if counts.all_found else f"{counts.found:,} or more"
        same = "The same command without --overwrite" if options.overwrite else "The same command"
        yield f"Stopped after {counts.done:,} of {of} files. {same} goes on from here."
