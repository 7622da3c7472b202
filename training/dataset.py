"""From a data directory to checked, packed and divided pictures."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from keras_detector.card import InputSpec
from keras_detector.labelled_directory import Split, read_labelled_directory
from keras_detector.pixels import Pixels
from keras_detector.printable import printable
from training.recipe_lines import Balance
from training.split import SPLITS, assign_splits, choose_subset
from training.surplus import read_for_subset
from training.weighting import picture_weights, refuse_unknown_sources


@dataclass(frozen=True)
class Dataset:
    """Pictures that can be trained on.

    Attributes:
        pixels: uint8 (n, s, s, 3), the network's inputs; memory-mapped.
        labels: int8 (n,), `Label` values.
        paths: the picture behind each row.
        sources: the source of each row.
        groups: int64 (n,), a number that a picture shares with its copies and near copies; -1 for
            rows that are left out.
        rows: split to its rows, ascending; near copies never stand in two splits.
        findings: what was left out or moved and why, a sentence each.
        fingerprint: sha256 over labels, splits and pixels of the used rows.
        summary: what there is, in one sentence.
    """

    pixels: Pixels
    labels: npt.NDArray[np.int8]
    paths: tuple[Path, ...]
    sources: tuple[str, ...]
    groups: npt.NDArray[np.int64]
    rows: dict[Split, npt.NDArray[np.int64]]
    findings: tuple[str, ...]
    fingerprint: str
    summary: str

    @property
    def used(self) -> npt.NDArray[np.int64]:
        """The rows of all splits, ascending."""
        return np.sort(np.concatenate(list(self.rows.values())))

    def sources_of(self, rows: npt.NDArray[np.int64]) -> list[str]:
        """The source of each of `rows`."""
        return [self.sources[row] for row in rows]

    def weights(
        self, balance: Balance, source_weights: Mapping[str, float]
    ) -> npt.NDArray[np.float64]:
        """Float (n,): what `picture_weights` gives the training rows; 0 for all others.

        Raises:
            RecipeError: `source_weights` names a source that is not there.
        """
        refuse_unknown_sources("train.source_weights", source_weights, self.sources)
        train = self.rows[Split.TRAIN]
        weights = np.zeros(len(self.labels))
        weights[train] = picture_weights(
            self.labels[train],
            self.sources_of(train),
            balance=balance,
            source_weights=source_weights,
        )
        return weights


def prepare_dataset(
    root: Path,
    *,
    spec: InputSpec,
    ratios: tuple[float, float, float],
    dataset_size: int | None,
    seed: int,
    cache: Path,
    hold_out: Sequence[str] = (),
    weighed: Sequence[str] = (),
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
        hold_out: sources that go to the test split as a whole, with their near copies.
        weighed: sources that `Dataset.weights` will be asked to weigh.

    Raises:
        DataError: the directory cannot be trained on; the message says what was found.
        RecipeError: `hold_out` or `weighed` names a source that is not there.
        SaveError: the packed pictures cannot be written.
    """

    def refuse_unknown(sources: Sequence[str]) -> None:
        refuse_unknown_sources("data.hold_out", hold_out, sources)
        refuse_unknown_sources("train.source_weights", weighed, sources)

    directory = read_labelled_directory(root)
    # What the names of the files show to be wrong is not found out after hours of decoding.
    refuse_unknown([picture.source for picture in directory.pictures])
    named = (*hold_out, *weighed)
    found = read_for_subset(directory, dataset_size, seed, spec, cache, named=named)
    labels, groups, usable = found.labels, found.groups, found.usable
    refuse_unknown(found.sources)
    findings = list(found.findings)
    used = usable
    if dataset_size is not None:
        used = usable[choose_subset(labels[usable], groups[usable], dataset_size, seed)]
    splits, moved = assign_splits(
        labels[used],
        groups[used],
        [found.given[row] for row in used],
        ratios,
        seed,
        held_out=np.array([found.sources[row] in hold_out for row in used], dtype=bool),
    )
    if moved:
        findings.append(
            f"Moved to the split of their copies (from train to validation or test, or from "
            f"validation to test): {moved:,}."
        )
    rows = {split: used[splits == code] for code, split in enumerate(SPLITS)}
    return Dataset(
        pixels=found.pixels,
        labels=labels,
        paths=found.paths,
        sources=found.sources,
        groups=groups,
        rows=rows,
        findings=tuple(findings),
        fingerprint=_fingerprint(labels, found.digests, rows),
        summary=_summary(root, labels, rows),
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
