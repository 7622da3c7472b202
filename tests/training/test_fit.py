"""The whole road: a data directory in, a model file and a report out; nothing lost on the way."""

import json
import os
import resource
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import h5py
import keras
import numpy as np
import pytest

from keras_detector.card import Card
from keras_detector.detector import Detector
from keras_detector.errors import RunError, ThresholdError
from keras_detector.images import decode
from keras_detector.images import fit as fit_pixels
from keras_detector.model_file import read_model_file
from keras_detector.runtime import Runtime
from tests.conftest import TINY, write_dataset
from tests.training.runs import assert_mirrored, same_weights, train
from training import model_run
from training.__main__ import main
from training.fit import fit
from training.recipe import load_recipe
from training.stopping import NonFiniteLossStopping

ROOT = Path(__file__).parents[2]


def train_tiny(data: Path, out: Path, *changes: str, **flags: bool) -> Card:
    return train(data, out, "cnn32", (*TINY, *changes), **flags)


@pytest.fixture(scope="module")
def killed_at_the_end(dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a run leaves that was interrupted just before its model was written."""
    folder = tmp_path_factory.mktemp("killed")

    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(model_run, "write_model_file", interrupt)
        with pytest.raises(KeyboardInterrupt):
            train_tiny(dataset, folder / "m.keras")
    return folder


@pytest.fixture
def killed(killed_at_the_end: Path, tmp_path: Path) -> Path:
    """The model file to go on with, in a copy of its own."""
    shutil.copytree(killed_at_the_end, tmp_path / "killed")
    return tmp_path / "killed" / "m.keras"


AUGMENTED = ("augment.rotation=0.05", "augment.shift=1", "augment.cutmix=0.5")


@pytest.fixture(scope="module")
def straight(dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that was trained with augmentation, in one go."""
    out = tmp_path_factory.mktemp("straight") / "m.keras"
    train_tiny(dataset, out, *AUGMENTED)
    return out


def comparable(card) -> tuple:
    """What must be equal between two runs: everything but the time they took."""
    return (card.calibration, card.threshold, card.figures, card.training.data_fingerprint)


def test_a_model_file_and_its_report_come_out(tiny_model: Path) -> None:
    card = read_model_file(tiny_model).card
    assert card.name == "cnn32"
    assert set(card.figures) == {"train", "validation", "test"}
    assert sum(figures.n for figures in card.figures.values()) == 120
    assert card.figures["train"].n == 84
    assert card.training.epochs == 3
    report = tiny_model.parent / "report"
    assert (report / "report.html").exists()
    assert len(list(report.glob("*.png"))) >= 4
    assert not list(tiny_model.parent.glob("*.part"))


def test_the_tiny_network_learned_what_the_pictures_differ_in(tiny_model: Path) -> None:
    accuracy = read_model_file(tiny_model).card.figures["validation"].accuracy
    assert accuracy is not None
    assert accuracy.value > 0.8


def test_plain_keras_opens_the_file_and_agrees_with_the_twin(
    tiny_model: Path, dataset: Path
) -> None:
    network = keras.saving.load_model(tiny_model)
    model = read_model_file(tiny_model)
    runtime = Runtime(model.twin, model.card.input)
    pictures = [
        fit_pixels(decode(path), model.card.input) for path in sorted(dataset.rglob("*.png"))[:40]
    ]
    logits = network.predict(np.stack(pictures).astype("float32"), verbose=0)[:, 0]
    scores = model.card.calibration.score(logits)
    twin = model.card.calibration.score([runtime.run(picture).logit for picture in pictures])
    assert np.abs(scores - twin).max() <= 1e-5


def test_the_detector_serves_what_was_trained(tiny_model: Path, dataset: Path) -> None:
    detector = Detector(tiny_model)
    predictions = [detector.judge(path) for path in sorted((dataset / "fake").iterdir())]
    right = sum(prediction.label.text == "fake" for prediction in predictions)
    assert right / len(predictions) > 0.7


def test_two_runs_with_one_seed_give_equal_models(
    tiny_model: Path, dataset: Path, tmp_path: Path
) -> None:
    second = train_tiny(dataset, tmp_path / "m.keras")
    assert comparable(read_model_file(tiny_model).card) == comparable(second)
    assert same_weights(tiny_model, tmp_path / "m.keras")


def test_another_seed_gives_another_model(tiny_model: Path, dataset: Path, tmp_path: Path) -> None:
    second = train_tiny(dataset, tmp_path / "m.keras", "train.seed=2")
    assert comparable(read_model_file(tiny_model).card) != comparable(second)
    assert not same_weights(tiny_model, tmp_path / "m.keras")


@pytest.mark.parametrize("stop_after", [1, 2])
def test_an_interrupted_run_goes_on_to_the_same_result(
    stop_after: int,
    straight: Path,
    dataset: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from training.run_directory import RunDirectory

    keep = RunDirectory.save

    def keep_and_stop(self, state, identity) -> None:
        keep(self, state, identity)
        if state.epoch == stop_after:
            raise KeyboardInterrupt

    out = tmp_path / "m.keras"
    with monkeypatch.context() as patched:
        patched.setattr(RunDirectory, "save", keep_and_stop)
        with pytest.raises(KeyboardInterrupt):
            train_tiny(dataset, out, *AUGMENTED)
    assert not out.exists()
    resumed = train_tiny(dataset, out, *AUGMENTED)

    expected = read_model_file(straight).card
    assert resumed.training.epochs == expected.training.epochs
    assert comparable(resumed) == comparable(expected)
    assert same_weights(out, straight)


def test_a_mirrored_residual_network_goes_all_the_way(dataset: Path, tmp_path: Path) -> None:
    out = tmp_path / "m.keras"
    lines = (
        "network.channels=[4, 6, 8]",
        "network.residual_blocks=[1, 0]",
        "train.epochs=2",
        "train.batch_size=16",
        "data.split=[0.6, 0.2, 0.2]",
    )
    train(dataset, out, "cnn32-plus", lines)
    assert_mirrored(out)


def test_a_model_that_came_while_we_trained_is_not_replaced(
    killed: Path, dataset: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    report = model_run.write_report

    def somebody_else_is_faster(*arguments: object) -> None:
        report(*arguments)
        killed.write_bytes(b"theirs")

    with monkeypatch.context() as patched:
        patched.setattr(model_run, "write_report", somebody_else_is_faster)
        with pytest.raises(RunError, match="--overwrite"):
            train_tiny(dataset, killed)
    assert killed.read_bytes() == b"theirs"
    assert train_tiny(dataset, killed, overwrite=True).training.epochs == 3  # the run was kept


def test_the_file_holds_no_optimizer(tiny_model: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(tiny_model) as archive:
        archive.extract("model.weights.h5", tmp_path)
    with h5py.File(tmp_path / "model.weights.h5") as weights:
        assert "optimizer" not in weights


def test_a_kill_between_report_and_model_costs_neither(dataset: Path, killed: Path) -> None:
    assert (killed.parent / "report" / "report.html").exists()
    train_tiny(dataset, killed)
    assert killed.exists()
    assert not killed.with_name("m.keras.run").exists()


def test_a_state_that_is_damaged_or_of_another_recipe_is_not_continued_and_can_be_discarded(
    dataset: Path, killed: Path
) -> None:
    with pytest.raises(RunError, match="begun with others"):
        train_tiny(dataset, killed, "train.seed=5")
    for damage in (b"damaged", b""):
        (killed.with_name("m.keras.run") / "state.npz").write_bytes(damage)
        with pytest.raises(RunError, match="--restart"):
            train_tiny(dataset, killed)
    train_tiny(dataset, killed, "train.seed=5", restart=True)
    assert read_model_file(killed).card.training.recipe["train"]["seed"] == 5


def test_a_report_of_another_model_is_not_replaced(dataset: Path, tmp_path: Path) -> None:
    report = tmp_path / "report" / "report.html"
    report.parent.mkdir()
    report.write_text("the user's own")
    with pytest.raises(RunError, match="report"):
        train_tiny(dataset, tmp_path / "m.keras")
    assert report.read_text() == "the user's own"


def test_an_existing_model_is_neither_overwritten_nor_harmed(dataset: Path, tmp_path: Path) -> None:
    out = tmp_path / "m.keras"
    out.write_bytes(b"the user's own")
    with pytest.raises(RunError, match="--overwrite"):
        train_tiny(dataset, out)
    assert out.read_bytes() == b"the user's own"


BESIDE = "export.place=beside"


def test_a_twin_of_somebody_else_is_not_replaced(dataset: Path, tmp_path: Path) -> None:
    theirs = tmp_path / "m.tflite"
    theirs.write_bytes(b"theirs")
    with pytest.raises(RunError, match=r"m\.tflite, which exists"):
        train_tiny(dataset, tmp_path / "m.keras", BESIDE)
    assert theirs.read_bytes() == b"theirs"


@pytest.mark.parametrize("restart", [False, True])
def test_a_twin_that_a_killed_run_wrote_is_its_own(
    restart: bool, killed: Path, dataset: Path
) -> None:
    twin = killed.with_suffix(".tflite")
    twin.write_bytes(b"cut off before the model came")
    train_tiny(dataset, killed, BESIDE, restart=restart)
    assert read_model_file(killed).twin == twin.read_bytes()
    assert not killed.with_name("m.keras.run").exists()


def test_what_is_written_has_no_place_in_the_data_directory(dataset: Path, tmp_path: Path) -> None:
    before = sorted(dataset.rglob("*"))
    with pytest.raises(RunError, match="outside the data directory for --out"):
        train_tiny(dataset, dataset / "m.keras")
    recipe = load_recipe("cnn32", TINY)
    flags = {"overwrite": False, "restart": False, "announce": print}
    with pytest.raises(RunError, match="outside the data directory for --report"):
        fit(dataset, recipe, tmp_path / "m.keras", report=dataset / "report", **flags)
    assert sorted(dataset.rglob("*")) == before


def test_a_threshold_the_data_cannot_support_is_refused_with_the_reason(
    dataset: Path, tmp_path: Path
) -> None:
    with pytest.raises(ThresholdError):
        train_tiny(dataset, tmp_path / "m.keras", "verdict.threshold=fpr=0.01")


def test_a_loss_that_is_lost_leaves_the_last_finished_epoch(
    dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "m.keras"
    out.write_bytes(b"an earlier model")
    lost = NonFiniteLossStopping.on_train_batch_end

    def lose_in_the_second_epoch(self, batch, logs=None) -> None:
        lost(self, batch, {"loss": float("nan")} if self._epoch == 1 else logs)

    with monkeypatch.context() as patched:
        patched.setattr(NonFiniteLossStopping, "on_train_batch_end", lose_in_the_second_epoch)
        with pytest.raises(RunError, match="finite loss"):
            train_tiny(dataset, out, overwrite=True)
    assert out.read_bytes() == b"an earlier model"
    with np.load(tmp_path / "m.keras.run" / "state.npz") as state:
        assert json.loads(str(state["notes"]))["epoch"] == 1
    assert train_tiny(dataset, out, overwrite=True).training.epochs == 3


def test_an_exploding_loss_is_noticed(dataset: Path, tmp_path: Path) -> None:
    with pytest.raises(RunError, match="finite loss"):
        train_tiny(dataset, tmp_path / "m.keras", "train.optimizer=sgd", "train.learning_rate=1e30")


def run_command(*arguments: str, limit: int | None = None) -> subprocess.CompletedProcess[str]:
    def limit_file_size() -> None:
        if limit is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    return subprocess.run(
        [sys.executable, "-m", "training", *arguments],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
        preexec_fn=limit_file_size,
    )


def tiny_arguments(data: Path, out: Path) -> list[str]:
    arguments = ["fit", str(data), "--recipe", "cnn32", "--out", str(out)]
    for change in TINY:
        arguments += ["--set", change]
    return arguments


def test_the_command_trains_shows_progress_and_says_where_the_report_is(
    dataset: Path, tmp_path: Path
) -> None:
    out = tmp_path / "m.keras"
    done = run_command(*tiny_arguments(dataset, out))
    assert done.returncode == 0, done.stderr
    assert "report.html" in done.stdout
    assert "test accuracy" in done.stdout
    assert "epoch 3/3" in done.stderr
    assert "84 train, 24 validation, 12 test" in done.stderr
    assert "Traceback" not in done.stderr
    assert (out.parent / "m-report" / "report.html").exists()


def test_a_full_disk_while_saving_harms_nothing_and_says_so(
    tiny_model: Path, dataset: Path, tmp_path: Path
) -> None:
    out = tmp_path / "m.keras"
    shutil.copy(tiny_model, out)
    before = out.read_bytes()
    # Room for the packed pictures, not for the state of an epoch.
    larger = [*tiny_arguments(dataset, out), "--set", "network.dense_units=[256]"]
    done = run_command(*larger, "--overwrite", limit=450_000)
    assert done.returncode != 0
    assert "unharmed" in done.stderr, done.stderr
    assert "Traceback" not in done.stderr
    assert out.read_bytes() == before


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["fit"],
        ["fit", "nowhere", "--recipe", "cnn32", "--out", "m.keras"],
        ["fit", ".", "--recipe", "no-such", "--out", "m.keras"],
        ["fit", ".", "--recipe", "cnn32", "--out", "m.h5"],
    ],
)
def test_a_wrong_call_exits_with_2_and_no_traceback(
    arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = [str(tmp_path / a) if a == "m.keras" else a for a in arguments]
    try:
        code: object = main(arguments)  # what it does not catch, a traceback, fails the test
    except SystemExit as left:  # argparse's way
        code = left.code
    assert code == 2
    assert "error: " in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_killed_at_50_random_moments_it_ends_with_the_same_result(tmp_path: Path) -> None:
    """`kill -9` at random; each start goes on; the end equals an uninterrupted run."""
    data = write_dataset(tmp_path / "data", 60)
    changes = [c for c in TINY if "epochs" not in c] + ["train.epochs=30"]
    arguments = ["fit", str(data), "--recipe", "cnn32"]
    for change in changes:
        arguments += ["--set", change]
    straight, killed = tmp_path / "a" / "m.keras", tmp_path / "b" / "m.keras"
    assert run_command(*arguments, "--out", str(straight)).returncode == 0
    killed.parent.mkdir()
    rng = np.random.default_rng(0)
    kills = 0
    while kills < 50:
        process = subprocess.Popen(
            [sys.executable, "-m", "training", *arguments, "--out", str(killed)],
            cwd=ROOT,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            process.wait(timeout=rng.uniform(0.5, 14.0))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            kills += 1
        else:
            assert process.returncode == 0
        if killed.exists() and kills < 50:
            # It got to the end between two kills: a model that exists is whole. Start over.
            assert same_weights(killed, straight)
            shutil.rmtree(killed.parent)
            killed.parent.mkdir()
    if not killed.exists():
        assert run_command(*arguments, "--out", str(killed)).returncode == 0
    assert same_weights(killed, straight)
    assert comparable(read_model_file(killed).card) == comparable(read_model_file(straight).card)
