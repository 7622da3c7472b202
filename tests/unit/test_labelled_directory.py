"""Data directories: the layouts people have are read, everything else is refused with a reason."""

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from keras_detector.errors import DataError
from keras_detector.labelled_directory import Split, read_labelled_directory
from keras_detector.labels import Label

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="needs a Linux file system")


def make(root: Path, *names: str) -> Path:
    """Empty files under `root`; a name that ends in / is a folder."""
    for name in names:
        path = root / name
        if name.endswith("/"):
            path.mkdir(parents=True, exist_ok=True)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
    return root


def found(root: Path) -> dict[str, tuple[str, str, str | None]]:
    """Path to label, source and split."""
    return {
        picture.path.relative_to(root).as_posix(): (
            picture.label.text,
            picture.source,
            picture.split and picture.split.value,
        )
        for picture in read_labelled_directory(root).pictures
    }


@pytest.mark.parametrize(
    ("real", "fake"),
    [
        ("real", "fake"),
        ("REAL", "FAKE"),
        ("authentic", "tampered"),
        ("nature", "ai"),
        ("original", "edited"),
        ("0_real", "1_fake"),
        ("training_real", "training_fake"),
        ("Real", "generated"),
        ("real", "Synthetic"),
    ],
)
def test_every_name_of_a_class_is_known_in_any_letter_case(
    real: str, fake: str, tmp_path: Path
) -> None:
    make(tmp_path, f"{real}/a.jpg", f"{fake}/deep/er/b.png")
    labels = {p.path.name: p.label for p in read_labelled_directory(tmp_path).pictures}
    assert labels == {"a.jpg": Label.REAL, "b.png": Label.FAKE}


KAGGLE: dict[str, tuple[list[str], dict[str, tuple[str, str, str | None]]]] = {
    "CIFAKE": (
        ["train/REAL/0000 (2).jpg", "train/FAKE/1.jpg", "test/REAL/2.jpg", "test/FAKE/3.jpg"],
        {
            "train/REAL/0000 (2).jpg": ("real", "real", "train"),
            "train/FAKE/1.jpg": ("fake", "fake", "train"),
            "test/REAL/2.jpg": ("real", "real", "test"),
            "test/FAKE/3.jpg": ("fake", "fake", "test"),
        },
    ),
    "140k Real and Fake Faces": (
        [
            f"real_vs_fake/real-vs-fake/{split}/{label}/{label}.jpg"
            for split in ("train", "valid", "test")
            for label in ("real", "fake")
        ],
        {
            f"real_vs_fake/real-vs-fake/{split}/{label}/{label}.jpg": (label, label, name)
            for split, name in (("train", "train"), ("valid", "validation"), ("test", "test"))
            for label in ("real", "fake")
        },
    ),
    "ciplab": (
        ["training_real/real_1.jpg", "training_fake/easy_1.jpg"],
        {
            "training_real/real_1.jpg": ("real", "training_real", None),
            "training_fake/easy_1.jpg": ("fake", "training_fake", None),
        },
    ),
    "GenImage": (
        [
            f"{generator}/{split}/{label}/1.png"
            for generator in ("Midjourney", "ADM")
            for split in ("train", "val")
            for label in ("ai", "nature")
        ],
        {
            f"{generator}/{split}/{label}/1.png": (
                "fake" if label == "ai" else "real",
                generator,
                "train" if split == "train" else "validation",
            )
            for generator in ("Midjourney", "ADM")
            for split in ("train", "val")
            for label in ("ai", "nature")
        },
    ),
    "ForenSynths": (
        [f"{g}/{c}/1.png" for g in ("biggan", "cyclegan") for c in ("0_real", "1_fake")],
        {
            f"{g}/{c}/1.png": (c[2:], g, None)
            for g in ("biggan", "cyclegan")
            for c in ("0_real", "1_fake")
        },
    ),
    "sources below a class": (
        ["real/voc/1.jpg", "real/pets/2.jpg", "fake/sd15/3.jpg"],
        {
            "real/voc/1.jpg": ("real", "voc", None),
            "real/pets/2.jpg": ("real", "pets", None),
            "fake/sd15/3.jpg": ("fake", "sd15", None),
        },
    ),
}


@pytest.mark.parametrize("name", KAGGLE)
def test_layouts_people_download_are_read_as_they_come(name: str, tmp_path: Path) -> None:
    files, expected = KAGGLE[name]
    assert found(make(tmp_path, *files)) == expected


def test_artifact_tables_label_pictures_without_class_folders(tmp_path: Path) -> None:
    for folder, target in (("coco", 0), ("stylegan", 6)):
        make(tmp_path, f"{folder}/img/1.jpg", f"{folder}/img/unlisted.jpg")
        (tmp_path / folder / "metadata.csv").write_text(
            f"filename,image_path,target,category\n1.jpg,img/1.jpg,{target},x\n"
        )
    assert found(tmp_path) == {
        "coco/img/1.jpg": ("real", "coco", None),
        "stylegan/img/1.jpg": ("fake", "stylegan", None),
    }
    assert "unlisted" in " ".join(read_labelled_directory(tmp_path).findings)


def test_no_extension_is_dropped_and_non_pictures_are_counted(tmp_path: Path) -> None:
    names = ("a.webp", "b.avif", "c.tiff", "d.JPG", "no_extension", "e.jpeg.bak")
    make(tmp_path, *(f"real/{name}" for name in names), "fake/x.gif", "fake/labels.csv")
    directory = read_labelled_directory(tmp_path)
    assert {p.path.name for p in directory.pictures} == {*names, "x.gif"}
    assert any("csv" in finding for finding in directory.findings)


def test_what_systems_leave_behind_is_left_out_and_said(tmp_path: Path) -> None:
    make(
        tmp_path,
        "real/a.jpg",
        "fake/b.jpg",
        "__MACOSX/real/._a.jpg",
        "fake/.ipynb_checkpoints/b-checkpoint.jpg",
        "real/Thumbs.db",
        "fake/desktop.ini",
        "real/.DS_Store",
    )
    directory = read_labelled_directory(tmp_path)
    assert {p.path.name for p in directory.pictures} == {"a.jpg", "b.jpg"}
    assert any("hidden" in finding for finding in directory.findings)


@linux_only
def test_symlink_loops_end_and_no_picture_counts_twice(tmp_path: Path) -> None:
    make(tmp_path, "real/a.jpg", "fake/b.jpg")
    (tmp_path / "real" / "loop").symlink_to(tmp_path / "real")
    (tmp_path / "fake" / "self").symlink_to(tmp_path / "fake" / "self")
    directory = read_labelled_directory(tmp_path)
    assert [p.path.name for p in directory.pictures] == ["b.jpg", "a.jpg"]
    assert any("second time" in finding for finding in directory.findings)


@linux_only
def test_pipes_and_sockets_are_left_out(tmp_path: Path) -> None:
    make(tmp_path, "real/a.jpg", "fake/b.jpg")
    os.mkfifo(tmp_path / "real" / "pipe.jpg")
    directory = read_labelled_directory(tmp_path)
    assert len(directory.pictures) == 2
    assert any("pipe.jpg" in finding for finding in directory.findings)


@linux_only
def test_names_that_are_not_utf8_are_used_and_print(tmp_path: Path) -> None:
    make(tmp_path, "real/a.jpg", "fake/b.jpg")
    (tmp_path / "real" / os.fsdecode(b"\xff\xfe.jpg")).touch()
    (tmp_path / "fake" / os.fsdecode(b"\xffnotes.csv")).touch()
    directory = read_labelled_directory(tmp_path)
    assert len(directory.pictures) == 3
    " ".join(directory.findings).encode("utf-8")


def test_the_order_does_not_depend_on_the_disk(tmp_path: Path) -> None:
    make(tmp_path, "real/b.jpg", "real/a.jpg", "fake/z.jpg", "fake/c.jpg")
    names = [p.path.name for p in read_labelled_directory(tmp_path).pictures]
    assert names == ["c.jpg", "z.jpg", "a.jpg", "b.jpg"]


def _archive(root: Path) -> Path:
    (root / "data.zip").touch()
    return root / "data.zip"


def _plain_file(root: Path) -> Path:
    (root / "picture.jpg").touch()
    return root / "picture.jpg"


def _table(root: Path, text: str) -> Path:
    make(root, "a/1.jpg", "a/2.jpg")
    (root / "a" / "metadata.csv").write_text(text)
    return root


HEADER = "filename,image_path,target,category\n"

BAD: dict[str, tuple[Callable[[Path], Path], str]] = {
    "missing": (lambda root: root / "nowhere", "no such directory"),
    "a file": (_plain_file, "a file"),
    "a packed archive": (_archive, "Unpack it first"),
    "empty": (lambda root: root, "no pictures at all"),
    "only an archive inside": (lambda root: make(root, "data.zip"), "Unpack the archive"),
    "only notes": (lambda root: make(root, "real/readme.md", "fake/a.csv"), "no picture"),
    "one class only": (lambda root: make(root, "real/a.jpg"), "no fake one"),
    "the other class only": (lambda root: make(root, "fake/a.jpg"), "no real one"),
    "an empty class": (lambda root: make(root, "real/a.jpg", "fake/"), "no picture in fake"),
    "a class of hidden files": (
        lambda root: make(root, "real/a.jpg", "fake/.a.jpg"),
        "no picture in fake",
    ),
    "loose pictures": (lambda root: make(root, "a.jpg", "b.jpg"), "real and fake"),
    "pictures beside the classes": (
        lambda root: make(root, "real/a.jpg", "fake/b.jpg", "c.jpg"),
        "1 outside",
    ),
    "one level too low: a class folder itself": (
        lambda root: make(root / "real", "a.jpg", "b.jpg"),
        "directory above it",
    ),
    "unknown names": (
        lambda root: make(root, "photos/a.jpg", "renders/b.jpg"),
        "photos/ 1, renders/ 1",
    ),
    "misspelt names": (
        lambda root: make(root, "reals/a.jpg", "fakes/b.jpg"),
        "Rename fakes to fake",
    ),
    "one name known, one unknown": (
        lambda root: make(root, "real/a.jpg", "artificial/b.jpg"),
        "1 outside",
    ),
    "a third class": (
        lambda root: make(root, "real/a.jpg", "fake/b.jpg", "unsure/c.jpg"),
        "unsure",
    ),
    "fake inside real": (lambda root: make(root, "real/a.jpg", "real/fake/b.jpg"), "side by side"),
    "real inside fake": (lambda root: make(root, "fake/real/a.jpg"), "side by side"),
    "split below class": (
        lambda root: make(root, "real/train/a.jpg", "fake/train/b.jpg"),
        "Swap the two levels",
    ),
    "two splits on the way": (
        lambda root: make(root, "train/test/real/a.jpg", "train/test/fake/b.jpg"),
        "at most one of train",
    ),
    "a split without one class": (
        lambda root: make(root, "train/real/a.jpg", "train/fake/b.jpg", "test/real/c.jpg"),
        "no fake one",
    ),
    "an empty split": (
        lambda root: make(root, "train/real/a.jpg", "train/fake/b.jpg", "test/"),
        "no picture in test",
    ),
    "a split with an empty class": (
        lambda root: make(
            root, "train/real/a.jpg", "train/fake/b.jpg", "test/real/c.jpg", "test/fake/"
        ),
        "no picture in test/fake",
    ),
    "some pictures in splits, some not": (
        lambda root: make(root, "train/real/a.jpg", "train/fake/b.jpg", "real/c.jpg", "fake/d.jpg"),
        "every picture below train",
    ),
    "pictures in a split, outside the classes": (
        lambda root: make(root, "train/a.jpg", "train/real/b.jpg", "train/fake/c.jpg"),
        "1 outside",
    ),
    "a table of one class": (
        lambda root: _table(root, HEADER + "1.jpg,1.jpg,0,x\n"),
        "no fake one",
    ),
    "a table with a word for a number": (
        lambda root: _table(root, HEADER + "1.jpg,1.jpg,real,x\n"),
        "whole number",
    ),
    "a table that contradicts itself": (
        lambda root: _table(root, HEADER + "1.jpg,1.jpg,0,x\n1.jpg,1.jpg,3,x\n"),
        "one label for",
    ),
    "a table that lists nothing that is there": (
        lambda root: _table(root, HEADER + "9.jpg,../../9.jpg,0,x\n"),
        "real and fake",
    ),
    "only what a Mac leaves": (
        lambda root: make(root, "__MACOSX/real/a.jpg", "__MACOSX/fake/b.jpg"),
        "no pictures at all",
    ),
}


def test_at_least_25_bad_layouts_are_tried() -> None:
    assert len(BAD) >= 25


@pytest.mark.parametrize("name", BAD)
def test_a_bad_layout_is_refused_with_what_was_found_and_what_to_do(
    name: str, tmp_path: Path
) -> None:
    build, message = BAD[name]
    with pytest.raises(DataError) as refused:
        read_labelled_directory(build(tmp_path))
    assert message in str(refused.value)
    assert refused.value.advice


def test_splits_are_named_as_people_name_them(tmp_path: Path) -> None:
    names = {"Train": Split.TRAIN, "VAL": Split.VALIDATION, "testing": Split.TEST}
    for name in names:
        make(tmp_path, f"{name}/real/a.jpg", f"{name}/fake/b.jpg")
    directory = read_labelled_directory(tmp_path)
    for picture in directory.pictures:
        assert picture.split is names[picture.path.parts[-3]]
