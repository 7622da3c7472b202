"""The error family: each says what was expected, what came, and what to do about it."""

from enum import StrEnum
from typing import Self


class ErrorKind(StrEnum):
    """Why a file cannot be used as a picture, as machines group it; people read the error."""

    NOT_FOUND = "not_found"
    NO_PERMISSION = "no_permission"
    NOT_A_FILE = "not_a_file"
    NOT_READ = "not_read"
    UNKNOWN_FORMAT = "unknown_format"
    DAMAGED = "damaged"
    TOO_LARGE = "too_large"
    NO_MEMORY = "no_memory"
    CRASHED = "crashed"
    TOO_SLOW = "too_slow"


class DetectorError(Exception):
    """Base of every error this project raises on purpose.

    A front end prints `str(error)` and exits with `exit_code`; it never shows a traceback.

    Args:
        expected: what would have been right, without a full stop.
        received: what came instead, without a full stop.
        advice: what the reader can do, a whole sentence.
    """

    exit_code = 2

    def __init__(self, *, expected: str, received: str, advice: str) -> None:
        self.expected = expected
        self.received = received
        self.advice = advice
        super().__init__(f"Expected {expected}. Received: {received}. {advice}")

    def __reduce__(self) -> tuple[object, ...]:
        # Without this, keyword-only arguments would not survive the way back from a worker process.
        return (_rebuild, (type(self), self.expected, self.received, self.advice))


def _rebuild(kind: type[DetectorError], expected: str, received: str, advice: str) -> DetectorError:
    return kind(expected=expected, received=received, advice=advice)


class ImageError(DetectorError):
    """A file cannot be used as a picture: one error row, never the end of a run.

    Args:
        expected: as `DetectorError`.
        received: as `DetectorError`.
        advice: as `DetectorError`.
        kind: what the error is counted under.
    """

    exit_code = 1

    def __init__(
        self, *, expected: str, received: str, advice: str, kind: ErrorKind = ErrorKind.DAMAGED
    ) -> None:
        super().__init__(expected=expected, received=received, advice=advice)
        self.kind = kind

    def __reduce__(self) -> tuple[object, ...]:
        return (*super().__reduce__(), {"kind": self.kind})

    @classmethod
    def from_text(cls, text: str, kind: ErrorKind) -> Self:
        """The error again, of what `str()` said of one: letter for letter the same text."""
        expected, _, rest = text.removeprefix("Expected ").partition(". Received: ")
        received, _, advice = rest.partition(". ")
        return cls(expected=expected, received=received, advice=advice, kind=kind)


class UnreadableImageError(ImageError):
    """The bytes are not a whole picture in a format we accept, or cannot be read at all."""


class ImageTooLargeError(ImageError):
    """More pixels than `pixels.MAX_PIXELS`, in a file's header or once doubled.

    Decided before any of them is decoded or computed.
    """


class EnhancementError(DetectorError):
    """A picture was to be enhanced in a way that there is not."""


class Cancelled(DetectorError):  # noqa: N818 - nothing went wrong
    """Something was stopped because somebody asked for it, and left nothing behind.

    Its exit code is the one that shells give a command ended by Ctrl+C.
    """

    exit_code = 130


class MissingPackageError(DetectorError):
    """An optional package is needed for what was asked, and is not installed."""


class ModelFileError(DetectorError):
    """A model file is not ours, was changed, or is broken."""

    exit_code = 3


class DataError(DetectorError):
    """A data directory cannot be trained on or evaluated."""


class RecipeError(DetectorError):
    """A recipe, or a change to one, does not say something we can train."""


class WeightsError(DetectorError):
    """Pretrained weights cannot be had, or are not those of the network."""


class ThresholdError(DetectorError):
    """The validation data cannot support the threshold that was asked for."""


class UsageError(DetectorError):
    """A call asks for what there is not, or for two things that do not go together."""


class RunError(DetectorError):
    """A training run or a scan cannot start or go on: a file in the way, a foreign state."""

    exit_code = 1


class SaveError(DetectorError):
    """A file could not be written; what was there before is unharmed."""

    exit_code = 1
