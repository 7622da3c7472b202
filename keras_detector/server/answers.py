"""What the service answers, described for its OpenAPI page."""

from typing import Literal

from pydantic import BaseModel, Field

from keras_detector.errors import ErrorKind
from keras_detector.labels import Reason, Verdict


class Judgement(BaseModel):
    """What the model says of one picture; null is what it does not say where it cannot be read."""

    verdict: Verdict | None = Field(description="What a person is told.")
    label: Literal["real", "fake"] | None = Field(
        description="The score's side of the threshold, also where the verdict abstains."
    )
    score: float | None = Field(
        ge=0, le=1, description="Probability that the picture is AI-generated or edited."
    )
    threshold: float | None = Field(description="From this score on the label is `fake`.")
    model: str | None = Field(description="The model's name.")
    reasons: list[Reason] = Field(description="Why the verdict is `undetermined`.")
    error: str | None = Field(description="Why the picture could not be read.")
    error_kind: ErrorKind | None = Field(description="The same, for machines to group by.")


class NamedJudgement(Judgement):
    """A judgement of a batch."""

    path: str = Field(description="The file name as it was sent.")


class Problem(BaseModel):
    """Why a request was refused."""

    expected: str = Field(description="What would have been right.")
    received: str = Field(description="What came instead.")
    advice: str = Field(description="What to do about it.")


class Health(BaseModel):
    """That the service answers."""

    status: Literal["ok"]
