"""Where a training run keeps what it needs to go on: one state file, replaced every epoch."""

import hashlib
import io
import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import filelock
import numpy as np

from keras_detector.atomic_file import write_atomically
from keras_detector.errors import RunError

Arrays = list[Any]


@dataclass(frozen=True)
class RunState:
    """A run after a finished epoch.

    Attributes:
        epoch: epochs finished.
        finished: training has ended; only calibration, figures and saving remain.
        seconds: training time so far.
        history: figure name to one value an epoch.
        stopping: `AccuracyTargetStopping.progress()`.
        weights: the network's weights, in Keras's order.
        optimizer: the optimizer's variables, in Keras's order.
        best_weights: the best epoch's weights.
    """

    epoch: int
    finished: bool
    seconds: float
    history: dict[str, list[float]]
    stopping: dict[str, Any]
    weights: Arrays
    optimizer: Arrays
    best_weights: Arrays


class RunDirectory:
    """The directory `<out>.run`, held by one process at a time.

    Args:
        out: the model file the run will write.

    Raises:
        RunError: another process is training the same model, on entering.
    """

    def __init__(self, out: Path) -> None:
        self.path = out.with_name(out.name + ".run")
        self._lock = filelock.FileLock(self.path / "lock")
        self._state = self.path / "state.npz"

    def __enter__(self) -> "RunDirectory":
        self.path.mkdir(parents=True, exist_ok=True)
        try:
            self._lock.acquire(timeout=0)
        except filelock.Timeout as error:
            raise RunError(
                expected="to be the only one training this model",
                received=f"{self.path} is in use by another process",
                advice="Wait for it, or choose another --out.",
            ) from error
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._lock.release()

    @property
    def pictures(self) -> Path:
        """Where the packed pictures are kept while the run lasts."""
        return self.path / "pictures"

    def remove(self) -> None:
        """Delete the run's files; for a finished run, or one that is to start afresh."""
        for entry in self.path.iterdir():
            if entry.is_dir():
                shutil.rmtree(entry)
            elif entry.name != "lock":
                entry.unlink()

    def save(self, state: RunState, identity: str) -> None:
        """Keep `state` in place of the last one.

        Raises:
            SaveError: it cannot be written; the last state is unharmed.
        """
        notes = {
            "identity": identity,
            "epoch": state.epoch,
            "finished": state.finished,
            "seconds": state.seconds,
            "history": state.history,
            "stopping": state.stopping,
        }
        groups = {
            "weights": state.weights,
            "optimizer": state.optimizer,
            "best_weights": state.best_weights,
        }
        arrays = {f"{name}/{i}": a for name, group in groups.items() for i, a in enumerate(group)}
        buffer = io.BytesIO()
        np.savez(buffer, notes=np.array(json.dumps(notes)), **arrays)
        write_atomically(self._state, buffer.getvalue())

    def load(self, identity: str) -> RunState | None:
        """The kept state, or None where there is none.

        Raises:
            RunError: the state belongs to another recipe, other pictures or other versions.
        """
        if not self._state.exists():
            return None
        with np.load(self._state, allow_pickle=False) as arrays:
            notes = json.loads(str(arrays["notes"]))
            if notes["identity"] != identity:
                raise RunError(
                    expected="to go on with the same recipe, pictures and package versions",
                    received=f"{self.path} was begun with others",
                    advice="Choose another --out, or discard what is there with --restart.",
                )

            def group(name: str) -> Arrays:
                count = sum(key.startswith(f"{name}/") for key in arrays.files)
                return [arrays[f"{name}/{i}"] for i in range(count)]

            return RunState(
                epoch=notes["epoch"],
                finished=notes["finished"],
                seconds=notes["seconds"],
                history=notes["history"],
                stopping=notes["stopping"],
                weights=group("weights"),
                optimizer=group("optimizer"),
                best_weights=group("best_weights"),
            )


def run_identity(parts: Sequence[str]) -> str:
    """A digest of everything that must stay the same for a run to go on."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()
