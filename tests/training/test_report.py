"""The report: whole by itself, every figure with its interval, every name escaped."""

import dataclasses
import re
from pathlib import Path

import msgspec
import numpy as np
import pytest
from PIL import Image

from keras_detector.card import Card
from keras_detector.errors import SaveError
from keras_detector.measure import measure
from training.report import ReportContent, write_report

HOSTILE = '<script>alert("x")</script>'


@pytest.fixture
def content(card: Card) -> ReportContent:
    rng = np.random.default_rng(0)
    scored = {}
    for split, n in (("train", 400), ("validation", 200), ("test", 100)):
        labels = rng.integers(0, 2, n)
        scores = np.clip(labels * 0.4 + rng.uniform(0, 0.6, n), 0, 1)
        scored[split] = (labels, scores)
    figures = {name: measure(*pair, card.threshold) for name, pair in scored.items()}
    training = msgspec.structs.replace(
        card.training, recipe={"name": HOSTILE, "train": {"epochs": 3}}, epochs=3, best_epoch=2
    )
    return ReportContent(
        card=msgspec.structs.replace(
            card, name=HOSTILE, figures=figures, training=training, limits=(HOSTILE,)
        ),
        history={
            "loss": [0.7, 0.5, 0.4],
            "accuracy": [0.6, 0.7, 0.8],
            "val_loss": [0.7, 0.5, 0.6],
            "val_accuracy": [0.5, 0.8, 0.75],
        },
        target_accuracy=0.93,
        scored=scored,
        findings=(f"Left out 1 picture: {HOSTILE}.",),
    )


@pytest.fixture
def page(content: ReportContent, tmp_path: Path) -> str:
    return write_report(tmp_path, content).read_text(encoding="utf-8")


def test_every_promised_figure_stands_in_the_table_for_every_split(
    page: str, content: ReportContent
) -> None:
    for name in (
        "accuracy", "BinaryAccuracy", "precision", "recall", "F1", "ROC AUC", "PR AUC",
        "Brier score", "expected calibration error",
    ):  # fmt: skip
        assert name in page
    for figures in content.card.figures.values():
        assert figures.roc_auc is not None
        assert f"{figures.roc_auc.value:.4f}" in page
        assert f"[{figures.roc_auc.low:.4f}, {figures.roc_auc.high:.4f}]" in page
        assert f"n = {figures.n}" in page


def test_the_plots_are_written_and_are_pictures(content: ReportContent, tmp_path: Path) -> None:
    write_report(tmp_path, content)
    names = {path.name for path in tmp_path.glob("*.png")}
    assert names == {
        "history.png", "confusion.png", "roc.png", "precision_recall.png", "calibration.png",
    }  # fmt: skip
    for path in tmp_path.glob("*.png"):
        with Image.open(path) as image:
            assert image.width > 800
            pixels = np.asarray(image.convert("L"))
        assert 0.3 < (pixels > 240).mean() < 0.99, f"{path.name} is blank or has no background"


def test_the_page_is_whole_by_itself(page: str) -> None:
    assert page.count("data:image/png;base64,") == 5
    outside = re.findall(r"""(?:src|href)\s*=\s*["'](?!data:)""", page)
    assert outside == []
    assert "http" not in page
    assert "<script" not in page.replace("&lt;script", "")


def test_names_of_strangers_are_escaped(page: str) -> None:
    assert HOSTILE not in page
    assert "&lt;script&gt;" in page


@pytest.mark.parametrize(
    ("policy", "words"),
    [
        ("youden", "exceeds the share of false alarms"),
        ("f1", "F1, the balance"),
        ("fpr=0.05", "within\n0.05."),
    ],
)
def test_the_threshold_policy_is_put_in_words(
    content: ReportContent, tmp_path: Path, policy: str, words: str
) -> None:
    threshold = msgspec.structs.replace(content.card.threshold, policy=policy)
    card = msgspec.structs.replace(content.card, threshold=threshold)
    page = write_report(tmp_path, dataclasses.replace(content, card=card))
    assert words in page.read_text(encoding="utf-8")


def test_a_recipe_line_is_named_as_it_is_set(page: str) -> None:
    assert "train.epochs" in page


def test_the_same_content_gives_the_same_bytes(content: ReportContent, tmp_path: Path) -> None:
    first = write_report(tmp_path / "a", content).read_bytes()
    assert write_report(tmp_path / "b", content).read_bytes() == first


def test_a_report_that_cannot_be_written_is_an_error_of_ours(
    content: ReportContent, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SaveError):
        write_report(tmp_path / "file", content)


def test_one_class_in_a_split_leaves_dashes_and_no_crash(
    content: ReportContent, tmp_path: Path
) -> None:
    labels, scores = np.zeros(20, int), np.linspace(0, 1, 20)
    figures = {
        **content.card.figures,
        "test": measure(labels, scores, content.card.threshold),
    }
    one_class = ReportContent(
        card=msgspec.structs.replace(content.card, figures=figures),
        history=content.history,
        target_accuracy=None,
        scored={**content.scored, "test": (labels, scores)},
        findings=(),
    )
    assert "&ndash;" in write_report(tmp_path, one_class).read_text(encoding="utf-8")
