"""Handlers for tests of the process pool: each task says what is to happen to its process."""

import ctypes
import os
import resource
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from keras_detector.errors import ModelFileError

DEEDS: dict[str, Callable[[str], Any]] = {
    "exit": lambda value: os._exit(int(value)),
    "segfault": lambda _: ctypes.string_at(0),
    "kill": lambda _: os.kill(os.getpid(), signal.SIGKILL),
    "fill": lambda value: bytearray(int(value)),
    "sleep": lambda value: time.sleep(float(value)),
    "print": lambda _: os.write(2, b"noise"),
    "interrupt": lambda _: os.kill(os.getpid(), signal.SIGINT),
    "terminate": lambda _: os.kill(os.getpid(), signal.SIGTERM),
    "alarm": lambda _: os.kill(os.getpid(), signal.SIGALRM),
    "alarm_once": lambda path: ring_once(Path(path)),
}


def ring_once(path: Path) -> None:
    if not path.exists():
        path.touch()
        os.kill(os.getpid(), signal.SIGALRM)


class ObedientHandler:
    greeting = "at your service"

    def __call__(self, task: Any) -> bytes:
        word, _, value = str(task).partition(" ")
        if word in DEEDS:
            DEEDS[word](value)
        if word == "model":
            raise ModelFileError(expected="a", received="b", advice="C.")
        if word == "limit":
            return str(resource.getrlimit(resource.RLIMIT_DATA)[0]).encode()
        if word == "variable":
            return os.environ[value].encode()
        return str(task).encode("utf-8", "surrogateescape")


def make_obedient() -> ObedientHandler:
    return ObedientHandler()


class NamedHandler(ObedientHandler):
    """Greets with what a file says when the process starts."""

    def __init__(self, path: Path) -> None:
        self.greeting = path.read_text()


def make_nothing() -> ObedientHandler:
    os._exit(7)


def make_refused() -> ObedientHandler:
    raise ModelFileError(expected="a model", received="none", advice="Look for it.")
