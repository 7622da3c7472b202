"""The label order and every text that states a verdict: written here, and nowhere else.

The card of a model records the order as well; a model file that disagrees is refused.
"""

from enum import IntEnum, StrEnum


class Label(IntEnum):
    """The two classes. `FAKE` is the positive one: a score is the probability of `FAKE`."""

    REAL = 0
    FAKE = 1

    @property
    def text(self) -> str:
        """The class as files and JSON spell it: `"real"` or `"fake"`."""
        return self.name.lower()


LABEL_NAMES: tuple[str, ...] = tuple(label.text for label in Label)
"""`("real", "fake")`: the order in every file, table and confusion matrix."""


class Verdict(StrEnum):
    """What a person is told about one picture."""

    REAL = "real"
    FAKE = "fake"
    UNDETERMINED = "undetermined"


class Reason(StrEnum):
    """Why a verdict is `Verdict.UNDETERMINED`."""

    TOO_SMALL = "too_small"
    RECOMPRESSED = "recompressed"
    UPSCALED = "upscaled"
    UNCERTAIN = "uncertain"


VERDICT_TEXTS: dict[Verdict, str] = {
    Verdict.REAL: "REAL IMAGE",
    Verdict.FAKE: "IMAGE MIGHT BE AI-GENERATED OR EDITED",
    Verdict.UNDETERMINED: "CANNOT TELL",
}

HEATMAP_TEXTS: tuple[str, str] = ("speaks for real", "speaks for fake")
"""The two ends of the legend of `explain`, in the order of the labels."""

UNREADABLE_TEXT = "CANNOT READ"
"""Stands where a verdict would, for a file that is no readable picture."""

ENHANCED_TEXT = "(enhanced: no verdict)"
"""Stands where a verdict would, beside the score of a picture that we changed ourselves."""

REASON_TEXTS: dict[Reason, str] = {
    Reason.TOO_SMALL: "the picture is smaller than what the model stands for",
    Reason.RECOMPRESSED: "the picture was compressed more than the model stands for",
    Reason.UPSCALED: "the picture was enlarged more than the model stands for",
    Reason.UNCERTAIN: "with such a score the model is wrong too often",
}
