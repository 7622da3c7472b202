"""Every text of the page that `html_page` writes, in English; a front end may bring others."""

from collections.abc import Mapping
from dataclasses import dataclass

from keras_detector.errors import ErrorKind
from keras_detector.labels import REASON_TEXTS, UNREADABLE_TEXT, VERDICT_TEXTS, Reason, Verdict

GENERATOR = "keras-detector report"
"""By this a page of ours is known again."""

PAGE_TEXTS: dict[str, str] = {
    "title": "Photographs or AI? What a scan found",
    "lead": (
        "Each score is the probability, 0 to 1, that a picture is AI-generated or edited. "
        "Model: {models}. Threshold: {thresholds}."
    ),
    "total": "files in all",
    "reasons": "Why there are pictures without a verdict (one can have several reasons):",
    "caution": (
        "A verdict can be wrong. How often it was, on which pictures, stands in the model's card: "
        "keras-detector info."
    ),
    "histogram": "How the scores lie",
    "histogram_label": "Histogram of the scores of {n} pictures, from 0 to 1",
    "threshold": "threshold {value}",
    "suspicious": "The most suspicious pictures",
    "shown": "The {n} highest scores of those at or above the threshold.",
    "none_suspicious": "No picture's score reached the threshold.",
    "gone": "The picture is no longer there.",
    "errors": "Files that could not be read",
    "more": "and {n} more",
}

ERROR_KIND_TEXTS: dict[ErrorKind, str] = {
    ErrorKind.NOT_FOUND: "not there, or gone before it was read",
    ErrorKind.NO_PERMISSION: "no permission to read it",
    ErrorKind.NOT_A_FILE: "no file: a folder, pipe, socket or device",
    ErrorKind.NOT_READ: "the system could not read it",
    ErrorKind.UNKNOWN_FORMAT: "no picture in a format we open",
    ErrorKind.DAMAGED: "a damaged or incomplete picture",
    ErrorKind.TOO_LARGE: "more pixels than we decode",
    ErrorKind.NO_MEMORY: "not enough memory to decode it",
    ErrorKind.CRASHED: "reading it ended the process that read it",
    ErrorKind.TOO_SLOW: "reading it took longer than the limit",
}


@dataclass(frozen=True)
class ReportTexts:
    """The texts of a page, in one language.

    Attributes:
        language: its code (ISO 639-1).
        page: as `PAGE_TEXTS`, with the same placeholders.
        verdicts: as `labels.VERDICT_TEXTS`.
        reasons: as `labels.REASON_TEXTS`.
        unreadable: as `labels.UNREADABLE_TEXT`.
        error_kinds: as `ERROR_KIND_TEXTS`.
    """

    language: str
    page: Mapping[str, str]
    verdicts: Mapping[Verdict, str]
    reasons: Mapping[Reason, str]
    unreadable: str
    error_kinds: Mapping[ErrorKind, str]


ENGLISH = ReportTexts(
    "en", PAGE_TEXTS, VERDICT_TEXTS, REASON_TEXTS, UNREADABLE_TEXT, ERROR_KIND_TEXTS
)
