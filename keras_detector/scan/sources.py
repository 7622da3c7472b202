"""Where a scan finds files: folders, files, and lists of both."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, Protocol

from keras_detector.errors import DataError
from keras_detector.file_stamp import FileStamp, stamp_of
from keras_detector.object_store import Place, check_url, is_url, walk_url
from keras_detector.picture_files import Findings, Skipped, walk_picture_files
from keras_detector.printable import printable
from keras_detector.scan.path_globs import PathGlobs

_LONGEST_PATH = 32_768
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class PathList(Protocol):
    """What a list is read from: an unbuffered file, so that what has come is there at once."""

    def read(self, size: int, /) -> bytes | None:
        """Some bytes, or none at the end."""


class FoundFile(NamedTuple):
    """A file to judge, or a folder that could not be opened.

    Attributes:
        path: where it is; of a file elsewhere its URL.
        stamp: what it was like when it was found; None if it could not be looked at.
    """

    path: str
    stamp: FileStamp | None


@dataclass
class ScanSources:
    """What to scan.

    Attributes:
        paths: folders, looked through at any depth, and files; where `remote`, also their URLs.
        listed: a list of more of them; None if there is none.
        separator: what ends each path of the list: a line break, or a null byte, which no name
            can hold.
        globs: which of the files in folders and lists are asked for.
        remote: whether other machines judge. They may begin in another folder, so that every path
            is made absolute; and they reach object stores.
        findings: what was left out so far, and why.
    """

    paths: Sequence[Place]
    listed: PathList | None = None
    separator: bytes = b"\n"
    globs: PathGlobs = field(default_factory=PathGlobs)
    remote: bool = False
    findings: Findings = field(default_factory=Findings)

    def check(self) -> None:
        """Make sure that everything named is there, before anything is started.

        Raises:
            DataError: it is not.
        """
        for path in self.paths:
            if isinstance(path, str) and self.remote:
                check_url(path)
            elif isinstance(path, str):
                raise DataError(
                    expected="a folder or a file of this machine",
                    received=printable(path),
                    advice="URLs are read with --engine ray.",
                )
            elif not os.path.lexists(path):
                raise DataError(
                    expected="a folder or a file",
                    received=f"{printable(path)}: no such file",
                    advice="Check the path.",
                )

    def files(self) -> Iterator[FoundFile]:
        """Every file, one by one, as soon as it is found; a folder that cannot be opened as well.

        Raises:
            DataError: the list is no list of paths, or a URL cannot be looked at.
        """
        for path in self.paths:
            yield from self._below(os.fspath(path))
        for listed in self._listed_paths():
            is_folder = listed.endswith("/") or os.path.isdir(listed)
            if self.globs.wants(listed.rstrip("/") or "/", is_folder=is_folder):
                yield from self._below(listed)
            else:
                self.findings.add(listed, Skipped.UNWANTED)

    def _below(self, path: str) -> Iterator[FoundFile]:
        if self.remote and is_url(path):
            yield from self._below_url(path)
            return
        path = os.path.abspath(path) if self.remote else os.fspath(Path(path))
        for found in self._below_folder(path) if os.path.isdir(path) else [path]:
            yield FoundFile(found, stamp_of(found))

    def _below_url(self, url: str) -> Iterator[FoundFile]:
        for found in walk_url(url, self.globs.wants):
            if found.skipped is None:
                yield FoundFile(found.url, found.stamp)
            else:
                self.findings.add(found.url, found.skipped)

    def _below_folder(self, path: str) -> Iterator[str]:
        # As predict writes them, and as pathlib would: without "./" in front.
        prefix = "" if path == os.curdir else path
        for found in walk_picture_files(path, self.globs.wants):
            if found.skipped is Skipped.CLOSED:
                # A row must say that what is in there was not looked at.
                yield os.path.join(prefix, found.path) if found.path else path
            elif found.skipped is not None:
                self.findings.add(found.path, found.skipped)
            elif not found.is_folder:
                yield os.path.join(prefix, found.path)

    def _listed_paths(self) -> Iterator[str]:
        if self.listed is None:
            return
        number = 0
        for number, line in enumerate(_pieces(self.listed, self.separator), 1):
            if self.separator == b"\n":
                line = line.removeprefix(_BYTE_ORDER_MARK) if number == 1 else line
                line = line.removesuffix(b"\r")
            if len(line) > _LONGEST_PATH or b"\0" in line:
                raise DataError(
                    expected="a path in each line of the list",
                    received=f"something else in line {number:,}",
                    advice="Give a text file, or --null for paths that end in null bytes.",
                )
            if line:
                yield os.fsdecode(line)


def _pieces(file: PathList, separator: bytes) -> Iterator[bytes]:
    """What lies between separators, as soon as it has come; too long a piece is given cut."""
    kept = b""
    while data := file.read(2**16):
        *whole, kept = (kept + data).split(separator)
        yield from whole
        if len(kept) > _LONGEST_PATH:
            break
    if kept:
        yield kept
