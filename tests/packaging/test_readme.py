"""What the README and the shipped models promise."""

import re
from pathlib import Path

import pytest

from keras_detector.card_text import describe_card
from keras_detector.detector import Detector, default_model_path
from keras_detector.model_file import read_model_file
from keras_detector.rows import expand_paths, judge_files

ROOT = Path(__file__).parents[2]
MODELS = sorted((ROOT / "models").glob("*.keras"))


def test_the_two_seed_models_are_shipped() -> None:
    assert {"cnn32.keras", "cnn32-plus.keras"} <= {path.name for path in MODELS}


@pytest.mark.parametrize("path", MODELS, ids=lambda path: path.stem)
def test_a_shipped_model_is_whole_and_its_readme_is_its_card(path: Path) -> None:
    card = read_model_file(path).card
    assert card.name == path.stem
    assert card.figures["test"].n > 0
    readme = path.with_suffix(".md").read_text(encoding="utf-8")
    assert readme == describe_card(card)


def test_the_verdicts_shown_in_the_readme_are_the_real_ones(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(ROOT)
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    shown = re.search(r"```text\n(.*?)```", text, re.DOTALL)
    assert shown is not None
    lines = shown[1].splitlines()
    rows = judge_files(Detector(default_model_path()), expand_paths([Path("samples")])[0])
    assert lines == [row.to_text() for row in rows]
