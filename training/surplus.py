"""Reading no more of a large data directory than a subset of it needs."""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np

from keras_detector.card import InputSpec
from keras_detector.errors import DataError
from keras_detector.labelled_directory import LabelledDirectory
from keras_detector.labels import Label
from training.labelled_pictures import LabelledPictures, read_pictures
from training.split import refuse_size

_SURPLUS = 2
"""So many times the needed pictures are read: some may be unreadable, or in both classes."""


def read_for_subset(
    directory: LabelledDirectory,
    size: int | None,
    seed: int,
    spec: InputSpec,
    cache: Path,
    *,
    named: Iterable[str] = (),
) -> LabelledPictures:
    """Read some pictures of a directory, enough for a balanced subset, or all where some are not.

    Args:
        directory: what it lists.
        size: how many the subset is to have; None for all there are.
        seed: decides which pictures are read.
        spec: what the network sees.
        cache: directory for the packed pictures.
        named: sources that must be among them.

    Raises:
        DataError: `size` is odd or more than there is, or as `read_pictures`.
        SaveError: the packed pictures cannot be written.
    """
    if size is None:
        return read_pictures(directory, spec, cache)
    labels = np.array([picture.label for picture in directory.pictures])
    refuse_size(labels, size)
    drawn: set[int] = set()
    for label in Label:
        members = np.random.default_rng([seed, label, 2]).permutation(
            np.flatnonzero(labels == label)
        )
        drawn.update(members[: _SURPLUS * size // 2].tolist())
    pictures = tuple(directory.pictures[at] for at in sorted(drawn))
    if set(named) <= {picture.source for picture in pictures}:
        try:
            found = read_pictures(replace(directory, pictures=pictures), spec, cache)
            refuse_size(found.labels[found.usable], size)
        except DataError:
            pass  # too few of them can be used
        else:
            return found
    found = read_pictures(directory, spec, cache)
    refuse_size(found.labels[found.usable], size)
    return found
