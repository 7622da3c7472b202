"""Everything that a user can do, through the widgets, on a screen that nobody sees."""

import gc
import json
import shutil
import sys
import threading
import time
import weakref
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from gui import dialogs, drop, saving
from gui.picture_list import Entry, Order, Stage
from gui.texts import read_texts
from keras_detector import images
from keras_detector.detector import default_model_path, shipped_models
from keras_detector.enhance import Enhancement
from keras_detector.errors import Cancelled, UnreadableImageError
from keras_detector.labels import VERDICT_TEXTS, Verdict
from keras_detector.strictness import Strictness
from tests.conftest import draw_picture, write_dataset
from tests.gui.conftest import MODEL

pytestmark = pytest.mark.gui
ROOT = Path(__file__).parents[2]


def save_picture(path: Path, *, fake: bool = True, size: int = 48, seed: int = 3) -> Path:
    Image.fromarray(draw_picture(np.random.default_rng(seed), fake=fake, size=size)).save(path)
    return path


@pytest.fixture
def picture(tmp_path):
    return save_picture(tmp_path / "picture.png")


@pytest.fixture
def app(start_app):
    return start_app()


def answer(monkeypatch, name, *answers):
    """Have a file dialog answer, one answer after the other; gives what it was asked with."""
    asked, left = [], list(answers)

    def dialog(*arguments):
        asked.append(arguments)
        return left.pop(0)

    monkeypatch.setattr(dialogs, name, dialog)
    return asked


def test_the_window_is_there_before_anything_else_is(start_app):
    app = start_app()
    assert app.root.winfo_ismapped()
    assert app.root.title() == "AI Image Classifier"
    assert "Drop a picture" in shown_texts(app.window.view)
    app.run_until(lambda: app.session.model.card is not None)


def test_a_desktop_knows_the_window_by_its_class(app):
    entry = (ROOT / "packaging" / "linux").glob("*.desktop")
    assert f"StartupWMClass={app.root.winfo_class()}\n" in next(entry).read_text(encoding="utf-8")


def test_every_shipped_model_can_be_chosen(app):
    assert set(shipped_models()) <= set(app.window.strictness.menu.menu.cget("values"))


def test_macos_opens_files_by_an_event(display, picture, monkeypatch):
    monkeypatch.setattr(drop, "sys", SimpleNamespace(platform="darwin"))
    commands, opened = {}, []
    keep = lambda _, name, call: commands.update({name: call})  # noqa: E731
    monkeypatch.setattr(drop.DropWindow, "createcommand", keep, raising=False)
    drop.DropWindow(opened.extend).destroy()
    commands["::tk::mac::OpenDocument"](str(picture))
    assert opened == [picture]


def shown_texts(canvas):
    texts = [canvas.itemcget(i, "text") for i in canvas.find_all() if canvas.type(i) == "text"]
    return " ".join(texts)


def test_pictures_of_the_command_line_are_opened(start_app, picture):
    app = start_app(picture)
    app.run_until(app.judged)
    assert app.opened.path == picture


def test_a_picture_is_opened_by_button_key_drop_and_clipboard(app, picture, monkeypatch):
    answer(monkeypatch, "ask_files", [picture], [picture], [])
    app.click(app.window.header.open)
    app.run_until(app.judged)
    assert app.opened.path == picture
    first = app.opened
    app.press("<Control-o>")
    assert app.opened is not first
    second = app.opened
    app.press("<Control-o>")
    assert app.opened is second  # the dialog was cancelled
    app.root._drop(SimpleNamespace(data=f"{{{picture}}}", action="copy"))
    app.run_until(lambda: app.opened is not second)
    third = app.opened
    app.root.clipboard_clear()
    app.root.clipboard_append(picture.as_uri())
    app.press("<Control-v>")
    app.run_until(lambda: app.opened is not third)
    assert app.opened.path == picture
    app.root.clipboard_clear()
    app.root.clipboard_append("just words")
    app.click(app.window.header.paste)
    assert app.window.bar.text == "The clipboard holds no picture."
    app.press("<Escape>")
    assert app.window.bar.text == ""


def test_pixels_of_the_clipboard_are_opened(app, picture, monkeypatch):
    monkeypatch.setattr("gui.commands.read_clipboard", lambda _: picture.read_bytes())
    app.press("<Control-v>")
    app.run_until(app.judged)
    assert app.opened.path is None
    assert app.opened.picture.pixels.shape == (48, 48, 3)
    monkeypatch.setattr("gui.commands.read_clipboard", lambda _: Image.new("RGB", (70, 50)))
    app.press("<Control-v>")
    app.run_until(lambda: app.opened.picture and app.judged())
    assert app.opened.picture.pixels.shape == (50, 70, 3)


def test_the_picture_before_is_never_shown_under_the_name_of_the_next(
    app, picture, tmp_path, monkeypatch
):
    app.open(picture)
    gate, title = threading.Event(), app.window.picture_bar._title
    opening = images.open_picture
    monkeypatch.setattr(images, "open_picture", lambda p: gate.wait(20) and opening(p))
    other = save_picture(tmp_path / "other.png", size=70, seed=4)
    app.session.open(other)
    app.run_until(lambda: not app.app._changed)
    assert app.window.view.has_picture
    assert title.cget("text").startswith("picture.png")
    app.run_until(lambda: not app.window.view.has_picture, seconds=5)
    app.settle()
    assert "Opening ..." in shown_texts(app.window.view)
    assert title.cget("text") == "other.png"
    gate.set()
    app.run_until(lambda: app.window.view.has_picture)
    assert title.cget("text").startswith("other.png   70 x 70")


def test_a_picture_is_opened_while_another_one_is_enhanced(app, picture, tmp_path, monkeypatch):
    gate = threading.Event()
    monkeypatch.setattr("gui.session.enhance", lambda *_, **__: gate.wait(20))
    app.open(picture)
    app.session.enhance(Enhancement(denoise=False))
    app.session.open(save_picture(tmp_path / "other.png", seed=4))
    app.run_until(app.judged, seconds=10)
    gate.set()


def test_a_large_picture_is_whole_then_zoomed_and_panned(app, tmp_path):
    app.open(save_picture(tmp_path / "large.png", size=2000))
    view = app.window.view
    port = view.viewport
    assert port.is_whole
    assert port.scale == pytest.approx((view.winfo_height() - 32) / 2000)
    assert port.seen().box == (0.0, 0.0, 1.0, 1.0)
    app.press("<plus>")
    assert port.scale == pytest.approx(1.25 * port.whole_scale)
    app.press("<Key-1>")
    assert port.scale == 1.0
    app.press("<Button-4>", view)
    assert port.scale == 1.25
    before = port.seen().box
    view.event_generate("<ButtonPress-1>", x=300, y=300)
    view.event_generate("<B1-Motion>", x=350, y=320)
    view.event_generate("<ButtonRelease-1>", x=350, y=320)
    app.settle()
    left, top, *_ = port.seen().box
    assert before[0] - left == pytest.approx(50 / 1.25 / 2000, abs=1e-3)
    assert before[1] - top == pytest.approx(20 / 1.25 / 2000, abs=1e-3)
    app.press("<Right>", view)
    assert port.seen().box[0] > left
    app.click(app.window.picture_bar.buttons["zoom_fit"])
    assert port.is_whole
    app.press("<Key-0>")
    assert port.is_whole


@pytest.mark.parametrize(
    ("band", "verdict"),
    [((0.0, 1.0), Verdict.UNDETERMINED), ((0.5, 0.5), Verdict.FAKE), ((0.5, 0.5), Verdict.REAL)],
)
def test_the_verdict_is_said_in_words_with_sign_and_score(app, picture, band, verdict):
    app.open(picture)
    decided = SimpleNamespace(
        verdict=verdict,
        score=0.731,
        threshold=0.5,
        reasons=("uncertain", "too_small") if verdict is Verdict.UNDETERMINED else (),
    )
    app.session.decide = lambda _: decided
    panel = app.window.verdict
    panel.show()
    app.settle()
    assert panel.verdict.cget("text") == VERDICT_TEXTS[verdict]
    assert panel.score.cget("text") == "Score 0.73"
    reasons = panel.reasons.cget("text") if panel.reasons.winfo_ismapped() else ""
    assert ("wrong too often" in reasons) == bool(decided.reasons)
    assert "threshold 0." in shown_texts(panel.scale)
    assert app.session.model.card.name in panel.cost.cget("text")
    assert "of 100 photographs" in panel.cost.cget("text")


def test_the_heatmap_lies_over_the_picture_at_every_opacity(app, picture):
    app.open(picture)
    panel, view = app.window.verdict, app.window.view
    plain = view._picture(view._original)
    app.press("<h>")
    app.run_until(lambda: app.window.layers.heatmap is not None)
    app.settle()
    assert panel.heatmap.is_on
    drawn = view._picture(view._original)
    assert drawn.size == plain.size
    assert np.asarray(drawn).tobytes() != np.asarray(plain).tobytes()
    panel.opacity_slider.focus_set()
    for _ in range(30):
        app.press("<Left>", panel.opacity_slider)
    assert view.opacity == 0.0
    grey = np.asarray(view._picture(view._original)).astype(int)
    assert (grey.max(axis=2) - grey.min(axis=2)).max() <= 1
    app.press("<h>")
    assert view._picture(view._original).tobytes() == plain.tobytes()


def test_strictness_is_chosen_by_what_it_costs_and_remembered(app, picture, tmp_path):
    app.open(picture)
    panel = app.window.strictness
    for level in Strictness:
        assert "of fakes" in panel.costs[level].cget("text")
    app.click(panel.levels[Strictness.SENSITIVE].button)
    assert app.session.strictness is Strictness.SENSITIVE
    panel.levels[Strictness.CAUTIOUS].focus_set()
    app.press("<space>", panel.levels[Strictness.CAUTIOUS])
    assert app.session.strictness is Strictness.CAUTIOUS
    saved = json.loads((tmp_path / "config/AIImageClassifier/settings.json").read_bytes())
    assert saved["strictness"] == "cautious"


def test_a_file_that_is_no_model_is_refused_in_a_sentence(app, picture, monkeypatch):
    app.run_until(lambda: app.session.model.card is not None)
    answer(monkeypatch, "ask_files", [picture])
    menu = app.window.strictness.menu.menu
    assert menu.get() == "cnn32"
    menu._dropdown_callback(menu.cget("values")[-1])
    app.run_until(lambda: app.window.bar.text)
    assert app.window.bar.text.startswith("This is no model that can be used here")
    assert app.session.model.path == MODEL
    assert menu.get() == "cnn32"
    app.click(app.window.strictness.more)
    assert app.window.strictness.limits.winfo_manager()


def test_before_and_after_with_a_divider_for_mouse_and_keys(app, picture):
    app.open(picture)
    panel, view = app.window.enhance, app.window.view
    panel.luminance.slider.set(5)
    assert panel.settings().luminance_strength == 5
    app.press("<Control-e>")
    app.run_until(lambda: app.session.enhanced and app.session.enhanced.prediction)
    app.run_until(lambda: app.window.layers.enhanced is not None)
    app.settle()
    assert "before" in shown_texts(view)
    assert "The enhanced picture scores" in app.window.verdict.enhanced.cget("text")
    x = round(view._divider_x())
    view.event_generate("<ButtonPress-1>", x=x, y=200)
    view.event_generate("<B1-Motion>", x=x + 10, y=200)
    view.event_generate("<ButtonRelease-1>", x=x + 10, y=200)
    app.settle()
    assert view._divider_x() == pytest.approx(x + 10, abs=1)
    moved = view.divider
    view.focus_set()
    app.press("<Left>", view)
    assert view.divider == pytest.approx(moved - 0.02)
    app.press("<Escape>")
    assert app.session.enhanced is None
    assert "before" not in shown_texts(view)


def test_nothing_to_enhance_and_no_choice_cannot_be_started(app, picture):
    panel = app.window.enhance
    assert panel.start.cget("state") == "disabled"
    app.open(picture)
    assert panel.start.cget("state") == "normal"
    app.click(panel.denoise.box)
    app.click(panel.double.box)
    assert panel.start.cget("state") == "disabled"
    assert "Choose at least one" in panel._status.cget("text")


@pytest.mark.parametrize(("language", "words"), [("en", "Do not double it"), ("ru", "вдвое")])
def test_a_picture_too_large_to_double_is_said_to_be(
    start_app, picture, monkeypatch, language, words
):
    monkeypatch.setattr("keras_detector.enhance.MAX_PIXELS", 4 * 48 * 48 - 1)
    app = start_app(language=language)
    app.open(picture)
    app.press("<Control-e>")
    app.run_until(lambda: app.window.bar.text, seconds=10)
    assert words in app.window.bar.text
    assert "48 x 48" in app.window.bar.text
    assert app.session.enhanced is None


def test_no_error_of_the_session_is_kept_back(app, picture):
    app.session.report_error(UnreadableImageError(expected="a", received="odd", advice="b."))
    app.settle()
    assert app.window.bar.text == "The picture cannot be read: odd."


def test_enhancing_shows_progress_and_can_be_cancelled(app, picture, monkeypatch):
    stopped = threading.Event()

    def endless(pixels, settings, *, progress, cancelled):
        progress(0.4)
        while not cancelled():
            time.sleep(0.001)
        stopped.set()
        raise Cancelled(expected="", received="", advice="")

    monkeypatch.setattr("gui.session.enhance", endless)
    app.open(picture)
    panel = app.window.enhance
    app.click(panel.start)
    app.run_until(lambda: panel.progress.get() == pytest.approx(0.4))
    assert panel.progress.winfo_manager()
    assert panel.start.cget("text") == "Cancel"
    app.click(panel.start)
    assert app.session.enhanced is None
    assert panel.start.cget("text") == "Enhance"
    assert stopped.wait(10)


def test_the_enhanced_picture_is_saved_and_the_original_only_when_agreed(
    app, picture, tmp_path, monkeypatch
):
    app.open(picture)
    app.click(app.window.enhance.denoise.box)
    app.click(app.window.enhance.start)
    app.run_until(lambda: app.session.enhanced and app.session.enhanced.prediction)
    asked = answer(
        monkeypatch, "ask_new_file", None, tmp_path / "new.webp", picture, picture, picture
    )
    app.press("<Control-s>")
    assert asked[0][-1] == "picture-enhanced.png"
    app.press("<Control-s>")
    app.run_until(lambda: app.window.bar.text)
    assert app.window.bar.text == f"Saved: {tmp_path / 'new.webp'}"
    assert Image.open(tmp_path / "new.webp").size == (96, 96)
    before = picture.read_bytes()
    app.click(app.window.enhance.save)
    assert "is the original picture" in app.window.bar.text
    replace, keep = (
        next(b for b in app.window.bar.buttons if b.cget("text") == text)
        for text in ("Replace", "Keep")
    )
    assert replace.winfo_rootx() < keep.winfo_rootx()
    app.click(keep)
    assert picture.read_bytes() == before
    assert app.window.bar.text == ""
    app.click(app.window.enhance.save)
    app.click(next(b for b in app.window.bar.buttons if b.cget("text") == "Replace"))
    app.run_until(lambda: app.window.bar.text.startswith("Saved"))
    assert Image.open(picture).size == (96, 96)


def ask_to_replace(app, picture, monkeypatch):
    """Enhance a picture and ask to save it over itself; gives the two buttons of the question."""
    app.open(picture)
    app.click(app.window.enhance.denoise.box)
    app.click(app.window.enhance.start)
    app.run_until(lambda: app.session.enhanced and app.session.enhanced.prediction)
    answer(monkeypatch, "ask_new_file", picture)
    app.click(app.window.enhance.save)
    buttons = {button.cget("text"): button for button in app.window.bar.buttons}
    return buttons["Keep"], buttons["Replace"]


def test_the_harmless_answer_has_the_focus(app, picture, monkeypatch):
    before = picture.read_bytes()
    keep, _ = ask_to_replace(app, picture, monkeypatch)
    assert app.root.focus_get() is keep
    app.press("<Return>", keep)
    assert app.window.bar.text == ""
    assert picture.read_bytes() == before


def test_replace_never_writes_another_picture(app, picture, tmp_path, monkeypatch):
    _, replace = ask_to_replace(app, picture, monkeypatch)
    app.session.open(save_picture(tmp_path / "other.png", size=70, seed=4))
    replace.invoke()  # pressed before the question is taken away: it is still about the first one
    app.run_until(lambda: app.window.bar.text.startswith("Saved"))
    assert Image.open(picture).size == (96, 96)


def test_a_question_goes_when_another_picture_comes(app, picture, tmp_path, monkeypatch):
    ask_to_replace(app, picture, monkeypatch)
    app.open(save_picture(tmp_path / "other.png", seed=4))
    assert app.window.bar.text == ""
    assert app.window.bar.buttons == []


def test_a_path_that_the_system_refuses_opens_and_saves_nothing_and_says_so(
    start_app, picture, tmp_path, monkeypatch
):
    refused = tmp_path / ("long" * 100 + ".png")
    app = start_app(last_folder=str(refused))
    app.window.commands.open_paths([refused])
    app.run_until(app.judged)
    assert isinstance(app.opened.error, UnreadableImageError)
    asked = answer(monkeypatch, "ask_files", [])
    app.press("<Control-o>")
    assert asked[0][-1] == str(tmp_path)
    app.open(picture)
    app.session.enhance(Enhancement(denoise=False))
    app.run_until(lambda: app.session.enhanced and app.session.enhanced.pixels is not None)
    answer(monkeypatch, "ask_new_file", refused)
    app.press("<Control-s>")
    app.run_until(lambda: app.window.bar.text, seconds=10)
    assert app.window.bar.text.startswith("Not saved")


def test_a_remembered_model_that_the_system_refuses_does_not_keep_the_app_from_starting(start_app):
    app = start_app(model=None, remembered_model=f"/{'long' * 100}.keras")
    app.run_until(lambda: app.session.model.card is not None)
    assert app.session.model.path == default_model_path()
    app.settle()
    assert app.window.bar.text.startswith("The model chosen last cannot be used")


@pytest.mark.parametrize("language", ["en", "ru"])
def test_an_ending_that_says_no_format_is_answered_by_those_that_do(
    start_app, picture, tmp_path, monkeypatch, language
):
    app = start_app(language=language)
    app.open(picture)
    app.session.enhance(Enhancement(denoise=False))
    app.run_until(lambda: app.session.enhanced and app.session.enhanced.pixels is not None)
    answer(monkeypatch, "ask_new_file", tmp_path / "foo.bmp")
    app.press("<Control-s>")
    assert ".png, .jpg, .jpeg, .webp" in app.window.bar.text
    assert "foo.bmp" in app.window.bar.text
    assert not (tmp_path / "foo.bmp").exists()


def test_the_verdict_is_saved(app, picture, tmp_path, monkeypatch):
    app.open(picture)
    answer(monkeypatch, "ask_new_file", tmp_path / "v.html", tmp_path / "v.png")
    app.press("<Control-Shift-S>")
    app.run_until(lambda: (tmp_path / "v.html").exists())
    score = f"{app.opened.examination.prediction.score:.3f}"
    page = (tmp_path / "v.html").read_text(encoding="utf-8")
    assert score in page
    assert "data:image/png" in page
    app.click(app.window.verdict.save)
    app.run_until(lambda: (tmp_path / "v.png").exists())


def test_a_folder_becomes_a_list_that_is_sorted_opened_and_exported(app, tmp_path, monkeypatch):
    folder = write_dataset(tmp_path / "set", 12)
    (folder / "broken.png").write_bytes(b"nothing")
    (folder / "notes.txt").touch()
    answer(monkeypatch, "ask_folder", folder)
    app.press("<Control-Shift-O>")
    pictures = app.session.pictures
    app.run_until(lambda: pictures.stage is Stage.FINISHED)
    app.settle()
    panel = app.window.list
    assert app.window.is_list_shown
    assert panel.status.cget("text") == "25 pictures, 1 unreadable, some files left out"
    assert "notes.txt" in panel.left_out.text
    assert panel.rows.count == 25
    app.click(panel.heads[Order.SCORE])
    scores = [e.examination.prediction.score for e in panel._entries if e.examination]
    assert scores == sorted(scores, reverse=True)
    assert panel._entries[-1].error is not None
    app.click(panel.heads[Order.NAME])
    app.click(panel.heads[Order.NAME])
    names = [e.path for e in panel._entries]
    assert names == sorted(names, reverse=True)
    panel.rows.focus_set()
    app.press("<Down>", panel.rows)
    app.press("<Return>", panel.rows)
    assert not app.window.is_list_shown
    assert app.opened.path == names[1]
    app.run_until(app.judged)
    app.settle()
    assert app.window.header.list.winfo_ismapped()
    app.press("<Control-l>")
    assert app.window.is_list_shown
    rows = panel.rows
    rows.event_generate("<ButtonRelease-1>", x=200, y=10)
    app.settle()
    assert app.opened.path == names[0]
    app.press("<Escape>")
    assert app.window.is_list_shown
    answer(monkeypatch, "ask_new_file", tmp_path / "list.csv", tmp_path / "list.html")
    app.press("<Control-s>")
    app.run_until(lambda: (tmp_path / "list.csv").exists())
    assert len((tmp_path / "list.csv").read_text(encoding="utf-8-sig").splitlines()) == 26
    app.click(panel.export)
    app.run_until(lambda: (tmp_path / "list.html").exists())


def test_a_list_that_went_on_behind_a_picture_is_shown_as_it_is(app, tmp_path):
    gate, pictures = threading.Event(), app.session.pictures
    examine = pictures._examine
    pictures._examine = lambda path: gate.wait(20) and examine(path)
    pictures.open([write_dataset(tmp_path / "set", 2)])
    app.run_until(lambda: pictures.stage is Stage.JUDGING)
    panel = app.window.list
    app.click(panel.heads[Order.SCORE])
    app.window._open_entry(pictures.entries[0])
    app.settle()
    assert not app.window.is_list_shown
    gate.set()
    app.run_until(lambda: pictures.stage is Stage.FINISHED)
    app.settle()
    app.press("<Control-l>")
    assert panel.status.cget("text") == "4 pictures, 0 unreadable"
    assert panel.progress.get() == 1.0
    assert panel.cancel.cget("state") == "disabled"
    scores = [entry.examination.prediction.score for entry in panel._entries]
    assert scores == sorted(scores, reverse=True)


def test_a_list_can_be_cancelled(app, tmp_path):
    pictures = app.session.pictures
    examine = pictures._examine

    def slowly(path):
        time.sleep(0.05)
        return examine(path)

    pictures._examine = slowly
    app.root._drop(SimpleNamespace(data=str(write_dataset(tmp_path / "set", 60)), action="copy"))
    app.run_until(lambda: app.session.pictures.done > 2)
    app.settle()
    assert "of 120 pictures" in app.window.list.status.cget("text")
    app.click(app.window.list.cancel)
    assert app.session.pictures.stage is Stage.CANCELLED
    done = app.session.pictures.done
    app.settle()
    assert app.session.pictures.done == done
    assert app.window.list.status.cget("text").startswith("Cancelled after")


def test_ten_thousand_rows_are_a_few_items(app, tmp_path):
    pictures = app.session.pictures
    pictures.entries = [Entry(tmp_path / f"{n:05}.jpg") for n in range(10_000)]
    pictures.stage = Stage.CANCELLED
    app.window.show_list(True)
    app.window.list.show()
    app.settle()
    rows = app.window.list.rows
    assert rows.count == 10_000
    assert len(rows.find_all()) < 200
    rows.focus_set()
    app.press("<End>", rows)
    assert "09999.jpg" in shown_texts(rows)
    rows.yview("moveto", "0.5")
    app.settle()
    assert "05000.jpg" in shown_texts(rows)
    app.press("<Home>", rows)
    assert "00000.jpg" in shown_texts(rows)


def test_language_and_theme_change_while_it_runs_and_are_remembered(app, picture, tmp_path):
    app.open(picture)
    app.press("<Control-comma>")
    sheet = app.window._sheet
    assert sheet.winfo_ismapped()
    theme, language = (w for w in sheet.winfo_children() if hasattr(w, "buttons"))
    light = app.window.view.cget("bg")
    theme.focus_set()
    app.press("<Right>", theme)
    assert app.window.view.cget("bg") != light
    language.buttons._command("Русский")
    before, russian = app.window, read_texts("ru")
    app.run_until(lambda: app.window is not before)
    assert app.root.title() == russian["app.title"]
    assert app.window.verdict.save.cget("text") == russian["save.report"]
    app.run_until(lambda: app.window.view.has_picture)
    app.app.close()
    saved = json.loads((tmp_path / "config/AIImageClassifier/settings.json").read_bytes())
    assert (saved["theme"], saved["language"]) == ("dark", "ru")
    assert (saved["width"], saved["height"]) == (1200, 820)


def test_another_language_changes_nothing_but_the_words(app, picture, tmp_path):
    app.open(picture)
    app.session.pictures.open([write_dataset(tmp_path / "set", 2)])
    app.run_until(lambda: app.session.pictures.stage is Stage.FINISHED)
    app.settle()
    before = app.window
    app.click(before.list.heads[Order.SCORE])
    before.verdict.heatmap.box.select()
    before.verdict.opacity_slider.move_to(0.25)
    before.enhance.choose(Enhancement(luminance_strength=5.0, colour_strength=7.0, double=False))
    app.run_until(lambda: before.layers.original is not None)
    app.app._choose_language("ru")
    app.run_until(lambda: app.window is not before)
    app.settle()
    assert app.window.is_list_shown
    assert app.window.list._order is Order.SCORE
    assert app.window.verdict.heatmap.is_on
    assert app.window.verdict.opacity == pytest.approx(0.25)
    assert app.window.view.opacity == pytest.approx(0.25)
    settings = app.window.enhance.settings()
    assert (settings.luminance_strength, settings.colour_strength) == (5.0, 7.0)
    assert settings.denoise
    assert not settings.double
    assert before.layers.original is None


def test_a_closed_window_lets_go_of_its_pictures_and_model(start_app, picture):
    running = start_app()
    running.session.open(picture)  # its verdict may come after the window is gone
    gone = weakref.ref(running.session)
    running.app.close()
    assert running.app.ended
    gc.collect()
    assert gone() is None


def test_the_wheel_in_a_window_of_tk_itself_is_no_matter_of_ours(start_app):
    if sys.platform != "linux":
        pytest.skip("elsewhere the dialogs are the system's")
    app = start_app(width=640, height=400)
    app.press("<F1>")
    app.root.tk.call("toplevel", ".dialog")
    app.run_until(lambda: app.root.tk.call("winfo", "viewable", ".dialog"))
    for wheel in ("<Button-4>", "<Button-5>"):
        app.root.tk.call("event", "generate", ".dialog", wheel)
    app.settle()
    app.root.tk.call("destroy", ".dialog")
    assert app.window.bar.text == ""


def test_help_lists_every_shortcut_and_escape_closes_it(app):
    app.press("<F1>")
    sheet = app.window._sheet
    assert sheet.winfo_ismapped()
    app.press("<Escape>")
    assert not sheet.winfo_exists()


def test_tab_reaches_every_control_and_shows_where_it_is(app, picture):
    app.open(picture)
    window = app.window
    wanted = [
        window.header.open,
        window.header.open_folder,
        window.header.paste,
        window.header.settings,
        window.header.help,
        window.view,
        *window.picture_bar.buttons.values(),
        window.verdict.heatmap,
        window.verdict.save,
        *window.strictness.levels.values(),
        window.strictness.menu,
        window.strictness.more,
        window.enhance.denoise,
        window.enhance.luminance,
        window.enhance.colour,
        window.enhance.double,
        window.enhance.start,
        window.enhance.save,
    ]
    app.root.focus_set()
    visited = []
    widget = app.root
    for _ in range(60):
        widget = widget.tk_focusNext()
        if widget in visited:
            break
        visited.append(widget)
        widget.focus_set()
    missing = [w for w in wanted if w not in visited]
    # A disabled button is passed over only where it is disabled.
    assert not missing
    button = window.header.open
    button.focus_set()
    app.settle()
    assert button.cget("border_width") == 2
    window.header.paste.focus_set()
    app.settle()
    assert button.cget("border_width") == 0
    app.root.geometry("1000x420")
    app.settle()
    for control in (window.enhance.start, window.verdict.save):
        control.focus_set()
        app.settle()
        column = window.enhance.master._parent_canvas
        below = control.winfo_rooty() - column.winfo_rooty()
        assert 0 <= below <= column.winfo_height() - control.winfo_height()


def test_an_unreadable_picture_is_said_in_the_window(app, tmp_path):
    (tmp_path / "bad.jpg").write_bytes(b"\xff\xd8\xff nonsense")
    app.open(tmp_path / "bad.jpg")
    assert app.window.verdict.verdict.cget("text") == "CANNOT READ"
    assert "cannot be read" in shown_texts(app.window.view)


def test_without_a_model_a_picture_that_was_read_is_not_called_unreadable(
    start_app, picture, tmp_path
):
    app = start_app(model=tmp_path / "missing.keras")
    app.open(picture)
    assert app.window.verdict.verdict.cget("text") == "NO VERDICT"
    assert app.window.verdict.reasons.cget("text").startswith("There is no model to judge with")


def test_an_exception_goes_to_the_log_and_to_the_bar(app, caplog):
    app.root.after(1, lambda: 1 / 0)
    app.run_until(lambda: app.window.bar.text)
    app.settle()
    assert "Something went wrong" in app.window.bar.text
    assert "ZeroDivisionError" in caplog.text
    app.click(app.window.bar.close)
    assert app.window.bar.text == ""


def test_a_narrow_window_keeps_every_button(start_app):
    app = start_app(width=640, height=400)
    header = app.window.header
    assert header.paste.cget("text") == ""
    assert header.help.winfo_rootx() + header.help.winfo_width() <= 640
    app.root.geometry("1200x800")
    app.run_until(lambda: header.paste.cget("text") == "Paste")


def test_closing_ends_every_thread(start_app, picture):
    before = {thread for thread in threading.enumerate() if not thread.daemon}
    app = start_app(picture)
    app.run_until(app.judged)
    app.press("<Control-q>")
    assert app.app.ended
    names = {thread.name for thread in threading.enumerate()}
    assert not names & {"judge", "opener", "helper", "saver", "view", "import"}
    assert {thread for thread in threading.enumerate() if not thread.daemon} == before


def test_a_model_whose_path_is_not_utf_8_is_used_and_the_window_closes(start_app, tmp_path):
    folder = tmp_path / "mod\udce8le"
    try:
        folder.mkdir()
    except OSError:
        pytest.skip("this file system wants names in UTF-8")
    model = shutil.copy(MODEL, folder)
    app = start_app(model=Path(model))
    app.run_until(lambda: app.session.model.card is not None)
    app.window.commands.choose_model(Path(model))
    app.settle()
    app.run_until(lambda: app.session.model.card is not None)
    app.settle()
    app.app.close()
    assert app.app.ended


def test_whatever_goes_wrong_with_the_memory_the_window_closes(app, monkeypatch):
    monkeypatch.setattr("gui.app.save_settings", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        app.app.close()
    assert app.app.ended


def test_a_model_named_like_a_shipped_one_does_not_hide_it(start_app, tmp_path):
    app = start_app(model=Path(shutil.copy(MODEL, tmp_path)))
    app.run_until(lambda: app.session.model.card is not None)
    app.settle()
    menu = app.window.strictness.menu.menu
    assert menu.get() == f"cnn32 ({tmp_path.name})"
    assert menu.cget("values").count("cnn32") == 1
    menu._dropdown_callback("cnn32")
    app.run_until(lambda: app.session.model.path == MODEL)
    app.settle()
    assert menu.get() == "cnn32"


def test_only_a_model_that_was_chosen_in_the_app_is_remembered(start_app, tmp_path, monkeypatch):
    other = shutil.copy(MODEL, tmp_path / "other.keras")
    monkeypatch.chdir(tmp_path)
    app = start_app(model=Path("other.keras"), remembered_model="/chosen/before.keras")
    app.run_until(lambda: app.session.model.card is not None)
    app.settle()
    app.window.commands.choose_strictness(Strictness.CAUTIOUS)
    app.settle()
    assert app.app.settings.model == "/chosen/before.keras"
    for chosen, remembered in ((Path("other.keras"), str(other)), (default_model_path(), "")):
        app.window.commands.choose_model(chosen)
        app.run_until(lambda: app.session.model.card is not None)
        app.settle()
        assert app.app.settings.model == remembered


@pytest.fixture
def slow_save(monkeypatch):
    """Saving an enhanced picture waits until this is set."""
    gate = threading.Event()
    encode = saving.encode_picture

    def slowly(*arguments):
        assert gate.wait(20)
        return encode(*arguments)

    monkeypatch.setattr(saving, "encode_picture", slowly)
    yield gate
    gate.set()


def save_and_close(app, picture, out):
    app.open(picture)
    app.session.enhance(Enhancement(denoise=False))
    app.run_until(lambda: app.session.enhanced and app.session.enhanced.pixels is not None)
    app.session.save_enhanced(out, app.session.enhanced)
    app.app.close()
    app.settle()
    assert not app.root.winfo_viewable()
    app.app.close()  # once more changes nothing


def test_what_is_being_saved_is_written_before_the_app_ends(app, picture, tmp_path, slow_save):
    out = tmp_path / "saved" / "large.png"
    out.parent.mkdir()
    save_and_close(app, picture, out)
    slow_save.set()
    app.run_until(lambda: app.app._is_closed)
    assert app.app.ended
    assert Image.open(out).size == (96, 96)
    assert list(out.parent.iterdir()) == [out]


def test_a_save_that_fails_brings_the_closed_window_back(app, picture, tmp_path, slow_save):
    out = tmp_path / "gone" / "large.png"
    out.parent.mkdir()
    save_and_close(app, picture, out)
    out.parent.rmdir()
    out.parent.write_bytes(b"a file where the folder was")
    slow_save.set()
    app.run_until(app.root.winfo_viewable)
    app.settle()
    assert app.window.bar.text.startswith("Not saved")
    assert not app.app._is_closed


def test_a_save_that_never_ends_does_not_hold_the_app_for_ever(
    app, picture, tmp_path, slow_save, monkeypatch
):
    monkeypatch.setattr("gui.app._SAVE_LONGEST", 1.0)
    out = tmp_path / "large.png"
    part = tmp_path / ".large.png.12345678.part"
    part.write_bytes(b"half of it")
    save_and_close(app, picture, out)
    app.run_until(lambda: app.app._is_closed)
    assert not part.exists()
    slow_save.set()
    app.app.ended = True  # what the fixture asks: the thread was waited for in vain
