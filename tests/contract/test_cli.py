"""The command line as section 2 of the design promises it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from keras_detector.model_file import read_model_file
from keras_detector.strictness import Strictness, threshold_for
from tests.conftest import draw_picture

ROOT = Path(__file__).parents[2]
KEYS = {"path", "verdict", "label", "score", "threshold", "model", "reasons", "error"}


def run(*arguments: str | Path, text: bool = True) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-m", "keras_detector.cli", *map(os.fspath, arguments)],
        capture_output=True,
        text=text,
        cwd=ROOT,
    )


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "picture.png"
    Image.fromarray(draw_picture(np.random.default_rng(5), fake=True, size=64)).save(path)
    return path


@pytest.fixture
def folder(tmp_path: Path, picture: Path) -> Path:
    """Three good pictures at different depths, and one that is text."""
    deep = tmp_path / "a" / "b"
    deep.mkdir(parents=True)
    rng = np.random.default_rng(6)
    Image.fromarray(draw_picture(rng, fake=False, size=40)).save(tmp_path / "a" / "one.webp")
    Image.fromarray(draw_picture(rng, fake=False, size=40)).save(deep / "two.JPG")
    (deep / "text.jpg").write_text("not a picture")
    (tmp_path / "notes.txt").write_text("left alone")
    return tmp_path


def rows_of(done: subprocess.CompletedProcess) -> list[dict]:
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_predict_json_is_one_object_a_picture(tiny_model: Path, picture: Path) -> None:
    done = run("predict", picture, "--model", tiny_model, "--json")
    assert done.returncode == 0, done.stderr
    (row,) = rows_of(done)
    assert set(row) >= KEYS
    assert row["path"] == str(picture)
    assert row["verdict"] in {"real", "fake", "undetermined"}
    assert row["label"] == ("fake" if row["score"] >= row["threshold"] else "real")
    assert 0 <= row["score"] <= 1
    assert row["threshold"] == read_model_file(tiny_model).card.threshold.value
    assert row["model"] == "cnn32"
    assert row["error"] is None


def test_a_folder_is_judged_whole_and_one_bad_file_costs_one_row(
    tiny_model: Path, folder: Path
) -> None:
    done = run("predict", folder, "--model", tiny_model, "--json")
    assert done.returncode == 1
    rows = rows_of(done)
    assert {Path(row["path"]).name for row in rows} == {
        "picture.png", "one.webp", "two.JPG", "text.jpg",
    }  # fmt: skip
    bad = [row for row in rows if row["error"]]
    assert [Path(row["path"]).name for row in bad] == ["text.jpg"]
    assert bad[0]["verdict"] is None
    assert bad[0]["score"] is None
    assert "Traceback" not in done.stderr


def test_text_output_states_verdict_score_and_path(tiny_model: Path, folder: Path) -> None:
    done = run("predict", folder, "--model", tiny_model)
    lines = done.stdout.splitlines()
    assert len(lines) == 4
    assert sum(line.startswith("CANNOT READ") for line in lines) == 1
    starts = ("REAL IMAGE", "IMAGE MIGHT BE AI-GENERATED OR EDITED", "CANNOT TELL", "CANNOT READ")
    assert all(line.startswith(starts) for line in lines)


def test_a_missing_file_is_an_error_row(tiny_model: Path, picture: Path) -> None:
    done = run("predict", "missing.png", picture, "--model", tiny_model, "--json")
    assert done.returncode == 1
    missing, found = rows_of(done)
    assert "no such file" in missing["error"]
    assert found["error"] is None


def test_a_picture_smaller_than_the_input_is_undetermined(tiny_model: Path, tmp_path: Path) -> None:
    path = tmp_path / "tiny.png"
    Image.fromarray(draw_picture(np.random.default_rng(5), fake=True, size=16)).save(path)
    (row,) = rows_of(run("predict", path, "--model", tiny_model, "--json"))
    assert row["verdict"] == "undetermined"
    assert "too_small" in row["reasons"]
    assert row["label"] in {"real", "fake"}


@pytest.mark.skipif(sys.platform != "linux", reason="names that are not UTF-8 need a Linux disk")
def test_a_name_that_is_not_utf8_survives_json_and_prints(
    tiny_model: Path, picture: Path, tmp_path: Path
) -> None:
    name = os.fsencode(tmp_path) + b"/\xff\nodd\x1b[31m.png"
    os.link(picture, name)
    done = run("predict", os.fsdecode(name), "--model", tiny_model, "--json", text=False)
    assert done.returncode == 0, done.stderr
    assert os.fsencode(json.loads(done.stdout)["path"]) == name
    done = run("predict", os.fsdecode(name), "--model", tiny_model, text=False)
    assert done.returncode == 0
    assert b"\x1b" not in done.stdout
    assert done.stdout.count(b"\n") == 1


def test_evaluate_json_has_every_promised_figure(tiny_model: Path, dataset: Path) -> None:
    done = run("evaluate", dataset, "--model", tiny_model, "--json")
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    promised = {
        "accuracy", "balanced_accuracy", "precision", "recall", "roc_auc", "pr_auc", "threshold",
        "confusion_matrix", "brier", "ece", "n", "per_source", "confidence_intervals",
        "coverage", "covered_error",
    }  # fmt: skip
    assert promised <= set(result)
    assert result["n"] == 120
    (tn, fp), (fn, tp) = result["confusion_matrix"]
    assert tn + fp == fn + tp == 60
    assert result["accuracy"] == pytest.approx((tn + tp) / 120)
    low, high = result["confidence_intervals"]["accuracy"]
    assert low < result["accuracy"] <= high
    assert sum(source["n"] for source in result["per_source"].values()) == 120


def test_evaluate_agrees_with_predict(tiny_model: Path, dataset: Path) -> None:
    rows = rows_of(run("predict", dataset, "--model", tiny_model, "--json"))
    called_fake = sum(row["label"] == "fake" for row in rows)
    (_, fp), (_, tp) = json.loads(run("evaluate", dataset, "--model", tiny_model, "--json").stdout)[
        "confusion_matrix"
    ]
    assert called_fake == fp + tp


def test_strictness_moves_the_threshold_that_decides(tiny_model: Path, dataset: Path) -> None:
    card = read_model_file(tiny_model).card
    accused = {}
    for level in Strictness:
        call = (dataset, "--model", tiny_model, "--json", "--strictness", level)
        wanted = threshold_for(card, level).value
        rows = rows_of(run("predict", *call))
        assert {row["threshold"] for row in rows} == {wanted}
        assert all((row["label"] == "fake") == (row["score"] >= wanted) for row in rows)
        accused[level] = sum(row["label"] == "fake" for row in rows)
        result = json.loads(run("evaluate", *call).stdout)
        assert result["threshold"] == wanted
        (_, fp), (_, tp) = result["confusion_matrix"]
        assert fp + tp == accused[level]
    assert accused["cautious"] <= accused["balanced"] <= accused["sensitive"]
    assert accused["cautious"] < accused["sensitive"]


def test_an_unknown_strictness_exits_with_2_and_names_the_known_ones(picture: Path) -> None:
    done = run("predict", picture, "--strictness", "harsh")
    assert done.returncode == 2
    assert "harsh is none of cautious, balanced, sensitive" in done.stderr


def test_evaluate_counts_unreadable_files_and_exits_with_1(
    tiny_model: Path, tmp_path: Path
) -> None:
    rng = np.random.default_rng(0)
    for name in ("real", "fake"):
        (tmp_path / name).mkdir()
        for number in range(3):
            pixels = draw_picture(rng, fake=name == "fake")
            Image.fromarray(pixels).save(tmp_path / name / f"{number}.png")
    (tmp_path / "fake" / "broken.png").write_bytes(b"\x89PNG\r\n")
    done = run("evaluate", tmp_path, "--model", tiny_model, "--json")
    assert done.returncode == 1
    result = json.loads(done.stdout)
    assert result["n"] == 6
    assert len(result["unreadable"]) == 1


def test_evaluate_text_shows_the_table(tiny_model: Path, dataset: Path) -> None:
    done = run("evaluate", dataset, "--model", tiny_model)
    assert done.returncode == 0, done.stderr
    for word in ("accuracy", "ROC AUC", "Brier", "expected calibration error"):
        assert word in done.stdout


def test_info_prints_the_card(tiny_model: Path) -> None:
    done = run("info", tiny_model, "--json")
    assert done.returncode == 0, done.stderr
    card = json.loads(done.stdout)
    assert card["labels"] == ["real", "fake"]
    assert set(card["sha256"]) >= {"config.json", "model.tflite", "model.weights.h5"}
    text = run("info", tiny_model).stdout
    assert "95 % intervals" in text
    assert "Limits" in text
    assert text.count(" photographs, finds ") == 3


@pytest.mark.parametrize("command", ["predict", "evaluate", "info"])
def test_a_bad_model_file_exits_with_3(command: str, picture: Path, tmp_path: Path) -> None:
    model = tmp_path / "bad.keras"
    model.write_bytes(b"PK\x03\x04 not a model")
    target = [] if command == "info" else [picture if command == "predict" else tmp_path]
    done = run(command, *target, "--model", model)
    assert done.returncode == 3
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize("arguments", [[], ["predict"], ["judge", "x"], ["predict", "x", "--no"]])
def test_a_wrong_call_exits_with_2(arguments: list[str]) -> None:
    done = run(*arguments)
    assert done.returncode == 2
    assert "usage" in done.stderr


def test_evaluating_an_unlabelled_directory_exits_with_2(tiny_model: Path, picture: Path) -> None:
    done = run("evaluate", picture.parent, "--model", tiny_model)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def test_an_empty_folder_is_not_silently_fine(tiny_model: Path, tmp_path: Path) -> None:
    done = run("predict", tmp_path, "--model", tiny_model)
    assert done.returncode == 1
    assert "No pictures found" in done.stderr


def test_a_reader_that_stops_early_sees_no_complaint(tiny_model: Path, dataset: Path) -> None:
    command = f"'{sys.executable}' -m keras_detector.cli predict '{dataset}' --model '{tiny_model}'"
    done = subprocess.run(
        f"{command} | head -n 1", shell=True, capture_output=True, text=True, cwd=ROOT
    )
    assert done.stdout.count("\n") == 1
    assert done.stderr == ""


def test_version_answers_before_anything_heavy_is_imported() -> None:
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "keras_detector.cli", "--version"],
        capture_output=True,
        text=True,
        cwd=ROOT,
    )
    assert done.stdout.strip()
    assert "numpy" not in done.stderr


@pytest.mark.skipif(os.name == "nt", reason="a shell of POSIX")
@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-"])
def test_a_closed_stream_ends_nothing(closed: str, tiny_model: Path, picture: Path) -> None:
    """What is opened next would take its place."""
    command = f"{sys.executable} -m keras_detector.cli predict"
    call = f"{command} '{picture}' --model '{tiny_model}' {closed}"
    done = subprocess.run(["sh", "-c", call], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert bool(done.stdout) is (closed == "2>&-")
