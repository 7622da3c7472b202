"""Where a training run keeps what it needs to go on: one state file, replaced every epoch."""

import hashlib
import io
import json
import shutil
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import filelock
import numpy as np

from keras_detector.atomic_file import write_atomically
from keras_detector.errors import RunError, SaveError
from keras_detector.printable import printable

Arrays = list[Any]

_WRITING = "writing"


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
        self._out = out
        self.path = out.with_name(out.name + ".run")
        self._lock = filelock.FileLock(self.path / "lock")
        self._state = self.path / "state.npz"

    def __enter__(self) -> "RunDirectory":
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            self._lock.acquire(timeout=0)
        except filelock.Timeout as error:
            raise RunError(
                expected="to be the only one training this model",
                received=f"{printable(self.path)} is in use by another process",
                advice="Wait for it, or choose another --out.",
            ) from error
        except OSError as error:
            raise SaveError(
                expected=f"a directory for the run, {printable(self.path)}",
                received=error.strerror or str(error),
                advice="Choose another --out; nothing was harmed.",
            ) from error
        # A kill while a model was written leaves its temporary file behind.
        for leftover in self._out.parent.glob(f".{self._out.name[:50]}.*.part"):
            leftover.unlink(missing_ok=True)
        return self

    def __exit__(self, *_: object) -> None:
        self._lock.release()
        # Once the run is removed, only these are left to go.
        if {entry.name for entry in self.path.iterdir()} <= {"lock", _WRITING}:
            shutil.rmtree(self.path, ignore_errors=True)

    @property
    def began(self) -> bool:
        """Whether there is something to go on from: a finished epoch of any phase, or features."""
        return self.features.exists() or any(self.path.glob("*.npz"))

    @property
    def has_state(self) -> bool:
        """Whether there is a finished epoch of this phase to go on from."""
        return self._state.exists()

    @property
    def features(self) -> Path:
        """Where a frozen backbone's features are kept while the run lasts."""
        return self.path / "features"

    def phase(self, name: str) -> "RunDirectory":
        """The same directory with the state of another phase of training.

        Only the run itself is entered and left; it holds the lock.
        """
        other = RunDirectory(self._out)
        other._state = self.path / f"{name}.npz"
        return other

    @property
    def pictures(self) -> Path:
        """Where the packed pictures are kept while the run lasts."""
        return self.path / "pictures"

    @property
    def audit(self) -> Path:
        """The file in which the audit of the pictures is kept while the run lasts."""
        return self.path / "audit.json"

    @property
    def writing(self) -> bool:
        """Whether a run of this `out` came as far as writing the model's files."""
        return (self.path / _WRITING).exists()

    def note_writing(self) -> None:
        """Note that the model's files are about to be written.

        Raises:
            SaveError: it cannot be noted.
        """
        write_atomically(self.path / _WRITING, b"")

    def remove(self) -> None:
        """Delete the run's files; for a finished run, or one that is to start afresh.

        What `note_writing` noted stays as long as the directory: a restart does not change whose
        the written files are.
        """
        for entry in self.path.iterdir():
            if entry.is_dir():
                shutil.rmtree(entry)
            elif entry.name not in {"lock", _WRITING}:
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
        try:
            notes, groups = self._read()
        except (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile) as error:
            raise RunError(
                expected=f"the state of an unfinished run in {printable(self._state)}",
                received=str(error),
                advice="It was damaged from outside. Discard it with --restart.",
            ) from error
        if notes["identity"] != identity:
            raise RunError(
                expected="to go on with the same recipe, pictures and package versions",
                received=f"{printable(self.path)} was begun with others",
                advice="Choose another --out, or discard what is there with --restart.",
            )
        return RunState(
            epoch=notes["epoch"],
            finished=notes["finished"],
            seconds=notes["seconds"],
            history=notes["history"],
            stopping=notes["stopping"],
            **groups,
        )

    def _read(self) -> tuple[dict[str, Any], dict[str, Arrays]]:
        with np.load(self._state, allow_pickle=False) as arrays:
            groups: dict[str, Arrays] = {}
            for name in ("weights", "optimizer", "best_weights"):
                count = sum(key.startswith(f"{name}/") for key in arrays.files)
                groups[name] = [arrays[f"{name}/{i}"] for i in range(count)]
            return json.loads(str(arrays["notes"])), groups


def run_identity(parts: Sequence[str]) -> str:
    """A digest of everything that must stay the same for a run to go on."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()
