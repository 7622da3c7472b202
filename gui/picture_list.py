"""Many pictures: found, judged one after the other, sorted, exported."""

import enum
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from gui.folder_walk import FoundFiles, LeftOut, find_files
from gui.worker import LATER, SOON, Task, Worker
from keras_detector.detector import Examination, Prediction
from keras_detector.errors import DetectorError, ImageError
from keras_detector.images import Picture
from keras_detector.labels import Verdict
from keras_detector.picture_files import Skipped
from keras_detector.report.thumbnails import encode_thumbnail

THUMBNAIL_SIDE = 96
"""Pixels along the longer side of a thumbnail: sharp at 200 % scaling too."""

_AHEAD = 4  # jobs in the worker's queue: it never waits for the main thread


class Stage(enum.Enum):
    """How far the list is."""

    EMPTY = enum.auto()
    LOOKING = enum.auto()
    JUDGING = enum.auto()
    FINISHED = enum.auto()
    CANCELLED = enum.auto()


class Order(enum.Enum):
    """What the list is sorted by."""

    NAME = "name"
    SCORE = "score"
    VERDICT = "verdict"


@dataclass(slots=True)
class Entry:
    """A picture of the list.

    Attributes:
        path: its file.
        examination: what the model says; None: not yet, or never because of `error`.
        error: why it has no verdict.
        thumbnail: a small JPEG file; None: not yet, or there is no picture.
    """

    path: Path
    examination: Examination | None = None
    error: ImageError | None = None
    thumbnail: bytes | None = None

    @property
    def is_done(self) -> bool:
        """Whether it has its verdict or its error."""
        return self.examination is not None or self.error is not None


_SUSPICION = (Verdict.FAKE, Verdict.UNDETERMINED, Verdict.REAL)

ExamineFile = Callable[[Path], tuple[Picture, Examination]]
"""Opens and examines a file on the judging thread; raises DetectorError."""


class PictureList:
    """The list of many pictures.

    Args:
        judge: the worker that `examine` runs on.
        helper: the worker that looks through folders.
        examine: opens and examines a file.
        changed: called in the main thread after every change.
        failed: called in the main thread with an error that is not about one picture.

    Attributes:
        entries: in the order in which they were found; to be read only.
        number: of this list; each `open` begins the next one.
        stage: how far it is.
        left_out: what was left out of folders, and why.
    """

    def __init__(
        self,
        judge: Worker,
        helper: Worker,
        examine: ExamineFile,
        changed: Callable[[], None],
        failed: Callable[[DetectorError], None],
    ) -> None:
        self.entries: list[Entry] = []
        self.number = 0
        self.stage = Stage.EMPTY
        self.left_out: dict[Skipped, LeftOut] = {}
        self._judge, self._helper = judge, helper
        self._examine, self._changed, self._failed = examine, changed, failed
        self._tasks: list[Task] = []
        self._next = self._done = 0
        self._began = 0.0

    @property
    def found(self) -> int:
        """How many pictures there are."""
        return len(self.entries)

    @property
    def done(self) -> int:
        """How many of them have a verdict or an error."""
        return self._done

    @property
    def errors(self) -> int:
        """How many of them could not be read."""
        return sum(entry.error is not None for entry in self.entries)

    @property
    def seconds_left(self) -> float | None:
        """About how long it will take, by how long it took so far; None: not known yet."""
        if self.stage is not Stage.JUDGING or self._done < 2:
            return None
        return (time.monotonic() - self._began) / self._done * (self.found - self._done)

    def open(self, paths: Sequence[Path]) -> None:
        """Begin a new list: the files, and every picture below the folders."""
        self._stop()
        self.entries, self.left_out = [], {}
        self.number += 1
        self.stage = Stage.LOOKING
        self._changed()

        def work(task: Task) -> FoundFiles:
            return find_files(paths, lambda: task.is_cancelled)

        self._submit(self._helper, work, self._found_all, self._fail, urgency=SOON)

    def judge_again(self) -> None:
        """Judge every picture of the list anew, because the model is another one."""
        if self.stage in (Stage.EMPTY, Stage.LOOKING):
            return
        self._stop()
        for entry in self.entries:
            entry.examination = entry.error = None
        self._begin()

    def cancel(self) -> None:
        """Stop; what has been judged stays."""
        if self.stage in (Stage.LOOKING, Stage.JUDGING):
            self._stop()
            self.stage = Stage.CANCELLED
            self._changed()

    def _stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        self._tasks.clear()

    def _found_all(self, found: FoundFiles) -> None:
        self.left_out = found.left_out
        self.entries = [Entry(path) for path in found.files]
        self._begin()

    def _begin(self) -> None:
        self._next = self._done = 0
        self._began = time.monotonic()
        self.stage = Stage.JUDGING if self.entries else Stage.FINISHED
        for _ in range(_AHEAD):
            self._judge_next()
        self._changed()

    def _judge_next(self) -> None:
        if self._next >= self.found:
            return
        entry = self.entries[self._next]
        self._next += 1

        def work(_: Task) -> tuple[Examination | None, ImageError | None, bytes | None]:
            try:
                picture, examination = self._examine(entry.path)
            except ImageError as error:
                return None, error, None
            small = entry.thumbnail or encode_thumbnail(picture.pixels, THUMBNAIL_SIDE)
            return examination, None, small

        def done(
            result: tuple[Examination | None, ImageError | None, bytes | None],
        ) -> None:
            entry.examination, entry.error, entry.thumbnail = result
            self._done += 1
            del self._tasks[:-_AHEAD]
            if self._done == self.found:
                self.stage = Stage.FINISHED
            self._judge_next()
            self._changed()

        self._submit(self._judge, work, done, self._fail, urgency=LATER)

    def _submit(self, worker: Worker, *job: Callable[..., object], urgency: int) -> None:
        work, done, failed = job
        self._tasks.append(worker.submit(work, done, failed, urgency=urgency))  # type: ignore[arg-type]

    def _fail(self, error: DetectorError) -> None:
        self._stop()
        self.stage = Stage.CANCELLED
        self._changed()
        self._failed(error)


def sort_key(entry: Entry, prediction: Prediction | None, order: Order) -> tuple[object, ...]:
    """Where an entry stands in an order.

    The most suspicious pictures come first; those without a score come last in every order but
    that of names.

    Args:
        entry: the picture.
        prediction: its verdict at the chosen strictness; None: it has none.
        order: what is sorted by.
    """
    name = os.fspath(entry.path).casefold()
    if order is Order.NAME:
        return (name,)
    if prediction is None:
        return (len(_SUSPICION), 0.0, name)
    rank = _SUSPICION.index(prediction.verdict) if order is Order.VERDICT else 0
    return (rank, -prediction.score, name)
