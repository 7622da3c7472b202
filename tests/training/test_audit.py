"""The audit flags data sets whose label can be told without looking, and only those."""

import io
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from keras_detector.audit_note import Judgement, audit_sentence, judge
from keras_detector.card import AuditNote, Estimate
from keras_detector.errors import DataError
from keras_detector.labelled_directory import read_labelled_directory
from keras_detector.pixels import Pixels
from tests.conftest import draw_picture
from training.__main__ import main
from training.audit import command as audit_command
from training.audit.jpeg_tables import read_jpeg_tables
from training.audit.run import SAMPLE, Audit, audit_pictures
from training.audit.scores import make_folds
from training.audit.text import describe_audit

Saver = Callable[[Pixels, Path, np.random.Generator], None]


def picture(rng: np.random.Generator, size: int = 48) -> Pixels:
    """A picture that says nothing of its class."""
    return draw_picture(rng, fake=bool(rng.integers(2)), size=size)


def as_jpeg(pixels: Pixels, path: Path, rng: np.random.Generator) -> None:
    Image.fromarray(pixels).save(path.with_suffix(".jpg"), quality=int(rng.integers(75, 96)))


def as_png(pixels: Pixels, path: Path, rng: np.random.Generator) -> None:
    Image.fromarray(pixels).save(path.with_suffix(".png"))


def as_grey_jpeg(pixels: Pixels, path: Path, rng: np.random.Generator) -> None:
    grey = Image.fromarray(pixels).convert("L").convert("RGB")
    as_jpeg(np.asarray(grey), path, rng)


def write(
    root: Path, fakes: Saver, per_class: int = 40, reals: Saver = as_jpeg, seed: int = 0
) -> Path:
    rng = np.random.default_rng(seed)
    for name, save in (("real", reals), ("fake", fakes)):
        (root / name).mkdir(parents=True, exist_ok=True)
        for number in range(per_class):
            save(picture(rng), root / name / f"{number:03}", rng)
    return root


def audit_of(root: Path, **options: object) -> Audit:
    pictures = read_labelled_directory(root).pictures
    return audit_pictures(pictures, root=root, **options)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def balanced(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("balanced"), as_jpeg, per_class=120)


@pytest.fixture(scope="module")
def png_fakes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("png"), as_png)


def finding(audit: Audit, name: str) -> Estimate:
    return next(found.roc_auc for found in audit.features if found.name == name)


def test_png_fakes_are_an_alarm_that_names_the_format(png_fakes: Path) -> None:
    audit = audit_of(png_fakes)
    note = audit.note()
    assert judge(note) is Judgement.ALARM
    assert note.roc_auc.value == 1.0
    assert finding(audit, "file format").value == finding(audit, "JPEG quality").value == 1.0
    assert note.strongest in {"file format", "JPEG quality", "JPEG tables", "chroma subsampling"}
    assert note.strongest in audit_sentence(note)
    assert "--align" in describe_audit(audit)


def test_a_balanced_set_is_fine(balanced: Path) -> None:
    audit = audit_of(balanced)
    assert judge(audit.note()) is Judgement.FINE
    assert audit.roc_auc.low < 0.5 < audit.roc_auc.high + 0.05
    assert finding(audit, "file format").value == 0.5
    assert (audit.n, audit.n_real, audit.n_fake, audit.unreadable) == (240, 120, 120, 0)


def test_grey_fakes_are_told_by_the_picture_and_not_by_the_file(tmp_path: Path) -> None:
    audit = audit_of(write(tmp_path, as_grey_jpeg))
    assert audit.note().strongest == "greyness"
    assert audit.kinds["picture"].value > 0.95
    assert audit.kinds["file"].value < 0.65


def save_with_prompt(pixels: Pixels, path: Path, rng: np.random.Generator) -> None:
    text = PngImagePlugin.PngInfo()
    text.add_text("parameters", "a cat, masterpiece")
    Image.fromarray(pixels).save(path.with_suffix(".png"), pnginfo=text)


def save_with_exif(pixels: Pixels, path: Path, rng: np.random.Generator) -> None:
    exif = Image.Exif()
    exif[0x010F] = "a camera"
    Image.fromarray(pixels).save(path.with_suffix(".png"), exif=exif)


def test_metadata_are_noticed(tmp_path: Path) -> None:
    audit = audit_of(write(tmp_path, save_with_prompt, per_class=20, reals=save_with_exif))
    assert finding(audit, "EXIF tags").value == 1.0
    assert finding(audit, "other metadata").value == 1.0
    assert finding(audit, "file format").value == 0.5


def test_the_same_call_gives_the_same_audit_and_a_sample_is_even(balanced: Path) -> None:
    audit = audit_of(balanced, sample=80, seed=3)
    assert audit == audit_of(balanced, sample=80, seed=3)
    assert audit != audit_of(balanced, sample=80, seed=4)
    assert (audit.n_real, audit.n_fake, audit.listed) == (40, 40, 240)
    assert "drawn from 240 with seed 3" in describe_audit(audit)


def test_sources_with_sizes_of_their_own_are_told_only_where_they_were_seen(
    tmp_path: Path,
) -> None:
    rng = np.random.default_rng(0)
    sizes = {"real": (32, 40, 48, 56, 64), "fake": (36, 44, 52, 60, 68)}
    for name, of_class in sizes.items():
        for size in of_class:
            folder = tmp_path / name / f"camera{size}"
            folder.mkdir(parents=True)
            for number in range(25):
                as_jpeg(picture(rng, size), folder / f"{number}", rng)
    audit = audit_of(tmp_path)
    assert finding(audit, "width").value > 0.9
    assert audit.roc_auc.value > 0.9
    assert audit.roc_auc_sources is not None
    assert audit.roc_auc_sources.value < 0.75
    assert "hold out whole sources" in describe_audit(audit)


def test_copies_across_classes_and_splits_are_listed(tmp_path: Path) -> None:
    root = tmp_path
    write(root / "train", as_png, 12, as_png)
    write(root / "test", as_png, 6, as_png, seed=1)
    (root / "test/fake/copy.png").write_bytes((root / "test/real/000.png").read_bytes())
    with Image.open(root / "train/real/003.png") as image:
        image.save(root / "test/real/near.jpg", quality=70)
    audit = audit_of(root)
    assert audit.copies is not None
    (classes,) = audit.copies.across_classes
    (splits,) = audit.copies.across_splits
    assert classes.exact
    assert set(classes.paths) == {"test/fake/copy.png", "test/real/000.png"}
    assert not splits.exact
    assert set(splits.paths) == {"train/real/003.png", "test/real/near.jpg"}
    assert "same pixels: test/fake/copy.png = test/real/000.png" in describe_audit(audit)


def test_unreadable_pictures_are_counted_and_too_few_are_refused(tmp_path: Path) -> None:
    write(tmp_path, as_png, per_class=12)
    (tmp_path / "real/broken.jpg").write_bytes(b"\xff\xd8 nothing")
    audit = audit_of(tmp_path)
    assert (audit.n, audit.unreadable) == (24, 1)
    for path in sorted((tmp_path / "fake").iterdir())[1:]:
        path.write_bytes(b"nothing")
    with pytest.raises(DataError, match="different fake pictures"):
        audit_of(tmp_path)


def test_known_groups_are_used_and_never_stand_on_both_sides_of_a_fold(png_fakes: Path) -> None:
    pictures = read_labelled_directory(png_fakes).pictures
    groups = np.arange(len(pictures)) // 3
    audit = audit_pictures(pictures, groups)
    assert audit.copies is None
    assert audit.note().roc_auc.value == 1.0
    labels = np.array([p.label for p in pictures], dtype=np.int64)
    folds = make_folds(labels, groups, seed=0)
    assert sorted(np.concatenate([scored for _, scored in folds])) == list(range(len(pictures)))
    for learn, scored in folds:
        assert not set(groups[learn]) & set(groups[scored])


@pytest.mark.parametrize("quality", [20, 50, 75, 90, 98])
def test_the_quality_of_a_jpeg_is_read_off_its_tables(quality: int) -> None:
    file = io.BytesIO()
    Image.new("RGB", (16, 16)).save(file, "JPEG", quality=quality)
    with Image.open(file) as image:
        tables = read_jpeg_tables(image.quantization)  # type: ignore[attr-defined]
    assert tables is not None
    assert (tables.quality, tables.standard) == (quality, True)


def test_a_figure_that_chance_explains_says_so() -> None:
    doubtful = AuditNote(roc_auc=Estimate(value=0.66, low=0.45, high=0.82), strongest="width")
    sure = AuditNote(roc_auc=Estimate(value=0.66, low=0.61, high=0.71), strongest="width")
    assert judge(doubtful) is judge(sure) is Judgement.WARNING
    assert audit_sentence(doubtful).startswith(audit_sentence(sure).split(" [")[0])
    assert "by chance" in audit_sentence(doubtful)
    assert "by chance" not in audit_sentence(sure)


def test_the_command_prints_a_table_or_one_json_object_and_writes_a_page(
    png_fakes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert audit_command._DEFAULT_SAMPLE == SAMPLE
    page = tmp_path / "audit.html"
    assert main(["audit", str(png_fakes), "--out", str(page)]) == 0
    shown = capsys.readouterr().out
    assert "ALARM" in shown
    text = page.read_text(encoding="utf-8")
    assert "ALARM" in text
    assert "http" not in text.replace("data:image/png", "")
    assert main(["audit", str(png_fakes), "--out", str(page)]) == 1
    capsys.readouterr()
    assert main(["audit", str(png_fakes), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["judgement"], found["n"]) == ("alarm", 80)
    assert found["sentence"] in shown


def test_it_works_without_tensorflow(png_fakes: Path) -> None:
    code = (
        "import sys; sys.modules['tensorflow'] = sys.modules['keras'] = None;"
        "from training.__main__ import main;"
        f"sys.exit(main(['audit', {str(png_fakes)!r}, '--sample', '40']))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "ALARM" in done.stdout
