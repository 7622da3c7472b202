"""What the README and the shipped models promise."""

import re
from pathlib import Path

import pytest

from keras_detector.detector import Detector, default_model_path
from keras_detector.model_file import read_model_file
from keras_detector.model_pages import model_pages
from keras_detector.rows import expand_paths, judge_files

ROOT = Path(__file__).parents[2]
MODELS = sorted((ROOT / "models").glob("*.keras"))


def test_the_models_are_shipped() -> None:
    names = {"ai_imageclassifier", "efficientnet", "cnn32", "cnn32-plus"}
    assert names <= {path.stem for path in MODELS}


def test_no_file_is_larger_than_git_hosts_take() -> None:
    assert max(path.stat().st_size for path in (ROOT / "models").iterdir()) <= 95_000_000


@pytest.mark.parametrize("path", MODELS, ids=lambda path: path.stem)
def test_a_shipped_model_is_whole(path: Path) -> None:
    card = read_model_file(path).card
    assert card.name == path.stem
    assert card.figures["test"].n > 0


def test_the_pages_of_the_models_are_what_their_cards_say() -> None:
    """Write them anew with `python -m keras_detector.model_pages models/`."""
    pages = model_pages(ROOT / "models")
    written = {path: path.read_text(encoding="utf-8") for path in (ROOT / "models").glob("*.md")}
    assert written == pages


def test_the_verdicts_shown_in_the_readme_are_the_real_ones(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(ROOT)
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    shown = re.search(r"```text\n(.*?)```", text, re.DOTALL)
    assert shown is not None
    lines = shown[1].splitlines()
    rows = judge_files(Detector(default_model_path()), expand_paths([Path("samples")])[0])
    # Another processor's kernels may round the last shown digit in another way.
    for line, row in zip(lines, rows, strict=True):
        expected = re.split(r"\s\s+", row.to_text())
        received = re.split(r"\s\s+", line)
        assert (received[0], *received[2:]) == (expected[0], *expected[2:])
        assert float(received[1]) == pytest.approx(float(expected[1]), abs=0.005)
