"""Which models come with the program, in a checkout and in the packaged app."""

from pathlib import Path

import pytest

from keras_detector import detector as module
from keras_detector.detector import Detector, default_model_path, shipped_models
from keras_detector.model_file import read_model_file, write_detector_file

ROOT = Path(__file__).parents[2]


def test_a_checkout_ships_its_keras_files() -> None:
    found = shipped_models()
    assert found == {path.stem: path for path in (ROOT / "models").glob("*.keras")}
    assert default_model_path() == found["ai_imageclassifier"]


def test_the_packaged_app_ships_detector_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = shipped_models()["efficientnet"]
    folder = tmp_path / "keras_detector" / "models"
    write_detector_file(folder / "ai_imageclassifier.detector", read_model_file(small))
    monkeypatch.setattr(module, "__file__", str(folder.parent / "detector.py"))
    assert shipped_models() == {"ai_imageclassifier": folder / "ai_imageclassifier.detector"}
    picture = ROOT / "samples" / "china.jpg"
    assert Detector(default_model_path()).judge(picture) == Detector(small).judge(picture)


def test_a_missing_default_model_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "models").mkdir()
    monkeypatch.setattr(module, "__file__", str(tmp_path / "detector.py"))
    assert default_model_path() == tmp_path / "models" / "ai_imageclassifier.keras"
