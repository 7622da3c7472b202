"""A directory of labelled pictures: every picture with its label, source and split.

Two class folders stand at any depth: real (also authentic, nature, original, 0_real,
training_real) and fake (also ai, generated, synthetic, edited, tampered, 1_fake, training_fake), in
any letter case. train/, val/ and test/ above them are the splits. A folder below a class, or above
it where there are several (GenImage, ForenSynths), is the source. Without class folders,
ArtiFact's `metadata.csv` tables are read. Anything else is refused with what was found.
"""

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from keras_detector.class_folders import (
    CLASS_NAMES,
    SPLIT_NAMES,
    Place,
    Split,
    place_of,
    shared_depth,
    suggestions,
)
from keras_detector.errors import DataError
from keras_detector.labels import Label
from keras_detector.metadata_tables import TABLE_NAME, read_metadata_tables
from keras_detector.picture_files import ARCHIVE_SUFFIXES, PictureFiles, list_picture_files
from keras_detector.printable import examples, printable

__all__ = ["LabelledDirectory", "LabelledPicture", "Split", "read_labelled_directory"]

_WANTED = "a directory with the folders real and fake, each with pictures"


@dataclass(frozen=True)
class LabelledPicture:
    """One file that should be a picture, with what its place says of it.

    Attributes:
        path: the file; not opened yet, so it may turn out to be unreadable.
        label: its class.
        source: the generator or camera it comes from, printable; the class folder's name where
            the directory does not say.
        split: the split folder above it, None if there is none.
    """

    path: Path
    label: Label
    source: str
    split: Split | None


@dataclass(frozen=True)
class LabelledDirectory:
    """The pictures of a data directory, in the order of their paths' bytes.

    Attributes:
        root: the directory.
        pictures: at least one of each class, in every split that the directory has.
        findings: what was left out and why, a sentence each.
    """

    root: Path
    pictures: tuple[LabelledPicture, ...]
    findings: tuple[str, ...]


def read_labelled_directory(root: Path) -> LabelledDirectory:
    """List the labelled pictures of a directory without decoding any.

    Args:
        root: the data directory.

    Returns:
        every candidate picture with its label, source and split.

    Raises:
        DataError: the directory is missing, or not laid out as above; the message says what was
            found and what to do.
    """
    _refuse_no_directory(root)
    found = list_picture_files(root)
    places = {folder: place_of(folder) for folder in found.folders}
    findings = found.findings
    if any(place.label is not None for place in places.values()):
        _refuse_loose_pictures(found, places)
        _refuse_empty_folders(found, places)
        pictures = _from_class_folders(root, found, places)
    else:
        pictures, more = _from_tables(root, found)
        findings += more
    if not pictures:
        raise _nothing_labelled(root, found)
    _refuse_missing_class(pictures, findings)
    ordered = sorted(pictures, key=lambda picture: os.fsencode(picture.path))
    return LabelledDirectory(root=root, pictures=tuple(ordered), findings=findings)


def _from_class_folders(
    root: Path, found: PictureFiles, places: dict[Path, Place]
) -> list[LabelledPicture]:
    shared = shared_depth([places[folder] for folder, files in found.folders.items() if files])
    pictures = []
    for folder, files in found.folders.items():
        place = places[folder]
        if place.label is not None:
            source = place.source(shared)
            pictures += [LabelledPicture(root / f, place.label, source, place.split) for f in files]
    return pictures


def _from_tables(root: Path, found: PictureFiles) -> tuple[list[LabelledPicture], tuple[str, ...]]:
    tables = [path for path in found.others if path.name.casefold() == TABLE_NAME]
    files = _files(found)
    labelled = read_metadata_tables(root, tables, files) if tables else {}
    pictures = [
        LabelledPicture(root / file, label, printable(folder.name) or label.text, None)
        for file, (label, folder) in labelled.items()
    ]
    unlisted = [file for file in files if file not in labelled]
    if not pictures or not unlisted:
        return pictures, ()
    sentence = f"Left out {len(unlisted):,} that no {TABLE_NAME} lists: {examples(unlisted)}."
    return pictures, (sentence,)


def _files(found: PictureFiles) -> list[Path]:
    return [file for files in found.folders.values() for file in files]


def _refuse_no_directory(root: Path) -> None:
    # pathlib raises on names that the system refuses; os.path says that they are not there
    if os.path.isdir(root):  # noqa: PTH112
        return
    received = f"no such directory: {printable(root)}"
    advice = "Check the path; it is relative to where the command runs."
    if os.path.exists(root):  # noqa: PTH110
        received = f"a file: {printable(root)}"
        advice = "Give the directory that holds the folders real and fake."
        if root.suffix.casefold() in ARCHIVE_SUFFIXES:
            received = f"a packed archive: {printable(root)}"
            advice = "Unpack it first and give the unpacked directory."
    raise DataError(expected=_WANTED, received=received, advice=advice)


def _refuse_loose_pictures(found: PictureFiles, places: dict[Path, Place]) -> None:
    outside = [folder for folder in found.folders if places[folder].label is None]
    loose = [file for folder in outside for file in found.folders[folder]]
    if loose:
        names = [folder.name for folder in outside if found.folders[folder]]
        raise DataError(
            expected="every picture inside a real or a fake folder",
            received=f"{len(loose):,} outside ({_by_folder(loose)}), for example {examples(loose)}",
            advice=f"Sort them into the class folders or move them away. {suggestions(names)}",
        )


def _refuse_empty_folders(found: PictureFiles, places: dict[Path, Place]) -> None:
    filled = [places[folder] for folder, files in found.folders.items() if files]
    for folder, place in places.items():
        last = folder.name.casefold()
        same_split = [other for other in filled if other.split == place.split]
        same_class = [other for other in same_split if other.label == place.label]
        if (last in CLASS_NAMES and not same_class) or (last in SPLIT_NAMES and not same_split):
            received = " ".join((f"no picture in {printable(folder)}.", *found.findings))
            raise DataError(
                expected=_WANTED,
                received=received.rstrip("."),
                advice="Fill the folder, or remove it if it should not count.",
            )


def _refuse_missing_class(pictures: Sequence[LabelledPicture], findings: tuple[str, ...]) -> None:
    counts = Counter((picture.split, picture.label) for picture in pictures)
    splits = {split for split, _ in counts}
    if None in splits and len(splits) > 1:
        outside = [picture.path for picture in pictures if picture.split is None]
        raise DataError(
            expected="either every picture below train/, val/ or test/, or none",
            received=f"{len(outside):,} outside of them, for example {examples(outside, 2)}",
            advice="Move these pictures into a split, or take all pictures out of the splits.",
        )
    for split in sorted(splits, key=str):
        for label in Label:
            if not counts[split, label]:
                other = next(name for name in Label if name is not label)
                where = f" in {split}/" if split else ""
                received = f"{counts[split, other]:,} {other.text} ones and no {label.text} one"
                raise DataError(
                    expected=f"pictures of both classes{where}",
                    received=" ".join((received, *findings)).rstrip("."),
                    advice=f"Add a folder {label.text} with {label.text} pictures{where}.",
                )


def _nothing_labelled(root: Path, found: PictureFiles) -> DataError:
    files = _files(found)
    inside = root.resolve().name
    received = f"no such folder among {len(files):,} files ({_by_folder(files)})"
    names = sorted({name for file in files for name in file.parent.parts})
    advice = f"Put the pictures into two folders, real and fake. {suggestions(names)}"
    if not files:
        received = " ".join(("no pictures at all", *found.findings)).rstrip(".")
        advice = "Check the path, or fill the folders real and fake."
        if any(path.suffix.casefold() in ARCHIVE_SUFFIXES for path in found.others):
            advice = "Unpack the archive first."
    elif inside.casefold() in CLASS_NAMES:
        received = f"the class folder {printable(inside)} itself, {len(files):,} files"
        advice = "Give the directory above it, which holds both classes."
    return DataError(expected=_WANTED, received=received, advice=advice.rstrip())


def _by_folder(files: Sequence[Path]) -> str:
    counts = Counter(file.parts[0] + "/" if len(file.parts) > 1 else "top level" for file in files)
    return examples([f"{name} {count:,}" for name, count in counts.most_common()], at_most=8)
