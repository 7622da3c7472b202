"""One row a picture: what `predict` and every other listing says, as JSON and as text."""

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import msgspec

from keras_detector.detector import Detector, Prediction
from keras_detector.errors import ErrorKind, ImageError
from keras_detector.labels import (
    REASON_TEXTS,
    UNREADABLE_TEXT,
    VERDICT_TEXTS,
    Label,
    Reason,
    Verdict,
)
from keras_detector.object_store import Place, to_place
from keras_detector.picture_files import list_picture_files
from keras_detector.printable import printable

COLUMNS: tuple[str, ...] = (
    "path",
    "verdict",
    "label",
    "score",
    "threshold",
    "model",
    "reasons",
    "error",
    "error_kind",
)
"""The keys of a row, in their order."""

_Probability = Annotated[float, msgspec.Meta(ge=0.0, le=1.0)]


class _Judged(msgspec.Struct):
    """What a row with a verdict must hold."""

    path: str
    verdict: Verdict
    label: Literal["real", "fake"]
    score: _Probability
    threshold: _Probability
    model: str
    reasons: tuple[Reason, ...]


class _Failed(msgspec.Struct):
    """What a row without one must hold."""

    path: str
    error: str
    error_kind: ErrorKind


@dataclass(frozen=True, slots=True)
class Row:
    """A picture's verdict, or why it has none.

    Attributes:
        path: the picture, or its URL.
        result: the prediction, or the error that stands in its place.
    """

    path: Place
    result: Prediction | ImageError

    @property
    def is_error(self) -> bool:
        """Whether the picture could not be read."""
        return isinstance(self.result, ImageError)

    def to_builtins(self) -> dict[str, Any]:
        """What `to_json` says, as a dictionary."""
        result = self.result
        values: dict[str, Any] = dict.fromkeys(COLUMNS)
        values |= {"path": os.fspath(self.path), "reasons": []}
        if isinstance(result, ImageError):
            return values | {"error": str(result), "error_kind": result.kind.value}
        return values | {
            "verdict": result.verdict.value,
            "label": result.label.text,
            "score": result.score,
            "threshold": result.threshold,
            "model": result.model,
            "reasons": [reason.value for reason in result.reasons],
        }

    @classmethod
    def from_builtins(cls, fields: Mapping[str, object]) -> Self:
        """The row again, of what `to_builtins` or a line of JSON said; other keys are left alone.

        Raises:
            ValueError: it is not a row.
        """
        try:
            if fields.get("error") is not None:
                failed = msgspec.convert(fields, _Failed)
                error = ImageError.from_text(failed.error, failed.error_kind)
                return cls(to_place(failed.path), error)
            judged = msgspec.convert(fields, _Judged)
        except msgspec.ValidationError as invalid:
            raise ValueError(str(invalid)) from invalid
        prediction = Prediction(
            verdict=judged.verdict,
            label=Label.FAKE if judged.label == Label.FAKE.text else Label.REAL,
            score=judged.score,
            threshold=judged.threshold,
            model=judged.model,
            reasons=judged.reasons,
        )
        return cls(to_place(judged.path), prediction)

    def to_json(self) -> str:
        """One JSON object without a line break; pure ASCII, so that any file name survives."""
        return json.dumps(self.to_builtins())

    def to_text(self) -> str:
        """One line for people: verdict, score, path and, if there is one, the reason."""
        result = self.result
        if isinstance(result, ImageError):
            return text_line(UNREADABLE_TEXT, "-", self.path, printable(str(result)))
        reasons = "; ".join(REASON_TEXTS[reason] for reason in result.reasons)
        return text_line(VERDICT_TEXTS[result.verdict], f"{result.score:.3f}", self.path, reasons)


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


def text_line(verdict: str, score: str, path: Place, remark: str) -> str:
    """A line for people, in columns that all lines share; the remark may be empty."""
    width = max(len(text) for text in VERDICT_TEXTS.values())
    ending = f"  ({remark})" if remark else ""
    return f"{verdict:<{width}}  {score:>5}  {printable(path)}{ending}"
