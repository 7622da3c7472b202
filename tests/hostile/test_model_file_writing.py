"""Writing a model file: a full disk or a wrong argument costs nothing."""

import errno
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import msgspec
import pytest

from keras_detector.card import Card
from keras_detector.errors import ModelFileError, SaveError
from keras_detector.model_file import MAX_BYTES, write_model_file
from tests.model_files import (
    TWIN,
    files_in,
    keras_archive,
)


@pytest.mark.parametrize(
    "change",
    [
        {"keras_archive": b"no zip"},
        {"keras_archive": keras_archive()[:-1]},
        {"keras_archive": keras_archive(weights=b"no HDF5")},
        {"twin": b"no flatbuffer"},
        {"twin": b""},
    ],
)
def test_what_could_not_be_read_is_not_written(good: Path, card: Card, change: Any) -> None:
    before = good.read_bytes()
    with pytest.raises(ModelFileError):
        write_model_file(
            good, **({"keras_archive": keras_archive(), "twin": TWIN, "card": card} | change)
        )
    assert good.read_bytes() == before
    assert files_in(good.parent) == [good]


def test_a_card_that_could_not_be_read_is_not_written(good: Path, card: Card) -> None:
    before = good.read_bytes()
    calibration = msgspec.structs.replace(card.calibration, slope=float("nan"))
    for broken in (
        msgspec.structs.replace(card, calibration=calibration),
        msgspec.structs.replace(card, labels=("fake", "real")),
    ):
        with pytest.raises(ModelFileError):
            write_model_file(good, keras_archive=keras_archive(), twin=TWIN, card=broken)
    assert good.read_bytes() == before


def test_keras_opens_no_other_suffix(tmp_path: Path, card: Card) -> None:
    with pytest.raises(ModelFileError, match=r"ends in \.keras"):
        write_model_file(tmp_path / "a.h5", keras_archive=keras_archive(), twin=TWIN, card=card)
    assert files_in(tmp_path) == []


def test_a_disk_that_fills_up_costs_nothing(
    good: Path, card: Card, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = good.read_bytes()

    def full(file: BinaryIO, mode: str, method: int) -> None:
        file.write(b"something")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("keras_detector.model_file.zipfile.ZipFile", full)
    monkeypatch.setattr("keras_detector.model_file._keras_members", lambda _: {})
    with pytest.raises(SaveError, match="No space left"):
        write_model_file(good, keras_archive=b"", twin=TWIN, card=card)
    assert good.read_bytes() == before
    assert files_in(good.parent) == [good]


LIMITED = """
import resource, sys
from pathlib import Path
from keras_detector.errors import SaveError
from keras_detector.model_file import read_model_file, write_model_file
path, archive = Path(sys.argv[1]), Path(sys.argv[2])
card = read_model_file(path).card
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[3]), int(sys.argv[3])))
try:
    twin = b"1234TFL3" + bytes(500_000)
    write_model_file(path, keras_archive=archive.read_bytes(), twin=twin, card=card)
except SaveError as error:
    sys.exit(f"{error.exit_code} {error}")
"""


@pytest.mark.parametrize("limit", [0, 1000, 400_000, 500_000])
def test_a_limit_on_file_sizes_costs_nothing(good: Path, tmp_path: Path, limit: int) -> None:
    before = good.read_bytes()
    archive = tmp_path / "plain"
    archive.write_bytes(keras_archive())
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, str(good), str(archive), str(limit)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert "File too large" in done.stderr
    assert "Traceback" not in done.stderr
    assert good.read_bytes() == before
    assert files_in(tmp_path) == [good, archive]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 256 kB; only root may make one."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = shutil.which("mount")
    command = [str(mount), "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(disk)]
    if mount is None or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("cannot mount a small file system here")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


def test_a_disk_that_is_really_full_costs_nothing(small_disk: Path, card: Card) -> None:
    path = small_disk / "model.keras"
    write_model_file(path, keras_archive=keras_archive(), twin=TWIN, card=card)
    before = path.read_bytes()
    with pytest.raises(SaveError, match="No space left"):
        write_model_file(path, keras_archive=keras_archive(), twin=TWIN + bytes(10**6), card=card)
    assert path.read_bytes() == before
    assert files_in(small_disk) == [path]


def test_more_than_the_largest_size_is_not_written(
    good: Path, card: Card, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert MAX_BYTES == 512 * 2**20
    monkeypatch.setattr("keras_detector.model_file.MAX_BYTES", 3000)
    before = good.read_bytes()
    with pytest.raises(ModelFileError, match="3,000 bytes"):
        write_model_file(good, keras_archive=keras_archive(), twin=TWIN + bytes(3000), card=card)
    assert good.read_bytes() == before
