"""From a picture to a verdict: decode, fit, run, calibrate, decide."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from keras_detector import images
from keras_detector.card import ANY_UPSCALE, Card, Threshold
from keras_detector.labels import Label, Reason, Verdict
from keras_detector.model_file import read_model_file
from keras_detector.pixels import Pixels
from keras_detector.quality import estimate_upscale
from keras_detector.runtime import Runtime
from keras_detector.strictness import Strictness, threshold_for


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

    def at(self, threshold: Threshold) -> "Prediction":
        """The same picture decided at another threshold of its model, without a new look at it."""
        standing = [reason for reason in self.reasons if reason is not Reason.UNCERTAIN]
        return _decide(self.score, standing, threshold, self.model)


@dataclass(frozen=True, slots=True)
class Examination:
    """A prediction and where in the picture it comes from.

    Attributes:
        prediction: the verdict.
        activation_map: float32 (h, w) over what the network sees of the picture; how much each
            place adds to the logit. Positive values speak for `fake`.
    """

    prediction: Prediction
    activation_map: npt.NDArray[np.float32]


class Detector:
    """A model, ready to judge.

    Not safe to share between threads: give each its own.

    Args:
        path: a model file of ours; see `default_model_path` for the shipped one.
        strictness: how readily a picture is called fake.
        threads: to run the network on; by default as many as do it good.

    Attributes:
        card: the model's card.
        threshold: where a score becomes fake at that strictness.

    Raises:
        ModelFileError: the file is not ours, was changed, or is broken.

    Example:
        >>> detector = Detector(default_model_path())
        >>> detector.judge("picture.jpg").verdict
        <Verdict.REAL: 'real'>
    """

    def __init__(
        self,
        path: Path,
        strictness: Strictness = Strictness.BALANCED,
        *,
        threads: int | None = None,
    ) -> None:
        model = read_model_file(path, weights=False)
        self.card: Card = model.card
        self.threshold: Threshold = threshold_for(model.card, strictness)
        self._runtime = Runtime(model.twin, model.card.input, threads)

    def judge(self, source: images.Source) -> Prediction:
        """Judge one picture.

        Args:
            source: a path, the file's bytes, or a binary file object.

        Raises:
            ImageError: it cannot be read as a picture.
        """
        return self.examine(images.open_picture(source)).prediction

    @property
    def threads(self) -> int:
        """How many threads a verdict is made on."""
        return self._runtime.threads

    def judge_pixels(self, pixels: Pixels) -> Prediction:
        """Judge a decoded picture: uint8 (height, width, 3), RGB, upright.

        Of how it was compressed, only `judge` knows, which reads the file.
        """
        return self.examine(images.Picture(Image.fromarray(pixels), jpeg_quality=None)).prediction

    def examine(self, picture: images.Picture) -> Examination:
        """Judge an opened picture, and keep what the network saw where."""
        output = self._runtime.run(images.fit(picture, self.card.input))
        score = float(self.card.calibration.score(output.logit))
        standing = self._reasons_against(picture)
        prediction = _decide(score, standing, self.threshold, self.card.name)
        return Examination(prediction=prediction, activation_map=output.activation_map)

    def _reasons_against(self, picture: images.Picture) -> list[Reason]:
        """Why no verdict stands for such a picture, whatever its score."""
        stands = self.card.stands
        reasons = []
        if min(picture.image.size) < stands.min_side:
            reasons.append(Reason.TOO_SMALL)
        quality = picture.jpeg_quality
        if quality is not None and quality < stands.min_jpeg_quality:
            reasons.append(Reason.RECOMPRESSED)
        # Only models that mind pay for the look.
        minds = stands.max_upscale < ANY_UPSCALE
        if minds and estimate_upscale(picture.pixels) > stands.max_upscale:
            reasons.append(Reason.UPSCALED)
        return reasons


def _decide(
    score: float, standing: Sequence[Reason], threshold: Threshold, model: str
) -> Prediction:
    """The verdict on a score, where `standing` speaks against one whatever the score is."""
    label = Label.FAKE if score >= threshold.value else Label.REAL
    low, high = threshold.abstain
    reasons = (*standing, Reason.UNCERTAIN) if low < score < high else tuple(standing)
    return Prediction(
        verdict=Verdict.UNDETERMINED if reasons else Verdict(label.text),
        label=label,
        score=score,
        threshold=threshold.value,
        model=model,
        reasons=reasons,
    )


def shipped_models() -> dict[str, Path]:
    """The shipped models by name: `.keras` files, or in the packaged app `.detector` files."""
    found = [*_models_folder().glob("*.detector"), *_models_folder().glob("*.keras")]
    return {path.stem: path for path in sorted(found)}


def default_model_path() -> Path:
    """The shipped model that is used when none is named."""
    name = "ai_imageclassifier"
    return shipped_models().get(name, _models_folder() / f"{name}.keras")


def _models_folder() -> Path:
    installed = Path(__file__).parent / "models"
    return installed if installed.is_dir() else Path(__file__).parents[1] / "models"
