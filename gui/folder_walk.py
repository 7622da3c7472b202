"""Looking through folders for pictures: stops when asked to, and counts what it leaves out."""

import bisect
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from keras_detector.errors import Cancelled
from keras_detector.picture_files import Skipped, walk_picture_files

_EXAMPLES = 5


@dataclass(slots=True)
class LeftOut:
    """What was left out for one reason.

    Attributes:
        count: how many files and folders.
        examples: a few of their paths, relative to the folder that was looked through.
    """

    count: int = 0
    examples: list[str] = field(default_factory=list)

    def add(self, path: str) -> None:
        """Count one."""
        self.count += 1
        bisect.insort(self.examples, path, key=os.fsencode)
        del self.examples[_EXAMPLES:]


@dataclass(slots=True)
class FoundFiles:
    """What there is to judge.

    Attributes:
        files: in the order of their paths, folder by folder.
        left_out: of folders, and why.
    """

    files: list[Path]
    left_out: dict[Skipped, LeftOut]


def find_files(paths: Iterable[Path], is_cancelled: Callable[[], bool]) -> FoundFiles:
    """The files to judge: a folder stands for those below it that may be pictures, at any depth.

    Args:
        paths: files and folders.
        is_cancelled: asked again and again whether to stop.

    Raises:
        Cancelled: it was.
    """
    found = FoundFiles([], {})
    for path in paths:
        if os.path.isdir(path):  # noqa: PTH112  # pathlib raises on names the system refuses
            _walk(path, found, is_cancelled)
        else:
            found.files.append(path)
    return found


def _walk(root: Path, found: FoundFiles, is_cancelled: Callable[[], bool]) -> None:
    folders: dict[str, list[str]] = {}
    closed: list[str] = []
    for item in walk_picture_files(os.fspath(root), ordered=True):
        if is_cancelled():
            raise Cancelled(
                expected="to look through every folder",
                received="a request to stop",
                advice="Open it again whenever you like.",
            )
        if item.skipped is not None:
            found.left_out.setdefault(item.skipped, LeftOut()).add(item.path)
            if item.skipped is Skipped.CLOSED:
                closed.append(item.path)
        elif item.is_folder:
            folders[item.path] = []
        else:
            folders[os.path.dirname(item.path)].append(item.path)  # noqa: PTH120
    for folder in sorted(folders, key=os.fsencode):
        found.files.extend(root / file for file in folders[folder])
    # Judging one gives an error row: what is in there was not looked at.
    found.files.extend(root / folder for folder in sorted(closed, key=os.fsencode))
