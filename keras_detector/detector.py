"""From a picture to a verdict: decode, fit, run, calibrate, decide."""

from dataclasses import dataclass
from pathlib import Path

from keras_detector import images
from keras_detector.card import Card
from keras_detector.labels import Label, Reason, Verdict
from keras_detector.model_file import read_model_file
from keras_detector.pixels import Pixels
from keras_detector.runtime import Runtime


@dataclass(frozen=True, slots=True)
class Prediction:
    """What a model says of one picture.

    Attributes:
        verdict: what a person is told.
        label: which side of the threshold the score is on, also where the verdict abstains.
        score: probability, 0 to 1, that the picture is AI-generated or edited.
        threshold: from this score on the label is `Label.FAKE`.
        model: the model's name.
        reasons: why the verdict is undetermined; empty otherwise.
    """

    verdict: Verdict
    label: Label
    score: float
    threshold: float
    model: str
    reasons: tuple[Reason, ...]


class Detector:
    """A model, ready to judge.

    Not safe to share between threads: give each its own.

    Args:
        path: a model file of ours; see `default_model_path` for the shipped one.

    Raises:
        ModelFileError: the file is not ours, was changed, or is broken.

    Example:
        >>> detector = Detector(default_model_path())
        >>> detector.judge("picture.jpg").verdict
        <Verdict.REAL: 'real'>
    """

    def __init__(self, path: Path) -> None:
        model = read_model_file(path)
        self.card: Card = model.card
        self._runtime = Runtime(model.twin, model.card.input)

    def judge(self, source: images.Source) -> Prediction:
        """Judge one picture.

        Args:
            source: a path, the file's bytes, or a binary file object.

        Raises:
            ImageError: it cannot be read as a picture.
        """
        return self.judge_pixels(images.decode(source))

    def judge_pixels(self, pixels: Pixels) -> Prediction:
        """Judge a decoded picture: uint8 (height, width, 3), RGB, upright."""
        output = self._runtime.run(images.fit(pixels, self.card.input))
        score = float(self.card.calibration.score(output.logit))
        threshold = self.card.threshold
        label = Label.FAKE if score >= threshold.value else Label.REAL
        reasons = []
        if min(pixels.shape[:2]) < self.card.input.size:
            reasons.append(Reason.TOO_SMALL)
        low, high = threshold.abstain
        if low < score < high:
            reasons.append(Reason.UNCERTAIN)
        return Prediction(
            verdict=Verdict.UNDETERMINED if reasons else Verdict(label.text),
            label=label,
            score=score,
            threshold=threshold.value,
            model=self.card.name,
            reasons=tuple(reasons),
        )


def default_model_path() -> Path:
    """The shipped model that is used when none is named."""
    name = "cnn32-plus.keras"
    installed = Path(__file__).parent / "models" / name
    return installed if installed.exists() else Path(__file__).parents[1] / "models" / name
