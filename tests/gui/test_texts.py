import ast
import re
from pathlib import Path

import pytest

from gui.texts import LANGUAGES, Texts, placeholders, plural_form, read_texts, system_language
from keras_detector import errors
from keras_detector.labels import REASON_TEXTS, UNREADABLE_TEXT, VERDICT_TEXTS, Reason, Verdict
from keras_detector.picture_files import Skipped
from keras_detector.report.texts import ENGLISH
from keras_detector.strictness import Strictness

ROOT = Path(__file__).parents[2]
KEYS = {"help.divider_keys", "help.rows_keys"}
FILES = re.compile(r".*\.(ico|png|log|json|keras|html|csv|toml)")
KEY = re.compile(r"[a-z_]+(\.[a-z_A-Z]+)+")


def test_every_language_has_the_same_keys_and_placeholders():
    english = read_texts("en")
    for language in LANGUAGES:
        texts = read_texts(language)
        assert texts.keys() == english.keys()
        for key, text in texts.items():
            if not key.startswith("error."):  # a translation need not repeat an English advice
                assert placeholders(text) == placeholders(english[key]), key
            assert placeholders(text) <= placeholders(english[key]), key
            assert text.strip() == text != "", key


def test_no_russian_text_was_left_in_english():
    english, russian = read_texts("en"), read_texts("ru")
    same = {key for key in english if english[key] == russian[key]}
    # Names, and keys of the keyboard, are the same in both.
    assert same <= {"app.title", "settings.language_en", "settings.language_ru", *KEYS}


def test_english_verdicts_are_those_of_the_library():
    texts = Texts("en")
    report = texts.of_report()
    assert (report.page, report.error_kinds) == (ENGLISH.page, ENGLISH.error_kinds)
    assert report.verdicts == VERDICT_TEXTS
    assert report.unreadable == UNREADABLE_TEXT
    for reason in Reason:
        assert texts(f"reason.{reason}").rstrip(".").lower() == REASON_TEXTS[reason]


@pytest.mark.parametrize("language", LANGUAGES)
def test_everything_there_is_has_a_text(language):
    texts = Texts(language)
    for key in (
        *(f"verdict.{verdict}" for verdict in Verdict),
        *(f"reason.{reason}" for reason in Reason),
        *(f"strictness.{strictness}" for strictness in Strictness),
        *(f"left_out.{s.name.lower()}" for s in Skipped if s is not Skipped.UNWANTED),
    ):
        assert texts(key)


def test_every_text_the_app_asks_for_exists():
    keys = read_texts("en").keys()
    sections = {key.partition(".")[0] for key in keys}
    asked, begun = set(), set()
    for path in (ROOT / "gui").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.JoinedStr) and isinstance(node.values[0], ast.Constant):
                begun.add(str(node.values[0].value))  # f"verdict.{verdict}"
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                asked.add(node.value)
    forms = {key.rpartition(".")[0] for key in keys}
    asked = {
        text
        for text in asked - begun
        if KEY.fullmatch(text) and text.partition(".")[0] in sections and not FILES.fullmatch(text)
    }
    assert len(asked) > 20
    assert {text for text in asked if text not in keys and text not in forms} == set()
    for text in begun:
        if text.partition(".")[0] in sections and text.partition(".")[2]:
            assert any(key.startswith(text) for key in keys), text


@pytest.mark.parametrize(
    ("n", "english", "russian"),
    [
        (0, "many", "many"),
        (1, "one", "one"),
        (2, "many", "few"),
        (5, "many", "many"),
        (11, "many", "many"),
        (12, "many", "many"),
        (21, "many", "one"),
        (22, "many", "few"),
        (111, "many", "many"),
    ],
)
def test_numbers_choose_the_form_as_cldr_says(n, english, russian):
    assert plural_form("en", n) == english
    assert plural_form("ru", n) == russian


def test_an_error_is_told_in_the_language_with_what_came():
    error = errors.UnreadableImageError(expected="x", received="no such file", advice="y.")
    assert Texts("en").error(error) == "The picture cannot be read: there is no such file."
    assert Texts("ru").error(error) == "Изображение не читается: такого файла нет."


def test_every_advice_that_has_a_translation_is_one_the_code_gives():
    given = {
        node.value
        for room in ("gui", "keras_detector")
        for path in (ROOT / room).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    texts = read_texts("en")
    assert {key.partition(".")[2] for key in texts if key.startswith("advice.")} <= given


def test_what_to_do_is_said_in_the_language_too():
    error = errors.SaveError(expected="x", received="y.webp", advice="Save it as PNG.")
    assert Texts("ru").error(error).endswith(": y.webp. Сохраните как PNG.")


@pytest.mark.parametrize("language", LANGUAGES)
def test_any_error_of_the_family_can_be_told(language):
    texts = Texts(language)
    kinds = [k for k in vars(errors).values() if isinstance(k, type)]
    family = [kind for kind in kinds if issubclass(kind, errors.DetectorError)]
    assert len(family) > 5
    for kind in family:
        told = texts.error(kind(expected="black", received="{white}", advice="Paint it."))
        assert "{white}" in told


@pytest.mark.parametrize(
    ("name", "language"),
    [("ru_RU", "ru"), ("Russian_Russia", "ru"), ("en_US", "en"), ("run_UG", "en"), (None, "en")],
)
def test_the_language_is_the_systems_where_we_have_it(monkeypatch, name, language):
    monkeypatch.setattr("locale.setlocale", lambda *_: "")
    monkeypatch.setattr("locale.getlocale", lambda *_: (name, "UTF-8"))
    assert system_language() == language


def test_an_unknown_locale_means_english(monkeypatch):
    import locale

    def broken(*_: object) -> str:
        raise locale.Error("unsupported locale setting")

    monkeypatch.setattr("locale.setlocale", broken)
    assert system_language() == "en"
