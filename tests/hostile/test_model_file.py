"""Model files from strangers: the container."""

import io
import os
import pickle
import stat
import struct
import warnings
import zipfile
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
import pytest

from keras_detector.card import Card
from keras_detector.errors import ModelFileError
from keras_detector.model_file import read_model_file, write_model_file
from tests.model_files import HDF5, TWIN, Members, keras_archive, members_of, refused, rezip, sealed

# --- what is accepted


def test_what_is_written_is_read_back(good: Path, card: Card) -> None:
    model = read_model_file(good)
    assert (model.path, model.twin) == (good, TWIN)
    assert msgspec.structs.replace(model.card, sha256={}) == card
    assert model.card.sha256["model.tflite"] == sha256(TWIN).hexdigest()
    assert set(model.card.sha256) == set(members_of(good)) - {"card.json"}


def test_equal_arguments_give_equal_bytes(good: Path, tmp_path: Path, card: Card) -> None:
    again = tmp_path / "again.keras"
    write_model_file(again, keras_archive=keras_archive(), twin=TWIN, card=card)
    assert again.read_bytes() == good.read_bytes()


def test_a_file_rewritten_with_zipfile_still_loads(good: Path, tmp_path: Path) -> None:
    members = sealed(members_of(good))
    backwards = dict(reversed(members.items()))
    assert read_model_file(rezip(tmp_path / "other.keras", backwards)).twin == TWIN
    folder = tmp_path / "unpacked"
    with zipfile.ZipFile(good) as archive:
        archive.extractall(folder)
    with zipfile.ZipFile(tmp_path / "third.keras", "w") as archive:
        for file in sorted(folder.iterdir()):
            archive.write(file, file.name)
    assert read_model_file(tmp_path / "third.keras").twin == TWIN


def test_a_link_to_a_model_is_followed(good: Path, tmp_path: Path) -> None:
    link = tmp_path / "link.keras"
    link.symlink_to(good)
    assert read_model_file(link).path == link


# --- every byte counts


def test_no_single_changed_byte_is_accepted(good: Path) -> None:
    data = bytearray(good.read_bytes())
    accepted = []
    with good.open("r+b", buffering=0) as file:
        for position, byte in enumerate(data):
            for flip in (0x01, 0x20, 0xFF):
                file.seek(position)
                file.write(bytes([byte ^ flip]))
                try:
                    read_model_file(good)
                    accepted.append((position, flip))
                except ModelFileError:
                    pass
            file.seek(position)
            file.write(bytes([byte]))
    assert accepted == []
    assert good.read_bytes() == data
    read_model_file(good)


def test_only_the_weights_go_unread_where_they_are_not_used(good: Path) -> None:
    data = good.read_bytes()
    at = data.index(HDF5) + len(HDF5) + 50
    good.write_bytes(data[:at] + b"x" + data[at + 1 :])
    refused(good)
    assert read_model_file(good, weights=False).twin == TWIN
    at = data.index(TWIN) + 50
    good.write_bytes(data[:at] + b"x" + data[at + 1 :])
    with pytest.raises(ModelFileError):
        read_model_file(good, weights=False)


def test_no_truncation_is_accepted(good: Path, tmp_path: Path) -> None:
    data = good.read_bytes()
    cut = tmp_path / "cut.keras"
    for length in (*range(0, len(data), 64), *range(len(data) - 30, len(data))):
        cut.write_bytes(data[:length])
        refused(cut)


@pytest.mark.parametrize("before", [b"", b"\0", b"MZ" + bytes(500), b"PK\x03\x04", b"#!/bin/sh\n"])
@pytest.mark.parametrize("behind", [b"", b"\0", b"<html>", bytes(100), "twice"])
def test_nothing_before_or_behind_the_archive(
    good: Path, before: bytes, behind: bytes | str
) -> None:
    data = good.read_bytes()
    changed = before + data + (data if isinstance(behind, str) else behind)
    if changed != data:
        good.write_bytes(changed)
        refused(good)


def test_a_prefix_with_corrected_offsets_is_refused(good: Path, tmp_path: Path) -> None:
    path = tmp_path / "program.keras"
    path.write_bytes(b"#!/bin/sh\nexit\n")
    with zipfile.ZipFile(path, "a") as archive:
        for name, data in members_of(good).items():
            archive.writestr(name, data)
    assert zipfile.is_zipfile(path)
    refused(path)


# --- members


MEMBER_CHANGES: dict[str, Callable[[Members], object]] = {
    "extra": lambda m: m.update({"evil.py": b"import os"}),
    "extra folder": lambda m: m.update({"assets/": b""}),
    "parent": lambda m: m.update({"../evil.py": m.pop("metadata.json")}),
    "absolute": lambda m: m.update({"/etc/passwd": m.pop("metadata.json")}),
    "renamed": lambda m: m.update({"card.yaml": m.pop("card.json")}),
    "case": lambda m: m.update({"Card.json": m.pop("card.json")}),
    "same length": lambda m: m.update({"card.jsoN": m.pop("card.json")}),
    "longer swap": lambda m: m.update({"model.weights.npz": m.pop("model.weights.h5")}),
    "not ascii": lambda m: m.update({"cärd.json": m.pop("card.json")}),
    "oversized name": lambda m: m.update({"a" * 65000: m.pop("card.json")}),
    "no card": lambda m: m.pop("card.json"),
    "no twin": lambda m: m.pop("model.tflite"),
    "no weights": lambda m: m.pop("model.weights.h5"),
    "no members": lambda m: m.clear(),
    "many": lambda m: m.update({str(i): b"" for i in range(5000)}),
}


@pytest.mark.parametrize("change", MEMBER_CHANGES)
def test_members_must_be_exactly_ours(good: Path, tmp_path: Path, change: str) -> None:
    members = members_of(good)
    MEMBER_CHANGES[change](members)
    refused(rezip(tmp_path / "changed.keras", members))


@pytest.mark.parametrize("name", ["card.json", "config.json", "model.tflite"])
def test_a_member_twice_is_refused(good: Path, tmp_path: Path, name: str) -> None:
    path = tmp_path / "twice.keras"
    items = list(members_of(good).items())
    victim = next(i for i, (other, _) in enumerate(items) if other != name)
    items[victim] = (name, b"{}")
    with zipfile.ZipFile(path, "w") as archive, warnings.catch_warnings(action="ignore"):
        for item in items:
            archive.writestr(*item)
    refused(path)


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_compressed_members_are_refused(good: Path, tmp_path: Path, method: int) -> None:
    refused(rezip(tmp_path / "small.keras", members_of(good), method))


def test_other_zip_features_are_refused(good: Path, tmp_path: Path) -> None:
    def entries(change: Callable[[zipfile.ZipInfo], object]) -> Iterator[tuple[Any, bytes]]:
        for name, data in members_of(good).items():
            entry = zipfile.ZipInfo(name)
            change(entry)
            yield entry, data

    changes: list[Callable[[zipfile.ZipInfo], object]] = [
        lambda e: setattr(e, "extra", struct.pack("<HHL", 0x9999, 4, 0)),
        lambda e: setattr(e, "comment", b"hello"),
        lambda e: setattr(e, "external_attr", (stat.S_IFLNK | 0o777) << 16),
        lambda e: setattr(e, "external_attr", (stat.S_IFREG | 0o4755) << 16),
        lambda e: setattr(e, "external_attr", 0x10),
        lambda e: setattr(e, "create_system", 7),
        lambda e: setattr(e, "create_version", 63),
        lambda e: setattr(e, "extract_version", 45),
        lambda e: setattr(e, "internal_attr", 1),
    ]
    for number, change in enumerate(changes):
        path = tmp_path / f"{number}.keras"
        with zipfile.ZipFile(path, "w") as archive:
            for entry, data in entries(change):
                archive.writestr(entry, data)
        refused(path)


def test_comments_data_descriptors_and_zip64_are_refused(good: Path, tmp_path: Path) -> None:
    members = members_of(good)
    commented = rezip(tmp_path / "comment.keras", members)
    with zipfile.ZipFile(commented, "a") as archive:
        archive.comment = b"hello"
    refused(commented)

    class Pipe(io.RawIOBase):  # zipfile writes data descriptors where it cannot seek
        def __init__(self) -> None:
            self.data = b""

        def writable(self) -> bool:
            return True

        def write(self, data: Any) -> int:
            self.data += bytes(data)
            return len(data)

    pipe = Pipe()
    with zipfile.ZipFile(pipe, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    streamed = tmp_path / "streamed.keras"
    streamed.write_bytes(pipe.data)
    refused(streamed)

    large = tmp_path / "zip64.keras"
    with zipfile.ZipFile(large, "w") as archive:
        for name, data in members.items():
            with archive.open(name, "w", force_zip64=True) as file:
                file.write(data)
    refused(large)


# --- sizes


def header_field(data: bytes, name: str, field: int, value: int) -> bytes:
    """The archive with a 4-byte field changed in the local and the central header of a member."""
    local = data.index(b"PK\x03\x04", max(data.index(name.encode()) - 30, 0))
    central = data.rindex(name.encode()) - 46
    packed = struct.pack("<L", value)
    for position in (local + field, central + field + 2):
        data = data[:position] + packed + data[position + 4 :]
    return data


@pytest.mark.parametrize("name", ["metadata.json", "config.json", "model.weights.h5", "card.json"])
@pytest.mark.parametrize("size", [0, 1, 2**31, 2**32 - 1])
def test_sizes_that_are_not_true_are_refused(good: Path, name: str, size: int) -> None:
    data = good.read_bytes()
    for field in (18, 22):  # compressed and uncompressed
        data = header_field(data, name, field, size)
    good.write_bytes(data)
    refused(good)


@pytest.mark.parametrize(
    ("name", "size"),
    [("metadata.json", 2**16), ("config.json", 2**21), ("card.json", 2**20)],
)
def test_oversized_texts_are_refused(good: Path, tmp_path: Path, name: str, size: int) -> None:
    members = members_of(good)
    if name != "card.json":
        members = sealed(members | {name: members[name].ljust(size)})
        read_model_file(rezip(tmp_path / "just.keras", members))
        members = sealed(members | {name: members[name] + b" "})
    else:
        members = members | {name: members[name].ljust(size)}
        read_model_file(rezip(tmp_path / "just.keras", members))
        members = members | {name: members[name] + b" "}
    assert f"{size:,}" in str(refused(rezip(tmp_path / "big.keras", members)))


def test_members_that_overlap_are_refused(good: Path, tmp_path: Path) -> None:
    """All central entries point at one member, as in Fifield's better zip bomb (2019)."""
    data = good.read_bytes()
    with zipfile.ZipFile(good) as archive:
        for entry in archive.infolist():
            central = data.rindex(entry.filename.encode()) - 46
            data = data[: central + 42] + struct.pack("<L", 0) + data[central + 46 :]
    good.write_bytes(data)
    refused(good)


# --- paths


def test_paths_that_are_no_files_are_refused(tmp_path: Path) -> None:
    pipe, loop, empty = tmp_path / "pipe", tmp_path / "loop.keras", tmp_path / "empty.keras"
    os.mkfifo(pipe)
    loop.symlink_to(loop)
    empty.touch()
    link = tmp_path / "link.keras"
    link.symlink_to("/dev/zero")
    names = ["missing.keras", "nul\0byte", "x" * 5000, "empty.keras/inside", "\udcff.keras"]
    for path in (
        *(tmp_path / name for name in names),
        *(pipe, loop, empty, link, tmp_path),
        *(Path("/dev/null"), Path("/dev/zero"), Path("/dev/stdin")),
    ):
        refused(path)


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may read everything")
def test_an_unreadable_file_is_refused(good: Path) -> None:
    good.chmod(0)
    assert "denied" in refused(good).received


@pytest.mark.parametrize(
    "content",
    [b"PK", b"not a zip", b"GIF89a" + bytes(500), pickle.dumps({"a": 1}), HDF5 + bytes(5000)],
)
def test_other_files_are_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "other.keras"
    path.write_bytes(content)
    refused(path)


def test_a_plain_keras_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "plain.keras"
    path.write_bytes(keras_archive())
    assert "3 members" in str(refused(path))
