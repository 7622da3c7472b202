"""`keras-detector serve`: verdicts over HTTP."""

import argparse
import importlib.util
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from keras_detector.dependency_floors import refuse_old_parsers
from keras_detector.errors import MissingPackageError
from keras_detector.option_types import number, whole

_PACKAGES = ("fastapi", "prometheus_client", "python_multipart", "uvicorn")


def add_serve_command(commands: Any, parents: Sequence[argparse.ArgumentParser]) -> None:
    """Add `serve` to the command line.

    Args:
        commands: what `argparse.ArgumentParser.add_subparsers` gave.
        parents: the options that say which model judges, and how strictly.
    """
    serve = commands.add_parser(
        "serve",
        parents=parents,
        help="verdicts over HTTP, and a page to drop pictures on",
        description="Answers until Ctrl+C or SIGTERM. The address is printed once it does. A token "
        "is read from --token-file or from the environment variable KERAS_DETECTOR_TOKEN.",
    )
    serve.add_argument(
        "--host", default="127.0.0.1", help="default: %(default)s, only this machine"
    )
    serve.add_argument(
        "--port",
        type=whole(0, 65_535),
        default=8000,
        help="default: %(default)s; 0 takes one that is free",
    )
    serve.add_argument("--token-file", type=Path, metavar="FILE", help="what clients must know")
    serve.add_argument(
        "--allowed-host",
        action="append",
        default=[],
        metavar="NAME",
        help="a name under which other machines ask; once for each",
    )
    serve.add_argument(
        "--max-upload", type=_megabytes, default="20", metavar="MB", help="default: %(default)s"
    )
    serve.add_argument(
        "--workers",
        type=whole(1),
        metavar="N",
        help="pictures judged at the same time; default: as many as there are processor cores for",
    )
    serve.add_argument(
        "--queue",
        type=whole(0),
        default=16,
        metavar="N",
        help="requests that may wait beside those; default: %(default)s",
    )
    serve.add_argument(
        "--timeout",
        type=number(0.0, 3_600.0, above=True),
        default="30",
        metavar="SECONDS",
        help="for a client to send, for an answer, and for a client to fetch it; "
        "default: %(default)s",
    )
    serve.set_defaults(command=_serve)


def _serve(options: argparse.Namespace) -> int:
    missing = [name for name in _PACKAGES if importlib.util.find_spec(name) is None]
    if missing:
        raise MissingPackageError(
            expected="the packages that serving needs",
            received=f"no {', '.join(missing)}",
            advice="Install them with: pip install 'keras-detector[serve]'",
        )
    refuse_old_parsers()
    from keras_detector.detector import Detector, default_model_path
    from keras_detector.server.serving import serve
    from keras_detector.server.settings import (
        Settings,
        address_of,
        bind,
        names_allowed,
        read_token,
    )

    token = read_token(options.token_file)
    with bind(options.host, options.port) as bound:
        names = names_allowed(bound, options.host, options.allowed_host, token=token is not None)
        path = options.model or default_model_path()
        first = Detector(path, options.strictness)
        workers = options.workers or max((os.cpu_count() or 1) // first.threads, 1)
        detectors = [first, *(Detector(path, options.strictness) for _ in range(workers - 1))]
        settings = Settings(
            token=token,
            allowed_hosts=names,
            max_upload=options.max_upload,
            queue=options.queue,
            timeout=options.timeout,
        )

        def announce() -> None:
            print(address_of(bound, options.host), flush=True)
            print(
                f"{first.card.name} judges {workers} at a time. Ctrl+C stops it.", file=sys.stderr
            )

        serve(bound, detectors, settings, announce)
    return 0


def _megabytes(text: str) -> int:
    return round(number(0.0, 1_000.0, above=True)(text) * 1e6)
