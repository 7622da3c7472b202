import io
import json
import os
import threading
from pathlib import Path

import msgspec
import numpy as np
import pytest
from PIL import Image

from gui import session as session_module
from gui.app_errors import RememberedModelError
from gui.picture_list import Stage
from gui.session import Session
from gui.state import Part
from gui.texts import Texts, read_texts
from keras_detector.detector import Detector, default_model_path
from keras_detector.enhance import Enhancement
from keras_detector.errors import ModelFileError, SaveError, UnreadableImageError
from keras_detector.images import decode
from keras_detector.strictness import Strictness, threshold_for
from tests.conftest import draw_picture, write_dataset
from tests.gui.outbox import Outbox

TEXTS = Texts("en")


class Desk:
    """A session and its main thread; remembers which parts changed."""

    def __init__(self, model: Path, strictness: Strictness = Strictness.BALANCED) -> None:
        self.outbox = Outbox()
        self.session = Session(model, strictness, self.outbox.deliver)
        self.changed: list[Part] = []
        self.session.listen(self.changed.append)
        self.run_until = self.outbox.run_until

    def judged(self) -> bool:
        opened = self.session.picture
        return opened is not None and (opened.examination or opened.error) is not None

    def open(self, path: Path) -> None:
        self.session.open(path)
        self.run_until(self.judged)

    def told(self) -> object:
        self.run_until(lambda: self.session.message is not None)
        message = self.session.message
        assert message is not None
        self.session.dismiss_message()
        return message.error or message.saved


@pytest.fixture
def desk(tiny_model):
    desk = Desk(tiny_model)
    yield desk
    assert desk.session.close()


@pytest.fixture
def picture(tmp_path):
    path = tmp_path / "picture.png"
    Image.fromarray(draw_picture(np.random.default_rng(3), fake=True, size=48)).save(path)
    return path


def test_a_picture_is_shown_first_and_judged_then(desk, picture, tiny_model):
    desk.session.open(picture)
    assert desk.session.picture.picture is None
    desk.run_until(lambda: desk.session.picture.picture is not None)
    assert desk.session.picture.picture.pixels.shape == (48, 48, 3)
    desk.run_until(desk.judged)
    assert desk.session.picture.examination.prediction == Detector(tiny_model).judge(picture)
    assert {Part.PICTURE, Part.VERDICT, Part.MODEL} <= set(desk.changed)


def test_pasted_bytes_and_pixels_are_judged_like_the_file(desk, picture):
    desk.open(picture)
    expected = desk.session.picture.examination.prediction
    desk.session.open_bytes(picture.read_bytes())
    desk.run_until(desk.judged)
    assert desk.session.picture.path is None
    assert desk.session.picture.examination.prediction == expected
    desk.session.open_image(Image.open(picture))
    desk.run_until(desk.judged)
    assert desk.session.picture.examination.prediction == expected


def test_an_unreadable_file_is_an_error_and_the_next_one_is_judged(desk, picture, tmp_path):
    (tmp_path / "bad.jpg").write_bytes(b"\xff\xd8\xff nonsense")
    desk.open(tmp_path / "bad.jpg")
    assert isinstance(desk.session.picture.error, UnreadableImageError)
    desk.open(picture)
    assert desk.session.picture.error is None


def test_only_the_last_of_many_opened_pictures_arrives(desk, picture, tmp_path):
    for _ in range(20):
        desk.session.open(tmp_path / "missing.png")
    desk.session.open(picture)
    desk.run_until(desk.judged)
    assert desk.session.picture.path == picture
    assert desk.session.picture.error is None


def test_one_file_is_a_picture_and_anything_else_a_list(desk, picture, tmp_path):
    desk.session.open_paths([picture])
    assert desk.session.picture.path == picture
    assert desk.session.pictures.stage is Stage.EMPTY
    folder = write_dataset(tmp_path / "set", 2)
    desk.session.open_paths([folder])
    desk.run_until(lambda: desk.session.pictures.stage is Stage.FINISHED)
    assert desk.session.pictures.done == 4
    desk.session.open_paths([picture, picture])
    desk.run_until(lambda: desk.session.pictures.stage is Stage.FINISHED)
    assert desk.session.pictures.done == 2


def test_strictness_decides_anew_without_looking_again(desk, picture, tiny_model):
    desk.open(picture)
    examination = desk.session.picture.examination
    card = Detector(tiny_model).card
    for strictness in Strictness:
        desk.session.choose_strictness(strictness)
        decided = desk.session.decide(desk.session.picture.examination)
        assert decided == Detector(tiny_model, strictness).judge(picture)
        assert decided.threshold == threshold_for(card, strictness).value
    assert desk.session.picture.examination is examination


def test_another_model_judges_what_is_open_and_the_list(desk, picture, tmp_path):
    folder = write_dataset(tmp_path / "set", 2)
    desk.open(picture)
    desk.session.open_paths([folder])
    desk.run_until(lambda: desk.session.pictures.stage is Stage.FINISHED)
    desk.session.choose_model(OTHER)
    desk.run_until(lambda: desk.session.model.card is not None and desk.judged())
    desk.run_until(lambda: desk.session.pictures.stage is Stage.FINISHED)
    name = desk.session.model.card.name
    assert desk.session.picture.examination.prediction.model == name
    models = {e.examination.prediction.model for e in desk.session.pictures.entries}
    assert models == {name}


def test_a_file_that_is_no_model_is_refused_and_the_present_one_stays(desk, picture, tiny_model):
    desk.open(picture)
    desk.session.choose_model(picture)
    assert isinstance(desk.told(), ModelFileError)
    assert desk.session.model.path == tiny_model
    desk.open(picture)
    assert desk.session.picture.examination is not None


OTHER = default_model_path().with_name("cnn32.keras")


@pytest.fixture
def damaged(tmp_path):
    path = tmp_path / "damaged.keras"
    path.write_bytes(b"no model")
    return path


def assert_judged_by(desk, path):
    """The model that is named, the one that judges and the one the verdict is of are the same."""
    desk.run_until(lambda: desk.session.model.card is not None and desk.judged())
    name = Detector(path).card.name
    assert desk.session.model.path == path
    assert desk.session.model.card.name == name
    assert desk.session.picture.examination.prediction.model == name
    desk.open(desk.session.picture.path)
    assert desk.session.picture.examination.prediction.model == name


def test_a_damaged_model_chosen_while_a_good_one_loads_leaves_the_good_one(desk, picture, damaged):
    desk.open(picture)
    desk.session.choose_model(OTHER)
    desk.session.choose_model(damaged)
    assert isinstance(desk.told(), ModelFileError)
    assert_judged_by(desk, OTHER)


def test_a_good_model_chosen_while_a_damaged_one_loads_is_taken(desk, picture, damaged):
    desk.open(picture)
    desk.session.choose_model(damaged)
    desk.session.choose_model(OTHER)
    assert isinstance(desk.told(), ModelFileError)
    assert_judged_by(desk, OTHER)


def test_a_damaged_model_chosen_before_the_first_is_loaded(picture, damaged):
    desk = Desk(OTHER)
    desk.session.choose_model(damaged)
    desk.session.open(picture)
    assert isinstance(desk.told(), ModelFileError)
    assert_judged_by(desk, OTHER)
    assert desk.session.close()


def test_a_good_model_chosen_before_the_first_is_found_damaged(picture, damaged):
    desk = Desk(damaged)
    desk.session.open(picture)
    desk.session.choose_model(OTHER)
    assert isinstance(desk.told(), ModelFileError)
    assert_judged_by(desk, OTHER)
    assert desk.session.close()


def test_without_any_model_a_picture_is_shown_and_the_verdict_says_why(picture, tmp_path):
    desk = Desk(tmp_path / "missing.keras")
    assert isinstance(desk.told(), ModelFileError)
    desk.open(picture)
    assert desk.session.picture.picture is not None
    assert isinstance(desk.session.picture.error, ModelFileError)
    desk.session.choose_model(OTHER)
    assert_judged_by(desk, OTHER)
    assert desk.session.close()


def test_a_remembered_model_that_is_gone_is_told_and_another_one_judges(picture, tmp_path):
    outbox = Outbox()
    session = Session(tmp_path / "gone.keras", Strictness.BALANCED, outbox.deliver, fallback=OTHER)
    session.open(picture)
    outbox.run_until(lambda: session.model.card is not None)
    assert isinstance(session.message.error, RememberedModelError)
    assert session.model.path == OTHER
    outbox.run_until(lambda: session.picture.examination is not None)
    assert session.close()


def test_an_enhanced_picture_gets_a_score_and_the_verdict_stays(desk, picture, tiny_model):
    desk.open(picture)
    before = desk.session.picture.examination
    desk.session.enhance(Enhancement())
    desk.run_until(lambda: bool(desk.session.enhanced and desk.session.enhanced.prediction))
    enhanced = desk.session.enhanced
    assert enhanced.pixels.shape == (96, 96, 3)
    assert enhanced.progress == 1.0
    assert enhanced.prediction == Detector(tiny_model).judge_pixels(enhanced.pixels)
    assert desk.session.picture.examination is before


def test_another_model_scores_the_enhanced_picture_too(desk, picture):
    desk.open(picture)
    desk.session.enhance(Enhancement(denoise=False))
    desk.run_until(lambda: bool(desk.session.enhanced and desk.session.enhanced.prediction))
    enhanced = desk.session.enhanced
    desk.session.choose_model(OTHER)
    desk.run_until(lambda: desk.session.model.card is not None)
    assert enhanced.prediction is None
    desk.run_until(lambda: enhanced.prediction is not None)
    assert enhanced.prediction == Detector(OTHER).judge_pixels(enhanced.pixels)


def test_a_model_that_enhances_what_it_sees_gives_no_score_of_an_enhanced_picture(desk, picture):
    desk.open(picture)
    detector = desk.session._detector
    detector.card = msgspec.structs.replace(
        detector.card, input=msgspec.structs.replace(detector.card.input, enhance=True)
    )
    desk.session.enhance(Enhancement(denoise=False))
    desk.run_until(lambda: desk.session.enhanced.pixels is not None)
    enhanced, arrived = desk.session.enhanced, []
    desk.session._judge.submit(lambda _: None, lambda _: arrived.append(1), desk.session._fail)
    desk.run_until(lambda: bool(arrived))
    assert enhanced.prediction is None


def test_enhancing_can_be_cancelled_and_leaves_nothing(desk, picture, monkeypatch):
    desk.open(picture)
    began = threading.Event()

    def endless(pixels, settings, *, progress, cancelled):
        from keras_detector.errors import Cancelled

        began.set()
        while not cancelled():
            pass
        raise Cancelled(expected="", received="", advice="")

    monkeypatch.setattr(session_module, "enhance", endless)
    desk.session.enhance(Enhancement())
    assert began.wait(10)
    desk.session.cancel_enhancing()
    assert desk.session.enhanced is None
    desk.open(picture)
    assert desk.session.enhanced is None
    assert desk.session.message is None


def test_the_enhanced_picture_is_saved_and_nothing_is_replaced_unasked(desk, picture, tmp_path):
    desk.open(picture)
    desk.session.enhance(Enhancement(denoise=False))
    desk.run_until(lambda: bool(desk.session.enhanced and desk.session.enhanced.prediction))
    out, enhanced = tmp_path / "large.png", desk.session.enhanced
    desk.session.save_enhanced(out, enhanced)
    assert desk.told() == out
    assert np.array_equal(decode(out), desk.session.enhanced.pixels)
    for ending in (".jpg", ".webp"):
        desk.session.save_enhanced(tmp_path / f"large{ending}", enhanced)
        assert desk.told() == tmp_path / f"large{ending}"
    before = picture.read_bytes()
    desk.session.save_enhanced(picture, enhanced)
    assert isinstance(desk.told(), SaveError)
    desk.session.save_enhanced(tmp_path / "large.gif", enhanced)
    assert isinstance(desk.told(), SaveError)
    assert picture.read_bytes() == before
    desk.session.save_enhanced(picture, enhanced, overwrite=True)
    assert desk.told() == picture
    assert decode(picture).shape == (96, 96, 3)


def test_the_verdict_is_saved_as_a_picture_and_as_a_page(desk, picture, tmp_path):
    desk.open(picture)
    desk.session.save_verdict(tmp_path / "verdict.png", TEXTS)
    assert desk.told() == tmp_path / "verdict.png"
    assert Image.open(tmp_path / "verdict.png").format == "PNG"
    desk.session.save_verdict(tmp_path / "russian.png", Texts("ru"))
    assert desk.told() == tmp_path / "russian.png"
    pictures = [(tmp_path / f"{name}.png").read_bytes() for name in ("verdict", "russian")]
    assert pictures[0] != pictures[1]
    desk.session.save_verdict(tmp_path / "verdict.html", TEXTS)
    assert desk.told() == tmp_path / "verdict.html"
    page = (tmp_path / "verdict.html").read_text(encoding="utf-8")
    score = f"{desk.session.picture.examination.prediction.score:.3f}"
    assert score in page
    assert "data:image/" in page
    desk.session.save_verdict(tmp_path / "russian.html", Texts("ru"))
    assert desk.told() == tmp_path / "russian.html"
    page = (tmp_path / "russian.html").read_text(encoding="utf-8")
    assert score.replace(".", ",") in page
    english, russian = read_texts("en"), read_texts("ru")
    for name in ("picture", "score", "threshold", "model", "meaning", "legend"):
        assert russian[f"verdict_page.{name}"] in page
        assert f">{english[f'verdict_page.{name}']}<" not in page
    desk.session.save_verdict(tmp_path / "folder" / ".." / "verdict.gif", TEXTS)
    assert isinstance(desk.told(), SaveError)


def test_the_list_is_exported(desk, tmp_path):
    folder = write_dataset(tmp_path / "set", 2)
    (folder / "broken.png").write_bytes(b"nothing")
    desk.session.open_paths([folder])
    desk.run_until(lambda: desk.session.pictures.stage is Stage.FINISHED)
    desk.session.save_list(tmp_path / "list.csv", TEXTS)
    assert desk.told() == tmp_path / "list.csv"
    assert len((tmp_path / "list.csv").read_text(encoding="utf-8-sig").splitlines()) == 6
    desk.session.save_list(tmp_path / "list.html", TEXTS)
    assert desk.told() == tmp_path / "list.html"
    assert "broken.png" in (tmp_path / "list.html").read_text(encoding="utf-8")
    desk.session.save_list(tmp_path / "russian.html", Texts("ru"))
    assert desk.told() == tmp_path / "russian.html"
    page = (tmp_path / "russian.html").read_text(encoding="utf-8")
    for key in ("page.title", "page.caution", "verdict.undetermined", "error_kind.unknown_format"):
        assert read_texts("ru")[key] in page
        assert read_texts("en")[key] not in page


def test_scores_are_those_of_the_library(desk, tiny_model, tmp_path):
    folder = write_dataset(tmp_path / "set", 10)
    desk.session.open_paths([folder])
    desk.run_until(lambda: desk.session.pictures.stage is Stage.FINISHED)
    detector = Detector(tiny_model)
    for entry in desk.session.pictures.entries:
        assert entry.examination.prediction == detector.judge(entry.path)


def test_check_prints_the_verdict_as_the_command_line_does(picture, tiny_model, capsys):
    from gui.__main__ import main
    from keras_detector.cli import main as command_line

    assert main(["--check", os.fspath(picture), "--model", os.fspath(tiny_model)]) == 0
    checked = json.loads(capsys.readouterr().out)
    assert command_line(["predict", "--json", os.fspath(picture), "--model", str(tiny_model)]) == 0
    assert json.loads(capsys.readouterr().out) == checked
    assert main(["--check", os.fspath(tiny_model), "--model", os.fspath(tiny_model)]) == 1
    assert json.loads(capsys.readouterr().out)["error"]
    assert main(["--check", os.fspath(picture), "--model", os.fspath(picture)]) == 3
    assert capsys.readouterr().err.startswith("error: ")


def test_a_hundred_sessions_leave_no_thread(tiny_model, picture):
    before = set(threading.enumerate())
    for _ in range(100):
        desk = Desk(tiny_model)
        desk.session.open(picture)
        assert desk.session.close()
    assert set(threading.enumerate()) == before


def test_pixels_of_a_pasted_picture_with_alpha_are_shown_over_white(desk):
    file = io.BytesIO()
    Image.new("RGBA", (40, 40), (0, 0, 0, 0)).save(file, "PNG")
    desk.session.open_bytes(file.getvalue())
    desk.run_until(desk.judged)
    assert desk.session.picture.picture.pixels.min() == 255
