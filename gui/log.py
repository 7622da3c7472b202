"""The log file: what no user wants to read, and whoever mends the app does."""

import logging
import logging.handlers
import platform
import sys
import threading
from pathlib import Path
from types import TracebackType

from keras_detector import __version__

_BYTES, _KEPT = 500_000, 2


def start_log(path: Path) -> None:
    """Send every log message, and every exception that nobody caught, to a file.

    Where the file cannot be written the app works all the same, without one.
    """
    root = logging.getLogger()
    root.setLevel(logging.INFO)
    logging.getLogger("PIL").setLevel(logging.WARNING)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handler: logging.Handler = logging.handlers.RotatingFileHandler(
            path, maxBytes=_BYTES, backupCount=_KEPT, encoding="utf-8", errors="backslashreplace"
        )
    except OSError:
        handler = logging.NullHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(threadName)s %(message)s"))
    root.addHandler(handler)
    sys.excepthook = _log_exception
    threading.excepthook = _log_thread_exception
    logging.info("started: %s on %s, Python %s", __version__, platform.platform(), sys.version)


def _log_exception(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    logging.critical("not caught", exc_info=(kind, error, trace))


def _log_thread_exception(arguments: threading.ExceptHookArgs) -> None:
    error = arguments.exc_value or arguments.exc_type()
    logging.critical(
        "not caught in a thread", exc_info=(arguments.exc_type, error, arguments.exc_traceback)
    )
