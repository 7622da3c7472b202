"""Every file below a folder that may be a picture, listed safely.

No extension makes a file a picture: `images.decode` decides that from the bytes. A few names and
extensions that certainly are none, and what operating systems leave behind, are set aside here.
"""

import bisect
import os
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

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
    ".pkl", ".pt", ".pth", ".h5", ".hdf5", ".mat", ".parquet", ".keras", ".detector", ".tflite",
    ".sha256", ".md5", ".mp4", ".avi", ".mov", ".mkv", ".webm", ".wav", ".mp3",
}
# fmt: on
_NOT_PICTURE_NAMES = frozenset(
    ["readme", "license", "licence", "copying", "notice", "authors", "citation", "changelog"]
)

_EXAMPLES = 5


class Skipped(StrEnum):
    """Why something below a folder is left out."""

    SYSTEM = "left by a system or hidden"
    BY_NAME = "no pictures by their names"
    SPECIAL = "neither files nor folders (pipes, devices, broken links)"
    CLOSED = "folders that could not be opened"
    AGAIN = "folders met a second time through a link"
    UNWANTED = "not asked for"


class Found(NamedTuple):
    """Something below a folder.

    Attributes:
        path: relative to the folder; empty for the folder itself.
        skipped: why it is left out; None for a folder that is entered and for a file that may be a
            picture.
        is_folder: whether it is a folder that was entered, or was to be.
    """

    path: str
    skipped: Skipped | None
    is_folder: bool


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


class Findings:
    """Counts what was left out; what it says is as long for a million files as for ten."""

    def __init__(self) -> None:
        self._counts: Counter[Skipped] = Counter()
        self._suffixes: Counter[str] = Counter()
        self._examples: defaultdict[Skipped, list[str]] = defaultdict(list)

    def add(self, path: str, skipped: Skipped) -> None:
        """Count one."""
        self._counts[skipped] += 1
        # The first by their bytes, in whatever order the system lists them.
        bisect.insort(self._examples[skipped], path, key=os.fsencode)
        del self._examples[skipped][_EXAMPLES:]
        if skipped is Skipped.BY_NAME:
            name = os.path.basename(path)
            self._suffixes[os.path.splitext(name)[1].casefold() or name] += 1

    def sentences(self) -> tuple[str, ...]:
        """What was left out and why, a sentence each."""
        return tuple(self._sentence(skipped) for skipped in Skipped if self._counts[skipped])

    def _sentence(self, skipped: Skipped) -> str:
        count, shown = self._counts[skipped], self._examples[skipped]
        kinds = ""
        if skipped is Skipped.BY_NAME:
            ordered = sorted(self._suffixes.items(), key=lambda item: (-item[1], item[0]))
            counts = [f"{suffix} {number:,}" for suffix, number in ordered]
            kinds = f" {examples(counts)};"
        more = f" and {count - len(shown):,} more" if count > len(shown) else ""
        return f"Left out {count:,} ({skipped}):{kinds} {examples(shown)}{more}."


def walk_picture_files(
    root: str, wanted: Callable[[str, bool], bool] | None = None, *, ordered: bool = False
) -> Iterator[Found]:
    """Everything below `root`, one by one; links are followed, each folder is entered once.

    Nothing is decoded or opened. The first come at once, however many there are.

    Args:
        root: an existing folder.
        wanted: told a relative path and whether it is a folder, says whether to look at it.
        ordered: list each folder in the order of its bytes, for which it must be read to its end.
    """
    visited: set[tuple[int, int]] = set()
    # Linked folders wait for the end, so that a folder inside `root` is met under its own name.
    pending, linked = [""], deque[str]()
    while pending or linked:
        folder = pending.pop() if pending else linked.popleft()
        try:
            place = os.path.join(root, folder)
            status = os.stat(place)
            with os.scandir(place) as scan:
                identity = (status.st_dev, status.st_ino)
                if identity in visited:
                    yield Found(folder, Skipped.AGAIN, is_folder=True)
                    continue
                visited.add(identity)
                entries: Iterable[os.DirEntry[str]] = scan
                if ordered:
                    entries = sorted(scan, key=lambda entry: os.fsencode(entry.name))
                yield Found(folder, None, is_folder=True)
                for entry in entries:
                    path = os.path.join(folder, entry.name)
                    skipped, is_folder = _look_at(entry)
                    if skipped is None and wanted and not wanted(path, is_folder):
                        skipped = Skipped.UNWANTED
                    if skipped is None and is_folder:
                        (linked if entry.is_symlink() else pending).append(path)
                    else:
                        yield Found(path, skipped, is_folder=is_folder)
        except OSError:
            yield Found(folder, Skipped.CLOSED, is_folder=True)


def list_picture_files(root: Path) -> PictureFiles:
    """List everything below `root` that `walk_picture_files` meets.

    Args:
        root: an existing folder.
    """
    folders: dict[str, list[str]] = {}
    skipped: defaultdict[Skipped, list[str]] = defaultdict(list)
    findings = Findings()
    for found in walk_picture_files(os.fspath(root), ordered=True):
        if found.skipped is not None:
            skipped[found.skipped].append(found.path)
            findings.add(found.path, found.skipped)
        elif found.is_folder:
            folders[found.path] = []
        else:
            folders[os.path.dirname(found.path)].append(found.path)
    return PictureFiles(
        folders={
            Path(folder): tuple(map(Path, folders[folder]))
            for folder in sorted(folders, key=os.fsencode)
        },
        others=_in_order(skipped[Skipped.BY_NAME]),
        closed=_in_order(skipped[Skipped.CLOSED]),
        findings=findings.sentences(),
    )


def _in_order(paths: list[str]) -> tuple[Path, ...]:
    return tuple(Path(path) for path in sorted(paths, key=os.fsencode))


def look_at_name(name: str, *, is_folder: bool) -> Skipped | None:
    """Why to leave a file or folder out by its name, if so."""
    name = name.casefold()
    if name.startswith(".") or name in SYSTEM_NAMES:
        return Skipped.SYSTEM
    if is_folder:
        return None
    if name in _NOT_PICTURE_NAMES or os.path.splitext(name)[1] in _NOT_PICTURE_SUFFIXES:
        return Skipped.BY_NAME
    return None


def _look_at(entry: os.DirEntry[str]) -> tuple[Skipped | None, bool]:
    """Why to leave it out, if so; and whether it is a folder."""
    if look_at_name(entry.name, is_folder=True) is not None:
        return Skipped.SYSTEM, False
    try:
        if entry.is_dir():
            return None, True
        if not entry.is_file():
            return Skipped.SPECIAL, False
    except OSError:  # a link to itself
        return Skipped.SPECIAL, False
    return look_at_name(entry.name, is_folder=False), False
