"""`fit --leave-one-source-out`: what a head says of a source that it was trained without."""

from pathlib import Path

import numpy as np
import pytest

from keras_detector.card import UNSEEN_SOURCES, Card
from keras_detector.errors import DataError, RecipeError
from keras_detector.labelled_directory import Split
from keras_detector.model_file import read_model_file
from tests.training.runs import train
from tests.training.tiny_backbone import LINES
from training.__main__ import main
from training.dataset import Dataset
from training.features import MIRRORED, PLAIN, Features
from training.leave_one_source_out import leave_one_source_out, plan_rounds, refuse_no_frozen_head
from training.recipe import load_recipe
from training.run_directory import RunDirectory

pytestmark = pytest.mark.usefixtures("tiny_backbone")

PLAIN_VIEWS = (*LINES, "views.augmented=0")
TRAINED = ("head.kind=trained", "head.hidden_units=[8]", "train.epochs=2", "train.batch_size=16")
NAMES = ("camera_a", "camera_b", "gan", "diffusion")


def train_without(data: Path, folder: Path, *changes: str) -> Card:
    lines = (*PLAIN_VIEWS, *changes)
    return train(data, folder / "m.keras", "transfer", lines, leave_one_source_out=True)


def dataset_of(sources: list[str], labels: np.ndarray, groups: np.ndarray) -> Dataset:
    """A data set of pictures that nobody looks at; every fifth is in validation, or in test."""
    at = np.arange(len(labels))
    rows = {
        Split.TRAIN: at[at % 5 < 3],
        Split.VALIDATION: at[at % 5 == 3],
        Split.TEST: at[at % 5 == 4],
    }
    return Dataset(
        pixels=np.zeros((len(labels), 1, 1, 3), np.uint8),
        labels=labels.astype(np.int8),
        paths=tuple(Path(str(row)) for row in at),
        sources=tuple(sources),
        groups=groups,
        rows=rows,
        findings=(),
        fingerprint="f",
        summary="",
    )


def four_sources() -> Dataset:
    """20 pictures of each source, one after the other."""
    members = np.repeat(np.arange(4), 20)
    return dataset_of([NAMES[at] for at in members], members >= 2, np.arange(80))


def logits_without(dataset: Dataset, values: np.ndarray, folder: Path, *changes: str) -> np.ndarray:
    rows, views = np.tile(dataset.used, 2), np.repeat([PLAIN, MIRRORED], len(dataset.used))
    features = Features(np.tile(values, (2, 1)).astype(np.float32), rows, views)
    recipe = load_recipe("transfer", [*PLAIN_VIEWS, *changes])
    with RunDirectory(folder / "m.keras") as run:
        rounds = plan_rounds(dataset, 1)
        return leave_one_source_out(recipe, dataset, features, run, rounds).logits


@pytest.mark.parametrize("changes", [(), ("network.mirror=true",), TRAINED])
def test_a_head_knows_nothing_of_the_source_that_was_left_out(
    changes: tuple[str, ...], tmp_path: Path
) -> None:
    dataset = four_sources()
    values = np.eye(4)[np.repeat(np.arange(4), 20)]  # nothing but the source
    logits = logits_without(dataset, values, tmp_path, *changes).reshape(4, 20)
    assert np.ptp(logits, axis=1).max() < 1e-5
    # The other source of its class is all that a head has of the class: it has no reason to say so.
    assert np.abs(logits).max() < (2.0 if changes == TRAINED else 0.7)


def test_what_sources_have_in_common_is_found_in_the_one_left_out(tmp_path: Path) -> None:
    dataset = four_sources()
    rng = np.random.default_rng(0)
    values = np.column_stack([dataset.labels + rng.normal(0, 0.05, 80), rng.normal(0, 1, 80)])
    logits = logits_without(dataset, values, tmp_path)
    assert ((logits > 0) == dataset.labels).all()


def test_near_copies_in_other_sources_are_left_out_too(tmp_path: Path) -> None:
    """Every picture of camera_b is a copy of one of gan: without gan, camera_a is all that is real.

    One feature says `camera_b` alone, and could only be learnt from its pictures.
    """
    members = np.repeat(np.arange(4), 20)
    groups = np.arange(80)
    groups[20:40] = groups[40:60]
    dataset = dataset_of([NAMES[at] for at in members], members >= 2, groups)
    values = np.eye(4)[members]
    values[40:60] = values[20:40]  # as copies have it
    logits = logits_without(dataset, values, tmp_path)
    assert np.ptp(logits[40:60]) < 1e-5
    assert np.abs(logits[40:60]).max() < 0.7  # who had seen camera_b would say "real", firmly


def test_a_class_of_one_source_is_left_out_in_parts_and_that_is_said(tmp_path: Path) -> None:
    members = np.repeat([0, 0, 2, 3], 20)
    dataset = dataset_of([NAMES[at] for at in members], members >= 2, np.arange(80))
    rounds = plan_rounds(dataset, 1)
    assert rounds.left_out.tolist() == [False] * 40 + [True] * 40
    assert len(np.unique(rounds.numbers[:40])) == 5
    assert len(rounds.findings) == 1
    assert "only camera_a" in rounds.findings[0]
    logits = logits_without(dataset, np.eye(4)[members], tmp_path)
    assert logits[:40].max() < 0  # the other parts of the same source are known


def test_without_two_sources_of_a_class_it_is_refused_before_training(
    dataset: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(DataError, match="--leave-one-source-out"):
        train_without(dataset, tmp_path)
    assert "Features" not in capsys.readouterr().err


def test_a_source_that_is_all_of_a_class_in_a_split_is_named_before_any_round() -> None:
    members = np.repeat(np.arange(4), 20)
    dataset = dataset_of([NAMES[at] for at in members], members >= 2, np.arange(80))
    validation = dataset.rows[Split.VALIDATION]
    dataset.rows[Split.VALIDATION] = validation[members[validation] != 3]
    with pytest.raises(DataError, match=r"validation without any one source.*without gan"):
        plan_rounds(dataset, 1)


@pytest.mark.parametrize(
    ("recipe", "changes"),
    [
        ("cnn32", []),
        ("cnn32-plus", []),
        ("transfer", ["fine_tune.epochs=1"]),
        ("transfer", ["head.kind=none", "fine_tune.epochs=1"]),
    ],
)
def test_what_trains_the_whole_network_is_told_of_hold_out(
    recipe: str, changes: list[str], sources: Path, tmp_path: Path
) -> None:
    with pytest.raises(RecipeError, match="--hold-out"):
        refuse_no_frozen_head(load_recipe(recipe, changes))
    with pytest.raises(RecipeError, match="--hold-out"):
        train(sources, tmp_path / "m.keras", recipe, tuple(changes), leave_one_source_out=True)
    assert not list(tmp_path.iterdir())


def test_the_command_prints_it_and_card_and_report_hold_it(
    sources: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "m.keras"
    changes = [part for line in PLAIN_VIEWS for part in ("--set", line)]
    call = ["fit", str(sources), "--recipe", "transfer", "--out", str(out), *changes]
    assert main([*call, "--leave-one-source-out"]) == 0
    printed = capsys.readouterr().out
    card = read_model_file(out).card
    unseen, per_source = card.figures[UNSEEN_SOURCES], card.per_source[UNSEEN_SOURCES]
    assert (unseen.n, unseen.n_fake) == (80, 40)
    assert {name: source.n for name, source in per_source.items()} == dict.fromkeys(NAMES, 20)
    for name in NAMES:
        assert name in printed
    assert f"ROC AUC of all {unseen.roc_auc.value:.3f}" in printed
    worst = min(per_source.values(), key=lambda source: source.accuracy.value)
    assert f"accuracy {worst.accuracy.value:.2%}" in printed
    page = (tmp_path / "m-report" / "report.html").read_text()
    assert "trained without its\nsource" in page
    assert "<h3>unseen sources</h3>" in page
    assert main(["report", str(out), str(sources), "--out", str(tmp_path / "later")]) == 0
    assert "<h3>unseen sources</h3>" in (tmp_path / "later" / "report.html").read_text()


def test_the_model_is_the_one_that_is_trained_without_asking(sources: Path, tmp_path: Path) -> None:
    asked = train_without(sources, tmp_path / "a")
    plain = train(sources, tmp_path / "b" / "m.keras", "transfer", PLAIN_VIEWS)
    assert (asked.calibration, asked.threshold) == (plain.calibration, plain.threshold)
    assert asked.figures["test"] == plain.figures["test"]
    assert UNSEEN_SOURCES not in plain.figures


@pytest.mark.parametrize(
    "changes", [TRAINED, ("network.mirror=true", "export.twin=int8", "verdict.validation=sources")]
)
def test_trained_heads_and_compact_networks_have_it_too(
    changes: tuple[str, ...], sources: Path, tmp_path: Path
) -> None:
    card = train_without(sources, tmp_path, *changes)
    assert card.figures[UNSEEN_SOURCES].n == 80
    assert card.figures[UNSEEN_SOURCES].roc_auc is not None
    assert set(card.per_source[UNSEEN_SOURCES]) == set(NAMES)
