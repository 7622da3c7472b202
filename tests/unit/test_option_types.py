"""Numbers on the command line, and what is said of those that are none."""

import argparse
from collections.abc import Callable

import pytest

from keras_detector.option_types import number, whole


@pytest.mark.parametrize(
    ("parse", "text", "value"),
    [
        (whole(1), "1", 1),
        (whole(1), "1000000", 1_000_000),
        (whole(0, 9), "9", 9),
        (number(0.0, 1.0), "0", 0.0),
        (number(0.0, 1.0), "1e-3", 0.001),
        (number(0.0, 9.0, above=True), "9", 9.0),
    ],
)
def test_what_lies_within_is_taken(parse: Callable[[str], float], text: str, value: float) -> None:
    assert parse(text) == value


@pytest.mark.parametrize(
    ("parse", "texts", "said"),
    [
        (whole(1), ["0", "-1", "1.5", "", "x"], "a whole number from 1 on is wanted"),
        (whole(0, 65_535), ["65536"], "a whole number from 0 to 65,535 is wanted"),
        (number(0.0, 1.0), ["1.1", "nan", "inf", "x"], "a number from 0 to 1 is wanted"),
        (number(0.0, 9.0, above=True), ["0", "-0"], "a number above 0 and at most 9 is wanted"),
    ],
)
def test_what_does_not_is_refused_in_words(
    parse: Callable[[str], float], texts: list[str], said: str
) -> None:
    for text in texts:
        with pytest.raises(argparse.ArgumentTypeError) as caught:
            parse(text)
        assert str(caught.value) == f"{text}: {said}"
