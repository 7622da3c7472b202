"""What a process of a scan does: judge files, and say what makes each known again."""

import os
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from keras_detector.card import Card, encode_card
from keras_detector.detector import Detector
from keras_detector.errors import DetectorError, ErrorKind, ImageError
from keras_detector.file_stamp import Content, FileStamp, read_small, sha256_of, stamp_of
from keras_detector.object_store import is_url, read_object, to_place
from keras_detector.rows import Row
from keras_detector.scan.line import encode_line
from keras_detector.strictness import Strictness


class ScanTask(NamedTuple):
    """A file to judge.

    Attributes:
        path: the file, or its URL.
        stamp: its stamp when it was found; None if it could not be looked at.
        known_sha256: where it has a verdict already, of what content; it is judged only if that
            has changed. None: judge it in any case.
        replaces: whether there is a line for it already.
    """

    path: str
    stamp: FileStamp | None
    known_sha256: str | None = None
    replaces: bool = False


def model_id(card: Card, strictness: Strictness) -> str:
    """By what the rows of a model at one strictness are known: 16 hexadecimal digits."""
    # The card names the hashes of everything else in the model.
    return sha256(encode_card(card) + strictness.encode()).hexdigest()[:16]


class ScanJudge:
    """Judges one file after the other, on one thread: the other cores have their own.

    Args:
        model: the model file.
        strictness: as `Detector`.

    Attributes:
        greeting: the `model_id` of the lines.

    Raises:
        ModelFileError: as `Detector`.
    """

    def __init__(self, model: Path, strictness: Strictness) -> None:
        self._detector = Detector(model, strictness, threads=1)
        self.greeting = model_id(self._detector.card, strictness)

    def __call__(self, task: ScanTask, /) -> bytes:
        """The file's line, or nothing if its content is the known one."""
        try:
            content = _read_url(task) if is_url(task.path) else read_small(task.path)
        except ImageError as error:
            return encode_line(Row(task.path, error), task.stamp, None, self.greeting)
        digest = None
        if task.known_sha256 is not None:
            digest = _sha256(task.path, content)
            if digest == task.known_sha256:
                return b""
        row = self._judge(task.path, Path(task.path) if content is None else content.data)
        if row.is_error:
            return encode_line(row, task.stamp, None, self.greeting)
        digest = digest or _sha256(task.path, content)
        # What is written to meanwhile is judged half old, half new: the next scan looks again.
        stamp = stamp_of(task.path) if content is None else content.stamp
        return encode_line(row, stamp if stamp == task.stamp else None, digest, self.greeting)

    def _judge(self, name: str, source: Path | bytes) -> Row:
        path = to_place(name)
        try:
            return Row(path, self._detector.judge(source))
        except ImageError as error:
            # Found folders are entered; one that is to be judged could not be.
            return Row(path, _closed_folder(Path(name)) if Path(name).is_dir() else error)
        except DetectorError:
            raise
        except MemoryError:
            return Row(path, _no_memory())
        # Whatever a picture brings about, the others must be judged.
        except Exception as error:  # noqa: BLE001
            return Row(path, _failed(f"{type(error).__name__}: {error}", ErrorKind.CRASHED))


def _read_url(task: ScanTask) -> Content:
    """A file elsewhere; one that is written to after it was found has another stamp next time."""
    try:
        data = read_object(task.path)
    except MemoryError as error:
        raise _no_memory() from error
    return Content(data, FileStamp(len(data), task.stamp.mtime_ns if task.stamp else 0))


def _sha256(path: str, content: Content | None) -> str | None:
    return sha256_of(path) if content is None else sha256(content.data).hexdigest()


def _closed_folder(path: Path) -> ImageError:
    kind, received = ErrorKind.NOT_A_FILE, "a folder"
    try:
        os.scandir(path).close()
    except PermissionError:
        kind, received = ErrorKind.NO_PERMISSION, "no permission to open it"
    except OSError as error:
        kind, received = ErrorKind.NOT_READ, error.strerror or str(error)
    return ImageError(
        expected="a folder whose pictures can be listed",
        received=received,
        advice="Allow it to be read, then scan again.",
        kind=kind,
    )


def _no_memory() -> ImageError:
    return _failed("more memory than it may take", ErrorKind.NO_MEMORY)


def _failed(received: str, kind: ErrorKind) -> ImageError:
    return ImageError(
        expected="a picture that can be judged",
        received=received,
        advice="Open it in a viewer; if it shows there, save it again as PNG.",
        kind=kind,
    )
