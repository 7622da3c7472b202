"""A twin in a file of its own: what may lie beside a model, and what is refused there."""

import os
import zipfile
from pathlib import Path

import msgspec
import pytest

from keras_detector.card import Card
from keras_detector.errors import ModelFileError, SaveError
from keras_detector.model_file import read_model_file, twin_path, write_model_file
from tests.model_files import TWIN, files_in, keras_archive, members_of, refused, rezip, sealed


@pytest.fixture
def beside(card: Card) -> Card:
    twin = msgspec.structs.replace(card.twin, place="beside", precision="int8")
    return msgspec.structs.replace(card, twin=twin)


@pytest.fixture
def pair(tmp_path: Path, beside: Card) -> Path:
    path = tmp_path / "large.keras"
    write_model_file(path, keras_archive=keras_archive(), twin=TWIN, card=beside)
    return path


def test_both_files_are_written_and_read_back(pair: Path, beside: Card) -> None:
    twin = pair.with_suffix(".tflite")
    assert files_in(pair.parent) == [pair, twin]
    assert twin_path(pair) == twin.resolve()
    assert twin.read_bytes() == TWIN
    assert "model.tflite" not in members_of(pair)
    model = read_model_file(pair)
    assert model.twin == TWIN
    assert msgspec.structs.replace(model.card, sha256={}) == beside


def test_a_link_to_the_model_finds_the_twin_of_the_file(pair: Path, tmp_path: Path) -> None:
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    link = folder / "other.keras"
    link.symlink_to(pair)
    assert read_model_file(link).twin == TWIN


def test_a_missing_twin_is_named(pair: Path) -> None:
    pair.with_suffix(".tflite").unlink()
    assert "large.tflite" in refused(pair).expected


def test_a_renamed_model_has_lost_its_twin(pair: Path) -> None:
    refused(pair.rename(pair.with_name("renamed.keras")))


def test_every_changed_byte_of_the_twin_is_noticed(pair: Path) -> None:
    twin = pair.with_suffix(".tflite")
    for position in range(len(TWIN)):
        changed = bytearray(TWIN)
        changed[position] ^= 1
        twin.write_bytes(changed)
        refused(pair)
    for content in (b"", TWIN[:-1], TWIN + b"\0", TWIN + TWIN):
        twin.write_bytes(content)
        refused(pair)


def test_the_twin_of_another_model_is_refused(pair: Path, tmp_path: Path, beside: Card) -> None:
    other = tmp_path / "other.keras"
    write_model_file(other, keras_archive=keras_archive(), twin=TWIN + b"x", card=beside)
    other.with_suffix(".tflite").replace(pair.with_suffix(".tflite"))
    assert "hashes" in refused(pair).expected


@pytest.mark.skipif(os.name == "nt", reason="links and pipes of POSIX")
def test_what_is_no_file_of_its_own_is_refused(pair: Path, tmp_path: Path) -> None:
    twin, copy = pair.with_suffix(".tflite"), tmp_path / "copy"
    twin.rename(copy)
    twin.symlink_to(copy)  # to the very bytes that belong there
    assert "symbolic link" in str(refused(pair))
    twin.unlink()
    os.mkfifo(twin)
    assert "pipe" in str(refused(pair))
    twin.unlink()
    twin.symlink_to("/dev/zero")
    refused(pair)
    twin.unlink()
    twin.mkdir()
    refused(pair)


def test_an_oversized_twin_is_refused_unread(pair: Path) -> None:
    with pair.with_suffix(".tflite").open("r+b") as file:
        file.truncate(512 * 2**20 + 1)  # a hole: nothing is written
    assert "536,870,912 bytes" in str(refused(pair))


def test_the_place_is_where_the_card_says(pair: Path, good: Path, tmp_path: Path) -> None:
    """An archive with a twin inside whose card says beside, and the other way round."""
    both = sealed(members_of(pair) | {"model.tflite": TWIN})
    refused(rezip(tmp_path / "both.keras", both))
    members = members_of(good)
    (tmp_path / "none.tflite").write_bytes(members.pop("model.tflite"))
    refused(rezip(tmp_path / "none.keras", members))


def test_a_disk_that_fills_up_leaves_the_old_pair(
    pair: Path, beside: Card, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = {path: path.read_bytes() for path in files_in(pair.parent)}

    def full(path: Path, data: bytes) -> None:
        raise SaveError(expected=f"to write {path}", received="No space left", advice="Make some.")

    monkeypatch.setattr("keras_detector.model_file.write_atomically", full)
    with pytest.raises(SaveError, match="No space left"):
        write_model_file(pair, keras_archive=keras_archive(), twin=TWIN + b"x", card=beside)
    assert {path: path.read_bytes() for path in files_in(pair.parent)} == before


def test_an_interruption_between_the_two_is_noticed(
    pair: Path, beside: Card, monkeypatch: pytest.MonkeyPatch
) -> None:
    replace = Path.replace

    def interrupted(self: Path, target: Path) -> Path:
        if target.suffix == ".keras":
            raise KeyboardInterrupt
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_model_file(pair, keras_archive=keras_archive(), twin=TWIN + b"x", card=beside)
    refused(pair)


@pytest.mark.parametrize("twin", [b"", b"not a flatbuffer"])
def test_a_twin_that_would_be_refused_is_not_written(
    tmp_path: Path, beside: Card, twin: bytes
) -> None:
    with pytest.raises(ModelFileError):
        write_model_file(
            tmp_path / "a.keras", keras_archive=keras_archive(), twin=twin, card=beside
        )
    assert files_in(tmp_path) == []


def test_a_larger_twin_than_allowed_is_not_written(
    pair: Path, beside: Card, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = {path: path.read_bytes() for path in files_in(pair.parent)}
    monkeypatch.setattr("keras_detector.model_file.MAX_BYTES", 6000)
    with pytest.raises(ModelFileError, match="6,000 bytes"):
        write_model_file(pair, keras_archive=keras_archive(), twin=TWIN + bytes(6000), card=beside)
    assert {path: path.read_bytes() for path in files_in(pair.parent)} == before


def test_plain_zip_readers_see_a_keras_archive(pair: Path) -> None:
    with zipfile.ZipFile(pair) as archive:
        names = set(archive.namelist())
    assert names == {"card.json", "config.json", "metadata.json", "model.weights.h5"}


def test_writing_through_a_link_writes_what_it_leads_to(
    pair: Path, tmp_path: Path, beside: Card
) -> None:
    """Both files: either alone would leave two models broken."""
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    link = folder / "other.keras"
    link.symlink_to(pair)
    larger = TWIN + bytes(1000)
    write_model_file(link, keras_archive=keras_archive(), twin=larger, card=beside)
    assert link.is_symlink()
    assert files_in(folder) == [link]
    assert read_model_file(link).twin == read_model_file(pair).twin == larger
