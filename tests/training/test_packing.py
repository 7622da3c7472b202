"""Packing in worker processes: same result, survivors only, nothing left behind when one dies."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from keras_detector.card import InputSpec
from keras_detector.errors import RunError, SaveError
from keras_detector.images import decode, fit
from tests.conftest import draw_picture
from training import decoding
from training.packing import Packed, pack

SPEC = InputSpec(size=16, view="centre", resample="bicubic", enhance=False)
BROKEN = (0, 7, 23)


@pytest.fixture
def paths(tmp_path: Path) -> list[Path]:
    rng = np.random.default_rng(3)
    (tmp_path / "pictures").mkdir()
    paths = [tmp_path / "pictures" / f"{number:02}.png" for number in range(24)]
    for number, path in enumerate(paths):
        Image.fromarray(draw_picture(rng, fake=bool(number % 2))).save(path)
    for number in BROKEN:
        paths[number].write_bytes(paths[number].read_bytes()[:200])
    return paths


@pytest.fixture
def many_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few pictures are enough to be sent to worker processes, five at a time."""
    monkeypatch.setattr(decoding, "_FEW", 0)
    monkeypatch.setattr(decoding, "_MAX_CHUNK", 5)
    monkeypatch.setattr(decoding, "_MAX_WORKERS", 2)


def packed(paths: list[Path], cache: Path) -> Packed:
    return pack(paths, SPEC, cache)


def die(paths: list[Path], spec: InputSpec) -> None:
    """Stands for reading a chunk; takes its process with it, as running out of memory does."""
    os.kill(os.getpid(), signal.SIGKILL)


def test_readable_pictures_are_packed_in_order_and_the_others_are_explained(
    paths: list[Path], tmp_path: Path
) -> None:
    result = packed(paths, tmp_path / "cache")
    assert sorted(result.errors) == list(BROKEN)
    assert all(result.errors.values())
    assert result.kept.tolist() == [n for n in range(24) if n not in BROKEN]
    for row, position in enumerate(result.kept):
        np.testing.assert_array_equal(result.pixels[row], fit(decode(paths[position]), SPEC))


@pytest.mark.usefixtures("many_workers")
def test_worker_processes_give_what_one_process_gives(
    paths: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parallel = packed(paths, tmp_path / "parallel")
    monkeypatch.setattr(decoding, "_FEW", 1000)
    alone = packed(paths, tmp_path / "alone")
    np.testing.assert_array_equal(parallel.pixels, alone.pixels)
    np.testing.assert_array_equal(parallel.hashes, alone.hashes)
    assert (parallel.digests, parallel.errors) == (alone.digests, alone.errors)


@pytest.mark.usefixtures("many_workers")
@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL")
@pytest.mark.parametrize("copies", [1, 20], ids=["few chunks", "many chunks"])
def test_a_worker_that_dies_ends_the_run_with_a_message_and_no_cache(
    copies: int, paths: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decoding, "_pack_chunk", die)
    with pytest.raises(RunError, match="one died near picture"):
        packed(paths * copies, tmp_path / "cache")
    assert list((tmp_path / "cache").iterdir()) == []


@pytest.mark.skipif(sys.platform != "linux", reason="looks processes up in /proc")
def test_workers_and_a_whole_looking_cache_do_not_outlive_a_killed_run(
    paths: list[Path], tmp_path: Path
) -> None:
    script = tmp_path / "run.py"
    script.write_text(SCRIPT.format(paths=[str(path) for path in paths]))
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    run = subprocess.Popen([sys.executable, script, tmp_path], env=environment)
    workers = tmp_path / "workers"
    wait_until(lambda: workers.exists() and len(workers.read_text().split()) >= 1)
    run.kill()
    run.wait()
    pids = [int(pid) for pid in set(workers.read_text().split())]
    wait_until(lambda: not any(alive(pid) for pid in pids))
    assert not list((tmp_path / "cache").glob("*.json"))
    # The next run clears away what the killed one left, and packs everything.
    result = packed(paths, tmp_path / "cache")
    assert len(result.kept) == 24 - len(BROKEN)
    assert not list((tmp_path / "cache").glob(".*"))


def test_a_place_that_cannot_be_written_is_said(paths: list[Path], tmp_path: Path) -> None:
    parent = tmp_path / "closed"
    parent.mkdir()
    (parent / "cache").write_text("a file where the directory should be")
    with pytest.raises(SaveError, match="cache"):
        packed(paths, parent / "cache")


SCRIPT = """
import os, sys, time
from pathlib import Path
from keras_detector.card import InputSpec
from training import decoding, packing

FOLDER = Path(sys.argv[1])

def slow(paths, spec):
    with (FOLDER / "workers").open("a") as file:
        file.write(f"{{os.getpid()}} ")
    time.sleep(600)

if __name__ == "__main__":
    decoding._FEW = 0
    decoding._pack_chunk = slow
    spec = InputSpec(size=16, view="centre", resample="bicubic", enhance=False)
    packing.pack([Path(path) for path in {paths}], spec, FOLDER / "cache")
"""


def wait_until(condition: object, seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < end, "it never came to pass"
        time.sleep(0.1)


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"
