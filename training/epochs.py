"""Running the epochs of a compiled network: stopping, progress, and a state to go on from."""

import time
from dataclasses import dataclass

import keras
import numpy as np
import tensorflow as tf

from training.batches import Batches, EpochOrder, OrderedBatches
from training.progress import TrainingProgress
from training.run_directory import RunDirectory, RunState
from training.seeding import EpochSeeding
from training.stopping import AccuracyTargetStopping, NonFiniteLossStopping


@dataclass(frozen=True)
class Epochs:
    """Finished epochs.

    Attributes:
        history: Keras's history: `loss`, `accuracy`, `val_loss`, `val_accuracy`.
        best_epoch: the epoch whose weights were kept, from 1; 0 for the weights at the start.
        best_weights: these weights, in Keras's order.
        seconds: time spent training, over all resumed parts.
    """

    history: dict[str, list[float]]
    best_epoch: int
    best_weights: list[np.ndarray]
    seconds: float


def run_epochs(
    network: keras.Model,
    batches: Batches,
    validation: OrderedBatches,
    *,
    epochs: int,
    stopping: AccuracyTargetStopping,
    seed: int,
    run: RunDirectory,
    identity: str,
    rate_line: str = "train.learning_rate",
) -> Epochs:
    """Train a compiled network, or go on training it.

    Args:
        network: its optimizer is built.
        batches: what it learns from.
        validation: what decides on the best epoch.
        epochs: at the most.
        stopping: decides when to end.
        seed: draws the network's dropout.
        run: where the state of each finished epoch is kept.
        identity: what must be the same for a kept state to be gone on from.
        rate_line: the recipe's line of the learning rate.

    Raises:
        RunError: the loss is not finite, a picture has become unreadable, or `run` holds the state
            of another training.
        SaveError: the state cannot be written.
    """
    keeper = _StateKeeper(run, identity, stopping)
    done = keeper.resume(network)
    if not keeper.finished:
        try:
            network.fit(
                batches,
                validation_data=validation,
                initial_epoch=done,
                epochs=epochs,
                shuffle=False,  # `Batches` does, by seed and epoch; Keras would by what came before
                verbose=0,
                callbacks=[
                    EpochOrder(batches),
                    EpochSeeding(seed),
                    NonFiniteLossStopping(rate_line),
                    stopping,
                    TrainingProgress(epochs=epochs, batches=len(batches), done=done),
                    keeper,
                ],
            )
        except tf.errors.OpError:
            if batches.error is not None:
                raise batches.error from None
            raise
    return Epochs(keeper.history, keeper.best_epoch, keeper.best_weights, keeper.seconds)


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
