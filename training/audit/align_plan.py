"""The one path that both classes are sent down, and what is drawn for each picture on it."""

import hashlib
import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import msgspec
import numpy as np

from keras_detector.errors import DataError
from keras_detector.labels import Label

GRID = 8
"""JPEG's blocks; up to one less is cut off the top left, so that the old grid is not aligned."""

MAX_SIDE = 768
"""Larger pictures are not written: networks look at less."""

MIN_SIDE = 16
KEPT_SHARE = 0.95
"""The largest side is chosen so that so much of each class is large enough for it."""

SMALLEST_TO_LARGEST = 0.75
QUALITIES = (75, 95)


class Header(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a file's header says, without decoding.

    Attributes:
        width: upright, in pixels.
        height: the same.
        form: the format, as Pillow names it.
        quality: JPEG quality by its tables; None for other formats.
    """

    width: int
    height: int
    form: str
    quality: int | None


class Plan(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The path: one for all pictures, whatever their class.

    Attributes:
        seed: of everything that is drawn.
        inputs: sha256 over the paths, sizes and times of the pictures; another set is refused.
        min_side: smallest side of the square that is written, pixels; `max_side` the largest.
        min_quality: lowest JPEG quality; `max_quality` the highest.
        first_qualities: quality of the set's own JPEG files to how many have it. A picture that
            never was a JPEG goes through one at a quality drawn from them. Empty: none does.
    """

    seed: int
    inputs: str
    min_side: int
    max_side: int
    min_quality: int
    max_quality: int
    first_qualities: dict[int, int]

    @property
    def needed_side(self) -> int:
        """A picture with a shorter side is left out: nothing is ever enlarged."""
        return self.max_side + GRID - 1


@dataclass(frozen=True)
class Draw:
    """What was drawn for one picture; it depends on nothing but the seed and the picture's name.

    Attributes:
        top: rows cut off first, 0 to 7; `left` columns.
        side: of the square that is written.
        how: `"crop"` takes a window as it is, `"downscaled"` the largest square, scaled down.
        across: where the window lies, 0 to 1 of the room there is; `down` likewise.
        quality: of the JPEG.
        first_quality: of a JPEG pass before all this, None for none.
    """

    top: int
    left: int
    side: int
    how: Literal["crop", "downscaled"]
    across: float
    down: float
    quality: int
    first_quality: int | None


def make_plan(headers: Sequence[tuple[Label, Header]], inputs: str, seed: int) -> Plan:
    """Choose the sizes and qualities for a set of pictures.

    Args:
        headers: label and header of each readable picture.
        inputs: the digest to keep.
        seed: of what is drawn later.

    Raises:
        DataError: a class is empty, or its pictures are too small to cut anything off.
    """
    largest = MAX_SIDE
    qualities = Counter(h.quality for _, h in headers if h.quality is not None)
    for label in Label:
        sides = [min(h.width, h.height) for of, h in headers if of == label]
        if not sides:
            raise DataError(
                expected=f"readable {label.text} pictures to align",
                received="none",
                advice=f"Check what is in the {label.text} folder.",
            )
        usual = int(np.quantile(sides, 1 - KEPT_SHARE, method="lower"))
        largest = min(largest, usual - GRID + 1)
    if largest < MIN_SIDE:
        raise DataError(
            expected=f"pictures of {MIN_SIDE + GRID - 1} or more pixels on their shorter side",
            received=f"a class in which more than one of twenty is smaller: {largest + GRID - 1}",
            advice="Move the smallest pictures away.",
        )
    return Plan(
        seed=seed,
        inputs=inputs,
        min_side=max(MIN_SIDE, round(SMALLEST_TO_LARGEST * largest)),
        max_side=largest,
        min_quality=QUALITIES[0],
        max_quality=QUALITIES[1],
        first_qualities=dict(sorted(qualities.items())),
    )


def draw(plan: Plan, name: Path, header: Header) -> Draw:
    """Draw what happens to one picture.

    Args:
        plan: the path.
        name: the picture's place, relative to the data directory.
        header: decides whether a first JPEG pass is due, and nothing else.
    """
    key = hashlib.sha256(os.fsencode(name.as_posix())).digest()[:8]
    rng = np.random.default_rng([plan.seed, int.from_bytes(key, "big")])
    top, left = (int(cut) for cut in rng.integers(GRID, size=2))
    side = int(rng.integers(plan.min_side, plan.max_side + 1))
    how: Literal["crop", "downscaled"] = "crop" if rng.random() < 0.5 else "downscaled"
    across, down = (float(share) for share in rng.random(2))
    quality = int(rng.integers(plan.min_quality, plan.max_quality + 1))
    first = None
    if header.quality is None and plan.first_qualities:
        counts = np.array(list(plan.first_qualities.values()), dtype=np.float64)
        first = int(rng.choice(list(plan.first_qualities), p=counts / counts.sum()))
    return Draw(top, left, side, how, across, down, quality, first)
