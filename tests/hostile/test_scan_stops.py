"""A scan that is killed or starved goes on where it was: nothing twice, nothing missing."""

import csv
import json
import os
import random
import resource
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.scans import (
    Running,
    draw_files,
    environment_of_deadly_pictures,
    lines_of,
    paths_of,
    scan,
    wait_until,
    write_deadly_files,
)


def whole_lines(path: Path) -> list[bytes]:
    """What counts of a file that may end in half a line."""
    data = path.read_bytes() if path.exists() else b""
    return data[: data.rfind(b"\n") + 1].splitlines()


@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    ("kills", "files"), [(3, 1000), pytest.param(50, 12_000, marks=pytest.mark.slow)]
)
def test_kill_9_at_any_moment_costs_at_most_what_was_under_way(
    kills: int, files: int, tmp_path: Path
) -> None:
    folder, out = tmp_path / "pictures", tmp_path / "verdicts.jsonl"
    paths = draw_files(folder, files)
    arguments = (folder, "--out", out, "--workers", "2")
    rng = random.Random(0)
    for _ in range(kills):
        before = whole_lines(out)
        running = Running(arguments)
        wait_until(lambda: len(whole_lines(out)) > len(before))  # noqa: B023
        time.sleep(rng.random() * 0.03)
        running.kill()
        wait_until(running.is_gone)
        # Everything that counted still counts, as it was.
        assert whole_lines(out)[: len(before)] == before
    before = whole_lines(out)
    done = scan(*arguments)
    assert done.returncode == 0, done.stderr
    # What counted is not judged again: of a file at most what no row was written of is.
    assert f"{files - len(before):,} files judged, {len(before):,} unchanged" in done.stderr
    assert whole_lines(out)[: len(before)] == before
    assert sorted(paths_of(out)) == sorted(map(str, paths))


@pytest.mark.slow
def test_kill_9_of_a_scan_that_tidies_up_and_writes_its_table(tmp_path: Path) -> None:
    """Every file had changed, so that at its end each has two lines."""
    folder, out = tmp_path / "pictures", tmp_path / "verdicts.csv"
    paths = draw_files(folder, 2000)
    journal = Path(f"{out}.jsonl")
    arguments = (folder, "--out", out, "--workers", "2")
    scan(*arguments)
    rng = random.Random(1)
    for number in range(12):
        for path in paths:
            os.utime(path, ns=(number, number))
        running = Running(arguments)
        # Somewhere from the last rows on to the end of the process.
        wait_until(lambda: len(whole_lines(journal)) >= 3900 or running.process.poll() is not None)  # noqa: B023
        time.sleep(rng.random() * 0.4)
        running.kill()
        wait_until(running.is_gone)
        assert set(map(str, paths)) == {json.loads(each)["path"] for each in whole_lines(journal)}
        with out.open(newline="", encoding="utf-8") as table:
            assert len(list(csv.DictReader(table))) == 2000
        done = scan(*arguments)
        assert done.returncode == 0, done.stderr
        assert sorted(paths_of(journal)) == sorted(map(str, paths))
    assert {path.name for path in tmp_path.iterdir()} <= {"pictures", out.name, journal.name}


@pytest.mark.slow
def test_fifty_deaths_in_a_thousand_files(tmp_path: Path) -> None:
    folder, out = tmp_path / "pictures", tmp_path / "verdicts.jsonl"
    draw_files(folder, 950)
    for number in range(50):
        (folder / f"deadly {number}.jpg").write_bytes((b"KILL ME!", b"SEGFAULT")[number % 2])
    environment = environment_of_deadly_pictures(tmp_path / "site")
    done = scan(folder, "--out", out, "--workers", "2", env=environment)
    assert done.returncode == 1
    lines = lines_of(out)
    assert len({line["path"] for line in lines}) == len(lines) == 1000
    crashed = {Path(line["path"]).name for line in lines if line["error_kind"] == "crashed"}
    assert crashed == {f"deadly {number}.jpg" for number in range(50)}
    assert sum(line["verdict"] is not None for line in lines) == 950


def test_pictures_that_kill_fill_or_hang_cost_one_row_each(tmp_path: Path) -> None:
    folder, out = tmp_path / "pictures", tmp_path / "verdicts.jsonl"
    good = draw_files(folder, 57)
    deadly = write_deadly_files(folder)
    environment = environment_of_deadly_pictures(tmp_path / "site")
    arguments = (folder, "--out", out, "--workers", "2", "--time-limit", "3")
    done = scan(*arguments, env=environment)
    assert done.returncode == 1
    lines = {Path(line["path"]).name: line for line in lines_of(out)}
    assert len(lines) == len(lines_of(out)) == 62
    for name, kind in deadly.items():
        line = lines[name]
        assert line["error_kind"] == kind
        assert line["verdict"] is None
    assert "SIGKILL" in lines["crashed KILL ME!.jpg"]["error"]
    assert "within 3 seconds" in lines["too_slow HANG ME!.jpg"]["error"]
    assert all(lines[path.name]["error"] is None for path in good)
    # They are not looked at again, and so kill nobody.
    done = scan(*arguments, env=environment)
    assert "0 files judged, 62 unchanged" in done.stderr


def test_processes_do_not_outlive_the_scan(tmp_path: Path) -> None:
    folder, out = tmp_path / "pictures", tmp_path / "verdicts.jsonl"
    draw_files(folder, 2)
    (folder / "hang.jpg").write_bytes(b"HANG ME!")
    environment = environment_of_deadly_pictures(tmp_path / "site")
    running = Running([folder, "--out", out, "--workers", "2"], env=environment)
    wait_until(Path(environment["HANGING"]).exists)
    running.kill()
    wait_until(running.is_gone)


def limit_files(size: int) -> Callable[[], None]:
    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


def test_a_full_disk_while_rows_are_written(tmp_path: Path) -> None:
    folder, out = tmp_path / "pictures", tmp_path / "verdicts.jsonl"
    paths = draw_files(folder, 40)
    done = scan(folder, "--out", out, preexec_fn=limit_files(5000))
    assert done.returncode == 1
    assert "rows to" in done.stderr
    assert "run the same command again" in done.stderr
    assert len(lines_of(out)) < 40
    assert scan(folder, "--out", out).returncode == 0
    assert sorted(paths_of(out)) == sorted(map(str, paths))


def test_a_full_disk_while_the_table_or_the_page_is_written(tmp_path: Path) -> None:
    folder, out, page = tmp_path / "pictures", tmp_path / "verdicts.csv", tmp_path / "page.html"
    draw_files(folder, 60)
    arguments = (folder, "--out", out, "--report", page)
    scan(*arguments)
    before = out.read_bytes(), page.read_bytes()
    for limit in (5000, len(before[0]) + 100):
        done = scan(*arguments, preexec_fn=limit_files(limit))
        assert done.returncode == 1
        assert "unharmed" in done.stderr
        assert (out.read_bytes(), page.read_bytes()) == before
    assert {path.name for path in tmp_path.iterdir()} == {
        "pictures", "verdicts.csv", "verdicts.csv.jsonl", "page.html",
    }  # fmt: skip
    assert scan(*arguments).returncode == 0
