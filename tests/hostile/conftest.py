"""What the tests of hostile files share."""

from pathlib import Path

import pytest

from keras_detector.card import Card
from keras_detector.model_file import write_model_file
from tests.model_files import TWIN, keras_archive


@pytest.fixture
def good(tmp_path: Path, card: Card) -> Path:
    path = tmp_path / "good.keras"
    write_model_file(path, keras_archive=keras_archive(), twin=TWIN, card=card)
    return path
