"""The pictures of a data directory, read, checked and grouped, before they are divided."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from keras_detector.card import InputSpec
from keras_detector.errors import DataError
from keras_detector.labelled_directory import LabelledDirectory, LabelledPicture, Split
from keras_detector.labels import Label
from keras_detector.pixels import Pixels
from keras_detector.printable import examples
from training.near_duplicates import near_duplicate_groups
from training.packing import Packed, pack


@dataclass(frozen=True)
class LabelledPictures:
    """The readable pictures of a data directory.

    Attributes:
        pixels: uint8 (n, s, s, 3), the network's inputs; memory-mapped.
        labels: int8 (n,), `Label` values.
        paths: the picture behind each row.
        sources: the source of each row.
        given: the split that the directory gives each row, or None.
        digests: sha256 of each decoded picture.
        groups: int64 (n,), a number that a picture shares with its copies and near copies; -1 for
            rows that are left out.
        usable: int64 (m,), the rows of pictures that do not stand in both classes.
        findings: what was left out and why, a sentence each.
    """

    pixels: Pixels
    labels: npt.NDArray[np.int8]
    paths: tuple[Path, ...]
    sources: tuple[str, ...]
    given: tuple[Split | None, ...]
    digests: tuple[str, ...]
    groups: npt.NDArray[np.int64]
    usable: npt.NDArray[np.int64]
    findings: tuple[str, ...]

    @property
    def fingerprint(self) -> str:
        """Sha256 over labels and pixels, another one for other pictures."""
        lines = "".join(f"{a} {b}\n" for a, b in zip(self.labels, self.digests, strict=True))
        return hashlib.sha256(lines.encode()).hexdigest()

    def sources_of(self, rows: npt.NDArray[np.int64]) -> list[str]:
        """The source of each of `rows`."""
        return [self.sources[row] for row in rows]


def read_pictures(directory: LabelledDirectory, spec: InputSpec, cache: Path) -> LabelledPictures:
    """Read, check and pack a data directory, and find its near copies.

    Args:
        directory: what it lists.
        spec: what the network sees.
        cache: directory for the packed pictures.

    Raises:
        DataError: a class has no usable picture.
        SaveError: the packed pictures cannot be written.
    """
    packed = pack([picture.path for picture in directory.pictures], spec, cache)
    pictures = [directory.pictures[position] for position in packed.kept]
    findings = [*directory.findings, *_unreadable(directory.pictures, packed)]
    labels = np.array([picture.label for picture in pictures], dtype=np.int8)
    _refuse_empty_class(labels, findings)

    usable = _without_contradictions(labels, pictures, packed.digests, findings)
    _refuse_empty_class(labels[usable], findings)
    groups = np.full(len(pictures), -1, dtype=np.int64)
    groups[usable] = near_duplicate_groups(packed.digests, packed.hashes, packed.pixels, usable)
    copies = len(usable) - len(np.unique(groups[usable]))
    if copies:
        findings.append(f"Copies or near copies, kept together with their originals: {copies:,}.")
    return LabelledPictures(
        pixels=packed.pixels,
        labels=labels,
        paths=tuple(picture.path for picture in pictures),
        sources=tuple(picture.source for picture in pictures),
        given=tuple(picture.split for picture in pictures),
        digests=packed.digests,
        groups=groups,
        usable=usable,
        findings=tuple(findings),
    )


def _unreadable(pictures: tuple[LabelledPicture, ...], packed: Packed) -> list[str]:
    if not packed.errors:
        return []
    named = [f"{pictures[at].path} ({why})" for at, why in sorted(packed.errors.items())]
    listed = examples(named, at_most=len(named))
    return [f"Left out {len(named):,} pictures that cannot be read: {listed}."]


def _without_contradictions(
    labels: npt.NDArray[np.int8],
    pictures: list[LabelledPicture],
    digests: tuple[str, ...],
    findings: list[str],
) -> npt.NDArray[np.int64]:
    """Rows whose picture stands in one class only; the others are added to the findings."""
    _, same = np.unique(np.array(digests), return_inverse=True)
    seen = np.zeros((same.max() + 1, len(Label)), dtype=bool)
    seen[same, labels] = True
    contradicts = np.asarray(seen.all(axis=1))[same]
    if contradicts.any():
        named = [pictures[row].path for row in np.flatnonzero(contradicts)]
        listed = examples(named, at_most=len(named))
        findings.append(f"Left out {len(named):,} pictures that stand in both classes: {listed}.")
    return np.flatnonzero(~contradicts)


def _refuse_empty_class(labels: npt.NDArray[np.int8], findings: list[str]) -> None:
    for label in Label:
        if not np.any(labels == label):
            raise DataError(
                expected=f"readable {label.text} pictures that are not in both classes",
                received=" ".join(("none.", *findings)).rstrip("."),
                advice="Check what is in the two class folders.",
            )
