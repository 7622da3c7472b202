"""The training loop: from a dataset and a recipe to the best epoch's weights."""

import time
from dataclasses import dataclass
from importlib.metadata import version

import keras
import msgspec
import numpy as np

from keras_detector.labelled_directory import Split
from training.augmentation import Augmentation
from training.batches import Batches, EpochOrder, OrderedBatches
from training.dataset import Dataset
from training.network import build_trunk, compile_network
from training.progress import TrainingProgress
from training.recipe import Recipe
from training.run_directory import RunDirectory, RunState, run_identity
from training.seeding import EpochSeeding, make_deterministic
from training.stopping import AccuracyTargetStopping, NonFiniteLossStopping

PACKAGES = ("keras-detector", "keras", "tensorflow", "numpy", "pillow")
"""The packages whose versions a card names and a resumed run must share."""


@dataclass(frozen=True)
class Trained:
    """A trained network.

    Attributes:
        trunk: the network, with the best epoch's weights.
        history: Keras's history: `loss`, `accuracy`, `val_loss`, `val_accuracy`.
        epochs: epochs run.
        best_epoch: the epoch whose weights were kept, from 1.
        seconds: time spent training, over all resumed parts.
    """

    trunk: keras.Model
    history: dict[str, list[float]]
    epochs: int
    best_epoch: int
    seconds: float


def package_versions() -> dict[str, str]:
    """Installed versions of `PACKAGES`."""
    return {name: version(name) for name in PACKAGES}


def train(recipe: Recipe, dataset: Dataset, run: RunDirectory) -> Trained:
    """Train, or go on training, the recipe's network.

    Args:
        recipe: what to train.
        dataset: on what.
        run: where the state of each finished epoch is kept.

    Raises:
        RunError: the loss is not finite, or `run` holds the state of another training.
        SaveError: the state cannot be written.
    """
    settings = recipe.train
    make_deterministic(settings.seed)
    trunk = build_trunk(recipe)
    batches = Batches(
        dataset.pixels,
        dataset.labels,
        dataset.rows[Split.TRAIN],
        batch_size=settings.batch_size,
        seed=settings.seed,
        augmentation=Augmentation(recipe.augment, recipe.input.size),
        class_weights=settings.class_weights,
    )
    compile_network(trunk, recipe, len(batches))
    target = None if settings.target_accuracy == "none" else settings.target_accuracy
    stopping = AccuracyTargetStopping(target, patience=settings.patience)
    keeper = _StateKeeper(
        run,
        _identity(recipe, dataset),
        stopping,
    )
    done = keeper.resume(trunk)
    if not keeper.finished:
        trunk.fit(
            batches,
            validation_data=OrderedBatches(
                dataset.pixels, dataset.labels, dataset.rows[Split.VALIDATION]
            ),
            initial_epoch=done,
            epochs=settings.epochs,
            shuffle=False,  # `Batches` does, by seed and epoch; Keras would by what came before
            verbose=0,
            callbacks=[
                EpochOrder(batches),
                EpochSeeding(settings.seed),
                NonFiniteLossStopping(),
                stopping,
                TrainingProgress(epochs=settings.epochs, batches=len(batches), done=done),
                keeper,
            ],
        )
    # A fresh network: what trained it (optimizer, metrics) has no place in a model file.
    trained = build_trunk(recipe)
    trained.set_weights(keeper.best_weights)
    return Trained(
        trunk=trained,
        history=keeper.history,
        epochs=len(keeper.history["loss"]),
        best_epoch=keeper.best_epoch,
        seconds=keeper.seconds,
    )


def _identity(recipe: Recipe, dataset: Dataset) -> str:
    # Not the name, the texts or the verdict lines: they may change without training anew.
    decides = [recipe.input, recipe.network, recipe.data, recipe.augment, recipe.train]
    return run_identity(
        [
            *(msgspec.json.encode(part).decode() for part in decides),
            dataset.fingerprint,
            msgspec.json.encode(package_versions(), order="sorted").decode(),
        ]
    )


class _StateKeeper(keras.callbacks.Callback):
    """Keeps the state of every finished epoch, and puts it back."""

    def __init__(self, run: RunDirectory, identity: str, stopping: AccuracyTargetStopping) -> None:
        super().__init__()
        self._run, self._identity, self._stopping = run, identity, stopping
        self._began = time.monotonic()
        self.history: dict[str, list[float]] = {}
        self.seconds = 0.0
        self.finished = False
        self.best_epoch = 0
        self.best_weights: list[np.ndarray] = []

    def resume(self, network: keras.Model) -> int:
        """Put the kept state back; returns the number of epochs it has behind it."""
        state = self._run.load(self._identity)
        if state is None:
            return 0
        network.set_weights(state.weights)
        for variable, value in zip(network.optimizer.variables, state.optimizer, strict=True):
            variable.assign(value)
        self._stopping.restore(state.stopping, state.best_weights)
        self.history, self.seconds, self.finished = state.history, state.seconds, state.finished
        self.best_weights, self.best_epoch = state.best_weights, state.stopping["best_epoch"] + 1
        return state.epoch

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
        """Called by Keras."""
        self._began = time.monotonic() - self.seconds

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Called by Keras."""
        for name, value in (logs or {}).items():
            self.history.setdefault(name, []).append(float(value))
        self.seconds = time.monotonic() - self._began
        self.finished = self.model.stop_training or epoch + 1 == self.params["epochs"]
        self.best_weights = self._stopping.best_weights
        self.best_epoch = self._stopping.best_epoch + 1
        state = RunState(
            epoch=epoch + 1,
            finished=self.finished,
            seconds=self.seconds,
            history=self.history,
            stopping=self._stopping.progress(),
            weights=self.model.get_weights(),
            optimizer=[variable.numpy() for variable in self.model.optimizer.variables],
            best_weights=self.best_weights,
        )
        self._run.save(state, self._identity)
