"""The desktop app, built, installed and tried as a user would. Linux; minutes.

pytest -m slow -s tests/packaging/test_app_build.py
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from keras_detector import __version__
from keras_detector.detector import Detector, default_model_path
from tests.packaging.test_requirements import find_uv

ROOT = Path(__file__).parents[2]
NAME = "AIImageClassifier"
PICTURE = ROOT / "samples" / "china.jpg"
MOST_UNPACKED, MOST_PACKED = 390_000_000, 180_000_000
"""Bytes; docs/packaging.md says what takes them, and what it would take to need less."""

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(3600),
    pytest.mark.skipif(sys.platform != "linux" or not find_uv(), reason="needs Linux and uv"),
]


def make(target: str) -> None:
    subprocess.run(["make", target, f"UV={find_uv()}"], cwd=ROOT, check=True)


@pytest.fixture(scope="module")
def folder() -> Path:
    """What `make app` leaves in dist/."""
    make("app")
    return ROOT / "dist" / NAME


@pytest.fixture(scope="module")
def archive(folder: Path) -> Path:
    """What `make app-archive` leaves beside it."""
    make("app-archive")
    return ROOT / "dist" / f"{NAME}-{__version__}-linux-{os.uname().machine}.tar.xz"


@pytest.fixture(scope="module")
def installed(archive: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program, installed from the archive somewhere else."""
    unpacked, prefix = tmp_path_factory.mktemp("unpacked"), tmp_path_factory.mktemp("prefix")
    subprocess.run(["tar", "-xf", archive, "-C", unpacked], check=True)
    (content,) = unpacked.iterdir()
    subprocess.run(
        [content / "install.sh"], env={"PATH": "/usr/bin:/bin", "PREFIX": str(prefix)}, check=True
    )
    shutil.rmtree(unpacked)
    return prefix / "bin" / NAME


def run(program: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    # Nothing of the environment of the tests: a person has neither it nor the checkout.
    return subprocess.run(
        [program, *arguments],
        env={"PATH": "/usr/bin:/bin", "HOME": "/nonexistent", "LANG": "C.UTF-8"},
        cwd="/",
        capture_output=True,
        text=True,
    )


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Fifty, of many sizes and formats."""
    folder, rng = tmp_path_factory.mktemp("pictures"), np.random.default_rng(0)
    samples = [path for path in sorted((ROOT / "samples").iterdir()) if path.suffix != ".md"]
    for number in range(50):
        picture = Image.open(samples[number % len(samples)]).convert("RGB")
        left, top, width, height = rng.integers((0, 0, 120, 120), (60, 60, 600, 400))
        part = picture.crop((left, top, left + width, top + height))
        form = ("PNG", "JPEG", "WEBP", "BMP", "TIFF")[number % 5]
        part.save(folder / f"{number:02}", form)
    return sorted(folder.iterdir())


@pytest.mark.parametrize("model", ["ai_imageclassifier", "efficientnet"])
def test_its_scores_are_those_of_the_library_the_command_line_and_the_sources(
    installed: Path, pictures: list[Path], model: str
) -> None:
    path = default_model_path().with_stem(model)
    carried = installed.resolve().parent / "_internal" / "keras_detector" / "models"
    options = ["--json", "--model", path]
    done = subprocess.run(
        [sys.executable, "-m", "keras_detector.cli", "predict", *options, *pictures],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    command_line = [json.loads(line)["score"] for line in done.stdout.splitlines()]
    detector, worst = Detector(path), 0.0
    for picture, of_command_line in zip(pictures, command_line, strict=True):
        packaged = run(installed, "--check", picture, "--model", carried / f"{model}.detector")
        assert packaged.returncode == 0, packaged.stderr
        source = subprocess.run(
            [sys.executable, "-m", "gui", "--check", picture, "--model", path],
            cwd=ROOT,
            capture_output=True,
            text=True,
        )
        rows = [json.loads(program.stdout) for program in (packaged, source)]
        expected = detector.judge(picture)
        for row in rows:
            assert (row["verdict"], row["model"]) == (expected.verdict.value, model)
        scores = (of_command_line, *(row["score"] for row in rows))
        worst = max(worst, *(abs(score - expected.score) for score in scores))
    print(f"\n{model}: 50 pictures, four ways, at most {worst:.1e} apart")
    assert worst <= 1e-6


def test_it_judges_with_the_default_model_and_knows_its_version(installed: Path) -> None:
    assert json.loads(run(installed, "--check", PICTURE).stdout)["model"] == "ai_imageclassifier"
    assert run(installed, "--version").stdout.strip() == __version__


@pytest.mark.parametrize("form", ["PNG", "JPEG", "GIF", "BMP", "WEBP", "TIFF", "AVIF"])
def test_it_reads_every_format(installed: Path, tmp_path: Path, form: str) -> None:
    path = tmp_path / "picture"
    Image.open(PICTURE).save(path, form)
    assert json.loads(run(installed, "--check", path).stdout)["score"] is not None


def test_its_exit_codes_are_those_of_the_command_line(installed: Path, tmp_path: Path) -> None:
    unreadable = run(installed, "--check", ROOT / "README.md")
    assert unreadable.returncode == 1
    assert json.loads(unreadable.stdout)["error"]
    missing = run(installed, "--check", PICTURE, "--model", tmp_path / "none.keras")
    assert missing.returncode == 3
    assert missing.stderr.startswith("error: ")
    assert missing.stdout == ""


def test_nothing_that_trains_is_inside(folder: Path) -> None:
    from PyInstaller.archive.readers import CArchiveReader

    program = CArchiveReader(str(folder / NAME))
    modules = set(program.open_embedded_archive("PYZ.pyz").toc)
    assert "keras_detector.detector" in modules
    files = {part for path in folder.rglob("*") for part in path.relative_to(folder).parts}
    tops = {name.partition(".")[0] for name in modules} | files
    assert not tops & {"tensorflow", "keras", "training", "sklearn", "scipy", "matplotlib", "h5py"}
    assert not [name for name in files if name.endswith(".keras")]


def test_the_licences_of_what_is_inside_are_inside(folder: Path) -> None:
    carried = {path.name for path in (folder / "_internal" / "licences").iterdir()}
    wanted = {"numpy", "pillow", "opencv_python_headless", "ai_edge_litert", "customtkinter"}
    assert wanted | {"python"} <= {name.partition("-")[0] for name in carried}


def test_its_size(folder: Path, archive: Path) -> None:
    files = [path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()]
    unpacked, packed = sum(path.stat().st_size for path in files), archive.stat().st_size
    print(f"\nunpacked {unpacked / 1e6:.1f} MB, packed {packed / 1e6:.1f} MB")
    assert unpacked <= MOST_UNPACKED
    assert packed <= MOST_PACKED


@pytest.mark.skipif(shutil.which("xvfb-run") is None, reason="Xvfb is not installed")
def test_its_window_opens(folder: Path) -> None:
    done = subprocess.run(
        ["xvfb-run", "-a", sys.executable, "benchmarks/app_start.py", "1"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    print("\n" + done.stdout)
    assert done.returncode == 0, done.stdout + done.stderr
