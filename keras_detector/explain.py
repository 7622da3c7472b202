"""The places of a picture that speak for its verdict, drawn over it.

The values come from the twin's second output (`networks.activation_map`), so that neither Keras nor
TensorFlow is needed. Vermilion speaks for fake, blue for real: two colours that people with any
common colour blindness tell apart (Okabe & Ito 2008). The picture below them is grey, so that no
colour on it is its own.
"""

import io
from dataclasses import dataclass
from importlib import resources

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from keras_detector.card import InputSpec
from keras_detector.detector import Examination, Prediction
from keras_detector.images import viewed_box
from keras_detector.labels import HEATMAP_TEXTS, REASON_TEXTS, VERDICT_TEXTS, Label
from keras_detector.pixels import Pixels

COLOURS: dict[Label, tuple[int, int, int]] = {
    Label.REAL: (0, 114, 178),
    Label.FAKE: (213, 94, 0),
}
"""RGB of what speaks for each class."""

MIN_SIDE, MAX_SIDE = 384, 2048
"""Pictures are drawn at their own size, but not smaller or larger than this on the longer side."""

_FONT_SIZE, _MARGIN = 12, 8


@dataclass(frozen=True)
class Legend:
    """What is written below a heatmap; in English, Russian or another language of Latin letters.

    Attributes:
        lines: the verdict and its reasons.
        real: the name of the colour that speaks for real.
        fake: of the one that speaks for fake.
    """

    lines: tuple[str, ...]
    real: str
    fake: str


def english_legend(prediction: Prediction) -> Legend:
    """The legend of a verdict, as the command line and the service write it."""
    verdict = f"{VERDICT_TEXTS[prediction.verdict]}  (score {prediction.score:.3f})"
    reasons = (REASON_TEXTS[reason] for reason in prediction.reasons)
    return Legend((verdict, *reasons), *HEATMAP_TEXTS)


def draw_explanation(
    pixels: Pixels,
    examined: Examination,
    spec: InputSpec,
    *,
    opacity: float = 0.6,
    legend: Legend | None = None,
) -> Pixels:
    """`draw_heatmap` with the verdict and a legend below.

    Args:
        pixels: uint8 (height, width, 3), as `images.decode` gives it.
        examined: what `Detector.examine` says of it.
        spec: the network's input, from the model's card.
        opacity: as `draw_heatmap`.
        legend: what is written; None for English.

    Returns:
        uint8 (drawn height + legend, drawn width, 3), RGB.
    """
    drawn = draw_heatmap(pixels, examined.activation_map, spec, opacity=opacity)
    return _with_legend(Image.fromarray(drawn), legend or english_legend(examined.prediction))


def draw_heatmap(
    pixels: Pixels,
    activation_map: npt.NDArray[np.float32],
    spec: InputSpec,
    *,
    opacity: float = 0.6,
) -> Pixels:
    """Draw the activation map over the whole, upright picture.

    What the network does not see of the picture (beside the square of the view `"centre"`) stays
    without colour, behind a thin frame.

    Args:
        pixels: uint8 (height, width, 3), as `images.decode` gives it.
        activation_map: float32 (h, w) of any size over what the network sees.
        spec: the network's input, from the model's card.
        opacity: of the strongest place, 0 to 1; the others in proportion to their value.

    Returns:
        uint8 (drawn height, drawn width, 3), RGB.
    """
    height, width = pixels.shape[:2]
    factor = min(max(MIN_SIDE / max(height, width), 1.0), MAX_SIDE / max(height, width))
    size = (max(round(width * factor), 1), max(round(height * factor), 1))
    small = factor > 1
    resample = Image.Resampling.NEAREST if small else Image.Resampling.BICUBIC
    grey = Image.fromarray(pixels).convert("L").resize(size, resample).convert("RGB")
    left, top, right, bottom = (
        round(edge * scale)
        for edge, scale in zip(
            viewed_box(height, width, spec),
            (size[0] / width, size[1] / height) * 2,
            strict=True,
        )
    )
    right, bottom = max(right, left + 1), max(bottom, top + 1)
    drawn = np.asarray(grey).astype(np.float32)
    strength = _signed_strength(activation_map, (right - left, bottom - top))
    seen = drawn[top:bottom, left:right]
    for label, sign in ((Label.REAL, -1.0), (Label.FAKE, 1.0)):
        share = opacity * np.clip(sign * strength, 0.0, 1.0)[..., np.newaxis]
        seen += share * (np.array(COLOURS[label], np.float32) - seen)
    picture = Image.fromarray(np.clip(np.rint(drawn), 0, 255).astype(np.uint8))
    if (right - left, bottom - top) != size:
        frame = (left, top, right - 1, bottom - 1)
        ImageDraw.Draw(picture).rectangle(frame, outline=(255, 255, 255))
    return np.asarray(picture)


def _signed_strength(
    activation_map: npt.NDArray[np.float32], size: tuple[int, int]
) -> npt.NDArray[np.float32]:
    """The map in the picture's size, -1 (real) to 1 (fake); all 0 if it says nothing."""
    values = np.nan_to_num(activation_map, nan=0.0, posinf=0.0, neginf=0.0).astype(np.float32)
    strongest = float(np.abs(values).max(initial=0.0))
    if strongest > 0.0:
        values = values / strongest
    return np.asarray(Image.fromarray(values).resize(size, Image.Resampling.BILINEAR))


def _with_legend(picture: Image.Image, legend: Legend) -> Pixels:
    # Pillow's own font has Latin letters only.
    file = resources.files("keras_detector").joinpath("fonts/DejaVuSans-subset.ttf")
    font = ImageFont.truetype(
        io.BytesIO(file.read_bytes()), _FONT_SIZE, layout_engine=ImageFont.Layout.BASIC
    )
    line = _FONT_SIZE + 6
    ends = font.getlength(legend.real) + font.getlength(legend.fake)
    widest = max(*(font.getlength(text) for text in legend.lines), ends + 80)
    width = max(picture.width, int(widest) + 2 * _MARGIN)
    height = picture.height + (len(legend.lines) + 1) * line + 2 * _MARGIN
    canvas = Image.new("RGB", (width, height), "white")
    canvas.paste(picture, (0, 0))
    draw = ImageDraw.Draw(canvas)
    y = picture.height + _MARGIN
    for text in legend.lines:
        draw.text((_MARGIN, y), text, fill="black", font=font)
        y += line
    draw.text((_MARGIN, y), legend.real, fill="black", font=font)
    draw.text((width - _MARGIN, y), legend.fake, fill="black", font=font, anchor="ra")
    start = _MARGIN + round(font.getlength(legend.real)) + 10
    end = width - _MARGIN - round(font.getlength(legend.fake)) - 10
    for x in range(start, end):
        place = 2 * (x - start) / max(end - start - 1, 1) - 1
        colour = COLOURS[Label.FAKE if place > 0 else Label.REAL]
        shade = tuple(round(245 + abs(place) * (part - 245)) for part in colour)
        draw.line((x, y + 2, x, y + _FONT_SIZE), fill=shade)
    return np.asarray(canvas)
