"""`keras-detector scan`: what it writes, where it goes on, and what it says."""

import csv
import json
import os
import signal
from pathlib import Path

import pytest

from keras_detector.detector import Detector
from keras_detector.rows import COLUMNS
from keras_detector.scan.plan import ScanPlan
from keras_detector.scan.process_pool import Limits
from keras_detector.scan.run import run_scan
from keras_detector.scan.sources import ScanSources
from tests.scans import MODEL, ROOT, Running, draw_files, lines_of, paths_of, scan, wait_until


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    folder = tmp_path / "pictures"
    draw_files(folder, 12)
    (folder / "broken.jpg").write_bytes(b"no picture")
    (folder / "notes.txt").write_text("left alone")
    return folder


def test_every_file_has_the_row_that_predict_gives_it(pictures: Path, tmp_path: Path) -> None:
    out = tmp_path / "verdicts.jsonl"
    done = scan(pictures, "--out", out)
    assert done.returncode == 1
    lines = lines_of(out)
    assert len(lines) == 13
    detector = Detector(MODEL)
    for line in lines:
        assert list(line)[: len(COLUMNS)] == list(COLUMNS)
        if line["path"].endswith("broken.jpg"):
            assert (line["verdict"], line["error_kind"]) == (None, "unknown_format")
            assert "Received: bytes in no format we open." in line["error"]
            continue
        prediction = detector.judge(line["path"])
        assert line["score"] == prediction.score
        assert line["verdict"] == prediction.verdict.value
        status = Path(line["path"]).stat()
        assert (line["size"], line["mtime_ns"]) == (status.st_size, status.st_mtime_ns)
        assert line["error"] is None
    assert "13 files judged, 0 unchanged" in done.stderr
    assert "1 could not be judged: no picture in a format we open." in done.stderr
    assert "notes.txt" in done.stderr


def test_a_second_scan_judges_only_what_is_new_or_changed(pictures: Path, tmp_path: Path) -> None:
    out = tmp_path / "verdicts.jsonl"
    arguments = (pictures, "--out", out)
    scan(*arguments)
    before = lines_of(out)

    done = scan(*arguments)
    assert done.returncode == 1  # one of them is unreadable still
    assert "0 files judged, 13 unchanged" in done.stderr
    assert lines_of(out) == before

    (new,) = draw_files(pictures / "later", 1, seed=1)
    changed = pictures / "0-0003.png"
    changed.write_bytes((pictures / "0-0000.png").read_bytes())
    (pictures / "0-0006.png").unlink()
    done = scan(*arguments)
    assert "2 files judged, 11 unchanged" in done.stderr
    after = {line["path"]: line for line in lines_of(out)}
    assert len(after) == len(lines_of(out)) == 14
    assert after.keys() == {line["path"] for line in before} | {str(new)}
    assert after[str(changed)]["score"] == after[str(pictures / "0-0000.png")]["score"]
    for line in before:
        if line["path"] != str(changed):
            assert after[line["path"]] == line


def test_verify_looks_at_the_content(pictures: Path, tmp_path: Path) -> None:
    out = tmp_path / "verdicts.jsonl"
    arguments = (pictures, "--out", out)
    scan(*arguments)
    touched, forged = pictures / "0-0000.png", pictures / "0-0003.png"
    os.utime(touched, ns=(1, 1))
    status = forged.stat()
    data = bytearray(forged.read_bytes())
    data[-1] ^= 1  # the same size
    forged.write_bytes(data)
    os.utime(forged, ns=(status.st_atime_ns, status.st_mtime_ns))

    assert "1 files judged, 12 unchanged" in scan(*arguments, "--verify").stderr  # forged
    assert "1 files judged, 12 unchanged" in scan(*arguments).stderr  # touched
    assert len(set(paths_of(out))) == len(paths_of(out)) == 13


def test_errors_are_judged_again_when_asked(pictures: Path, tmp_path: Path) -> None:
    out = tmp_path / "verdicts.jsonl"
    arguments = (pictures, "--out", out)
    scan(*arguments)
    done = scan(*arguments, "--json")
    assert "--retry-errors looks at them again" in done.stderr
    assert json.loads(done.stdout) == {
        "found": 13, "judged": 0, "unchanged": 13, "errors": 1, "stopped": False,
    }  # fmt: skip
    done = scan(*arguments, "--retry-errors")
    assert "1 files judged, 12 unchanged" in done.stderr
    assert len(set(paths_of(out))) == len(paths_of(out)) == 13


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_other_formats_say_the_same(suffix: str, pictures: Path, tmp_path: Path) -> None:
    out, page = tmp_path / f"verdicts{suffix}", tmp_path / "report.html"
    arguments = (pictures, "--out", out, "--report", page)
    assert scan(*arguments).returncode == 1
    lines = {line["path"]: line for line in lines_of(Path(f"{out}.jsonl"))}
    assert len(lines) == 13
    if suffix == ".csv":
        with out.open(newline="", encoding="utf-8") as file:
            rows = {row["path"]: row for row in csv.DictReader(file)}
    else:
        pytest.importorskip("pyarrow")
        import pyarrow.parquet as pq

        rows = {row["path"]: row for row in pq.read_table(out).to_pylist()}
    assert rows.keys() == lines.keys()
    for path, row in rows.items():
        assert list(row) == list(COLUMNS)
        if lines[path]["score"] is not None:
            assert float(row["score"]) == lines[path]["score"]
        assert (row["error_kind"] or None) == lines[path]["error_kind"]
    assert page.read_text(encoding="utf-8").count("<figure>") >= 1

    (new,) = draw_files(pictures / "later", 1, seed=1)
    assert "1 files judged, 13 unchanged" in scan(*arguments).stderr
    assert str(new).encode() in out.read_bytes()


def test_what_is_asked_for(pictures: Path, tmp_path: Path) -> None:
    out = tmp_path / "verdicts.jsonl"
    done = scan(
        *(pictures, "--out", out),
        *("--include", "*-000?.PNG", "--include", "broken*", "--skip", "a/a"),
    )
    names = {Path(path).name for path in paths_of(out)}
    assert names == {"broken.jpg", *(f"0-{n:04}.png" for n in (0, 1, 3, 4, 6, 7, 9))}
    assert "not asked for" in done.stderr


@pytest.mark.parametrize("null", [False, True])
def test_a_list_of_paths_from_a_pipe(null: bool, pictures: Path, tmp_path: Path) -> None:
    out = tmp_path / "verdicts.jsonl"
    odd = pictures / ("new\nline.png" if null else "-dash.png")
    odd.write_bytes((pictures / "0-0000.png").read_bytes())
    names = ["./0-0000.png", "a/0-0001.png", "a/a", odd.name, "gone.png", "0-0000.png"]
    text = ("\0" if null else "\r\n").join([*names, ""])
    done = scan(
        *("--files-from", "-", *(["--null"] if null else [])),
        *("--out", out),
        input=text,
        cwd=pictures,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 1
    written = paths_of(out)
    assert len(written) == len(set(written)) == 8
    assert {"0-0000.png", "a/0-0001.png", odd.name, "gone.png"} < set(written)
    assert sum(path.startswith("a/a/") for path in written) == 4
    gone = next(line for line in lines_of(out) if line["path"] == "gone.png")
    assert gone["error_kind"] == "not_found"


def test_rows_come_while_a_list_is_still_written(pictures: Path, tmp_path: Path) -> None:
    out, pipe = tmp_path / "verdicts.jsonl", tmp_path / "list"
    os.mkfifo(pipe)
    running = Running(["--files-from", pipe, "--out", out])
    with pipe.open("w") as file:
        file.write(f"{pictures / '0-0000.png'}\n")
        file.flush()
        wait_until(lambda: out.exists() and out.stat().st_size > 0)
        file.write(f"{pictures / '0-0003.png'}\n")
    running.process.communicate(timeout=60)
    assert len(lines_of(out)) == 2


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_asked_to_stop_it_finishes_what_was_begun_and_the_same_command_goes_on(
    number: signal.Signals, tmp_path: Path
) -> None:
    folder, out, pipe = tmp_path / "pictures", tmp_path / "verdicts.csv", tmp_path / "list"
    paths = draw_files(folder, 40)
    os.mkfifo(pipe)
    arguments = ["--out", out]
    running = Running([*arguments, "--files-from", pipe])
    with pipe.open("w") as file:
        file.writelines(f"{path}\n" for path in paths[:20])
        file.flush()
        journal = Path(f"{out}.jsonl")
        wait_until(lambda: journal.exists() and journal.stat().st_size > 0)
        code, said = running.interrupt(number)
    assert code == 130
    assert all(line["error"] is None for line in lines_of(journal))
    assert "The same command goes on from here." in said
    wait_until(running.is_gone)
    first = paths_of(journal)
    with out.open(newline="", encoding="utf-8") as file:
        assert [row["path"] for row in csv.DictReader(file)] == first
    done = scan(folder, *arguments)
    assert done.returncode == 0
    assert f"{40 - len(first)} files judged, {len(first)} unchanged" in done.stderr
    assert sorted(paths_of(journal)) == sorted(map(str, paths))


def test_asked_to_stop_before_it_begins_it_leaves_everything_as_it_was(tmp_path: Path) -> None:
    folder, out, page = tmp_path / "pictures", tmp_path / "verdicts.csv", tmp_path / "page.html"
    draw_files(folder, 3)
    arguments = (folder, "--out", out, "--report", page)
    scan(*arguments)
    before = {path: path.read_bytes() for path in tmp_path.glob("*.*")}
    assert len(before) == 3
    plan = ScanPlan(ScanSources([folder]), MODEL, out, page, 1, Limits(), overwrite=True)
    counts = run_scan(plan, stopping=lambda: True)
    assert counts.stopped
    assert not counts.begun
    assert {path: path.read_bytes() for path in tmp_path.glob("*.*")} == before


def test_it_says_how_to_go_on_after_overwriting(tmp_path: Path) -> None:
    folder, out, pipe = tmp_path / "pictures", tmp_path / "verdicts.jsonl", tmp_path / "list"
    (path,) = draw_files(folder, 1)
    os.mkfifo(pipe)
    running = Running(["--out", out, "--files-from", pipe, "--overwrite"])
    with pipe.open("w") as file:
        file.write(f"{path}\n")
        file.flush()
        wait_until(lambda: out.exists() and out.stat().st_size > 0)
        _, said = running.interrupt()
    assert "The same command without --overwrite goes on from here." in said


def refused(*arguments: str | Path, code: int = 1) -> str:
    done = scan(*arguments)
    assert done.returncode == code, done.stderr
    return done.stderr


def test_nothing_of_somebody_else_is_overwritten(pictures: Path, tmp_path: Path) -> None:
    mine = {
        tmp_path / "diary.jsonl": b'{"day": 1}\n',
        tmp_path / "predict.jsonl": json.dumps({"path": "a.jpg", "score": 1}).encode() + b"\n",
        tmp_path / "half.jsonl": b"no line break",
        tmp_path / "table.csv": b"a,b\n",
    }
    for path, content in mine.items():
        path.write_bytes(content)
        assert "--overwrite" in refused(pictures, "--out", path)
        assert path.read_bytes() == content
    page = tmp_path / "page.html"
    page.write_bytes(b"<p>mine</p>")
    out = tmp_path / "new.jsonl"
    assert "--overwrite" in refused(pictures, "--out", out, "--report", page)
    assert page.read_bytes() == b"<p>mine</p>"
    assert not out.exists()
    path = tmp_path / "table.csv"
    scan(pictures, "--out", path, "--overwrite", "--report", page)
    assert len(lines_of(Path(f"{path}.jsonl"))) == 13
    assert b"<figure>" in page.read_bytes()


def test_rows_of_another_model_are_not_mixed(pictures: Path, tmp_path: Path) -> None:
    out = tmp_path / "verdicts.jsonl"
    scan(pictures, "--out", out)
    before = out.read_bytes()
    other = MODEL.with_name("cnn32-plus.keras")
    assert "the same model" in refused(pictures, "--out", out, "--model", other)
    assert "strictness" in refused(pictures, "--out", out, "--strictness", "sensitive")
    assert out.read_bytes() == before
    scan(pictures, "--out", out, "--model", other, "--overwrite")
    assert {line["model"] for line in lines_of(out) if line["model"]} == {"cnn32-plus"}
    assert len(lines_of(out)) == 13


def test_calls_that_cannot_be_meant(pictures: Path, tmp_path: Path) -> None:
    out = tmp_path / "verdicts.jsonl"
    assert ".parquet" in refused(pictures, "--out", tmp_path / "verdicts.xlsx", code=2)
    assert "no such file" in refused(tmp_path / "typo", "--out", out, code=2)
    assert "Name what to scan" in refused("--out", out, code=2)
    assert "list of paths" in refused("--files-from", tmp_path / "x", "--out", out, code=2)
    assert (
        "folder" in refused(pictures, "--out", tmp_path / "d.csv")
        if ((tmp_path / "d.csv").mkdir() is None)
        else ""
    )
    assert "--report" in refused(pictures, "--out", out, "--report", out, code=2)
    os.mkfifo(tmp_path / "pipe.html")  # nobody waits for somebody to write into it
    assert "pipe.html" in refused(pictures, "--out", out, "--report", tmp_path / "pipe.html")
    assert "no such file" in refused(
        pictures, "--out", out, "--model", tmp_path / "no.keras", code=3
    )
    (tmp_path / "empty").mkdir()
    assert "No pictures found" in refused(tmp_path / "empty", "--out", out)


def test_a_binary_file_is_no_list(tmp_path: Path) -> None:
    listed = tmp_path / "list"
    listed.write_bytes(b"\0\1" * 100)
    said = refused("--files-from", listed, "--out", tmp_path / "o.jsonl", code=2)
    assert "line 1" in said


def test_two_scans_do_not_write_one_file(pictures: Path, tmp_path: Path) -> None:
    out, pipe = tmp_path / "verdicts.jsonl", tmp_path / "list"
    os.mkfifo(pipe)
    running = Running(["--files-from", pipe, "--out", out])
    with pipe.open("w") as file:
        file.write(f"{pictures / '0-0000.png'}\n")
        file.flush()
        wait_until(lambda: out.exists() and out.stat().st_size > 0)
        said = refused(pictures, "--out", out)
    assert "another scan writes it" in said
    running.process.communicate(timeout=60)
    assert len(lines_of(out)) == 1
