"""`keras-detector scan --engine ray`: the same rows, in Parquet files."""

import json
import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from keras_detector.detector import Detector
from keras_detector.rows import COLUMNS
from keras_detector.scan.engine import Found, Journal, LocalEngine
from keras_detector.scan.plan import ScanCounts, ScanPlan
from keras_detector.scan.process_pool import Limits
from keras_detector.scan.run import run_scan
from keras_detector.scan.sources import ScanSources
from tests.scans import (
    MODEL,
    ROOT,
    Done,
    Running,
    draw_files,
    environment_of_deadly_pictures,
    scan,
    wait_until,
    write_deadly_files,
)

pq = pytest.importorskip("pyarrow.parquet")
ray = pytest.importorskip("ray")

from keras_detector.scan.on_ray.parts_journal import PartsJournal  # noqa: E402
from keras_detector.scan.on_ray.worker import Counter  # noqa: E402


def rows_of(out: Path) -> dict[str, dict[str, Any]]:
    """The rows by their paths; fails if one has two."""
    table = pq.read_table(out)
    rows = {row["path"]: row for row in table.to_pylist()}
    assert len(rows) == table.num_rows
    return rows


class PartsOnCores(LocalEngine):
    """All of it but the cluster."""

    def check(self, plan: ScanPlan) -> None:
        pass

    def open_journal(self, plan: ScanPlan, found: Found) -> PartsJournal:  # type: ignore[override]
        return PartsJournal(plan.out, found)

    def write_outputs(self, journal: Journal, plan: ScanPlan) -> None:
        pass


def scan_into_parts(folder: Path, out: Path, stop_after: int = 10**9) -> ScanCounts:
    told: list[ScanCounts] = []
    sources = ScanSources([folder], remote=True)
    plan = ScanPlan(sources, MODEL, out, report=None, workers=1, limits=Limits())
    return run_scan(
        plan, told.append, lambda: bool(told) and told[-1].judged >= stop_after, PartsOnCores()
    )


def test_a_scan_into_parts_goes_on_where_it_was_stopped(tmp_path: Path) -> None:
    folder, out = tmp_path / "pictures", tmp_path / "rows.parquet"
    paths = draw_files(folder, 400)
    (folder / "broken.jpg").write_bytes(b"no picture")
    first = scan_into_parts(folder, out, stop_after=1)
    assert first.stopped
    assert 0 < first.judged < 401
    assert len(rows_of(out)) == first.judged
    second = scan_into_parts(folder, out)
    assert (second.stopped, second.judged, second.unchanged) == (
        False, 401 - first.judged, first.judged,
    )  # fmt: skip
    before = rows_of(out)
    assert before.keys() == {*map(str, paths), str(folder / "broken.jpg")}

    paths[3].write_bytes(paths[0].read_bytes())
    torn = max(out.iterdir())
    lost = pq.read_table(torn).num_rows
    torn.write_bytes(torn.read_bytes()[:-9])
    third = scan_into_parts(folder, out)
    assert (third.broken, third.done, third.found) == (1, 401, 401)
    changed = before[str(paths[3])] not in pq.read_table(out).to_pylist()
    assert changed
    assert third.judged in {lost, lost + 1}  # the changed one was in the torn part or was not
    after = rows_of(out)
    assert after.keys() == before.keys()
    assert after[str(paths[3])]["score"] == after[str(paths[0])]["score"]
    assert scan_into_parts(folder, out).judged == 0


def test_pieces_are_handed_out_again_until_they_are_done() -> None:
    import asyncio

    async def play() -> None:
        counter = Counter()
        waiting = asyncio.ensure_future(counter.get(1))
        await counter.put([b"zero"], [])
        await asyncio.sleep(0)
        assert not waiting.done()
        await counter.put([b"one", b"two"], [])
        assert await waiting == b"one"
        assert [await counter.get(n) for n in (0, 1, 2, 0)] == [b"zero", b"one", b"two", b"zero"]
        await counter.put([], [0])
        # The same numbers still follow each other, as Ray expects of what it repeats.
        assert [await counter.get(n) for n in (0, 1)] == [b"", b"one"]
        last = asyncio.ensure_future(counter.get(3))
        await counter.end()
        assert await last is None
        assert await counter.get(2) == b"two"

    asyncio.run(play())


def refused(*arguments: str | Path, code: int) -> str:
    done = scan(*arguments)
    assert done.returncode == code, done.stderr
    return done.stderr


def test_calls_that_cannot_be_meant(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, out, lines = tmp_path / "p", tmp_path / "rows.parquet", tmp_path / "rows.jsonl"
    draw_files(folder, 1)
    with_ray = ("--engine", "ray", "--out")
    assert ".parquet" in refused(folder, *with_ray, lines, code=2)
    assert "ray://" in refused(folder, *with_ray, out, "--ray-address", "ray://h:1", code=2)
    assert "outside" in refused(folder, *with_ray, out, "--report", out / "page.html", code=2)
    assert "--engine ray" in refused(folder, "--out", lines, "--ray-address", "auto", code=2)
    assert "--engine ray" in refused(folder, "--out", "s3://bucket/rows.parquet", code=2)
    assert "--engine ray" in refused("s3://bucket/photos", "--out", lines, code=2)
    (tmp_path / "file.parquet").write_bytes(b"mine")
    assert "a file" in refused(folder, *with_ray, tmp_path / "file.parquet", code=1)
    gone = f"file://{tmp_path}/gone"
    assert "nothing of that name" in refused(gone, *with_ray, out, code=2)
    monkeypatch.setitem(sys.modules, "ray.data", None)
    assert "keras-detector[ray]" in refused(folder, *with_ray, out, code=2)
    assert not out.exists()
    assert not lines.exists()


def test_a_cluster_of_this_machine_gives_the_rows_that_predict_gives(tmp_path: Path) -> None:
    here, there, out = tmp_path / "here", tmp_path / "there", tmp_path / "rows.parquet"
    paths = draw_files(here, 5)
    urls = [f"file://{path}" for path in draw_files(there, 5, seed=1)]
    (there / "broken.jpg").write_bytes(b"no picture")
    page = tmp_path / "page.html"
    done = scan(
        *(os.path.relpath(here, ROOT), f"file://{there}", "--engine", "ray", "--out", out),
        *("--report", page),
        env={**os.environ},
    )
    assert done.returncode == 1
    rows = rows_of(out)
    broken = rows.pop(f"file://{there}/broken.jpg")
    assert (broken["verdict"], broken["error_kind"]) == (None, "unknown_format")
    assert rows.keys() == {*map(str, paths), *urls}
    detector = Detector(MODEL)
    for path, row in rows.items():
        file = Path(path.removeprefix("file://"))
        assert list(row)[: len(COLUMNS)] == list(COLUMNS)
        assert row["score"] == detector.judge(file).score
        assert (row["size"], row["mtime_ns"]) == (file.stat().st_size, file.stat().st_mtime_ns)
    # Nothing but what a scan says, and pictures from URLs in the page too.
    said = [line for line in done.stderr.splitlines() if " a second, " not in line]
    assert said == [
        "11 files judged, 0 unchanged since they were.",
        "1 could not be judged: no picture in a format we open.",
        f"Written: {out}",
    ]
    content = page.read_text(encoding="utf-8")
    assert "file://" in content
    assert content.count("<figure>") == content.count("<img")


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A cluster that was there before, of two cores."""
    from ray.cluster_utils import Cluster

    cluster = Cluster(
        initialize_head=True, head_node_args={"num_cpus": 2, "include_dashboard": False}
    )
    yield cluster.address
    cluster.shutdown()


def scan_there(address: str, *arguments: str | Path, **environment: str) -> Done:
    return scan(
        *(*arguments, "--engine", "ray", "--ray-address", address, "--workers", "2"),
        env={**os.environ, **environment},
    )


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_second_scan_judges_only_what_is_new_or_changed(address: str, tmp_path: Path) -> None:
    folder, out = tmp_path / "pictures", tmp_path / "rows.parquet"
    draw_files(folder, 20)
    arguments = (folder, f"file://{folder}/a", "--out", f"file://{out}", "--json")
    done = scan_there(address, *arguments)
    # The pictures in a/ have two names here, and so two rows.
    counts = {"found": 33, "judged": 33, "unchanged": 0, "errors": 0, "stopped": False}
    assert json.loads(done.stdout) == counts
    before = rows_of(out)
    (new,) = draw_files(folder / "later", 1, seed=1)
    changed = folder / "0-0003.png"
    changed.write_bytes((folder / "0-0000.png").read_bytes())
    (folder / "0-0006.png").unlink()
    done = scan_there(address, *arguments)
    counts = {"found": 33, "judged": 2, "unchanged": 31, "errors": 0, "stopped": False}
    assert json.loads(done.stdout) == counts
    after = rows_of(out)
    assert after.keys() == before.keys() | {str(new)}
    assert after[str(changed)]["score"] == after[str(folder / "0-0000.png")]["score"]
    assert all(after[path] == row for path, row in before.items() if path != str(changed))

    done = scan_there(address, *arguments)
    counts = {"found": 33, "judged": 0, "unchanged": 33, "errors": 0, "stopped": False}
    assert json.loads(done.stdout) == counts
    assert [line for line in done.stderr.splitlines() if " a second, " not in line] == [
        "0 files judged, 33 unchanged since they were.",
        f"Written: file://{out}",
    ]

    refusal = scan_there(address, *arguments, "--strictness", "sensitive")
    assert refusal.returncode == 1
    assert "rows of another" in refusal.stderr


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_pictures_that_kill_fill_or_hang_cost_one_row_each(tmp_path: Path) -> None:
    folder, out = tmp_path / "pictures", tmp_path / "rows.parquet"
    good = draw_files(folder, 57)
    deadly = write_deadly_files(folder)
    environment = environment_of_deadly_pictures(tmp_path / "site")
    done = scan(
        *(folder, "--out", out, "--engine", "ray", "--workers", "2", "--time-limit", "3"),
        env=environment,
    )
    assert done.returncode == 1
    rows = {Path(path).name: row for path, row in rows_of(out).items()}
    assert len(rows) == 62
    for name, kind in deadly.items():
        assert rows[name]["error_kind"] == kind
    assert all(rows[path.name]["error"] is None for path in good)


def processes_of(mark: str) -> dict[int, str]:
    """Everything that runs with an environment of ours, the cluster's processes among them."""
    found = {}
    for folder in Path("/proc").iterdir():
        try:
            if folder.name.isdigit() and mark.encode() in (folder / "environ").read_bytes():
                found[int(folder.name)] = (folder / "cmdline").read_bytes().decode()
        except OSError:
            continue
    return found


def running_scan(tmp_path: Path, *arguments: str | Path) -> tuple[Running, str]:
    """A scan on a cluster of its own, and by what its processes are known."""
    mark = f"SCAN_UNDER_TEST={tmp_path}"
    environment = {**os.environ, "SCAN_UNDER_TEST": str(tmp_path)}
    return Running([*arguments, "--engine", "ray", "--workers", "2"], env=environment), mark


def parts_of(out: Path) -> list[Path]:
    return sorted(out.glob("*.parquet"))


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks for processes as Linux shows them")
def test_kill_9_costs_at_most_what_was_under_way(tmp_path: Path) -> None:
    folder, out = tmp_path / "pictures", tmp_path / "rows.parquet"
    paths = draw_files(folder, 3000)
    running, mark = running_scan(tmp_path, folder, "--out", out)
    wait_until(lambda: bool(parts_of(out)) or running.process.poll() is not None, 400)
    assert running.process.poll() is None, running.process.communicate()
    running.kill()
    wait_until(lambda: not processes_of(mark), 90)
    before = rows_of(out)
    assert before
    done = scan(folder, "--out", out, "--engine", "ray", "--workers", "2", env={**os.environ})
    assert f"{3000 - len(before):,} files judged, {len(before):,} unchanged" in done.stderr
    after = rows_of(out)
    assert after.keys() == set(map(str, paths))
    assert all(after[path] == row for path, row in before.items())


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks for processes as Linux shows them")
def test_lost_actors_are_replaced_and_ctrl_c_stops(tmp_path: Path) -> None:
    folder, out, pipe = tmp_path / "pictures", tmp_path / "rows.parquet", tmp_path / "list"
    paths = draw_files(folder, 600)
    os.mkfifo(pipe)
    running, mark = running_scan(tmp_path, "--files-from", pipe, "--out", out)

    def actors() -> list[int]:
        return [pid for pid, name in processes_of(mark).items() if "MapWorker" in name]

    with pipe.open("w") as listed:
        listed.write(f"{paths[0]}\n")  # actors are started for the first
        listed.flush()
        wait_until(lambda: len(actors()) == 2 or running.process.poll() is not None, 400)
        assert running.process.poll() is None, running.process.communicate()
        listed.writelines(f"{path}\n" for path in paths[1:300])
        listed.flush()
        time.sleep(1)
        for pid in actors():
            os.kill(pid, signal.SIGKILL)
        listed.writelines(f"{path}\n" for path in paths[300:500])
        listed.flush()
        time.sleep(5)
        code, said = running.interrupt()
    assert code == 130, said
    assert "The same command goes on from here." in said
    assert "Traceback" not in said
    wait_until(lambda: not processes_of(mark), 90)
    first = rows_of(out) if out.exists() and parts_of(out) else {}
    done = scan(folder, "--out", out, "--engine", "ray", "--workers", "2", env={**os.environ})
    assert done.returncode == 0
    assert f"{600 - len(first)} files judged, {len(first)} unchanged" in done.stderr
    assert rows_of(out).keys() == set(map(str, paths))


def test_a_cluster_that_is_not_there(tmp_path: Path) -> None:
    draw_files(tmp_path / "p", 1)
    out = tmp_path / "rows.parquet"
    done = scan(tmp_path / "p", "--engine", "ray", "--ray-address", "127.0.0.1:1", "--out", out)
    assert done.returncode == 1
    assert "Expected a Ray cluster" in done.stderr
