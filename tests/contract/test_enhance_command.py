"""`enhance`, with a real model: what it saves, what it prints, and what it never harms."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from PIL import Image

from keras_detector import enhance as enhance_module
from keras_detector.cli import main
from keras_detector.detector import Detector
from keras_detector.enhance import Enhancement, enhance
from keras_detector.images import decode
from keras_detector.pixels import Pixels
from keras_detector.rows import judge_files
from tests.conftest import draw_picture

ROOT = Path(__file__).parents[2]


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "picture.png"
    Image.fromarray(draw_picture(np.random.default_rng(5), fake=False, size=64)).save(path)
    return path


def call(model: Path, picture: Path, out: Path, *options: str) -> list[str]:
    return ["enhance", str(picture), "--out", str(out), "--model", str(model), *options]


def test_the_verdict_is_of_the_original_and_the_other_score_is_marked(
    tiny_model: Path, picture: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, before = tmp_path / "out.png", picture.read_bytes()
    detector = Detector(tiny_model)
    (row,) = judge_files(detector, [picture])
    enhanced = enhance(decode(picture))
    score = detector.judge_pixels(enhanced).score

    assert main(call(tiny_model, picture, out)) == 0
    said = capsys.readouterr()
    verdict, other = said.out.splitlines()
    assert verdict == row.to_text()
    assert other.startswith("(enhanced: no verdict)")
    assert f"{score:.3f}  {out}  (128 x 128 pixels)" in other
    assert said.err == ""
    np.testing.assert_array_equal(decode(out), enhanced)
    assert picture.read_bytes() == before

    assert main(call(tiny_model, picture, out, "--json", "--overwrite")) == 0
    (line,) = capsys.readouterr().out.splitlines()
    assert json.loads(line) == {
        **row.to_builtins(),
        "out": str(out),
        "width": 128,
        "height": 128,
        "enhanced_score": score,
    }
    assert score != row.to_builtins()["score"]


@pytest.mark.parametrize(
    ("options", "settings"),
    [
        (["--denoise-only"], Enhancement(double=False)),
        (["--double-only"], Enhancement(denoise=False)),
        (["--luminance-strength", "3"], Enhancement(luminance_strength=3)),
        (["--denoise-only", "--colour-strength", "0"], Enhancement(True, 10, 0, False)),
    ],
)
def test_options_choose_steps_and_strengths(
    options: list[str], settings: Enhancement, tiny_model: Path, picture: Path, tmp_path: Path
) -> None:
    assert main(call(tiny_model, picture, tmp_path / "out.png", *options)) == 0
    expected = enhance(decode(picture), settings)
    np.testing.assert_array_equal(decode(tmp_path / "out.png"), expected)


def test_quality_and_format_are_those_asked_for(
    tiny_model: Path, picture: Path, tmp_path: Path
) -> None:
    fine, coarse = tmp_path / "fine.jpg", tmp_path / "new" / "coarse.JPG"
    assert main(call(tiny_model, picture, fine)) == 0
    assert main(call(tiny_model, picture, coarse, "--quality", "20")) == 0
    assert coarse.stat().st_size < fine.stat().st_size / 2
    with Image.open(coarse) as image:
        assert (image.format, image.size) == ("JPEG", (128, 128))


def test_what_is_saved_stands_upright_without_exif_and_profile(
    tiny_model: Path, tmp_path: Path
) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by a quarter
    exif[0x010F] = "a camera"
    path, out = tmp_path / "turned.jpg", tmp_path / "out.png"
    Image.new("RGB", (50, 30), "red").save(path, exif=exif, icc_profile=b"profile")
    assert main(call(tiny_model, path, out)) == 0
    with Image.open(out) as image:
        assert image.size == (60, 100)
        assert not image.getexif()
        assert "icc_profile" not in image.info


def test_the_original_and_other_files_are_not_replaced(
    tiny_model: Path, picture: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = picture.read_bytes()
    (tmp_path / "link.png").symlink_to(picture)
    os.link(picture, tmp_path / "hard.png")
    for name in ("picture.png", "link.png", "hard.png"):
        assert main(call(tiny_model, picture, tmp_path / name, "--overwrite")) == 1
        assert "another file than the picture" in capsys.readouterr().err
    assert main(call(tiny_model, tmp_path / "link.png", picture, "--overwrite")) == 1
    assert picture.read_bytes() == before
    other = tmp_path / "other.png"
    other.write_bytes(b"mine")
    assert main(call(tiny_model, picture, other)) == 1
    assert other.read_bytes() == b"mine"


def test_a_file_that_appears_meanwhile_is_not_replaced(
    tiny_model: Path,
    picture: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = tmp_path / "out.png"

    def slow(*given: object, **named: object) -> Pixels:
        out.write_bytes(b"mine")
        return enhance(*given, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(enhance_module, "enhance", slow)
    assert main(call(tiny_model, picture, out)) == 1
    assert "--overwrite" in capsys.readouterr().err
    assert out.read_bytes() == b"mine"


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        (["--luminance-strength", "101"], 2, "from 0 to 100"),
        (["--double-only", "--colour-strength", "5"], 2, "beside --double-only"),
        (["--quality", "90"], 1, "PNG keeps every pixel"),
    ],
)
def test_a_call_that_cannot_be_meant_saves_nothing(
    options: list[str],
    code: int,
    said: str,
    tiny_model: Path,
    picture: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(call(tiny_model, picture, tmp_path / "out.png", *options)) == code
    assert said in capsys.readouterr().err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["picture.png"]


def test_both_steps_cannot_be_the_only_one(tiny_model: Path, picture: Path, tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(call(tiny_model, picture, tmp_path / "out.png", "--denoise-only", "--double-only"))


def test_bad_pictures_and_models_are_said_and_save_nothing(
    tiny_model: Path, picture: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text, out = tmp_path / "text.jpg", tmp_path / "out.png"
    text.write_text("not a picture")
    assert main(call(tiny_model, text, out)) == 1
    assert main(call(text, picture, out)) == 3
    wide = tmp_path / "wide.png"
    Image.new("RGB", (9_000, 1)).save(wide)
    assert main(call(tiny_model, wide, tmp_path / "out.webp")) == 1
    said = capsys.readouterr()
    assert "Traceback" not in said.err
    assert "Save it as PNG" in said.err
    assert said.out == ""
    assert {path.name for path in tmp_path.iterdir()} == {"text.jpg", "picture.png", "wide.png"}


def test_no_memory_is_an_error_of_one_line(
    tiny_model: Path,
    picture: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def too_much(*_: object) -> Pixels:
        raise MemoryError

    monkeypatch.setattr(enhance_module, "denoise", too_much)
    assert main(call(tiny_model, picture, tmp_path / "out.png")) == 1
    assert "not enough memory" in capsys.readouterr().err


def test_a_model_that_sees_enhanced_pictures_is_not_shown_one_enhanced_twice(
    tiny_model: Path,
    picture: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    class Enhancing(Detector):
        def __init__(self, *arguments: Any) -> None:
            super().__init__(*arguments)
            spec = msgspec.structs.replace(self.card.input, enhance=True)
            self.card = msgspec.structs.replace(self.card, input=spec)

    monkeypatch.setattr("keras_detector.detector.Detector", Enhancing)
    assert main(call(tiny_model, picture, tmp_path / "out.png", "--json")) == 0
    row = json.loads(capsys.readouterr().out)
    assert row["score"] == Enhancing(tiny_model).judge(picture).score
    assert row["enhanced_score"] is None
    assert main(call(tiny_model, picture, tmp_path / "other.png")) == 0
    assert "-  " in capsys.readouterr().out.splitlines()[1]


@pytest.mark.skipif(sys.platform == "win32", reason="needs a terminal of POSIX's kind")
def test_a_bar_on_a_terminal_and_nothing_left_after_ctrl_c(
    tiny_model: Path, tmp_path: Path
) -> None:
    import termios

    large = tmp_path / "large.png"
    rng = np.random.default_rng(0)
    Image.fromarray(rng.integers(0, 256, (3000, 3000, 3), dtype=np.uint8)).save(large)
    screen, terminal = os.openpty()
    termios.tcsetwinsize(terminal, (24, 80))
    # Who runs the tests in the background may have told their children to ignore Ctrl+C.
    code = (
        "import signal, sys; from keras_detector.cli import main;"
        "signal.signal(signal.SIGINT, signal.default_int_handler); sys.exit(main())"
    )
    running = subprocess.Popen(
        [sys.executable, "-c", code, *call(tiny_model, large, tmp_path / "o.png")],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=terminal,
    )
    os.close(terminal)
    said = b""
    while not re.search(rb" [1-9]\d?%\|", said):
        said += os.read(screen, 1000)
    assert b"enhancing:   0%|" in said
    running.send_signal(signal.SIGINT)
    asked = time.monotonic()
    output, _ = running.communicate(timeout=60)
    # The process ends with the tile at work: a busy machine may need a while for it.
    assert time.monotonic() - asked < 20
    os.close(screen)
    assert running.returncode == 130
    assert output == b""
    assert [path.name for path in tmp_path.iterdir()] == ["large.png"]
