"""The pictures a report shows: the surest hits and the worst misses of both classes."""

import base64
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image

from keras_detector.card import Threshold
from keras_detector.errors import ImageError
from keras_detector.labels import Label
from keras_detector.pixels import Pixels
from keras_detector.ranking import Labels, Scores

EACH = 3
"""Pictures in a row of hits or misses."""
MOST_WRONG = 18
SIDE = 224
"""Longer side of a shown picture, in pixels."""

Heatmap = Callable[[Pixels], Pixels]
"""From a decoded picture to the same picture with what spoke for and against `fake` over it."""


@dataclass(frozen=True)
class Shown:
    """A picture on the page.

    Attributes:
        path: its file below the directory, printable; not yet escaped for a page.
        source: the generator or camera.
        label: what it is.
        score: what the model says.
        picture: a JPEG, base64.
        heatmap: the same with the heatmap over it; None where none was asked for.
    """

    path: str
    source: str
    label: Label
    score: float
    picture: str
    heatmap: str | None

    @property
    def name(self) -> str:
        """The file's own name; its source and label stand beside it."""
        return self.path.rpartition("/")[2]


@dataclass(frozen=True)
class Row:
    """Pictures under one heading; `title` says what they have in common."""

    title: str
    pictures: tuple[Shown, ...]


@dataclass(frozen=True)
class Gallery:
    """What is shown.

    Attributes:
        rows: hits and misses of both classes, with heatmaps; rows without a picture are left out.
        most_wrong: the worst misses of both classes together, the worst first.
    """

    rows: tuple[Row, ...]
    most_wrong: tuple[Shown, ...]


def hang_gallery(
    labels: Labels,
    scores: Scores,
    threshold: Threshold,
    *,
    paths: Sequence[str],
    sources: Sequence[str],
    load: Callable[[int], Pixels],
    heatmap: Heatmap,
) -> Gallery:
    """Choose pictures and make them small.

    Args:
        labels: integers of shape (n,), `Label` values.
        scores: floats of shape (n,), 0 to 1.
        threshold: where a score becomes fake.
        paths: where each of the n pictures is below the directory, printable.
        sources: the source of each.
        load: from a picture's index to its pixels, uint8 (height, width, 3); an `ImageError`
            leaves the picture out (its file may have gone).
        heatmap: draws the network's activation map over the pixels.
    """

    def show(index: int, heat: Heatmap | None) -> Shown:
        pixels = load(index)
        return Shown(
            path=paths[index],
            source=sources[index],
            label=Label(int(labels[index])),
            score=float(scores[index]),
            picture=_jpeg(_sized(pixels)),
            heatmap=None if heat is None else _jpeg(_sized(heat(pixels))),
        )

    def shown(indices: npt.NDArray[np.int64], heat: Heatmap | None) -> tuple[Shown, ...]:
        pictures = []
        for index in indices:
            try:
                pictures.append(show(int(index), heat))
            except ImageError:
                continue
        return tuple(pictures)

    called_fake, is_fake = scores >= threshold.value, labels == Label.FAKE
    rows = []
    for title, members, rising in (
        ("Photographs it was surest of", ~is_fake & ~called_fake, True),
        ("Fakes it was surest of", is_fake & called_fake, False),
        ("Photographs it accused: the worst misses", ~is_fake & called_fake, False),
        ("Fakes it took for photographs: the worst misses", is_fake & ~called_fake, True),
    ):
        pictures = shown(_ranked(members, scores if rising else -scores)[:EACH], heatmap)
        if pictures:
            rows.append(Row(title, pictures))
    gap = np.abs(scores - threshold.value) / np.where(
        called_fake, max(1 - threshold.value, 1e-9), max(threshold.value, 1e-9)
    )
    worst = _ranked(called_fake != is_fake, -gap)[:MOST_WRONG]
    return Gallery(rows=tuple(rows), most_wrong=shown(worst, None))


def _ranked(members: npt.NDArray[np.bool_], key: Scores) -> npt.NDArray[np.int64]:
    """Indices of the members by rising key; equal ones in their own order."""
    indices = np.flatnonzero(members)
    return indices[np.argsort(key[indices], kind="stable")]


def _sized(pixels: Pixels) -> Image.Image:
    image = Image.fromarray(pixels)
    scale = SIDE / max(image.size)
    size = (max(round(image.width * scale), 1), max(round(image.height * scale), 1))
    # A picture of 32 pixels shows its pixels, not what a filter makes of them.
    is_tiny = scale >= 2
    return image.resize(size, Image.Resampling.NEAREST if is_tiny else Image.Resampling.BICUBIC)


def _jpeg(image: Image.Image) -> str:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=82)
    return base64.b64encode(buffer.getvalue()).decode()
