"""Every file below a folder that may be a picture, listed safely and in a fixed order.

No extension makes a file a picture: `images.decode` decides that from the bytes. A few names and
extensions that certainly are none, and what operating systems leave behind, are set aside here.
"""

import os
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from keras_detector.printable import examples

SYSTEM_NAMES = frozenset(
    ["__macosx", "thumbs.db", "desktop.ini", "__pycache__", "$recycle.bin", "lost+found", "@eadir"]
)
"""Files and folders (casefolded) that systems and tools leave behind, beside all hidden ones."""

ARCHIVE_SUFFIXES = frozenset([".zip", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".zst", ".7z", ".rar"])
"""Packed archives: never pictures, but worth a word when there is nothing else."""

# fmt: off
_NOT_PICTURE_SUFFIXES = ARCHIVE_SUFFIXES | {
    ".csv", ".tsv", ".txt", ".json", ".jsonl", ".md", ".rst", ".xml", ".yaml", ".yml", ".html",
    ".htm", ".log", ".pdf", ".doc", ".docx", ".xlsx", ".py", ".ipynb", ".sh", ".npy", ".npz",
    ".pkl", ".pt", ".pth", ".h5", ".hdf5", ".mat", ".parquet", ".keras", ".tflite", ".sha256",
    ".md5", ".mp4", ".avi", ".mov", ".mkv", ".webm", ".wav", ".mp3",
}
# fmt: on
_NOT_PICTURE_NAMES = frozenset(
    ["readme", "license", "licence", "copying", "notice", "authors", "citation", "changelog"]
)

_SYSTEM = "left by a system or hidden"
_BY_NAME = "no pictures by their names"
_SPECIAL = "neither files nor folders (pipes, devices, broken links)"
_CLOSED = "folders that could not be opened"
_AGAIN = "folders met a second time through a link"


@dataclass(frozen=True)
class PictureFiles:
    """What lies below a folder; every path is relative to it, in the order of its bytes.

    Attributes:
        folders: every folder that was entered, `Path(".")` among them, with the files directly in
            it that may be pictures.
        others: files that are no pictures by their names.
        closed: folders that could not be opened.
        findings: what was left out and why, a sentence each.
    """

    folders: dict[Path, tuple[Path, ...]]
    others: tuple[Path, ...]
    closed: tuple[Path, ...]
    findings: tuple[str, ...]


def list_picture_files(root: Path) -> PictureFiles:
    """List every file below `root` that may be a picture; links are followed, each folder once.

    Nothing is decoded or opened. What cannot be entered is left out and counted in the findings.

    Args:
        root: an existing folder.
    """
    folders: dict[Path, tuple[Path, ...]] = {}
    skipped: defaultdict[str, list[Path]] = defaultdict(list)
    visited: set[tuple[int, int]] = set()
    # Linked folders wait for the end, so that a folder inside `root` is met under its own name.
    pending, linked = [Path()], list[Path]()
    while pending or linked:
        folder = pending.pop() if pending else linked.pop(0)
        try:
            status = (root / folder).stat()
            with os.scandir(root / folder) as scan:
                entries = sorted(scan, key=lambda entry: os.fsencode(entry.name))
        except OSError:
            skipped[_CLOSED].append(folder)
            continue
        identity = (status.st_dev, status.st_ino)
        if identity in visited:
            skipped[_AGAIN].append(folder)
            continue
        visited.add(identity)
        files: list[Path] = []
        for entry in entries:
            path = folder / entry.name
            reason = _reason_to_skip(entry)
            if reason is not None:
                skipped[reason].append(path)
            elif not entry.is_dir():
                files.append(path)
            else:
                (linked if entry.is_symlink() else pending).append(path)
        folders[folder] = tuple(files)
    for paths in skipped.values():
        paths.sort(key=os.fsencode)
    return PictureFiles(
        folders={folder: folders[folder] for folder in sorted(folders, key=os.fsencode)},
        others=tuple(skipped[_BY_NAME]),
        closed=tuple(skipped[_CLOSED]),
        findings=tuple(_findings(skipped)),
    )


def _reason_to_skip(entry: os.DirEntry[str]) -> str | None:
    name = entry.name.casefold()
    if name.startswith(".") or name in SYSTEM_NAMES:
        return _SYSTEM
    try:
        if entry.is_dir():
            return None
        if not entry.is_file():
            return _SPECIAL
    except OSError:  # a link to itself
        return _SPECIAL
    if name in _NOT_PICTURE_NAMES or os.path.splitext(name)[1] in _NOT_PICTURE_SUFFIXES:  # noqa: PTH122
        return _BY_NAME
    return None


def _findings(skipped: dict[str, list[Path]]) -> Iterator[str]:
    for reason in (_SYSTEM, _BY_NAME, _SPECIAL, _CLOSED, _AGAIN):
        paths = skipped.get(reason)
        if not paths:
            continue
        kinds = ""
        if reason == _BY_NAME:
            counts = Counter(path.suffix.casefold() or path.name for path in paths)
            kinds = " " + examples([f"{kind} {count:,}" for kind, count in counts.most_common()])
            kinds += ";"
        yield f"Left out {len(paths):,} ({reason}):{kinds} {examples(paths)}."
