"""One row a picture: what `predict` and every other listing says, as JSON and as text."""

import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from keras_detector.detector import Detector, Prediction
from keras_detector.errors import ImageError
from keras_detector.labels import REASON_TEXTS, UNREADABLE_TEXT, VERDICT_TEXTS
from keras_detector.picture_files import list_picture_files
from keras_detector.printable import printable


@dataclass(frozen=True, slots=True)
class Row:
    """A picture's verdict, or why it has none.

    Attributes:
        path: the picture.
        result: the prediction, or the error that stands in its place.
    """

    path: Path
    result: Prediction | ImageError

    @property
    def is_error(self) -> bool:
        """Whether the picture could not be read."""
        return isinstance(self.result, ImageError)

    def to_json(self) -> str:
        """One JSON object without a line break; pure ASCII, so that any file name survives."""
        result = self.result
        prediction = None if isinstance(result, ImageError) else result
        return json.dumps(
            {
                "path": os.fspath(self.path),
                "verdict": prediction and prediction.verdict.value,
                "label": prediction and prediction.label.text,
                "score": prediction and prediction.score,
                "threshold": prediction and prediction.threshold,
                "model": prediction and prediction.model,
                "reasons": [reason.value for reason in prediction.reasons] if prediction else [],
                "error": str(result) if isinstance(result, ImageError) else None,
            }
        )

    def to_text(self) -> str:
        """One line for people: verdict, score, path and, if there is one, the reason."""
        result = self.result
        if isinstance(result, ImageError):
            return _line(UNREADABLE_TEXT, "-", self.path, str(result))
        reasons = "; ".join(REASON_TEXTS[reason] for reason in result.reasons)
        return _line(VERDICT_TEXTS[result.verdict], f"{result.score:.3f}", self.path, reasons)


def judge_files(detector: Detector, paths: Iterable[Path]) -> Iterator[Row]:
    """Judge one file after the other; an unreadable one becomes an error row."""
    for path in paths:
        try:
            yield Row(path, detector.judge(path))
        except ImageError as error:
            yield Row(path, error)


def expand_paths(paths: Iterable[Path]) -> tuple[list[Path], list[str]]:
    """The files to judge: a folder stands for the pictures below it, at any depth.

    Returns:
        the files, and what was left out of folders and why, a sentence each.
    """
    files: list[Path] = []
    findings: list[str] = []
    for path in paths:
        if os.path.isdir(path):  # noqa: PTH112  # pathlib raises on names the system refuses
            listed = list_picture_files(path)
            files.extend(path / file for folder in listed.folders.values() for file in folder)
            # Judging one gives an error row: what is in there was not looked at.
            files.extend(path / folder for folder in listed.closed)
            findings.extend(listed.findings)
        else:
            files.append(path)
    return files, findings


def _line(verdict: str, score: str, path: Path, remark: str) -> str:
    width = max(len(text) for text in VERDICT_TEXTS.values())
    ending = f"  ({remark})" if remark else ""
    return f"{verdict:<{width}}  {score:>5}  {printable(path)}{ending}"
