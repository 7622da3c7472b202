"""Every file once, and none that is as it was."""

import os
from pathlib import Path

import pytest

from keras_detector.file_stamp import stamp_of
from keras_detector.scan.line import ScanLine
from keras_detector.scan.worklist import ScanWorklist


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    paths = [tmp_path / f"{number}.png" for number in range(5)]
    for path in paths:
        path.write_bytes(b"picture")
    return [str(path) for path in paths]


def judged(path: str, error: str | None = None, sha256: str | None = "0" * 64) -> ScanLine:
    size, mtime_ns = stamp_of(path) or (None, None)
    return ScanLine(path, size, mtime_ns, None if error else sha256, "id", error)


def offer(worklist: ScanWorklist, path: str) -> None:
    worklist.offer(path, stamp_of(path))


def taken(worklist: ScanWorklist) -> list[str]:
    return [task.path for task in worklist.take(100)]


def test_each_file_is_given_once_in_the_order_it_was_found(files: list[str]) -> None:
    worklist = ScanWorklist()
    for path in [*files, *files]:
        offer(worklist, path)
    assert [task.path for task in worklist.take(2)] == files[:2]
    offer(worklist, files[0])
    assert taken(worklist) == files[2:]
    assert taken(worklist) == []
    assert (worklist.found, worklist.unchanged) == (5, 0)


def test_what_was_judged_is_given_only_if_it_changed(files: list[str]) -> None:
    worklist = ScanWorklist()
    for path in files[:4]:
        worklist.add_judged(judged(path, "damaged" if path == files[1] else None))
    Path(files[2]).write_bytes(b"longer than before")
    os.utime(files[3], ns=(5, 5))
    for path in files:
        offer(worklist, path)
    tasks = worklist.take(100)
    assert [(task.path, task.replaces, task.known_sha256) for task in tasks] == [
        (files[2], True, None),
        (files[3], True, None),
        (files[4], False, None),
    ]
    assert tasks[0].stamp == stamp_of(files[2])
    assert (worklist.found, worklist.unchanged, worklist.unchanged_errors) == (5, 2, 1)


def test_a_file_that_is_still_not_there_is_not_looked_for_again(tmp_path: Path) -> None:
    worklist = ScanWorklist()
    path = str(tmp_path / "gone.png")
    worklist.add_judged(judged(path, "not_found"))
    offer(worklist, path)
    assert taken(worklist) == []
    assert worklist.unchanged_errors == 1


def test_the_last_of_several_lines_counts(files: list[str]) -> None:
    worklist = ScanWorklist()
    worklist.add_judged(ScanLine(files[0], 1, 1, None, "id", "damaged"))
    worklist.add_judged(judged(files[0]))
    offer(worklist, files[0])
    assert (taken(worklist), worklist.unchanged, worklist.unchanged_errors) == ([], 1, 0)


def test_errors_are_given_again_when_asked(files: list[str]) -> None:
    worklist = ScanWorklist(retry_errors=True)
    worklist.add_judged(judged(files[0], "crashed"))
    worklist.add_judged(judged(files[1]))
    for path in files[:2]:
        offer(worklist, path)
    assert taken(worklist) == [files[0]]


def test_content_decides_where_it_is_known(files: list[str]) -> None:
    worklist = ScanWorklist(verify=True)
    worklist.add_judged(judged(files[0], sha256="a" * 64))
    worklist.add_judged(judged(files[1], "damaged"))
    for path in files[:3]:
        offer(worklist, path)
    tasks = worklist.take(100)
    assert [(task.path, task.replaces, task.known_sha256) for task in tasks] == [
        (files[0], True, "a" * 64),
        (files[2], False, None),
    ]
    assert worklist.unchanged == 1


def test_names_that_are_no_text(tmp_path: Path) -> None:
    worklist = ScanWorklist()
    names = [os.fsdecode(b"\xff\xfe.png"), "a\nb.png", "\u202e.png", "😀.png"]
    for name in names:
        offer(worklist, name)
    assert taken(worklist) == names
