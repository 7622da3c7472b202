"""Every text the app shows: one file for each language, beside this one."""

import locale
import logging
import tomllib
from importlib import resources
from string import Formatter
from typing import Literal

from keras_detector.errors import DetectorError, ErrorKind
from keras_detector.labels import Reason, Verdict
from keras_detector.report.texts import ERROR_KIND_TEXTS, PAGE_TEXTS, ReportTexts

LANGUAGES = ("en", "ru")
"""Codes (ISO 639-1) of the languages there are; the first one is for everybody else."""

_LOG = logging.getLogger(__name__)


class Texts:
    """The texts of one language.

    Args:
        language: one of `LANGUAGES`, or `"system"`.

    Example:
        >>> Texts("en")("list.progress", done=3, found=10)
        '3 of 10 pictures'
    """

    def __init__(self, language: str) -> None:
        self.language = system_language() if language == "system" else language
        self._texts = read_texts(self.language)

    def __call__(self, key: str, /, **values: object) -> str:
        """The text of that key (`section.name`), its placeholders filled in.

        Args:
            key: as the files have it; an unknown one is a defect, and raises KeyError.
            values: for the placeholders.
        """
        return self._texts[key].format(**values)

    def count(self, key: str, n: int, /, **values: object) -> str:
        """A text that depends on a number: the form of `key` that the language uses for `n`.

        The forms are `key.one`, `key.few` and `key.many` (CLDR's names); English has no `few`.
        """
        return self(f"{key}.{plural_form(self.language, n)}", n=n, **values)

    def number(self, value: float, digits: int) -> str:
        """A number with so many digits behind the point, or the comma, of the language."""
        text = f"{value:.{digits}f}"
        return text.replace(".", ",") if self.language == "ru" else text

    def duration(self, seconds: float) -> str:
        """A time as people say it, in one unit: 40 s, 3 min, 2 h."""
        if seconds < 60:
            return self("time.seconds", n=max(round(seconds), 1))
        minutes = seconds / 60
        if minutes < 90:
            return self("time.minutes", n=round(minutes))
        return self("time.hours", n=round(minutes / 60))

    def error(self, error: DetectorError) -> str:
        """An error as one or two sentences: what is wrong, and what to do."""
        key = f"error.{type(error).__name__}"
        if key not in self._texts:
            key = "error.DetectorError"
        received = self._texts.get(f"received.{error.received}", error.received)
        advice = self._texts.get(f"advice.{error.advice}", error.advice)
        return self(key, received=received, expected=error.expected, advice=advice)

    def of_report(self) -> ReportTexts:
        """The texts of the page on many pictures."""
        return ReportTexts(
            language=self.language,
            page={key: self._texts[f"page.{key}"] for key in PAGE_TEXTS},
            verdicts={verdict: self(f"verdict.{verdict}") for verdict in Verdict},
            reasons={reason: self(f"reason.{reason}") for reason in Reason},
            unreadable=self("verdict.unreadable"),
            error_kinds={kind: self(f"error_kind.{kind}") for kind in ErrorKind},
        )


def read_texts(language: str) -> dict[str, str]:
    """All texts of a language: `section.name` to text."""
    file = resources.files(__name__).joinpath(f"{language}.toml")
    sections = tomllib.loads(file.read_text(encoding="utf-8"))
    if language == "en":
        # What the library says in English is written there, and nowhere else.
        sections |= {"page": PAGE_TEXTS, "error_kind": ERROR_KIND_TEXTS}
    return dict(_flat(sections, ""))


def placeholders(text: str) -> set[str]:
    """Names of what is filled into a text."""
    return {name for _, name, _, _ in Formatter().parse(text) if name}


def plural_form(language: str, n: int) -> Literal["one", "few", "many"]:
    """Which form goes with a number (Unicode CLDR, cardinal rules for whole numbers)."""
    if language == "ru":
        if n % 10 == 1 and n % 100 != 11:
            return "one"
        return "few" if 2 <= n % 10 <= 4 and not 12 <= n % 100 <= 14 else "many"
    return "one" if n == 1 else "many"


def system_language() -> str:
    """The language of the system, where we have it; English elsewhere."""
    try:
        locale.setlocale(locale.LC_CTYPE, "")
        name = (locale.getlocale(locale.LC_CTYPE)[0] or "").lower()
    except (locale.Error, ValueError) as error:
        _LOG.info("no locale: %s", error)
        return LANGUAGES[0]
    # "ru_RU" on Linux and macOS, "Russian_Russia" on Windows
    return "ru" if name.startswith(("ru_", "russian")) or name == "ru" else LANGUAGES[0]


def _flat(section: dict[str, object], prefix: str) -> list[tuple[str, str]]:
    pairs: list[tuple[str, str]] = []
    for name, value in section.items():
        if isinstance(value, dict):
            pairs += _flat(value, f"{prefix}{name}.")
        else:
            pairs.append((f"{prefix}{name}", str(value)))
    return pairs
