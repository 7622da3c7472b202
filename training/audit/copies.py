"""Pictures that stand where their copies should not: in both classes, or in two splits."""

from collections.abc import Sequence
from pathlib import Path

import msgspec
import numpy as np
import numpy.typing as npt

from keras_detector.labelled_directory import LabelledPicture
from keras_detector.printable import printable


class CopyGroup(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Pictures that are copies or near copies of each other.

    Attributes:
        exact: whether they are all the same, pixel for pixel.
        paths: where they are, printable.
    """

    exact: bool
    paths: tuple[str, ...]


class Copies(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The groups that matter.

    Attributes:
        pictures: pictures that have a copy or near copy, anywhere.
        across_classes: groups with both labels: one of them is wrong.
        across_splits: groups in two of the directory's own splits.
    """

    pictures: int
    across_classes: tuple[CopyGroup, ...]
    across_splits: tuple[CopyGroup, ...]


def find_copies(
    pictures: Sequence[LabelledPicture],
    groups: npt.NDArray[np.int64],
    digests: Sequence[str],
    root: Path,
) -> Copies:
    """Sort the groups of near copies by where they stand.

    Args:
        pictures: what was read.
        groups: int64 (n,), as `near_duplicate_groups` gives them.
        digests: of each picture's pixels.
        root: paths are shown relative to it where they lie below.
    """
    order = np.argsort(groups, kind="stable")
    starts = np.flatnonzero(np.append(True, np.diff(groups[order]) != 0))
    copied, classes, splits = 0, [], []
    for members in np.split(order, starts[1:]):
        if len(members) == 1:
            continue
        copied += len(members)
        of_group = [pictures[member] for member in members]
        group = CopyGroup(
            exact=len({digests[member] for member in members}) == 1,
            paths=tuple(_shown(picture.path, root) for picture in of_group),
        )
        if len({picture.label for picture in of_group}) > 1:
            classes.append(group)
        if len({picture.split for picture in of_group}) > 1:
            splits.append(group)
    return Copies(copied, tuple(classes), tuple(splits))


def _shown(path: Path, root: Path) -> str:
    return printable(path.relative_to(root) if path.is_relative_to(root) else path)
