"""What an audit of the training data says on top of every report: bounds, judgement, sentences."""

from enum import StrEnum

from keras_detector.card import AuditNote

WARNS_ABOVE = 0.60
"""ROC AUC of the label, told without looking at the picture, from which on a reader is warned."""

ALARMS_ABOVE = 0.75
"""The same figure from which on every later figure of the model is in doubt."""


class Judgement(StrEnum):
    """How much of the label is told by what a fair detector should not need."""

    FINE = "fine"
    WARNING = "warning"
    ALARM = "alarm"


JUDGEMENT_TEXTS: dict[Judgement, str] = {
    Judgement.FINE: (
        "Nothing found: without looking at what a picture shows, the label is told with ROC AUC "
        "{auc}, which is close to guessing (0.5)."
    ),
    Judgement.WARNING: (
        "Warning: without looking at what a picture shows, the label is told with ROC AUC {auc}, "
        "most of all by {strongest}. Part of what a model scores on this data may be just that."
    ),
    Judgement.ALARM: (
        "ALARM: without looking at what a picture shows, the label is told with ROC AUC {auc}, "
        "most of all by {strongest}. A model trained on this data may score high by that alone, "
        "and fail on pictures from elsewhere."
    ),
}
"""The sentence of each judgement, to be filled with `auc` and `strongest`."""

BY_CHANCE_TEXT = "So few pictures may give that by chance: the interval reaches 0.5."


def judge(note: AuditNote) -> Judgement:
    """The judgement of an audit: by the figure itself, whatever its interval."""
    if note.roc_auc.value > ALARMS_ABOVE:
        return Judgement.ALARM
    return Judgement.WARNING if note.roc_auc.value > WARNS_ABOVE else Judgement.FINE


def audit_sentence(note: AuditNote) -> str:
    """The judgement in words, with the figure and its 95 % interval."""
    auc, judgement = note.roc_auc, judge(note)
    text = JUDGEMENT_TEXTS[judgement].format(
        auc=f"{auc.value:.2f} [{auc.low:.2f}, {auc.high:.2f}]", strongest=note.strongest
    )
    doubtful = judgement is not Judgement.FINE and auc.low <= 0.5
    return f"{text} {BY_CHANCE_TEXT}" if doubtful else text
