"""What is done with a finished model or a folder: probe, calibrate, fine-tune, hold sources out."""

import json
import shutil
from pathlib import Path

import pytest

from keras_detector.model_file import read_model_file
from keras_detector.strictness import cost
from tests.conftest import write_dataset
from tests.training.runs import assert_mirrored, same_weights
from training import tune
from training.__main__ import main

SMALL = ("input.size=32", "head.c=0.1", "network.weights=none")
TUNE = ("fine_tune.epochs=2", "fine_tune.learning_rate=0.001", "fine_tune.batch_size=16")


pytestmark = pytest.mark.usefixtures("tiny_backbone")


def run(*arguments: object, changes: tuple[str, ...] = ()) -> int:
    return main([*map(str, arguments), *(a for change in changes for a in ("--set", change))])


def test_probe_prints_figures_for_unseen_pictures_and_unseen_sources(
    sources: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    call = ("probe", sources, "--backbone", "tiny", "--cache", tmp_path / "cache")
    assert run(*call, "--json", changes=SMALL) == 0
    found = json.loads(capsys.readouterr().out)
    for part in ("held_out_pictures", "held_out_sources"):
        assert found[part]["figures"]["n"] == 80
        auc = found[part]["figures"]["roc_auc"]
        assert auc["low"] <= auc["value"] <= auc["high"]
        assert auc["value"] > 0.8
        assert set(found[part]["per_source"]) == {"camera_a", "camera_b", "gan", "diffusion"}
        assert found[part]["worst_source"] in found[part]["per_source"]
    assert run(*call, "--leave-one-source-out", changes=SMALL) == 0
    text = capsys.readouterr().out
    assert "worst source" in text
    assert "95 %" in text
    assert not list(tmp_path.rglob("*.keras"))


def test_a_probe_takes_a_subset_and_refuses_lines_that_it_does_not_read(
    sources: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    call = ("probe", sources, "--backbone", "tiny", "--json")
    assert run(*call, changes=(*SMALL, "data.dataset_size=40")) == 0
    found = json.loads(capsys.readouterr().out)["held_out_pictures"]["figures"]
    assert (found["n_real"], found["n_fake"]) == (20, 20)
    for change in (
        "data.hold_out=[]",
        "views.augmented=1",
        "network.mirror=true",
        "head.kind=none",
    ):
        assert run(*call, changes=(change,)) == 2
        assert change in capsys.readouterr().err


def test_a_probe_of_an_unknown_backbone_lists_the_known_ones(
    sources: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("probe", sources, "--backbone", "no-such") == 2
    assert "resnet50" in capsys.readouterr().err


def test_a_held_out_source_is_tested_on_and_unknown_ones_are_refused(
    sources: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "m.keras"
    call = ("fit", sources, "--recipe", "tiny", "--out", out)
    assert run(*call, "--hold-out", "nowhere", changes=SMALL) == 2
    assert "camera_a, camera_b, diffusion, gan" in capsys.readouterr().err
    web = write_dataset(tmp_path / "web", 12, seed=9)
    (web / "real" / "broken.png").write_bytes(b"")
    call = (*call, "--hold-out", "gan", "--collection", f"web={web}")
    assert run(*call, changes=(*SMALL, "views.augmented=0", "data.split=[0.6, 0.2, 0.2]")) == 0
    card = read_model_file(out).card
    assert card.per_source["test"]["gan"].n == 20
    assert "gan" not in card.per_source["train"] | card.per_source["validation"]
    assert card.collections["web"].n == 24
    assert (card.curve.measured_on, card.curve.n_real, card.curve.n_fake) == ("web", 12, 12)
    (_, accused), (_, found) = card.collections["web"].confusion_matrix
    own = cost(card, card.threshold.value)
    assert (own.false_positive_rate.value, own.recall.value) == (accused / 12, found / 12)
    assert card.training.recipe["data"]["hold_out"] == ["gan"]
    printed, said = capsys.readouterr()
    assert "worst source" in printed
    assert "web ROC AUC" in printed
    left_out = "web: Left out 1 pictures that cannot be read"
    assert left_out in said
    assert left_out in (tmp_path / "m-report" / "report.html").read_text()


def test_calibrate_changes_the_verdict_and_not_the_network(
    tiny_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other, out = write_dataset(tmp_path / "other", 40, seed=11), tmp_path / "new.keras"
    call = ("calibrate", tiny_model, other, "--out", out, "--threshold", "fpr=0.3")
    assert run(*call) == 0
    before, after = read_model_file(tiny_model), read_model_file(out)
    assert before.twin == after.twin
    assert before.card.calibration != after.card.calibration
    assert after.card.threshold.policy == "fpr=0.3"
    assert after.card.training.recipe["verdict"]["threshold"] == "fpr=0.3"
    assert {part: figures.n for part, figures in after.card.figures.items()} == {
        "validation": 40,
        "test": 40,
    }
    (_, accused), _ = after.card.figures["validation"].confusion_matrix
    curve, own = after.card.curve, cost(after.card, after.card.threshold.value)
    assert curve.measured_on == "validation"
    assert own.false_positive_rate.value == accused / curve.n_real
    assert "Calibrated on 80 pictures of other" in after.card.summary
    assert same_weights(tiny_model, out)
    assert "test accuracy" in capsys.readouterr().out
    assert run(*call) == 1  # nothing that exists is replaced
    assert "Choose another --out" in capsys.readouterr().err


def test_a_twin_of_somebody_else_is_not_replaced_by_a_calibrated_model(
    dataset: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The shipped model's twin lies beside it."""
    model = Path(__file__).parents[2] / "models" / "ai_imageclassifier.keras"
    theirs = tmp_path / "mine.tflite"
    theirs.write_bytes(b"theirs")
    assert run("calibrate", model, dataset, "--out", tmp_path / "mine.keras") == 1
    assert "mine.tflite, which exists" in capsys.readouterr().err
    assert theirs.read_bytes() == b"theirs"


def test_fine_tune_goes_from_any_model_to_a_new_file(tiny_model: Path, tmp_path: Path) -> None:
    model = tmp_path / "mine.keras"
    shutil.copy(tiny_model, model)
    before = model.read_bytes()
    other, out = write_dataset(tmp_path / "other", 40, seed=11), tmp_path / "new.keras"
    call = ("fine-tune", model, other, "--out", out)
    assert run(*call, changes=TUNE) == 0
    old, new = read_model_file(model).card, read_model_file(out).card
    assert new.name == f"{old.name}, fine-tuned"
    assert set(old.limits) < set(new.limits)
    assert new.input == old.input
    assert sum(figures.n for figures in new.figures.values()) == 80
    assert new.training.recipe["model"] == old.training.recipe
    assert new.curve.measured_on == "validation"
    assert cost(new, new.threshold.value).recall == new.figures["validation"].recall
    assert model.read_bytes() == before
    for target in (model, out):
        assert run("fine-tune", model, other, "--out", target, changes=TUNE) == 1
    assert model.read_bytes() == before


def test_fine_tune_refuses_a_layer_that_is_not_there_before_it_reads_a_picture(
    tiny_model: Path,
    dataset: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(tune, "prepare_run", None)
    call = ("fine-tune", tiny_model, dataset, "--out", tmp_path / "new.keras")
    assert run(*call, changes=("fine_tune.unfreeze=blok",)) == 2
    assert "fine_tune.unfreeze" in capsys.readouterr().err


def test_a_mirrored_model_stays_mirrored(sources: Path, tmp_path: Path) -> None:
    first, second = tmp_path / "a.keras", tmp_path / "b.keras"
    lines = (*SMALL, "views.augmented=0", "network.mirror=true", "data.split=[0.6, 0.2, 0.2]")
    assert run("fit", sources, "--recipe", "tiny", "--out", first, changes=lines) == 0
    lines = (*TUNE, "data.split=[0.6, 0.2, 0.2]")
    assert run("fine-tune", first, sources, "--out", second, changes=lines) == 0
    assert_mirrored(second)
