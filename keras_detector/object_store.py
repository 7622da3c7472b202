"""Files that a URL names: in an object store, or anywhere else that pyarrow reaches.

A URL is written as its store's own tools write it (`s3://bucket/photos/a b.jpg`): what comes after
the bucket is the name itself, without percent escapes. Credentials and regions come from where the
store's own tools have them; a URL never holds any, as it is written into rows.
"""

import contextlib
import functools
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from keras_detector.errors import DataError, ErrorKind, ImageError, UnreadableImageError
from keras_detector.file_stamp import FileStamp
from keras_detector.picture_files import Skipped, look_at_name
from keras_detector.printable import printable

_URL = re.compile(r"([a-z][a-z0-9+.-]+://[^/]*)/*(.*)", re.IGNORECASE | re.DOTALL)

Place = Path | str
"""A path, or a URL as text: a path would make one slash of two."""


class StoredFile(NamedTuple):
    """Something that a URL names or that lies below it.

    Attributes:
        url: of the file or folder.
        skipped: why it is left out; None for a file that may be a picture.
        stamp: its size and time of writing, if it is a file.
    """

    url: str
    skipped: Skipped | None
    stamp: FileStamp | None


def is_url(text: str) -> bool:
    """Whether a text names a file by URL; a single letter before the colon is a drive."""
    return _URL.match(text) is not None


def to_place(text: str) -> Place:
    """The path or URL that a text is."""
    return text if is_url(text) else Path(text)


def open_store(url: str) -> tuple[Any, str]:
    """The `pyarrow.fs.FileSystem` that a URL leads to, and the name of its file in there.

    Raises:
        DataError: pyarrow does not know such URLs, or it holds credentials.
        OSError: the store cannot be asked.
    """
    match = _URL.fullmatch(url)
    assert match is not None, url  # noqa: S101  # whoever calls has looked
    store, name = match.groups()
    system, base = _open_root(store)
    return system, f"{base}/{name}".rstrip("/") or "/"


def read_object(url: str) -> bytes:
    """A whole file.

    Raises:
        ImageError: it is not there or cannot be read.
    """
    try:
        system, name = open_store(url)
        # Only file:// has pipes and devices, which would be waited for.
        if _is_local(system) and Path(name).exists() and not Path(name).is_file():
            raise _unreadable("not a regular file", ErrorKind.NOT_A_FILE)
        with system.open_input_stream(name, compression=None) as file:
            content: bytes = file.read()
            return content
    except DataError as error:
        raise _unreadable(error.received, ErrorKind.NOT_READ) from error
    except FileNotFoundError as error:
        raise _unreadable("no such file", ErrorKind.NOT_FOUND) from error
    # pyarrow's errors are OSError or ValueError, and stores spell a refusal in their texts.
    except (OSError, ValueError) as error:
        if isinstance(error, PermissionError) or "ACCESS_DENIED" in str(error):
            raise _unreadable("no permission to read it", ErrorKind.NO_PERMISSION) from error
        raise _unreadable(_reason(error), ErrorKind.NOT_READ) from error


def read_place(place: Place) -> Path | bytes:
    """What `images.decode` takes: a path as it is, the content of a URL.

    Raises:
        ImageError: the URL cannot be read.
    """
    return read_object(place) if isinstance(place, str) else place


def check_url(url: str) -> None:
    """Make sure that a URL names something.

    Raises:
        DataError: it does not, or the store cannot be asked.
    """
    kinds, info = _look(url)
    if info.type is kinds.NotFound:
        raise _refused(url, "nothing of that name")


def walk_url(url: str, wanted: Callable[[str, bool], bool]) -> Iterator[StoredFile]:
    """What a URL names: itself, or everything below it that may be a picture, folder by folder.

    Of `file://` links are followed, and each folder is entered once.

    Args:
        url: of a file or a folder. One that is not there is given too, without a stamp.
        wanted: told a path relative to the folder and whether it is a folder, says whether to look.

    Raises:
        DataError: a folder cannot be listed. Whoever goes on without it would miss files.
    """
    kinds, info = _look(url)
    if info.type is not kinds.Directory:
        yield StoredFile(url, None, _stamp(info))
        return
    visited: set[tuple[int, int]] = set()
    pending = [""]
    while pending:
        folder = pending.pop()
        if (identity := _identity(f"{url.rstrip('/')}/{folder}")) is not None:
            if identity in visited:
                yield StoredFile(f"{url.rstrip('/')}/{folder}", Skipped.AGAIN, None)
                continue
            visited.add(identity)
        for relative, entry in _list(url, folder):
            is_folder = entry.type is kinds.Directory
            skipped = look_at_name(entry.base_name, is_folder=is_folder)
            if skipped is None and entry.type not in (kinds.Directory, kinds.File):
                skipped = Skipped.SPECIAL
            if skipped is None and not wanted(relative, is_folder):
                skipped = Skipped.UNWANTED
            if skipped is None and is_folder:
                pending.append(relative)
            else:
                stamp = None if is_folder else _stamp(entry)
                yield StoredFile(f"{url.rstrip('/')}/{relative}", skipped, stamp)


def _list(url: str, folder: str) -> Iterator[tuple[str, Any]]:
    """The entries of a folder below `url`, each with its path relative to `url`."""
    from pyarrow import fs

    try:
        system, name = open_store(f"{url.rstrip('/')}/{folder}")
        entries = system.get_file_info(fs.FileSelector(name))
    except (OSError, ValueError) as error:
        raise _refused(f"{url.rstrip('/')}/{folder}", _reason(error)) from error
    for entry in entries:
        yield f"{folder}/{entry.base_name}" if folder else entry.base_name, entry


def _identity(url: str) -> tuple[int, int] | None:
    """By what a folder is the same one, whatever link led to it; in a store there are no links."""
    system, name = open_store(url)
    if not _is_local(system):
        return None
    with contextlib.suppress(OSError):  # listing it will say why
        status = Path(name).stat()
        return status.st_dev, status.st_ino
    return None


def _is_local(system: Any) -> bool:
    return bool(system.type_name == "local")


def _look(url: str) -> tuple[Any, Any]:
    """The kinds of files that there are, and what the store says of the one that `url` names."""
    from pyarrow import fs

    try:
        system, name = open_store(url)
        return fs.FileType, system.get_file_info(name)
    except (OSError, ValueError) as error:
        raise _refused(url, _reason(error)) from error


@functools.lru_cache(maxsize=64)
def _open_root(store: str) -> tuple[Any, str]:
    from pyarrow import fs

    scheme, _, place = store.partition("://")
    # abfs://container@account is a place; elsewhere such a part is a password.
    if "?" in place or ("@" in place and not scheme.lower().startswith("abfs")):
        raise DataError(
            expected="a URL without credentials and options",
            received="one that holds some",
            advice="Give them in the environment, as the store's own tools take them.",
        )
    try:
        system, base = fs.FileSystem.from_uri(f"{store}/")
    except ValueError as error:
        raise _refused(store, _reason(error)) from error
    return system, base.rstrip("/")


def _stamp(info: Any) -> FileStamp | None:
    if info.size is None or info.mtime_ns is None:
        return None
    return FileStamp(info.size, info.mtime_ns)


def _reason(error: BaseException) -> str:
    return (getattr(error, "strerror", None) or str(error) or type(error).__name__).strip(". ")


def _refused(url: str, received: str) -> DataError:
    return DataError(
        expected="a folder or a file that can be looked at",
        received=f"{printable(url)}: {received}",
        advice="Check the URL, and that this machine may read it.",
    )


def _unreadable(received: str, kind: ErrorKind) -> ImageError:
    return UnreadableImageError(
        expected="a file that can be read",
        received=received,
        advice="Check the URL; --retry-errors reads it again.",
        kind=kind,
    )
