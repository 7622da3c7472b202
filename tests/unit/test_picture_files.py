"""Listing what may be a picture: at once, whole, and each folder once."""

import itertools
import os
from pathlib import Path

from keras_detector.picture_files import (
    Findings,
    Found,
    Skipped,
    list_picture_files,
    walk_picture_files,
)


def make(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def test_the_walk_meets_what_the_list_holds(tmp_path: Path) -> None:
    make(tmp_path, "b.jpg", "a.png", "x/c.gif", "x/y/d", "x/notes.txt", ".hidden.png", "e/f.md")
    (tmp_path / "link").symlink_to(tmp_path / "x")
    listed = list_picture_files(tmp_path)
    walked = list(walk_picture_files(str(tmp_path)))
    files = {Path(found.path) for found in walked if not found.skipped and not found.is_folder}
    assert files == {file for folder in listed.folders.values() for file in folder}
    folders = {Path(found.path) for found in walked if not found.skipped and found.is_folder}
    assert folders == set(listed.folders) == {Path(), Path("x"), Path("x/y"), Path("e")}
    assert listed.folders[Path()] == (Path("a.png"), Path("b.jpg"))
    assert listed.others == (Path("e/f.md"), Path("x/notes.txt"))
    findings = Findings()
    for found in walked:
        if found.skipped:
            findings.add(found.path, found.skipped)
    assert findings.sentences() == listed.findings
    assert Found("link", Skipped.AGAIN, is_folder=True) in walked


def test_the_first_files_come_before_the_last_are_listed(tmp_path: Path, monkeypatch) -> None:
    make(tmp_path, *(f"{number}.jpg" for number in range(50)))
    looked_at = []
    scandir = os.scandir

    class Watched:
        def __init__(self, place: str) -> None:
            self._scan = scandir(place)

        def __enter__(self) -> "Watched":
            return self

        def __exit__(self, *_: object) -> None:
            self._scan.close()

        def __iter__(self):
            for entry in self._scan:
                looked_at.append(entry.name)
                yield entry

    monkeypatch.setattr("keras_detector.picture_files.os.scandir", Watched)
    first = list(itertools.islice(walk_picture_files(str(tmp_path)), 3))
    assert len(first) == 3
    assert len(looked_at) == 2  # the folder itself came first


def test_what_is_not_wanted_is_not_entered(tmp_path: Path) -> None:
    make(tmp_path, "a/b.jpg", "skip/c.jpg")
    walked = list(walk_picture_files(str(tmp_path), lambda path, is_folder: path != "skip"))
    assert Found("skip", Skipped.UNWANTED, is_folder=True) in walked
    assert not any("c.jpg" in found.path for found in walked)


def test_what_was_left_out_is_told_as_briefly_for_many(tmp_path: Path) -> None:
    findings = Findings()
    for number in reversed(range(2000)):
        findings.add(f"{number:04}.txt", Skipped.BY_NAME)
    (sentence,) = findings.sentences()
    assert sentence == (
        "Left out 2,000 (no pictures by their names): .txt 2,000; "
        "0000.txt, 0001.txt, 0002.txt, 0003.txt, 0004.txt and 1,995 more."
    )
