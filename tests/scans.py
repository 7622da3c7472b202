"""Scans as people run them: the command, and what it wrote."""

import contextlib
import io
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from keras_detector.cli import main
from tests.conftest import draw_picture

ROOT = Path(__file__).parents[1]
MODEL = ROOT / "models" / "cnn32.keras"
"""Small, and nothing needs to be trained for it."""
Line = dict[str, Any]

DEADLY = '''
"""Runs in every process of a scan: some contents end, fill or hang whoever opens them."""

import ctypes, os, signal, time
from PIL import Image

opened = Image.open

def open_with_care(file, *given, **named):
    head = file.read(8)
    file.seek(0)
    if head == b"KILL ME!":
        os.kill(os.getpid(), signal.SIGKILL)
    elif head == b"SEGFAULT":
        ctypes.string_at(0)
    elif head == b"FILL ME!":
        bytearray(2**42)
    elif head == b"HANG ME!":
        open(os.environ["HANGING"], "w").close()
        time.sleep(3600)
    elif head == b"BUG HERE":
        raise ValueError("never seen before")
    return opened(file, *given, **named)

Image.open = open_with_care
'''


def command(*arguments: str | Path) -> list[str]:
    """With a small model and one process, unless something else is asked for."""
    chosen = ["--model", MODEL, "--workers", "1", *arguments]  # of two, the last counts
    return [sys.executable, "-m", "keras_detector.cli", "scan", *map(os.fspath, chosen)]


@dataclass(frozen=True)
class Done:
    returncode: int
    stdout: str
    stderr: str


def scan(*arguments: str | Path, **named: Any) -> Done:
    """The command, within this process unless it is given surroundings of its own."""
    if named:
        done = subprocess.run(
            command(*arguments), capture_output=True, text=True, cwd=named.pop("cwd", ROOT), **named
        )
        result = Done(done.returncode, done.stdout, done.stderr)
    else:
        out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8") for _ in range(2))
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = main(command(*arguments)[3:])
        for stream in (out, err):
            stream.seek(0)
        result = Done(code, out.read(), err.read())
    assert "Traceback" not in result.stderr, result.stderr
    if "--json" not in arguments:
        assert result.stdout == ""
    return result


def environment_of_deadly_pictures(folder: Path) -> dict[str, str]:
    """In which every Python runs `DEADLY`; `HANGING` is a file that is there once one hangs."""
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(DEADLY)
    paths = {"PYTHONPATH": os.pathsep.join([str(folder), str(ROOT)])}
    return {**os.environ, **paths, "HANGING": str(folder / "hanging")}


def write_deadly_files(folder: Path) -> dict[str, str]:
    """Files that `DEADLY` makes deadly, one of each kind: their names, and the kinds of error."""
    kinds = {
        "KILL ME!": "crashed",
        "SEGFAULT": "crashed",
        "FILL ME!": "no_memory",
        "HANG ME!": "too_slow",
        "BUG HERE": "damaged",
    }
    for content, kind in kinds.items():
        (folder / f"{kind} {content}.jpg").write_text(content)
    return {f"{kind} {content}.jpg": kind for content, kind in kinds.items()}


def draw_files(folder: Path, number: int, *, seed: int = 0) -> list[Path]:
    """Small pictures, each its own, in folders at several depths."""
    rng = np.random.default_rng(seed)
    paths = []
    for place in range(number):
        path = folder / ("a/" * (place % 3)) / f"{seed}-{place:04}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(draw_picture(rng, fake=place % 2 == 0, size=32)).save(path)
        paths.append(path)
    return paths


def lines_of(path: Path) -> list[Line]:
    """What a scan wrote; fails on anything that is no whole line."""
    data = path.read_bytes()
    assert data == b"" or data.endswith(b"\n")
    return [json.loads(line) for line in data.splitlines()]


def paths_of(path: Path) -> list[str]:
    return [line["path"] for line in lines_of(path)]


def wait_until(true: Callable[[], bool], seconds: float = 30.0) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.005)


class Running:
    """A scan that goes on while the test does something."""

    def __init__(self, arguments: Sequence[str | Path], **named: Any) -> None:
        self.process = subprocess.Popen(
            command(*arguments),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            # Its processes are found again by their group, as a terminal finds them for Ctrl+C.
            start_new_session=True,
            **named,
        )

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()

    def interrupt(self, number: signal.Signals = signal.SIGINT) -> tuple[int, str]:
        """Ctrl+C, or what ends a service or a job: a signal to all its processes."""
        os.killpg(self.process.pid, number)
        _, said = self.process.communicate(timeout=60)
        return self.process.returncode, said

    def is_gone(self) -> bool:
        """Whether all its processes have ended."""
        try:
            os.killpg(self.process.pid, 0)
        except ProcessLookupError:
            return True
        return False
