"""A disk that fills up at twenty places of a file: what was there stands, and it goes on."""

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest

from keras_detector.card import Card
from keras_detector.detector import Prediction
from keras_detector.errors import SaveError
from keras_detector.file_stamp import FileStamp
from keras_detector.labels import Label, Verdict
from keras_detector.model_file import read_model_file, write_detector_file, write_model_file
from keras_detector.report.csv_table import write_csv
from keras_detector.report.html_page import write_html
from keras_detector.report.parquet_table import write_parquet
from keras_detector.rows import Row
from keras_detector.scan.journal import ScanJournal
from keras_detector.scan.line import ScanLine, encode_line
from tests.model_files import HDF5, TWIN, keras_archive
from tests.scans import draw_files, lines_of, paths_of, scan

resource = pytest.importorskip("resource", reason="limits of POSIX")

OFFSETS = range(20)


@contextmanager
def room_for(size: int) -> Iterator[None]:
    """No file can grow beyond `size` bytes: a write is cut short there, as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def row(number: int) -> Row:
    prediction = Prediction(Verdict.FAKE, Label.FAKE, number / 1000, 0.5, "m", ())
    return Row(Path(f"{number:04}.png"), prediction)


ROWS = [row(number) for number in range(400)]
LINES = [
    encode_line(each, FileStamp(1, number), f"{number:064}", "id")
    for number, each in enumerate(ROWS)
]


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def write_page(path: Path, rows: list[Row]) -> None:
    write_html(path, rows, lambda paths: [bytes(20_000) for _ in paths])


REPORTS: dict[str, Callable[[Path, list[Row]], None]] = {
    "rows.csv": write_csv,
    "page.html": write_page,
    "rows.parquet": write_parquet,
}


@pytest.fixture(scope="module")
def sizes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, int]:
    """How large each report is when it is whole."""
    folder = tmp_path_factory.mktemp("whole")
    for name, write in REPORTS.items():
        write(folder / name, ROWS)
    return {name: (folder / name).stat().st_size for name in REPORTS}


@pytest.mark.parametrize("offset", OFFSETS)
@pytest.mark.parametrize("name", REPORTS)
def test_reports(name: str, offset: int, tmp_path: Path, sizes: dict[str, int]) -> None:
    if name.endswith(".parquet"):
        pytest.importorskip("pyarrow")
    write, path = REPORTS[name], tmp_path / name
    write(path, ROWS[:3])
    before = contents(tmp_path)
    with room_for(sizes[name] * offset // 20), pytest.raises(SaveError, match="unharmed") as caught:
        write(path, ROWS)
    assert "File too large" in caught.value.received
    assert contents(tmp_path) == before
    write(path, ROWS)
    assert path.stat().st_size == sizes[name]


def write_whole(path: Path, card: Card, twin: bytes) -> None:
    archive = keras_archive(weights=HDF5 + bytes(30_000))
    write_model_file(path, keras_archive=archive, twin=twin, card=card)


def write_pair(path: Path, card: Card, twin: bytes) -> None:
    beside = msgspec.structs.replace(card.twin, place="beside")
    write_whole(path, msgspec.structs.replace(card, twin=beside), twin)


MODELS: dict[str, Callable[[Path, Card, bytes], None]] = {
    "model.keras": write_whole,
    "pair.keras": write_pair,
}


@pytest.mark.parametrize("offset", OFFSETS)
@pytest.mark.parametrize("name", MODELS)
def test_models(name: str, offset: int, tmp_path: Path, card: Card) -> None:
    path, write = tmp_path / name, MODELS[name]
    write(path, card, TWIN)
    before = contents(tmp_path)
    twin = TWIN + bytes(60_000)
    # What fits is the larger of the two files where there are two.
    whole = 60_000 if name == "pair.keras" else 95_000
    with room_for(whole * offset // 20), pytest.raises(SaveError, match="unharmed") as caught:
        write(path, card, twin)
    assert "File too large" in caught.value.received
    assert contents(tmp_path) == before
    assert read_model_file(path).twin == TWIN
    write(path, card, twin)
    assert read_model_file(path).twin == twin


@pytest.mark.parametrize("offset", OFFSETS)
def test_a_model_without_its_keras_form(offset: int, tmp_path: Path, card: Card) -> None:
    write_whole(tmp_path / "a.keras", card, TWIN)
    write_whole(tmp_path / "b.keras", card, TWIN + bytes(60_000))
    path = tmp_path / "lean.detector"
    write_detector_file(path, read_model_file(tmp_path / "a.keras"))
    before = contents(tmp_path)
    larger = read_model_file(tmp_path / "b.keras")
    with room_for(60_000 * offset // 20), pytest.raises(SaveError, match="unharmed"):
        write_detector_file(path, larger)
    assert contents(tmp_path) == before
    write_detector_file(path, larger)
    assert read_model_file(path, weights=False).twin == larger.twin


@pytest.mark.parametrize("offset", OFFSETS)
def test_rows(offset: int, tmp_path: Path) -> None:
    """Written some at a time, as a scan does; the next one goes on where it was."""
    path = tmp_path / "rows.jsonl"
    whole = sum(map(len, LINES))
    written, said = 0, ""
    with ScanJournal(path, lambda _: False) as journal:
        journal.begin()
        limit = whole * offset // 20 + offset  # at no line's end
        with room_for(limit):
            while written < len(LINES):
                try:
                    journal.append(LINES[written : written + 16])
                except SaveError as error:
                    said = str(error)
                    break
                written += 16
    assert "run the same command again" in said
    assert path.read_bytes() == b"".join(LINES[:written])
    assert limit - 16 * len(LINES[0]) <= path.stat().st_size <= limit
    found: list[str] = []

    def note(line: ScanLine) -> bool:
        found.append(line.path)
        return False

    with ScanJournal(path, note) as journal:
        assert journal.broken == 0
        assert found == [str(each.path) for each in ROWS[:written]]
        journal.begin()
        journal.append(LINES[written:])
    assert path.read_bytes() == b"".join(LINES)


@pytest.mark.parametrize("offset", OFFSETS)
def test_rows_that_are_tidied(offset: int, tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    with ScanJournal(path, lambda _: False) as journal:
        journal.begin()
        journal.append(LINES + LINES[:7])
        journal.note_replaced()
        before = path.read_bytes()
        with room_for(sum(map(len, LINES)) * offset // 20), pytest.raises(SaveError):
            journal.compact()
        assert contents(tmp_path) == {path.name: before}
        journal.compact()
    assert path.read_bytes() == b"".join(LINES[7:] + LINES[:7])


# --- a real file system, really full


@contextmanager
def disk_of(folder: Path, size: int) -> Iterator[Path]:
    """A file system of so many bytes, in whole pages; only root may make one."""
    folder.mkdir()
    mount = shutil.which("mount")
    command = [str(mount), "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
    if mount is None or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("cannot mount a small file system here")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


PAGE = 4096
SCAN_SIZES = range(1, 21)


@pytest.mark.parametrize(
    "pages",
    [pytest.param(n, marks=() if n in (1, 5, 9) else pytest.mark.slow) for n in SCAN_SIZES],
)
def test_a_scan_into_a_disk_with_room_for_some_pages(pages: int, tmp_path: Path) -> None:
    """Rows, the table and the page: what fits is whole, and the same command finishes the rest."""
    paths = draw_files(tmp_path / "pictures", 60)
    with disk_of(tmp_path / "disk", pages * PAGE) as disk:
        out, page = disk / "rows.csv", disk / "page.html"
        done = scan(tmp_path / "pictures", "--out", out, "--report", page)
        assert done.returncode == 1
        assert "No space left on device" in done.stderr
        assert "unharmed" in done.stderr
        journal = disk / "rows.csv.jsonl"
        rows = lines_of(journal) if journal.exists() else []
        assert len(rows) <= len(paths)
        # What is there is whole, and nothing else is.
        assert {path.name for path in disk.iterdir()} <= {
            "rows.csv", "rows.csv.jsonl", "page.html",
        }  # fmt: skip
        if out.exists():
            assert len(out.read_bytes().splitlines()) == len(paths) + 1
        subprocess.run(["mount", "-o", "remount,size=4m", str(disk)], check=True)
        done = scan(tmp_path / "pictures", "--out", out, "--report", page)
        assert done.returncode == 0, done.stderr
        assert f"{len(rows)} unchanged" in done.stderr
        assert sorted(paths_of(journal)) == sorted(os.fspath(path) for path in paths)
