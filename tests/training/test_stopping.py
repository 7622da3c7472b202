"""When training ends."""

import keras
import numpy as np
import pytest

from keras_detector.errors import RunError
from training.stopping import AccuracyTargetStopping, NonFiniteLossStopping


class Replay(keras.callbacks.Callback):
    """Puts chosen validation accuracies in place of the measured ones."""

    def __init__(self, accuracies: list[float]) -> None:
        super().__init__()
        self.accuracies = accuracies

    def on_epoch_end(self, epoch: int, logs=None) -> None:
        logs["val_accuracy"] = self.accuracies[epoch]
        self.model.layers[-1].bias.assign([float(epoch)])


def train(accuracies: list[float], stopping: AccuracyTargetStopping, first: int = 0):
    model = keras.Sequential([keras.layers.Input((1,)), keras.layers.Dense(1)])
    model.compile(loss="mse", optimizer=keras.optimizers.SGD(0.0))
    x = np.zeros((4, 1), "float32")
    history = model.fit(
        x,
        x,
        epochs=len(accuracies),
        initial_epoch=first,
        verbose=0,
        callbacks=[Replay(accuracies), stopping],
    )
    return len(history.epoch), float(model.layers[-1].bias.numpy()[0])


def test_it_is_keras_early_stopping_with_the_seeds_target() -> None:
    stopping = AccuracyTargetStopping()
    assert isinstance(stopping, keras.callbacks.EarlyStopping)
    assert stopping.target == 0.93


def test_it_stops_in_the_epoch_that_reaches_the_target() -> None:
    stopping = AccuracyTargetStopping(0.9)
    epochs, bias = train([0.5, 0.8, 0.9, 0.99], stopping)
    assert epochs == 3
    assert bias == 2.0
    assert stopping.target_reached


def test_it_stops_when_nothing_improves_and_keeps_the_best_weights() -> None:
    stopping = AccuracyTargetStopping(0.99, patience=2)
    epochs, bias = train([0.5, 0.8, 0.7, 0.6, 0.95], stopping)
    assert epochs == 4
    assert bias == 1.0
    assert not stopping.target_reached


def test_without_a_target_it_runs_on() -> None:
    epochs, bias = train([0.5, 1.0, 0.9], AccuracyTargetStopping(None))
    assert epochs == 3
    assert bias == 1.0


def test_it_goes_on_with_its_patience_after_a_resume() -> None:
    before = AccuracyTargetStopping(0.99, patience=3)
    train([0.5, 0.8, 0.7], before)
    after = AccuracyTargetStopping(0.99, patience=3)
    after.restore(before.progress(), before.best_weights)
    epochs, bias = train([0.5, 0.8, 0.7, 0.6, 0.6, 0.6], after, first=3)
    assert epochs == 2
    assert bias == 1.0


def test_a_loss_that_is_no_number_ends_training_with_an_error_of_ours() -> None:
    model = keras.Sequential([keras.layers.Input((1,)), keras.layers.Dense(1)])
    model.compile(loss="mse", optimizer="sgd")
    x = np.full((4, 1), np.nan, "float32")
    with pytest.raises(RunError, match=r"finite loss.*epoch 1"):
        model.fit(x, x, verbose=0, callbacks=[NonFiniteLossStopping()])
    with pytest.raises(RunError, match=r"Lower fine_tune\.learning_rate"):
        model.fit(x, x, verbose=0, callbacks=[NonFiniteLossStopping("fine_tune.learning_rate")])
