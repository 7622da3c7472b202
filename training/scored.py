"""Scoring a labelled directory with a compiled network."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from tqdm import tqdm

from keras_detector.card import InputSpec
from keras_detector.errors import DataError, ImageError
from keras_detector.images import decode, fit
from keras_detector.labelled_directory import LabelledPicture
from keras_detector.printable import examples
from keras_detector.runtime import Runtime


@dataclass(frozen=True)
class Scored:
    """What a network says of the readable pictures of a list, in its order.

    Attributes:
        pictures: the readable ones.
        labels: int8 (n,), `Label` values.
        logits: float64 (n,).
        findings: what could not be read, a sentence.
    """

    pictures: tuple[LabelledPicture, ...]
    labels: npt.NDArray[np.int8]
    logits: npt.NDArray[np.float64]
    findings: tuple[str, ...]

    @property
    def sources(self) -> list[str]:
        """The source of each picture."""
        return [picture.source for picture in self.pictures]


def score_pictures(
    runtime: Runtime, spec: InputSpec, pictures: Iterable[LabelledPicture], what: str
) -> Scored:
    """Run the compiled network on pictures, as a verdict would.

    Args:
        runtime: the compiled network.
        spec: its input.
        pictures: what to score.
        what: names the progress bar.

    Raises:
        DataError: none can be read.
    """
    kept, logits, unreadable = [], [], []
    for picture in tqdm(list(pictures), desc=what, unit="picture", disable=None):
        try:
            pixels = fit(decode(picture.path), spec)
        except ImageError as error:
            unreadable.append(f"{picture.path} ({error.received})")
            continue
        kept.append(picture)
        logits.append(runtime.run(pixels).logit)
    if not kept:
        raise DataError(
            expected="at least one readable picture",
            received=f"{len(unreadable):,} unreadable ones",
            advice="Check what is in the class folders.",
        )
    listed = examples(unreadable, at_most=len(unreadable))
    findings = (f"Left out {len(unreadable):,} pictures that cannot be read: {listed}.",)
    return Scored(
        pictures=tuple(kept),
        labels=np.array([picture.label for picture in kept], dtype=np.int8),
        logits=np.array(logits),
        findings=findings if unreadable else (),
    )
