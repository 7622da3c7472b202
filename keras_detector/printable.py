"""Names of files as people can read them, whatever bytes they are made of."""

import os
from collections.abc import Sequence
from os import PathLike


def printable(name: str | PathLike[str]) -> str:
    r"""A path or file name that any UTF-8 terminal, log or JSON file can hold.

    Bytes that are not UTF-8 become `\xNN`; line breaks, terminal escapes and other characters that
    do not show become their Python escapes.

    Args:
        name: a path as the operating system gave it.
    """
    text = os.fsencode(name).decode("utf-8", "backslashreplace")
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode("ascii")
        for letter in text
    )


def examples(names: Sequence[str | PathLike[str]], at_most: int = 5) -> str:
    """The first few names, comma separated, and how many more there are."""
    shown = ", ".join(printable(name) for name in names[:at_most])
    more = len(names) - at_most
    return f"{shown} and {more:,} more" if more > 0 else shown
