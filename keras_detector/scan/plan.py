"""What a scan is to do, and how far it is."""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from keras_detector.errors import ErrorKind
from keras_detector.object_store import Place
from keras_detector.scan.process_pool import Limits
from keras_detector.scan.sources import ScanSources
from keras_detector.strictness import Strictness


@dataclass(frozen=True)
class ScanPlan:
    """What to scan, with what, and where to write it.

    Attributes:
        sources: where the files are.
        model: the model file.
        out: the rows; which endings there are, the engine says. A scan that finds rows of an
            earlier one there goes on with them.
        report: the page to write at the end, if one is wanted.
        workers: how many processes judge; None for one on each core.
        limits: what one picture may take.
        strictness: how readily a picture is called fake.
        verify: know unchanged files by their content, not by size and time.
        retry_errors: judge files again that could not be read before.
        overwrite: begin anew, and replace files that are in the way.
    """

    sources: ScanSources
    model: Path
    out: Place
    report: Path | None
    workers: int | None
    limits: Limits
    strictness: Strictness = Strictness.BALANCED
    verify: bool = False
    retry_errors: bool = False
    overwrite: bool = False


@dataclass
class ScanCounts:
    """How far a scan is.

    Attributes:
        found: files found so far.
        all_found: whether these are all.
        unchanged: of them, those that were judged by an earlier scan and are as they were.
        unchanged_errors: of these, those that could not be read.
        judged: files this scan has written a row of.
        errors: of these, those that could not be read, by kind.
        broken: of what an earlier scan wrote, what was not whole and does not count: rows, or
            whole parts of them.
        begun: whether anything was written or cut off.
        stopped: whether it was asked to stop before the end.
    """

    found: int = 0
    all_found: bool = False
    unchanged: int = 0
    unchanged_errors: int = 0
    judged: int = 0
    errors: Counter[ErrorKind] = field(default_factory=Counter)
    broken: int = 0
    begun: bool = False
    stopped: bool = False

    @property
    def done(self) -> int:
        """Files that have a row, whichever scan wrote it."""
        return self.unchanged + self.judged

    @property
    def all_errors(self) -> int:
        """Files without a verdict, whichever scan found that."""
        return self.unchanged_errors + self.errors.total()
