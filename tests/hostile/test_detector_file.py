"""Model files without their Keras form: what the packaged app carries."""

from pathlib import Path

import msgspec
import pytest

from keras_detector.card import Card
from keras_detector.errors import ModelFileError
from keras_detector.model_file import (
    read_model_file,
    twin_path,
    write_detector_file,
    write_model_file,
)
from tests.model_files import TWIN, files_in, keras_archive, members_of, rezip


@pytest.fixture(params=["inside", "beside"])
def full(request: pytest.FixtureRequest, tmp_path: Path, card: Card) -> Path:
    """A whole model, its twin inside or beside."""
    path = tmp_path / "full" / "model.keras"
    placed = msgspec.structs.replace(
        card, twin=msgspec.structs.replace(card.twin, place=request.param)
    )
    write_model_file(path, keras_archive=keras_archive(), twin=TWIN, card=placed)
    return path


@pytest.fixture
def detector(full: Path) -> Path:
    path = full.parents[1] / "lean" / "model.detector"
    write_detector_file(path, read_model_file(full))
    return path


def refused(path: Path) -> ModelFileError:
    with pytest.raises(ModelFileError) as caught:
        read_model_file(path, weights=False)
    return caught.value


def test_it_says_what_the_whole_model_says(full: Path, detector: Path) -> None:
    whole, lean = (read_model_file(path, weights=False) for path in (full, detector))
    assert (lean.card, lean.twin) == (whole.card, whole.twin)
    assert members_of(detector)["card.json"] == members_of(full)["card.json"]


def test_it_has_nothing_but_card_and_twin(full: Path, detector: Path) -> None:
    if read_model_file(full).card.twin.place == "inside":
        assert set(members_of(detector)) == {"card.json", "model.tflite"}
        assert files_in(detector.parent) == [detector]
    else:
        assert set(members_of(detector)) == {"card.json"}
        assert files_in(detector.parent) == [detector, twin_path(detector)]


def test_who_needs_the_keras_form_is_told_which_file_has_it(detector: Path) -> None:
    with pytest.raises(ModelFileError, match=r"Use the \.keras file"):
        read_model_file(detector)


def test_every_changed_byte_is_noticed(detector: Path) -> None:
    for path in files_in(detector.parent):
        data = path.read_bytes()
        for position in range(len(data)):
            changed = bytearray(data)
            changed[position] ^= 1
            path.write_bytes(changed)
            refused(detector)
        path.write_bytes(data)
    read_model_file(detector, weights=False)


def test_the_card_of_another_model_is_refused(detector: Path) -> None:
    members = members_of(detector)
    card = msgspec.json.decode(members["card.json"])
    card["sha256"]["model.tflite"] = "0" * 64
    members["card.json"] = msgspec.json.encode(card)
    rezip(detector, members)
    assert "hashes" in refused(detector).expected


@pytest.mark.parametrize("extra", ["config.json", "metadata.json", "model.weights.h5", "run.py"])
def test_nothing_else_may_be_in_it(detector: Path, extra: str) -> None:
    refused(rezip(detector, members_of(detector) | {extra: b"{}"}))


def test_another_ending_is_refused(full: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match=r"\.detector"):
        write_detector_file(tmp_path / "model.keras", read_model_file(full))
    assert not (tmp_path / "model.keras").exists()
