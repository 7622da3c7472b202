"""`verdict.validation = "sources"`: a threshold for sources nobody has seen."""

import shutil
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from keras_detector.card import Card
from keras_detector.errors import DataError, RecipeError, ThresholdError
from keras_detector.labelled_directory import Split
from keras_detector.model_file import read_model_file
from tests.conftest import write_dataset
from tests.training.runs import train
from tests.training.tiny_backbone import LINES as TINY
from tests.training.tiny_backbone import register
from training import transfer
from training.__main__ import main
from training.cross_validation import group_folds, held_out_logits, source_folds
from training.features import MIRRORED, PLAIN
from training.recipe import load_recipe, load_tuning_recipe
from training.transfer import training_views

LINES = (*TINY, "views.augmented=0")
SOURCES = "verdict.validation=sources"


pytestmark = pytest.mark.usefixtures("tiny_backbone")


def train_tiny(data: Path, folder: Path, *changes: str) -> Card:
    return train(data, folder / "m.keras", "transfer", (*LINES, *changes))


@pytest.fixture(scope="module")
def for_unseen(sources: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model whose threshold is one for unseen sources."""
    folder = tmp_path_factory.mktemp("unseen")
    with pytest.MonkeyPatch.context() as patched:
        register(patched)
        train_tiny(sources, folder, SOURCES)
    return folder / "m.keras"


def test_the_threshold_is_that_of_heads_that_never_saw_the_source(
    for_unseen: Path, sources: Path, tmp_path: Path
) -> None:
    known, unseen = train_tiny(sources, tmp_path), read_model_file(for_unseen).card
    assert unseen.threshold != known.threshold
    assert unseen.calibration != known.calibration
    # The network is the same; the ranking of pictures is, too.
    for split in ("train", "validation", "test"):
        one, other = known.figures[split], unseen.figures[split]
        assert one.n == other.n
        assert one.roc_auc.value == pytest.approx(other.roc_auc.value, abs=1e-9)
    assert unseen.training.recipe["verdict"]["validation"] == "sources"


def test_a_calibrated_copy_is_for_the_sources_it_was_calibrated_on(
    for_unseen: Path, sources: Path, tmp_path: Path
) -> None:
    out = tmp_path / "m.keras"
    assert main(["calibrate", str(for_unseen), str(sources), "--out", str(out)]) == 0
    assert read_model_file(out).card.training.recipe["verdict"]["validation"] == "split"


def test_a_held_out_logit_knows_nothing_of_the_source() -> None:
    names = ("camera_a", "camera_b", "gan", "diffusion")
    members = np.repeat(np.arange(4), 10)
    labels, groups = (members >= 2).astype(np.int64), np.arange(40)
    features = np.eye(4)[members]  # nothing but the source: who has seen it knows the label
    sources = [names[member] for member in members]

    def logits_of(folds: np.ndarray) -> np.ndarray:
        return held_out_logits(features, labels, groups, sources, folds, c=1.0, source_weights={})

    told = logits_of(group_folds(labels, groups, 1))
    assert told[labels == 0].max() < 0 < told[labels == 1].min()
    folds = source_folds(labels, groups, sources, 1, one_by_one=False)
    assert folds is not None
    told = logits_of(folds)
    for fold in np.unique(folds):
        assert len(np.unique(labels[folds == fold])) == 2
        assert np.ptp(told[folds == fold]) < 1e-6


def test_training_pictures_count_for_the_threshold_policy(sources: Path, tmp_path: Path) -> None:
    policy = "verdict.threshold=fpr=0.3"  # takes 9 real pictures; the validation split has 8
    with pytest.raises(ThresholdError, match="at least 9"):
        train_tiny(sources, tmp_path / "a", policy)
    assert train_tiny(sources, tmp_path / "b", policy, SOURCES).threshold.policy == "fpr=0.3"


def test_a_mirrored_model_in_8_bits_takes_it_too(sources: Path, tmp_path: Path) -> None:
    card = train_tiny(sources, tmp_path, SOURCES, "network.mirror=true", "export.twin=int8")
    assert card.twin.precision == "int8"
    assert card.figures["test"].n == 16


def test_one_source_a_class_is_refused_before_features(
    dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transfer, "extract_features", None)
    with pytest.raises(DataError, match=r"verdict\.validation"):
        train_tiny(dataset, tmp_path, SOURCES)


def test_a_fold_without_which_a_class_is_missing_is_refused_before_features(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All fakes that are trained on are copies of one source's; the other one is held out."""
    data = write_dataset(tmp_path / "data", 20)
    for place in ("real/a", "real/b", "fake/c", "fake/d"):
        (data / place).mkdir()
    for label, sources in (("real", "ab"), ("fake", "cd")):
        for number, path in enumerate(sorted((data / label).glob("*.png"))):
            copied = data / label / sources[number % 2] / path.name
            shutil.copy(path, copied)
            if label == "fake":
                shutil.copy(path, data / label / sources[1 - number % 2] / path.name)
            path.unlink()
    monkeypatch.setattr(transfer, "extract_features", None)
    with pytest.raises(DataError, match="outside of every fold"):
        train_tiny(data, tmp_path, SOURCES)


@pytest.mark.parametrize(
    ("recipe", "changes"),
    [
        ("transfer", ["head.kind=trained"]),
        ("transfer", ["head.kind=none", "fine_tune.epochs=1"]),
        ("transfer", ["fine_tune.epochs=1"]),
        ("vit-b16", []),
        ("cnn32", []),
        ("cnn32-plus", []),
    ],
)
def test_what_cannot_be_solved_again_without_a_source_is_refused(
    recipe: str, changes: list[str]
) -> None:
    load_recipe(recipe, changes)
    with pytest.raises(RecipeError, match=r"verdict\.validation"):
        load_recipe(recipe, [*changes, SOURCES])


@pytest.mark.parametrize(
    "change",
    [
        "train.balance=classes",
        "train.class_weights=[1.0, 2.0]",
        "views.augmented=2",
        "views.plain=false",
    ],
)
def test_a_head_that_is_fitted_otherwise_than_the_held_out_ones_is_refused(change: str) -> None:
    changes = [change] if "plain" not in change else [change, "views.augmented=1"]
    load_recipe("transfer", [*LINES, *changes])
    with pytest.raises(RecipeError, match=change.partition("=")[0]):
        load_recipe("transfer", [*LINES, SOURCES, change])


def test_fine_tuning_refuses_it() -> None:
    with pytest.raises(RecipeError, match=r"verdict\.validation"):
        load_tuning_recipe(None, [SOURCES])


@pytest.mark.parametrize(
    ("twin", "mirrored"), [("float32", [0, 1, 2, 3, 4]), ("float16", [3]), ("int8", [3])]
)
def test_mirror_images_are_shown_to_the_backbone_only_where_their_logits_are_used(
    twin: str, mirrored: list[int]
) -> None:
    rows = {
        Split.TRAIN: np.array([0, 2]),
        Split.VALIDATION: np.array([3]),
        Split.TEST: np.array([1, 4]),
    }
    dataset = SimpleNamespace(rows=rows, used=np.arange(5))
    lines = [*LINES, f"export.twin={twin}", "views.augmented=2"]
    plain = [(PLAIN, [0, 1, 2, 3, 4])]
    changed = [(MIRRORED + 1, [0, 2]), (MIRRORED + 2, [0, 2])]
    for mirror, expected in (("true", [(MIRRORED, mirrored)]), ("false", [])):
        views = training_views(
            load_recipe("transfer", [*lines, f"network.mirror={mirror}"]), dataset
        )
        assert [(view, shown.tolist()) for view, shown in views] == [*plain, *expected, *changed]
