"""A head on a frozen backbone, fine-tuning, and both going on after a kill."""

import shutil
from pathlib import Path
from types import ModuleType
from typing import Any

import keras
import numpy as np
import pytest

from keras_detector.card import Card
from keras_detector.errors import RecipeError, RunError
from keras_detector.labelled_directory import Split
from keras_detector.model_file import read_model_file
from tests.training.runs import same_weights, train
from tests.training.tiny_backbone import LINES, register
from training import backbone_network, measured_card, transfer
from training import features as features_module
from training.run_directory import RunDirectory

TINY = (
    *LINES,
    "views.augmented=1",
    "fine_tune.batch_size=16",
    "fine_tune.learning_rate=0.001",
)
TRAINED = (
    "head.kind=trained",
    "head.hidden_units=[8]",
    "head.dropout=0.1",
    "train.epochs=4",
    "train.batch_size=16",
    "train.learning_rate=0.01",
)


pytestmark = pytest.mark.usefixtures("tiny_backbone")


def train_tiny(data: Path, out: Path, *changes: str) -> Card:
    return train(data, out, "transfer", (*TINY, *changes))


@pytest.fixture(scope="module")
def frozen(dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model with a logistic head on the frozen backbone."""
    out = tmp_path_factory.mktemp("frozen") / "m.keras"
    with pytest.MonkeyPatch.context() as patched:
        register(patched)
        train_tiny(dataset, out)
    return out


@pytest.mark.parametrize("changes", [(), ("network.mirror=true",), TRAINED])
def test_a_head_on_a_frozen_backbone_learns_and_is_saved(
    changes: tuple[str, ...], frozen: Path, dataset: Path, tmp_path: Path
) -> None:
    out = tmp_path / "m.keras" if changes else frozen
    card = train_tiny(dataset, out, *changes) if changes else read_model_file(frozen).card
    assert card.figures["test"].roc_auc.value > 0.8
    assert set(card.per_source["test"]) == {"real", "fake"}
    assert keras.saving.load_model(out).output_shape == (None, 1)
    assert read_model_file(out).card.training.recipe["network"]["backbone"] == "tiny"
    assert not out.with_name("m.keras.run").exists()


class StoppedError(Exception):
    pass


@pytest.mark.parametrize("changes", [(), TRAINED])
def test_fine_tuning_goes_on_after_a_kill_in_any_phase_to_the_same_result(
    changes: tuple[str, ...], dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    changes = (*changes, "fine_tune.epochs=2")
    straight = train_tiny(dataset, tmp_path / "a" / "m.keras", *changes)
    out = tmp_path / "b" / "m.keras"

    with monkeypatch.context() as patched:  # in the middle of the features
        patched.setattr(features_module, "_KEEP_EVERY", 1)
        calls = []

        def once(path: Path, data: bytes, keep=features_module.write_atomically) -> None:
            keep(path, data)
            calls.append(data)
            if len(calls) == 2:
                raise StoppedError

        patched.setattr(features_module, "write_atomically", once)
        with pytest.raises(StoppedError):
            train_tiny(dataset, out, *changes)

    keep = RunDirectory.save

    def keep_and_stop(self, state, identity) -> None:
        keep(self, state, identity)
        if "fine_tune" in self._state.name:
            raise StoppedError

    seen: list[int] = []
    with monkeypatch.context() as patched:  # after the first epoch of fine-tuning
        patched.setattr(RunDirectory, "save", keep_and_stop)
        fill = features_module._fill
        patched.setattr(
            features_module,
            "_fill",
            lambda values, note, *rest: seen.append(note.done) or fill(values, note, *rest),
        )
        with pytest.raises(StoppedError):
            train_tiny(dataset, out, *changes)
    assert seen == [64]  # features were gone on with, not begun again
    resumed = train_tiny(dataset, out, *changes)
    assert resumed.training.epochs == straight.training.epochs
    assert resumed.figures == straight.figures
    assert same_weights(out, tmp_path / "a" / "m.keras")


def test_fine_tuning_that_never_helps_leaves_the_frozen_network(
    frozen: Path, dataset: Path, tmp_path: Path
) -> None:
    out = tmp_path / "m.keras"
    tuned = train_tiny(dataset, out, "fine_tune.epochs=1", "fine_tune.learning_rate=1e-12")
    assert same_weights(frozen, out)
    assert (read_model_file(frozen).card.training.best_epoch, tuned.training.best_epoch) == (1, 1)
    assert tuned.training.epochs == 2


def test_batch_norm_stays_as_it_was_and_layers_below_the_named_one_too(
    dataset: Path, tmp_path: Path
) -> None:
    frozen, tuned = tmp_path / "a" / "m.keras", tmp_path / "b" / "m.keras"
    train_tiny(dataset, frozen, *TRAINED, "train.epochs=1")
    lines = ("fine_tune.epochs=3", "fine_tune.unfreeze=block2", "train.epochs=1")
    lines += ("fine_tune.learning_rate=0.01",)
    card = train_tiny(dataset, tuned, *TRAINED, *lines)
    assert card.training.best_epoch > 1
    before, after = (keras.saving.load_model(path) for path in (frozen, tuned))
    for name, same in (("block1_conv", True), ("block1_bn", True), ("block2_conv", False)):
        weights = [m.get_layer(name).get_weights() for m in (before, after)]
        assert same == all(np.array_equal(a, b) for a, b in zip(*weights, strict=True)), name


def test_fine_tuning_stops_at_its_target(dataset: Path, tmp_path: Path) -> None:
    lines = ("fine_tune.epochs=4", "fine_tune.patience=4", "fine_tune.target_accuracy=0.51")
    card = train_tiny(dataset, tmp_path / "m.keras", *lines)
    assert card.training.epochs == 2  # the solved head's, and one


def test_an_untrained_network_is_trained_as_a_whole(dataset: Path, tmp_path: Path) -> None:
    card = train_tiny(
        dataset,
        tmp_path / "m.keras",
        "head.kind=none",
        "fine_tune.epochs=4",
        "fine_tune.learning_rate=0.01",
        "fine_tune.freeze_batch_norm=false",
    )
    assert card.training.epochs == 4
    assert card.figures["validation"].roc_auc.value > 0.7


@pytest.mark.parametrize(
    ("module", "name", "at"),
    [
        (transfer, "extract_features", 1),
        (transfer, "fine_tune", 3),
        (measured_card, "robust_figures", None),
    ],
)
def test_a_picture_that_vanishes_in_the_middle_is_named(
    module: ModuleType,
    name: str,
    at: int | None,
    dataset: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    data = Path(shutil.copytree(dataset, tmp_path / "data"))
    work, gone = getattr(module, name), []

    def unlink_and_work(*arguments: Any, **named: Any) -> object:
        if at is None:
            gone.append(named["paths"][0])
        else:
            pictures = arguments[at]
            gone.append(pictures.paths[pictures.rows[Split.TRAIN][0]])
        gone[0].unlink()
        return work(*arguments, **named)

    monkeypatch.setattr(module, name, unlink_and_work)
    with pytest.raises(RunError, match="once more") as caught:
        train_tiny(data, tmp_path / "m.keras", "fine_tune.epochs=1")
    assert str(gone[0]) in str(caught.value)


def test_a_network_that_could_not_be_saved_is_refused_before_the_first_phase(
    dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def pooled_by_maximum(features: keras.KerasTensor, _: object) -> keras.KerasTensor:
        return keras.layers.GlobalMaxPooling2D()(features)

    monkeypatch.setattr(backbone_network, "_pooled", pooled_by_maximum)
    monkeypatch.setattr(transfer, "extract_features", None)
    with pytest.raises(RecipeError, match="GlobalMaxPooling2D"):
        train_tiny(dataset, tmp_path / "m.keras")


def test_a_layer_that_is_not_there_is_refused_before_the_first_phase(
    dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transfer, "extract_features", None)
    with pytest.raises(RecipeError, match="block1_conv"):
        train_tiny(dataset, tmp_path / "m.keras", "fine_tune.epochs=1", "fine_tune.unfreeze=blok")


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        (("network.backbone=no-such",), "a backbone"),
        (("network.options={depth = 3}",), "network.options"),
        (("network.pooling=none",), "average or flatten"),
        (('data.hold_out=["nowhere"]',), "fake, real"),
        (("train.source_weights={nowhere = 2.0}",), "fake, real"),
    ],
)
def test_what_does_not_fit_is_refused_with_what_would(
    changes: tuple[str, ...], match: str, dataset: Path, tmp_path: Path
) -> None:
    with pytest.raises(RecipeError, match=match):
        train_tiny(dataset, tmp_path / "m.keras", *changes)
