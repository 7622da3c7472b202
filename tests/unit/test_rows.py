"""A row says the same in every form, and can be read back."""

import json
import os
import pickle
from pathlib import Path
from typing import Any

import pytest

from keras_detector.detector import Prediction
from keras_detector.errors import ErrorKind, ImageError, UnreadableImageError
from keras_detector.labels import Label, Reason, Verdict
from keras_detector.rows import COLUMNS, Row

JUDGED = Row(
    Path(os.fsdecode(b"a\xff\n.png")),
    Prediction(
        verdict=Verdict.UNDETERMINED,
        label=Label.FAKE,
        score=0.1 + 0.2,
        threshold=0.25,
        model="m",
        reasons=(Reason.TOO_SMALL, Reason.UNCERTAIN),
    ),
)
FAILED = Row(
    Path("b.png"),
    UnreadableImageError(
        expected="a picture", received="none. None", advice="Do. It.", kind=ErrorKind.NOT_FOUND
    ),
)


@pytest.mark.parametrize("row", [JUDGED, FAILED])
def test_a_row_is_read_back_from_its_json(row: Row) -> None:
    text = row.to_json()
    assert text.isascii()
    assert "\n" not in text
    fields = json.loads(text)
    assert tuple(fields) == COLUMNS
    again = Row.from_builtins(fields | {"another": "key"})
    assert again.to_json() == text
    assert os.fsencode(again.path) == os.fsencode(row.path)
    if row is JUDGED:
        assert again == row
    else:
        assert isinstance(again.result, ImageError)
        assert str(again.result) == str(row.result)
        assert again.result.kind is ErrorKind.NOT_FOUND


@pytest.mark.parametrize(
    "change",
    [
        {"score": None},
        {"score": 1.5},
        {"score": "0.5"},
        {"verdict": "maybe"},
        {"label": "REAL"},
        {"path": 3},
        {"reasons": ["bad light"]},
        {"error": "x"},
        {"error": "x", "error_kind": "unheard"},
    ],
)
def test_what_is_no_row_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  # the message is msgspec's
        Row.from_builtins(JUDGED.to_builtins() | change)


def test_the_kind_of_an_error_survives_the_way_out_of_a_process() -> None:
    again = pickle.loads(pickle.dumps(FAILED.result))
    assert type(again) is UnreadableImageError
    assert (str(again), again.kind) == (str(FAILED.result), ErrorKind.NOT_FOUND)


def test_an_error_shows_no_escapes_on_a_terminal() -> None:
    error = ImageError(expected="a", received="\x1b[2J", advice="C.")
    assert "\x1b" not in Row(Path("a"), error).to_text()
