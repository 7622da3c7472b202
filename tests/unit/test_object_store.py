"""Files by URL: what lies below one, what they hold, and what is said of those that are not there.

`file://` goes the way of any other store: through pyarrow.
"""

import os
from pathlib import Path

import pytest

from keras_detector.errors import DataError, ErrorKind, ImageError
from keras_detector.object_store import (
    check_url,
    is_url,
    open_store,
    read_object,
    read_place,
    to_place,
    walk_url,
)
from keras_detector.picture_files import Skipped
from keras_detector.scan.path_globs import PathGlobs

pytest.importorskip("pyarrow")
EVERYTHING = PathGlobs().wants


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("a b%20#?.png", "deep/er/b.png", "deep/.hidden.png", "notes.txt", ".git/c.png"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode())
    return tmp_path


def test_urls_and_paths_are_told_apart() -> None:
    for url in ("s3://bucket/key", "gs://b", "file:///tmp/a", "abfss://c@account/x"):
        assert is_url(url)
        assert to_place(url) == url
    for path in ("photos/a.jpg", "C://photos", "c:/x", "/s3://b", "a b://c"):
        assert not is_url(path)
        assert to_place(path) == Path(path)


def test_everything_below_a_url_is_met_once_with_its_stamp(folder: Path) -> None:
    found = {each.url: each for each in walk_url(f"file://{folder}", EVERYTHING)}
    files = {url: each for url, each in found.items() if each.skipped is None}
    assert files.keys() == {f"file://{folder}/{name}" for name in ("a b%20#?.png", "deep/er/b.png")}
    for url, each in files.items():
        status = Path(url.removeprefix("file://")).stat()
        assert each.stamp == (status.st_size, status.st_mtime_ns)
        assert read_object(url) == os.path.relpath(url.removeprefix("file://"), folder).encode()
    assert {url.rpartition("/")[2]: each.skipped for url, each in found.items()} == {
        "a b%20#?.png": None,
        "b.png": None,
        ".hidden.png": Skipped.SYSTEM,
        ".git": Skipped.SYSTEM,
        "notes.txt": Skipped.BY_NAME,
    }


def test_loops_are_left_and_pipes_not_opened(folder: Path) -> None:
    """Only `file://` has them."""
    (folder / "deep" / "loop").symlink_to(folder)
    os.mkfifo(folder / "pipe.png")
    found = {each.url: each.skipped for each in walk_url(f"file://{folder}", EVERYTHING)}
    assert sum(skipped is None for skipped in found.values()) == 2
    assert found[f"file://{folder}/deep/loop"] is Skipped.AGAIN
    assert found[f"file://{folder}/pipe.png"] is Skipped.SPECIAL
    with pytest.raises(ImageError) as caught:
        read_object(f"file://{folder}/pipe.png")
    assert caught.value.kind is ErrorKind.NOT_A_FILE


def test_globs_are_held_against_what_lies_below(folder: Path) -> None:
    wanted = PathGlobs(include=["*.png"], skip=["deep/er"]).wants
    found = [each.url for each in walk_url(f"file://{folder}/", wanted) if each.skipped is None]
    assert found == [f"file://{folder}/a b%20#?.png"]


def test_one_file_by_its_url(folder: Path) -> None:
    url = f"file://{folder}/deep/er/b.png"
    ((found, skipped, stamp),) = walk_url(url, EVERYTHING)
    assert (found, skipped) == (url, None)
    assert stamp is not None
    assert stamp.size == len("deep/er/b.png")
    assert read_place(url) == b"deep/er/b.png"
    assert read_place(folder) == folder


def test_what_is_not_there(folder: Path) -> None:
    url = f"file://{folder}/gone.png"
    ((found, skipped, stamp),) = walk_url(url, EVERYTHING)
    assert (found, skipped, stamp) == (url, None, None)  # its row will say that it is not there
    with pytest.raises(ImageError) as caught:
        read_object(url)
    assert caught.value.kind is ErrorKind.NOT_FOUND
    with pytest.raises(DataError, match="nothing of that name"):
        check_url(url)
    check_url(f"file://{folder}")


@pytest.mark.skipif(os.name == "nt" or os.getuid() == 0, reason="root may read everything")
def test_what_may_not_be_read(folder: Path) -> None:
    (folder / "deep").chmod(0)
    with pytest.raises(ImageError) as caught:
        read_object(f"file://{folder}/deep/er/b.png")
    assert caught.value.kind is ErrorKind.NO_PERMISSION
    with pytest.raises(DataError):
        list(walk_url(f"file://{folder}", EVERYTHING))
    (folder / "deep").chmod(0o700)


@pytest.mark.parametrize("url", ["s3://key:secret@bucket/a.png", "s3://bucket?region=x/a.png"])
def test_a_url_with_a_secret_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(DataError, match="environment") as caught:
        open_store(url)
    assert "secret" not in str(caught.value)
    with pytest.raises(ImageError) as unread:
        read_object(url)
    assert "secret" not in str(unread.value)


def test_a_store_that_nobody_knows() -> None:
    with pytest.raises(DataError, match="nowhere"):
        open_store("nowhere://bucket/a.png")
