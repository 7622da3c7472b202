"""A frozen backbone's features of every picture, computed once and kept on the disk.

Where a pass is cut off it goes on: the features lie in one array, and a small file beside it says
up to where they are whole.
"""

import errno
import hashlib
import os
import time
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import keras
import msgspec
import numpy as np
import numpy.typing as npt
import tensorflow as tf
from tqdm import tqdm

from keras_detector.atomic_file import write_atomically
from keras_detector.card import InputSpec
from keras_detector.errors import RunError, SaveError
from keras_detector.images import fit
from keras_detector.pixels import Pixels
from keras_detector.printable import printable
from training.reread import reread
from training.web_augmentation import WebAugmentation

PLAIN, MIRRORED = 0, 1
"""Views: the picture as it is served, and its mirror image. From 2 on: changed as the web does."""

_BATCH = 32
_KEEP_EVERY = 16  # batches; what a kill costs
_AHEAD = 4  # batches that are decoded while one is computed


class Pictures(Protocol):
    """What features are computed of: a `Dataset`, or pictures that were given no splits."""

    @property
    def pixels(self) -> Pixels:
        """Uint8 (n, s, s, 3), the network's inputs."""

    @property
    def paths(self) -> tuple[Path, ...]:
        """The file behind each row."""

    @property
    def fingerprint(self) -> str:
        """Another one for other pictures."""


@dataclass(frozen=True)
class Features:
    """What a backbone makes of pictures.

    Attributes:
        values: float32 (m, d); memory-mapped.
        rows: int64 (m,), the row of the pictures behind each.
        views: int64 (m,), `PLAIN`, `MIRRORED`, or a changed view's number.
        seconds: what computing them took, over all resumed parts.
    """

    values: npt.NDArray[np.float32]
    rows: npt.NDArray[np.int64]
    views: npt.NDArray[np.int64]
    seconds: float = 0.0

    def of(self, rows: npt.NDArray[np.int64], view: int) -> npt.NDArray[np.float32]:
        """The features of `rows` in one view; each must be there."""
        members = np.flatnonzero(self.views == view)
        members = members[np.argsort(self.rows[members], kind="stable")]
        places = np.searchsorted(self.rows[members], rows)
        return np.asarray(self.values[members[places]])


class _Progress(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    identity: str
    done: int
    seconds: float = 0.0


def extract_features(
    extractor: keras.Model,
    pictures: Pictures,
    views: Sequence[tuple[int, npt.NDArray[np.int64]]],
    *,
    spec: InputSpec,
    augmentation: WebAugmentation,
    seed: int,
    cache: Path,
) -> Features:
    """Compute features, or find those of an earlier, perhaps unfinished, time.

    A progress bar stands on stderr.

    Args:
        extractor: pictures (n, s, s, 3), 0 to 255, to features (n, d).
        pictures: of what.
        views: a view's number and the rows that are shown in it.
        spec: what the backbone sees.
        augmentation: makes the views from 2 on out of the decoded pictures.
        seed: of these views.
        cache: a directory, made if missing.

    Raises:
        SaveError: the features cannot be written; those already kept are unharmed.
        RunError: a picture has become unreadable since it was packed, or a feature is not finite.
    """
    rows = np.concatenate([members for _, members in views])
    numbers = np.concatenate([np.full(len(members), view) for view, members in views])
    shape = (len(rows), int(extractor.output_shape[-1]))
    identity = _identity(extractor, pictures, rows, numbers, spec, seed, augmentation)
    array_file, progress_file = cache / "features.npy", cache / "features.json"
    try:
        cache.mkdir(parents=True, exist_ok=True)
        note, values = _kept(array_file, progress_file, identity, shape)
        if note.done < len(rows):
            makers = _Inputs(pictures, rows, numbers, spec, augmentation, seed)
            note = _fill(values, note, extractor, makers, progress_file)
    except OSError as error:
        raise SaveError(
            expected=f"to write {shape[0]:,} x {shape[1]:,} features to {printable(cache)}",
            received=error.strerror or str(error),
            advice="Free some space and run the same command again: it goes on from here.",
        ) from error
    return Features(np.load(array_file, mmap_mode="r"), rows, numbers, note.seconds)


class _Inputs:
    """Makes the network's inputs for a span of pictures, on as many threads as there are cores."""

    def __init__(
        self,
        pictures: Pictures,
        rows: npt.NDArray[np.int64],
        views: npt.NDArray[np.int64],
        spec: InputSpec,
        augmentation: WebAugmentation,
        seed: int,
    ) -> None:
        self._pictures, self._rows, self._views = pictures, rows, views
        self._spec, self._augmentation, self._seed = spec, augmentation, seed

    def __len__(self) -> int:
        return len(self._rows)

    def submit(self, pool: ThreadPoolExecutor, start: int) -> list[Future[Pixels]]:
        return [pool.submit(self._make, at) for at in range(start, min(start + _BATCH, len(self)))]

    def _make(self, at: int) -> Pixels:
        row, view = int(self._rows[at]), int(self._views[at])
        if view == PLAIN:
            return np.asarray(self._pictures.pixels[row])
        if view == MIRRORED:
            return np.asarray(self._pictures.pixels[row][:, ::-1])
        pixels = reread(self._pictures.paths[row])
        return fit(self._augmentation(pixels, [self._seed, row, view]), self._spec)


def _fill(
    values: npt.NDArray[np.float32],
    note: _Progress,
    extractor: keras.Model,
    inputs: _Inputs,
    progress_file: Path,
) -> _Progress:
    began = time.monotonic() - note.seconds
    size = extractor.input_shape[1:]
    compute = tf.function(
        lambda shown: tf.cast(extractor(shown, training=False), tf.float32),
        input_signature=[tf.TensorSpec((None, *size), tf.float32)],
    )
    total = len(inputs)
    starts = deque(range(note.done, total, _BATCH))
    waiting: deque[tuple[int, list[Future[Pixels]]]] = deque()
    bar = tqdm(total=total, initial=note.done, desc="Features", unit="view", disable=None)
    pool = ThreadPoolExecutor(os.cpu_count() or 1)
    try:
        with bar:
            while starts or waiting:
                while starts and len(waiting) < _AHEAD:
                    start = starts.popleft()
                    waiting.append((start, inputs.submit(pool, start)))
                start, futures = waiting.popleft()
                shown = np.stack([future.result() for future in futures])
                features = compute(shown.astype(np.float32)).numpy()
                if not np.isfinite(features).all():
                    raise RunError(
                        expected="finite features",
                        received="a backbone that gives others",
                        advice="Check its weights, or use train.precision=float32.",
                    )
                values[start : start + len(features)] = features
                if (not starts and not waiting) or (start // _BATCH) % _KEEP_EVERY == 0:
                    values.flush()  # type: ignore[attr-defined]
                    note = _Progress(
                        identity=note.identity,
                        done=start + len(features),
                        seconds=time.monotonic() - began,
                    )
                    write_atomically(progress_file, msgspec.json.encode(note))
                bar.update(len(features))
    finally:
        pool.shutdown(cancel_futures=True)
    return note


def _kept(
    array_file: Path, progress_file: Path, identity: str, shape: tuple[int, int]
) -> tuple[_Progress, npt.NDArray[np.float32]]:
    try:
        note = msgspec.json.decode(progress_file.read_bytes(), type=_Progress)
        values = np.load(array_file, mmap_mode="r+")
        if note.identity == identity and values.shape == shape and values.dtype == np.float32:
            return note, values
    except (OSError, ValueError, msgspec.MsgspecError):
        pass
    progress_file.unlink(missing_ok=True)
    values = np.lib.format.open_memmap(array_file, mode="w+", dtype=np.float32, shape=shape)
    _reserve(array_file)
    return _Progress(identity=identity, done=0), values


def _reserve(file: Path) -> None:
    """Claim the space of a file's holes now: where a disk fills up, writing to a map is a crash."""
    if not hasattr(os, "posix_fallocate"):  # Windows and macOS have none
        return
    with file.open("r+b") as opened:
        size = os.fstat(opened.fileno()).st_size
        try:
            os.posix_fallocate(opened.fileno(), 0, size)
        except OSError as error:
            if error.errno not in (errno.EOPNOTSUPP, errno.EINVAL):  # a file system without it
                raise


def _identity(
    extractor: keras.Model,
    pictures: Pictures,
    rows: npt.NDArray[np.int64],
    views: npt.NDArray[np.int64],
    spec: InputSpec,
    seed: int,
    augmentation: WebAugmentation,
) -> str:
    policy = extractor.layers[-1].dtype_policy.name
    # The fingerprint is of the pictures as they were decoded: what is made of them is the spec's.
    settings = f"{pictures.fingerprint} {spec} {seed} {augmentation} {policy}"
    digest = hashlib.sha256(settings.encode())
    digest.update(rows.tobytes() + views.tobytes())
    digest.update(b"".join(os.fsencode(pictures.paths[row]) for row in np.unique(rows)))
    for weight in extractor.get_weights():
        digest.update(f"{weight.shape}".encode() + np.ascontiguousarray(weight).data)
    return digest.hexdigest()
