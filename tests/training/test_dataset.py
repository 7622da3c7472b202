"""From a directory with everything that goes wrong in one, to a clean, divided data set."""

import os
import shutil
from pathlib import Path

import msgspec
import numpy as np
import pytest
from PIL import Image

from keras_detector.card import InputSpec
from keras_detector.enhance import enhance
from keras_detector.errors import DataError, RecipeError
from keras_detector.images import decode, fit
from keras_detector.labelled_directory import Split
from tests.conftest import draw_picture, write_dataset
from training.dataset import Dataset, prepare_dataset

SPEC = InputSpec(size=32, view="centre", resample="bicubic", enhance=False)


def prepare(root: Path, **changes: object) -> Dataset:
    arguments: dict[str, object] = {
        "spec": SPEC,
        "ratios": (0.7, 0.2, 0.1),
        "dataset_size": None,
        "seed": 1,
        "cache": root.parent / f"{root.name}-cache",
    }
    return prepare_dataset(root, **{**arguments, **changes})  # type: ignore[arg-type]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return write_dataset(tmp_path / "data", 30)


def used(dataset: Dataset) -> list[str]:
    rows = np.concatenate(list(dataset.rows.values()))
    return sorted(dataset.paths[row].name for row in rows)


def split_of(dataset: Dataset, name: str) -> Split:
    row = next(i for i, path in enumerate(dataset.paths) if path.as_posix().endswith(name))
    return next(split for split, rows in dataset.rows.items() if row in rows)


def test_every_picture_is_used_once_and_the_shares_hold(data: Path) -> None:
    dataset = prepare(data)
    assert {split: len(rows) for split, rows in dataset.rows.items()} == {
        Split.TRAIN: 42, Split.VALIDATION: 12, Split.TEST: 6,
    }  # fmt: skip
    rows = np.concatenate(list(dataset.rows.values()))
    assert len(set(rows.tolist())) == 60
    for split_rows in dataset.rows.values():
        assert dataset.labels[split_rows].mean() == 0.5
    assert dataset.findings == ()
    assert "60 pictures" in dataset.summary


def test_the_pixels_are_those_that_are_served(data: Path) -> None:
    dataset = prepare(data)
    for row, path in enumerate(dataset.paths):
        np.testing.assert_array_equal(dataset.pixels[row], fit(decode(path), SPEC))


def test_webp_avif_tiff_and_bare_names_are_used(data: Path) -> None:
    rng = np.random.default_rng(9)
    for name in ("a.webp", "b.avif", "c.tiff", "d.gif"):
        Image.fromarray(draw_picture(rng, fake=False)).save(data / "real" / name)
    Image.fromarray(draw_picture(rng, fake=False)).save(data / "real" / "bare", "PNG")
    assert {"a.webp", "b.avif", "c.tiff", "d.gif", "bare"} <= set(used(prepare(data)))


def test_unreadable_files_are_listed_and_never_fatal(data: Path) -> None:
    (data / "real" / "text.jpg").write_text("not a picture")
    (data / "fake" / "empty.png").touch()
    whole = (data / "fake" / "0000.png").read_bytes()
    (data / "fake" / "half.png").write_bytes(whole[: len(whole) // 2])
    dataset = prepare(data)
    assert not {"text.jpg", "empty.png", "half.png"} & set(used(dataset))
    finding = next(f for f in dataset.findings if "cannot be read" in f)
    assert "3 pictures" in finding
    assert "text.jpg" in finding


def test_a_picture_in_both_classes_is_left_out_and_listed(data: Path) -> None:
    shutil.copy(data / "real" / "0003.png", data / "fake" / "copy.png")
    dataset = prepare(data)
    assert "copy.png" not in used(dataset)
    assert len(used(dataset)) == 59
    assert any("both classes" in f and "copy.png" in f for f in dataset.findings)


def test_the_same_pixels_in_another_format_are_the_same_picture(data: Path) -> None:
    Image.open(data / "real" / "0003.png").save(data / "fake" / "copy.bmp")
    assert len(used(prepare(data))) == 59


def test_two_folders_of_the_same_pictures_are_refused(data: Path) -> None:
    shutil.rmtree(data / "fake")
    shutil.copytree(data / "real", data / "fake")
    with pytest.raises(DataError, match="both classes"):
        prepare(data)


def test_a_class_of_unreadable_files_is_refused(data: Path) -> None:
    for path in (data / "fake").iterdir():
        path.write_bytes(b"")
    with pytest.raises(DataError, match="cannot be read"):
        prepare(data)


def test_near_copies_stand_on_one_side(data: Path) -> None:
    for number in range(12):
        picture = Image.open(data / "real" / f"{number:04}.png")
        picture.save(data / "real" / f"copy{number:04}.jpg", quality=95, subsampling=0)
    dataset = prepare(data)
    together = [
        split_of(dataset, f"real/{n:04}.png") is split_of(dataset, f"real/copy{n:04}.jpg")
        for n in range(12)
    ]
    grouped = next(f for f in dataset.findings if "near copies" in f)
    assert sum(together) >= int(grouped.rstrip(".").split()[-1]) >= 10


def test_a_test_picture_that_was_copied_into_train_leaves_train(tmp_path: Path) -> None:
    root = tmp_path / "data"
    for number, split in enumerate(("train", "test")):
        write_dataset(root / split, 20, seed=number)
    shutil.copy(root / "test" / "real" / "0000.png", root / "train" / "real" / "leak.png")
    dataset = prepare(root)
    assert split_of(dataset, "leak.png") is Split.TEST
    assert any("Moved" in finding and finding.endswith(": 1.") for finding in dataset.findings)


def test_a_balanced_subset(data: Path) -> None:
    dataset = prepare(data, dataset_size=40)
    rows = np.concatenate(list(dataset.rows.values()))
    assert len(rows) == 40
    assert dataset.labels[rows].sum() == 20


def test_a_subset_reads_twice_what_it_needs_and_all_where_that_is_not_enough(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from training import decoding

    decoded: list[Path] = []
    monkeypatch.setattr(decoding, "decode", lambda path: decoded.append(path) or decode(path))
    first = prepare(data, dataset_size=20)
    assert len(decoded) == 40
    assert (len(used(first)), first.labels[first.used].sum()) == (20, 10)
    assert prepare(data, dataset_size=20).fingerprint == first.fingerprint
    assert prepare(data, dataset_size=20, seed=2).fingerprint != first.fingerprint
    for path in sorted((data / "fake").iterdir())[10:]:
        path.write_bytes(b"")
    decoded.clear()
    assert len(used(prepare(data, dataset_size=20))) == 20
    assert {path for path in decoded if path.parent.name == "fake"} == set(
        (data / "fake").iterdir()
    )


def test_a_named_source_is_found_however_few_pictures_it_has(data: Path) -> None:
    for place in ("fake/large", "fake/small"):
        (data / place).mkdir()
    for number, path in enumerate(sorted((data / "fake").glob("*.png"))):
        path.rename(data / "fake" / ("large" if number else "small") / path.name)
    for seed in range(3):
        assert "small" in prepare(data, dataset_size=20, weighed=["small"], seed=seed).sources


@pytest.mark.parametrize(
    ("lines", "match"),
    [
        ({"hold_out": ["nowhere"]}, "data.hold_out: fake, real"),
        ({"weighed": ["pairs"]}, r"pairs.*--set 'train\.source_weights=\{\}'"),
        ({"dataset_size": 41}, "even"),
        ({"dataset_size": 100}, "50 usable real"),
    ],
)
def test_what_the_listing_shows_to_be_wrong_is_refused_before_a_picture_is_decoded(
    lines: dict[str, object], match: str, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from training import decoding

    decoded: list[Path] = []
    monkeypatch.setattr(decoding, "decode", lambda path: decoded.append(path) or decode(path))
    with pytest.raises((DataError, RecipeError), match=match):
        prepare(data, **lines)
    assert not decoded


def test_enhancement_changes_what_is_packed(data: Path) -> None:
    plain = prepare(data)
    enhanced = prepare(data, spec=msgspec.structs.replace(SPEC, enhance=True))
    path = plain.paths[0]
    np.testing.assert_array_equal(enhanced.pixels[0], fit(enhance(decode(path)), SPEC))
    assert not np.array_equal(enhanced.pixels[0], plain.pixels[0])


def test_the_fingerprint_follows_pictures_labels_and_splits_and_not_the_place(
    data: Path, tmp_path: Path
) -> None:
    original = prepare(data).fingerprint
    assert prepare(shutil.copytree(data, tmp_path / "elsewhere")).fingerprint == original
    assert prepare(data, seed=2).fingerprint != original
    (data / "real" / "0000.png").rename(data / "fake" / "moved.png")
    assert prepare(data).fingerprint != original


def test_packed_pictures_are_used_again_only_while_the_files_are_the_same(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from training import decoding

    prepare(data)
    decoded = []
    monkeypatch.setattr(decoding, "decode", lambda path: decoded.append(path) or decode(path))
    prepare(data)
    assert decoded == []
    changed = data / "real" / "0000.png"
    Image.fromarray(draw_picture(np.random.default_rng(77), fake=False)).save(changed)
    dataset = prepare(data)
    assert decoded
    row = dataset.paths.index(changed)
    np.testing.assert_array_equal(dataset.pixels[row], decode(changed))


def test_a_cache_that_was_cut_off_is_made_anew(data: Path) -> None:
    expected = prepare(data)
    cache = data.parent / "data-cache"
    for index in cache.glob("*.json"):
        index.unlink()
    for array in cache.glob("*.npy"):
        array.write_bytes(array.read_bytes()[:1000])
    assert prepare(data).fingerprint == expected.fingerprint


def test_names_that_are_not_utf8_go_through(data: Path) -> None:
    (data / "real" / "0000.png").rename(data / "real" / os.fsdecode(b"\xff\xfe.png"))
    (data / "real" / os.fsdecode(b"\xff-broken.png")).write_bytes(b"")
    dataset = prepare(data)
    assert len(used(dataset)) == 60
    " ".join(dataset.findings).encode("utf-8")
