"""Types of command line options: numbers within bounds, refused in words."""

import argparse
from collections.abc import Callable


def whole(least: int, most: int | None = None) -> Callable[[str], int]:
    """Makes an `argparse` type: whole numbers from `least` on, or up to and with `most`."""
    wanted = f"a whole number from {least:,} {'on' if most is None else f'to {most:,}'}"

    def parse(text: str) -> int:
        try:
            value = int(text)
        except ValueError as error:
            raise _refused(text, wanted) from error
        if value < least or (most is not None and value > most):
            raise _refused(text, wanted)
        return value

    return parse


def number(low: float, high: float, *, above: bool = False) -> Callable[[str], float]:
    """Makes an `argparse` type: numbers from `low` to `high`.

    Args:
        low: the least.
        high: the most.
        above: `low` itself is too low.
    """
    wanted = f"a number {f'above {low:g} and at most' if above else f'from {low:g} to'} {high:g}"

    def parse(text: str) -> float:
        try:
            value = float(text)
        except ValueError as error:
            raise _refused(text, wanted) from error
        if not low <= value <= high or (above and value == low):
            raise _refused(text, wanted)
        return value

    return parse


def _refused(text: str, wanted: str) -> argparse.ArgumentTypeError:
    return argparse.ArgumentTypeError(f"{text}: {wanted} is wanted")
