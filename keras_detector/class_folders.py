"""What the folder names of a data set say: the class, the split and the source of a picture."""

import difflib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from keras_detector.errors import DataError
from keras_detector.labels import Label
from keras_detector.printable import printable


class Split(StrEnum):
    """The three parts of a data set."""

    TRAIN = "train"
    VALIDATION = "validation"
    TEST = "test"


CLASS_NAMES: dict[str, Label] = {
    "real": Label.REAL,
    "authentic": Label.REAL,
    "nature": Label.REAL,
    "original": Label.REAL,
    "0_real": Label.REAL,
    "training_real": Label.REAL,
    "fake": Label.FAKE,
    "ai": Label.FAKE,
    "generated": Label.FAKE,
    "synthetic": Label.FAKE,
    "edited": Label.FAKE,
    "tampered": Label.FAKE,
    "1_fake": Label.FAKE,
    "training_fake": Label.FAKE,
}
"""Class folders, casefolded. The outermost one on the way to a picture decides."""

SPLIT_NAMES: dict[str, Split] = {
    "train": Split.TRAIN,
    "training": Split.TRAIN,
    "val": Split.VALIDATION,
    "valid": Split.VALIDATION,
    "validation": Split.VALIDATION,
    "test": Split.TEST,
    "testing": Split.TEST,
}
"""Split folders, casefolded; they stand above the class folders."""


@dataclass(frozen=True)
class Place:
    """What a folder's path says of the pictures in it.

    Attributes:
        label: their class, None outside every class folder.
        split: the split folder above them, None if there is none.
        above: the other folders above the class folder.
        class_name: the class folder itself, casefolded; "" outside one.
        below: the folders between the class folder and the pictures.
    """

    label: Label | None
    split: Split | None
    above: tuple[str, ...]
    class_name: str
    below: tuple[str, ...]

    def source(self, shared: int) -> str:
        """The generator or camera: the folder above the class folder, below it, or both.

        Args:
            shared: how many of the folders `above` are the same for the whole data set, and so
                tell nothing.

        Returns:
            a printable name; the class folder's own where no other folder tells sources apart.
        """
        parts = self.above[shared : shared + 1] + self.below[:1]
        return printable("/".join(parts)) or self.class_name


def place_of(folder: Path) -> Place:
    """Read a folder's path.

    Args:
        folder: relative to the data directory.

    Raises:
        DataError: the path names both classes, two splits, or a split below a class.
    """
    names = [name.casefold() for name in folder.parts]
    at = next((i for i, name in enumerate(names) if name in CLASS_NAMES), len(names))
    labels = {CLASS_NAMES[name] for name in names if name in CLASS_NAMES}
    splits = {SPLIT_NAMES[name] for name in names if name in SPLIT_NAMES}
    if len(labels) > 1:
        raise DataError(
            expected="real and fake folders side by side",
            received=f"one inside the other: {printable(folder)}",
            advice="Move the inner folder out, or rename it if it is a source and not a class.",
        )
    if any(name in SPLIT_NAMES for name in names[at:]):
        raise DataError(
            expected="split folders above the class folders, as in train/real",
            received=f"a split folder below a class folder: {printable(folder)}",
            advice="Swap the two levels, or rename the folder if it is a source and not a split.",
        )
    if len(splits) > 1:
        raise DataError(
            expected="at most one of train, val and test on the way to a picture",
            received=f"two of them: {printable(folder)}",
            advice="Move the inner folder out.",
        )
    return Place(
        label=labels.pop() if labels else None,
        split=splits.pop() if splits else None,
        above=tuple(part for part in folder.parts[:at] if part.casefold() not in SPLIT_NAMES),
        class_name=names[at] if at < len(names) else "",
        below=folder.parts[at + 1 :],
    )


def shared_depth(places: Collection[Place]) -> int:
    """How many folders above the class folders are the same for all places."""
    levels = zip(*(place.above for place in places), strict=False)
    return next(
        (depth for depth, names in enumerate(levels) if len(set(names)) > 1),
        min((len(place.above) for place in places), default=0),
    )


def suggestions(names: Sequence[str]) -> str:
    """A sentence on folder names that look like misspelt class folders, or ""."""
    meant = []
    for name in names:
        close = difflib.get_close_matches(name.casefold(), CLASS_NAMES, n=1, cutoff=0.6)
        close += [word for word in ("real", "fake") if word in name.casefold()]
        if close:
            meant.append(f"Rename {printable(name)} to {CLASS_NAMES[close[0]].text} if that is it.")
    return " ".join(meant[:4])
