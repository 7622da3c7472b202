"""Rows in Parquet files: what is whole counts, nothing stands twice, others' files stay."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from keras_detector.detector import Prediction
from keras_detector.errors import ErrorKind, ImageError, RunError, SaveError
from keras_detector.file_stamp import FileStamp
from keras_detector.labels import Label, Reason, Verdict
from keras_detector.rows import Row
from keras_detector.scan.line import ScanLine, decode_row, encode_line
from keras_detector.scan.on_ray import parts_journal
from keras_detector.scan.on_ray.parts_journal import PartsJournal

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")


def line(name: str, score: float = 0.75, error: ErrorKind | None = None) -> bytes:
    result: Prediction | ImageError = Prediction(
        Verdict.UNDETERMINED, Label.FAKE, score, 0.5, "m", (Reason.UNCERTAIN,)
    )
    if error is not None:
        result = ImageError(expected="a", received="b", advice="C.", kind=error)
        return encode_line(Row(Path(name), result), None, None, "id")
    return encode_line(Row(Path(name), result), FileStamp(1, 2), "0" * 64, "id")


def write(out: Path, *parts: Sequence[bytes]) -> None:
    with PartsJournal(out, lambda _: False) as journal:
        journal.begin()
        for lines in parts:
            journal.append(list(lines))
            journal.sync()


class Reader:
    """What a scan that goes on finds there."""

    def __init__(self, out: Path, **named: bool) -> None:
        self.found: dict[str, ScanLine] = {}
        with PartsJournal(out, self._note, **named) as journal:
            self.broken = journal.broken
            journal.begin()
            journal.compact()
            self.rows = list(journal.rows())

    def _note(self, line: ScanLine) -> bool:
        known = line.path in self.found
        self.found[line.path] = line
        return known


def parts_of(out: Path) -> list[Path]:
    return sorted(out.iterdir())


LINES = [line(f"{n}.png") for n in range(6)]


def test_lines_come_back_as_they_were(tmp_path: Path) -> None:
    out = tmp_path / "rows.parquet"
    lines = [
        line("a.png", 1 / 3),
        line("b.png", error=ErrorKind.CRASHED),
        line(os.fsdecode(b"\xff\xfe.png")),
        line("new\nline \u202e \N{GRINNING FACE}.png"),
    ]
    write(out, lines[:3], lines[3:])
    read = Reader(out)
    assert list(read.found.values()) == [ScanLine.decode(each) for each in lines]
    assert [row.to_json() for row in read.rows] == [decode_row(each).to_json() for each in lines]
    table = pq.read_table(out)  # as anybody reads the folder
    assert table["path"].to_pylist()[2] == "\\xff\\xfe.png"
    assert table["reasons"].to_pylist() == [["uncertain"], [], ["uncertain"], ["uncertain"]]
    assert len(parts_of(out)) == 2


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: b"",
        lambda data: data[:-1],
        lambda data: data[: len(data) // 2],
        lambda data: bytes(len(data)),
        lambda data: data[:40] + bytes(100) + data[140:],
        lambda data: data[:60] + bytes([data[60] ^ 1]) + data[61:],
        lambda data: b"no parquet",
    ],
    ids=["empty", "end", "half", "zeros", "hole", "bit", "other"],
)
def test_a_part_that_is_not_whole_is_dropped_and_the_others_stand(
    damage: Callable[[bytes], bytes], tmp_path: Path
) -> None:
    out = tmp_path / "rows.parquet"
    write(out, LINES[:2], LINES[2:4], LINES[4:])
    torn = parts_of(out)[1]
    torn.write_bytes(damage(torn.read_bytes()))
    read = Reader(out)
    assert read.broken == 1
    assert list(read.found) == ["0.png", "1.png", "4.png", "5.png"]
    assert not torn.exists()
    write(out, LINES[2:4])
    assert sorted(row.path for row in Reader(out).rows) == [Path(f"{n}.png") for n in range(6)]


def test_the_last_row_of_a_file_counts_and_the_others_go(tmp_path: Path) -> None:
    out = tmp_path / "rows.parquet"
    write(out, LINES[:3], LINES[3:5])
    with PartsJournal(out, lambda _: False) as journal:
        journal.begin()
        journal.append([line("1.png", 0.25), line("3.png", 0.25), line("4.png", 0.25)])
        journal.note_replaced()
        journal.sync()
        journal.compact()
    assert len(parts_of(out)) == 2  # of the second nothing was left
    scores = {row["path"]: row["score"] for row in pq.read_table(out).to_pylist()}
    assert pq.read_table(out).num_rows == len(scores) == 5
    assert scores == {"0.png": 0.75, "1.png": 0.25, "2.png": 0.75, "3.png": 0.25, "4.png": 0.25}


def test_two_rows_that_a_killed_scan_left_become_one(tmp_path: Path) -> None:
    out = tmp_path / "rows.parquet"
    write(out, LINES[:3], [line("1.png", 0.25)])
    read = Reader(out)
    assert [(str(row.path), row.result.score) for row in read.rows] == [  # type: ignore[union-attr]
        ("0.png", 0.75), ("2.png", 0.75), ("1.png", 0.25),
    ]  # fmt: skip


def test_a_folder_that_can_be_opened_by_now_has_no_row(tmp_path: Path) -> None:
    out = tmp_path / "rows.parquet"
    write(out, [LINES[0], line(str(tmp_path), error=ErrorKind.NO_PERMISSION)])
    read = Reader(out)
    assert list(read.found) == ["0.png"]
    assert [row.path for row in read.rows] == [Path("0.png")]


def test_rows_wait_for_company_but_not_for_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, clock = tmp_path / "rows.parquet", [0.0]
    monkeypatch.setattr(parts_journal.time, "monotonic", lambda: clock[0])
    monkeypatch.setattr(parts_journal, "_ROWS", 4)
    with PartsJournal(out, lambda _: False) as journal:
        journal.begin()
        clock[0] = 100.0  # nothing was there to wait
        journal.append(LINES[:2])
        assert parts_of(out) == []
        clock[0] = 111.0
        journal.append(LINES[2:3])
        assert [pq.read_table(part).num_rows for part in parts_of(out)] == [3]
        journal.append(LINES[:4])
        assert [pq.read_table(part).num_rows for part in parts_of(out)] == [3, 4]


def test_what_a_killed_scan_was_writing_is_removed(tmp_path: Path) -> None:
    out = tmp_path / "rows.parquet"
    write(out, LINES[:2])
    left = out / f".{parts_of(out)[0].name}.abc.part"
    left.write_bytes(b"half")
    assert len(Reader(out).rows) == 2
    assert not left.exists()


def test_overwriting_begins_anew_when_it_begins(tmp_path: Path) -> None:
    out = tmp_path / "rows.parquet"
    write(out, LINES[:2])
    with PartsJournal(out, lambda _: False, overwrite=True):
        pass  # the model was refused
    assert pq.read_table(out).num_rows == 2
    read = Reader(out, overwrite=True)
    assert (read.found, read.rows, parts_of(out)) == ({}, [], [])


def test_nothing_of_somebody_else_is_touched(tmp_path: Path) -> None:
    out = tmp_path / "rows.parquet"
    out.write_bytes(b"mine")
    for overwrite in (False, True):
        with pytest.raises(RunError, match="a file"):
            Reader(out, overwrite=overwrite)
    out.unlink()
    out.mkdir()
    (out / "diary.txt").write_text("mine")
    for overwrite in (False, True):
        with pytest.raises(RunError, match=r"diary\.txt"):
            Reader(out, overwrite=overwrite)
    (out / "diary.txt").unlink()
    pq.write_table(pa.table({"day": [1]}), out / "part-000000-01234567.parquet")
    with pytest.raises(RunError, match="something else in part-000000"):
        Reader(out)
    assert len(parts_of(out)) == 1


def test_two_scans_do_not_add_to_one_folder(tmp_path: Path) -> None:
    out = tmp_path / "rows.parquet"
    with (
        PartsJournal(out, lambda _: False),
        pytest.raises(RunError, match="another scan writes it"),
    ):
        Reader(out)
    assert Reader(out).rows == []


def test_a_folder_by_its_url(tmp_path: Path) -> None:
    out = tmp_path / "rows.parquet"
    for lines in (LINES[:2], LINES[2:4]):
        with PartsJournal(f"file://{out}", lambda _: False) as journal:
            journal.begin()
            journal.append(list(lines))
            journal.sync()
    assert len(Reader(out).rows) == 4


def test_a_disk_that_is_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "rows.parquet"
    write(out, LINES[:2])
    journal = PartsJournal(out, lambda _: False)
    journal.begin()
    journal.append(LINES[2:])

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("keras_detector.atomic_file.os.fsync", full)
    with journal, pytest.raises(SaveError, match="No space left"):
        journal.sync()
    monkeypatch.undo()
    assert len(Reader(out).rows) == 2
