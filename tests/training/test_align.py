"""An aligned folder says nothing of the label by format, size, tables or metadata."""

import csv
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from keras_detector.errors import DataError, RunError
from keras_detector.images import decode
from keras_detector.labelled_directory import read_labelled_directory
from keras_detector.labels import Label
from tests.conftest import draw_picture
from training.__main__ import main
from training.audit import align
from training.audit.align import MANIFEST, PLAN, Aligned, align_directory
from training.audit.run import audit_pictures


def write(root: Path, per_class: int = 60) -> Path:
    """Reals are JPEGs of many sizes with EXIF, fakes square PNGs of one size, also grey ones."""
    rng = np.random.default_rng(0)
    for number in range(per_class):
        drawn = [draw_picture(rng, fake=bool(number % 2), size=96) for _ in range(2)]
        real, fake = root / "real/camera", root / "fake/generator"
        for folder in (real, fake):
            folder.mkdir(parents=True, exist_ok=True)
        exif = Image.Exif()
        exif[0x010F] = "a camera"
        high, wide = rng.integers(64, 97, 2)
        quality = int(rng.integers(60, 96))
        photograph = Image.fromarray(drawn[0][:high, :wide])
        photograph.save(real / f"{number:03}.jpg", quality=quality, exif=exif)
        Image.fromarray(drawn[1][:80, :80]).save(fake / f"{number:03}.png")
    return root


def contents(root: Path) -> dict[str, bytes]:
    files = sorted(path for path in root.rglob("*") if path.is_file())
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in files}


def aligned(root: Path, out: Path, seed: int = 0) -> Aligned:
    return align_directory(read_labelled_directory(root), out, seed=seed)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def out(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("aligned") / "out"
    aligned(data, out)
    return out


def test_format_size_tables_and_metadata_tell_nothing_any_more(data: Path, out: Path) -> None:
    before = audit_pictures(read_labelled_directory(data).pictures)
    after = audit_pictures(read_labelled_directory(out).pictures)
    assert before.kinds["file"].value > 0.95
    assert after.kinds["file"].low <= 0.5
    assert after.kinds["file"].value < 0.6
    told = {f.name: f.roc_auc.value for f in after.features}
    for name in ("file format", "chroma subsampling", "EXIF tags", "other metadata"):
        assert told[name] == 0.5, name
    for finding in after.features:
        if finding.kind == "file":
            assert finding.roc_auc.low <= 0.5, finding.name


def test_layout_and_sources_stay_and_nothing_is_enlarged(data: Path, out: Path) -> None:
    pictures = read_labelled_directory(out).pictures
    assert {(p.label, p.source) for p in pictures} == {
        (Label.REAL, "camera"),
        (Label.FAKE, "generator"),
    }
    with (out / MANIFEST).open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(pictures)
    for row in rows:
        with Image.open(out / row["path"]) as image:
            assert (image.format, image.mode, image.size) == (
                "JPEG",
                "RGB",
                (int(row["side"]),) * 2,
            )
            assert not image.getexif()
        assert int(row["side"]) + 7 <= min(int(row["width0"]), int(row["height0"]))
        assert (row["format0"] == "PNG") == (row["first_pass_quality"] != "")
        assert (data / row["original"]).exists()
    assert {row["how"] for row in rows} == {"crop", "downscaled"}


def test_the_input_is_not_touched_and_the_seed_decides_everything(
    data: Path, out: Path, tmp_path: Path
) -> None:
    before = contents(data)
    aligned(data, tmp_path / "again")
    assert contents(data) == before
    assert contents(tmp_path / "again") == contents(out)
    aligned(data, tmp_path / "other", seed=1)
    assert contents(tmp_path / "other") != contents(out)


def test_an_interrupted_run_goes_on_and_ends_the_same(
    data: Path, out: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    unfinished = tmp_path / "unfinished"
    decoded: list[Path] = []

    def decode_some(source: Path) -> object:
        if isinstance(source, Path):
            decoded.append(source)
            if len(decoded) == 40:
                raise KeyboardInterrupt
        return decode(source)

    monkeypatch.setattr(align, "decode", decode_some)
    with pytest.raises(KeyboardInterrupt):
        aligned(data, unfinished)
    (unfinished / "fake/generator/.001.jpg.x.part").write_bytes(b"half")
    assert not (unfinished / MANIFEST).exists()
    with pytest.raises(RunError, match="begun with others"):
        aligned(data, unfinished, seed=1)
    decoded[:] = [Path()] * 40
    aligned(data, unfinished)
    assert len(decoded) == 40 + 120 - 39  # what was written is not read again
    assert contents(unfinished) == contents(out)


def test_a_folder_in_use_a_finished_one_and_one_inside_the_data_are_refused(
    data: Path, out: Path, tmp_path: Path
) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    before = contents(tmp_path), contents(out), contents(data)
    with pytest.raises(RunError, match="holds 1 entries"):
        aligned(data, tmp_path)
    with pytest.raises(RunError, match="is finished"):
        aligned(data, out)
    with pytest.raises(RunError, match="outside the data directory for --align"):
        aligned(data, data / "aligned")
    assert (contents(tmp_path), contents(out), contents(data)) == before


def test_equal_names_small_and_broken_pictures(tmp_path: Path) -> None:
    data = write(tmp_path / "data", per_class=21)
    fakes = data / "fake/generator"
    with Image.open(fakes / "000.png") as image:
        image.convert("RGB").save(fakes / "000.jpg")
        image.resize((30, 30)).save(fakes / "small.png")
    (fakes / "broken.png").write_bytes((fakes / "001.png").read_bytes()[:2000])
    (fakes / "none.png").write_bytes(b"none")
    found = aligned(data, tmp_path / "out")
    assert (found.too_small_fake, found.too_small_real, found.unreadable) == (1, 0, 2)
    assert (found.written_fake, found.written_real) == (22, 21)
    assert len(read_labelled_directory(tmp_path / "out").pictures) == found.written == 43
    assert (tmp_path / "out" / PLAN).exists()


def test_splits_stay(tmp_path: Path) -> None:
    for split in ("train", "test"):
        write(tmp_path / "data" / split, per_class=3)
    aligned(tmp_path / "data", tmp_path / "out")
    splits = [p.split for p in read_labelled_directory(tmp_path / "out").pictures]
    assert sorted(str(split) for split in splits) == ["test"] * 6 + ["train"] * 6


def test_a_metadata_table_becomes_class_folders(tmp_path: Path) -> None:
    folder = write(tmp_path / "whole", per_class=3)
    data = tmp_path / "data/test"
    data.mkdir(parents=True)
    lines = ["filename,image_path,target,category"]
    for number, path in enumerate(sorted(folder.rglob("*.*g"))):
        name = f"{number}{path.suffix}"
        (data / name).write_bytes(path.read_bytes())
        lines.append(f"{name},{name},{int('fake' in path.parts)},x")
    (data / "metadata.csv").write_text("\n".join(lines))
    aligned(data.parent, tmp_path / "out")
    assert len(read_labelled_directory(tmp_path / "out").pictures) == 6


def test_too_small_a_class_is_refused(tmp_path: Path) -> None:
    for name in ("real", "fake"):
        (tmp_path / "data" / name).mkdir(parents=True)
        Image.new("RGB", (20, 90)).save(tmp_path / "data" / name / "one.png")
    with pytest.raises(DataError, match="23 or more pixels"):
        aligned(tmp_path / "data", tmp_path / "out")


def test_the_command_shows_before_and_after(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert main(["audit", str(data), "--align", str(out)]) == 0
    before, after = capsys.readouterr().out.split("aligned:")
    assert "ALARM" in before
    assert "ALARM" not in after
    assert main(["audit", str(data), "--align", str(out)]) == 1
