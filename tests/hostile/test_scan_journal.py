"""Rows on the disk: whole or not at all, whatever happens to the disk or the power."""

import errno
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from keras_detector.detector import Prediction
from keras_detector.errors import ErrorKind, ImageError, RunError, SaveError
from keras_detector.file_stamp import FileStamp
from keras_detector.labels import Label, Verdict
from keras_detector.rows import Row
from keras_detector.scan.journal import ScanJournal
from keras_detector.scan.line import ScanLine, encode_line


def line(name: str, score: float = 0.75, error: ErrorKind | None = None) -> bytes:
    result: Prediction | ImageError = Prediction(
        verdict=Verdict.FAKE, label=Label.FAKE, score=score, threshold=0.5, model="m", reasons=()
    )
    if error is not None:
        result = ImageError(expected="a", received="b", advice="C.", kind=error)
    return encode_line(Row(Path(name), result), FileStamp(1, 2), "0" * 64, "id")


LINES = [line(f"{number}.png") for number in range(8)]


def open_journal(path: Path, **named: Any) -> tuple[ScanJournal, list[str]]:
    found: dict[str, ScanLine] = {}
    journal = ScanJournal(path, lambda line: found.setdefault(line.path, line) is not line, **named)
    return journal, list(found)


LENGTH = len(LINES[0])


@pytest.mark.parametrize(
    ("damage", "whole", "broken"),
    [
        (lambda data: data, 8, 0),
        (lambda data: data[:-1], 7, 1),
        (lambda data: data[:-100], 7, 1),
        (lambda data: data + b'{"path": "x', 8, 1),
        (lambda data: data + bytes(5000), 8, 1),
        (lambda data: data[: -LENGTH - 9] + bytes(9) + data[-LENGTH:], 6, 1),
        (lambda data: data[: LENGTH // 2], 0, 1),
        (lambda data: bytes(100), 0, 1),
        (lambda data: bytes(LENGTH) + data[LENGTH:], 6, 1),
        (lambda data: b"", 0, 0),
        (lambda data: b'{"pa', 0, 1),
    ],
    ids=[
        "none", "end", "half", "begun", "zeros", "hole", "first half", "only zeros", "first zeros",
        "empty", "first bytes",
    ],
)  # fmt: skip
def test_only_whole_rows_count_after_a_power_cut(
    damage: Callable[[bytes], bytes], whole: int, broken: int, tmp_path: Path
) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_bytes(damage(b"".join(LINES)))
    journal, found = open_journal(path)
    assert len(found) == whole
    assert journal.broken == broken
    with journal:
        journal.begin()
        journal.append([each for n, each in enumerate(LINES) if f"{n}.png" not in found])
        journal.compact()
    assert sorted(path.read_bytes().splitlines(keepends=True)) == LINES


def test_two_lines_that_a_killed_scan_left_become_one(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    again = line("1.png", 0.25)
    path.write_bytes(b"".join([*LINES[:3], again]))
    known: set[str] = set()

    def found(line: ScanLine) -> bool:
        was_known = line.path in known
        known.add(line.path)
        return was_known

    with ScanJournal(path, found) as journal:
        journal.begin()
        journal.compact()
    assert path.read_bytes() == b"".join([LINES[0], LINES[2], again])


def test_a_file_judged_again_keeps_its_last_row(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    newer = line("3.png", 0.25)
    journal, _ = open_journal(path)
    with journal:
        journal.begin()
        journal.append(LINES)
        journal.append([newer])
        journal.note_replaced()
        journal.compact()
        assert path.read_bytes() == b"".join([*LINES[:3], *LINES[4:], newer])
        scores = {str(row.path): row.result.score for row in journal.rows()}  # type: ignore[union-attr]
    assert scores["3.png"] == 0.25
    assert len(scores) == 8


def test_a_folder_that_can_be_opened_again_has_no_row(tmp_path: Path) -> None:
    path, folder = tmp_path / "rows.jsonl", tmp_path / "folder"
    folder.mkdir()
    closed = line(str(folder), error=ErrorKind.NO_PERMISSION)
    path.write_bytes(LINES[0] + closed + LINES[1])
    journal, found = open_journal(path)
    assert found == ["0.png", "1.png"]
    with journal:
        journal.compact()
    assert path.read_bytes() == LINES[0] + LINES[1]


@pytest.mark.parametrize(
    "content",
    [b"mine", b"{}\n", b'{"path": "a"}\n', b"[1]\n", b"\n", b'{"path": "' + b"[" * 9999 + b"\n"],
)
def test_a_file_of_somebody_else_is_refused_and_left_alone(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_bytes(content)
    with pytest.raises(RunError, match="--overwrite"):
        open_journal(path)
    assert path.read_bytes() == content
    journal, found = open_journal(path, overwrite=True)
    assert not found
    assert path.read_bytes() == content  # until it is known that the scan can run
    with journal:
        journal.begin()
        assert path.read_bytes() == b""


def test_no_pipe_is_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    os.mkfifo(path)
    with pytest.raises(RunError, match="regular file"):
        open_journal(path)


def test_a_link_leads_to_the_file_that_is_written(tmp_path: Path) -> None:
    path, link = tmp_path / "rows.jsonl", tmp_path / "link.jsonl"
    link.symlink_to(path)
    journal, _ = open_journal(link)
    with journal:
        journal.append([LINES[0], line("0.png", 0.25)])
        journal.note_replaced()
        journal.compact()
    assert link.is_symlink()
    assert path.read_bytes() == line("0.png", 0.25)


class FullDisk:
    """A file on a disk with room for a few more bytes."""

    def __init__(self, file: Any, room: int) -> None:
        self._file, self._room = file, room

    def write(self, data: memoryview) -> int:
        if not self._room:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        written = self._file.write(data[: self._room])
        self._room -= written
        return int(written)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


def test_rows_are_written_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    with ScanJournal(path, lambda _: False) as journal:
        journal.begin()
        journal.append([b"first\n"])
        file = journal._file
        journal._file = FullDisk(file, 7)  # type: ignore[assignment]
        with pytest.raises(SaveError, match="No space left"):
            journal.append([b"second\n", b"third\n"])
        assert path.read_bytes() == b"first\n"
        journal._file = file
        journal.append([b"second\n", b"third\n"])
    assert path.read_bytes() == b"first\nsecond\nthird\n"


def test_after_tidying_up_it_is_still_locked_as_private_as_before_and_goes_on(
    tmp_path: Path,
) -> None:
    path = tmp_path / "rows.jsonl"
    left = tmp_path / ".rows.jsonl.abcdefgh.part"  # of a scan that was killed while it did so
    others = tmp_path / ".rows.jsonl.old.abcdefgh.part"
    journal, _ = open_journal(path)
    path.chmod(0o600)
    left.touch()
    others.touch()
    with journal:
        journal.begin()
        journal.append([LINES[0], line("0.png", 0.25)])
        journal.note_replaced()
        journal.compact()
        with pytest.raises(RunError, match="another scan"):
            open_journal(path)
        journal.append([LINES[1]])
    assert path.read_bytes() == line("0.png", 0.25) + LINES[1]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert not left.exists()
    assert others.exists()
