"""When training ends: the target is reached, nothing improves any more, or the loss is lost."""

from typing import Any

import keras
import numpy as np

from keras_detector.errors import RunError


class AccuracyTargetStopping(keras.callbacks.EarlyStopping):
    """Stops when validation accuracy reaches a target, or no longer improves.

    Either way the weights of the best epoch are restored at the end.

    Args:
        target: validation accuracy, 0 to 1, at which training is done; None for no target.
            Defaults to 0.93.
        patience: epochs without improvement after which training ends. Defaults to 10.
        monitor: the figure watched; higher is better. Defaults to `"val_accuracy"`.

    Example:
        >>> stopping = AccuracyTargetStopping(target=0.93, patience=5)
        >>> model.fit(x, y, validation_data=(vx, vy), epochs=100, callbacks=[stopping])
        >>> stopping.target_reached
        True
    """

    def __init__(
        self, target: float | None = 0.93, patience: int = 10, monitor: str = "val_accuracy"
    ) -> None:
        super().__init__(monitor=monitor, mode="max", patience=patience, restore_best_weights=True)
        self.target = target
        self.target_reached = False
        self._resumed: dict[str, Any] | None = None

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
        """Called by Keras; starts afresh unless `restore` was called before."""
        super().on_train_begin(logs)
        self.target_reached = False
        if self._resumed is not None:
            for name, value in self._resumed.items():
                setattr(self, name, value)
            self._resumed = None

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Called by Keras."""
        super().on_epoch_end(epoch, logs)
        current = self.get_monitor_value(logs)
        if self.target is not None and current is not None and current >= self.target:
            self.target_reached = True
            self.stopped_epoch = epoch
            self.model.stop_training = True

    def progress(self) -> dict[str, Any]:
        """What `restore` needs besides the best weights: plain numbers."""
        return {
            "best": None if self.best is None else float(self.best),
            "best_epoch": int(self.best_epoch),
            "wait": int(self.wait),
            "target_reached": bool(self.target_reached),
        }

    def restore(self, progress: dict[str, Any], best_weights: list[Any]) -> None:
        """Go on from what `progress` returned and the best weights at that time."""
        self._resumed = {**progress, "best_weights": best_weights}


class NonFiniteLossStopping(keras.callbacks.Callback):
    """Ends training with a `RunError` as soon as the loss is not a number.

    The state of the last finished epoch stays in the run directory.

    Args:
        rate_line: the recipe's line of the learning rate, which the message says to lower.
    """

    def __init__(self, rate_line: str = "train.learning_rate") -> None:
        super().__init__()
        self._rate_line = rate_line
        self._epoch = 0

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Called by Keras."""
        self._epoch = epoch

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        """Called by Keras."""
        self._refuse((logs or {}).get("loss"))

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Called by Keras."""
        self._refuse((logs or {}).get("val_loss"))

    def _refuse(self, loss: float | None) -> None:
        if loss is not None and not np.isfinite(loss):
            raise RunError(
                expected="a finite loss",
                received=f"{loss} in epoch {self._epoch + 1}",
                advice="The last finished epoch is kept in the run directory. Lower "
                f"{self._rate_line}, or check the pictures, and start again with --restart.",
            )
