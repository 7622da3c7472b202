"""The report: whole by itself, every figure with its interval, every name escaped."""

import base64
import dataclasses
import io
import re
from pathlib import Path

import msgspec
import numpy as np
import pytest
from PIL import Image

from keras_detector.card import AuditNote, Card, Condition, Estimate, SourceFigures
from keras_detector.errors import SaveError
from keras_detector.labels import Label
from keras_detector.measure import measure
from training.inference_time import Duration, InferenceTime
from training.report.gallery import Gallery, Row, Shown
from training.report.model_report import ReportContent, write_report

HOSTILE = '<script>alert("x")</script>'
ESTIMATE = Estimate(value=0.8125, low=0.7777, high=0.8444)


@pytest.fixture(scope="module")
def content() -> ReportContent:
    from tests.conftest import card as card_fixture

    card: Card = card_fixture.__wrapped__()
    rng = np.random.default_rng(0)
    scored = {}
    for split, n in (("train", 400), ("validation", 200), ("test", 100)):
        labels = rng.integers(0, 2, n)
        scores = np.clip(labels * 0.4 + rng.uniform(0, 0.6, n), 0, 1)
        scored[split] = (labels, scores)
    figures = {name: measure(*pair, card.threshold) for name, pair in scored.items()}
    training = msgspec.structs.replace(
        card.training,
        recipe={"name": HOSTILE, "train": {"epochs": 3, "class_weights": [1.0, 2.5]}},
        epochs=3,
        best_epoch=2,
    )
    source = SourceFigures(
        n=7, label="fake", accuracy=ESTIMATE, mean_score=0.5, coverage=ESTIMATE, covered_error=None
    )
    good = msgspec.structs.replace(source, accuracy=Estimate(value=1.0, low=0.6, high=1.0))
    picture = io.BytesIO()
    Image.new("RGB", (8, 8), "red").save(picture, "JPEG")
    jpeg = base64.b64encode(picture.getvalue()).decode()
    shown = Shown(f"fake/{HOSTILE}.jpg", HOSTILE, Label.FAKE, 0.125, jpeg, jpeg)
    condition = Condition(
        n=40, n_real=20, n_fake=20, balanced_accuracy=ESTIMATE, roc_auc=ESTIMATE,
        false_positive_rate=ESTIMATE, recall=ESTIMATE, ece=None,
    )  # fmt: skip
    return ReportContent(
        card=msgspec.structs.replace(
            card,
            name=HOSTILE,
            figures=figures,
            training=training,
            limits=(HOSTILE,),
            robustness={"q30": condition},
            collections={"elsewhere": figures["test"]},
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
        per_source={"validation": {"good": good, HOSTILE: source}},
        gallery=Gallery(rows=(Row("Fakes it missed", (shown,)),), most_wrong=(shown,)),
        inference=InferenceTime(
            cpu="Some CPU, 2 cores",
            remark="",
            network=Duration(median=12.34, low=12.0, high=13.0, n=50),
            verdict=Duration(median=15.67, low=15.0, high=17.0, n=199),
        ),
    )


@pytest.fixture(scope="module")
def written(content: ReportContent, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_report(tmp_path_factory.mktemp("report"), content)


@pytest.fixture(scope="module")
def page(written: Path) -> str:
    return written.read_text(encoding="utf-8").replace("&nbsp;", " ")


def without_plots(content: ReportContent, **changes: object) -> ReportContent:
    """The same content, quick to write: nothing that curves are drawn of."""
    card = msgspec.structs.replace(content.card, figures={}, **changes)
    return dataclasses.replace(content, card=card, history={}, scored={}, gallery=None)


def page_of(directory: Path, content: ReportContent) -> str:
    return write_report(directory, content).read_text(encoding="utf-8").replace("&nbsp;", " ")


def test_every_promised_figure_stands_in_the_table_for_every_split(
    page: str, content: ReportContent
) -> None:
    for name in (
        "accuracy", "BinaryAccuracy", "precision", "recall", "F1", "ROC AUC", "PR AUC",
        "Brier score", "expected calibration error", "false alarms",
    ):  # fmt: skip
        assert name in page
    for figures in content.card.figures.values():
        assert figures.roc_auc is not None
        assert f"{figures.roc_auc.value:.4f}" in page
        assert f"[{figures.roc_auc.low:.4f}, {figures.roc_auc.high:.4f}]" in page
        assert f"n = {figures.n}" in page


def test_the_plots_are_written_and_are_pictures(written: Path) -> None:
    names = {path.stem for path in written.parent.glob("*.png")}
    assert names >= {
        "loss", "accuracy", "confusion_0", "confusion_1", "roc", "precision_recall", "coverage",
        "reliability", "scores",
    }  # fmt: skip
    for path in written.parent.glob("*.png"):
        with Image.open(path) as image:
            assert image.width > 400
            pixels = np.asarray(image.convert("L"))
        assert 0.3 < (pixels > 240).mean() < 0.99, f"{path.name} is blank or has no background"


def test_the_test_split_has_no_confusion_matrix_drawn(page: str) -> None:
    assert re.findall(r"Confusion matrix of (\w+)", page) == ["train", "validation"]


def test_the_page_is_whole_by_itself(page: str, written: Path) -> None:
    assert page.count("data:image/png;base64,") == len(list(written.parent.glob("*.png")))
    outside = re.findall(r"""(?:src|href)\s*=\s*["'](?!data:|#)""", page)
    assert outside == []
    assert "http" not in page
    assert "<script" not in page
    assert "url(" not in page


def test_every_picture_has_a_text_and_every_link_a_place(page: str) -> None:
    assert all(re.search(r'alt="[^"]{8,}"', tag) for tag in re.findall(r"<img[^>]*>", page))
    for anchor in re.findall(r'href="#(\w+)"', page):
        assert f'id="{anchor}"' in page


def test_names_of_strangers_are_escaped(page: str) -> None:
    assert HOSTILE not in page
    assert page.count("&lt;script&gt;") >= 6  # name, limit, finding, source, file, alt text


def test_the_page_follows_the_readers_dark_mode(page: str) -> None:
    assert "prefers-color-scheme: dark" in page
    assert "color-scheme: light dark" in page


def test_the_worst_source_comes_first_and_is_marked(page: str) -> None:
    bars = page[page.index('class="bars"') :]
    assert bars.index("81.2 %") < bars.index("<strong>worst</strong>") + 2000
    assert bars.index("&lt;script") < bars.index("good")
    assert bars.count("<strong>worst</strong>") == 1


def test_a_single_source_is_not_called_the_worst(content: ReportContent, tmp_path: Path) -> None:
    source = content.per_source["validation"]["good"]
    alone = dataclasses.replace(without_plots(content), per_source={"test": {"only": source}})
    assert "<strong>worst</strong>" not in page_of(tmp_path, alone)


def test_what_the_card_says_of_robustness_and_collections_is_there(page: str) -> None:
    assert "elsewhere" in page
    row = page[page.index('id="robustness"') :]
    assert "saved as JPEG, quality 30" in row
    assert "0.8125" in row
    assert "[0.7777, 0.8444]" in row


def test_times_stand_with_n_and_the_cpu(page: str) -> None:
    for text in ("12.3 ms", "15.7 ms", "12.0 to 13.0 ms", "Some CPU, 2 cores", "<td>199</td>"):
        assert text in page


@pytest.mark.parametrize(("auc", "alarms"), [(0.76, True), (0.75, False)])
def test_the_audit_alarm_stands_on_top(
    content: ReportContent, tmp_path: Path, auc: float, alarms: bool
) -> None:
    note = AuditNote(roc_auc=Estimate(value=auc, low=0.7, high=0.8), strongest=f"size {HOSTILE}")
    page = page_of(tmp_path, without_plots(content, audit=note))
    assert HOSTILE not in page
    assert "size &lt;script" in page
    body = page[page.index("<body>") :]
    assert ('role="alert"' in body) == alarms
    assert not alarms or body.index('role="alert"') < body.index("<h1>")


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
    assert words in page_of(tmp_path, without_plots(content, threshold=threshold))


def test_a_recipe_line_is_named_as_it_is_set_and_spelt_as_toml_does(page: str) -> None:
    assert "train.epochs" in page
    assert "<dd>1.0, 2.5</dd>" in page


def test_without_history_the_page_says_so(content: ReportContent, tmp_path: Path) -> None:
    page = page_of(tmp_path, without_plots(content))
    assert "does not hold its loss and accuracy" in page
    assert not list(tmp_path.glob("*.png"))


def test_the_same_content_gives_the_same_bytes(
    content: ReportContent, written: Path, tmp_path: Path
) -> None:
    assert write_report(tmp_path, content).read_bytes() == written.read_bytes()


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
    figures = {"test": measure(labels, scores, content.card.threshold)}
    one_class = dataclasses.replace(
        content,
        card=msgspec.structs.replace(content.card, figures=figures),
        scored={"test": (labels, scores)},
    )
    assert "&ndash;" in page_of(tmp_path, one_class)
