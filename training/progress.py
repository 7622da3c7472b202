"""The progress bar of a training run: all epochs in one bar, with the time left."""

import sys
from typing import Any

import keras
from tqdm import tqdm


class TrainingProgress(keras.callbacks.Callback):
    """Shows batches done of all epochs, time left, and a line an epoch, on stderr.

    Args:
        epochs: epochs planned.
        batches: batches an epoch.
        done: epochs finished before, in a resumed run.
    """

    def __init__(self, *, epochs: int, batches: int, done: int) -> None:
        super().__init__()
        self._epochs, self._batches, self._done = epochs, batches, done
        self._bar: Any = None

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
        """Called by Keras."""
        self._bar = tqdm(
            total=self._epochs * self._batches,
            initial=self._done * self._batches,
            desc="training",
            unit="batch",
            mininterval=0.5,
            dynamic_ncols=True,
        )

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        """Called by Keras."""
        self._bar.update()

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Called by Keras."""
        logs = logs or {}
        figures = "  ".join(f"{name} {value:.4f}" for name, value in logs.items())
        self._bar.write(f"epoch {epoch + 1}/{self._epochs}  {figures}", file=sys.stderr)

    def on_train_end(self, logs: dict[str, float] | None = None) -> None:
        """Called by Keras; leaves a bar that stopped early as it stands."""
        self._bar.close()
