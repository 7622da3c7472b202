"""Malicious model files: nothing runs, nothing else is read, nobody is asked, and soon it is over.

By what the kernel was asked for: `strace` sees every call. It is skipped only where there is no
`strace`, or where it may not trace.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from keras_detector.detector import shipped_models
from keras_detector.errors import ModelFileError
from keras_detector.model_file import read_model_file
from tests.conftest import draw_picture
from tests.hostile.evil_models import EVIL, make_all

ROOT = Path(__file__).parents[2]
GOOD = ROOT / "models" / "cnn32.keras"

TRACED = """
import contextlib, io, json, os, sys, time
from keras_detector.cli import main

def run(*command):
    said = io.TextIOWrapper(io.BytesIO())
    shown = io.TextIOWrapper(io.BytesIO())
    with contextlib.redirect_stderr(said), contextlib.redirect_stdout(shown):
        code = main(command)
    said.seek(0)
    return code, said.read()

def most_memory(reset=False):
    if reset:
        with open("/proc/self/clear_refs", "w") as file:
            file.write("5")
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) / 1e3 for line in file if line.startswith("VmHWM"))

def commands(path):
    return ("info", path), ("predict", picture, "--model", path)

good, picture, *evil = sys.argv[1:]
for path in (good, good, evil[0]):
    for command in commands(path):
        run(*command)
results = []
for number, path in enumerate(evil):
    for command in commands(path):
        before, began = most_memory(reset=True), time.process_time()
        with contextlib.suppress(OSError):
            os.stat(f"/begin/{number}")
        code, said = run(*command)
        with contextlib.suppress(OSError):
            os.stat("/end")
        results.append((code, said, time.process_time() - began, most_memory() - before))
print(json.dumps(results))
"""

HARMLESS = {
    "stat", "lstat", "newfstatat", "statx", "access", "faccessat", "faccessat2", "readlink",
    "readlinkat", "getcwd", "exit",
}  # fmt: skip
OPENED = re.compile(r'^open(?:at)?\((?:AT_FDCWD, )?"((?:[^"\\]|\\.)*)", ([A-Z_|]+)')
OWN = tuple(
    str(Path(folder).resolve())
    for folder in (ROOT / "keras_detector", sys.base_prefix, sysconfig.get_path("purelib"))
)


def deeds(trace: str, paths: list[Path], picture: Path) -> dict[int, list[str]]:
    """What the kernel was asked for with each file, but to open it, the picture or Python's own."""
    found: dict[int, list[str]] = {}
    current: int | None = None
    for line in trace.splitlines():
        call = re.sub(r"^(\[pid +)?\d+\]? +", "", line)
        if begun := re.search(r'"/begin/(\d+)"', call):
            current = int(begun[1])
            found.setdefault(current, [])
        elif '"/end"' in call:
            current = None
        elif current is not None and not is_harmless(call, {str(paths[current]), str(picture)}):
            found[current].append(call)
    return found


def is_harmless(call: str, given: set[str]) -> bool:
    name = call.partition("(")[0]
    if name in HARMLESS or call.startswith(("+++", "---", "<...")):
        return True
    if name in ("clone", "clone3"):
        return "CLONE_THREAD" in call
    opened = OPENED.match(call)
    if opened is None or {"O_WRONLY", "O_RDWR", "O_CREAT"} & set(opened[2].split("|")):
        return bool(opened and opened[1] == os.devnull)
    place = opened[1].encode().decode("unicode_escape")
    return place in given | {os.devnull} or os.path.realpath(place).startswith(OWN)


@pytest.fixture(scope="module")
def evil(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return make_all(tmp_path_factory.mktemp("evil"), GOOD)


@pytest.fixture(scope="module")
def picture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("picture") / "picture.png"
    Image.fromarray(draw_picture(np.random.default_rng(0), fake=True)).save(path)
    return path


def test_there_are_thirty_and_more() -> None:
    assert len(EVIL) >= 30
    assert len({each.known_as for each in EVIL.values() if "CVE-20" in each.known_as}) >= 11


@pytest.fixture(scope="module")
def traced(
    evil: dict[str, Path], picture: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[list, dict[int, list[str]]]:
    strace, out = shutil.which("strace"), tmp_path_factory.mktemp("trace") / "calls"
    if strace is None:
        pytest.skip("strace is not installed")
    if subprocess.run([strace, "-qq", "true"], capture_output=True, check=False).returncode:
        pytest.skip("strace may not trace here")
    watch = [strace, "-f", "-qq", "-s", "4096", "-e", "trace=network,process,file", "-o", str(out)]
    done = subprocess.run(
        [*watch, sys.executable, "-c", TRACED, str(GOOD), str(picture), *map(str, evil.values())],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        check=True,
    )
    return json.loads(done.stdout), deeds(out.read_text(), list(evil.values()), picture)


@pytest.mark.parametrize("number", range(len(EVIL)), ids=list(EVIL))
def test_nothing_runs_reads_or_connects(traced: tuple, number: int) -> None:
    results, done = traced
    assert len(done) == len(EVIL)
    assert done[number] == []
    kind = list(EVIL.values())[number].verdicts
    info, predict = results[2 * number : 2 * number + 2]
    assert info[0] == (3 if kind == "refused" else 0)
    assert predict[0] == (0 if kind == "ignored" else 3)
    for code, said, seconds, megabytes in (info, predict):
        assert said.startswith("error: Expected ") or code == 0
        assert "Traceback" not in said
        assert seconds < 1.0
        assert megabytes < 200.0


@pytest.mark.parametrize(
    "call",
    [
        'execve("/bin/sh", ["sh", "-c", "id"], 0x7ffe) = 0',
        "clone(child_stack=NULL, flags=CLONE_CHILD_CLEARTID|SIGCHLD) = 7",
        "vfork() = 7",
        "socket(AF_INET, SOCK_STREAM|SOCK_CLOEXEC, IPPROTO_IP) = 5",
        'connect(5, {sa_family=AF_INET, sin_port=htons(9), sin_addr=inet_addr("127.0.0.1")}, 16)',
        'openat(AT_FDCWD, "/etc/passwd", O_RDONLY|O_CLOEXEC) = 5',
        'openat(AT_FDCWD, "/tmp/pwned", O_WRONLY|O_CREAT|O_TRUNC, 0666) = 5',
        'openat(AT_FDCWD, "/tmp/evil.keras", O_RDWR|O_CLOEXEC) = 5',
        'mkdir("/tmp/pwned", 0777) = 0',
        'unlink("/tmp/x") = 0',
        'rename("/tmp/x", "/tmp/y") = 0',
        'symlink("/etc", "/tmp/y") = 0',
    ],
)
def test_what_must_not_be_would_be_noticed(call: str) -> None:
    path = Path("/tmp/evil.keras")
    trace = f'7 newfstatat(AT_FDCWD, "/begin/0", 0x1, 0) = -1\n7 {call}\n7 stat("/end") = -1\n'
    assert deeds(trace, [path], path) == {0: [call]}


def test_training_refuses_them_before_keras_opens_anything(
    evil: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keras = pytest.importorskip("keras")
    from training.keras_form import check_keras_form
    from training.recipe import load_tuning_recipe
    from training.tune import tune

    monkeypatch.setattr(keras.saving, "load_model", lambda *_, **__: pytest.fail("it was opened"))
    check_keras_form(GOOD)  # what is done once is done by now
    accepted, said = [], []
    for name, path in evil.items():
        began = time.process_time()
        try:
            tune(
                path,
                tmp_path / "nowhere",
                load_tuning_recipe(None, []),
                tmp_path / "out.keras",
                report=tmp_path / "report",
                restart=False,
                announce=print,
                collections={},
            )
        except ModelFileError as error:
            said.append(str(error))
        except Exception:  # noqa: BLE001  # the data are looked for: the model was accepted
            accepted.append(name)
        assert time.process_time() - began < 1.0, name
    assert all(text.isprintable() for text in said)
    # Training never runs a twin: it compiles its own.
    assert accepted == [name for name, each in EVIL.items() if each.verdicts == "unused"]


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=pytest.mark.slow if path.stat().st_size > 50e6 else ())
        for name, path in shipped_models().items()
    ],
)
def test_good_models_may_be_trained_further(name: str) -> None:
    pytest.importorskip("keras")
    from training.keras_form import check_keras_form

    path = shipped_models()[name]
    read_model_file(path)
    check_keras_form(path)
