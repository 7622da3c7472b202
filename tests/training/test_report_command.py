"""`python -m training report`: from a model file and a directory, hostile names included."""

import os
import sys
from pathlib import Path

import msgspec
import numpy as np
import pytest

from keras_detector.card import Card
from keras_detector.judged_directory import JudgedDirectory
from keras_detector.measure import measure, measure_sources
from tests.conftest import write_dataset
from training.__main__ import main
from training.inference_time import Duration
from training.report.comparison import column_names, compare, write_comparison
from training.report.experiment import Experiment

HOSTILE = "<img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = write_dataset(tmp_path_factory.mktemp("data") / "test", 12, seed=9)
    (root / "fake" / HOSTILE).mkdir()
    for name in ("0000.png", "0001.png"):
        (root / "fake" / name).rename(root / "fake" / HOSTILE / f"{HOSTILE}{name}")
    if sys.platform == "linux":
        strange = os.fsdecode(b"\xff\x1b[31m<b>.png")
        (root / "real" / "0000.png").rename(root / "real" / strange)
    (root / "real" / "broken.jpg").write_bytes(b"no picture")
    return root


@pytest.fixture(scope="module")
def page(tiny_model: Path, directory: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    out = tmp_path_factory.mktemp("report") / "new"
    assert main(["report", str(tiny_model), str(directory), "--out", str(out)]) == 0
    return (out / "report.html").read_text(encoding="utf-8").replace("&nbsp;", " ")


def test_the_page_holds_the_card_and_what_was_measured_now(page: str) -> None:
    for text in ("train<span", "validation<span", "test<span", "test, measured now<span", "n = 24"):
        assert text in page
    assert "train.epochs" in page
    assert "from file to verdict" in page


def test_hits_and_misses_are_shown_with_their_heatmaps(page: str) -> None:
    assert "Photographs it was surest of" in page
    assert page.count("data:image/jpeg;base64,") >= 4
    assert "under its heatmap" in page


def test_names_of_files_and_sources_are_escaped(page: str) -> None:
    assert HOSTILE not in page
    assert "&lt;img src=x onerror" in page
    assert "<b>.png" not in page
    assert "\x1b" not in page


def test_an_unreadable_picture_is_named_and_counts_nowhere(page: str) -> None:
    assert "1 could not be read" in page
    assert "broken.jpg" in page


def test_an_existing_report_is_not_replaced_unasked(
    tiny_model: Path, directory: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "report.html").write_text("the user's own")
    call = ["report", str(tiny_model), str(directory), "--out", str(tmp_path)]
    assert main(call) == 1
    assert "--overwrite" in capsys.readouterr().err
    assert (tmp_path / "report.html").read_text() == "the user's own"


@pytest.mark.parametrize(
    "call",
    ["a.keras", "a.keras b.keras c", "--compare a.keras", "--compare a.keras d"],
)
def test_a_call_that_is_not_whole_is_refused(call: str, tmp_path: Path) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["report", *call.split(), "--out", str(tmp_path)])
    assert caught.value.code == 2


def test_a_place_that_the_system_refuses_is_an_error_of_ours(
    tiny_model: Path, directory: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    long = tmp_path / ("n" * 300)
    assert main(["report", str(tiny_model), str(directory), "--out", str(long)]) == 1
    assert main(["audit", str(directory), "--out", str(long)]) != 0
    assert "Traceback" not in capsys.readouterr().err


def test_a_missing_model_or_directory_is_an_error_of_ours(
    tiny_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["report", str(tmp_path / "m.keras"), "d", "--out", str(tmp_path)]) == 3
    assert main(["report", str(tiny_model), str(tmp_path / "d"), "--out", str(tmp_path)]) == 2
    assert "no such directory" in capsys.readouterr().err


def test_two_models_are_compared_on_a_directory(
    tiny_model: Path, directory: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other.keras"
    other.write_bytes(tiny_model.read_bytes())
    out = tmp_path / "out"
    call = ["report", "--compare", str(tiny_model), str(other), str(directory), "--out", str(out)]
    assert main(call) == 0
    markdown = (out / "comparison.md").read_text(encoding="utf-8")
    assert "| | tiny | other |" in markdown
    assert "## test, measured now" in markdown
    assert HOSTILE not in (out / "comparison.html").read_text(encoding="utf-8")


def experiment(card: Card, path: str, recipe: dict[str, object], fingerprint: str) -> Experiment:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 60)
    scores = np.clip(labels * 0.5 + rng.uniform(0, 0.5, 60), 0, 1)
    figures = measure(labels, scores, card.threshold)
    training = msgspec.structs.replace(
        card.training, recipe=recipe, data_fingerprint=fingerprint * 64
    )
    judged = JudgedDirectory(
        name=f"a|b {HOSTILE}", pictures=(), labels=labels, scores=scores, seconds=np.ones(60),
        figures=figures, unreadable={}, findings=(),
        per_source=measure_sources(labels, scores, [f"`{HOSTILE}`"] * 60, card.threshold),
    )  # fmt: skip
    return Experiment(
        path=Path(path),
        card=msgspec.structs.replace(card, training=training, figures={"test": figures}),
        n_bytes=2_500_000,
        network=Duration(median=1.5, low=1.25, high=2.0, n=50),
        judged=judged,
    )


@pytest.fixture
def experiments(card: Card) -> list[Experiment]:
    return [
        experiment(card, "a/m.keras", {"train": {"epochs": 3, "seed": 1}}, "0"),
        experiment(card, "b/m.keras", {"train": {"epochs": 5, "seed": 1, "new": "x"}}, "1"),
    ]


def test_only_what_differs_is_listed(experiments: list[Experiment]) -> None:
    differing = compare(experiments)[0]
    assert {line.name: line.cells for line in differing.lines} == {
        "train.epochs": ("3", "5"),
        "train.new": ("-", "x"),
    }


def test_every_figure_of_the_table_has_its_interval_time_and_size(
    experiments: list[Experiment], tmp_path: Path
) -> None:
    write_comparison(tmp_path, experiments, "Some CPU.")
    markdown = (tmp_path / "comparison.md").read_text(encoding="utf-8")
    auc = experiments[0].card.figures["test"].roc_auc
    assert auc is not None
    assert f"| ROC AUC | {auc.value:.4f} [{auc.low:.4f}, {auc.high:.4f}] |" in markdown
    assert "| model, MB | 2.5 | 2.5 |" in markdown
    assert "1.50" in markdown
    assert "trained on different pictures" in markdown


def test_a_strangers_name_breaks_neither_table(
    experiments: list[Experiment], tmp_path: Path
) -> None:
    page = write_comparison(tmp_path, experiments, "Some CPU.").read_text(encoding="utf-8")
    markdown = (tmp_path / "comparison.md").read_text(encoding="utf-8")
    assert HOSTILE not in page
    assert HOSTILE not in markdown
    for line in markdown.splitlines():
        if line.startswith("|"):
            assert line.replace("\\|", "").count("|") == 4, line


def test_models_of_one_name_are_told_apart_by_their_paths() -> None:
    paths = [Path("a/m.keras"), Path("b/m.keras"), Path("n.keras")]
    assert column_names(paths) == [str(Path("a/m")), str(Path("b/m")), "n"]
