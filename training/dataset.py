"""From a data directory to checked, packed and divided pictures."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from keras_detector.card import InputSpec
from keras_detector.errors import DataError
from keras_detector.labelled_directory import LabelledPicture, Split, read_labelled_directory
from keras_detector.labels import Label
from keras_detector.pixels import Pixels
from keras_detector.printable import examples, printable
from training.near_duplicates import near_duplicate_groups
from training.packing import Packed, pack
from training.split import SPLITS, assign_splits, choose_subset


@dataclass(frozen=True)
class Dataset:
    """Pictures that can be trained on.

    Attributes:
        pixels: uint8 (n, s, s, 3), the network's inputs; memory-mapped.
        labels: int8 (n,), `Label` values.
        paths: the picture behind each row.
        sources: the source of each row.
        rows: split to its rows, ascending; near copies never stand in two splits.
        findings: what was left out or moved and why, a sentence each.
        fingerprint: sha256 over labels, splits and pixels of the used rows.
        summary: what there is, in one sentence.
    """

    pixels: Pixels
    labels: npt.NDArray[np.int8]
    paths: tuple[Path, ...]
    sources: tuple[str, ...]
    rows: dict[Split, npt.NDArray[np.int64]]
    findings: tuple[str, ...]
    fingerprint: str
    summary: str


def prepare_dataset(
    root: Path,
    *,
    spec: InputSpec,
    ratios: tuple[float, float, float],
    dataset_size: int | None,
    seed: int,
    cache: Path,
) -> Dataset:
    """Read, check, pack and divide a data directory.

    Unreadable pictures and pictures that stand in both classes are left out and listed; copies and
    near copies are kept on one side of each split.

    Args:
        root: the data directory.
        spec: what the network sees.
        ratios: shares of train, validation and test, for what the directory does not divide itself.
        dataset_size: a balanced subset of so many pictures; None for all.
        seed: decides subset and splits.
        cache: directory for the packed pictures.

    Raises:
        DataError: the directory cannot be trained on; the message says what was found.
        SaveError: the packed pictures cannot be written.
    """
    directory = read_labelled_directory(root)
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
    used = usable
    if dataset_size is not None:
        used = usable[choose_subset(labels[usable], groups[usable], dataset_size, seed)]
    splits, moved = assign_splits(
        labels[used], groups[used], [pictures[row].split for row in used], ratios, seed
    )
    if moved:
        findings.append(
            f"Moved to the split of their copies (from train to validation or test, or from "
            f"validation to test): {moved:,}."
        )
    rows = {split: used[splits == code] for code, split in enumerate(SPLITS)}
    return Dataset(
        pixels=packed.pixels,
        labels=labels,
        paths=tuple(picture.path for picture in pictures),
        sources=tuple(picture.source for picture in pictures),
        rows=rows,
        findings=tuple(findings),
        fingerprint=_fingerprint(labels, packed.digests, rows),
        summary=_summary(root, labels, rows),
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


def _fingerprint(
    labels: npt.NDArray[np.int8],
    digests: tuple[str, ...],
    rows: dict[Split, npt.NDArray[np.int64]],
) -> str:
    digest = hashlib.sha256()
    for split, members in rows.items():
        for row in members:
            digest.update(f"{split.value} {labels[row]} {digests[row]}\n".encode())
    return digest.hexdigest()


def _summary(
    root: Path, labels: npt.NDArray[np.int8], rows: dict[Split, npt.NDArray[np.int64]]
) -> str:
    used = np.concatenate(list(rows.values()))
    fakes = int(labels[used].sum())
    parts = ", ".join(f"{len(members):,} {split.value}" for split, members in rows.items())
    return (
        f"{len(used):,} pictures of {printable(root.resolve().name)} "
        f"({len(used) - fakes:,} real, {fakes:,} fake; {parts})"
    )
