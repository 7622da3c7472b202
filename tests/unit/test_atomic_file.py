"""A file is written wholly or not at all."""

import errno
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from keras_detector.atomic_file import atomic_file, remove_leftovers, write_atomically
from keras_detector.errors import ModelFileError, SaveError


def files_in(folder: Path) -> list[Path]:
    return sorted(folder.iterdir())


def test_a_new_file_holds_what_was_written(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "a.bin"
    write_atomically(path, b"content")
    assert path.read_bytes() == b"content"
    assert files_in(path.parent) == [path]


def test_an_existing_file_is_replaced_only_at_the_end(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(b"old")
    with atomic_file(path) as file:
        file.write(b"new content")
        file.flush()
        assert path.read_bytes() == b"old"
        file.seek(0)
        assert file.read() == b"new content"
    assert path.read_bytes() == b"new content"
    assert files_in(tmp_path) == [path]


@pytest.mark.parametrize("error", [ModelFileError, KeyboardInterrupt, ZeroDivisionError])
def test_an_error_in_the_block_leaves_what_was_there(
    tmp_path: Path, error: type[BaseException]
) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(b"old")
    raised = (
        error(expected="a", received="b", advice="c") if error is ModelFileError else error("x")
    )

    def write_half() -> None:
        with atomic_file(path) as file:
            file.write(b"half")
            raise raised

    with pytest.raises(error) as caught:
        write_half()
    assert caught.value is raised
    assert path.read_bytes() == b"old"
    assert files_in(tmp_path) == [path]


@pytest.mark.parametrize("failing", ["fsync", "replace"])
def test_a_failing_disk_leaves_what_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: str
) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(b"old")

    def fail(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(*((os, "fsync") if failing == "fsync" else (Path, "replace")), fail)
    with pytest.raises(SaveError, match="No space left") as caught:
        write_atomically(path, b"new")
    assert str(path) in str(caught.value)
    assert caught.value.exit_code == 1
    assert path.read_bytes() == b"old"
    assert files_in(tmp_path) == [path]


def test_a_file_in_the_place_of_a_directory_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"old")
    with pytest.raises(SaveError):
        write_atomically(tmp_path / "file" / "a.bin", b"new")
    assert (tmp_path / "file").read_bytes() == b"old"


def test_a_directory_in_the_way_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "a.bin").mkdir()
    with pytest.raises(SaveError):
        write_atomically(tmp_path / "a.bin", b"new")
    assert files_in(tmp_path) == [tmp_path / "a.bin"]


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may write everywhere")
def test_a_directory_without_permission_is_an_error(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(SaveError, match="denied"):
            write_atomically(tmp_path / "a.bin", b"new")
    finally:
        tmp_path.chmod(0o700)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such permissions")
def test_permissions_are_those_of_any_new_file(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        write_atomically(tmp_path / "a.bin", b"")
        assert os.umask(0o027) == 0o027
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "a.bin").stat().st_mode) == 0o640


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such permissions")
@pytest.mark.parametrize(("mode", "after"), [(0o600, 0o600), (0o664, 0o664), (0o444, 0o644)])
def test_permissions_of_what_is_replaced_stay(mode: int, after: int, tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    path.touch()
    path.chmod(mode)
    write_atomically(path, b"new")
    assert stat.S_IMODE(path.stat().st_mode) == after


@pytest.mark.skipif(os.name == "nt" or os.geteuid() != 0, reason="only root gives files away")
@pytest.mark.parametrize("allowed", [True, False])
def test_no_other_group_may_read_it(
    allowed: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.bin"
    path.touch()
    path.chmod(0o640)
    os.chown(path, -1, 4242)

    def refuse(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    if not allowed:
        monkeypatch.setattr(os, "chown", refuse)
    write_atomically(path, b"new")
    status = path.stat()
    assert (status.st_gid, stat.S_IMODE(status.st_mode)) == (
        (4242, 0o640) if allowed else (os.getegid(), 0o600)
    )


def test_leftovers_of_other_files_stay(tmp_path: Path) -> None:
    """Two scans may write into one folder, under names that begin alike."""
    ours, theirs = (tmp_path / f"{'long ' * 20}{number}.csv" for number in (1, 2))
    with atomic_file(ours):
        (left,) = files_in(tmp_path)
    ours.unlink()
    left.touch()  # as a kill leaves it
    remove_leftovers(theirs)
    assert files_in(tmp_path) == [left]
    remove_leftovers(ours)
    assert files_in(tmp_path) == []


def test_long_and_strange_names_are_written(tmp_path: Path) -> None:
    for name in ("x" * 200, ".hidden", "no suffix", "-", "ümläut 文.keras"):
        write_atomically(tmp_path / name, name.encode())
        assert (tmp_path / name).read_bytes() == name.encode()
    assert len(files_in(tmp_path)) == 5


KILLED = """
import os, signal, sys
from pathlib import Path
from keras_detector.atomic_file import atomic_file
with atomic_file(Path(sys.argv[1])) as file:
    file.write(b"half")
    file.flush()
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.skipif(os.name == "nt", reason="no SIGKILL")
def test_a_kill_in_the_block_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(b"old")
    done = subprocess.run([sys.executable, "-c", KILLED, str(path)], check=False)
    assert done.returncode == -9
    assert path.read_bytes() == b"old"
    # what is left over is recognisable and in nobody's way
    (leftover,) = (file for file in files_in(tmp_path) if file != path)
    assert leftover.name.startswith(".a.bin.")
    assert leftover.suffix == ".part"
    write_atomically(path, b"new")
    assert path.read_bytes() == b"new"
